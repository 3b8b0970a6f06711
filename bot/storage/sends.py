"""
Sends after their claim: the heart of "never twice".

Every step is one short transaction and a compare-and-set that believes the row count:
`begin` lets one caller through, `settle` moves a row only from where its caller knows it
to be. The audit line and the posts that tell of a step are written with it, so there is
never one without the other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select, update

from bot.models import Outcome, PostKind, Receipt, State

from .audit import note
from .brakes import BRAKE, IS_PAUSED, OF_SEND, pause_in
from .claims import Claims
from .engine import beside
from .errors import NoSuchSend, Stopped
from .gates import answers_of
from .outbox import tell
from .rows import find, hash_of, receipt_of, receipts, require
from .schema import sends, texts
from .workers import due

THIS = sends.c.key == bindparam("this")
# Behind a gate nothing leaves but what was agreed to: it is open, and the text is the frozen one.
AGREED = or_(
    sends.c.gate.is_(None),
    and_(sends.c.opened_by.is_not(None), sends.c.text_hash == bindparam("agreed")),
)
READY = and_(THIS, sends.c.state == State.PENDING, due(sends.c.not_before, bindparam("at")), AGREED)
BEGIN = update(sends).where(READY, ~IS_PAUSED)
HELD_UP_BY = OF_SEND.where(READY)
FORGET = update(sends).where(THIS, sends.c.gate.is_(None))
SETTLE = update(sends).where(THIS, sends.c.state.in_(bindparam("was", expanding=True)))
UNANSWERED = and_(sends.c.gate_until == bindparam("asked_until"), sends.c.opened_by.is_(None))
SETTLE_ASKED = SETTLE.where(UNANSWERED)
SENT_BY = (
    select(sends.c.response)
    .where(sends.c.supervisor == bindparam("supervisor"), sends.c.state == State.SENT)
    .order_by(sends.c.claimed_at.desc(), sends.c.id.desc())
    .limit(50)
)
KEEP_TEXT = update(texts).where(texts.c.key == bindparam("this"))


class Sends(Claims):
    def find(self, key: str) -> Receipt | None:
        """Where the send stands; None if nothing was ever claimed under `key`."""
        with self._reading() as tx:
            return find(tx, key)

    def receipt(self, key: str) -> Receipt:
        """Where the send stands; raises NoSuchSend."""
        with self._reading() as tx:
            return require(tx, key)

    def begin(
        self, key: str, text: str, *, sender_id: str | None, version: str | None = None, queue: str = ""
    ) -> bool:
        """
        Let one caller send: pending and due → sending, with the exact text and its SHA-256.

        `version` is the response's, for the record; `queue` the conversation's, for the usage.
        Behind a gate it takes an open one, and the text that the gate was opened for. False
        means that somebody else is sending it, or nobody may; then nothing has changed.
        Raises Stopped if it is a pause alone that it waits for.
        """
        self._stay_alive()
        now = self._now()
        begun: dict[str, Any] = {"sender_id": sender_id, "text_hash": hash_of(text)}
        sending = {"state": State.SENDING, "changed_at": now, "reason": "", "not_before": None}
        begun_in = {"queue": queue or None}
        here = {"this": key, "at": now, "agreed": begun["text_hash"]}
        with self._writing() as tx:
            beside(tx, BRAKE)
            moved = tx.execute(BEGIN, begun | begun_in | sending | self._mine() | here).rowcount == 1
            if moved:
                tx.execute(KEEP_TEXT, {"this": key, "final": text})
                note(tx, now, "begun", key=key, response_version=version, **begun)
            elif pause := pause_in(tx.execute(HELD_UP_BY, here).first()):
                raise Stopped(pause)
            return moved

    def settle(
        self,
        key: str,
        outcome: Outcome,
        *,
        was: Collection[State],
        posts: Sequence[PostKind] = (),
        actor: str = "bot",
        asked_until: datetime | None = None,
    ) -> tuple[Receipt, bool]:
        """
        Move the send to `outcome`, if it is in one of the states `was`; its receipt, and whether it moved.

        With `asked_until`, only if whoever was asked until then has not let it leave meanwhile.

        With it go the audit line, the `posts`, and the note that the card is out of date. Back
        to PENDING it belongs to nobody, and the text that did not leave is forgotten, but for
        one that somebody agreed to.

        Raises NoSuchSend.
        """
        now = self._now()
        here: dict[str, Any] = {"this": key, "was": [State(state) for state in was]}
        which = SETTLE
        if asked_until is not None:
            which, here = SETTLE_ASKED, here | {"asked_until": asked_until}
        with self._writing() as tx:
            moved = tx.execute(which, _settled(outcome, now) | here).rowcount == 1
            if moved and outcome.state is State.PENDING and _forgets(tx, key):
                tx.execute(KEEP_TEXT, {"this": key, "final": None})
            receipt = require(tx, key)
            if moved:
                note(tx, now, "settled", key=key, actor=actor, **_result(receipt))
                tell(tx, receipt, (*posts, *answers_of(receipt)), now)
        if moved:
            self._settled(receipt)
        return receipt, moved

    def is_sending(self, key: str) -> bool:
        """Whether it is this worker that sends it, still: one that stood still was given up for dead."""
        mine = and_(sends.c.key == key, sends.c.state == State.SENDING, sends.c.worker == self.worker)
        with self._reading() as tx:
            return tx.execute(select(sends.c.id).where(mine)).first() is not None

    def waiting(self, key: str, until: datetime) -> None:
        """The send waits in place until then, as Genesys asked; its card shows it."""
        now = self._now()
        sending = and_(sends.c.key == key, sends.c.state == State.SENDING)
        with self._writing() as tx:
            if tx.execute(update(sends).where(sending).values(waiting_until=until)).rowcount == 1:
                tell(tx, require(tx, key), (), now)

    def sends(
        self,
        state: State | None = None,
        supervisor: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Receipt]:
        """The newest first; `before` is the key of the last one on the page before. Raises NoSuchSend."""
        query = receipts().order_by(sends.c.claimed_at.desc(), sends.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(sends.c.state == state)
        if supervisor is not None:
            query = query.where(sends.c.supervisor == supervisor)
        with self._reading() as tx:
            if before is not None:
                query = query.where(_older_than(tx, before))
            return [receipt_of(row) for row in tx.execute(query)]

    def sent_lately(self, supervisor: str) -> list[str]:
        """The keys of the responses that they sent last, the newest first, each once; of 50 sends."""
        with self._reading() as tx:
            return list(dict.fromkeys(tx.execute(SENT_BY, {"supervisor": supervisor}).scalars()))


def _forgets(tx: Connection, key: str) -> bool:
    nothing = {"sender_id": None, "text_hash": None}
    return tx.execute(FORGET, nothing | {"this": key}).rowcount == 1


def _older_than(tx: Connection, key: str) -> ColumnElement[bool]:
    last = tx.execute(select(sends.c.claimed_at, sends.c.id).where(sends.c.key == key)).first()
    if last is None:
        raise NoSuchSend(key)
    at = sends.c.claimed_at
    return and_(at <= last.claimed_at, or_(at < last.claimed_at, sends.c.id < last.id))


def _settled(outcome: Outcome, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": outcome.state,
        "changed_at": now,
        "reason": outcome.reason,
        "not_before": outcome.not_before,
        "waiting_until": None,
    }
    if outcome.message_id is not None:
        values["message_id"] = outcome.message_id
    if outcome.correlation_id:
        values["correlation_id"] = outcome.correlation_id
    if outcome.state is State.SENT:
        values |= {"delivery": outcome.delivery or None, "look_at": outcome.look_at}
    if outcome.landed_in is not None:
        values["landed_in"] = outcome.landed_in
    if outcome.state is State.PENDING:
        values["worker"] = None
    return values


def _result(receipt: Receipt) -> dict[str, Any]:
    return {
        "state": receipt.state.value,
        "message_id": receipt.message_id,
        "correlation_id": receipt.correlation_id,
        "sender_id": receipt.sender_id,
        "text_hash": receipt.text_hash,
        "approved_by": receipt.approved_by,
        "opened_by": receipt.opened_by,
        "delivery": receipt.delivery or None,
        "landed_in": receipt.landed_in,
    }
