"""How far messages got after they were sent, and which are to be looked at now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.models import Outcome, PostKind, State
from bot.storage import Store

PAUSES = [timedelta(seconds=15), timedelta(seconds=40)]


@pytest.fixture
def sent(store: Store, claim: Callable[..., str], clock: Any) -> str:
    """The key of a send whose message is to be looked at five seconds later."""
    key = claim()
    store.begin(key, "Hello.", sender_id="ann")
    outcome = Outcome(State.SENT, message_id="m1", delivery="queued", look_at=clock() + timedelta(seconds=5))
    store.settle(key, outcome, was=[State.SENDING])
    return key


def take(store: Store) -> list[str]:
    return [receipt.key for receipt in store.take_looks(PAUSES, limit=10)]


def test_a_message_is_looked_at_when_it_is_due_a_few_times_and_no_more(
    store: Store, sent: str, clock: Any
) -> None:
    taken = []
    for seconds in range(0, 120, 5):
        taken += [(seconds, key) for key in take(store)]
        clock.advance(5)

    assert taken == [(5, sent), (20, sent), (60, sent)]


def test_only_one_worker_gets_a_look(
    store: Store, open_store: Callable[..., Store], sent: str, clock: Any
) -> None:
    other = open_store("another")
    clock.advance(5)

    assert [take(store), take(other)] == [[sent], []]


def test_how_far_it_got_is_on_the_receipt_and_on_record(store: Store, sent: str) -> None:
    assert store.receipt(sent).delivery == "queued"
    assert store.delivered(sent, "delivered", message_id="m1")

    assert store.receipt(sent).delivery == "delivered"
    assert store.receipt(sent).state is State.SENT
    assert store.audit(sent)[-1].event == "delivery"
    assert store.audit(sent)[-1].detail == {"delivery": "delivered", "message_id": "m1"}


@pytest.mark.parametrize(
    ("first", "later"), [("delivered", "sent"), ("read", "delivered"), ("failed", "sent"), ("sent", "sent")]
)
def test_a_message_never_goes_back(store: Store, sent: str, first: str, later: str) -> None:
    store.delivered(sent, first, message_id="m1")

    assert not store.delivered(sent, later, message_id="m1")
    assert store.receipt(sent).delivery == first


@pytest.mark.parametrize(("delivery", "again"), [("read", False), ("failed", False), ("delivered", True)])
def test_what_has_come_to_its_end_is_not_looked_at_again(
    store: Store, sent: str, clock: Any, delivery: str, again: bool
) -> None:
    store.delivered(sent, delivery, message_id="m1")
    clock.advance(60)

    assert bool(take(store)) == again


def test_a_failure_says_why_and_is_told(store: Store, sent: str) -> None:
    before = store.receipt(sent)
    place = (before.request.channel, before.request.conversation_id)
    shown = store.take_thread(*place)
    assert shown is not None
    store.leave_thread(*place)
    store.card_shown(shown)
    assert place not in store.threads_due()
    store.delivered(
        sent,
        "failed",
        message_id="m1",
        error="The number is not in service.",
        reason="Not delivered.",
        posts=[PostKind.REPLY],
    )

    assert store.receipt(sent).delivery_error == "The number is not in service."
    [(post, receipt)] = store.posts_due(*place)
    assert (post.state, post.reason, receipt.state) == (State.UNSENT, "Not delivered.", State.SENT)
    taken = store.take_thread(*place)
    assert taken is not None
    assert taken.card_due


@pytest.mark.parametrize("state", [State.UNKNOWN, State.UNSENT])
def test_only_a_message_that_was_sent_is_delivered(
    store: Store, claim: Callable[..., str], state: State
) -> None:
    key = claim()
    store.begin(key, "Hello.", sender_id="ann")
    store.settle(key, Outcome(state), was=[State.SENDING])

    assert not store.delivered(key, "delivered", message_id="m1")
    assert store.receipt(key).state is state


def test_the_id_of_a_message_that_had_none_is_kept_the_one_it_had_stays(
    store: Store, claim: Callable[..., str], sent: str
) -> None:
    nameless = claim(conversation_id="c2")
    store.begin(nameless, "Hello.", sender_id="ann")
    store.settle(nameless, Outcome(State.SENT), was=[State.SENDING])

    store.delivered(nameless, "sent", message_id="m2")
    store.delivered(sent, "sent", message_id="m3")

    assert store.receipt(nameless).message_id == "m2"
    assert store.receipt(sent).message_id == "m1"
    assert store.message_ids("c2") == ["m2"]
