"""
Sends: the heart of "never twice".

Every step is one short transaction and a compare-and-set that believes the row count:
a key is claimed once, `begin` lets one caller through, `settle` moves a row only from
where its caller knows it to be. The audit line and the posts that tell of a step are
written with it, so there is never one without the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from bot.models import Outcome, PostKind, Receipt, SendRequest, State

from .audit import note
from .engine import exclusively, insert
from .errors import NoSuchSend, OverLimit, Repeated
from .outbox import put_posts, touch_card
from .rows import columns_of, find, receipt_of, receipts
from .schema import sends, texts
from .workers import Workers, due

A_MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)
MAY_HAVE_REACHED = (State.PENDING, State.SENDING, State.SENT, State.UNKNOWN)


class Sends(Workers):
    def claim(
        self,
        request: SendRequest,
        *,
        asks_after: timedelta | None = A_MINUTE,
        per_minute: int,
        per_conversation: int,
    ) -> Receipt:
        """
        Write `request` down; a second claim of its key changes nothing and gets the first's receipt.

        `per_minute` (at least 1) is for everything a supervisor claims, `per_conversation`
        for what reached a conversation, or may have, in ten minutes.

        Raises Repeated if the same response went, or goes, to the same conversation within
        `asks_after` (None: do not ask) and the request is not `confirmed`; OverLimit;
        DatabaseDown. Nothing is written then.
        """
        self._stay_alive()
        with self._writing() as tx:
            exclusively(tx, f"conversation {request.conversation_id}", f"supervisor {request.supervisor}")
            known = find(tx, request.key)
            if known is not None:
                return known
            if asks_after is not None and not request.confirmed:
                self._require_new(tx, request, asks_after)
            self._require_room(tx, request, per_minute=per_minute, per_conversation=per_conversation)
            self._write(tx, request)
            return _require(tx, request.key)

    def claimed(self, key: str) -> bool:
        """Whether something was ever claimed under `key`."""
        with self._reading() as tx:
            return tx.execute(select(sends.c.id).where(sends.c.key == key)).first() is not None

    def receipt(self, key: str) -> Receipt:
        """Where the send stands; raises NoSuchSend."""
        with self._reading() as tx:
            return _require(tx, key)

    def begin(self, key: str, text: str, *, sender_id: str | None) -> bool:
        """
        Let one caller send: pending and due → sending, with the exact text and its SHA-256.

        False means that somebody else is sending it, or nobody may; then nothing has changed.
        """
        self._stay_alive()
        now = self._now()
        begun: dict[str, Any] = {
            "sender_id": sender_id,
            "text_hash": hashlib.sha256(text.encode()).hexdigest(),
        }
        sending = {"state": State.SENDING, "changed_at": now, "reason": "", "not_before": None}
        mine = {"worker": self.worker, "held_since": now}
        may_leave = and_(sends.c.key == key, sends.c.state == State.PENDING, due(sends.c.not_before, now))
        with self._writing() as tx:
            moved = tx.execute(update(sends).where(may_leave).values(begun | sending | mine)).rowcount == 1
            if moved:
                tx.execute(update(texts).where(texts.c.key == key).values(final=text))
                note(tx, now, "begun", key=key, **begun)
            return moved

    def settle(
        self, key: str, outcome: Outcome, *, was: Collection[State], posts: Sequence[PostKind] = ()
    ) -> tuple[Receipt, bool]:
        """
        Move the send to `outcome`, if it is in one of the states `was`; its receipt, and whether it moved.

        With it go the audit line, the `posts`, and the note that the card is out of date. Back
        to PENDING it belongs to nobody, and the text that did not leave is forgotten.

        Raises NoSuchSend.
        """
        now = self._now()
        here = and_(sends.c.key == key, sends.c.state.in_([State(state) for state in was]))
        with self._writing() as tx:
            moved = tx.execute(update(sends).where(here).values(_settled(outcome, now))).rowcount == 1
            if moved and outcome.state is State.PENDING:
                tx.execute(update(texts).where(texts.c.key == key).values(final=None))
            receipt = _require(tx, key)
            if moved:
                note(tx, now, "settled", key=key, **_result(receipt))
                touch_card(tx, receipt.request, now)
                put_posts(tx, receipt, posts, now)
            return receipt, moved

    def waiting(self, key: str, until: datetime) -> None:
        """The send waits in place until then, as Genesys asked; its card shows it."""
        now = self._now()
        sending = and_(sends.c.key == key, sends.c.state == State.SENDING)
        with self._writing() as tx:
            if tx.execute(update(sends).where(sending).values(waiting_until=until)).rowcount == 1:
                touch_card(tx, _require(tx, key).request, now)

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

    def _require_new(self, tx: Connection, request: SendRequest, asks_after: timedelta) -> None:
        same = and_(
            sends.c.conversation_id == request.conversation_id,
            sends.c.response == request.response,
            sends.c.claimed_at > self._now() - asks_after,
            sends.c.state.in_(MAY_HAVE_REACHED),
        )
        earlier = tx.execute(receipts().where(same).order_by(sends.c.claimed_at.desc()).limit(1)).first()
        if earlier is not None:
            raise Repeated(receipt_of(earlier))

    def _require_room(
        self, tx: Connection, request: SendRequest, *, per_minute: int, per_conversation: int
    ) -> None:
        mine = sends.c.supervisor == request.supervisor
        self._require_below(tx, "per_minute", per_minute, A_MINUTE, mine)
        there = and_(sends.c.conversation_id == request.conversation_id, sends.c.state.in_(MAY_HAVE_REACHED))
        self._require_below(tx, "per_conversation", per_conversation, TEN_MINUTES, there)

    def _require_below(
        self, tx: Connection, name: str, limit: int, window: timedelta, counted: ColumnElement[bool]
    ) -> None:
        recent = and_(counted, sends.c.claimed_at > self._now() - window)
        newest_first = select(sends.c.claimed_at).where(recent).order_by(sends.c.claimed_at.desc())
        # The send that has to grow old before there is room for one more.
        oldest = tx.execute(newest_first.offset(limit - 1).limit(1)).scalar()
        if oldest is not None:
            raise OverLimit(name, oldest + window)

    def _write(self, tx: Connection, request: SendRequest) -> None:
        now = self._now()
        row = insert(tx, sends).values(
            **columns_of(request),
            claimed_at=now,
            state=State.PENDING,
            changed_at=now,
            reason="",
            correlation_id="",
            # What is held back belongs to whoever is there when it falls due.
            worker=None if request.not_before else self.worker,
            held_since=now,
        )
        row = row.on_conflict_do_nothing(index_elements=["key"])
        if tx.execute(row.returning(sends.c.id)).first() is None:
            return  # the same key with another conversation or supervisor: the first stands
        tx.execute(texts.insert().values(key=request.key, typed=dict(request.values), template=request.text))
        note(tx, now, "claimed", key=request.key, actor=_actor(request), **_claim(request))


def _require(tx: Connection, key: str) -> Receipt:
    receipt = find(tx, key)
    if receipt is None:
        raise NoSuchSend(key)
    return receipt


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
    if outcome.state is State.PENDING:
        values |= {"worker": None, "sender_id": None, "text_hash": None}
    return values


def _actor(request: SendRequest) -> str:
    return f"operator for {request.supervisor}" if request.by_operator else request.supervisor


def _claim(request: SendRequest) -> dict[str, Any]:
    return {
        "team": request.team,
        "channel": request.channel,
        "supervisor": request.supervisor,
        "conversation_id": request.conversation_id,
        "response": request.response,
        "send_as": request.send_as.value,
        "language": request.language,
        "confirmed": request.confirmed,
    }


def _result(receipt: Receipt) -> dict[str, Any]:
    return {
        "state": receipt.state.value,
        "message_id": receipt.message_id,
        "correlation_id": receipt.correlation_id,
        "sender_id": receipt.sender_id,
        "text_hash": receipt.text_hash,
    }
