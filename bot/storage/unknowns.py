"""
Sends of which nobody knows whether they arrived, until a person says what is to become of them.

One word settles it: whoever comes second changes nothing and reads what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, ScalarSelect, and_, func, or_, select, update

from bot.models import PostKind, Receipt, State

from .audit import note
from .engine import Database
from .outbox import tell
from .rows import STILL_UNKNOWN, require
from .schema import audit, sends, threads

CLOCKS_DIFFER = timedelta(minutes=2)  # Genesys' and ours: a look takes what is that much older


class Unknowns(Database):
    def mark(
        self, key: str, state: State, *, by: str, reason: str, posts: Sequence[PostKind]
    ) -> tuple[Receipt, bool]:
        """
        Somebody says of an unknown send that it is UNSENT, or stays UNKNOWN and is dealt with.

        Its receipt, and whether nobody was faster. Raises NoSuchSend.
        """
        now = self._now()
        with self._writing() as tx:
            moved = mark(tx, key, state, now, by=by, reason=reason, posts=posts)
            receipt = require(tx, key)
        if moved and state is not State.UNKNOWN:
            self._settled(receipt)
        return receipt, moved

    def looking(self, key: str, *, by: str) -> datetime | None:
        """Put on record that `by` lets the bot look for it; when it began to leave."""
        with self._writing() as tx:
            note(tx, self._now(), "looked", key=key, actor=by)
            return tx.execute(select(audit.c.at).where(audit.c.id == _began(key))).scalar()

    def has_twin(self, key: str, *, since: datetime, text_compared: bool = True) -> bool:
        """
        Whether what a look finds for this send, which left at `since` or later, may be another's.

        That is one on its way, an unknown one that left later, or one that Genesys took about then
        or later and gave no id. They have its text and conversation, or, not `text_compared`, its
        sender and conversation.
        """
        it = sends.alias()
        what = sends.c.text_hash == it.c.text_hash if text_compared else sends.c.sender_id == it.c.sender_id
        same = and_(sends.c.conversation_id == it.c.conversation_id, what, sends.c.key != it.c.key)
        unnamed = and_(sends.c.state == State.SENT, sends.c.message_id.is_(None))
        unnamed = and_(unnamed, sends.c.changed_at >= since - CLOCKS_DIFFER)
        later = and_(sends.c.state == State.UNKNOWN, _began(sends.c.key) > _began(it.c.key))
        query = select(sends.c.id).join(it, and_(it.c.key == key, same))
        query = query.where(or_(sends.c.state == State.SENDING, later, unnamed))
        with self._reading() as tx:
            return tx.execute(query).first() is not None

    def card(self, channel: str, conversation_id: str) -> str | None:
        """Slack's message that is this conversation's card; None before it is there."""
        query = select(threads.c.ts).where(
            threads.c.channel == channel, threads.c.conversation_id == conversation_id
        )
        with self._reading() as tx:
            return tx.execute(query).scalar()


def _began(key: Any) -> ScalarSelect[Any]:
    """The record of when the send `key` last began to leave."""
    begun = and_(audit.c.key == key, audit.c.event == "begun")
    return select(func.max(audit.c.id)).where(begun).scalar_subquery()


def mark(
    tx: Connection,
    key: str,
    state: State,
    now: datetime,
    *,
    by: str,
    reason: str,
    posts: Sequence[PostKind],
) -> bool:
    """As `Unknowns.mark`, within `tx`; whether nobody was faster."""
    values: dict[str, Any] = {"handled_by": by, "reason": reason}
    if state is not State.UNKNOWN:
        values |= {"state": state, "changed_at": now}
    moved = tx.execute(update(sends).where(sends.c.key == key, STILL_UNKNOWN).values(values)).rowcount == 1
    if not moved:
        return False
    receipt = require(tx, key)
    said = {"state": state.value, "text_hash": receipt.text_hash, "handled_by": by}
    note(tx, now, "marked", key=key, actor=by, **said)
    tell(tx, receipt, posts, now)
    return True
