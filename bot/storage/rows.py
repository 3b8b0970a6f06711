"""Rows into the nouns of bot.models, and back."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, select

from bot.models import Chat, Gate, Post, PostKind, Receipt, SendAs, SendRequest, State, Thread

from .errors import NoSuchSend
from .schema import sends, storable, texts


def receipts() -> Select[Any]:
    """Sends with their texts, as `receipt_of` reads them."""
    return select(sends, texts.c.typed, texts.c.template, texts.c.final).outerjoin(
        texts, texts.c.key == sends.c.key
    )


# The columns that are called as in the noun, and hold the same.
OF_REQUEST = (
    *("key", "team", "channel", "supervisor", "conversation_id", "response", "requested_at", "language"),
    *("by_operator", "confirmed", "seen", "scheduled", "edited", "corrects"),
)
OF_RECEIPT = (
    *("changed_at", "reason", "message_id", "correlation_id", "sender_id", "text_hash", "not_before"),
    *("waiting_until", "gate_until", "opened_by", "approved_by", "landed_in", "handled_by"),
)
STILL_UNKNOWN = and_(sends.c.state == State.UNKNOWN, sends.c.handled_by.is_(None))
BY_KEY = receipts().where(sends.c.key == bindparam("this"))


def find(tx: Connection, key: str) -> Receipt | None:
    row = tx.execute(BY_KEY, {"this": key}).first()
    return receipt_of(row) if row else None


def require(tx: Connection, key: str) -> Receipt:
    """Raises NoSuchSend."""
    receipt = find(tx, key)
    if receipt is None:
        raise NoSuchSend(key)
    return receipt


def hash_of(text: str) -> str:
    """The SHA-256 of `text` as it is kept, in hex."""
    return hashlib.sha256(storable(text).encode()).hexdigest()


def receipt_of(row: Row[Any]) -> Receipt:
    return Receipt(
        request=_request_of(row),
        state=State(row.state),
        text=row.final,
        delivery=row.delivery or "",
        delivery_error=row.delivery_error or "",
        **{name: getattr(row, name) for name in OF_RECEIPT},
    )


def _request_of(row: Row[Any]) -> SendRequest:
    return SendRequest(
        send_as=SendAs(row.send_as),
        values=row.typed or {},
        text=row.template,
        not_before=row.asked_not_before,
        gate=Gate(row.gate) if row.gate else None,
        **{name: getattr(row, name) for name in OF_REQUEST},
    )


def columns_of(request: SendRequest) -> dict[str, Any]:
    """What a request puts into the row of its send; its texts go elsewhere."""
    return {name: getattr(request, name) for name in OF_REQUEST} | {
        "send_as": request.send_as.value,
        "asked_not_before": request.not_before,
        "not_before": request.held_until,
        "gate": request.gate,
    }


def post_of(row: Row[Any]) -> Post:
    return Post(
        id=row.id,
        key=row.key,
        kind=PostKind(row.kind),
        channel=row.channel,
        conversation_id=row.conversation_id,
        state=State(row.state),
        reason=row.reason,
        created_at=row.created_at,
        posting=row.posting,
        attempts=row.attempts,
        record=row.record or "",
    )


def chat_of(row: Row[Any]) -> Chat:
    return Chat(row.channel, row.conversation_id, row.queue, row.started_at, row.ended_at)


def thread_of(row: Row[Any]) -> Thread:
    known = {"carding": row.carding, "card_due": row.card_due, "touches": row.touches}
    return Thread(row.channel, row.conversation_id, row.ts, **known)
