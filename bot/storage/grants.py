"""
People's own Genesys tokens, as they were sealed: this room holds no key to them.

One process at a time renews a grant: it holds the row, as a send is held, and for a short
while at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, or_, select, update

from .audit import note
from .engine import insert
from .schema import grants, links
from .workers import Workers, free

OF_USER = select(grants).where(grants.c.genesys_user == bindparam("whose"))
RENEWED_WITHIN = timedelta(minutes=3)  # longer than the token endpoint can take, with all its retries


@dataclass(frozen=True)
class SealedGrant:
    """`expires_at` is the access token's end."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime


class Grants(Workers):
    def grant(self, genesys_user: str) -> SealedGrant | None:
        """What is kept for this Genesys user."""
        with self._reading() as tx:
            row = tx.execute(OF_USER, {"whose": genesys_user}).first()
            return SealedGrant(row.access, row.refresh, row.expires_at) if row else None

    def signed_in(self) -> list[str]:
        """The Genesys users of whom something is kept."""
        with self._reading() as tx:
            return list(tx.execute(select(grants.c.genesys_user).order_by(grants.c.genesys_user)).scalars())

    def save_grant(self, genesys_user: str, sealed: SealedGrant) -> None:
        """Keep it, in the place of what was kept; who holds the row goes on holding it."""
        values = {
            "access": sealed.access,
            "refresh": sealed.refresh,
            "expires_at": sealed.expires_at,
            "changed_at": self._now(),
        }
        with self._writing() as tx:
            kept = insert(self._dialect, grants).values(genesys_user=genesys_user, **values)
            tx.execute(kept.on_conflict_do_update(index_elements=["genesys_user"], set_=values))

    def forget_grant(self, genesys_user: str) -> bool:
        """Keep nothing for this Genesys user any more; whether there was something."""
        with self._writing() as tx:
            gone = tx.execute(delete(grants).where(grants.c.genesys_user == genesys_user)).rowcount == 1
            if gone:
                of_link = select(links.c.slack_user).where(links.c.genesys_user == genesys_user)
                user = tx.execute(of_link).scalar()
                note(tx, self._now(), "signed_out", slack_user=user, genesys_user=genesys_user)
            return gone

    def hold_grant(self, genesys_user: str) -> datetime | None:
        """
        Make renewing it this caller's alone until `leave_grant`, which wants what this returns.

        None: somebody else has it. Where nothing is kept there is nothing to hold.
        """
        self._stay_alive()
        now = self._shared_now()
        mine = grants.c.genesys_user == genesys_user
        too_long = grants.c.held_since <= now - RENEWED_WITHIN
        with self._writing() as tx:
            if tx.execute(select(grants.c.genesys_user).where(mine)).first() is None:
                return now
            held = {"worker": self.worker, "held_since": now}
            take = update(grants).where(mine, or_(free(grants), too_long)).values(held)
            return now if tx.execute(take, self._times()).rowcount == 1 else None

    def leave_grant(self, genesys_user: str, since: datetime) -> None:
        """Let the next one renew it; of no effect on a row that was taken over meanwhile."""
        mine = and_(grants.c.worker == self.worker, grants.c.held_since == since)
        with self._writing() as tx:
            left = update(grants).where(grants.c.genesys_user == genesys_user, mine)
            tx.execute(left.values(worker=None, held_since=None))
