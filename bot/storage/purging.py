"""Forget what customers and supervisors wrote, once it has been kept long enough; the record stays."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, or_, select

from bot.models import State

from .audit import note
from .engine import Database
from .schema import chats, drafts, hooks, sends, texts


class Purging(Database):
    def purge(self, before: datetime, *, actor: str = "bot") -> int:
        """
        Delete texts of settled sends that were to leave before `before`, drafts and announcements from then.

        Returns how many sends have lost their text, which is on record. Hashes, outcomes and the
        audit record stay.
        """
        meant = func.coalesce(sends.c.asked_not_before, sends.c.claimed_at)
        left = or_(meant < before, sends.c.changed_at < before)  # or was given up before its time
        old = select(sends.c.key).where(
            sends.c.claimed_at < before, left, sends.c.state.not_in((State.PENDING, State.SENDING))
        )
        with self._writing() as tx:
            tx.execute(delete(drafts).where(drafts.c.created_at < before))
            tx.execute(delete(hooks).where(hooks.c.at < before))
            tx.execute(delete(chats).where(chats.c.started_at < before))
            gone = tx.execute(delete(texts).where(texts.c.key.in_(old))).rowcount
            if gone:
                note(tx, self._now(), "purged", actor=actor, texts=gone, before=before.isoformat())
        self._empty_log()
        return gone
