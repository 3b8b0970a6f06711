from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect, text

from bot.storage import StorageError, Store
from bot.storage.engine import exclusively, read_url
from bot.storage.schema import HEAD
from bot.storage.upgrading import alembic_config
from tests.databases import ask

ROOT = Path(__file__).parents[2]
UPGRADE = """
import sys
from datetime import UTC, datetime
from bot.storage import Store
store = Store(sys.argv[1], now=lambda: datetime.now(UTC), worker="w")
store.upgrade()
print("alembic" in sys.modules, store.sends())
store.close()
"""


@pytest.fixture
def upgrading(empty_url: str, clock: Any) -> Any:
    store = Store(empty_url, now=clock, worker="one")
    yield store
    store.close()


def test_migrations_lead_to_the_tables_that_the_code_knows(upgrading: Store, empty_url: str) -> None:
    upgrading.upgrade()

    engine = create_engine(read_url(empty_url), poolclass=NullPool)
    with engine.begin() as tx:
        config = alembic_config(tx)
        command.check(config)
        assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_upgrading_twice_changes_nothing(upgrading: Store, a_request: Callable[..., Any]) -> None:
    upgrading.upgrade()
    upgrading.claim(a_request(key="k"), per_minute=1, per_conversation=1)

    upgrading.upgrade()

    assert upgrading.find("k")


def test_two_processes_upgrade_at_once_and_both_go_on(empty_url: str) -> None:
    processes = [_python(UPGRADE, empty_url) for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], answers
    assert [answer.split()[1] for answer, _ in answers] == ["[]", "[]"]


def test_on_postgresql_migrations_wait_for_each_other(postgres_url: Callable[[], str]) -> None:
    url = postgres_url()
    engine = create_engine(read_url(url), poolclass=NullPool)
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with engine.connect() as tx:
        exclusively(tx, "migrations")
        processes = [_python(UPGRADE, url) for _ in range(2)]
        while tx.execute(waiting).scalar() != 2:
            assert [process.poll() for process in processes] == [None, None]
    answers = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], answers


def test_database_that_is_up_to_date_is_opened_without_alembic(database_url: str) -> None:
    answer, _ = _python(UPGRADE, database_url).communicate(timeout=60)

    assert answer.split() == ["False", "[]"]


def test_database_of_a_newer_version_is_left_alone(upgrading: Store, empty_url: str) -> None:
    upgrading.upgrade()
    engine = create_engine(read_url(empty_url), poolclass=NullPool)
    with engine.begin() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StorageError, match="newer version"):
        upgrading.upgrade()


def test_database_that_another_program_uses_is_left_alone(upgrading: Store, empty_url: str) -> None:
    engine = create_engine(read_url(empty_url), poolclass=NullPool)
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE sends (id INTEGER)"))

    with pytest.raises(StorageError, match="another program"):
        upgrading.upgrade()
    with engine.begin() as tx:
        assert inspect(tx).get_table_names() == ["sends"]


@pytest.mark.parametrize(("encoding", "takes"), [("SQL_ASCII", True), ("LATIN1", False)])
def test_database_in_another_encoding_keeps_every_letter_or_is_refused(
    postgres_url: Callable[[], str], clock: Any, a_request: Callable[..., Any], encoding: str, takes: bool
) -> None:
    server, name = postgres_url(), encoding.lower()
    made = f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    ask(server, made)
    url = read_url(server).set(database=name).render_as_string(hide_password=False)
    with closing(Store(url, now=clock, worker="one")) as store:
        if not takes:
            with pytest.raises(StorageError, match="ENCODING 'UTF8'"):
                store.upgrade()
            return
        store.upgrade()
        store.claim(a_request(key="k", team="サポート 🙂"), per_minute=1, per_conversation=1)
        assert store.receipt("k").request.team == "サポート 🙂"


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
