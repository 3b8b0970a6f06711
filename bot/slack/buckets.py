"""How fast the bot may speak: so many times a second, with some saved up for a burst."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime


class Bucket:
    """`rate` tokens a second, of which `burst` are saved up at most; full at first."""

    def __init__(self, rate: float, burst: int, now: Callable[[], datetime]) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._tokens = float(burst)
        self._filled = now()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take a token and return 0; without one, return the seconds until there is one."""
        with self._lock:
            self._fill()
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self._rate

    def rest(self, seconds: float) -> None:
        """Have no token for that long: Slack asked for it."""
        with self._lock:
            self._fill()
            self._tokens = min(self._tokens, 1 - seconds * self._rate)

    def _fill(self) -> None:
        now = self._now()
        passed = max(0.0, (now - self._filled).total_seconds())
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._filled = now
