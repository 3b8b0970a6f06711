from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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
    pending = claim(one)
    sending = claim(one)
    one.begin(sending, "Hello", sender_id=None)
    for _ in range(10):
        clock.advance(10)
        one.beat()

        assert two.abandoned() == []
        assert one.abandoned() == []
        assert not two.take(pending, State.PENDING)


def test_what_a_dead_worker_held_is_abandoned_oldest_first(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    sending, pending, settled = claim(one), claim(one), claim(one)
    one.begin(sending, "Hello", sender_id=None)
    one.settle(settled, Outcome(State.SENT), was=[State.PENDING])

    clock.advance(14)
    assert two.abandoned() == []
    clock.advance(2)

    assert [(r.key, r.state) for r in two.abandoned()] == [
        (sending, State.SENDING),
        (pending, State.PENDING),
    ]
    assert two.abandoned(timedelta(minutes=1)) == []


def test_worker_that_never_beat_by_itself_is_alive_once_it_claims(
    one: Store, two: Store, claim: Callable[..., str]
) -> None:
    claim(one)

    assert two.abandoned() == []


def test_abandoned_send_is_taken_by_one_of_two_workers(
    one: Store, two: Store, open_store: Callable[..., Store], claim: Callable[..., str], clock: Any,
    at_once: Callable[..., list[Any]],
) -> None:  # fmt: skip
    dead = open_store("dead")
    keys = [claim(dead) for _ in range(10)]
    clock.advance(60)
    for key in keys:
        taken = at_once(lambda k=key: one.take(k, State.PENDING), lambda k=key: two.take(k, State.PENDING))

        assert sorted(taken) == [False, True]
    assert one.abandoned() == two.abandoned() == []


def test_send_is_not_taken_from_another_state(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(one)
    one.begin(key, "Hello", sender_id=None)
    clock.advance(60)

    assert not two.take(key, State.PENDING)
    assert two.take(key, State.SENDING)
    assert not two.take("nothing", State.SENDING)


def test_work_whose_thread_fell_over_is_free_again_though_its_process_lives(
    one: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(one)
    clock.advance(5 * 60 - 1)
    assert one.abandoned() == []
    clock.advance(1)

    assert [receipt.key for receipt in one.abandoned()] == [key]
    assert one.take(key, State.PENDING)
    assert one.abandoned() == []
    assert not one.take(key, State.PENDING)


def test_send_that_is_held_back_belongs_to_nobody_and_is_found_when_due(
    one: Store, two: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(one, not_before=clock() + timedelta(seconds=5))

    assert two.abandoned() == []
    clock.advance(5)
    assert [receipt.key for receipt in two.abandoned()] == [key]


def test_worker_that_leaves_hands_back_what_it_has_not_begun(
    one: Store, two: Store, claim: Callable[..., str]
) -> None:
    pending, sending, said = claim(one), claim(one), claim(one)
    one.begin(sending, "Hello", sender_id=None)
    one.settle(said, Outcome(State.SENT), was=[State.PENDING], posts=[PostKind.REPLY])
    assert one.take_thread("C0TEAM", "c1")
    theirs = claim(two)

    one.release()

    assert [receipt.key for receipt in two.abandoned()] == [pending]
    assert two.take_thread("C0TEAM", "c1")
    two.release("two")
    assert [receipt.key for receipt in two.abandoned()] == [pending, theirs]
