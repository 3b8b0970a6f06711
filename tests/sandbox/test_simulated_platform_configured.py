"""The simulated platform, called with plain requests: libraries, queues, who is served and who waits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.genesys import SimulatedGenesys

LIBRARIES = "/api/v2/responsemanagement/libraries"
QUERY = "/api/v2/responsemanagement/responses/query"
QUEUES = "/api/v2/routing/queues"
ACTIVITY = "/api/v2/analytics/conversations/activity/query"


# Canned responses


def in_library(library: str, **asked: object) -> dict[str, object]:
    return {"filters": [{"name": "libraryId", "operator": "EQUALS", "values": [library]}], **asked}


def test_libraries_come_in_pages(cloud: SimulatedGenesys, service: Any, refused: Any) -> None:
    ids = [cloud.add_library(f"Billing {number}") for number in range(30)]

    first = service("GET", LIBRARIES).json()
    second = service("GET", f"{LIBRARIES}?pageNumber=2").json()

    assert [first[name] for name in ("pageSize", "pageNumber", "total", "pageCount")] == [25, 1, 30, 2]
    assert [each["id"] for each in first["entities"] + second["entities"]] == ids
    refused(service("GET", f"{LIBRARIES}?pageNumber=0"), 400, "invalid.value")
    refused(service("GET", f"{LIBRARIES}?prefix=b"), 400, "bad.request", "prefix")


def test_responses_are_found_by_library_with_their_texts_and_substitutions(
    cloud: SimulatedGenesys, service: Any, refused: Any
) -> None:
    billing, returns = cloud.add_library("Billing"), cloud.add_library("Returns")
    refund = cloud.add_response(
        billing,
        "Refund",
        "Hi {{CUSTOMER_NAME}}, order {{orderNumber}} is paid back by {{day}}.",
        html="<p>Hi</p>",
        substitutions={"orderNumber": "your order", "day": None},
    )
    footer = cloud.add_response(billing, "Legal", "Ltd.", kind="Footer")
    cloud.add_response(returns, "Label", None, html="<ul><li>One</li></ul>")

    def found() -> list[Any]:
        return list(service("POST", QUERY, in_library(billing)).json()["results"]["entities"])

    first, second = found()

    assert (first["id"], first["version"], "responseType" in first) == (refund, 1, False)
    assert [each["contentType"] for each in first["texts"]] == ["text/plain", "text/html"]
    assert [(each["id"], each.get("defaultValue")) for each in first["substitutions"]] == [
        ("orderNumber", "your order"),
        ("day", None),
    ]
    assert first["libraries"][0]["name"] == "Billing"
    assert (second["id"], second["responseType"]) == (footer, "Footer")
    cloud.edit_response(refund, "New")
    edited = found()[0]
    assert (edited["version"], edited["texts"][0]["content"]) == (2, "New")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"filters": []}, "filters"),
        ({"filters": [{"name": "responseType", "operator": "EQUALS", "values": ["Footer"]}]}, "name"),
        ({"filters": [{"name": "libraryId", "operator": "LIKE", "values": ["l"]}]}, "operator"),
        ({"filters": [{"name": "libraryId", "operator": "EQUALS", "values": "l"}]}, "values"),
        ({"pageSize": 501}, "pageSize"),
        ({"phrase": "refund"}, "phrase"),
    ],
    ids=str,
)
def test_a_query_for_responses_that_is_not_understood_is_400(
    service: Any, refused: Any, wrong: dict[str, object], field: str
) -> None:
    refused(service("POST", QUERY, in_library("l") | wrong), 400, "bad.request", field)


@pytest.mark.parametrize(
    ("asked", "permission"),
    [
        (("GET", LIBRARIES), "responses:library:view"),
        (("POST", QUERY, in_library("l")), "responses:response:view"),
        (("GET", QUEUES), "routing:queue:view"),
    ],
)
def test_each_reading_has_its_permission(
    cloud: SimulatedGenesys, service: Any, refused: Any, asked: tuple[Any, ...], permission: str
) -> None:
    assert service(*asked).ok
    cloud.permissions -= {permission}
    refused(service(*asked), 403, "missing.permissions")
    assert permission in service(*asked).json()["message"]


# Queues


def test_a_queue_says_which_libraries_it_shows(cloud: SimulatedGenesys, service: Any, refused: Any) -> None:
    library, billing = cloud.add_library("Billing"), cloud.queue("Billing")
    billing.libraries_mode, billing.library_ids = "SelectedOnly", (library,)

    shown = service("GET", f"{QUEUES}/{billing.id}").json()

    assert shown["cannedResponseLibraries"] == {"mode": "SelectedOnly", "libraryIds": [library]}
    refused(service("GET", f"{QUEUES}/billing"), 400, "invalid.id")
    refused(service("GET", f"{QUEUES}/{library}"), 404, "resource.not.found")


def test_queues_are_found_by_a_part_of_their_name(cloud: SimulatedGenesys, service: Any) -> None:
    cloud.queue("Support EMEA Spanish")
    found = service("GET", f"{QUEUES}?name=support%20emea").json()["entities"]
    assert [each["name"] for each in found] == ["Support EMEA", "Support EMEA Spanish"]


# Who is served, who waits


def activity(*queues: str, metrics: tuple[str, ...] = ("oInteracting", "oWaiting")) -> dict[str, Any]:
    messages = {"dimension": "mediaType", "value": "message"}
    either = {"type": "or", "predicates": [{"dimension": "queueId", "value": each} for each in queues]}
    return {
        "metrics": [{"metric": each, "details": True} for each in metrics],
        "groupBy": ["queueId"],
        "filter": {"type": "and", "predicates": [messages], "clauses": [either]},
    }


def test_activity_lists_the_served_and_the_waiting_of_the_queues_asked_for(
    cloud: SimulatedGenesys, service: Any
) -> None:
    support, billing = cloud.queue("Support EMEA").id, cloud.queue("Billing").id
    waiting = cloud.start_chat("Alan Turing", queue="Billing")
    cloud.start_chat(agents=[cloud.bob], queue="Sales")
    cloud.start_chat(agents=[cloud.bob], media="voice")

    results = service("POST", ACTIVITY, activity(support, billing)).json()["results"]

    found = {each["group"]["queueId"]: each["entities"] for each in results}
    [served], [waits] = found[support], found[billing]
    assert (served["metric"], served["conversationId"], served["userId"], served["participantName"]) == (
        "oInteracting",
        cloud.chat,
        cloud.bob,
        "Grace Hopper",
    )
    assert (waits["metric"], waits["conversationId"], "userId" in waits) == ("oWaiting", waiting, False)
    [only] = service("POST", ACTIVITY, activity(billing, metrics=("oInteracting",))).json()["results"]
    assert (only["entities"], only["data"]) == ([], [{"metric": "oInteracting", "count": 0}])


def test_activity_may_lag_behind(cloud: SimulatedGenesys, service: Any, time: Any) -> None:
    cloud.analytics_lag = 30
    asked = activity(cloud.queue("Support EMEA").id)

    def listed() -> list[str]:
        results = service("POST", ACTIVITY, asked).json()["results"]
        return [each["conversationId"] for one in results for each in one["entities"]]

    assert listed() == []
    time.advance(seconds=60)
    cloud.end(cloud.chat)
    assert listed() == [cloud.chat]
    time.advance(seconds=30)
    assert listed() == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"metrics": []}, "metrics"),
        ({"metrics": [{"metric": "oEverything"}]}, "metrics"),
        ({"metrics": [{"metric": "oWaiting", "detail": True}]}, "detail"),
        ({"groupBy": []}, "groupBy"),
        ({"interval": "today"}, "interval"),
        ({"filter": {"type": "not"}}, "type"),
        ({"filter": {"type": "and", "predicates": [{"dimension": "size", "value": "1"}]}}, "dimension"),
        ({"filter": {"type": "and", "predicates": [{"dimension": "queueId", "value": ["q"]}]}}, "value"),
        ({"filter": {"type": "and", "predicates": [{"dimension": "queueId", "values": ["q"]}]}}, "values"),
    ],
    ids=str,
)
def test_a_query_that_is_not_understood_is_400(
    service: Any, refused: Any, wrong: dict[str, object], field: str
) -> None:
    refused(service("POST", ACTIVITY, activity("q") | wrong), 400, "bad.request", field)
