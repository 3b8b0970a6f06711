from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import IntegrityError

from bot.models import Outcome, PostKind, SendRequest, State
from bot.storage import DatabaseDown, StorageError, Store
from bot.storage.engine import read_url
from tests.databases import ask

ROOM = {"per_minute": 100, "per_conversation": 100}


@pytest.fixture
def sqlite_store(migrated_sqlite: Path, tmp_path: Path, clock: Any) -> Any:
    (tmp_path / "canned.db").write_bytes(migrated_sqlite.read_bytes())
    store = Store(f"sqlite:///{tmp_path}/canned.db", now=clock, worker="one", patience=0.05)
    yield store
    store.close()


def test_new_sqlite_file_is_its_owners_alone_and_one_that_is_there_stays_as_it_is(
    tmp_path: Path, clock: Any
) -> None:
    (tmp_path / "old.db").touch(0o640)
    for name in ("new", "old"):
        with contextlib.closing(Store(f"sqlite:///{tmp_path}/{name}.db", now=clock, worker="one")) as store:
            store.upgrade()
            modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.glob(f"{name}.db*")}
            assert set(modes.values()) == {"0o600" if name == "new" else "0o640"}, modes


def test_locked_database_takes_nothing_on(
    sqlite_store: Store, tmp_path: Path, a_request: Callable[..., SendRequest]
) -> None:
    request = a_request()
    other = sqlite3.connect(tmp_path / "canned.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseDown, match="nothing was taken on"):
        sqlite_store.claim(request, **ROOM)
    assert sqlite_store.find(request.key) is None
    other.close()

    assert sqlite_store.claim(request, **ROOM).state is State.PENDING


def test_thread_that_waits_too_long_for_its_turn_takes_nothing_on(
    sqlite_store: Store, at_once: Callable[..., list[Any]]
) -> None:
    with sqlite_store._writing():
        (end,) = at_once(sqlite_store.beat)

    assert isinstance(end, DatabaseDown)


def test_row_that_another_process_keeps_locked_ends_in_database_down(
    open_store: Callable[..., Store], claim: Callable[..., str], database_url: str
) -> None:
    store = open_store("two", patience=0.05)
    key = claim()
    other = create_engine(read_url(database_url))
    with other.connect() as tx:
        tx.execute(text("UPDATE sends SET reason = 'held'"))
        with pytest.raises(DatabaseDown):
            store.settle(key, Outcome(State.SENT), was=[State.PENDING])
        tx.rollback()
    other.dispose()

    assert store.receipt(key).state is State.PENDING


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all/canned.db", "postgresql://nobody:secret@127.0.0.1:1/canned"],
    ids=["no folder", "no server"],
)
def test_database_that_cannot_be_reached_is_down(
    url: str, clock: Any, a_request: Callable[..., SendRequest]
) -> None:
    store = Store(url, now=clock, worker="one")

    assert not store.ping()
    for call in (store.upgrade, store.sends, store.beat, lambda: store.claim(a_request(), **ROOM)):
        with pytest.raises(DatabaseDown) as down:
            call()
        assert "secret" not in str(down.value)
    store.close()


def test_file_that_is_no_database_is_down(tmp_path: Path, clock: Any) -> None:
    (tmp_path / "canned.db").write_text("not a database at all, " * 100)
    store = Store(f"sqlite:///{tmp_path}/canned.db", now=clock, worker="one")

    with pytest.raises(DatabaseDown):
        store.upgrade()
    store.close()


def test_connections_that_a_restarted_server_cut_cost_no_click(
    migrated_postgres: str, clock: Any, a_request: Callable[..., SendRequest]
) -> None:
    store = Store(migrated_postgres, now=clock, worker="one")
    assert store.ping()
    _cut_every_other(migrated_postgres)
    request = a_request(key="after a restart", conversation_id="c-restart")

    assert store.claim(request, **ROOM).state is State.PENDING
    store.close()


def test_lost_answer_to_a_commit_is_not_called_nothing(migrated_postgres: str, clock: Any) -> None:
    store = Store(migrated_postgres, now=clock, worker="one")

    with pytest.raises(DatabaseDown, match="may have been taken on or not"):
        _write_while_cut_off(store, migrated_postgres)
    store.close()


def test_transaction_that_fails_leaves_nothing_behind(store: Store, sql: Callable[..., list[Any]]) -> None:
    with contextlib.suppress(KeyError), store._writing() as tx:
        tx.execute(text("INSERT INTO workers (id, seen_at) VALUES ('x', '2026-01-01 00:00:00')"))
        raise KeyError

    assert sql("SELECT * FROM workers") == []


def test_bug_of_ours_is_not_called_a_database_that_is_down(store: Store) -> None:
    with pytest.raises(IntegrityError), store._writing() as tx:
        tx.execute(text("INSERT INTO texts (key, typed) VALUES ('no such send', '{}')"))


def test_user_without_rights_is_told_so_and_is_no_bug_of_ours(
    postgres_url: Callable[[], str], clock: Any, a_request: Callable[..., SendRequest]
) -> None:
    url = postgres_url()
    ask(url, "CREATE ROLE stranger LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    theirs = read_url(url).set(username="stranger").render_as_string(hide_password=False)
    owner, stranger = (Store(each, now=clock, worker="one") for each in (url, theirs))
    with contextlib.closing(owner), contextlib.closing(stranger):
        with pytest.raises(DatabaseDown, match="all rights"):
            stranger.upgrade()
        owner.upgrade()
        ask(url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO stranger")
        with pytest.raises(DatabaseDown, match="all rights"):
            stranger.claim(a_request(), **ROOM)


def test_errors_never_show_what_was_to_be_written(store: Store) -> None:
    with pytest.raises(IntegrityError) as error, store._writing() as tx:
        tx.execute(
            text("INSERT INTO texts (key, typed, final) VALUES (:key, '{}', :final)"),
            {"key": "none", "final": "customer text"},
        )

    assert "customer text" not in str(error.value)


def test_commits_on_sqlite_are_durable_and_do_not_keep_readers_out(sqlite_store: Store) -> None:
    with sqlite_store._reading() as tx:
        found = [tx.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        sqlite_store.beat()

    assert found == ["wal", 2]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:secret@host/canned",
        "nonsense secret",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://user:secret/canned",  # no @, so what follows the colon is read as a port
        "postgresql+psycopg://user:secret@host:54x2/canned",
        "postgresql+psycopg2://user:secret@host/canned",
        "postgresql+psycopg_async://user:secret@host/canned",
        "sqlite+aiosqlite:///canned.db",
    ],
)
def test_url_of_no_use_is_refused_without_repeating_it(url: str, clock: Any) -> None:
    with pytest.raises(StorageError, match="DATABASE_URL is sqlite") as refused:
        Store(url, now=clock, worker="one")

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_our_driver(scheme: str) -> None:
    assert read_url(f"{scheme}://user:pass@host/canned").drivername == "postgresql+psycopg"


def test_opening_a_store_connects_to_nothing(tmp_path: Path, clock: Any) -> None:
    Store(f"sqlite:///{tmp_path}/canned.db", now=clock, worker="one").close()

    assert list(tmp_path.iterdir()) == []


def _write_while_cut_off(store: Store, url: str) -> None:
    with store._writing() as tx:
        tx.execute(text("SELECT 1"))
        _cut_every_other(url)


def _cut_every_other(url: str) -> None:
    engine = create_engine(read_url(url), poolclass=NullPool)
    with engine.connect() as tx:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        tx.execute(text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"))


def test_wait_for_the_turn_and_wait_for_the_lock_share_one_deadline(
    migrated_sqlite: Path, tmp_path: Path, clock: Any
) -> None:
    (tmp_path / "canned.db").write_bytes(migrated_sqlite.read_bytes())
    store = Store(f"sqlite:///{tmp_path}/canned.db", now=clock, worker="one", patience=60)

    def patience_left() -> int:
        with store._writing() as tx:
            return int(tx.execute(text("PRAGMA busy_timeout")).scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with store._writing():
            waiting = pool.submit(patience_left)
            time.sleep(0.05)
        left = waiting.result()
    with store._reading() as tx:
        reading = tx.execute(text("PRAGMA busy_timeout")).scalar()
    store.close()

    assert 0 < left < 60_000
    assert reading == 60_000


@pytest.mark.parametrize(("durable", "sqlite", "postgresql"), [(True, 2, "on"), (False, 1, "off")])
def test_a_commit_waits_for_the_disk_unless_it_need_not(
    store: Store, durable: bool, sqlite: int, postgresql: str
) -> None:
    asked = "PRAGMA synchronous" if store._dialect == "sqlite" else "SHOW synchronous_commit"
    for each in (not durable, durable):
        with store._writing(durable=each) as tx:
            found = tx.execute(text(asked)).scalar()

    assert found in (sqlite, postgresql)


def test_what_anybody_is_told_of_is_on_the_disk_before(
    open_store: Callable[..., Store], claim: Callable[..., str]
) -> None:
    waited: list[bool] = []

    class Watched(Store):
        def _writing(self, *, durable: bool = True) -> Any:
            waited.append(durable)
            return super()._writing(durable=durable)

    store, key = open_store("watched", kind=Watched), claim()
    store.beat()
    waited.clear()
    store.begin(key, "Hello", sender_id="g1")
    store.settle(key, Outcome(State.SENT), was=[State.SENDING], posts=[PostKind.REPLY])
    thread = store.take_thread("C0TEAM", "c1")
    assert thread is not None
    store.carding("C0TEAM", "c1")
    [(post, _)] = store.posts_due("C0TEAM", "c1")
    store.posting(post.id)
    store.posted(post.id, "1700.1")
    store.card_shown(thread)
    store.leave_thread("C0TEAM", "c1")

    assert waited == [True, True, False, True, True, False, False, False]
