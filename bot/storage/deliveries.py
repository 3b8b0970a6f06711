"""How far a message got after it was sent, and when to ask about it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, update

from bot.models import PostKind, Receipt, State

from .audit import note
from .engine import Database
from .outbox import tell
from .rows import find, receipt_of, receipts
from .schema import sends

# What each can follow on: two looks may come back in the wrong order.
FOLLOWS: dict[str, tuple[str, ...]] = {
    "queued": (),
    "sent": ("queued",),
    "delivered": ("queued", "sent"),
    "read": ("queued", "sent", "delivered"),
    "failed": ("queued", "sent"),
}
LAST = ("read", "failed")


class Deliveries(Database):
    def take_looks(self, pauses: Sequence[timedelta], *, limit: int) -> list[Receipt]:
        """
        The sends to look at now, the longest due first; nobody else gets them for this look.

        After the n-th look the next is due `pauses[n - 1]` later, and after the last one none.
        """
        now = self._now()
        due = receipts().where(sends.c.look_at <= now).order_by(sends.c.look_at, sends.c.id).limit(limit)
        with self._writing() as tx:
            found = tx.execute(due.with_for_update(of=sends, skip_locked=True)).all()
            for row in found:
                _took(tx, row, pauses, now)
            return [receipt_of(row) for row in found]

    def delivered(
        self,
        key: str,
        delivery: str,
        *,
        message_id: str,
        error: str = "",
        reason: str = "",
        posts: Sequence[PostKind] = (),
    ) -> bool:
        """
        The message of a send has got as far as `delivery`; False if that is no news.

        With it go the audit line and, saying *not sent* for `reason`, the `posts`.
        """
        now = self._now()
        further = or_(sends.c.delivery.is_(None), sends.c.delivery.in_(FOLLOWS[delivery]))
        here = and_(sends.c.key == key, sends.c.state == State.SENT, further)
        known: dict[str, Any] = {"delivery": delivery, "delivery_error": error or None}
        over = {"look_at": None} if delivery in LAST else {}
        with self._writing() as tx:
            unnamed = update(sends).where(sends.c.key == key, sends.c.message_id.is_(None))
            named = tx.execute(unnamed.values(message_id=message_id)).rowcount == 1
            if tx.execute(update(sends).where(here).values(known | over)).rowcount != 1:
                if named:
                    note(tx, now, "found", key=key, message_id=message_id)
                return False
            note(tx, now, "delivery", key=key, delivery=delivery, message_id=message_id)
            receipt = find(tx, key)
            if receipt is not None:
                tell(tx, replace(receipt, state=State.UNSENT, reason=reason), posts, now)
            return True

    def message_ids(self, conversation_id: str) -> list[str]:
        """The messages in this conversation that sends of ours account for."""
        ours = or_(sends.c.conversation_id == conversation_id, sends.c.landed_in == conversation_id)
        query = select(sends.c.message_id).where(ours, sends.c.message_id.is_not(None))
        with self._reading() as tx:
            return list(tx.scalars(query))


def _took(tx: Connection, row: Row[Any], pauses: Sequence[timedelta], now: datetime) -> None:
    pause = pauses[row.looks] if row.looks < len(pauses) else None
    taken = {"looks": row.looks + 1, "look_at": now + pause if pause is not None else None}
    tx.execute(update(sends).where(sends.c.key == row.key).values(taken))
