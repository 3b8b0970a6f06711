"""What a conversation of the events contract says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .answers import Answer
from .errors import Unavailable
from .json_values import objects, text_of, texts_of
from .nouns import Conversation, Participant


def read_conversation(answer: Answer, conversation_id: str, read_at: datetime) -> Conversation:
    """
    The conversation in `answer`: `id`, `type`, `endTime`, `state`, `participants`.

    Raises Unavailable if it is another one's, for what we would then say of it were not so.
    """
    require_same(answer, conversation_id)
    body = answer.body or {}
    return Conversation(
        id=conversation_id,
        media=text_of(body.get("type")),
        live=_goes_on(body),
        participants=tuple(_participant(one) for one in objects(body.get("participants"))),
        read_at=read_at,
    )


def require_same(answer: Answer, conversation_id: str) -> None:
    if text_of((answer.body or {}).get("id")).lower() != conversation_id.lower():
        raise Unavailable(
            "Genesys answered with something other than the conversation asked for, so nothing was sent. "
            "Try again in a minute; if it stays like this, tell the operator.",
            correlation_id=answer.correlation_id,
        )


def _participant(raw: Mapping[str, Any]) -> Participant:
    """One of `participants`. Where it has no `userId`, the contract's `id` is the user's own."""
    participant_id, purpose = text_of(raw.get("id")), text_of(raw.get("purpose"))
    may_write = purpose in ("agent", "user", "")
    own = text_of(raw.get("userId")) or (participant_id if may_write else "")
    return Participant(
        id=participant_id,
        user_id=(own or None) if may_write else None,
        purpose=purpose,
        name=text_of(raw.get("name")),
        live=_goes_on(raw),
        queue=text_of(raw.get("queueName")),
        attributes=texts_of(raw.get("attributes")),
        language=text_of(raw.get("locale")) or None,
    )


def _goes_on(raw: Mapping[str, Any]) -> bool:
    """Neither ended nor disconnected, for a conversation and for a participant alike."""
    return not raw.get("endTime") and raw.get("state") != "disconnected"
