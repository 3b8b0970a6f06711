"""How much there is still to do, for those who watch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from bot.models import State

from .engine import Database
from .rows import STILL_UNKNOWN
from .schema import posts, sends
from .workers import due


@dataclass(frozen=True)
class Backlog:
    """
    `posts` that may go to Slack now; `unknown` sends that nobody has dealt with.

    `oldest` is when the longest-waiting send was meant to leave; what waits for a later time or
    for somebody's click is none of them.
    """

    posts: int
    unknown: int
    oldest: datetime | None


class Backlogs(Database):
    def backlog(self) -> Backlog:
        """Of all processes on this database."""
        now = self._now()
        say = select(func.count()).where(posts.c.done_at.is_(None), due(posts.c.not_before, now))
        meant = func.coalesce(sends.c.asked_not_before, sends.c.requested_at)
        agreed = or_(sends.c.gate_until.is_(None), sends.c.opened_by.is_not(None))
        waiting = and_(sends.c.state.in_((State.PENDING, State.SENDING)), meant <= now, agreed)
        with self._reading() as tx:
            return Backlog(
                posts=tx.execute(say).scalar_one(),
                unknown=tx.execute(select(func.count()).where(STILL_UNKNOWN)).scalar_one(),
                oldest=tx.execute(select(func.min(meant)).where(waiting)).scalar(),
            )
