"""
One simulated Genesys organisation, one simulated Slack workspace, and the real bot between them.

Three servers over real HTTP on 127.0.0.1. The bot is configured as anybody would, by
variables; nothing is read from this machine's environment or `.env`.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import yaml

from bot.app import Bot
from bot.models import Link, Receipt, State
from bot.settings import Settings
from bot.storage import Store

from .genesys import ANN, CHAT, SimulatedGenesys
from .slack import SimulatedSlack

TEAM = "Support EMEA"


class Clock:
    """The real time, moved forward at will."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, **by: float) -> None:
        """Move forward by timedelta's keywords: `advance(minutes=6)`."""
        self._ahead += timedelta(**by)


class Sandbox:
    """
    `config` is what canned.yml says (None: the shipped example, for the demo's people),
    `variables` are added to the bot's environment.

    `clock` is the bot's and the organisation's. `start` starts the simulations and the bot.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        socket_mode: bool = False,
    ) -> None:
        self.folder = folder
        self.clock = Clock()
        self.genesys = SimulatedGenesys.demo(now=self.clock)
        self.slack = SimulatedSlack.demo()
        self.conversation = CHAT
        self._variables = dict(variables or {})
        self._socket_mode = socket_mode
        self._bot: Bot | None = None
        self._processes: list[Process] = []
        self.configure(config or {})

    # -- running ----------------------------------------------------------------------------

    def start(self) -> Self:
        return self.open().start_bot()

    def open(self) -> Self:
        """Start the simulations without a bot."""
        self.genesys.start()
        self.slack.start()
        return self

    def link(self) -> Self:
        """Let an operator have linked the demo supervisor already, so that nobody has to look her up."""
        store = Store(self.database_url, now=self.clock, worker="sandbox")
        try:
            store.upgrade()
            store.save_link(Link(self.slack.ann, ANN, "operator", self.clock(), name="Ann Lee"))
        finally:
            store.close()
        return self

    def start_bot(self) -> Self:
        self._bot = Bot(
            Settings.from_env(self.environment(), need_slack=True), now=self.clock, sleep=self.sleep
        )
        self._bot.start()
        if not self._socket_mode:
            self.slack.connect(f"http://127.0.0.1:{self._bot.listener.port}/slack/events")
        return self

    def stop_bot(self, timeout: float = 15.0) -> bool:
        """As on SIGTERM; whether all that ran has ended within `timeout` seconds."""
        bot, self._bot = self._bot, None
        return bot is None or bot.stop(timeout)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
        self.genesys.clear_faults()
        self.slack.clear_faults()
        self.stop_bot()
        self.slack.stop()
        self.genesys.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    @property
    def bot(self) -> Bot:
        if self._bot is None:
            raise RuntimeError("the bot does not run in this process")
        return self._bot

    def sleep(self, seconds: float) -> None:
        """What the bot waits by: long waits pass on the clock, not in the room."""
        if seconds > 1:
            self.clock.advance(seconds=seconds)
            seconds = 0.01
        time.sleep(seconds)

    def spawn(self) -> Process:
        """The bot as a process of its own, which can be killed; Slack talks to it from now on."""
        process = Process(self.environment(), self.folder)
        self._processes.append(process)
        self.slack.connect(f"{process.url}/slack/events")
        return process

    # -- settings ---------------------------------------------------------------------------

    @property
    def database_url(self) -> str:
        return self._variables.get("DATABASE_URL", f"sqlite:///{self.folder / 'canned.db'}")

    def environment(self) -> dict[str, str]:
        """The variables that the bot is started with."""
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_APP_TOKEN": self.slack.app_token if self._socket_mode else "",
            "SLACK_API_URL": f"{self.slack.url}/api",
            "GENESYS_API": "events",
            "GENESYS_ORG_ID": self.genesys.org_id,
            "GENESYS_CLIENT_ID": self.genesys.client_id,
            "GENESYS_CLIENT_SECRET": self.genesys.client_secret,
            "GENESYS_SYSTEM_USER_ID": self.genesys.system_user_id,
            "GENESYS_LOGIN_URL": self.genesys.url,
            "GENESYS_API_URL": self.genesys.url,
            "DATABASE_URL": f"sqlite:///{self.folder / 'canned.db'}",
            "CANNED_CONFIG": str(self.folder / "canned.yml"),
            "CANNED_PORT": "0",
        } | self._variables

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write canned.yml: the demo's, with `config`'s top-level keys in their place."""
        example = yaml.safe_load(files("bot.canned").joinpath("example.yml").read_text(encoding="utf-8"))
        team = {"name": TEAM, "channel": self.slack.channel, "supervisors": [self.slack.ann]}
        demo = {"responses": example["responses"], "teams": [team]}
        text = yaml.safe_dump({**demo, **config}, allow_unicode=True, sort_keys=False)
        (self.folder / "canned.yml").write_text(text, encoding="utf-8")

    # -- waiting ----------------------------------------------------------------------------

    def drain(self, timeout: float = 20.0) -> None:
        """
        Wait until everything that was taken on is settled and said.

        Raises TimeoutError after `timeout` seconds of real time.
        """
        store = Store(self.database_url, now=self.clock, worker="sandbox")
        end = time.monotonic() + timeout
        try:
            while not self._quiet(store):
                if time.monotonic() > end:
                    raise TimeoutError(f"still at work: {self._open(store)}, {store.threads_due(5)}")
                time.sleep(0.01)
        finally:
            store.close()

    def rest(self, timeout: float = 20.0) -> None:
        """Wait until the bot has done what it can for every send now; raises TimeoutError."""
        if not self.bot.parts.lanes.sends.wait_idle(timeout):
            raise TimeoutError(f"still sending: {self.receipts()}")

    def receipts(self) -> list[Receipt]:
        """Every send on record, newest first."""
        store = Store(self.database_url, now=self.clock, worker="sandbox")
        try:
            return store.sends(limit=1000)
        finally:
            store.close()

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Hold SQLite's one write lock meanwhile."""
        connection = sqlite3.connect(self.folder / "canned.db", isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    def _quiet(self, store: Store) -> bool:
        if self._bot is not None:
            lanes = list(self._bot.parts.lanes)
            # Twice: a job may hand on to a lane that was found idle before it.
            if not all(lane.wait_idle(0.05) for lane in lanes) or any(lane.depth for lane in lanes):
                return False
        if self._open(store) or store.threads_due(1):
            if self._bot is not None:
                self._bot.sweep()
            return False
        return True

    def _open(self, store: Store) -> list[str]:
        return [r.key for state in (State.PENDING, State.SENDING) for r in store.sends(state=state)]


class Process:
    """`canned run` as a process of its own, to be killed; `url` is where it listens."""

    def __init__(self, variables: Mapping[str, str], folder: Path) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=folder,
            env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), **variables, "CANNED_PORT": str(port)},
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_ready()

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM; the exit code once it has left."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self._process.poll() is None:
            self._process.send_signal(how)
        return self._process.wait(30)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                requests.get(f"{self.url}/healthz", timeout=1).raise_for_status()
            except requests.RequestException as exc:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the bot did not start, exit code {self._process.poll()}") from exc
                time.sleep(0.05)
            else:
                return


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
