"""
Sends that wait for somebody's word: who is asked opens the gate, or nothing leaves.

    approval: asked ──▶ approved ──▶ agent: asked ──▶ opened ──▶ begun
                │ the text is frozen, `begin` compares its hash
                └──▶ rejected, declined, taken back, lapsed

A send has the one gate, the other, or both in this order. `not_before` is the end of the
wait, so that what nobody opened is found then and closed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, update

from bot.models import Asked, Gate, PostKind, Receipt, State

from .audit import note
from .outbox import asked_of, tell
from .rows import hash_of, require
from .schema import sends, texts
from .workers import Workers, due

WAITING = and_(sends.c.state == State.PENDING, sends.c.opened_by.is_(None))

APPROVALS = (Gate.APPROVAL, Gate.BOTH)
NOTHING_TO_APPROVE = or_(sends.c.gate.is_(None), sends.c.gate == Gate.AGENT)  # or no more


class Gates(Workers):
    def ask(
        self, key: str, text: str, *, agent: str, user: str, until: datetime, reason: str
    ) -> tuple[Receipt, bool]:
        """
        Freeze `text` and ask the agent, `user` in Slack and `agent` in Genesys; whether that was in time.

        With it go the audit line, the question and the reply in the thread. Raises NoSuchSend.
        """
        now = self._now()
        frozen: dict[str, Any] = {"sender_id": agent, "text_hash": hash_of(text)}
        waits = {"gate": Gate.AGENT, "gate_until": until, "not_before": until, "reason": reason}
        with self._writing() as tx:
            receipt, moved = _freeze(tx, key, text, frozen | waits, now, NOTHING_TO_APPROVE)
            if moved:
                note(tx, now, "asked", key=key, actor=receipt.request.actor, user=user, **frozen)
                tell(tx, receipt, (PostKind.REPLY, PostKind.ASK), now, asked=user)
            return receipt, moved

    def ask_approval(
        self,
        key: str,
        text: str,
        *,
        gate: Gate,
        group: str,
        sender_id: str | None,
        until: datetime,
        reason: str,
    ) -> tuple[Receipt, bool]:
        """
        Freeze `text`, which `sender_id` would send, and ask the `group` in the thread; whether in time.

        With it go the audit line and the question. Raises NoSuchSend.
        """
        now = self._now()
        frozen: dict[str, Any] = {"sender_id": sender_id, "text_hash": hash_of(text)}
        waits = {"gate": gate, "gate_until": until, "not_before": until, "reason": reason}
        with self._writing() as tx:
            receipt, moved = _freeze(tx, key, text, frozen | waits, now)
            if moved:
                actor = receipt.request.supervisor
                note(tx, now, "approval asked", key=key, actor=actor, group=group, **frozen)
                tell(tx, receipt, (PostKind.APPROVE,), now)
            return receipt, moved

    def approve(self, key: str, *, by: str, reason: str) -> tuple[Receipt, bool]:
        """
        The frozen text may leave, for all that `by` has to say; False if it does not wait for that any more.

        It is this worker's then, or waits for the time that it is meant for.
        """
        self._stay_alive()
        now = self._now()
        stands: dict[str, Any] = {"approved_by": by, "changed_at": now, "reason": reason}
        with self._writing() as tx:
            request = require(tx, key).request
            gate, time = request.gate, request.not_before
            opened: dict[str, Any] = {"opened_by": by}
            if gate is Gate.BOTH:
                opened = {"gate": Gate.AGENT, "gate_until": None}
            held = request.scheduled and time is not None and time > now
            goes_on = self._mine() | {"not_before": None, "asked_not_before": now}
            opened |= {"worker": None, "not_before": time} if held else goes_on
            waiting = and_(WAITING, sends.c.gate.in_(APPROVALS), sends.c.gate_until > now)
            here = and_(sends.c.key == key, sends.c.gate == gate, waiting)
            moved = tx.execute(update(sends).where(here).values(opened | stands)).rowcount == 1
            receipt = require(tx, key)
            if moved:
                who = {"approved_by": by, "opened_by": receipt.opened_by}
                note(tx, now, "approved", key=key, actor=by, text_hash=receipt.text_hash, **who)
                told = (PostKind.APPROVED, PostKind.REPLY) if held else (PostKind.APPROVED,)
                tell(tx, receipt, told, now)
            return receipt, moved

    def open_gate(self, key: str, *, by: str, edited: str | None, reason: str) -> tuple[Receipt, bool]:
        """
        The agent who was asked lets it leave, as frozen or as `edited`; False if it does not wait any more.

        What was approved cannot be `edited`. It is this worker's then. An edit is told to the supervisor and
        in the thread.
        """
        self._stay_alive()
        now = self._now()
        opened: dict[str, Any] = {"opened_by": by, "not_before": None, "asked_not_before": now}
        mine = self._mine() | {"changed_at": now, "reason": reason}
        hashed = {"text_hash": hash_of(edited)} if edited is not None else {}
        if edited is not None:
            mine["edited"] = True
        with self._writing() as tx:
            here = and_(sends.c.key == key, WAITING, sends.c.gate == Gate.AGENT, sends.c.gate_until > now)
            if edited is not None:
                here = and_(here, sends.c.approved_by.is_(None))
            moved = tx.execute(update(sends).where(here).values(opened | mine | hashed)).rowcount == 1
            if moved and edited is not None:
                tx.execute(update(texts).where(texts.c.key == key).values(final=edited))
            receipt = require(tx, key)
            if moved:
                note(tx, now, "opened", key=key, actor=by, edited=edited is not None, **hashed)
                told = (PostKind.REPLY, PostKind.DIRECT) if edited is not None else ()
                tell(tx, receipt, (*told, PostKind.ASKED), now)
            return receipt, moved

    def asked(self, key: str, kind: PostKind = PostKind.ASK) -> Asked | None:
        """Where somebody was last asked about this send by a post of this kind."""
        with self._reading() as tx:
            return asked_of(tx, key, kind)


def answers_of(receipt: Receipt) -> tuple[PostKind, ...]:
    """What takes the place of a question that is open when the send is settled."""
    if receipt.gate_until is None:
        return ()
    if receipt.request.gate is Gate.AGENT:
        return (PostKind.ASKED,)
    return () if receipt.approved_by else (PostKind.APPROVED,)


def _freeze(
    tx: Connection, key: str, text: str, asked: dict[str, Any], now: datetime, *also: ColumnElement[bool]
) -> tuple[Receipt, bool]:
    """Write the question into the row, where none is open and nobody approved another text."""
    fresh = and_(WAITING, sends.c.gate_until.is_(None), due(sends.c.not_before, now))
    same = or_(sends.c.approved_by.is_(None), sends.c.text_hash == asked["text_hash"])
    put = update(sends).where(sends.c.key == key, fresh, same, *also).values(asked)
    moved = tx.execute(put.values(worker=None, changed_at=now)).rowcount == 1
    if moved:
        tx.execute(update(texts).where(texts.c.key == key).values(final=text))
    return require(tx, key), moved
