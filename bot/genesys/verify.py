"""What must hold before a message may leave: a live conversation, its sender in it, a text that fits."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import Ended, NotAParticipant, Refused, WrongMedia
from .nouns import Conversation, Participant

_KINDS = {
    "chat": "a web chat of the old kind, which Genesys has removed",
    "voice": "a phone call",
    "call": "a phone call",
    "callback": "a callback",
    "email": "an e-mail",
    "message": "a messaging conversation",
    "internal": "a talk between colleagues",
    "video": "a video call",
}
_NOT_IN_IT = {
    "self": "The person sending is not in this conversation",
    "system": "The automated user is not in this conversation",
}


def require_live(conversation: Conversation, *, takes: str, called: str) -> None:
    """Raise Ended, or WrongMedia if its media is not `takes`, which people know as `called`."""
    if not conversation.live:
        raise Ended(
            "This conversation has ended, so nothing was sent. If the customer writes again, "
            "send into the new conversation."
        )
    if conversation.media != takes:
        kind = _KINDS.get(conversation.media, f"of a kind unknown here ({conversation.media or 'not given'})")
        raise WrongMedia(
            f"This conversation is {kind}, and text can be sent only into {called}. Nothing was sent. "
            "Check the conversation id, or reach the customer in Genesys."
        )


def require_present(conversation: Conversation, send_as: str, user_id: str) -> Participant:
    """`user_id`'s place in the conversation now; else raises NotAParticipant."""
    place = conversation.now_with(user_id)
    if place is None:
        raise not_in_it(conversation, send_as)
    return place


def not_in_it(conversation: Conversation, send_as: str) -> NotAParticipant:
    who = _NOT_IN_IT.get(send_as, "The agent is no longer in this conversation")
    return NotAParticipant(f"{who}, so nothing was sent. {_way_out(conversation.agents)}")


def require_one_agent(conversation: Conversation, supervisor: str) -> Participant:
    """
    The agent: of the people in the conversation, the one who is not the supervisor.

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
    return agents[0]


def require_length(text: str, limit: int, *, channel: str) -> None:
    if not text.strip():
        raise Refused("The message is empty, so nothing was sent. Write a text and send again.")
    if len(text) > limit:
        raise Refused(
            f"The message has {len(text)} characters, and {channel} takes {limit} at most. Nothing was sent. "
            "Shorten it and send again."
        )


def _way_out(agents: Iterable[Participant]) -> str:
    names = _names(agents)
    if not names:
        return "No colleague is in it now. Pick the conversation up in Genesys, then send again."
    return f"In it now: {names}. Join the conversation in Genesys and send again, or ask {names} to write."


def _names(agents: Iterable[Participant]) -> str:
    return ", ".join(one.name or "an agent without a name" for one in agents)
