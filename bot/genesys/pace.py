"""
Keep to the rate that Genesys allows each token, as the headers of its answers tell it.

    room            as many requests at once as come
    nearly full     one after another; so too after every wait, until an answer says more
    full, or a 429  none until the window, or Retry-After, is over

The count is Genesys' own, so it holds what every process does with the token. When it is
full depends on how much a request is needed (`Need`): what somebody waits for finds room
where a pile of others has used up its own. No token waits for another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING

from .errors import RateLimited

if TYPE_CHECKING:
    from .transport import Patience

NEARLY_FULL = 0.9  # of what is allowed
LOOK_AGAIN = 0.02  # seconds, while another request of the token is under way
TOO_SLOW = 5.0  # seconds to stay away where the one before hangs
WAIT_IN_PLACE = 4  # requests of one token; more would take the threads that serve other people
LONGEST = 3600  # seconds until a window ends; what says more makes no sense
KEPT = 256  # tokens, before those that have nothing to wait for are forgotten
_PAST = datetime.min.replace(tzinfo=UTC)


class Need(Enum):
    """Up to which share of what Genesys allows, whoever has used it, a request may go."""

    NOW = 0.99  # the rest is for requests of other processes that no answer has counted here
    SOON = 0.955  # it can wait for the next window
    LEAST = 0.2  # it does not go at all rather than wait


class Pace:
    """What is known of each token. Thread-safe."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._rooms: dict[str, Room] = {}

    def of(self, token: str | None) -> Room:
        """The room of this token; without one, a room for this call alone."""
        if token is None:
            return Room(self._now)
        with self._lock:
            if token not in self._rooms and len(self._rooms) >= KEPT:
                self._rooms = {key: room for key, room in self._rooms.items() if not room.is_idle}
            return self._rooms.setdefault(token, Room(self._now))


class Room:
    """What Genesys has left for one token, and who of this process is using it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._count = self._allowed = self._under_way = self._waiting = 0
        self._ends = self._rest_until = _PAST
        self._careful = False

    @property
    def is_idle(self) -> bool:
        over = max(self._ends, self._rest_until) <= self._now()
        return over and not (self._under_way or self._waiting)

    def enter(self, patience: Patience) -> None:
        """Wait for a turn; whoever got it leaves again. Raises RateLimited where that takes too long."""
        if patience.need is Need.LEAST:
            self._require_plenty()
        waited, stood_in_line = _PAST, False
        while (until := self._shut_until(waited, patience.need)) is not None:
            if until <= waited:
                stood_in_line = True
                if not patience.wait(LOOK_AGAIN, quietly=True):
                    raise limited(TOO_SLOW)
            else:
                # It may be over by now, and a sleep of less than nothing is an error.
                self._wait_in_place(max((until - self._now()).total_seconds(), 0.0), patience)
                waited = until
        if stood_in_line:
            self._go_on(patience)

    def leave(self, headers: Mapping[str, str] | None = None, *, rest: float | None = None) -> None:
        """The request is over: its answer's `headers`, if there was one, and the seconds a 429 asks for."""
        with self._lock:
            self._under_way -= 1
            if headers is None:
                return
            now = self._now()
            self._hear(headers, now)
            self._careful = rest is not None
            if rest is not None:
                self._rest_until = max(self._rest_until, now + timedelta(seconds=rest))

    def _shut_until(self, waited: datetime, need: Need) -> datetime | None:
        """None: come in. What was `waited` for already is over, whatever the clock says."""
        with self._lock:
            now = self._now()
            if now >= self._ends:
                self._count = self._allowed = 0
            full = self._allowed and self._count >= self._allowed * need.value
            until = max(self._rest_until, self._ends if full else _PAST)
            if until > max(now, waited):
                self._careful = True
                return until
            taken = self._count + self._under_way
            tight = self._careful or (self._allowed and taken >= self._allowed * NEARLY_FULL)
            if tight and self._under_way:
                return waited
            self._under_way += 1
            return None

    def _require_plenty(self) -> None:
        with self._lock:
            now, taken = self._now(), self._count + self._under_way
            used_up = now < self._ends and taken >= self._allowed * Need.LEAST.value
            if used_up or self._waiting or now < self._rest_until:
                raise limited((max(self._ends, self._rest_until, now) - now).total_seconds())

    def _go_on(self, patience: Patience) -> None:
        """It is our turn, unless whoever hears that the wait is over has something against it by now."""
        try:
            patience.over()
        except BaseException:
            self.leave()
            raise

    def _wait_in_place(self, seconds: float, patience: Patience) -> None:
        with self._lock:
            many = self._waiting >= WAIT_IN_PLACE
            self._waiting += not many
        if many:
            raise limited(seconds)
        try:
            if not patience.wait(seconds):
                raise limited(seconds)
        finally:
            with self._lock:
                self._waiting -= 1

    def _hear(self, headers: Mapping[str, str], now: datetime) -> None:
        said = [headers.get(f"inin-ratelimit-{name}", "") for name in ("count", "allowed", "reset")]
        if not all(each.isdecimal() and len(each) < 10 for each in said):
            return
        count, allowed, reset = map(int, said)
        if reset > LONGEST:
            return
        # Within a window counts only grow: a smaller one is an answer that came late.
        if now >= self._ends or count > self._count:
            self._count, self._allowed = count, allowed
            self._ends = now + timedelta(seconds=reset)


def limited(seconds: float, correlation_id: str = "") -> RateLimited:
    return RateLimited(
        f"Genesys is taking too many requests and asks to wait {max(seconds, 1):.0f} seconds. "
        "Nothing has been sent yet; it may go out after that.",
        retry_after=seconds,
        correlation_id=correlation_id,
    )
