from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from bot.models import Outcome, State
from bot.storage import Repeated, Store


def test_every_step_of_a_send_is_on_record(store: Store, claim: Callable[..., str], clock: Any) -> None:
    key = claim()
    clock.advance(1)
    store.begin(key, "Hello", sender_id="g1", version="v1")
    clock.advance(1)
    store.settle(key, Outcome(State.SENT, message_id="m1", correlation_id="x1"), was=[State.SENDING])

    claimed, begun, settled = store.audit(key)
    assert [record.event for record in (claimed, begun, settled)] == ["claimed", "begun", "settled"]
    assert [record.actor for record in (claimed, begun, settled)] == ["U0ANN", "bot", "bot"]
    assert claimed.detail["conversation_id"] == "c1"
    assert claimed.detail["response"] == "escalation"
    begun_with = {"sender_id": "g1", "text_hash": store.receipt(key).text_hash, "response_version": "v1"}
    assert begun.detail == begun_with
    assert settled.detail["state"] == "sent"
    assert settled.detail["message_id"] == "m1"
    assert settled.at == clock()


def test_operator_is_on_record_as_acting_for_the_supervisor(store: Store, claim: Callable[..., str]) -> None:
    key = claim(by_operator=True)

    assert store.audit(key)[0].actor == "operator for U0ANN"


def test_what_was_not_taken_on_is_not_on_record(
    store: Store, claim: Callable[..., str], a_request: Any
) -> None:
    claim()
    with pytest.raises(Repeated):
        store.claim(a_request(), per_minute=9, per_conversation=9)

    assert len(store.audit()) == 1


def test_record_is_read_page_by_page(store: Store, claim: Callable[..., str]) -> None:
    keys = [claim() for _ in range(5)]

    first = store.audit(limit=3)
    rest = store.audit(limit=3, after_id=first[-1].id)

    assert [record.key for record in first + rest] == keys


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
def test_database_refuses_to_change_the_record(
    store: Store, claim: Callable[..., str], sql: Callable[..., list[Any]], change: str
) -> None:
    claim()
    before = store.audit()

    with pytest.raises(DBAPIError, match="append-only"):
        sql(change)

    assert store.audit() == before
