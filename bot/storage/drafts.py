"""Questions that were asked before a claim, so that Slack need not remember what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from .engine import Database, insert
from .schema import drafts

ANSWERED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Draft:
    """A request that waits for an answer; `channel` is where `supervisor` was asked."""

    key: str
    kind: str
    request: dict[str, Any] = field(repr=False)
    supervisor: str
    channel: str
    created_at: datetime


class Drafts(Database):
    def save_draft(
        self, key: str, kind: str, request: Mapping[str, Any], *, supervisor: str, channel: str
    ) -> None:
        """Keep `request` (what JSON can hold) under `key`, in the place of what was kept there."""
        values = {
            "key": key,
            "kind": kind,
            "request": dict(request),
            "supervisor": supervisor,
            "channel": channel,
            "created_at": self._now(),
        }
        with self._writing() as tx:
            kept = insert(self._dialect, drafts).values(values)
            tx.execute(kept.on_conflict_do_update(index_elements=["key"], set_=values))

    def draft(self, key: str) -> Draft | None:
        """What was kept under `key`; a question from more than a day ago is not answered any more."""
        query = select(drafts).where(drafts.c.key == key, drafts.c.created_at > self._now() - ANSWERED_WITHIN)
        with self._reading() as tx:
            row = tx.execute(query).first()
            return Draft(**row._mapping) if row else None
