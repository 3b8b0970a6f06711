"""The sandbox with the real bot in it, what the bot's processes are forked from, and a PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.processes import Nursery
from bot.sandbox.sandbox import Sandbox
from tests.databases import PostgreSQL


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[], str]]:
    """Call it for the URL of a new, empty PostgreSQL database; the server starts at the first call."""
    with tempfile.TemporaryDirectory(prefix="canned-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgreSQL(Path(folder) / "data")
        yield server.new
        server.close()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """What `sandbox.spawn` forks the bot from where a test is not about the command itself."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def api() -> str:
    """The contract that the sandboxes speak."""
    return "events"


@pytest.fixture
def make_sandbox(tmp_path: Path, api: str) -> Iterator[Callable[..., Sandbox]]:
    """Sandboxes made to measure, not started yet; all of them are stopped afterwards."""
    made: list[Sandbox] = []

    def make(**options: Any) -> Sandbox:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Sandbox(folder, **{"api": api, **options}))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.stop()


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo's people, channel and conversation, with the bot running."""
    return make_sandbox().start()
