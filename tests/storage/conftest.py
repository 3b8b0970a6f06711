"""The store on both engines: a SQLite file, and a PostgreSQL that the tests start themselves."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from bot.models import SendAs, SendRequest
from bot.storage import Store
from bot.storage.schema import metadata
from tests.clocks import Clock
from tests.databases import ask


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: Callable[[], str]) -> str:
    """A PostgreSQL database at the newest revision, to be emptied between tests."""
    url = postgres_url()
    _upgrade(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it, not even tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/canned.db"
    return str(request.getfixturevalue("postgres_url")())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database at the newest revision, without rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "canned.db")
        return f"sqlite:///{tmp_path}/canned.db"
    url = str(request.getfixturevalue("migrated_postgres"))
    tables = ", ".join(metadata.tables)
    # A replica's triggers do not fire, or the audit record could not be emptied.
    ask(url, "SET session_replication_role = replica", f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    return url


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def open_store(database_url: str, clock: Clock) -> Iterator[Callable[..., Store]]:
    """Stores on one database, as several processes have them; closed afterwards."""
    opened: list[Store] = []

    def make(worker: str = "one", *, kind: type[Store] = Store, **options: Any) -> Store:
        usual: dict[str, Any] = {"now": clock, "worker": worker}
        opened.append(kind(options.pop("url", database_url), **(usual | options)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store()


@pytest.fixture
def a_request(clock: Clock) -> Callable[..., SendRequest]:
    """Requests with a key each, alike but for what is given."""
    numbers = itertools.count(1)

    def make(**changes: Any) -> SendRequest:
        request = SendRequest(
            key=f"key-{next(numbers)}",
            team="Support",
            channel="C0TEAM",
            supervisor="U0ANN",
            conversation_id="c1",
            response="escalation",
            send_as=SendAs.SELF,
            requested_at=clock(),
        )
        return replace(request, **changes)

    return make


@pytest.fixture
def claim(store: Store, a_request: Callable[..., SendRequest]) -> Callable[..., str]:
    """Claim a request, without asking and with room enough; its key."""

    def make(into: Store | None = None, **changes: Any) -> str:
        request = a_request(**changes)
        return (into or store).claim(request, asks_after=None, per_minute=100, per_conversation=100).key

    return make


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Call all of these at the same moment, in threads; what each returned or raised."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        start = threading.Barrier(len(calls))

        def go(call: Callable[[], Any]) -> Any:
            start.wait(10)
            return call()

        with ThreadPoolExecutor(len(calls)) as pool:
            jobs = [pool.submit(go, call) for call in calls]
        return [job.exception() or job.result() for job in jobs]

    return run


@pytest.fixture
def sql(database_url: str) -> Callable[..., list[Row[Any]]]:
    """Ask the database behind the store's back."""
    return lambda *statements: ask(database_url, *statements)


def _upgrade(url: str) -> None:
    store = Store(url, now=Clock(), worker="migrating")
    store.upgrade()
    store.close()
