"""Lanes keep what takes time apart, and never throw anything back at whoever hands it over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from bot import logs
from bot.canned.lanes import Lane, Lanes

PATIENCE = 10.0  # seconds; reached only by a test that fails


@pytest.fixture
def lane() -> Iterator[Lane]:
    one = Lane("tested", 1)
    yield one
    one.close(PATIENCE)


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    all_lanes = Lanes()
    yield all_lanes
    all_lanes.close(PATIENCE)


class Hanging:
    """Jobs that hang until they are let go; on leaving, all of them are."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self) -> None:
        self.begun.release()
        self._go.wait(PATIENCE)

    def __enter__(self) -> Hanging:
        return self

    def __exit__(self, *_: object) -> None:
        self._go.set()

    def wait_until_begun(self, jobs: int = 1) -> None:
        assert all(self.begun.acquire(timeout=PATIENCE) for _ in range(jobs))


# -- running ----------------------------------------------------------------------------------


def test_job_runs_with_its_arguments_on_a_thread_of_the_lane(lane: Lane) -> None:
    ran: list[tuple[str, str]] = []
    lane.submit(lambda *args: ran.append((threading.current_thread().name, "-".join(args))), "a", "b")

    assert lane.wait_idle(PATIENCE)
    assert ran == [("canned-tested_0", "a-b")]


def test_jobs_of_a_lane_with_one_thread_run_in_the_order_they_came(lane: Lane) -> None:
    ran: list[int] = []
    for number in range(100):
        lane.submit(ran.append, number)

    assert lane.wait_idle(PATIENCE)
    assert ran == list(range(100))


def test_fifty_hanging_jobs_do_not_hold_up_another_lane(lanes: Lanes) -> None:
    opened = threading.Event()
    with Hanging() as hanging:
        for _ in range(50):
            lanes.sends.submit(hanging)
        hanging.wait_until_begun(16)
        lanes.windows.submit(opened.set)

        assert opened.wait(PATIENCE)
        assert lanes.sends.depth == 50


def test_queue_of_a_lane_is_not_cut(lane: Lane) -> None:
    ran: list[int] = []
    with Hanging() as hanging:
        lane.submit(hanging)
        hanging.wait_until_begun()
        for number in range(2000):
            lane.submit(ran.append, number)

    assert lane.wait_idle(PATIENCE)
    assert len(ran) == 2000


# -- failing ----------------------------------------------------------------------------------


def fail_with(words: str) -> None:
    raise ValueError(words)


def test_failing_job_logs_its_trace_without_its_words(lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    lane.submit(fail_with, "Dear Grace")
    assert lane.wait_idle(PATIENCE)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "a job of tested failed: ValueError" in caplog.text
    assert "in fail_with" in caplog.text
    assert "Dear Grace" not in caplog.text


def test_cause_of_a_failure_keeps_its_words_to_itself_too(
    lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_for(words: str) -> None:
        try:
            fail_with(words)
        except ValueError as exc:
            raise RuntimeError from exc

    lane.submit(fail_for, "Dear Grace")
    assert lane.wait_idle(PATIENCE)

    assert "failed: RuntimeError" in caplog.text
    assert "Dear Grace" not in caplog.text


def test_lane_goes_on_after_a_job_has_failed(lane: Lane) -> None:
    ran: list[str] = []
    lane.submit(fail_with, "x")
    lane.submit(ran.append, "after")

    assert lane.wait_idle(PATIENCE)
    assert ran == ["after"]
    assert lane.depth == 0


# -- counting and waiting ---------------------------------------------------------------------


def test_depth_counts_what_runs_what_waits_and_what_is_set_for_later(lane: Lane) -> None:
    with Hanging() as hanging:
        lane.submit(hanging)
        hanging.wait_until_begun()
        lane.submit(hanging)
        lane.later(3600, hanging)

        assert lane.depth == 3


def test_depth_is_nought_once_everything_has_run(lane: Lane) -> None:
    lane.submit(fail_with, "x")
    lane.submit(int)
    lane.later(0.001, int)

    assert lane.wait_idle(PATIENCE)
    assert lane.depth == 0


def test_idle_lane_is_not_waited_for(lane: Lane) -> None:
    assert lane.wait_idle(0)


def test_waiting_for_a_lane_that_works_ends_in_false(lane: Lane) -> None:
    with Hanging() as hanging:
        lane.submit(hanging)

        assert not lane.wait_idle(0)
        assert not lane.wait_idle(-1)


def test_waiting_covers_what_a_job_hands_to_its_own_lane(lane: Lane) -> None:
    ran: list[str] = []
    lane.submit(lambda: lane.submit(lambda: lane.later(0.001, ran.append, "the last one")))

    assert lane.wait_idle(PATIENCE)
    assert ran == ["the last one"]


# -- later ------------------------------------------------------------------------------------


def test_later_runs_the_job_on_the_lane_itself(lane: Lane) -> None:
    ran: list[tuple[str, str]] = []
    lane.later(0.001, lambda word: ran.append((threading.current_thread().name, word)), "due")

    assert lane.wait_idle(PATIENCE)
    assert ran == [("canned-tested_0", "due")]


def test_later_does_not_run_the_job_before_its_time(lane: Lane) -> None:
    ran: list[str] = []
    lane.later(3600, ran.append, "too early")
    lane.submit(ran.append, "now")

    assert not lane.wait_idle(0.05)
    assert ran == ["now"]


@pytest.mark.parametrize("seconds", [0, -5])
def test_later_that_is_already_due_takes_its_turn_at_once(lane: Lane, seconds: float) -> None:
    ran: list[int] = []
    for number in range(0, 100, 2):
        lane.later(seconds, ran.append, number)
        lane.submit(ran.append, number + 1)

    assert lane.wait_idle(PATIENCE)
    assert ran == list(range(100))


def test_waiting_job_takes_no_thread_of_the_lane(lane: Lane) -> None:
    ran = threading.Event()
    lane.later(3600, int)
    lane.submit(ran.set)

    assert ran.wait(PATIENCE)


def test_failing_job_set_for_later_is_logged_like_any(lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    lane.later(0.001, fail_with, "Dear Grace")
    assert lane.wait_idle(PATIENCE)

    assert "failed: ValueError" in caplog.text
    assert "Dear Grace" not in caplog.text


# -- closing ----------------------------------------------------------------------------------


def test_closed_lane_drops_what_it_is_given_without_raising(
    lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ran: list[str] = []
    assert lane.close(PATIENCE)

    lane.submit(ran.append, "after")
    lane.later(0, ran.append, "after")
    lane.later(0.001, ran.append, "after")
    lane.later(3600, ran.append, "after")

    assert lane.wait_idle(PATIENCE)
    assert ran == []
    assert lane.depth == 0
    assert "lane tested is closed" in caplog.text


def test_closing_drops_what_has_not_started_and_waits_for_what_runs(lane: Lane) -> None:
    ran: list[str] = []
    with Hanging() as hanging:
        lane.submit(hanging)
        hanging.wait_until_begun()
        for _ in range(10):
            lane.submit(ran.append, "queued")

        assert not lane.close(0)
        assert lane.depth == 1

    assert lane.close(PATIENCE)
    assert ran == []
    assert lane.depth == 0


def test_closing_forgets_what_was_set_for_later(lane: Lane) -> None:
    ran: list[str] = []
    for seconds in (0.05, 3600):
        lane.later(seconds, ran.append, "later")

    assert lane.close(PATIENCE)
    assert lane.depth == 0
    assert not threading.Event().wait(0.1)
    assert ran == []


def test_closing_leaves_no_thread_waiting_for_what_it_forgot(lane: Lane) -> None:
    lane.later(3600, int)
    (timer,) = (thread for thread in threading.enumerate() if isinstance(thread, threading.Timer))
    lane.close(PATIENCE)
    timer.join(PATIENCE)

    assert not timer.is_alive()


def test_closing_twice_is_the_same_as_once(lane: Lane) -> None:
    lane.submit(int)
    lane.later(3600, int)

    assert lane.close(PATIENCE)
    assert lane.close(PATIENCE)
    assert lane.depth == 0


def test_jobs_handed_over_while_the_lane_closes_all_come_to_an_end() -> None:
    for _ in range(30):
        lane = Lane("closing", 2)
        start = threading.Barrier(3)

        def hand_over(lane: Lane = lane, start: threading.Barrier = start) -> None:
            start.wait(PATIENCE)
            for _ in range(50):
                lane.submit(int)
                lane.later(0.0001, int)

        threads = [threading.Thread(target=hand_over) for _ in range(2)]
        for thread in threads:
            thread.start()
        start.wait(PATIENCE)
        lane.close(PATIENCE)
        for thread in threads:
            thread.join(PATIENCE)

        assert lane.wait_idle(PATIENCE)
        assert lane.depth == 0


def test_job_that_comes_back_to_a_closed_lane_is_dropped(lane: Lane) -> None:
    ran: list[str] = []
    with Hanging() as hanging:

        def and_then() -> None:
            hanging()
            lane.submit(ran.append, "next")
            lane.later(0.001, ran.append, "next")

        lane.submit(and_then)
        hanging.wait_until_begun()
        assert not lane.close(0)

    assert lane.wait_idle(PATIENCE)
    assert ran == []


def test_all_lanes_close_even_if_the_first_still_works(lanes: Lanes) -> None:
    ran: list[str] = []
    with Hanging() as hanging:
        lanes.windows.submit(hanging)
        hanging.wait_until_begun()

        assert not lanes.close(0)

        for lane in (lanes.sends, lanes.due, lanes.bulk, lanes.posts):
            lane.submit(ran.append, lane.name)
            assert lane.wait_idle(PATIENCE)
    assert lanes.close(PATIENCE)
    assert ran == []


def test_all_lanes_share_the_time_that_closing_may_take(lanes: Lanes) -> None:
    readings = chain((0.0,), repeat(3600.0))
    with Hanging() as hanging:
        lanes.posts.submit(hanging)
        hanging.wait_until_begun()

        assert not lanes.close(1800, clock=lambda: next(readings))


def test_what_asks_for_previews_has_a_lane_apart_from_what_opens_windows(lanes: Lanes) -> None:
    assert [lane.name for lane in lanes] == ["windows", "previews", "sends", "due", "bulk", "posts"]


def test_a_job_now_or_later_is_about_the_click_that_handed_it_over() -> None:
    lane, heard = Lane("test", 1), list[str]()

    def hand_over() -> str:
        lane.submit(lambda: heard.append(logs.click()))
        lane.later(0.01, lambda: heard.append(logs.click()))
        return logs.click()

    first, second = logs.new_click(hand_over), logs.new_click(hand_over)
    lane.wait_idle(5)
    lane.close(5)

    assert sorted(heard) == sorted([first, first, second, second])
    assert (len({"", first, second}), logs.click()) == (3, "")
