"""
What has to be as it was when the supervisor decided, asked of a conversation that has just been read.

    seen in the window ──click──▶ claimed ──read──▶ as seen: it leaves
                                                └─▶ not so any more: cancelled, and asked again

No guard asks Genesys for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.genesys import Conversation

from .errors import Changed, TextRefused
from .responses import Response

WHATSAPP_WINDOW = timedelta(hours=24)  # after the customer's last message only templates are delivered

Seen = Mapping[str, str]  # ids: the customer's last message, the agent and the queue, "" for none


def seen_in(conversation: Conversation, me: str) -> Seen:
    """What `me`, a Genesys user, decides by when they send into it."""
    written, agent, place = conversation.from_customer, conversation.agent_beside(me), conversation.in_queue
    return {
        "message": written[-1].id if written else "",
        "agent": (agent.user_id if agent else None) or "",
        "queue": (place.queue_id or place.queue[:100]) if place else "",
    }


def require_as_seen(seen: Seen | None, conversation: Conversation, me: str) -> None:
    """Raise Changed if something has happened since; nothing to compare with is no change."""
    if seen is None:
        return
    now = seen_in(conversation, me)
    changes = [
        *(["the customer wrote meanwhile"] if _wrote_since(seen["message"], conversation) else []),
        *([_handed_over(conversation, me)] if now["agent"] != seen["agent"] else []),
        *([_moved(conversation)] if now["queue"] != seen["queue"] else []),
    ]
    if changes:
        said = " and ".join(filter(None, (", ".join(changes[:-1]), changes[-1])))
        raise Changed(
            f"{said[:1].upper()}{said[1:]}, so nothing was sent. Look again before you send it.", seen=now
        )


def require_open(response: Response, conversation: Conversation, now: datetime) -> None:
    """Raise TextRefused where the channel delivers this no more, so long after the customer wrote."""
    if conversation.channel != "whatsapp" or (response.source and response.source.kind == "template"):
        return
    heard = [mark.at for mark in conversation.from_customer if mark.at]
    last = heard[-1] if heard else conversation.since
    if last is not None and now - last > WHATSAPP_WINDOW:
        raise TextRefused(
            "The customer's last message is more than 24 hours old, and WhatsApp then delivers approved "
            "templates only, so nothing was sent. Choose a response that is a WhatsApp template in Genesys, "
            "or wait until the customer writes again.",
            field="response",
        )


def _wrote_since(shown: str, conversation: Conversation) -> bool:
    ids = [mark.id for mark in conversation.from_customer]
    return bool(ids[ids.index(shown) + 1 :] if shown in ids else ids)


def _handed_over(conversation: Conversation, me: str) -> str:
    agent = conversation.agent_beside(me)
    return f"{agent.name or 'another agent'} is the agent now" if agent else "the agent has left"


def _moved(conversation: Conversation) -> str:
    place = conversation.in_queue
    queue = place.queue if place else ""
    return f"it is in the queue {queue} now" if queue else "it is in another queue now"
