"""
The Conversations events contract: one host for all, the service posts for whoever is in the chat.

    GET  /api/v2/conversations/{id}          who is in it, and whether it is a live chat
    POST /api/v2/conversations/{id}/events   one message, answered with 201 and the event's id

It gives no way to read messages back, so a lost answer stays unknown.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import requests

from . import ids
from .answers import Answer, names_what_is_missing, refusal
from .chats import present, read_conversation, require_live_chat, the_agent
from .client import Genesys, OnWait
from .errors import (
    AuthError,
    Ended,
    GenesysError,
    NotAParticipant,
    NotFound,
    OutcomeUnknown,
    Refused,
    WrongMedia,
)
from .json_values import text_of
from .nouns import Accepted, Check, Conversation, Sender
from .transport import UNCONFIRMED, Patience

LONGEST_TEXT = 4000  # what Genesys' chats take; the contract itself names no limit
NOBODY = "00000000-0000-0000-0000-000000000000"

_SEND_NEEDS = "the scope conversation:chat:write (and perhaps conversation:write)"
_GONE = (
    "Genesys does not know this conversation: there is none with this id, or it has ended and was archived. "
    "Nothing was sent. Copy the id again from the open conversation in Genesys."
)


class EventsGenesys(Genesys):
    id_shape = ids.LETTERS_AND_DIGITS
    find_needs = "the scope user:read or the permission directory:user:view"

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        jwt_key: str | None,
        system_user_id: str | None,
        **parts: Any,
    ) -> None:
        super().__init__(**parts)
        self._client_id = client_id
        self._client_secret = client_secret
        self._jwt_key = jwt_key
        self._system_user_id = system_user_id

    def conversation(
        self, conversation_id: str, *, reader: str | None = None, on_wait: OnWait | None = None
    ) -> Conversation:
        """As `Genesys.conversation`; whoever asks, the service's token reads."""
        self._require_id(conversation_id, "conversation")
        answer = self._read("GET", f"/api/v2/conversations/{conversation_id}", on_wait=on_wait)
        if not answer.ok:
            raise refusal(
                answer,
                action="read this conversation",
                needs="the scope conversation:write or the permission conversation:communication:view",
                missing=_GONE,
            )
        return read_conversation(answer, conversation_id)

    def sender(self, conversation: Conversation, send_as: str, user_id: str) -> Sender:
        require_live_chat(conversation)
        if send_as == "self":
            return present(conversation, send_as, user_id)
        if send_as == "agent":
            return the_agent(conversation, user_id)
        if send_as == "system":
            return self._system(conversation)
        raise ValueError(f"send_as is self, agent or system, not {send_as!r}")

    def max_length(self, conversation: Conversation) -> int:
        return LONGEST_TEXT

    def send(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        response: str,
        send_id: str,
        on_wait: OnWait | None = None,
    ) -> Accepted:
        self._require_id(conversation.id, "conversation")
        _require_length(text, self.max_length(conversation))
        body = {
            "eventType": "chat",
            "from": {"id": sender.user_id},
            "text": text,
            "metadata": {"source": "canned_response_bot", "response": response, "send_id": send_id},
        }
        answer = self._send(self._whose_token(sender), _events_of(conversation.id), body, on_wait)
        if not answer.ok:
            raise self._why_refused(conversation, sender, answer)
        message_id = text_of((answer.body or {}).get("id"))
        if not message_id:
            raise OutcomeUnknown(UNCONFIRMED, correlation_id=answer.correlation_id)
        return Accepted(message_id, "accepted", conversation.id, answer.correlation_id)

    def look(
        self, conversation: Conversation, sender: Sender, text: str, *, since: datetime
    ) -> Accepted | None:
        """Always None: this contract has nothing to read a message back with."""
        return None

    def check(self) -> list[Check]:
        oauth = "Check the client id, the client secret and the organisation's host."
        checks = [self._checked("genesys sign-in", self._check_token, oauth)]
        if not checks[0].ok:
            return checks
        scopes = "Grant it to the OAuth client in Genesys (Admin, Integrations, OAuth)."
        checks.append(self._checked("genesys conversations", self._check_reading, scopes))
        checks.append(self._checked("genesys sending", self._check_sending, scopes))
        checks.append(self._checked("genesys users", self._check_users, scopes))
        if self._jwt_key is not None:
            key = "Give an RSA private key in PEM form, whose public half Genesys knows."
            checks.append(self._checked("genesys jwt key", self._check_key, key))
        if self._system_user_id is not None:
            user = "Name an active Genesys user as the system user."
            checks.append(self._checked("genesys system user", self._check_system_user, user))
        return checks

    def _request_token(self, principal: str | None) -> requests.Response:
        from . import grants  # Authlib: not needed to import this package

        if principal is None:
            return grants.client_credentials(
                self._transport, self._token_url, self._client_id, self._client_secret
            )
        return grants.jwt_bearer(self._transport, self._token_url, self._assertion(principal))

    def _assertion(self, user_id: str) -> str:
        from . import grants

        try:
            return grants.sign(
                self._jwt_key or "",
                client_id=self._client_id,
                user_id=user_id,
                url=self._token_url,
                now=self._now(),
            )
        except ValueError as exc:
            raise AuthError(
                f"The key that signs in for people is {exc}, which the operator has to repair. "
                "Nothing was sent, and trying again will not help."
            ) from exc

    def _whose_token(self, sender: Sender) -> str | None:
        """A person's own where there is a key to sign for them, and they send as themselves."""
        return sender.user_id if self._jwt_key is not None and sender.send_as == "self" else None

    def _system(self, conversation: Conversation) -> Sender:
        if self._system_user_id is None:
            raise Refused(
                "No automated user is set up to send as, so nothing was sent. Send as yourself from inside "
                "the conversation, or ask the operator to name a system user."
            )
        return present(conversation, "system", self._system_user_id)

    def _why_refused(self, conversation: Conversation, sender: Sender, answer: Answer) -> GenesysError:
        """
        What stands behind a 4xx to a send: this contract says 403, or 400, for several things at once.

        Unless the answer names it, the conversation is read again: the sender may have left.
        """
        refused = refusal(answer, action="send messages", needs=_SEND_NEEDS, missing=_GONE)
        if answer.status not in (400, 403) or names_what_is_missing(answer):
            return refused
        try:
            now = self.conversation(conversation.id)
            require_live_chat(now)
            present(now, sender.send_as, sender.user_id or "")
        except (Ended, NotAParticipant, NotFound, WrongMedia) as exc:
            exc.correlation_id = answer.correlation_id
            return exc
        except GenesysError:
            return refused  # could not look; what was said about the send still stands
        return refused

    def _check_token(self) -> str:
        self._tokens.get(None, Patience(self._sleep))
        return "signed in with the client's own token"

    def _check_reading(self) -> str:
        with suppress(NotFound):  # as it should be
            self.conversation(NOBODY)
        return "conversations can be read"

    def _check_sending(self) -> str:
        """Without a text, into no conversation: refused for that, unless first for the scope."""
        answer = self._read("POST", _events_of(NOBODY), body={})
        if answer.status == 403:
            raise refusal(answer, action="send messages", needs=_SEND_NEEDS, missing=_GONE)
        return "messages may be sent"

    def _check_users(self) -> str:
        self.find_user("nobody@example.invalid")
        return "users can be looked up"

    def _check_key(self) -> str:
        self._assertion(NOBODY)
        return "the key can sign for people"

    def _check_system_user(self) -> str:
        user = self.user(self._system_user_id or "")
        if not user.active:
            raise Refused("The system user is not active in Genesys.")
        return "the system user is active"


def _events_of(conversation_id: str) -> str:
    return f"/api/v2/conversations/{conversation_id}/events"


def _require_length(text: str, limit: int) -> None:
    if not text.strip():
        raise Refused("The message is empty, so nothing was sent. Write a text and send again.")
    if len(text) > limit:
        raise Refused(
            f"The message has {len(text)} characters, and a chat takes {limit} at most. Nothing was sent. "
            "Shorten it and send again."
        )
