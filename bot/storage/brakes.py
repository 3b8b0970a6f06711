"""
The brake: while a pause stands, nothing leaves that has not left, whichever process holds it.

`begin` takes the brake's lock beside others and a pause takes it alone: once `pause` has
returned, no `begin` that has not seen it is under way.

A team's pause goes by its name and by its channel: whoever renames a team lifts no pause.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, or_, select

from bot.models import Pause, SendRequest

from .audit import note
from .engine import Database, exclusively, insert
from .errors import Stopped
from .schema import pauses, sends

BRAKE = "brake"


def _holds(team: Any, channel: Any) -> ColumnElement[bool]:
    return or_(pauses.c.team.in_(("", team)), pauses.c.channel == channel)


STANDING = select(pauses).order_by(pauses.c.team)
OF_TEAM = STANDING.where(_holds(bindparam("team"), bindparam("channel")))
# Of the send that a statement is about.
IS_PAUSED = select(pauses.c.team).where(_holds(sends.c.team, sends.c.channel)).exists()
OF_SEND = STANDING.join(sends, _holds(sends.c.team, sends.c.channel))


class Brakes(Database):
    def pause(self, team: str = "", *, channel: str | None = None, actor: str) -> tuple[Pause, bool]:
        """
        Let nothing of `team` ("": of any team) leave from now on; the pause, and whether it is new.

        `channel` is the team's.
        """
        now = self._now()
        with self._writing() as tx:
            exclusively(tx, BRAKE)
            row = insert(self._dialect, pauses).values(team=team, channel=channel, since=now, actor=actor)
            put = row.on_conflict_do_nothing(index_elements=["team"]).returning(pauses.c.team)
            new = tx.execute(put).first() is not None
            if new:
                note(tx, now, "paused", actor=actor, team=team, channel=channel)
            found = tx.execute(STANDING.where(pauses.c.team == team)).one()
            return Pause(**found._mapping), new

    def resume(self, team: str = "", *, actor: str) -> bool:
        """Lift this very pause, and no other one; False if there is none."""
        now = self._now()
        with self._writing() as tx:
            exclusively(tx, BRAKE)
            lifted = tx.execute(delete(pauses).where(pauses.c.team == team)).rowcount == 1
            if lifted:
                note(tx, now, "resumed", actor=actor, team=team)
            return lifted

    def pauses(self) -> list[Pause]:
        """Those that stand, the one for every team first."""
        with self._reading() as tx:
            return [Pause(**row._mapping) for row in tx.execute(STANDING)]

    def pause_of(self, request: SendRequest) -> Pause | None:
        """What keeps its team from sending."""
        with self._reading() as tx:
            return _first(tx, request)


def require_running(tx: Connection, request: SendRequest) -> None:
    """Raise Stopped while a pause stands for its team."""
    pause = _first(tx, request)
    if pause is not None:
        raise Stopped(pause)


def pause_in(row: Row[Any] | None) -> Pause | None:
    return Pause(**row._mapping) if row else None


def _first(tx: Connection, request: SendRequest) -> Pause | None:
    return pause_in(tx.execute(OF_TEAM, {"team": request.team, "channel": request.channel}).first())
