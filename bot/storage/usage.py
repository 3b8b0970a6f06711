"""How the responses are used: every send in a line without its texts, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from bot.models import State

from .engine import Database
from .schema import sends

PAGE = 1000  # lines that are in memory at once
NOT_SENT = tuple(state for state in State if state.word == State.REFUSED.word)
WITHOUT_TEXTS = (
    sends.c.id,
    sends.c.claimed_at.label("time"),
    sends.c.team,
    sends.c.supervisor,
    sends.c.response,
    sends.c.conversation_id.label("conversation"),
    sends.c.queue,
    sends.c.send_as,
    sends.c.language,
    sends.c.state,
    sends.c.delivery,
    sends.c.edited,
    sends.c.scheduled,
    sends.c.approved_by,
    sends.c.reason,
    sends.c.key,
)


@dataclass(frozen=True)
class Used:
    """
    What the sends of one response, queue or supervisor came to; `name` is its key, its name, their Slack id.

    `edited` are those of the `sent` that somebody changed before they left, `failed` those that
    Genesys took and did not deliver. What still waits counts nowhere, but for `last_at`, when the
    newest was claimed.
    """

    name: str = field(repr=False)
    sent: int
    edited: int
    failed: int
    not_sent: int
    unknown: int
    last_at: datetime


class Usage(Database):
    def usage(
        self,
        by: Literal["response", "queue", "supervisor"],
        *,
        since: datetime | None = None,
        supervisor: str | None = None,
        limit: int | None = None,
    ) -> list[Used]:
        """
        What was claimed from `since` on, by this supervisor; the most sent first.

        By queue, what never left is under "": it had not been looked at where it was.
        """
        name: ColumnElement[Any] = func.coalesce(sends.c[by], "")
        sent = sends.c.state == State.SENT
        query = select(
            name,
            func.count().filter(sent),
            func.count().filter(and_(sent, sends.c.edited)),
            func.count().filter(and_(sent, sends.c.delivery == "failed")),
            func.count().filter(sends.c.state.in_(NOT_SENT)),
            func.count().filter(sends.c.state == State.UNKNOWN),
            func.max(sends.c.claimed_at),
        )
        if supervisor is not None:
            query = query.where(sends.c.supervisor == supervisor)
        query = _between(query, since, None).group_by(name)
        query = query.order_by(func.count().filter(sent).desc(), name).limit(limit)
        with self._reading() as tx:
            return [Used(*row) for row in tx.execute(query)]

    def each_send(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[dict[str, Any]]:
        """
        What was claimed from `since` on and before `until`, the oldest first, by the names of the columns.

        It is read page by page as it is asked for, so that a history of any size can be written out.
        """
        query = _between(select(*WITHOUT_TEXTS), since, until).order_by(sends.c.claimed_at, sends.c.id)
        rows = self._page_of_sends(query)
        while rows:
            yield from (_line(row) for row in rows)
            rows = self._page_of_sends(query.where(_newer_than(rows[-1])))

    def _page_of_sends(self, query: Select[Any]) -> list[Row[Any]]:
        with self._reading() as tx:
            return list(tx.execute(query.limit(PAGE)))


def _between(query: Select[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    if since is not None:
        query = query.where(sends.c.claimed_at >= since)
    return query if until is None else query.where(sends.c.claimed_at < until)


def _newer_than(last: Row[Any]) -> ColumnElement[bool]:
    at = sends.c.claimed_at
    return and_(at >= last.time, or_(at > last.time, sends.c.id > last.id))


def _line(row: Row[Any]) -> dict[str, Any]:
    line = dict(row._mapping)
    line["outcome"] = State(row.state).word
    del line["id"]
    return line
