"""
Who is being served and who waits, by queue: POST /api/v2/analytics/conversations/activity/query.

Only what its readers ask for is simulated: oInteracting and oWaiting with details, grouped by
queueId, mediaType and queueId in the filter. The rest of the schema is understood and refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify

from .genesys_api import body, iso, page_number, parameters, refuse, require, require_known
from .genesys_platform_access import allowed
from .organisation import Organisation
from .organisation_nouns import SimulatedConversation, SimulatedParticipant

_QUERY = frozenset({"metrics", "groupBy", "filter", "order"})
_PREDICATE = frozenset({"type", "dimension", "operator", "value"})
_METRICS = ("oInteracting", "oWaiting")
_DIMENSIONS = ("mediaType", "queueId", "userId")


@dataclass(frozen=True)
class _Activity:
    """One session in a queue: somebody served by an agent, or waiting for one."""

    metric: str
    conversation: SimulatedConversation
    session: SimulatedParticipant

    def value(self, dimension: str) -> str | None:
        known = {
            "mediaType": self.conversation.media,
            "queueId": self.session.queue_id,
            "userId": self.session.user_id,
        }
        return known[dimension]


class Activity:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("activity", __name__)
        routes.post("/api/v2/analytics/conversations/activity/query")(self._query)
        return routes

    def _query(self) -> Response:
        allowed(
            self._organisation,
            "analytics",
            "analytics:readonly",
            any_of=("analytics:queueObservation:view",),
        )
        paging = parameters(frozenset({"pageSize", "pageNumber"}))
        for each in paging.values():
            page_number(each)
        asked = body(known=_QUERY)
        metrics = _metrics(asked.get("metrics"))
        require(asked.get("groupBy") == ["queueId"], "groupBy", 'Only ["queueId"] is simulated.')
        with self._organisation.lock:
            found = [each for each in self._activities() if _passes(each, asked.get("filter"))]
        queues = sorted({each.session.queue_id or "" for each in found})
        groups = [[each for each in found if each.session.queue_id == queue] for queue in queues]
        results = [_group(each, metrics) for each in groups]
        return jsonify(results=results, entityIdDimension="conversationId")

    def _activities(self) -> list[_Activity]:
        """As it was `analytics_lag` ago: what began since is not there yet, what ended since still is."""
        at = self._organisation.now() - timedelta(seconds=self._organisation.analytics_lag)
        return [
            _Activity("oWaiting" if one.purpose == "acd" else "oInteracting", each, one)
            for each in self._organisation.conversations.values()
            for one in each.participants
            if one.queue_id and one.purpose in ("acd", "agent") and _there(one, at)
        ]


def _there(it: SimulatedParticipant, at: datetime) -> bool:
    return it.since <= at and (it.until is None or it.until > at)


def _metrics(given: object) -> dict[str, bool]:
    """Which are asked for, and whether in detail."""
    if not isinstance(given, list) or not given:
        refuse(400, message="metrics must be a list that is not empty.", field="metrics")
    for each in given:
        if not isinstance(each, dict) or each.get("metric") not in _METRICS:
            refuse(400, message=f"Only {', '.join(_METRICS)} are simulated.", field="metrics")
        require_known(each, frozenset({"metric", "details"}))
    return {each["metric"]: each.get("details") is True for each in given}


def _passes(activity: _Activity, given: object) -> bool:
    """Does it pass this filter or clause: `and` or `or` of predicates, and in a filter of clauses too."""
    if given is None:
        return True
    if not isinstance(given, Mapping):
        refuse(400, message="A filter must be an object.", field="filter")
    require_known(given, frozenset({"type", "predicates", "clauses"}))
    require(given.get("type") in ("and", "or"), "type", "type must be and or or.")
    answers = [_fits(activity, each) for each in given.get("predicates", [])]
    answers += [_passes(activity, each) for each in given.get("clauses", [])]
    return all(answers) if given["type"] == "and" else any(answers)


def _fits(activity: _Activity, predicate: object) -> bool:
    if not isinstance(predicate, Mapping):
        refuse(400, message="A predicate must be an object.", field="predicates")
    require_known(predicate, _PREDICATE)
    dimension, value = predicate.get("dimension"), predicate.get("value")
    require(predicate.get("operator", "matches") == "matches", "operator", "Only matches is simulated.")
    if dimension not in _DIMENSIONS:
        refuse(400, message=f"Only {', '.join(_DIMENSIONS)} are simulated.", field="dimension")
    require(isinstance(value, str), "value", "value must be one text.")
    return activity.value(dimension) == value


def _group(found: list[_Activity], metrics: Mapping[str, bool]) -> dict[str, object]:
    wanted = [each for each in found if each.metric in metrics]
    data = [{"metric": name, "count": sum(each.metric == name for each in wanted)} for name in metrics]
    return {
        "group": {"queueId": found[0].session.queue_id},
        "data": data,
        "entities": [_entity(each) for each in wanted if metrics[each.metric]],
        "truncated": False,
    }


def _entity(it: _Activity) -> dict[str, object]:
    shown = {
        "metric": it.metric,
        "activityDate": iso(it.session.since),
        "conversationId": it.conversation.id,
        "sessionId": it.session.communication_id,
        "queueId": it.session.queue_id,
        "userId": it.session.user_id,
        "mediaType": it.conversation.media,
        "direction": "inbound",
        "participantName": it.conversation.customer.name,
        "addressFrom": it.conversation.address,
        "addressTo": it.conversation.reached,
    }
    return {name: value for name, value in shown.items() if value}
