"""
Log-ins under way: who began one, for which waiting send, and what its callback has to bring along.

A row is opened once (the click on its page) and used once (the way back from Genesys);
both are a compare-and-set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, not_, select, update

from bot.models import State

from .audit import note
from .engine import Database
from .schema import connects, sends

KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Connect:
    """One log-in; `cookie_hash` and `verifier` are there from the click on its page on."""

    id: str
    slack_user: str
    send_key: str | None
    verifier: str | None = field(repr=False)
    cookie_hash: str | None = field(repr=False)
    created_at: datetime
    used_at: datetime | None


class Connects(Database):
    def begin_connect(self, id_: str, slack_user: str, send_key: str | None = None) -> bool:
        """
        Write down that this Slack user may log in; False if that was offered for this send already.

        What is older than a day goes.
        """
        now = self._now()
        again = and_(connects.c.slack_user == slack_user, connects.c.send_key == send_key)
        with self._writing() as tx:
            tx.execute(delete(connects).where(connects.c.created_at < now - KEPT))
            if send_key is not None and tx.execute(select(connects.c.id).where(again)).first():
                return False
            row = {"id": id_, "slack_user": slack_user, "send_key": send_key, "created_at": now}
            tx.execute(connects.insert().values(row))
            return True

    def connect(self, id_: str) -> Connect | None:
        """The log-in with this id."""
        with self._reading() as tx:
            row = tx.execute(select(connects).where(connects.c.id == id_)).first()
            return Connect(**row._mapping) if row else None

    def open_connect(self, id_: str, *, verifier: str, cookie_hash: str, since: datetime) -> bool:
        """Bind it to the browser that was clicked in: once, and only if it was begun after `since`."""
        wanted = (connects.c.id == id_, connects.c.cookie_hash.is_(None), connects.c.created_at > since)
        with self._writing() as tx:
            opened = update(connects).where(*wanted).values(verifier=verifier, cookie_hash=cookie_hash)
            return tx.execute(opened).rowcount == 1

    def use_connect(self, id_: str, *, cookie_hash: str, since: datetime) -> Connect | None:
        """
        Take it for the browser it is bound to: once, and only if it was begun after `since`.

        The verifier that comes back is not kept any longer.
        """
        wanted = and_(
            connects.c.id == id_,
            connects.c.cookie_hash == cookie_hash,
            connects.c.used_at.is_(None),
            connects.c.created_at > since,
        )
        now = self._now()
        with self._writing() as tx:
            row = tx.execute(select(connects).where(wanted).with_for_update()).first()
            used: dict[str, Any] = {"used_at": now, "verifier": None}
            if row is None or tx.execute(update(connects).where(wanted).values(used)).rowcount != 1:
                return None
            note(tx, now, "signing_in", actor=row.slack_user)
            return Connect(**row._mapping)

    def wake(self, slack_user: str) -> list[str]:
        """The keys of the sends that waited for this person to log in; they may be delivered now."""
        theirs = select(connects.c.send_key).where(
            connects.c.slack_user == slack_user, connects.c.send_key.is_not(None)
        )
        asked = and_(sends.c.gate_until.is_not(None), sends.c.opened_by.is_(None))  # waits for no sign-in
        free = and_(sends.c.state == State.PENDING, sends.c.worker.is_(None), not_(asked))
        waiting = and_(sends.c.key.in_(theirs), free)
        with self._writing() as tx:
            woken = update(sends).where(waiting).values(not_before=None).returning(sends.c.key)
            keys = list(tx.execute(woken).scalars())
            tx.execute(
                update(connects)
                .where(connects.c.slack_user == slack_user, connects.c.send_key.is_not(None))
                .values(send_key=None)
            )
            return keys
