"""Time that passes only when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float = 0, **by: float) -> datetime:
        """By so many seconds, or by timedelta's keywords; the time then."""
        self.at += timedelta(seconds=seconds, **by)
        return self.at
