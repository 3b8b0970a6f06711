"""Requests keep to the rate that Genesys tells, whoever uses it up, and no token waits for another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from bot.genesys import Genesys, RateLimited
from bot.genesys.pace import KEPT, WAIT_IN_PLACE, Need, Pace
from bot.genesys.transport import PATIENCE, Patience
from bot.sandbox.genesys import ANN, SimulatedGenesys


def told(count: int, allowed: int = 100, reset: int = 30) -> dict[str, str]:
    return {
        "inin-ratelimit-count": str(count),
        "inin-ratelimit-allowed": str(allowed),
        "inin-ratelimit-reset": str(reset),
    }


@pytest.fixture
def pace(clock: Any) -> Pace:
    return Pace(clock.now)


@pytest.fixture
def patience(clock: Any) -> Callable[[], Patience]:
    return lambda: Patience(clock.sleep)


def hear(pace: Pace, token: str, headers: dict[str, str], rest: float | None = None) -> None:
    room = pace.of(token)
    room.enter(Patience(lambda _: None))
    room.leave(headers, rest=rest)


def test_nobody_waits_while_there_is_room_or_nothing_is_said(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    hear(pace, "ann", told(50))

    for token in ("ann", "bob"):
        for _ in range(30):
            pace.of(token).enter(patience())

    assert clock.naps == []


def test_nearly_full_requests_go_one_after_another(pace: Pace, patience: Callable[[], Patience]) -> None:
    hear(pace, "ann", told(90))
    room = pace.of("ann")
    room.enter(patience())

    def answered(_: float) -> None:
        room.leave(told(91))

    waits = Patience(answered)
    room.enter(waits)

    assert waits.left < PATIENCE


def test_whoever_has_stood_in_line_hears_that_it_is_over_and_may_leave_it_again(pace: Pace) -> None:
    hear(pace, "ann", told(90))
    room = pace.of("ann")
    room.enter(Patience(lambda _: None))

    def over(seconds: float) -> None:
        raise RuntimeError(seconds)

    with pytest.raises(RuntimeError, match="0"):
        room.enter(Patience(lambda _: room.leave(), over))
    room.enter(Patience(over))  # which is not asked: nobody is before it


def test_full_nothing_leaves_until_the_window_ends_and_whoever_waits_hears_of_it(
    pace: Pace, clock: Any
) -> None:
    heard: list[float] = []
    hear(pace, "ann", told(99, reset=42))

    pace.of("ann").enter(Patience(clock.sleep, heard.append))
    pace.of("bob").enter(Patience(clock.sleep, heard.append))

    assert heard == [42, 0]  # how long, and that it is over
    assert clock.naps == [42]


def test_window_that_ends_while_somebody_begins_to_wait_for_it_is_no_wait_of_less_than_nothing(
    clock: Any,
) -> None:
    def now() -> Any:
        clock.at += timedelta(milliseconds=1)
        return clock.at

    pace = Pace(now)
    hear(pace, "ann", told(100, reset=30))
    clock.at += timedelta(seconds=30, milliseconds=-1.5)

    pace.of("ann").enter(Patience(clock.sleep))

    assert clock.naps == [0]


def test_wait_that_is_too_long_is_said_without_a_request(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    hear(pace, "ann", told(100, reset=61))

    with pytest.raises(RateLimited, match="wait 61 seconds") as refused:
        pace.of("ann").enter(patience())

    assert refused.value.retry_after == 61
    assert clock.naps == []


def test_what_matters_least_leaves_most_of_the_window_to_the_rest(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    room = pace.of("ann")
    hear(pace, "ann", told(19))
    room.enter(Patience(clock.sleep, need=Need.LEAST))
    room.leave(told(20))

    with pytest.raises(RateLimited):
        room.enter(Patience(clock.sleep, need=Need.LEAST))
    assert clock.naps == []
    room.enter(patience())


def test_what_can_wait_leaves_the_last_of_the_window_to_what_somebody_waits_for(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    room = pace.of("ann")
    hear(pace, "ann", told(95))
    room.enter(Patience(clock.sleep, need=Need.SOON))
    room.leave(told(96))
    room.enter(patience())
    room.leave(told(97))
    assert clock.naps == []

    room.enter(Patience(clock.sleep, need=Need.SOON))
    assert clock.naps == [30]


def test_after_a_429_the_whole_token_rests_and_then_one_goes_first(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    hear(pace, "ann", {}, rest=7)
    room = pace.of("ann")

    room.enter(patience())
    assert clock.naps == [7]

    def answered(_: float) -> None:
        room.leave({})

    room.enter(Patience(answered))  # not before the first one is answered
    room.enter(patience())  # and then there is room again
    assert clock.naps == [7]


def test_answer_that_comes_late_does_not_make_room(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    room = pace.of("ann")
    for _ in range(2):
        room.enter(patience())
    room.leave(told(100))
    room.leave(told(60))

    room.enter(patience())
    assert clock.naps == [30]


def test_of_many_that_would_wait_for_a_token_a_few_do_and_the_rest_keep_no_thread(
    pace: Pace, clock: Any
) -> None:
    hear(pace, "ann", told(100))
    inside, go_on = threading.Semaphore(0), threading.Event()

    def hold(_: float) -> None:
        inside.release()
        go_on.wait(10)

    def ask() -> str:
        room = pace.of("ann")
        try:
            room.enter(Patience(hold))
        except RateLimited:
            return "later"
        room.leave({})
        return "asked"

    with ThreadPoolExecutor(WAIT_IN_PLACE) as pool:
        waiting = [pool.submit(ask) for _ in range(WAIT_IN_PLACE)]
        for _ in waiting:
            assert inside.acquire(timeout=10)
        assert ask() == "later"
        clock.at = clock.at.replace(minute=5)
        go_on.set()

    assert [each.result() for each in waiting] == ["asked"] * WAIT_IN_PLACE


def test_headers_that_make_no_sense_limit_nobody(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    soon = {**told(100), "inin-ratelimit-reset": "soon"}
    for nonsense in ({"inin-ratelimit-count": "9"}, soon, told(100, reset=99_999)):
        hear(pace, "ann", nonsense)

    pace.of("ann").enter(patience())
    assert clock.naps == []


def test_what_is_known_of_a_token_outlives_many_others_only_while_it_limits(
    pace: Pace, patience: Callable[[], Patience], clock: Any
) -> None:
    hear(pace, "ann", told(100))
    for number in range(2 * KEPT):
        hear(pace, f"token {number}", {})

    pace.of("ann").enter(patience())

    assert clock.naps == [30]
    assert len(pace._rooms) <= KEPT


def test_many_requests_never_meet_the_limit(genesys: Genesys, cloud: SimulatedGenesys, clock: Any) -> None:
    cloud.rate_limit = 40

    for _ in range(100):
        assert genesys.user(ANN).id == ANN

    assert clock.naps == [60, 60]
    assert all(token.count <= 40 for token in cloud.tokens.values())


def test_a_second_client_with_the_same_token_sees_what_the_first_has_used_up(
    platform: Genesys, connect_public: Callable[..., Genesys], public: SimulatedGenesys, clock: Any
) -> None:
    public.rate_limit = 40
    other = connect_public()

    for number in range(60):
        [platform, other][number % 2].conversation(public.chat, reader=public.ann)

    assert clock.naps == [60]
    assert all(token.count <= 40 for token in public.tokens.values())
