"""Messages read back: what was said, how far one got, whether one whose answer was lost is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .answers import Answer, refusal
from .calls import Calls
from .json_values import object_of, objects, text_of, time_of
from .nouns import Accepted, Conversation, Delivery, Message, MessageMark, Sender

CLOCKS_DIFFER = timedelta(minutes=2)
MOST_AT_ONCE = 100  # Genesys takes 1000, and asks for no more than needed

_NEEDS = "the permission conversation:message:view or conversation:webmessaging:view"
_GONE = (
    "Genesys does not know these messages, or not any more: the conversation may have been archived. "
    "Nothing was sent."
)


def read(
    calls: Calls, conversation_id: str, message_ids: Sequence[str], reader: str | None
) -> list[Mapping[str, Any]]:
    """
    `MessageData` of these messages, in no order. Raises Refused, NotFound.

    Source: Genesys Cloud Platform API, `POST /api/v2/conversations/messages/{conversationId}/
    messages/bulk`.
    """
    if not message_ids:
        return []
    answer = _bulk(calls, conversation_id, message_ids, reader)
    if not answer.ok:
        raise refusal(answer, action="read messages", needs=_NEEDS, missing=_GONE, principal=reader)
    return objects((answer.body or {}).get("entities"))


def last(conversation: Conversation, limit: int) -> list[str]:
    """The ids of its last `limit` messages, whoever wrote them."""
    marks = {mark.id: mark for mark in marks_of(conversation) if mark.id and mark.says_something}
    in_order = sorted(marks.values(), key=MessageMark.when)
    return [mark.id for mark in in_order[max(0, len(in_order) - limit) :]]


def readable(raw: Iterable[Mapping[str, Any]]) -> list[Message]:
    """Those that have a text, oldest first."""
    messages = [
        Message(text_of(one.get("id")), one.get("direction") == "inbound", _text(one), _at(one))
        for one in raw
        if _text(one)
    ]
    return sorted(messages, key=lambda one: one.at.timestamp() if one.at else 0.0)


def deliveries(raw: Iterable[Mapping[str, Any]], marks: Iterable[MessageMark]) -> dict[str, Delivery]:
    """How far each message got; why it failed stands in the conversation's `marks`."""
    why = {mark.id: mark.error for mark in marks if mark.error}
    found = {text_of(one.get("id")): text_of(one.get("status")) for one in raw}
    return {each: Delivery(status, why.get(each, "")) for each, status in found.items() if each and status}


def marks_of(conversation: Conversation, user_id: str | None = None) -> Iterator[MessageMark]:
    """The marks of all its messages, or of those that stand under this user."""
    for one in conversation.participants:
        if user_id is None or one.user_id == user_id:
            for line in one.communications:
                yield from line.messages


@dataclass(frozen=True)
class Search:
    """
    A message whose answer was lost, and what is known of it.

    `before` are ids that cannot be its own. It stands under its sender's participants,
    an automated one under any.
    """

    sender: Sender
    text: str = field(repr=False)
    since: datetime
    before: Collection[str]

    @property
    def reader(self) -> str | None:
        return self.sender.user_id

    def candidates(self, conversation: Conversation) -> list[MessageMark]:
        marks = {mark.id: mark for mark in marks_of(conversation, self.sender.user_id)}
        new = [mark for mark in marks.values() if mark.id and mark.id not in self.before]
        return [mark for mark in new if self._may_be_of_then(mark.at)][-MOST_AT_ONCE:]

    def find(self, calls: Calls, conversation: Conversation) -> Accepted | None:
        marks = self.candidates(conversation)
        if not marks:
            return None
        answer = _bulk(calls, conversation.id, [mark.id for mark in marks], self.reader)
        if answer.status == 403:
            return self._by_time_alone(conversation.id, marks)
        found = (one for one in objects((answer.body or {}).get("entities")) if self._is_it(one))
        return next((_found(one, conversation.id, answer) for one in found), None)

    def _is_it(self, raw: Mapping[str, Any]) -> bool:
        author = text_of(object_of(raw.get("createdBy")).get("id"))
        return (
            raw.get("direction") == "outbound"
            and _text(raw).strip() == self.text.strip()
            and (not author or self.sender.user_id is None or author == self.sender.user_id)
            and self._may_be_of_then(_at(raw))
        )

    def _may_be_of_then(self, at: datetime | None) -> bool:
        return at is None or at >= self.since - CLOCKS_DIFFER

    def _by_time_alone(self, conversation_id: str, marks: Sequence[MessageMark]) -> Accepted | None:
        """
        Where texts may not be read. A new message of a person is theirs; of none, anybody's.

        One that failed settles nothing: were it another, this one would seem not to have arrived.
        """
        if self.sender.user_id is None:
            return None
        later = (mark for mark in marks if mark.at and mark.at >= self.since)
        mark = next((mark for mark in later if Delivery(mark.status).word != "failed"), None)
        return Accepted(mark.id, mark.status, conversation_id, text_compared=False) if mark else None


def _bulk(calls: Calls, conversation_id: str, message_ids: Sequence[str], reader: str | None) -> Answer:
    path = f"/api/v2/conversations/messages/{conversation_id}/messages/bulk"
    return calls.read("POST", path, principal=reader, body=list(message_ids))


def _found(raw: Mapping[str, Any], conversation_id: str, answer: Answer) -> Accepted:
    return Accepted(
        text_of(raw.get("id")), text_of(raw.get("status")), conversation_id, answer.correlation_id
    )


def _text(raw: Mapping[str, Any]) -> str:
    return text_of(object_of(raw.get("normalizedMessage")).get("text"))


def _at(raw: Mapping[str, Any]) -> datetime | None:
    return time_of(raw.get("timestamp"))
