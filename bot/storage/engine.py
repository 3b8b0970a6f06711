"""
How the database is opened, and the two kinds of transactions on it.

SQLite has one writer: `BEGIN IMMEDIATE` keeps out other processes, a lock of ours the
threads of this one, since SQLite itself makes them sleep and poll. PostgreSQL needs
neither; what must not happen side by side takes an advisory lock (`exclusively`).
"""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    TimeoutError,
)

from bot.models import Receipt
from bot.settings import Secret

from .chain import Keys, Note, append
from .errors import Closed, DatabaseDown, StorageError

DOWN = (
    "The database does not answer, so nothing was taken on. "
    "Try again in a minute; if it stays so, ask an operator to run `canned check`."
)
PERHAPS = (
    "The database stopped answering in the middle, so this may have been taken on or not. "
    "Look at `/canned recent` before you try again."
)
FORBIDDEN = (
    "The database does not let the bot do that, so nothing was taken on. Ask an operator to give the user "
    "that DATABASE_URL names all rights in its database, also that of making tables."
)
NO_RIGHT = "42501"  # as PostgreSQL says it
OURS = (IntegrityError, ProgrammingError, DataError)  # bugs, not a database that is down
ALIVE_WITHIN = timedelta(seconds=15)
PATIENCE = 2.5
SOON_ON_DISK = text("SET LOCAL synchronous_commit = off")
BESIDE = select(func.pg_advisory_xact_lock_shared(bindparam("number", type_=BigInteger)))
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
AT_ONCE = 1000  # rows of a long look that are in memory


class Database:
    """What the parts of the store share; connects to nothing before it is used."""

    def __init__(
        self,
        url: str,
        *,
        now: Callable[[], datetime],
        worker: str,
        keys: Sequence[Secret] = (),
        settled: Callable[[Receipt], None] = lambda _: None,
        alive_within: timedelta = ALIVE_WITHIN,
        patience: float = PATIENCE,
    ) -> None:
        """
        `worker` names this process, and no process before it. `keys` are those of
        CANNED_SECRET_KEY: the first chains the audit record, all of them verify it.
        Another worker counts as dead when its last beat is older than `alive_within`.
        `patience` is how many seconds to wait for a lock or a connection; Slack waits
        three in all. `settled` hears of each send that has moved to an outcome, or back.

        Raises StorageError for a URL that is of no use.
        """
        self.worker = worker
        self._now = now
        self._alive_within = alive_within
        self._patience = patience
        self._keys = Keys(keys)
        self._settled = settled
        self._url = read_url(url)
        self._engine = open_engine(self._url, patience=patience)
        self._writer = self._engine.execution_options(writes=True)
        self._dialect = self._engine.dialect.name
        self._turn = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Close every connection; from now on nothing is read or written, whoever still runs."""
        self._closed = True
        self._engine.dispose()

    def ping(self) -> bool:
        """Whether the database answers."""
        try:
            with self._reading() as tx:
                tx.execute(text("SELECT 1"))
        except DatabaseDown:
            return False
        return True

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._require_open()
        with as_sentences(DOWN), self._engine.begin() as tx:
            yield tx

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        """For a long look: the database as it is now, whatever is written meanwhile."""
        self._require_open()
        same = {} if self._dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with as_sentences(DOWN), self._engine.connect() as tx:
            connection: Any = tx.connection.dbapi_connection
            try:
                yield tx.execution_options(yield_per=AT_ONCE, **same)
            finally:
                if self._dialect == "sqlite":
                    connection.text_factory = str  # whatever `take_any_text` has made of it

    @contextmanager
    def _writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """
        A short transaction: committed at the end, or nothing is left of it.

        What was noted in it joins the audit record last, so that the lock on the record's
        head is always the last one taken. Not `durable`, it does not wait for the disk: should
        the machine fall over it may never have been, and whoever comes next looks or does it again.
        """
        self._require_open()
        until = time.monotonic() + self._patience
        notes: list[Note] = []
        with self._in_turn(), as_sentences(DOWN), self._writer.connect() as tx:
            # `until`: what is left of it when our turn has come.
            tx.execution_options(until=until, notes=notes, durable=durable)
            tx.begin()
            if not durable and self._dialect != "sqlite":
                tx.execute(SOON_ON_DISK)
            yield tx
            if notes:
                append(tx, notes, self._keys)
            with as_sentences(PERHAPS):
                tx.commit()

    def _empty_log(self) -> None:
        """Have SQLite's own log forget what was deleted, or the next time, if somebody reads in it now."""
        if self._dialect != "sqlite":
            return
        with self._in_turn(), as_sentences(DOWN), closing(self._engine.raw_connection()) as connection:
            connection.info.pop("busy_timeout", None)
            connection.execute("PRAGMA busy_timeout = 100")  # who writes waits as long
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _require_open(self) -> None:
        if self._closed:
            raise Closed

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._dialect != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=self._patience):
            raise DatabaseDown(DOWN)
        try:
            yield
        finally:
            self._turn.release()


def read_url(url: str) -> URL:
    """The URL with the driver that we bring; raises StorageError, which never repeats the URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:  # the latter for a port that is no number
        raise StorageError(_WHICH) from exc
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in DRIVERS:
        raise StorageError(_WHICH)
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StorageError(f"A database in memory would forget what was promised. {_WHICH}")
    return parsed


_WHICH = "DATABASE_URL is sqlite:///path/to/file.db or postgresql+psycopg://user:password@host/database."


def open_engine(url: URL, *, patience: float, foreign_keys: bool = True) -> Engine:
    """
    An engine that waits `patience` seconds, prepares its connections, and shows no values in errors.

    Without `foreign_keys` SQLite does not look at them, as a migration that rebuilds a table needs.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"pool_size": 16, "max_overflow": 16, "pool_timeout": patience}
    if is_sqlite:
        options["connect_args"] = {"timeout": patience}
    else:
        # tcp_user_timeout: a network that swallows everything ends in an error, not in a wait for ever.
        # client_encoding: a server that was set up without a locale gives bytes for texts, else.
        waits = {"connect_timeout": 3, "tcp_user_timeout": 10_000}
        options["connect_args"] = waits | {"client_encoding": "utf8"}
        options["pool_pre_ping"] = True
    try:
        engine = create_engine(url, hide_parameters=True, **options)
    except ModuleNotFoundError as exc:
        raise StorageError(
            "PostgreSQL needs its driver: pip install '.[postgres]' beside the sources."
        ) from exc
    if is_sqlite:
        _prepare_sqlite(engine, patience=patience, foreign_keys=foreign_keys)
    else:
        _prepare_postgresql(engine, patience=patience)
    return engine


def _prepare_sqlite(engine: Engine, *, patience: float, foreign_keys: bool) -> None:
    @event.listens_for(engine, "do_connect")
    def connecting(_dialect: Any, _record: Any, where: list[Any], options: dict[str, Any]) -> None:
        # People's texts are in it, so it is its owner's alone; what SQLite puts beside it has the same mode.
        with suppress(OSError):  # it is there, or SQLite says what is against it
            if not options.get("uri"):
                os.close(os.open(where[0], os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # else the driver decides where a transaction begins
        _write_ahead(connection, patience)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # not every SQLite has it on
        connection.execute("PRAGMA cache_size = -512")  # KiB; its usual 2 MB fill up in each connection
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        left = max(options["until"] - time.monotonic(), 0) if "until" in options else patience
        # Past SQLAlchemy, to which each of these costs as much as a query does.
        writes = bool(options.get("writes"))
        told: dict[str, object] = {"busy_timeout": math.ceil(left * 100) * 10}  # mostly as the last time
        if writes:
            told["synchronous"] = "FULL" if options.get("durable", True) else "NORMAL"
        _begin(connection.connection.dbapi_connection, connection.info, told, writes)


def _begin(connection: Any, info: dict[Any, Any], told: dict[str, object], writes: bool) -> None:
    """Begin, as the connection is `told`; `info` remembers what it was told last."""
    for pragma, value in told.items():
        if info.get(pragma) != value:
            connection.execute(f"PRAGMA {pragma} = {value}")
            info[pragma] = value
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(connection: Any, patience: float) -> None:
    # Two that turn it on at the same moment do not wait for each other, whatever the timeout.
    end = time.monotonic() + patience
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def take_any_text(tx: Connection) -> None:
    """Until the end of this snapshot read texts that are no UTF-8 too: SQLite keeps them."""
    connection: Any = tx.connection.dbapi_connection
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")


def _prepare_postgresql(engine: Engine, *, patience: float) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = {int(patience * 1000)}")
        connection.commit()


@contextmanager
def as_sentences(sentence: str) -> Iterator[None]:
    """Say `sentence` in a DatabaseDown where the database failed us; our own bugs go through."""
    try:
        yield
    except OURS as exc:
        if getattr(exc.orig, "sqlstate", None) == NO_RIGHT:
            raise DatabaseDown(FORBIDDEN) from exc
        raise
    except (DBAPIError, sqlite3.Error, TimeoutError) as exc:
        raise DatabaseDown(sentence) from exc


def exclusively(tx: Connection, *names: str) -> None:
    """Until the end of `tx`, nobody else gets past here with one of these names."""
    if tx.dialect.name == "sqlite":
        return  # the only writer as it is
    # In one order, or two would wait for each other.
    tx.execute(select(*(func.pg_advisory_xact_lock(number) for number in sorted(map(_number, names)))))


def beside(tx: Connection, name: str) -> None:
    """Until the end of `tx`, nobody gets `exclusively` past this name; whoever is beside us does."""
    if tx.dialect.name != "sqlite":
        tx.execute(BESIDE, {"number": _number(name)})


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may say what happens on a conflict."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
