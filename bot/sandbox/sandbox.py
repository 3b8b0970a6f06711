"""
One simulated Genesys organisation, one simulated Slack workspace, and the real bot between them.

Three servers over real HTTP on 127.0.0.1. The bot is configured as anybody would, by
variables; nothing is read from this machine's environment or `.env`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import yaml
from cryptography.fernet import Fernet

from bot.app import Bot
from bot.canned.keyring import SealedKeyring
from bot.canned.sending import GROWN_OLD
from bot.genesys import Grant
from bot.models import Link, Receipt, State
from bot.settings import Secret, Settings, secret_keys
from bot.slack.manifest import SCOPES
from bot.storage import Store

from .browser import Browser
from .genesys import Contract, SimulatedGenesys
from .ports import Port
from .slack import SimulatedSlack
from .slack_said import Message

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


class Process(Protocol):
    """A bot beside this process, which ends with the sandbox."""

    def kill(self) -> None: ...


class Sandbox:
    """
    `api` is Genesys' contract, `config` what canned.yml says (None: the shipped example, for
    the demo's people), `variables` are added to the bot's environment.

    `clock` is the bot's and the organisation's. `start` starts the simulations and the bot;
    unless `connected` is False, the demo supervisor is signed in to Genesys then, where people
    sign in themselves. `patient`: what the bot waits for takes as long as it says.
    """

    def __init__(
        self,
        folder: Path,
        *,
        api: Contract = "platform",
        connected: bool = True,
        config: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        socket_mode: bool = False,
        patient: bool = False,
    ) -> None:
        self.folder = folder
        self.clock = Clock()
        self.api = api
        self.genesys = SimulatedGenesys.demo(contract=api, now=self.clock)
        self.slack = SimulatedSlack.demo()
        self.slack.should_escape, self.slack.scopes = True, frozenset(SCOPES)  # as the manifest has it
        self.conversation = self.genesys.chat
        self.linked = {self.slack.ann: self.genesys.ann}  # who is, when it starts
        self._connected = connected and api == "platform"
        self._secret_key = Fernet.generate_key().decode()
        self._place = Port()
        self._variables = dict(variables or {})
        self._socket_mode = socket_mode
        self._patient = patient
        self._bot: Bot | None = None
        self.processes: list[Process] = []
        self.configure(config or {})

    # -- running ----------------------------------------------------------------------------

    def start(self) -> Self:
        self.open()
        if self._connected:
            self.link()
        return self.start_bot()

    def open(self) -> Self:
        """Start the simulations without a bot."""
        self.genesys.start()
        self.slack.start()
        return self

    def link(self) -> Self:
        """Let an operator have linked `linked` already, and them be signed in to Genesys."""
        for slack_user, genesys_user in self.linked.items():
            self.link_user(slack_user, genesys_user)
        return self

    def link_user(self, slack_user: str, genesys_user: str, *, signed_in: bool = True) -> Self:
        """Let an operator have linked these two, and that person be signed in, where people are."""
        user = self.genesys.users[genesys_user]
        link = Link(slack_user, genesys_user, "operator", self.clock(), name=user.name, email=user.email)
        store = self.open_store()
        try:
            store.upgrade()
            store.save_link(link)
            if signed_in and self.api == "platform":
                keyring = SealedKeyring(store, [Secret(self._secret_key)], sleep=self.sleep)
                keyring.save(genesys_user, self._grant(genesys_user))
        finally:
            store.close()
        return self

    def _grant(self, genesys_user: str) -> Grant:
        """What Genesys' log-in would have given this person."""
        token = self.genesys.issue_token(genesys_user, scopes=frozenset(self.genesys.oauth_scopes))
        return Grant(token.value, self.genesys.issue_refresh_token(genesys_user), token.expires_at)

    def connect(self, slack_user: str = "", genesys_user: str = "") -> Browser:
        """
        Let somebody (the demo supervisor) type `/canned connect` and follow it to its end, as they would.

        The browser shows the last page.
        """
        slack_user, genesys_user = slack_user or self.slack.ann, genesys_user or self.genesys.ann
        self.slack.types(slack_user, "/canned connect", self.slack.channel)
        browser = Browser(self.genesys)
        browser.open(link_in(self.slack.ephemerals(slack_user)[-1]))
        browser.click()
        browser.log_in(genesys_user)
        return browser

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
        for process in self.processes:
            process.kill()
        self.genesys.clear_faults()
        self.slack.clear_faults()
        self.stop_bot()
        self.slack.stop()
        self.genesys.stop()
        self._place.close()

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
        if seconds > 1 and not self._patient:
            self.clock.advance(seconds=seconds)
            seconds = 0.01
        time.sleep(seconds)

    def open_store(self) -> Store:
        """The bot's database beside the bot, to be closed."""
        keys = secret_keys(self.environment())
        return Store(self.database_url, now=self.clock, worker="sandbox", keys=keys)

    @property
    def post(self) -> str:
        """The request that a message leaves by, as `genesys.fault` and `genesys.seen` take it."""
        if self.api == "events":
            return "POST /api/v2/conversations/{id}/events"
        return "POST /api/v2/conversations/messages/{id}/communications/{line}/messages"

    # -- settings ---------------------------------------------------------------------------

    @property
    def database_url(self) -> str:
        return self._variables.get("DATABASE_URL", f"sqlite:///{self.folder / 'canned.db'}")

    def environment(self) -> dict[str, str]:
        """The variables that the bot is started with."""
        platform = {
            "GENESYS_REGION": "mypurecloud.ie",
            "GENESYS_OAUTH_CLIENT_ID": self.genesys.oauth_client_id,
            "GENESYS_OAUTH_CLIENT_SECRET": self.genesys.oauth_client_secret or "",
            "CANNED_PUBLIC_URL": self._place.url,
            "CANNED_SECRET_KEY": self._secret_key,
        }
        events = {
            "GENESYS_ORG_ID": self.genesys.org_id,
            "GENESYS_SYSTEM_USER_ID": self.genesys.system_user_id,
        }
        usual = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_APP_TOKEN": self.slack.app_token if self._socket_mode else "",
            "SLACK_API_URL": f"{self.slack.url}/api",
            "GENESYS_API": self.api,
            "GENESYS_CLIENT_ID": self.genesys.client_id,
            "GENESYS_CLIENT_SECRET": self.genesys.client_secret,
            "GENESYS_LOGIN_URL": self.genesys.url,
            "GENESYS_API_URL": self.genesys.url,
            "DATABASE_URL": f"sqlite:///{self.folder / 'canned.db'}",
            "CANNED_CONFIG": str(self.folder / "canned.yml"),
            "CANNED_PORT": str(self._place.port),
        }
        return usual | (platform if self.api == "platform" else events) | self._variables

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write canned.yml: the demo's, with `config`'s top-level keys in their place."""
        team = {"name": TEAM, "channel": self.slack.channel, "supervisors": [self.slack.ann]}
        demo = {"responses": example_responses(), "teams": [team]}
        text = yaml.safe_dump({**demo, **config}, allow_unicode=True, sort_keys=False)
        (self.folder / "canned.yml").write_text(text, encoding="utf-8")

    # -- waiting ----------------------------------------------------------------------------

    def drain(self, timeout: float = 20.0) -> None:
        """
        Wait until everything that was taken on is settled and said.

        Raises TimeoutError after `timeout` seconds of real time.
        """
        store = self.open_store()
        end = time.monotonic() + timeout
        try:
            while not self._quiet(store):
                if time.monotonic() > end:
                    raise TimeoutError(f"still at work: {self._open(store)}, {store.threads_due(5)}")
                time.sleep(0.01)
        finally:
            store.close()

    def rest(self, timeout: float = 20.0) -> None:
        """Wait until the bot has done what it can for every send now, and said so; raises TimeoutError."""
        lanes = self.bot.parts.lanes
        if not all(lane.wait_idle(timeout) for lane in (lanes.sends, lanes.due, lanes.windows)):
            raise TimeoutError(f"still sending: {self.receipts()}")

    def receipts(self) -> list[Receipt]:
        """Every send on record, newest first."""
        store = self.open_store()
        try:
            return store.sends(limit=100_000)
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
        """What the bot still has to do; what waits for somebody or its time does not count."""
        under_way = [r for state in (State.PENDING, State.SENDING) for r in store.sends(state=state)]
        return [r.key for r in under_way if not self._waits(store, r)]

    def _waits(self, store: Store, receipt: Receipt) -> bool:
        """Whether it waits for a person who is asked, for an operator who has paused it, or for its time."""
        if receipt.is_asked:
            return (receipt.gate_until or receipt.changed_at) > self.clock()
        began = receipt.request.not_before or receipt.request.requested_at
        if receipt.is_scheduled and began > self.clock():
            return True
        paused = receipt.state is State.PENDING and store.pause_of(receipt.request) is not None
        return paused and self.clock() - began <= GROWN_OLD


def example_responses() -> dict[str, Any]:
    """Those that `canned init` writes down to start from."""
    example = yaml.safe_load(files("bot.canned").joinpath("example.yml").read_text(encoding="utf-8"))
    return dict(example["responses"])


def link_in(message: Message) -> str:
    """Where the first button of `message` that leads out of Slack leads to."""
    elements = [each for block in message.blocks for each in block.get("elements", ())]
    return next(str(each["url"]) for each in elements if "url" in each)
