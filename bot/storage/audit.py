"""The record of what was done: lines are added to it, and the database refuses anything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from .engine import Database
from .schema import audit

NEW_LINE = audit.insert()


@dataclass(frozen=True)
class AuditRecord:
    """One line; `actor` is a Slack user, "operator for" one, or "bot". Never holds customer text."""

    id: int
    at: datetime
    key: str | None
    event: str
    actor: str
    detail: dict[str, Any]
    mac: str | None = None
    key_id: str | None = None


class Audit(Database):
    def audit(self, key: str | None = None, *, limit: int = 1000, after_id: int = 0) -> list[AuditRecord]:
        """The lines in the order in which they were written; `after_id` goes on behind a page."""
        query = select(audit).where(audit.c.id > after_id).order_by(audit.c.id).limit(limit)
        if key is not None:
            query = query.where(audit.c.key == key)
        with self._reading() as tx:
            return [AuditRecord(**row._mapping) for row in tx.execute(query)]


def note(
    tx: Connection, at: datetime, event: str, *, key: str | None = None, actor: str = "bot", **detail: Any
) -> None:
    """Add a line within `tx`, so that it is there exactly if what it tells of is."""
    tx.execute(NEW_LINE, {"at": at, "key": key, "event": event, "actor": actor, "detail": detail})
