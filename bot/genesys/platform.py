"""
The Platform API: hosts by region, a service for look-ups, and every person with their own token.

    GET  …/conversations/{id}                                       who is in it, on which line
    POST …/conversations/messages/{id}/communications/{line}/messages    as a person: 200, or 202 with no body
    POST …/conversations/messages/agentless                         automated, to the customer's address
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from . import ids, live, messages, messaging, platform_checks, queues, responses
from .answers import Answer
from .client import Genesys, Outgoing
from .errors import GenesysError, Interrupted, OutcomeUnknown, Refused, Unavailable
from .json_values import object_of, text_of
from .nouns import (
    Accepted,
    Check,
    Conversation,
    Delivery,
    Library,
    LibraryResponse,
    LiveConversations,
    Message,
    Queue,
    Sender,
    Template,
)
from .pace import Need
from .platform_tokens import PlatformTokens
from .sign_in import SignIn
from .transport import UNCONFIRMED
from .verify import require_live, require_one_agent, require_present

QUEUES_FOR = timedelta(minutes=10)
PAUSES = (0.0, 2.0, 5.0, 10.0)  # seconds before each look for a message whose answer was lost

_SAYING = {  # refusals that are no matter of rights, and that somebody can do something about
    "max.length.exceeded": "Genesys finds the message too long for this channel. Nothing was sent. Shorten "
    "it and send again.",
    "conversation.message.limit.exceeded": "This conversation has as many messages as Genesys allows in one. "
    "Nothing was sent. Reach the customer in a new conversation.",
    "organization.outbound.usage.limit.exceeded": "Your organisation has used up the messages that Genesys "
    "lets it send. Nothing was sent. A Genesys administrator can have that raised; tell the operator.",
    "client.failed.request": "The message did not reach Genesys whole. Nothing was sent. Send it again.",
    "request.conflict": "The conversation was changed in Genesys at the same moment. Nothing was sent. Look "
    "at it there, and send again if it still fits.",
}
_CHANGED = (
    "The sender's place in this conversation changed at the last moment (a reconnect does that), so nothing "
    "was sent. Send it again."
)


class PlatformGenesys(Genesys):
    id_shape = ids.HEXADECIMAL
    find_needs = "the permission directory:user:view"
    read_needs = "the permission conversation:communication:view"
    send_needs = "the permission conversation:message:create or conversation:webmessaging:create"
    gone = (
        "Genesys does not know this conversation: there is none with this id, it has ended and was archived, "
        "or it is in a region other than the one set up. Nothing was sent. Copy the id again from the open "
        "conversation in Genesys."
    )
    tells_delivery = True
    lists_conversations = True
    people_act_themselves = True

    def __init__(self, *, domain: str, tokens: PlatformTokens, **parts: Any) -> None:
        super().__init__(tokens=tokens, **parts)
        self._domain = domain
        self._tokens = tokens
        self._queues: dict[str, tuple[datetime, str]] = {}
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
        """
        As `Genesys.look`: reads the conversation's messages back, at once and after 2, 5 and 10 seconds.

        Compares text, sender and time. Of `sender` only the person counts, so it need not
        be one that could send now. Raises what reading raises, but Unavailable (Interrupted it does).
        """
        before = {*known, *self._there_before(conversation, since)}
        search = messages.Search(sender, text, since, before)
        calls = self._calls if urgent else self._calls.needed(Need.LEAST)
        for pause in PAUSES if urgent else PAUSES[:1]:
            if pause:
                self._sleep(pause)
            try:
                found = search.find(calls, self._conversation(calls, conversation.id, search.reader))
            except Interrupted:
                raise
            except Unavailable:
                continue
            if found:
                return found
        return None

    def delivery(
        self, conversation_id: str, message_ids: Sequence[str], *, reader: str | None = None
    ) -> Mapping[str, Delivery]:
        self._require_id(conversation_id, "conversation")
        raw = messages.read(self._calls.needed(Need.LEAST), conversation_id, message_ids, reader)
        found = messages.deliveries(raw, ())
        if all(one.word != "failed" for one in found.values()):
            return found
        try:
            conversation = self.conversation(conversation_id, reader=reader)  # it alone says why
        except GenesysError:
            return found  # that it failed is known all the same
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
    ) -> LiveConversations:
        """
        As `Genesys.live_conversations`: 20 at most, each read (by `reader`) to be sure of it.

        So many requests leave the last of the rate to what is sent.
        """
        calls = self._calls_if(urgent=False)
        if user_id is not None and user_id == reader:
            found = live.own(calls, user_id)
        else:
            queue_ids = self.queues(queues or ()).values()
            found = live.active(calls, reader, queue_ids=queue_ids, user_id=user_id)
        return live.confirmed(found, partial(self._conversation, calls, reader=reader), user_id=user_id)

    def libraries(self) -> list[Library]:
        return responses.libraries(self._calls)

    def library_responses(self, library_id: str) -> list[LibraryResponse]:
        self._require_id(library_id, "library")
        return responses.of_library(self._calls, library_id)

    def queue(self, queue_id: str) -> Queue:
        self._require_id(queue_id, "queue")
        return queues.with_id(self._calls, queue_id)

    def queues(self, names: Collection[str]) -> Mapping[str, str]:
        """As `Genesys.queues`; those found are kept for ten minutes, as each name costs a request."""
        now = self._now()
        kept = {name: found for name, found in self._queues.items() if now - found[0] < QUEUES_FOR}
        asked = queues.by_name(self._calls, [name for name in names if name not in kept])
        found = self._queues = kept | {name: (now, each) for name, each in asked.items()}
        return {name: found[name][1] for name in names if name in found}

    def check(self, *, automated: bool = False) -> list[Check]:
        return platform_checks.run(self, self._calls, self.sign_in, automated=automated)

    def _outgoing(
        self, conversation: Conversation, sender: Sender, content: str | Template, marks: dict[str, str]
    ) -> Outgoing:
        """Genesys takes no marks: who and when follow from the token and the line."""
        root, address = "/api/v2/conversations/messages", sender.address
        if address is None:
            self._require_id(sender.communication_id, "communication")
            path = f"{root}/{conversation.id}/communications/{sender.communication_id}/messages"
            return Outgoing(path, _content(content), sender.user_id)
        whom = (
            {"externalContactId": address.contact_id} if address.contact_id else {"toAddress": address.theirs}
        )
        body = {
            "fromAddress": address.ours,
            "toAddressMessengerType": address.channel,
            "useExistingActiveConversation": True,
        }
        return Outgoing(f"{root}/agentless", {**body, **whom, **_content(content)}, None)

    def _accepted(self, conversation: Conversation, sender: Sender, answer: Answer) -> Accepted:
        """With an id or (202) without; a 200 that gives none is no answer."""
        body = answer.body or {}
        where = conversation.id if sender.address is None else text_of(body.get("conversationId"))
        message = object_of(body.get("message")) or body
        message_id = text_of(message.get("id")) or text_of(body.get("id"))
        if not message_id and answer.status != 202:
            raise OutcomeUnknown(UNCONFIRMED, correlation_id=answer.correlation_id)
        status = text_of(message.get("status")) or "accepted"
        return Accepted(message_id or None, status, where, answer.correlation_id)

    def _refused(self, sender: Sender, answer: Answer) -> Refused:
        if answer.code in _SAYING:
            return Refused(_SAYING[answer.code], correlation_id=answer.correlation_id)
        return super()._refused(sender, answer)

    def _read(self, answer: Answer, conversation_id: str, read_at: datetime) -> Conversation:
        return messaging.read_conversation(answer, conversation_id, read_at)

    def _require_still(self, conversation: Conversation, sender: Sender) -> None:
        """On the same line too: who reconnects is on another."""
        send_as = "self" if sender.address is None else "system"
        now = self.sender(conversation, send_as, sender.user_id or "")
        if now.communication_id != sender.communication_id:
            raise Refused(_CHANGED)

    def _there_before(self, conversation: Conversation, since: datetime) -> list[str]:
        """What a conversation read after the send holds may well be the message itself."""
        if conversation.read_at is None or conversation.read_at > since:
            return []
        return [mark.id for mark in messages.marks_of(conversation)]


def _content(content: str | Template) -> dict[str, object]:
    if isinstance(content, str):
        return {"textBody": content}
    values = [{"id": each, "value": value} for each, value in content.values.items()]
    return {"messagingTemplate": {"responseId": content.response_id, "bodyParameters": values}}
