"""
The claim: what was clicked is written down, once for each key, before anybody is answered.

It is what Slack waits for, so its statements are built once: with SQLAlchemy, building
them costs more than SQLite takes to answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    ScalarSelect,
    and_,
    bindparam,
    not_,
    or_,
    select,
)

from bot.models import PostKind, Receipt, SendRequest, State

from .audit import note
from .brakes import OF_TEAM, require_running
from .engine import exclusively
from .errors import NotUnknown, OverLimit, Repeated
from .outbox import tell, touch_card
from .rows import columns_of, find, require
from .schema import sends, texts
from .unknowns import mark
from .workers import Workers

A_MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)

SENT_AGAIN = "It was to be sent once more; the thread shows how that ended."


def in_state(*states: State) -> ColumnElement[bool]:
    """As SQL's IN, which SQLAlchemy writes anew for each execution."""
    return or_(*(sends.c.state == state for state in states))


MAY_HAVE_REACHED = in_state(State.PENDING, State.SENDING, State.SENT, State.UNKNOWN)
NEW_SEND = sends.insert()
NEW_TEXTS = texts.insert()
# However long ago it was claimed: what still waits may go at any moment, or has gone only just now.
LATELY = or_(sends.c.changed_at > bindparam("since"), in_state(State.PENDING, State.SENDING))
SAME_RESPONSE = (
    select(sends.c.key)
    .where(sends.c.conversation_id == bindparam("where"), sends.c.response == bindparam("response"))
    .where(MAY_HAVE_REACHED, sends.c.key != bindparam("corrects"))
    .order_by(sends.c.claimed_at.desc())
    .limit(1)
)
# What is meant for a later time counts at that time, not when it was asked for.
MEANT_FOR = sends.c.scheduled & (sends.c.state == State.PENDING)
SAME_NOW = SAME_RESPONSE.where(
    or_(and_(LATELY, not_(MEANT_FOR)), and_(MEANT_FOR, sends.c.asked_not_before < bindparam("until")))
)
SAME_THEN = SAME_RESPONSE.where(
    MEANT_FOR, sends.c.asked_not_before > bindparam("since"), sends.c.asked_not_before < bindparam("until")
)


def _nth_newest(whose: ColumnElement[bool], newer: str, since: str) -> ScalarSelect[Any]:
    newest = select(sends.c.claimed_at).where(whose, sends.c.claimed_at > bindparam(since))
    nth = newest.order_by(sends.c.claimed_at.desc()).offset(bindparam(newer, type_=Integer)).limit(1)
    return nth.scalar_subquery()


# What may stand in the way; of the sends, those that have to grow old before there is room for one more.
AGAINST = select(
    select(sends.c.id).where(sends.c.key == bindparam("this")).exists().label("is_known"),
    OF_TEAM.exists().label("is_paused"),
    _nth_newest(sends.c.supervisor == bindparam("whose"), "theirs", "a_minute_ago").label("by_supervisor"),
    _nth_newest(
        and_(sends.c.conversation_id == bindparam("where"), MAY_HAVE_REACHED), "those", "ten_minutes_ago"
    ).label("into_conversation"),
)
AGAINST_NOW = AGAINST.add_columns(SAME_NOW.scalar_subquery().label("repeats"))
AGAINST_THEN = AGAINST.add_columns(SAME_THEN.scalar_subquery().label("repeats"))


class Claims(Workers):
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
        Stopped; NotUnknown if what it is `instead_of` was settled; DatabaseDown. Nothing is
        written then.
        """
        self._stay_alive()
        now = self._now()
        supervisor, conversation_id = request.supervisor, request.conversation_id
        asks = timedelta(0) if request.confirmed else asks_after or timedelta(0)
        with self._writing() as tx:
            exclusively(tx, f"key {request.key}", f"from {supervisor}", f"into {conversation_id}")
            room = {"theirs": per_minute - 1, "those": per_conversation - 1}
            against = _against(tx, request, now, asks, room)
            if against.is_known:
                return require(tx, request.key)
            if against.is_paused:
                require_running(tx, request)
            if asks and against.repeats is not None:
                raise Repeated(require(tx, against.repeats))
            _require_room(against)
            if request.instead_of is not None:
                _settle_first(tx, request.instead_of, request, now)
            self._write(tx, request, now)
        return Receipt(request, State.PENDING, now, not_before=request.held_until)

    def _write(self, tx: Connection, request: SendRequest, now: datetime) -> None:
        stands = {"state": State.PENDING, "claimed_at": now, "changed_at": now, "reason": ""}
        # What is held back belongs to whoever is there when it falls due.
        held = {**self._mine(), **({"worker": None} if request.held_until else {})}
        tx.execute(NEW_SEND, columns_of(request) | stands | held | {"correlation_id": ""})
        typed = dict(request.values)
        tx.execute(NEW_TEXTS, {"key": request.key, "typed": typed, "template": request.text})
        note(tx, now, "claimed", key=request.key, actor=request.actor, **_what(request))
        if request.held_until and request.scheduled:
            tell(tx, Receipt(request, State.PENDING, now), (PostKind.REPLY,), now)
        elif request.held_until:
            touch_card(tx, request)


def _settle_first(tx: Connection, key: str, request: SendRequest, now: datetime) -> None:
    by, posts = request.supervisor, (PostKind.REPLY,)
    if not mark(tx, key, State.UNKNOWN, now, by=by, reason=SENT_AGAIN, posts=posts):
        raise NotUnknown(find(tx, key))


def _against(
    tx: Connection, request: SendRequest, now: datetime, asks: timedelta, room: dict[str, int]
) -> Row[Any]:
    at = request.not_before if request.scheduled and request.not_before else now
    later = at - now >= asks
    which = {
        "this": request.key,
        "team": request.team,
        "channel": request.channel,
        "whose": request.supervisor,
        "a_minute_ago": now - A_MINUTE,
        "where": request.conversation_id,
        "ten_minutes_ago": now - TEN_MINUTES,
        "response": request.response,
        "corrects": request.corrects or "",
        "since": (at if later else now) - asks,
        "until": at + asks,
    }
    return tx.execute(AGAINST_THEN if later else AGAINST_NOW, which | room).one()


def _require_room(against: Row[Any]) -> None:
    if against.by_supervisor is not None:
        raise OverLimit("per_minute", against.by_supervisor + A_MINUTE)
    if against.into_conversation is not None:
        raise OverLimit("per_conversation", against.into_conversation + TEN_MINUTES)


def _what(request: SendRequest) -> dict[str, Any]:
    return {
        "team": request.team,
        "channel": request.channel,
        "supervisor": request.supervisor,
        "conversation_id": request.conversation_id,
        "response": request.response,
        "send_as": request.send_as.value,
        "language": request.language,
        "confirmed": request.confirmed,
        "instead_of": request.instead_of,
        "scheduled": request.not_before.isoformat() if request.scheduled and request.not_before else None,
        "edited": request.edited,
        "corrects": request.corrects,
    }
