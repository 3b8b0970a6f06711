"""One send, sixteen at once, and what each costs, beside what people would write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.sandbox.sandbox import Sandbox

from .processes import Authority, Front, Process
from .senders import has_sdk
from .table import Row, median, ms, percentile

ROUND_TRIP = 0.05  # seconds
PLENTY = 1_000_000  # messages: the team's limits are not what is measured
SLACK = {
    "ok": True,
    "ts": "1790000000.000100",
    "team_id": "T0BENCH",
    "bot_id": "B0BENCH",
    "user": {"team_id": "T0BENCH", "profile": {"real_name": "Ann Lee"}},
    "channel": {"id": "D0BENCH", "is_member": True},
    "users": [],
}


@dataclass
class Taken:
    """What one contender's rounds came to; times are seconds."""

    wall: list[float] = field(default_factory=list)
    took: float = 0.0
    cpu: float = 0.0

    def add(self, answer: Mapping[str, Any]) -> None:
        self.wall += answer["wall"]
        self.took += answer["took"]
        self.cpu += answer["cpu"]

    @property
    def per_second(self) -> float:
        return len(self.wall) / self.took

    @property
    def cost(self) -> float:
        """CPU for each send."""
        return self.cpu / len(self.wall)


class Course:
    """
    A simulated organisation behind a TLS front, and contenders that send into its one conversation.

    `config` goes into canned.yml; `before` is done while nobody is linked yet.
    """

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        authority: Authority,
        *,
        round_trip: float,
        config: Mapping[str, Any] | None = None,
        before: Callable[[Sandbox], None] | None = None,
    ) -> None:
        folder.mkdir()
        self.sandbox = Sandbox(folder)
        self.sandbox.genesys.rate_limit = None
        slack = self.sandbox.slack
        limits = {"per_minute": PLENTY, "per_conversation": PLENTY}
        team = {"name": "Bench", "channel": slack.channel, "supervisors": [slack.ann], "limits": limits}
        self.sandbox.configure({"teams": [team], **(config or {})})
        stack.callback(self.sandbox.stop)
        self.sandbox.open()
        if before:
            before(self.sandbox)
        self.sandbox.link()
        port = int(self.sandbox.genesys.url.rpartition(":")[2])
        self.genesys_url = stack.enter_context(Front(authority, seconds=round_trip, upstream=port)).url
        self.slack_url = stack.enter_context(Front(authority, answer=json.dumps(SLACK))).url
        self._stack = stack
        self._trust = authority.trust

    def contender(self, name: str, chats: int = 0, **variables: str) -> Process:
        """One of `senders`, started, which sends into so many `chats` in turn (0: the one)."""
        folder = self.sandbox.folder
        token = "" if name != "ours+slack" else self.sandbox.slack.bot_token
        bot = self.sandbox.environment() | {
            "GENESYS_LOGIN_URL": self.genesys_url,
            "GENESYS_API_URL": self.genesys_url,
            "SLACK_API_URL": f"{self.slack_url}/api",
            "SLACK_BOT_TOKEN": token,
            "CANNED_CONFIG": str(folder / "canned.yml"),
        }
        started = Process(
            "tests.bench.senders",
            name,
            json.dumps(self._given() | {"chats": chats}),
            variables=bot | self._trust | variables,
        )
        return self._stack.enter_context(started)

    def race(
        self, names: Sequence[str], *, sends: int, threads: int = 1, rounds: int = 5
    ) -> dict[str, Taken]:
        """All of them in turn, `rounds` times; the first, cold round does not count."""
        contenders = {name: self.contender(name) for name in names}
        taken = {name: Taken() for name in names}
        for at in range(rounds + 1):
            for name, contender in contenders.items():
                answer = contender.ask(sends=sends, threads=threads)
                self.clear()
                if at:
                    taken[name].add(answer)
        return taken

    def clear(self) -> None:
        """Every conversation as it began: reading a long one is not what is measured."""
        for conversation in self.sandbox.genesys.conversations.values():
            for participant in conversation.participants:
                participant.messages.clear()

    def _given(self) -> dict[str, str]:
        genesys = self.sandbox.genesys
        token = genesys.issue_token(genesys.ann, scopes=frozenset(genesys.oauth_scopes))
        conversation = genesys.conversations[genesys.chat]
        line = next(p.communication_id for p in conversation.participants if p.user_id == genesys.ann)
        messages = f"/api/v2/conversations/messages/{genesys.chat}/communications/{line}/messages"
        return {
            "token": token.value,
            "user": genesys.ann,
            "conversation": genesys.chat,
            "line": line,
            "supervisor": self.sandbox.slack.ann,
            "url": self.genesys_url,
            "read": f"{self.genesys_url}/api/v2/conversations/{genesys.chat}",
            "send": f"{self.genesys_url}{messages}",
        }


def rows(folder: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    rounds = 2 if quick else 5
    names = ("ours", "bare", "tutorial", *(["sdk"] if has_sdk() else []))
    with ExitStack() as stack:
        near = Course(folder / "near", stack, authority, round_trip=0.0)
        taken = near.race(names, sends=20, rounds=rounds)
        yield _one(taken, "one warm send, 0 ms round trip")
    with ExitStack() as stack:
        far = Course(folder / "far", stack, authority, round_trip=ROUND_TRIP)
        before = far.sandbox.genesys.connections
        taken = far.race(names, sends=10, rounds=rounds)
        yield _one(taken, "one warm send, 50 ms round trip", slower=3.0)
        added = median(taken["ours"].wall) - 2 * ROUND_TRIP
        yield Row(
            "what a warm send adds to its 2 round trips", ms(added), target="≤ 10 ms", met=added <= 0.01
        )
        yield from _on_the_wire(far, before)
        yield _cost(far.race(("ours", "bare"), sends=20, rounds=rounds), "ours", "without Slack", 2.0)
        yield _cost(
            far.race(("ours+slack", "bare"), sends=10, rounds=rounds), "ours+slack", "with Slack", 3.0
        )
        yield _at_once(far.race(names, sends=64, threads=16, rounds=rounds))


def _one(taken: Mapping[str, Taken], what: str, *, slower: float | None = None) -> Row:
    half = {name: median(each.wall) for name, each in taken.items()}
    worst = {name: percentile(each.wall, 0.99) for name, each in taken.items()}
    ratio = half["tutorial"] / half["ours"]
    return Row(
        what,
        f"{ms(half['ours'])} (p99 {ms(worst['ours'])})",
        ", ".join(f"{name} {ms(each)}" for name, each in half.items() if name != "ours"),
        f"{ratio:.1f} × faster than the tutorial",
        f"≥ {slower:.0f} ×" if slower else "",
        ratio >= slower if slower else None,
    )


def _on_the_wire(course: Course, before: int) -> Iterator[Row]:
    """Requests and connections of sends by a bot that is warm."""
    genesys = course.sandbox.genesys
    ours = course.contender("ours")
    ours.ask(sends=1, threads=1)
    genesys.forget()
    connections = genesys.connections
    ours.ask(sends=10, threads=1)
    made = genesys.connections - connections
    asked, tokens = len(genesys.requests), len(genesys.seen("POST /oauth/token"))
    yield Row(
        "Genesys requests, token requests, connections of 10 warm sends",
        f"{asked}, {tokens}, {made}",
        target="20, 0, 0",
        met=(asked, tokens, made) == (20, 0, 0),
    )


def _cost(taken: Mapping[str, Taken], name: str, what: str, most: float) -> Row:
    ours, bare = taken[name].cost, taken["bare"].cost
    return Row(
        f"CPU of one send {what}",
        ms(ours),
        f"bare {ms(bare)}",
        f"{ours / bare:.2f}",
        f"≤ {most:.0f}",
        ours / bare <= most,
    )


def _at_once(taken: Mapping[str, Taken]) -> Row:
    rate = {name: each.per_second for name, each in taken.items()}
    ratio = rate["ours"] / rate["tutorial"]
    return Row(
        "sends a second, 16 at once, 50 ms round trip",
        f"{rate['ours']:.0f}",
        ", ".join(f"{name} {each:.0f}" for name, each in rate.items() if name != "ours"),
        f"{ratio:.1f}",
        "≥ 4 × the tutorial",
        ratio >= 4,
    )
