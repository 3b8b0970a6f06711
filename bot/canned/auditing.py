"""What an operator does with the record: compare it with what the threads say, hand it out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from bot.models import Thread
from bot.storage import AuditRecord, Posted, Store

Found = Callable[[str], None]

FIRST = ("id", "at", "key", "event", "actor")
DETAILS = (
    *("team", "channel", "supervisor", "conversation_id", "response", "response_version", "send_as"),
    *("language", "sender_id", "text_hash", "opened_by", "state", "message_id", "correlation_id"),
)
COLUMNS = (*FIRST, *DETAILS, "other", "key_id", "mac")


@dataclass(frozen=True)
class Said:
    """A reply of ours as it stands in Slack: which post it is, and the mac of the record it tells of."""

    ts: str
    key: str
    post_id: int
    record: str


class Unreadable(Exception):
    """Slack does not show a thread; `str()` is its word for the reason."""


class SlackThreads(Protocol):
    def said(self, channel: str, card: str) -> Sequence[Said] | None:
        """Our replies below that card, None if the card is gone. Raises Unreadable."""


def compare(store: Store, slack: SlackThreads, found: Found) -> tuple[int, int]:
    """
    Tell `found` where the threads do not say what the record says.

    Returns how many replies say the same, and how many cannot be compared, because the card
    that they stood below is gone.
    """
    same = beyond = 0
    for thread in store.threads():
        where = f"the thread of {thread.conversation_id} in {thread.channel}"
        known = [post for post in store.replies(*_place(thread)) if post.ts is not None]
        try:
            said = slack.said(thread.channel, thread.ts) if thread.ts else None
        except Unreadable as exc:
            found(f"Slack does not show {where} ({exc}).")
            continue
        if said is None:
            beyond += len(known)
            continue
        # Asked once more: what was said meanwhile was written down before.
        strange = _strange(said, {post.id: post for post in store.replies(*_place(thread))})
        here = [post for post in known if _when(post.ts) > _when(thread.ts)]
        seen = {reply.post_id for reply in said}
        gone = [f"reply {post.ts} about send {post.key} is missing" for post in here if post.id not in seen]
        for fault in (*strange, *gone):
            found(f"In {where} {fault}.")
        same, beyond = same + len(said) - len(strange), beyond + len(known) - len(here)
    return same, beyond


def _strange(said: Sequence[Said], known: dict[int, Posted]) -> list[str]:
    """The replies that tell of no record, or of another one than there is."""
    faults = []
    for reply in said:
        post = known.get(reply.post_id)
        if post is None or post.key != reply.key:
            faults.append(f"reply {reply.ts} tells of send {reply.key}, and no record does")
        elif reply.record not in (post.records or {""}):
            faults.append(f"reply {reply.ts} about send {reply.key} carries another record than there is")
    return faults


def _when(ts: str | None) -> float:
    """When Slack took a message. What is no time of Slack's is late, so that its reply is looked for."""
    try:
        return float(ts or 0)
    except ValueError:
        return math.inf


def _place(thread: Thread) -> tuple[str, str]:
    return thread.channel, thread.conversation_id


def as_json(record: AuditRecord) -> str:
    """One line of JSON."""
    return json.dumps(asdict(record) | {"at": record.at.isoformat()})


def as_columns(record: AuditRecord) -> dict[str, object]:
    """The record by COLUMNS, for a table."""
    detail = dict(record.detail)
    first = {name: getattr(record, name) for name in FIRST}
    named = {name: detail.pop(name, None) for name in DETAILS}
    other = json.dumps(detail) if detail else None
    return {**first, **named, "other": other, "key_id": record.key_id, "mac": record.mac}
