"""What goes wrong meanwhile: processes, answers on both sides, and the database."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from random import Random

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from bot.sandbox.faults import Kind
from bot.sandbox.http import Server
from bot.sandbox.sandbox import Sandbox
from bot.storage.engine import read_url
from tests.processes import Nursery, Process, spawn

KINDS: tuple[Kind, ...] = ("lost_before", "lost_after", "cut_body", "broken_json", "429", "status", "delay")
SLACK = (
    "chat.postMessage",
    "chat.update",
    "users.info",
    "views.open",
    "views.update",
    "conversations.*",
    "*",
)
HANG = 11.0  # seconds: longer than the bot waits for an answer


class Trouble:
    """Two replicas and everything around them; `make` lets one thing go wrong."""

    def __init__(self, sandbox: Sandbox, nursery: Nursery, seed: int, *, hangs: bool) -> None:
        self._sandbox, self._nursery, self._hangs = sandbox, nursery, hangs
        self._dice = Random(f"{seed}/trouble")
        self.made: Counter[str] = Counter()
        self.replicas: list[Process] = [spawn(sandbox, nursery), spawn(sandbox, nursery)]

    @property
    def urls(self) -> list[str]:
        return [replica.url for replica in self.replicas]

    def work(self, ended: threading.Event) -> None:
        while not ended.is_set():
            self.make(ended)
            self._sandbox.slack.connect(f"{self._dice.choice(self.urls)}/slack/events")
            ended.wait(self._dice.uniform(0.05, 0.6))

    def make(self, ended: threading.Event) -> None:
        ways = [self._kill, self._leave, self._stop, self._lock, self._cut_off, self._outage]
        weights = [3, 1, 1, 1, 1, 1]
        calls = [self._genesys, self._slack]
        [way] = self._dice.choices([*ways, *calls], [*weights, 12, 12])
        way(ended)

    def settle(self) -> None:
        """Nothing goes wrong any more, and both replicas leave as they are told to."""
        self._sandbox.genesys.clear_faults()
        self._sandbox.slack.clear_faults()
        for replica in self.replicas:
            replica.terminate()

    # -- processes ----------------------------------------------------------------------------

    def _kill(self, ended: threading.Event) -> None:
        at = self._dice.randrange(2)
        self.made["killed"] += 1
        self.replicas[at].kill()
        self._restart(at, ended)

    def _leave(self, ended: threading.Event) -> None:
        at = self._dice.randrange(2)
        self.made["told to stop"] += 1
        self.replicas[at].terminate()
        self._restart(at, ended)

    def _restart(self, at: int, ended: threading.Event) -> None:
        ended.wait(self._dice.uniform(0, 1.5))
        self.replicas[at] = spawn(self._sandbox, self._nursery)

    def _stop(self, ended: threading.Event) -> None:
        """It stands still, at times for long enough to be taken for dead; then it goes on."""
        replica = self._dice.choice(self.replicas)
        long = self._hangs and self._dice.random() < 0.3
        self.made["stood still"] += 1
        replica.pause()
        ended.wait(18 if long else self._dice.uniform(0.2, 2))
        replica.resume()

    # -- answers ------------------------------------------------------------------------------

    def _genesys(self, _ended: threading.Event) -> None:
        sandbox = self._sandbox
        self._answer(
            sandbox.genesys,
            self._dice.choice([sandbox.post, sandbox.post, sandbox.post, "GET /api/*", "*"]),
            late=True,
        )

    def _slack(self, _ended: threading.Event) -> None:
        where = self._dice.choice([*(f"POST /api/{method}" for method in SLACK), "POST /response/*"])
        self._answer(self._sandbox.slack, where, late=False)

    def _answer(self, server: Server, where: str, *, late: bool) -> None:
        kind = self._dice.choice(KINDS)
        seconds = self._dice.uniform(0.1, 1.5) if kind == "delay" else 0
        if self._hangs and self._dice.random() < 0.05:
            kind, seconds = ("delay" if late else "lost_before"), HANG
        times = 1 if seconds == HANG else self._dice.randint(1, 3)
        server.fault(
            where,
            kind,
            times=times,
            seconds=seconds,
            status=self._dice.choice([500, 502, 503]),
            retry_after=self._dice.randint(1, 2),
        )

    def _outage(self, ended: threading.Event) -> None:
        self.made["Slack away"] += 1
        slack = self._sandbox.slack
        slack.fault("*", "lost_before", times=None)
        ended.wait(self._dice.uniform(0.5, 4))
        slack.clear_faults()

    # -- the database ---------------------------------------------------------------------------

    def _lock(self, ended: threading.Event) -> None:
        self.made["database locked"] += 1
        seconds = self._dice.uniform(0.5, 4)
        if self._is_postgresql:
            self._tell("LOCK TABLE sends IN ACCESS EXCLUSIVE MODE", ended, seconds)
            return
        with self._sandbox.locked_database():
            ended.wait(seconds)

    def _cut_off(self, ended: threading.Event) -> None:
        if self._is_postgresql:
            self.made["database cut off"] += 1
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            self._tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}", ended, 0)

    @property
    def _is_postgresql(self) -> bool:
        return self._sandbox.database_url.startswith("postgresql")

    def _tell(self, statement: str, ended: threading.Event, seconds: float) -> None:
        engine = create_engine(read_url(self._sandbox.database_url))
        with suppress(DBAPIError), engine.begin() as tx:
            tx.execute(text(statement))
            ended.wait(seconds)
        engine.dispose()
