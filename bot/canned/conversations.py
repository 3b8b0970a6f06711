"""
Live conversations to choose from, so that nobody has to type an id.

    an agent's                    `/canned @bob escalation`
    one's own, and those of the team's queues, waiting ones too       the window

What is listed is a hint: before a send the conversation is read and verified as always.
The supervisor's own token reads, so that nobody is shown what is outside their divisions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from bot.genesys import Genesys, GenesysError, LiveConversation, LiveConversations, NotConnected
from bot.models import Link

from .errors import CannedError, ConnectFirst, NotAllowed, NotLinked
from .identity import CONNECT, Identity
from .record import on_record
from .responses import Team
from .search import matching

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=15)  # windows ask again at each change; each candidate costs a request
SHOWN = 10


@dataclass(frozen=True)
class Choice:
    """A live conversation; `minutes` since it began, `page` its address in Genesys ("": not known)."""

    id: str
    customer: str = field(repr=False)
    queue: str
    channel: str
    minutes: int
    is_mine: bool
    is_waiting: bool
    page: str
    agent: str = field(default="", repr=False)


@dataclass(frozen=True)
class Found:
    """
    `note` says what is not among the choices, and why; "" if nothing is missing. `only` is
    the choice that can be taken for granted: it is all there is, or all that was looked for.
    """

    choices: tuple[Choice, ...] = ()
    note: str = ""
    only: Choice | None = None


class Conversations:
    """Every method may ask Genesys and belongs into a lane. Any thread may ask."""

    def __init__(self, genesys: Genesys, identity: Identity, *, now: Callable[[], datetime]) -> None:
        self._genesys = genesys
        self._identity = identity
        self._now = now
        self._lock = Lock()
        self._asking: dict[tuple[str, str], Lock] = {}
        self._known: dict[tuple[str, str], tuple[datetime, Found]] = {}

    @property
    def are_listed(self) -> bool:
        """Whether there is ever anything to choose from: not every contract can list them."""
        return self._genesys.lists_conversations

    @on_record()
    def of_agent(self, user: str, agent: str) -> Found:
        """
        The live conversations of the agent with the Slack id `agent`, as far as `user` may see
        them; the note says so if there is none.

        Raises CannedError: ConnectFirst where `user` has to sign in first, NotAllowed.
        """
        try:
            reader = self._identity.require(user).genesys_user
            person = self._require_agent(agent)
            found = self._genesys.live_conversations(user_id=person.genesys_user, reader=reader)
        except GenesysError as exc:
            raise _as_ours(exc) from exc
        if not found:
            return Found(note=_NONE.format(who=person.name or "That agent"))
        return Found(self._choices(found, mine=person.genesys_user == reader)[:SHOWN], _more(len(found)))

    def for_window(self, user: str, team: Team, agent: str = "", words: str = "") -> Found:
        """
        What to choose from in a window of `team`: the agent's if one is named, else those of
        `user`, then those of the team's queues; with `words` those whose customer, queue,
        agent or channel they are about. Never raises; the note says what went wrong.

        A few seconds old at most; asked for twice at once, Genesys is asked once.
        """
        key, wanted = (user, f"@{agent}" if agent else team.name), self._now()
        with self._lock:
            turn = self._asking.setdefault(key, Lock())
        with turn:
            known = self._known.get(key)
            if known is None or wanted - known[0] >= FRESH:
                found = self._look(user, team, agent)
                known = (self._now(), found)  # as old as its end: who waited for it does not ask again
                self._keep(key, known)
        return _about(words.replace("@", " "), known[1]) if words else _all(known[1])

    # -- inside -------------------------------------------------------------------------------

    def _look(self, user: str, team: Team, agent: str) -> Found:
        try:
            return self.of_agent(user, agent) if agent else self._around(user, team)
        except CannedError as exc:
            return Found(note=str(exc))
        except GenesysError as exc:
            return Found(note=str(_as_ours(exc)))

    @on_record()
    def _around(self, user: str, team: Team) -> Found:
        """Raises GenesysError if nothing at all can be listed."""
        reader = self._identity.require(user).genesys_user
        mine = self._genesys.live_conversations(user_id=reader, reader=reader)
        theirs, note = LiveConversations(), ""
        if team.queues:
            try:
                theirs = self._genesys.live_conversations(queues=team.queues, reader=reader)
            except GenesysError as exc:
                log.info("no list of queues: %s, correlation %s", type(exc).__name__, exc.correlation_id)
                note = f"The conversations of the team's queues could not be listed. {exc}"
        both = {each.id: each for each in (*self._choices(theirs), *self._choices(mine, mine=True))}
        found = tuple(sorted(both.values(), key=lambda each: (not each.is_mine, -each.minutes)))
        if not note and (mine.left_out or theirs.left_out):
            note = _UNREAD
        if not found and not note:
            note = "There is no live conversation of yours" + (
                " or in the team's queues." if team.queues else "."
            )
        return Found(found, note)

    def _choices(self, found: Sequence[LiveConversation], *, mine: bool = False) -> tuple[Choice, ...]:
        return tuple(self._choice(one, mine) for one in found)

    def _choice(self, one: LiveConversation, mine: bool) -> Choice:
        lasted = (self._now() - one.since).total_seconds() if one.since else 0
        return Choice(
            id=one.id,
            customer=one.customer,
            queue=one.queue,
            channel=one.channel,
            minutes=max(0, int(lasted // 60)),
            is_mine=mine,
            is_waiting=one.agent is None,
            page=self._genesys.page(one.id),
            agent=one.agent_name,
        )

    def _require_agent(self, agent: str) -> Link:
        try:
            return self._identity.require(agent)
        except NotLinked as exc:
            raise NotAllowed(
                "I do not know which Genesys user that person is, so I cannot find their conversation and "
                "nothing was sent. They can connect their Genesys account with `/canned connect`, or an "
                f"operator can link `{agent}`; until then, give the conversation's id."
            ) from exc

    def _keep(self, key: tuple[str, str], known: tuple[datetime, Found]) -> None:
        with self._lock:
            fresh = {k: v for k, v in self._known.items() if self._now() - v[0] < FRESH}
            self._known = {**fresh, key: known}


_UNREAD = "There are more live conversations than are looked into here. Give the id of one that is not shown."
_NONE = (
    "{who} has no live conversation that you may see in Genesys, so nothing was sent. "
    "Give the conversation's id if you know it."
)


def _all(found: Found) -> Found:
    whole = len(found.choices) == 1 and not found.note
    return _first(found.choices, found.note, only=found.choices[0] if whole else None)


def _about(words: str, found: Found) -> Found:
    names = [f"{one.customer} {one.queue} {one.agent} {one.channel}" for one in found.choices]
    chosen = tuple(found.choices[at] for at in matching(words, names))
    if chosen:
        only = len(chosen) == 1 and not found.note  # else one like it may be among those not looked into
        return _first(chosen, found.note, only=chosen[0] if only else None)
    none = f"None of these is about “{words.strip()[:60]}”. " if found.choices else ""
    return _first(found.choices, f"{none}{found.note}".strip())


def _first(choices: Sequence[Choice], note: str, *, only: Choice | None = None) -> Found:
    return Found(tuple(choices[:SHOWN]), note or _more(len(choices)), only)


def _more(count: int) -> str:
    return f"{count - SHOWN} more are not shown." if count > SHOWN else ""


def _as_ours(exc: GenesysError) -> CannedError:
    if isinstance(exc, NotConnected):
        return ConnectFirst(CONNECT)
    refused = NotAllowed(str(exc))
    refused.correlation_id = exc.correlation_id
    return refused
