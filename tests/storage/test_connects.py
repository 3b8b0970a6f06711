"""A log-in is opened once and used once, by the browser it is bound to, within its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.models import Outcome, State
from bot.storage import Connect, Store

LIVES = timedelta(minutes=10)


@pytest.fixture
def since(clock: Any) -> Callable[[], datetime]:
    return lambda: clock() - LIVES


def bound(store: Store, since: Callable[[], datetime], id_: str = "a") -> bool:
    return store.open_connect(id_, verifier="v", cookie_hash="c", since=since())


def test_it_is_opened_once(store: Store, since: Callable[[], datetime]) -> None:
    store.begin_connect("a", "U0ANN")

    assert not bound(store, since, "b")
    assert bound(store, since)
    assert not bound(store, since)


def test_it_is_used_once_with_its_cookie_and_gives_up_its_verifier(
    store: Store, since: Callable[[], datetime]
) -> None:
    store.begin_connect("a", "U0ANN")
    bound(store, since)

    assert store.use_connect("a", cookie_hash="another", since=since()) is None
    used = store.use_connect("a", cookie_hash="c", since=since())
    assert used is not None
    assert (used.slack_user, used.verifier) == ("U0ANN", "v")
    assert store.use_connect("a", cookie_hash="c", since=since()) is None
    kept = store.connect("a")
    assert isinstance(kept, Connect)
    assert kept.verifier is None
    assert kept.used_at is not None


def test_one_that_was_never_opened_is_not_used(store: Store, since: Callable[[], datetime]) -> None:
    store.begin_connect("a", "U0ANN")

    assert store.use_connect("a", cookie_hash="", since=since()) is None


def test_it_is_neither_opened_nor_used_after_its_time(
    store: Store, clock: Any, since: Callable[[], datetime]
) -> None:
    store.begin_connect("a", "U0ANN")
    store.begin_connect("b", "U0ANN")
    bound(store, since, "b")
    clock.advance(600)

    assert not bound(store, since)
    assert store.use_connect("b", cookie_hash="c", since=since()) is None


def test_two_that_use_it_at_once_are_one(
    store: Store, since: Callable[[], datetime], at_once: Callable[..., list[object]]
) -> None:
    store.begin_connect("a", "U0ANN")
    bound(store, since)
    used = at_once(*[lambda: store.use_connect("a", cookie_hash="c", since=since())] * 4)

    assert sum(each is not None for each in used) == 1


def test_using_it_goes_on_record(store: Store, since: Callable[[], datetime]) -> None:
    store.begin_connect("a", "U0ANN")
    bound(store, since)
    store.use_connect("a", cookie_hash="c", since=since())

    [record] = store.audit()
    assert (record.event, record.actor, record.detail) == ("signing_in", "U0ANN", {})


def test_it_is_offered_once_for_each_send_and_person(store: Store) -> None:
    assert store.begin_connect("a", "U0ANN", "send-1")
    assert not store.begin_connect("b", "U0ANN", "send-1")
    assert store.begin_connect("c", "U0BOB", "send-1")
    assert store.begin_connect("d", "U0ANN", "send-2")
    assert store.connect("b") is None


def test_what_is_older_than_a_day_goes(store: Store, clock: Any) -> None:
    store.begin_connect("a", "U0ANN")
    clock.advance(86_401)
    store.begin_connect("b", "U0ANN")

    assert store.connect("a") is None
    assert store.connect("b") is not None


def test_what_waits_for_somebody_is_woken_and_nothing_else(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    later = clock() + timedelta(seconds=30)
    waits, other, sent, alone = (claim() for _ in range(4))
    for key in (waits, other, alone):
        store.settle(key, Outcome(State.PENDING, not_before=later), was=[State.PENDING])
    store.settle(sent, Outcome(State.REFUSED), was=[State.PENDING])
    for id_, user, key in (("a", "U0ANN", waits), ("b", "U0BOB", other), ("c", "U0ANN", sent)):
        store.begin_connect(id_, user, key)

    assert store.wake("U0ANN") == [waits]
    assert [store.receipt(key).not_before for key in (waits, other, alone)] == [None, later, later]
    assert store.wake("U0ANN") == []


def test_a_send_that_a_process_is_busy_with_is_left_to_it(store: Store, claim: Callable[..., str]) -> None:
    store.begin_connect("a", "U0ANN", claim())

    assert store.wake("U0ANN") == []


def test_a_send_that_waits_again_is_offered_again(store: Store, claim: Callable[..., str]) -> None:
    key = claim()
    store.settle(key, Outcome(State.PENDING), was=[State.PENDING])
    store.begin_connect("a", "U0ANN", key)
    store.wake("U0ANN")

    assert store.begin_connect("b", "U0ANN", key)
