"""
Threads of our own for everything that takes time, apart by what must not wait for what.

A lane has few threads and an uncut queue: what was claimed has to go out, and its row is
there anyway. Fifty hanging sends fill their own lane and leave the windows' alone.
`submit` never raises, since it stands behind an acknowledged click.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bot import logs

log = logging.getLogger(__name__)


class Lane:
    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"canned-{name}")
        self._changed = threading.Condition()
        self._under_way = 0
        self._timers: dict[threading.Timer, None] = {}
        self._closed = False

    @property
    def depth(self) -> int:
        """Jobs queued, running or set for later."""
        return self._under_way

    def submit(self, job: Callable[..., object], *args: Any) -> None:
        """Run `job(*args)` soon. After `close` it is dropped: whoever restarts finds its row."""
        self._count(+1)
        self._queue(logs.same_click(job), args)

    def later(self, seconds: float, job: Callable[..., object], *args: Any) -> None:
        """Run `job(*args)` on this lane after `seconds`; forgotten when the lane closes."""
        if seconds <= 0:
            self.submit(job, *args)
            return
        job = logs.same_click(job)
        timer = threading.Timer(seconds, lambda: self._due(timer, job, args))
        timer.daemon = True
        with self._changed:
            if self._closed:
                return
            self._timers[timer] = None
            self._under_way += 1
        try:
            timer.start()
        except RuntimeError:  # the machine has no thread left
            self._left(timer)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is queued, running or set for later; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, timeout)

    def close(self, timeout: float) -> bool:
        """Take no more work, drop what has not started, wait for what runs; False if some still does."""
        with self._changed:
            self._closed = True
            timers, self._timers = list(self._timers), {}
        for timer in timers:
            timer.cancel()
            self._count(-1)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self.wait_idle(timeout)

    def _due(self, timer: threading.Timer, job: Callable[..., object], args: tuple[Any, ...]) -> None:
        with self._changed:
            if self._timers.pop(timer, self) is self:
                return  # the lane closed meanwhile and has already counted it off
        self._queue(job, args)

    def _left(self, timer: threading.Timer) -> None:
        log.warning("lane %s could not set a job for later; it is left to whoever finds its row", self.name)
        with self._changed:
            self._timers.pop(timer, None)
        self._count(-1)

    def _queue(self, job: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            self._pool.submit(self._run, job, args).add_done_callback(self._dropped)
        except RuntimeError:
            if not self._closed:
                return  # no thread left to start, but it is queued and another one will run it
            log.info("lane %s is closed; a job is left to whoever finds its row", self.name)
            self._count(-1)

    def _dropped(self, future: Any) -> None:
        if future.cancelled():
            self._count(-1)

    def _run(self, job: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            job(*args)
        except Exception as exc:  # noqa: BLE001 - the edge of a thread: what ends here would be silence
            # The trace without the error's words: they may be a customer's.
            trace = "".join(traceback.format_tb(exc.__traceback__))
            log.error("a job of %s failed: %s\n%s", self.name, type(exc).__name__, trace)  # noqa: TRY400
        finally:
            self._count(-1)

    def _count(self, by: int) -> None:
        with self._changed:
            self._under_way += by
            self._changed.notify_all()


class Lanes:
    """
    The lanes of one process. What asks Genesys for a window's preview is apart from what
    opens windows, whose triggers live for three seconds; sends that somebody has just clicked
    are apart from those that are due, of which there may be many at once.
    """

    def __init__(self) -> None:
        self.windows = Lane("windows", 8)
        self.previews = Lane("previews", 8)
        self.sends = Lane("sends", 16)
        self.due = Lane("due", 16)
        self.bulk = Lane("bulk", 2)
        self.posts = Lane("posts", 4)

    def __iter__(self) -> Any:
        return iter((self.windows, self.previews, self.sends, self.due, self.bulk, self.posts))

    def close(self, timeout: float, *, clock: Callable[[], float] = time.monotonic) -> bool:
        """
        Close all of them within `timeout` seconds together; False if something still runs.

        The posts' lane is last, so that what still gets sent is said too.
        """
        end = clock() + timeout
        for lane in self:
            if lane is not self.posts:
                lane.close(0)
        done = [lane.wait_idle(max(0.0, end - clock())) for lane in self if lane is not self.posts]
        return self.posts.close(max(0.0, end - clock())) and all(done)
