"""
The Conversations events contract: one host for all, the service posts for whoever is in the chat.

    GET  /api/v2/conversations/{id}          who is in it, and whether it is a live chat
    POST /api/v2/conversations/{id}/events   one message, answered with 201 and the event's id

It gives no way to read messages back, so a lost answer stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any

from . import ids
from .answers import Answer
from .chats import read_conversation
from .checks import checked, finds_users, reads_conversations
from .client import Genesys, Outgoing
from .errors import AuthError, NotOffered, OutcomeUnknown, Refused
from .ids import NOBODY
from .json_values import text_of
from .nouns import Accepted, Check, Conversation, Participant, Sender, Template
from .tokens import Token, Tokens, no_token
from .transport import UNCONFIRMED, Patience, Transport
from .verify import require_live, require_one_agent, require_present

LONGEST_TEXT = 4000  # what Genesys' chats take; the contract itself names no limit


class EventsTokens(Tokens):
    """The service's token and, where there is a key to sign for them, those of people."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        *,
        client: tuple[str, str],
        jwt_key: str | None,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(self._ask, now)
        self._transport = transport
        self._url = url
        self._client = client
        self._jwt_key = jwt_key

    @property
    def signs_for_people(self) -> bool:
        return self._jwt_key is not None

    def assertion(self, user_id: str) -> str:
        """Signed proof that the client acts for this user. Raises AuthError if the key cannot sign."""
        from . import grants  # Authlib: not needed to import this package

        try:
            return grants.sign(
                self._jwt_key or "",
                client_id=self._client[0],
                user_id=user_id,
                url=self._url,
                now=self._now(),
            )
        except ValueError as exc:
            raise AuthError(
                f"The key that signs in for people is {exc}, which the operator has to repair. "
                "Nothing was sent, and trying again will not help."
            ) from exc

    def _ask(self, principal: str | None, patience: Patience) -> Token:
        from . import grants

        def request() -> Any:
            if principal is None:
                return grants.client_credentials(self._transport, self._url, *self._client, in_form=True)
            return grants.jwt_bearer(self._transport, self._url, self.assertion(principal))

        answer = self._transport.read(request, patience)
        if answer.ok:
            return Token.of(answer.body or {}, self._now())
        if principal is None:
            raise no_token(answer, check="client id, client secret and host")
        what = "let the bot act for this person"
        raise no_token(answer, what=what, check="JWT key and the person's user id")


class EventsGenesys(Genesys):
    id_shape = ids.LETTERS_AND_DIGITS
    finds_messages = False
    find_needs = "the scope user:read or the permission directory:user:view"
    read_needs = "the scope conversation:write or the permission conversation:communication:view"
    send_needs = "the scope conversation:chat:write (and perhaps conversation:write)"
    gone = (
        "Genesys does not know this conversation: there is none with this id, or it has ended and was "
        "archived. Nothing was sent. Copy the id again from the open conversation in Genesys."
    )

    def __init__(self, *, system_user_id: str | None, tokens: EventsTokens, **parts: Any) -> None:
        super().__init__(tokens=tokens, **parts)
        self._tokens = tokens
        self._system_user_id = system_user_id

    def sender(self, conversation: Conversation, send_as: str, user_id: str) -> Sender:
        _require_live_chat(conversation)
        if send_as == "self":
            return _as(send_as, require_present(conversation, send_as, user_id))
        if send_as == "agent":
            return _as(send_as, require_one_agent(conversation, user_id))
        if send_as == "system":
            return self._system(conversation)
        raise ValueError(f"send_as is self, agent or system, not {send_as!r}")

    def max_length(self, conversation: Conversation) -> int:
        return LONGEST_TEXT

    def look(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        since: datetime,
        known: Collection[str] = (),
        urgent: bool = True,
    ) -> Accepted | None:
        """Always None: this contract has nothing to read a message back with."""
        return None

    def check(self, *, automated: bool = False) -> list[Check]:
        oauth = "Check the client id, the client secret and the organisation's host."
        checks = [checked("genesys sign-in", self._check_token, oauth)]
        if not checks[0].ok:
            return checks
        scopes = "Grant it to the OAuth client in Genesys (Admin, Integrations, OAuth)."
        checks.append(checked("genesys conversations", partial(reads_conversations, self), scopes))
        checks.append(checked("genesys sending", self._check_sending, scopes))
        checks.append(checked("genesys users", partial(finds_users, self), scopes))
        if self._tokens.signs_for_people:
            key = "Give an RSA private key in PEM form, whose public half Genesys knows."
            checks.append(checked("genesys jwt key", self._check_key, key))
        if automated or self._system_user_id is not None:
            user = "Name an active Genesys user as the system user."
            checks.append(checked("genesys system user", self._check_system_user, user))
        return checks

    def _outgoing(
        self, conversation: Conversation, sender: Sender, content: str | Template, marks: dict[str, str]
    ) -> Outgoing:
        """A message as themselves leaves with a person's own token, where there is a key to sign for them."""
        if isinstance(content, Template):
            raise NotOffered("This Genesys contract takes no templates, so nothing was sent. Send a text.")
        own = self._tokens.signs_for_people and sender.send_as == "self"
        body = {"eventType": "chat", "from": {"id": sender.user_id}, "text": content, "metadata": marks}
        return Outgoing(_events_of(conversation.id), body, sender.user_id if own else None)

    def _accepted(self, conversation: Conversation, sender: Sender, answer: Answer) -> Accepted:
        message_id = text_of((answer.body or {}).get("id"))
        if not message_id:
            raise OutcomeUnknown(UNCONFIRMED, correlation_id=answer.correlation_id)
        return Accepted(message_id, "accepted", conversation.id, answer.correlation_id)

    def _read(self, answer: Answer, conversation_id: str, read_at: datetime) -> Conversation:
        return read_conversation(answer, conversation_id, read_at)

    def _require_still(self, conversation: Conversation, sender: Sender) -> None:
        _require_live_chat(conversation)
        require_present(conversation, sender.send_as, sender.user_id or "")

    def _system(self, conversation: Conversation) -> Sender:
        if self._system_user_id is None:
            raise Refused(
                "No automated user is set up to send as, so nothing was sent. Send as yourself from inside "
                "the conversation, or ask the operator to name a system user."
            )
        return _as("system", require_present(conversation, "system", self._system_user_id))

    def _check_token(self) -> str:
        self._tokens.get(None, Patience(self._sleep))
        return "signed in with the client's own token"

    def _check_sending(self) -> str:
        """Without a text, into no conversation: refused for that, unless first for the scope."""
        answer = self._calls.read("POST", _events_of(NOBODY), body={})
        if answer.status == 403:
            raise self._refused(Sender("system", None), answer)
        return "messages may be sent"

    def _check_key(self) -> str:
        self._tokens.assertion(NOBODY)
        return "the key can sign for people"

    def _check_system_user(self) -> str:
        if self._system_user_id is None:
            raise Refused("No system user is set, and automated messages come from one.")
        user = self.user(self._system_user_id)
        if not user.active:
            raise Refused("The system user is not active in Genesys.")
        return "the system user is active"


def _events_of(conversation_id: str) -> str:
    return f"/api/v2/conversations/{conversation_id}/events"


def _require_live_chat(conversation: Conversation) -> None:
    require_live(conversation, takes="chat", called="a chat")


def _as(send_as: str, place: Participant) -> Sender:
    return Sender(str(send_as), place.user_id, place.name, place.id)
