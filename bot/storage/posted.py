"""What was said in the threads, for a look whether it is still there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select, tuple_

from bot.models import PostKind, Thread

from .engine import AT_ONCE, Database
from .outbox import TOLD
from .rows import thread_of
from .schema import audit, posts, threads


@dataclass(frozen=True)
class Posted:
    """
    A reply in a thread; `ts` is Slack's, None where it is not known to be there.

    `records` are the macs of the audit records it may tell of: those of its send and its moment.
    """

    id: int
    key: str
    ts: str | None
    records: frozenset[str]


class PostedReplies(Database):
    def threads(self) -> Iterator[Thread]:
        """Every thread in a channel, page by page."""
        place = tuple_(threads.c.channel, threads.c.conversation_id)
        query = select(threads).where(threads.c.conversation_id != "")
        query = query.order_by(threads.c.channel, threads.c.conversation_id).limit(AT_ONCE)
        last = ("", "")
        while True:
            with self._reading() as tx:
                page = [thread_of(row) for row in tx.execute(query.where(place > last))]
            if not page:
                return
            yield from page
            last = (page[-1].channel, page[-1].conversation_id)

    def replies(self, channel: str, conversation_id: str) -> list[Posted]:
        """All replies of this thread, said or still to be said."""
        here = (posts.c.channel == channel, posts.c.conversation_id == conversation_id)
        query = select(posts.c.id, posts.c.key, posts.c.ts, audit.c.mac).outerjoin(audit, TOLD)
        query = query.where(*here, posts.c.kind == PostKind.REPLY).order_by(posts.c.id)
        with self._reading() as tx:
            rows = tx.execute(query).all()
        return [
            Posted(id_, key, ts, frozenset(row.mac for row in told if row.mac))
            for (id_, key, ts), told in groupby(rows, key=lambda row: (row.id, row.key, row.ts))
        ]
