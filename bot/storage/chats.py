"""Chats that Genesys announced: which ones, in which channels, and which announcements were seen before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, select, update

from .engine import Database, exclusively, insert
from .outbox import ensure_thread
from .schema import chats, hooks


class Chats(Database):
    def chat_started(
        self, event: str, conversation_id: str, channels: Collection[str], *, queue: str
    ) -> list[str]:
        """
        A chat is there to be announced in `channels`; those where its card is due now.

        `event` (64 characters at most) counts once, and so does a chat in a channel, one that
        is known to have ended included.
        """
        now = self._now()
        with self._writing() as tx:
            exclusively(tx, f"chat {conversation_id}")
            if not self._is_new(tx, event, now):
                return []
            new = [each for each in sorted(channels) if self._add(tx, each, conversation_id, queue, now)]
            for channel in new:
                ensure_thread(tx, channel, conversation_id, now, card_due=True)
            return new

    def chat_ended(
        self, event: str, conversation_id: str, channels: Collection[str], *, queue: str
    ) -> list[str]:
        """
        The chat is over; the channels whose card has to say so.

        In `channels` it is not announced any more should the news of its start come late.
        """
        now = self._now()
        over = and_(chats.c.conversation_id == conversation_id, chats.c.ended_at.is_(None))
        with self._writing() as tx:
            exclusively(tx, f"chat {conversation_id}")
            if not self._is_new(tx, event, now):
                return []
            known = [row.channel for row in tx.execute(select(chats.c.channel).where(over))]
            tx.execute(update(chats).where(over).values(ended_at=now))
            for channel in sorted(channels):
                self._add(tx, channel, conversation_id, queue, now, ended_at=now)
            for channel in sorted(known):
                ensure_thread(tx, channel, conversation_id, now, card_due=True)
            return known

    def _is_new(self, tx: Connection, event: str, now: datetime) -> bool:
        seen = insert(self._dialect, hooks).values(id=event, at=now)
        # PostgreSQL's driver counts no rows of an INSERT.
        seen = seen.on_conflict_do_nothing(index_elements=["id"])
        return tx.execute(seen.returning(hooks.c.id)).first() is not None

    def _add(
        self,
        tx: Connection,
        channel: str,
        conversation_id: str,
        queue: str,
        now: datetime,
        *,
        ended_at: datetime | None = None,
    ) -> bool:
        row = {"channel": channel, "conversation_id": conversation_id, "queue": queue}
        chat = insert(self._dialect, chats).values(row | {"started_at": now, "ended_at": ended_at})
        added = chat.on_conflict_do_nothing(index_elements=["channel", "conversation_id"])
        return tx.execute(added.returning(chats.c.channel)).first() is not None
