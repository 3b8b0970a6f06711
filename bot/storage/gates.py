"""
Sends that wait for somebody's word: the agent who is asked opens the gate, or nothing leaves.

    asked ──▶ opened ──▶ begun
      │ the text is frozen, `begin` compares its hash
      └──▶ declined, taken back, lapsed

`not_before` is the end of the wait, so that what nobody opened is found then and closed.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update

from bot.models import Asked, Gate, PostKind, Receipt, State

from .audit import note
from .errors import NoSuchSend
from .outbox import asked_of, put_posts, touch_card
from .rows import find
from .schema import sends, texts
from .workers import Workers, due

WAITING = and_(sends.c.state == State.PENDING, sends.c.opened_by.is_(None))


class Gates(Workers):
    def ask(
        self, key: str, text: str, *, agent: str, user: str, until: datetime, reason: str
    ) -> tuple[Receipt, bool]:
        """
        Freeze `text` and ask the agent, `user` in Slack and `agent` in Genesys; whether that was in time.

        With it go the audit line, the question and the reply in the thread. Raises NoSuchSend.
        """
        now = self._now()
        frozen: dict[str, Any] = {"sender_id": agent, "text_hash": _hash(text)}
        waits = {"gate": Gate.AGENT, "gate_until": until, "not_before": until, "reason": reason}
        fresh = and_(WAITING, sends.c.gate_until.is_(None), due(sends.c.not_before, now))
        with self._writing() as tx:
            put = update(sends).where(sends.c.key == key, fresh).values(frozen | waits)
            moved = tx.execute(put.values(worker=None, changed_at=now)).rowcount == 1
            if moved:
                tx.execute(update(texts).where(texts.c.key == key).values(final=text))
            receipt = find(tx, key)
            if receipt is None:
                raise NoSuchSend(key)
            if moved:
                note(tx, now, "asked", key=key, actor=receipt.request.supervisor, user=user, **frozen)
                touch_card(tx, receipt.request, now)
                put_posts(tx, receipt, (PostKind.REPLY, PostKind.ASK), now, asked=user)
            return receipt, moved

    def open_gate(self, key: str, *, by: str, edited: str | None, reason: str) -> tuple[Receipt, bool]:
        """
        The one who was asked lets it leave, as frozen or as `edited`; False if it does not wait any more.

        It is this worker's then. An edit is told to the supervisor and in the thread.
        """
        self._stay_alive()
        now = self._now()
        opened: dict[str, Any] = {"opened_by": by, "not_before": None, "asked_not_before": now}
        mine = self._mine() | {"changed_at": now, "reason": reason}
        hashed = {"text_hash": _hash(edited)} if edited is not None else {}
        if edited is not None:
            mine["edited"] = True
        with self._writing() as tx:
            here = and_(sends.c.key == key, WAITING, sends.c.gate_until > now)
            moved = tx.execute(update(sends).where(here).values(opened | mine | hashed)).rowcount == 1
            if moved and edited is not None:
                tx.execute(update(texts).where(texts.c.key == key).values(final=edited))
            receipt = find(tx, key)
            if receipt is None:
                raise NoSuchSend(key)
            if moved:
                note(tx, now, "opened", key=key, actor=by, edited=edited is not None, **hashed)
                touch_card(tx, receipt.request, now)
                told = (PostKind.REPLY, PostKind.DIRECT) if edited is not None else ()
                put_posts(tx, receipt, (*told, PostKind.ASKED), now)
            return receipt, moved

    def asked(self, key: str) -> Asked | None:
        """Who was asked about this send, and where."""
        with self._reading() as tx:
            return asked_of(tx, key)

    def opened_by(self, user: str, *, limit: int = 50) -> list[str]:
        """The keys of sends that this Slack user let leave, and that have not left yet."""
        query = select(sends.c.key).where(sends.c.opened_by == user, sends.c.state == State.PENDING)
        with self._reading() as tx:
            return list(tx.execute(query.order_by(sends.c.id).limit(limit)).scalars())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
