"""The vendor's documented answers and the simulation's agree, key by key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.genesys import SimulatedGenesys

EXAMPLES = Path(__file__).parent.parent / "genesys" / "examples"
NAMES = sorted(each.stem for each in EXAMPLES.glob("*.json"))

# Values that are the vendor's own words, and so have to be the same ones.
WORDS = {
    "authorizedGrantType",
    "code",
    "contentType",
    "direction",
    "error",
    "interactionType",
    "mediaType",
    "messageStatus",
    "messengerType",
    "metric",
    "mode",
    "originatingEntity",
    "purpose",
    "state",
    "status",
    "token_type",
    "type",
}


def differences(documented: Any, simulated: Any, at: str = "answer") -> Iterator[str]:
    """Where the simulation lacks what is documented, or says it in another type or word."""
    if isinstance(documented, dict) and isinstance(simulated, dict):
        for name, value in documented.items():
            if name in simulated:
                yield from differences(value, simulated[name], f"{at}.{name}")
            elif value is not None:
                yield f"{at}.{name} is missing"
    elif isinstance(documented, list) and isinstance(simulated, list):
        if len(documented) > len(simulated):
            yield f"{at} has {len(simulated)} entries"
        for number, (one, other) in enumerate(zip(documented, simulated, strict=False)):
            yield from differences(one, other, f"{at}[{number}]")
    elif type(documented) is not type(simulated):
        yield f"{at} is {type(simulated).__name__}"
    elif at.rpartition(".")[2] in WORDS and documented != simulated:
        yield f"{at} is {simulated}"


@pytest.fixture
def answers(cloud: SimulatedGenesys, anybody: Any, service: Any, bob: Any) -> dict[str, Callable[[], Any]]:
    """How to get, from an organisation in the state the examples tell of, the answer that each documents."""
    chat = cloud.start_chat(
        "Grace Hopper", agents=[cloud.bob], attributes={"orderNumber": "42"}, language="en"
    )
    cloud.customer_writes(chat, "Hello, my order has not arrived.")
    cloud.permissions |= {"conversation:message:create"}
    library, queue = cloud.add_library("Billing"), cloud.queue("Support EMEA")
    cloud.add_response(library, "Refund", "{{orderNumber}}", substitutions={"orderNumber": "your order"})
    queue.libraries_mode, queue.library_ids = "SelectedOnly", (library,)
    managed, messages = "/api/v2/responsemanagement", "/api/v2/conversations/messages"
    in_library = {"name": "libraryId", "operator": "EQUALS", "values": [library]}

    def agentless() -> Any:
        customer = service.conversation(chat)["participants"][0]
        body = {
            "fromAddress": customer["messages"][0]["toAddress"]["addressNormalized"],
            "toAddressMessengerType": "webmessaging",
            "externalContactId": customer["externalContactId"],
            "textBody": "Hello",
            "useExistingActiveConversation": True,
        }
        return service("POST", f"{messages}/agentless", body)

    def bulk() -> Any:
        own = bob.send(cloud.bob, "Hello", chat).json()["id"]
        cloud.advance_delivery()
        cloud.advance_delivery()
        [customers] = bob.conversation(chat)["participants"][0]["messages"][0]["messages"]
        answer = bob.bulk(customers["messageId"], own, conversation=chat).json()
        return answer | {
            "entities": sorted(answer["entities"], key=lambda each: each["direction"] == "inbound")
        }

    def activity() -> Any:
        cloud.end(cloud.chat)
        filter_ = {"type": "and", "predicates": [{"dimension": "queueId", "value": queue.id}]}
        metrics = [{"metric": "oInteracting", "details": True}]
        asked = {"metrics": metrics, "groupBy": ["queueId"], "filter": filter_}
        return service("POST", "/api/v2/analytics/conversations/activity/query", asked)

    def my_conversations() -> Any:
        entities = bob("GET", messages).json()["entities"]
        for each in entities:
            each["participants"] = [one for one in each["participants"] if one["purpose"] == "agent"]
        return {"entities": entities}

    def search() -> Any:
        by_email = {"type": "EXACT", "fields": ["email"], "value": "bob.ray@example.com"}
        return service("POST", "/api/v2/users/search", {"query": [by_email]})

    def without_permission() -> Any:
        cloud.permissions = frozenset()
        return search()

    def over_the_limit() -> Any:
        cloud.rate_limit = 0
        return bob("GET", "/api/v2/users/me")

    return {
        "activity": activity,
        "agentless_accepted": agentless,
        "conversation": lambda: bob.conversation(chat),
        "libraries": lambda: service("GET", f"{managed}/libraries"),
        "message_accepted": lambda: bob.send(cloud.bob, "Hello", chat),
        "messages_bulk": bulk,
        "my_conversations": my_conversations,
        "permission_missing": without_permission,
        "queue": lambda: service("GET", f"/api/v2/routing/queues/{queue.id}"),
        "queues": lambda: service("GET", "/api/v2/routing/queues"),
        "rate_limited": over_the_limit,
        "responses_query": lambda: service("POST", f"{managed}/responses/query", {"filters": [in_library]}),
        "token": lambda: anybody.form(client=anybody.service, grant_type="client_credentials"),
        "token_of_a_person": lambda: anybody.exchange(anybody.code(cloud.bob)),
        "token_refused": lambda: anybody.form(client=("no", "body"), grant_type="client_credentials"),
        "tokens_me": lambda: bob("GET", "/api/v2/tokens/me"),
        "users_me": lambda: bob("GET", "/api/v2/users/me"),
        "users_search": search,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_documented_answer_is_what_the_simulation_gives(
    answers: dict[str, Callable[[], Any]], name: str
) -> None:
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    answer = answers[name]()

    if not isinstance(answer, dict):
        assert answer.status_code == example["status"]
        assert set(example.get("headers", {})) <= set(answer.headers)
        answer = answer.json()
    assert list(differences(example["answer"], answer)) == []


def test_every_documented_answer_says_where_it_is_from(answers: dict[str, Callable[[], Any]]) -> None:
    assert set(NAMES) == set(answers)
    for name in NAMES:
        example = json.loads((EXAMPLES / f"{name}.json").read_text())
        assert len(example["source"]) > len("Genesys"), name


@pytest.mark.parametrize(
    ("simulated", "found"),
    [
        ({"status": "queued", "ids": []}, ["answer.id is missing", "answer.ids has 0 entries"]),
        ({"id": 7, "status": "sent", "ids": ["a"]}, ["answer.id is int", "answer.status is sent"]),
        ({"id": "x", "status": "queued", "ids": ["b", "c"], "more": 1}, []),
    ],
)
def test_a_difference_would_be_seen(simulated: Any, found: list[str]) -> None:
    documented = {"id": "a", "status": "queued", "ids": ["a"], "endTime": None}
    assert list(differences(documented, simulated)) == found
