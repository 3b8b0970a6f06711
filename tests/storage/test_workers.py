from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.models import Outcome, PostKind, State
from bot.storage import Store


@pytest.fixture
def one(open_store: Callable[..., Store]) -> Store:
    return open_store("one")


@pytest.fixture
def two(open_store: Callable[..., Store]) -> Store:
    return open_store("two")


def test_what_a_living_worker_holds_is_not_abandoned(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    claim(one)
    sending = claim(one)
    one.begin(sending, "Hello", sender_id=None)
    for _ in range(10):
        clock.advance(10)
        one.beat()

        assert two.take_abandoned() == []
        assert one.take_abandoned() == []


def test_what_a_dead_worker_held_is_abandoned_oldest_first(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    sending, pending, settled = claim(one), claim(one), claim(one)
    one.begin(sending, "Hello", sender_id=None)
    one.settle(settled, Outcome(State.SENT), was=[State.PENDING])

    clock.advance(14)
    assert two.take_abandoned() == []
    clock.advance(2)

    assert [(r.key, r.state) for r in two.take_abandoned()] == [
        (sending, State.SENDING),
        (pending, State.PENDING),
    ]
    assert two.take_abandoned() == []


def test_what_was_scheduled_comes_after_what_somebody_typed(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    scheduled = claim(one, scheduled=True, not_before=clock() + timedelta(seconds=20))
    clock.advance(1)
    typed = claim(one)
    clock.advance(20)

    assert [receipt.key for receipt in two.take_abandoned()] == [typed, scheduled]


def test_worker_that_never_beat_by_itself_is_alive_once_it_claims(
    one: Store, two: Store, claim: Callable[..., str]
) -> None:
    claim(one)

    assert two.take_abandoned() == []


def test_abandoned_sends_are_shared_and_nobody_waits_for_another(
    one: Store, two: Store, open_store: Callable[..., Store], claim: Callable[..., str], clock: Any,
    at_once: Callable[..., list[Any]],
) -> None:  # fmt: skip
    dead = open_store("dead")
    keys = {claim(dead) for _ in range(20)}
    clock.advance(60)

    taken = at_once(*(partial(store.take_abandoned, limit=5) for store in (one, two) for _ in range(2)))

    assert sorted(receipt.key for batch in taken for receipt in batch) == sorted(keys)
    assert one.take_abandoned() == two.take_abandoned() == []


def test_work_whose_thread_fell_over_is_free_again_though_its_process_lives(
    one: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(one)
    clock.advance(5 * 60 - 1)
    assert one.take_abandoned() == []
    clock.advance(1)

    assert [receipt.key for receipt in one.take_abandoned()] == [key]
    assert one.take_abandoned() == []


def test_send_that_is_held_back_belongs_to_nobody_and_is_found_when_due(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(one, not_before=clock() + timedelta(seconds=5))

    assert two.take_abandoned() == []
    clock.advance(5)
    assert [receipt.key for receipt in two.take_abandoned()] == [key]


def test_worker_that_leaves_hands_back_what_it_has_not_begun(
    one: Store, two: Store, claim: Callable[..., str]
) -> None:
    pending, sending, said = claim(one), claim(one), claim(one)
    one.begin(sending, "Hello", sender_id=None)
    one.settle(said, Outcome(State.SENT), was=[State.PENDING], posts=[PostKind.REPLY])
    assert one.take_thread("C0TEAM", "c1")
    theirs = claim(two)

    one.release()

    assert [receipt.key for receipt in two.take_abandoned()] == [pending]
    assert two.take_thread("C0TEAM", "c1")
    two.release()
    assert [receipt.key for receipt in two.take_abandoned()] == [pending, theirs]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("minutes", [-10, 10])
def test_living_worker_whose_clock_is_wrong_keeps_what_it_holds(
    open_store: Callable[..., Store], claim: Callable[..., str], minutes: int
) -> None:
    def wrong() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=minutes)

    far = open_store("far", now=wrong, machine=wrong)
    right = open_store("right", now=lambda: datetime.now(UTC))
    theirs, ours = claim(far), claim(right)
    assert far.begin(theirs, "Hello", sender_id=None)
    assert right.begin(ours, "Hello", sender_id=None)

    assert right.take_abandoned() == far.take_abandoned() == []
    assert right.alive() == far.alive() == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_living_worker_whose_clock_is_set_back_keeps_what_it_takes_on_then(
    open_store: Callable[..., Store], claim: Callable[..., str]
) -> None:
    ahead = [timedelta(minutes=10)]

    def stepping() -> datetime:
        return datetime.now(UTC) + ahead[0]

    far = open_store("far", now=stepping, machine=stepping)
    right = open_store("right", now=lambda: datetime.now(UTC))
    far.beat()
    ahead[0] = timedelta()
    claim(far)

    assert right.take_abandoned() == []


def test_work_of_the_dead_is_free_though_the_clock_was_set_back_since(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(one)
    clock.advance(-3600)
    two.beat()

    assert [receipt.key for receipt in two.take_abandoned()] == [key]
