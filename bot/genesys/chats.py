"""What a conversation of the events contract says, and who may write into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .answers import Answer
from .errors import Ended, NotAParticipant, Refused, Unavailable, WrongMedia
from .json_values import objects, text_of
from .nouns import Conversation, Participant, Sender

_KINDS = {
    "voice": "a phone call",
    "call": "a phone call",
    "callback": "a callback",
    "email": "an e-mail",
    "message": "a messaging conversation",
}
_NOT_IN_IT = {
    "self": "The person sending is not in this conversation",
    "system": "The automated user is not in this conversation",
}


def read_conversation(answer: Answer, conversation_id: str) -> Conversation:
    """
    The conversation in `answer`: `id`, `type`, `endTime`, `state`, `participants`.

    Raises Unavailable if it is another one's, for what we would then say of it were not so.
    """
    body = answer.body or {}
    if text_of(body.get("id")).lower() != conversation_id.lower():
        raise Unavailable(
            "Genesys answered with something other than the conversation asked for, so nothing was sent. "
            "Try again in a minute; if it stays like this, tell the operator.",
            correlation_id=answer.correlation_id,
        )
    return Conversation(
        id=conversation_id,
        media=text_of(body.get("type")),
        live=_goes_on(body),
        participants=tuple(_participant(one) for one in objects(body.get("participants"))),
    )


def require_live_chat(conversation: Conversation) -> None:
    if not conversation.live:
        raise Ended(
            "This conversation has ended, so nothing was sent. If the customer writes again, "
            "send into the new conversation."
        )
    if conversation.media != "chat":
        kind = _KINDS.get(conversation.media, f"of a kind unknown here ({conversation.media or 'not given'})")
        raise WrongMedia(
            f"This conversation is {kind}, and text can be sent only into a chat. Nothing was sent. "
            "Check the conversation id, or reach the customer in Genesys."
        )


def present(conversation: Conversation, send_as: str, user_id: str) -> Sender:
    """`user_id` as the sender, if in the conversation now; else raises NotAParticipant."""
    place = conversation.now_with(user_id)
    if place is None:
        who = _NOT_IN_IT.get(send_as, "The agent is no longer in this conversation")
        raise NotAParticipant(f"{who}, so nothing was sent. {_way_out(conversation.agents)}")
    return Sender(str(send_as), user_id, place.name, place.id)


def the_agent(conversation: Conversation, supervisor: str) -> Sender:
    """
    The agent as the sender: of the people in the conversation, the one who is not the supervisor.

    An agent goes before other users of the organisation. Several are a question for a person.
    """
    others = [one for one in conversation.agents if one.user_id != supervisor]
    agents = [one for one in others if one.purpose == "agent"] or others or list(conversation.agents)
    if not agents:
        raise NotAParticipant(f"No agent is in this conversation, so nothing was sent. {_way_out(())}")
    if len(agents) > 1:
        raise Refused(
            f"Several agents are in this conversation ({_names(agents)}), and it is not clear which of them "
            "would be the sender. Nothing was sent. Join the conversation and send as yourself."
        )
    return Sender("agent", agents[0].user_id, agents[0].name, agents[0].id)


def _way_out(agents: Iterable[Participant]) -> str:
    names = _names(agents)
    if not names:
        return "No colleague is in it now. Pick the conversation up in Genesys, then send again."
    return f"In it now: {names}. Join the conversation in Genesys and send again, or ask {names} to write."


def _names(agents: Iterable[Participant]) -> str:
    return ", ".join(one.name or "an agent without a name" for one in agents)


def _participant(raw: Mapping[str, Any]) -> Participant:
    """One of `participants`. Where it has no `userId`, the contract's `id` is the user's own."""
    participant_id, purpose = text_of(raw.get("id")), text_of(raw.get("purpose"))
    may_write = purpose in ("agent", "user", "")
    own = text_of(raw.get("userId")) or (participant_id if may_write else "")
    attributes = raw.get("attributes")
    return Participant(
        id=participant_id,
        user_id=(own or None) if may_write else None,
        purpose=purpose,
        name=text_of(raw.get("name")),
        live=_goes_on(raw),
        queue=text_of(raw.get("queueName")),
        attributes=_texts(attributes) if isinstance(attributes, dict) else {},
        language=text_of(raw.get("locale")) or None,
    )


def _goes_on(raw: Mapping[str, Any]) -> bool:
    """Neither ended nor disconnected, for a conversation and for a participant alike."""
    return not raw.get("endTime") and raw.get("state") != "disconnected"


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {name: text_of(value) for name, value in attributes.items() if isinstance(value, str)}
