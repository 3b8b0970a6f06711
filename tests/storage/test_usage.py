from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row

from bot.models import Gate, Outcome, State
from bot.storage import Store, Used
from bot.storage.usage import PAGE

Sent = Callable[..., str]


@pytest.fixture
def ended(store: Store, claim: Callable[..., str]) -> Sent:
    """A send that ended like this; its key."""

    def make(state: State = State.SENT, **changes: Any) -> str:
        key = claim(**changes)
        store.settle(key, Outcome(state, reason="Because."), was=(State.PENDING,))
        return key

    return make


def test_each_response_is_counted_by_what_became_of_it(
    store: Store, claim: Callable[..., str], ended: Sent, clock: Any
) -> None:
    ended()
    ended(edited=True)
    first = clock()
    clock.advance(60)
    for state in (State.REFUSED, State.UNSENT, State.CANCELLED, State.UNKNOWN):
        ended(state, edited=True, response="greeting")
    claim(response="waiting")

    assert store.usage("response") == [
        Used("escalation", sent=2, edited=1, failed=0, not_sent=0, unknown=0, last_at=first),
        Used("greeting", sent=0, edited=0, failed=0, not_sent=3, unknown=1, last_at=clock()),
        Used("waiting", sent=0, edited=0, failed=0, not_sent=0, unknown=0, last_at=clock()),
    ]


def test_what_genesys_took_and_did_not_deliver_counts_as_failed(store: Store, ended: Sent) -> None:
    ended()
    for delivery in ("failed", "delivered"):
        store.delivered(ended(), delivery, message_id="m")

    [used] = store.usage("response")
    assert (used.sent, used.failed, used.not_sent) == (3, 1, 0)


def test_usage_is_that_of_a_time_a_person_and_a_team(store: Store, ended: Sent, clock: Any) -> None:
    ended(response="old")
    monday = clock.advance(86_400)
    ended(response="anns")
    ended(response="bobs", supervisor="U0BOB")
    for _ in range(2):
        ended(response="theirs")

    def names(**given: Any) -> list[str]:
        return [used.name for used in store.usage(**{"by": "response", **given})]

    assert names(limit=2) == ["theirs", "anns"]
    assert names(since=monday) == ["theirs", "anns", "bobs"]
    assert names(since=monday, supervisor="U0ANN") == ["theirs", "anns"]
    assert names(by="supervisor", since=monday) == ["U0ANN", "U0BOB"]
    assert names(since=monday + timedelta(seconds=1)) == []


def test_usage_by_queue_counts_where_the_conversation_was_when_it_left(
    store: Store, claim: Callable[..., str], ended: Sent
) -> None:
    for queue in ("Billing", "Support", "Support"):
        key = claim()
        store.begin(key, "Hello", sender_id=None, queue=queue)
        store.settle(key, Outcome(State.SENT), was=(State.SENDING,))
    ended(State.REFUSED)

    counted = [(used.name, used.sent, used.not_sent) for used in store.usage("queue")]
    assert counted == [("Support", 2, 0), ("Billing", 1, 0), ("", 0, 1)]
    assert [line["queue"] for line in store.each_send()] == ["Billing", "Support", "Support", None]


def test_what_the_agent_changed_counts_as_edited(store: Store, claim: Sent, clock: Any) -> None:
    for edited in (None, "In my own words."):
        key = claim(gate=Gate.AGENT)
        until = clock() + timedelta(minutes=5)
        store.ask(key, "As frozen.", agent="bob", user="U0BOB", until=until, reason="")
        store.open_gate(key, by="U0BOB", edited=edited, reason="")

    assert [line["edited"] for line in store.each_send()] == [False, True]
    assert [receipt.request.edited for receipt in store.sends()] == [True, False]


def test_every_send_is_a_line_without_its_texts(store: Store, ended: Sent, clock: Any) -> None:
    key = ended(text="s3cr3t", values={"topic": "s3cr3t"}, language="es", edited=True)

    [line] = store.each_send()
    assert line == {
        "time": clock(),
        "team": "Support",
        "supervisor": "U0ANN",
        "response": "escalation",
        "conversation": "c1",
        "queue": None,
        "send_as": "self",
        "language": "es",
        "state": "sent",
        "outcome": "sent",
        "delivery": None,
        "edited": True,
        "scheduled": False,
        "approved_by": None,
        "reason": "Because.",
        "key": key,
    }


def test_lines_are_those_of_a_time(store: Store, ended: Sent, clock: Any) -> None:
    begun = clock()
    keys = []
    for _ in range(3):
        keys.append(ended())
        clock.advance(60)

    def found(**given: Any) -> list[str]:
        return [line["key"] for line in store.each_send(**given)]

    assert found() == keys
    assert found(since=begun + timedelta(seconds=60)) == keys[1:]
    assert found(until=begun + timedelta(seconds=60)) == keys[:1]


def test_a_history_of_many_pages_has_every_send_once(
    store: Store, ended: Sent, sql: Callable[..., Collection[Row[Any]]]
) -> None:
    key = ended()
    columns = ("team, channel, supervisor, conversation_id, response, send_as, requested_at, by_operator, "
               "confirmed, claimed_at, state, changed_at, reason, correlation_id")  # fmt: skip
    many = 2 * PAGE + 1
    sql(
        f"INSERT INTO sends (key, {columns}) "
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) "
        f"SELECT 'many-' || i, {columns} FROM sends, n WHERE key = '{key}'"
    )

    found = [line["key"] for line in store.each_send()]
    assert len(found) == len(set(found)) == many + 1
