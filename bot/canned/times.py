"""
The time that somebody means by `at 15:30`: in their own zone, ahead, and never a guess.

A time that has passed today is not taken for tomorrow's, and one that a change of the
clocks leaves out or brings twice is asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from .errors import BadInput
from .people import People

FURTHEST = timedelta(days=30)

_DAY = re.compile(r"(today|tomorrow|[0-9]{4}-[0-9]{2}-[0-9]{2}) (.+)")
_HOW = "Write `at 15:30`, `at 3:30pm`, `at tomorrow 9:00` or `at 2026-12-01 09:00`. Nothing was sent."


class Times:
    def __init__(self, people: People, now: Callable[[], datetime]) -> None:
        self._people = people
        self._now = now

    def knows(self, user: str) -> bool:
        """Whether this person's zone is in memory; if not, Slack is asked for it."""
        return self._people.known_zone(user) is not None

    def zone(self, user: str) -> str:
        """The name of this person's zone, UTC where Slack names none that we know. Raises SlackDown."""
        name = self._people.zone(user)
        return name if _known(name) else "UTC"

    def read(self, user: str, words: str) -> datetime:
        """The time that `words` mean to `user`. Raises BadInput, SlackDown."""
        return read(words, self._now(), self.zone(user))


def read(words: str, now: datetime, zone: str) -> datetime:
    """The time ahead that `words`, what stands behind `at`, mean in `zone`, in UTC. Raises BadInput."""
    words = " ".join(words.casefold().split())
    here = now.astimezone(_zone(zone))
    dated = _DAY.fullmatch(words)
    day, at_time = (_day(dated[1], here.date()), dated[2]) if dated else (here.date(), words)
    local = datetime.combine(day, _time(at_time), here.tzinfo)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise BadInput(f"The clocks in {zone} change at that time, so it is not clear when that is. {_HOW}")
    if local <= here and not dated:
        raise BadInput(
            f"{local:%H:%M} has passed: it is {here:%H:%M} in {zone}. Nothing was sent; "
            f"write `at tomorrow {local:%H:%M}` if you mean tomorrow."
        )
    # In the calendar's first and last year UTC may be beyond it, and is as good as the person's zone.
    at = local.astimezone(UTC) if 1 < local.year < 9999 else local.replace(tzinfo=UTC)
    require_ahead(at, now)
    return at


def require_ahead(at: datetime, now: datetime) -> None:
    """Raise BadInput unless `at` is ahead, and not further than the bot keeps a message."""
    if at <= now:
        raise BadInput("That time has passed, so nothing was sent. Choose one that is ahead.", field="at")
    if at > now + FURTHEST:
        raise BadInput(
            f"That is over {FURTHEST.days} days ahead, further than messages are kept. Nothing was sent.",
            field="at",
        )


def _day(word: str, today: date) -> date:
    if word in ("today", "tomorrow"):
        return today + timedelta(days=word == "tomorrow")
    try:
        return date.fromisoformat(word)
    except ValueError as exc:
        raise BadInput(f"There is no {word} in the calendar. {_HOW}") from exc


def _time(word: str) -> time:
    for form in ("%H:%M", "%I:%M%p", "%I%p"):
        with suppress(ValueError):
            return datetime.strptime(word.replace(" ", ""), form).time()
    raise BadInput(f"“{word[:40]}” is not a time. {_HOW}")


def _known(name: str) -> bool:
    return isinstance(_zone(name), ZoneInfo)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC
