"""The record of what was done: lines are added to it, and the database refuses anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.exc import DataError

from .engine import AT_ONCE, Database
from .errors import StorageError
from .schema import audit, sends, storable


@dataclass(frozen=True)
class AuditRecord:
    """
    One line; `actor` is a Slack user, "operator for" one, "operator" or "bot". Never holds customer text.

    `mac` chains it to the one before it, with the key that `key_id` names.
    """

    id: int
    at: datetime
    key: str | None
    event: str
    actor: str
    detail: dict[str, Any]
    mac: str | None = None
    key_id: str | None = None


@dataclass(frozen=True)
class Wanted:
    """Which records: all that are within each of these; `supervisor` is a Slack user's id."""

    since: datetime | None = None
    until: datetime | None = None
    conversation: str | None = None
    supervisor: str | None = None
    key: str | None = None
    event: str | None = None


class Audit(Database):
    def audit(self, key: str | None = None, *, limit: int = 1000, after_id: int = 0) -> list[AuditRecord]:
        """The lines in the order in which they were written; `after_id` goes on behind a page."""
        return self._page(list(_which(Wanted(key=key))), after_id, limit)

    def trail(self, wanted: Wanted) -> Iterator[AuditRecord]:
        """All lines that are `wanted`, in the order in which they were written, page by page."""
        which, last = list(_which(wanted)), 0
        while page := self._page(which, last, AT_ONCE):
            yield from page
            last = page[-1].id

    def _page(self, which: list[ColumnElement[bool]], after_id: int, limit: int) -> list[AuditRecord]:
        query = select(audit).where(audit.c.id > after_id, *which).order_by(audit.c.id).limit(limit)
        try:
            with self._reading() as tx:
                return [AuditRecord(**row._mapping) for row in tx.execute(query)]
        except (ValueError, TypeError, DataError) as exc:  # somebody wrote what the bot cannot have written
            raise StorageError(
                f"A record after number {after_id} cannot be read: `canned audit verify` names it."
            ) from exc


def _which(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield audit.c.at >= wanted.since
    if wanted.until is not None:
        yield audit.c.at < wanted.until
    if wanted.key is not None:
        yield audit.c.key == wanted.key
    if wanted.event is not None:
        yield audit.c.event == wanted.event
    if wanted.conversation is not None:
        yield audit.c.key.in_(select(sends.c.key).where(sends.c.conversation_id == wanted.conversation))
    if wanted.supervisor is not None:
        theirs = select(sends.c.key).where(sends.c.supervisor == wanted.supervisor)
        whose = audit.c.detail["slack_user"].as_string()
        yield or_(audit.c.key.in_(theirs), audit.c.actor == wanted.supervisor, whose == wanted.supervisor)


def note(
    tx: Connection, at: datetime, event: str, *, key: str | None = None, actor: str = "bot", **detail: Any
) -> None:
    """Have a line added at the end of `tx`, so that it is there exactly if what it tells of is."""
    notes = tx.get_execution_options()["notes"]
    notes.append({"at": at, "key": key, "event": event, "actor": storable(actor), "detail": detail})
