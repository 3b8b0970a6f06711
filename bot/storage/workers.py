"""
Who is at work, and what the dead have left.

A row belongs to the worker that wrote its name on it while that one beats, and for no
longer than HELD_AT_MOST: work whose thread fell over must not wait for its process to
die too. Taking over is a compare-and-set on name and time as they were read.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Table, and_, func, or_, select, update

from bot.models import Receipt, State

from .brakes import IS_PAUSED
from .engine import Database, insert
from .rows import receipt_of, receipts
from .schema import sends, threads, workers

HELD_AT_MOST = timedelta(minutes=5)


class Workers(Database):
    _beaten: datetime | None = None

    def beat(self) -> None:
        """This worker is alive."""
        now = self._now()
        with self._writing() as tx:
            row = insert(self._dialect, workers).values(id=self.worker, seen_at=now)
            tx.execute(row.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))
        self._beaten = now

    def abandoned(
        self,
        alive_within: timedelta | None = None,
        *,
        limit: int = 100,
        grown_old: timedelta = timedelta(minutes=5),
    ) -> list[Receipt]:
        """
        Open sends, the oldest first, that nobody living holds: pending ones that are due, and sending.

        What a pause holds up is none of them before it has `grown_old`.
        """
        self._stay_alive()
        now = self._now()
        old = func.coalesce(sends.c.asked_not_before, sends.c.requested_at) < now - grown_old
        goes = and_(due(sends.c.not_before, now), or_(~IS_PAUSED, old))
        ready = or_(sends.c.state == State.SENDING, and_(sends.c.state == State.PENDING, goes))
        query = (
            receipts().where(ready, self._free(sends, alive_within)).order_by(sends.c.claimed_at, sends.c.id)
        )
        with self._reading() as tx:
            return [receipt_of(row) for row in tx.execute(query.limit(limit))]

    def take(self, key: str, was: State, alive_within: timedelta | None = None) -> bool:
        """Make an abandoned send, still in the state `was`, this worker's; False if another was faster."""
        self._stay_alive()
        wanted = and_(sends.c.key == key, sends.c.state == was)
        with self._writing() as tx:
            return self._hold(tx, sends, wanted, alive_within) is not None

    def release(self, worker: str | None = None) -> None:
        """Hand back what `worker` (this one) holds and has not begun, before it leaves."""
        mine = worker or self.worker
        with self._writing() as tx:
            pending = and_(sends.c.worker == mine, sends.c.state == State.PENDING)
            tx.execute(update(sends).where(pending).values(worker=None))
            tx.execute(update(threads).where(threads.c.worker == mine).values(worker=None))

    def _stay_alive(self) -> None:
        # Before anything is held: a worker that never beat would count as dead from the start.
        if self._beaten is None or self._now() - self._beaten > self._alive_within / 2:
            self.beat()

    def _free(self, table: Table, alive_within: timedelta | None = None) -> ColumnElement[bool]:
        now = self._now()
        alive = select(workers.c.id).where(workers.c.seen_at > now - (alive_within or self._alive_within))
        return or_(
            table.c.worker.is_(None),
            table.c.worker.not_in(alive),
            table.c.held_since <= now - HELD_AT_MOST,
        )

    def _hold(
        self,
        tx: Connection,
        table: Table,
        wanted: ColumnElement[bool],
        alive_within: timedelta | None = None,
    ) -> Row[tuple[object, ...]] | None:
        """The free row that is `wanted`, now held by this worker; None if there is none any more."""
        row = tx.execute(select(table).where(wanted, self._free(table, alive_within))).first()
        if row is None:
            return None
        unchanged = and_(
            table.c.worker.is_not_distinct_from(row.worker),
            table.c.held_since.is_not_distinct_from(row.held_since),
        )
        mine = {"worker": self.worker, "held_since": self._now()}
        moved = tx.execute(update(table).where(wanted, unchanged).values(mine)).rowcount == 1
        return row if moved else None


def due(column: ColumnElement[datetime], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= now)
