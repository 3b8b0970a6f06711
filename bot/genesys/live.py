"""Live conversations to choose from: a person's own, or those of queues and waiting in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from .answers import refusal
from .calls import Calls
from .errors import RateLimited, Refused
from .ids import HEXADECIMAL, is_id
from .json_values import objects, text_of
from .nouns import Conversation, LiveConversation, LiveConversations

MOST = 20  # each candidate costs a request, of the 300 that a minute has

_ACTIVITY = "/api/v2/analytics/conversations/activity/query?pageNumber=1&pageSize=100"
_SEES = "the permission analytics:queueObservation:view"
_GONE = "Genesys cannot list conversations here. Nothing was sent. Give the conversation's id."


def own(calls: Calls, user_id: str) -> list[str]:
    """
    The ids of the messaging conversations that this person has open, by their own token.

    Source: Genesys Cloud Platform API, `GET /api/v2/conversations/messages`.
    """
    answer = calls.read("GET", "/api/v2/conversations/messages", principal=user_id)
    if not answer.ok:
        needs = "the scope conversations:readonly"
        raise refusal(answer, action="list conversations", needs=needs, missing=_GONE, principal=user_id)
    return _ids(text_of(one.get("id")) for one in objects((answer.body or {}).get("entities")))


def active(
    calls: Calls, reader: str | None, *, queue_ids: Collection[str] = (), user_id: str | None = None
) -> list[str]:
    """
    The ids of the messaging conversations that analytics takes for active, which may be a little old.

    In any of these queues (with none of them in none), waiting ones too; or with this user.

    Source: Genesys Cloud Platform API, `POST /api/v2/analytics/conversations/activity/query`.
    """
    metrics = ["oInteracting"] if user_id else ["oInteracting", "oWaiting"]
    narrow = [_is("userId", user_id)] if user_id else [_is("queueId", each) for each in queue_ids]
    if not narrow:
        return []
    body = {
        "metrics": [{"metric": each, "details": True} for each in metrics],
        "groupBy": ["queueId"],
        "filter": {
            "type": "and",
            "predicates": [_is("mediaType", "message")],
            "clauses": [{"type": "or", "predicates": narrow}],
        },
    }
    answer = calls.read("POST", _ACTIVITY, principal=reader, body=body)
    if not answer.ok:
        raise refusal(answer, action="list conversations", needs=_SEES, missing=_GONE, principal=reader)
    return _ids(text_of(one.get("conversationId")) for one in _entities(answer.body or {}))


def confirmed(
    ids: Collection[str], read: Callable[[str], Conversation], *, user_id: str | None = None
) -> LiveConversations:
    """
    Those of the first `MOST` that are live now and that the reader may see, longest waiting first.

    With `user_id`, if this user is still in them: whoever handed one over may be listed with it for a while.
    """
    there = (each for each in _readable(list(ids)[:MOST], read) if user_id is None or _has(each, user_id))
    shown = (_shown(conversation) for conversation in there)
    found = LiveConversations(sorted(shown, key=lambda one: one.since.timestamp() if one.since else 0.0))
    found.left_out = max(0, len(ids) - MOST)
    return found


def _readable(ids: Collection[str], read: Callable[[str], Conversation]) -> Iterator[Conversation]:
    for each in ids:
        try:
            conversation = read(each)
        except RateLimited:
            raise
        except Refused:  # another division's, or archived since
            continue
        if conversation.live and conversation.media == "message":
            yield conversation


def _has(conversation: Conversation, user_id: str) -> bool:
    return any(one.user_id == user_id for one in conversation.agents)


def _shown(conversation: Conversation) -> LiveConversation:
    customer = conversation.customer
    agents = [one for one in conversation.agents if one.purpose == "agent"] or list(conversation.agents)
    queues = [one.queue for one in reversed(conversation.participants) if one.queue]
    return LiveConversation(
        id=conversation.id,
        customer=customer.name if customer else "",
        queue=queues[0] if queues else "",
        channel=conversation.channel,
        since=conversation.since,
        agent=agents[0].user_id if agents else None,
        agent_name=agents[0].name if agents else "",
    )


def _is(dimension: str, value: str) -> dict[str, str]:
    return {"dimension": dimension, "value": value}


def _entities(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for result in objects(body.get("results")):
        yield from objects(result.get("entities"))


def _ids(found: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(each for each in found if is_id(each, HEXADECIMAL)))
