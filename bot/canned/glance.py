"""What concerns one supervisor, at one look: who they are, what waits, what became of their sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.models import Link, Receipt, State
from bot.storage import Store, Used

from .connecting import Connecting
from .identity import Identity
from .policy import may_be_sent
from .record import on_record
from .responses import Catalog, Response, Team

__all__ = ["Glance", "Glances", "Used"]

WAITING, RECENT, USED = 100, 10, 5  # how many of each
LATELY = timedelta(days=30)  # for what is used most


@dataclass(frozen=True)
class Glance:
    """
    `link` is who they are in Genesys (None: not known); `is_connected` says that they have signed
    in there themselves, `needs_connecting` that they have not and should.

    `waiting` has not left yet, `scheduled` waits for its time, the next one first; `recent`
    is how others ended, the newest first. `used` are the responses that they sent most lately.
    """

    user: str
    teams: Sequence[Team]
    link: Link | None = None
    may_be_found: bool = False
    is_connected: bool = False
    needs_connecting: bool = False
    waiting: Sequence[Receipt] = ()
    scheduled: Sequence[Receipt] = ()
    recent: Sequence[Receipt] = ()
    used: Sequence[tuple[Response, Used]] = field(default=(), repr=False)


class Glances:
    def __init__(
        self,
        store: Store,
        identity: Identity,
        connecting: Connecting,
        *,
        teams_for: Callable[[str], list[Team]],
        catalog: Callable[[], Catalog],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._identity = identity
        self._connecting = connecting
        self._teams_for = teams_for
        self._catalog = catalog
        self._now = now

    @on_record()
    def of(self, user: str) -> Glance:
        """Asks memory and the database alone. Raises NotWritten."""
        link, teams = self._identity.known(user), self._teams_for(user)
        open_ = [r for state in (State.SENDING, State.PENDING) for r in self._sends(user, state)]
        later = [r for r in open_ if r.request.scheduled and r.state is State.PENDING]
        connecting = self._connecting
        is_connected = (
            connecting.is_offered and link is not None and connecting.is_connected(link.genesys_user)
        )
        return Glance(
            user,
            teams,
            link=link,
            may_be_found=self._identity.may_be_found(),
            is_connected=is_connected,
            needs_connecting=connecting.is_due(link),
            waiting=[r for r in open_ if r not in later],
            scheduled=sorted(later, key=lambda r: r.request.not_before or r.changed_at),
            recent=self._ended(user, besides=len(open_)),
            used=self._used(user, teams),
        )

    def _sends(self, user: str, state: State) -> list[Receipt]:
        return self._store.sends(state=state, supervisor=user, limit=WAITING)

    def _ended(self, user: str, *, besides: int) -> list[Receipt]:
        newest = self._store.sends(supervisor=user, limit=RECENT + besides)
        return [receipt for receipt in newest if not receipt.state.is_open][:RECENT]

    def _used(self, user: str, teams: Sequence[Team]) -> list[tuple[Response, Used]]:
        """Only what they may still send."""
        responses = self._catalog().responses
        used = self._store.usage("response", since=self._now() - LATELY, supervisor=user, limit=4 * USED)
        found = [(responses[each.name], each) for each in used if each.name in responses and each.sent]
        return [each for each in found if may_be_sent(teams, each[0], self._now().date())][:USED]
