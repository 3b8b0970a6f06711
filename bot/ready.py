"""Whether the neighbours answer: asked every ten seconds at most, and waited for no longer than a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

KEPT = timedelta(seconds=10)
MOMENT = 3.0  # seconds for all of them together

Probe = Callable[[], bool]


class Ready:
    """Ask each of `probes` in a thread of its own; one that still hangs is not asked again, and says no."""

    def __init__(self, probes: Mapping[str, Probe], *, now: Callable[[], datetime]) -> None:
        self._probes = {name: _Asked(name, probe) for name, probe in probes.items()}
        self._now = now
        self._lock = threading.Lock()
        self._asked_at: datetime | None = None
        self._said: dict[str, bool] = {}

    def __call__(self, *, clock: Callable[[], float] = time.monotonic) -> Mapping[str, bool]:
        if not self._lock.acquire(blocking=not self._said):
            return self._said  # somebody asks just now; to wait with them would hold up the web's threads
        try:
            if self._is_old():
                end = clock() + MOMENT
                for asked in self._probes.values():
                    asked.begin()
                self._said = {n: asked.answer(end - clock()) for n, asked in self._probes.items()}
                self._asked_at = self._now()
            return self._said
        finally:
            self._lock.release()

    def _is_old(self) -> bool:
        """Also what was asked later than now: the clock was set back."""
        return self._asked_at is None or not timedelta(0) <= self._now() - self._asked_at < KEPT


class _Asked:
    def __init__(self, name: str, probe: Probe) -> None:
        self._name, self._probe = name, probe
        self._thread: threading.Thread | None = None
        self._yes = False

    def begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._ask, name=f"canned-ready-{self._name}", daemon=True)
            self._thread.start()

    def answer(self, seconds: float) -> bool:
        assert self._thread is not None  # noqa: S101 - it was begun
        self._thread.join(max(0.0, seconds))
        return self._yes and not self._thread.is_alive()

    def _ask(self) -> None:
        self._yes = False
        self._yes = self._probe()
