"""
Who is at work, and what the dead have left.

A row belongs to the worker that wrote its name on it while that one beats, and for no
longer than HELD_AT_MOST: work whose thread fell over must not wait for its process to
die too. Whoever takes a row over has locked it first, and on PostgreSQL passes by those
that another one is just taking.

All this is told by one clock: the database's, where it is on a machine of its own. Beats
by clocks that differ would make the living look dead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from bot.models import Receipt, State

from .brakes import IS_PAUSED
from .engine import Database, insert
from .rows import receipt_of, receipts
from .schema import sends, threads, workers

log = logging.getLogger(__name__)

HELD_AT_MOST = timedelta(minutes=5)
NOTICED = timedelta(seconds=1)  # between two clocks; less is the way of the question


def _machine() -> datetime:
    return datetime.now(UTC)


class Workers(Database):
    _beaten: datetime | None = None
    _behind = timedelta()

    def __init__(self, *args: Any, machine: Callable[[], datetime] = _machine, **options: Any) -> None:
        """`machine` is this machine's clock, to be compared with the database's."""
        super().__init__(*args, **options)
        self._machine = machine

    def beat(self) -> None:
        """This worker is alive."""
        with self._writing(durable=False) as tx:
            if self._dialect != "sqlite":
                self._compare(tx.execute(select(func.clock_timestamp())).scalar_one() - self._machine())
            now = self._shared_now()
            row = insert(self._dialect, workers).values(id=self.worker, seen_at=now)
            tx.execute(row.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))
        self._beaten = now

    def alive(self) -> int:
        """How many workers beat, this one included."""
        with self._reading() as tx:
            living = select(func.count()).select_from(LIVING.subquery())
            return tx.execute(living, self._times()).scalar_one()

    def take_abandoned(
        self, *, grown_old: timedelta = timedelta(minutes=5), limit: int = 100
    ) -> list[Receipt]:
        """
        Open sends that nobody living holds, now this worker's: the oldest first, scheduled ones last.

        These are pending ones that are due, and those that were being sent. What a pause
        holds up is none of them before it has `grown_old`.
        """
        self._stay_alive()
        now = self._now()
        old = func.coalesce(sends.c.asked_not_before, sends.c.requested_at) < now - grown_old
        goes = and_(due(sends.c.not_before, now), or_(~IS_PAUSED, old))
        ready = or_(sends.c.state == State.SENDING, and_(sends.c.state == State.PENDING, goes))
        left = receipts().where(ready, free(sends)).limit(limit)
        left = left.order_by(sends.c.scheduled, sends.c.claimed_at, sends.c.id)
        left = left.with_for_update(of=sends, skip_locked=True)
        with self._writing() as tx:
            rows = tx.execute(left, self._times()).all()
            if rows:
                taken = sends.c.key.in_([row.key for row in rows])
                tx.execute(update(sends).where(taken).values(self._mine()))
            return [receipt_of(row) for row in rows]

    def release(self) -> None:
        """Hand back what this worker holds and has not begun, before it leaves."""
        with self._writing() as tx:
            pending = and_(sends.c.worker == self.worker, sends.c.state == State.PENDING)
            tx.execute(update(sends).where(pending).values(worker=None))
        with self._writing() as tx:
            held = select(threads).where(threads.c.worker == self.worker)
            held = held.order_by(threads.c.channel, threads.c.conversation_id)
            tx.execute(held.with_for_update(key_share=True))  # posts for them may be written down meanwhile
            tx.execute(update(threads).where(threads.c.worker == self.worker).values(worker=None))

    def _stay_alive(self) -> None:
        # Before anything is held: a worker that never beat would count as dead from the start.
        # The time since its last beat says nothing where the clock was set back.
        if self._beaten is None or abs(self._shared_now() - self._beaten) > self._alive_within / 2:
            self.beat()

    def _compare(self, behind: timedelta) -> None:
        if abs(behind - self._behind) > NOTICED:
            log.warning("this machine's clock is %.0f s behind the database's", behind.total_seconds())
            self._behind = behind

    def _shared_now(self) -> datetime:
        """The time by the clock that all workers share, as it was compared at the last beat."""
        return self._now() + self._behind

    def _mine(self) -> dict[str, Any]:
        return {"worker": self.worker, "held_since": self._shared_now()}

    def _times(self) -> dict[str, datetime]:
        """The parameters of LIVING and of `free`."""
        now = self._shared_now()
        alive = {"alive_since": now - self._alive_within, "alive_until": now + self._alive_within}
        return alive | {"held_before": now - HELD_AT_MOST}


# A beat that is still to come is from before the clock was set back, and may be a dead one's last.
LIVING = select(workers.c.id).where(
    workers.c.seen_at > bindparam("alive_since"), workers.c.seen_at < bindparam("alive_until")
)


def free(table: Table) -> ColumnElement[bool]:
    """Rows that nobody living holds, by the times of `Workers._times`."""
    return or_(
        table.c.worker.is_(None),
        table.c.worker.not_in(LIVING),
        table.c.held_since <= bindparam("held_before"),
    )


def due(column: ColumnElement[datetime], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= now)
