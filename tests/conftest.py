"""What every test may use: the sandbox with the real bot, a PostgreSQL, ears for what a log must not say."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import logs
from bot.canned.catalog import CatalogError, CatalogFile
from bot.logs import OURS, Lines
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack import SimulatedSlack
from bot.storage import StorageError, Store
from tests.databases import PostgreSQL
from tests.processes import Nursery

SHORTEST = 5  # letters of a word that is looked for; shorter ones stand in our own sentences
ID = re.compile(r"\b\w{8}-(?:\w{4}-){3}\w{12}\b")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
SLACK_TOKEN = re.compile(r"xox[a-z]-\w*|xapp-\w*")
RANDOM = re.compile(r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{28,}", re.ASCII)


def pytest_configure() -> None:
    # A shell has those it runs in the background ignore this, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Ears:
    """
    Hears what the bot would log at DEBUG, and others from WARNING on, as `bot.logs` writes it.

    `words` are what this test's people, customers and secrets are called and say.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.words: set[str] = set()
        # Two, since setting logging up anew takes the handlers of the root away, and no others.
        self._of_ours, self._of_others = _Ear(self.lines, ours=True), _Ear(self.lines, ours=False)

    def listen(self) -> None:
        ours = logging.getLogger(OURS)
        ours.setLevel(logging.DEBUG)
        ours.addHandler(self._of_ours)
        logging.getLogger().addHandler(self._of_others)

    def leaks(self) -> list[str]:
        """Each line heard since the last call that says too much, with what it says."""
        lines, words = list(self.lines), [word for word in self.words if len(word) >= SHORTEST]
        self.lines.clear()
        self.words.clear()
        whole = "\n".join(lines)
        said = {word for word in words if word in whole}
        return [f"{word!r} in {line!r}" for line in lines for word in (*said, *_tokens(line)) if word in line]

    def told_by(self, sandbox: Sandbox) -> None:
        """What the bots of this sandbox that were processes of their own wrote, and what it must not be."""
        for log in sandbox.folder.glob("*.log"):
            self.lines += log.read_text(encoding="utf-8").splitlines()
        if self.lines:
            self.words.update(_words(sandbox))


class _Ear(logging.Handler):
    def __init__(self, lines: list[str], *, ours: bool) -> None:
        super().__init__(logging.DEBUG if ours else logging.WARNING)
        self._lines, self._ours = lines, ours
        self.setFormatter(Lines("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if self._ours or record.name.partition(".")[0] != OURS:
            heard = copy(record)
            heard.exc_text = None  # as another handler may have written it
            self._lines.append(self.format(heard))


def _tokens(line: str) -> list[str]:
    """What looks like a token, a key, a cookie, a signed state or an address of somebody."""
    rest = ID.sub("", line)
    return [found[0] for what in (ADDRESS, SLACK_TOKEN, RANDOM) for found in what.finditer(rest)]


def _words(sandbox: Sandbox) -> Iterator[str]:
    genesys, slack = sandbox.genesys, sandbox.slack
    yield from (*genesys.tokens, *genesys.refresh_tokens, *genesys.logins)
    for user in genesys.users.values():
        yield from (user.name, user.email)
    for person in slack.people.values():
        yield from (person.real_name, person.email)
    for conversation in genesys.conversations.values():
        yield from (conversation.customer.name, *conversation.customer.attributes.values())
        yield from (message.text for message in conversation.messages)
    yield from (sent.text for sent in genesys.received)
    with suppress(CatalogError):
        yield from (
            each.text for each in CatalogFile(sandbox.folder / "canned.yml").current().responses.values()
        )
    with suppress(RuntimeError, StorageError):  # one that never ran, or whose database is gone
        secret = ("_SECRET", "_KEY", "_TOKEN")
        yield from (value for name, value in sandbox.environment().items() if name.endswith(secret))
        for receipt in sandbox.receipts():
            request = receipt.request
            yield from (*request.values.values(), request.text or "", receipt.text or "")


def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors: most tests wait for servers and disks more than they work."""
    return 2 * (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def ears() -> Ears:
    return Ears()


@pytest.fixture(autouse=True)
def no_log_says_too_much(ears: Ears) -> Iterator[None]:
    logs.about("")  # whatever this thread was about in the test before
    ears.listen()
    yield
    leaks = ears.leaks()
    assert not leaks, "\n".join(leaks)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """What `spawn` forks the bot from where a test is not about the command itself."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def api() -> str:
    """The contract that the sandboxes speak."""
    return "events"


@pytest.fixture
def make_sandbox(
    tmp_path: Path, api: str, ears: Ears, no_log_says_too_much: None, migrated_sqlite: Path
) -> Iterator[Callable[..., Sandbox]]:
    """
    Sandboxes made to measure, not started yet; all of them are stopped afterwards.

    Their databases are empty and up to date: what brings them there has tests of its own.
    """
    made: list[Sandbox] = []

    def make(**options: Any) -> Sandbox:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        shutil.copy(migrated_sqlite, folder / "canned.db")
        made.append(Sandbox(folder, **{"api": api, **options}))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.stop()
        ears.told_by(sandbox)
    assert [each for sandbox in made for each in sandbox.slack.complaints] == []


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """A command sets up the log of its process, which here is the tests' own."""
    root, ours = logging.getLogger(), logging.getLogger("bot")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo's people, channel and conversation, with the bot running."""
    return make_sandbox().start()


@pytest.fixture
def slack() -> Iterator[SimulatedSlack]:
    """The workspace alone, with its Web API up."""
    with SimulatedSlack.demo() as slack:
        yield slack


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest revision, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "canned.db"
    store = Store(f"sqlite:///{path}", now=lambda: datetime.now(UTC), worker="migrating")
    store.upgrade()
    store.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[], str]]:
    """Call it for the URL of a new, empty PostgreSQL database; the server starts at the first call."""
    with tempfile.TemporaryDirectory(prefix="canned-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgreSQL(Path(folder) / "data")
        yield server.new
        server.close()
