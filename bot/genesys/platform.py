"""
The Platform API: hosts by region, a service for look-ups, and every person with their own token.

    GET  …/conversations/{id}                                       who is in it, on which line
    POST …/conversations/messages/{id}/communications/{line}/messages    as a person: 200, or 202 with no body
    POST …/conversations/messages/agentless                         automated, to the customer's address
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from . import ids, live, messages, messaging, platform_checks, queues, responses
from .answers import Answer, names_what_is_missing, refusal
from .client import Genesys
from .errors import (
    Ended,
    GenesysError,
    NotAParticipant,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unavailable,
    WrongMedia,
)
from .json_values import object_of, text_of
from .nouns import (
    Accepted,
    Check,
    Conversation,
    Delivery,
    Library,
    LibraryResponse,
    LiveConversation,
    Message,
    Queue,
    Sender,
    Template,
)
from .platform_tokens import PlatformTokens
from .sign_in import SignIn
from .transport import UNCONFIRMED, OnWait
from .verify import require_length, require_live, require_one_agent, require_present

PAUSES = (0.0, 2.0, 5.0, 10.0)  # seconds before each look for a message whose answer was lost

_READ_NEEDS = "the permission conversation:communication:view"
_SEND_NEEDS = "the permission conversation:message:create or conversation:webmessaging:create"
_GONE = (
    "Genesys does not know this conversation: there is none with this id, it has ended and was archived, or "
    "it is in a region other than the one set up. Nothing was sent. Copy the id again from the open "
    "conversation in Genesys."
)
_CHANGED = (
    "The sender's place in this conversation changed at the last moment (a reconnect does that), so nothing "
    "was sent. Send it again."
)


class PlatformGenesys(Genesys):
    id_shape = ids.HEXADECIMAL
    find_needs = "the permission directory:user:view"
    tells_delivery = True
    people_act_themselves = True

    def __init__(self, *, domain: str, tokens: PlatformTokens, **parts: Any) -> None:
        super().__init__(tokens=tokens, **parts)
        self._domain = domain
        self._tokens = tokens
        client_id, secret = tokens.people
        if client_id is not None:
            self.sign_in = SignIn(
                self._calls,
                self._transport,
                tokens.keyring,
                url=tokens.url,
                client=(client_id, secret),
                now=self._now,
                sleep=self._sleep,
            )

    def page(self, conversation_id: str) -> str:
        return f"https://apps.{self._domain}/directory/#/engage/admin/interactions/{conversation_id}"

    def conversation(
        self, conversation_id: str, *, reader: str | None = None, on_wait: OnWait | None = None
    ) -> Conversation:
        """As `Genesys.conversation`; Genesys lets `reader` see what is in their divisions."""
        self._require_id(conversation_id, "conversation")
        read_at = self._now()
        path = f"/api/v2/conversations/{conversation_id}"
        answer = self._calls.read("GET", path, principal=reader, on_wait=on_wait)
        if not answer.ok:
            raise refusal(
                answer,
                action="read this conversation",
                needs=_READ_NEEDS,
                missing=_GONE,
                principal=reader,
            )
        return messaging.read_conversation(answer, conversation_id, read_at)

    def sender(self, conversation: Conversation, send_as: str, user_id: str) -> Sender:
        """As `Genesys.sender`; `system` writes to the customer's address, where the channel has it."""
        require_live(conversation, takes="message", called="a messaging conversation")
        if send_as == "self":
            place = require_present(conversation, send_as, user_id)
            return messaging.with_line(conversation, send_as, place)
        if send_as == "agent":
            place = require_one_agent(conversation, user_id)
            return messaging.with_line(conversation, send_as, place)
        if send_as == "system":
            return messaging.automated(conversation)
        raise ValueError(f"send_as is self, agent or system, not {send_as!r}")

    def max_length(self, conversation: Conversation) -> int:
        """SMS 765 characters, every other channel 2000."""
        return messaging.max_length(conversation)

    def send(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        response: str,
        send_id: str,
        template: Template | None = None,
        on_wait: OnWait | None = None,
    ) -> Accepted:
        """As `Genesys.send`; Genesys takes no marks, so `response` and `send_id` stay here."""
        self._require_id(conversation.id, "conversation")
        require_length(text, self.max_length(conversation), channel=conversation.channel or "the channel")
        path, body = self._message(conversation, sender, text, template)
        answer = self._calls.send(path, body, principal=sender.user_id, on_wait=on_wait)
        if not answer.ok:
            raise self._why_refused(conversation, sender, answer)
        return _accepted(answer, conversation.id, sender)

    def look(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        since: datetime,
        known: Collection[str] = (),
    ) -> Accepted | None:
        """
        As `Genesys.look`: reads the conversation's messages back, at once and after 2, 5 and 10 seconds.

        Compares text, sender and time. Of `sender` only the person counts, so it need not
        be one that could send now. Raises what reading raises, but Unavailable.
        """
        before = {*known, *self._there_before(conversation, since)}
        search = messages.Search(sender, text, since, before)
        for pause in PAUSES:
            if pause:
                self._sleep(pause)
            try:
                now = self.conversation(conversation.id, reader=search.reader)
                found = search.find(self._calls, now)
            except Unavailable:
                continue
            if found:
                return found
        return None

    def delivery(
        self, conversation_id: str, message_ids: Sequence[str], *, reader: str | None = None
    ) -> Mapping[str, Delivery]:
        self._require_id(conversation_id, "conversation")
        raw = messages.read(self._calls, conversation_id, message_ids, reader)
        found = messages.deliveries(raw, ())
        if all(one.word != "failed" for one in found.values()):
            return found
        conversation = self.conversation(conversation_id, reader=reader)  # it alone says why
        return messages.deliveries(raw, messages.marks_of(conversation))

    def messages(
        self, conversation: Conversation, *, reader: str | None = None, limit: int = 5
    ) -> list[Message]:
        wanted = messages.last(conversation, limit)
        return messages.readable(messages.read(self._calls, conversation.id, wanted, reader))

    def live_conversations(
        self,
        *,
        user_id: str | None = None,
        queues: Collection[str] | None = None,
        reader: str | None = None,
    ) -> list[LiveConversation]:
        """As `Genesys.live_conversations`: 20 at most, each read (by `reader`) to be sure of it."""
        if user_id is not None and user_id == reader:
            found = live.own(self._calls, user_id)
        else:
            queue_ids = self.queues(queues or ()).values()
            found = live.active(self._calls, reader, queue_ids=queue_ids, user_id=user_id)
        return live.confirmed(found, partial(self.conversation, reader=reader))

    def libraries(self) -> list[Library]:
        return responses.libraries(self._calls)

    def library_responses(self, library_id: str) -> list[LibraryResponse]:
        self._require_id(library_id, "library")
        return responses.of_library(self._calls, library_id)

    def queue(self, queue_id: str) -> Queue:
        self._require_id(queue_id, "queue")
        return queues.with_id(self._calls, queue_id)

    def queues(self, names: Collection[str]) -> Mapping[str, str]:
        return queues.by_name(self._calls, names)

    def check(self) -> list[Check]:
        return platform_checks.run(self, self._calls, self.sign_in)

    def _message(
        self, conversation: Conversation, sender: Sender, text: str, template: Template | None
    ) -> tuple[str, dict[str, object]]:
        """The address and the body of the POST."""
        content = _content(text, template)
        if sender.address is None:
            self._require_id(sender.communication_id, "communication")
            path = f"/api/v2/conversations/messages/{conversation.id}"
            return f"{path}/communications/{sender.communication_id}/messages", content
        address = sender.address
        whom = (
            {"externalContactId": address.contact_id} if address.contact_id else {"toAddress": address.theirs}
        )
        return "/api/v2/conversations/messages/agentless", {
            "fromAddress": address.ours,
            **whom,
            "toAddressMessengerType": address.channel,
            **content,
            "useExistingActiveConversation": True,
        }

    def _there_before(self, conversation: Conversation, since: datetime) -> list[str]:
        """What a conversation read after the send holds may well be the message itself."""
        if conversation.read_at is None or conversation.read_at > since:
            return []
        return [mark.id for mark in messages.marks_of(conversation)]

    def _why_refused(self, conversation: Conversation, sender: Sender, answer: Answer) -> GenesysError:
        """
        What stands behind a 4xx to a send.

        Unless the answer names it, the conversation is read again: the sender may have left,
        or come back on another line.
        """
        principal = sender.user_id
        refused = refusal(
            answer, action="send messages", needs=_SEND_NEEDS, missing=_GONE, principal=principal
        )
        if answer.code == "max.length.exceeded":
            sentence = "Genesys finds the message too long for this channel. Nothing was sent. Shorten it."
            return Refused(sentence, correlation_id=answer.correlation_id)
        if answer.status not in (400, 403, 404) or names_what_is_missing(answer):
            return refused
        try:
            now = self.conversation(conversation.id, reader=principal)
            again = self.sender(now, "self" if principal else "system", principal or "")
        except (Ended, NotAParticipant, NotFound, WrongMedia) as exc:
            exc.correlation_id = answer.correlation_id
            return exc
        except GenesysError:
            return refused  # could not look; what was said about the send still stands
        if again.communication_id != sender.communication_id:
            return Refused(_CHANGED, correlation_id=answer.correlation_id)
        return refused


def _content(text: str, template: Template | None) -> dict[str, object]:
    if template is None:
        return {"textBody": text}
    values = [{"id": each, "value": value} for each, value in template.values.items()]
    return {"messagingTemplate": {"responseId": template.response_id, "bodyParameters": values}}


def _accepted(answer: Answer, conversation_id: str, sender: Sender) -> Accepted:
    """What Genesys took: with an id, or (202) without. Raises OutcomeUnknown for a 200 that gives none."""
    body = answer.body or {}
    where = conversation_id if sender.address is None else text_of(body.get("conversationId"))
    message = object_of(body.get("message")) or body
    message_id = text_of(message.get("id")) or text_of(body.get("id"))
    if not message_id and answer.status != 202:
        raise OutcomeUnknown(UNCONFIRMED, correlation_id=answer.correlation_id)
    status = text_of(message.get("status")) or "accepted"
    return Accepted(message_id or None, status, where, answer.correlation_id)
