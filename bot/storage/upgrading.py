"""Bring an empty or older database up to date, one process at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from .engine import DOWN, Database, as_sentences, exclusively, open_engine
from .errors import StorageError
from .schema import HEAD, metadata, workers

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATING = 60.0  # seconds to wait for another process that does the same
ANOTHERS = (
    "The database was written by a newer version of the bot, or by another program. Start that version, or "
    "give the bot a database of its own."
)


class Upgrading(Database):
    def revision(self) -> str | None:
        """Which migration the database is at, None for an empty one; only looks. Raises DatabaseDown."""
        with self._reading() as tx:
            return _revision(tx)

    def require_whole(self) -> None:
        """Raise StorageError unless all is there as the newest migration has it, and can be written."""
        with self._reading() as tx:
            seen = inspect(tx)
            there = {
                name: {each["name"] for each in seen.get_columns(name)} for name in seen.get_table_names()
            }
        wanted = metadata.tables.items()
        gone = [name for name, table in wanted if not set(table.columns.keys()) <= there.get(name, set())]
        if gone:
            raise StorageError(f"These tables are not there, or not whole: {', '.join(gone)}.")
        with self._writing() as tx:
            tx.execute(workers.delete().where(workers.c.id == ""))

    def upgrade(self) -> None:
        """
        Migrate to the newest revision; does nothing where that is done.

        Raises DatabaseDown, and StorageError for a database written by a newer version.
        """
        with self._reading() as tx:
            if _revision(tx) == HEAD:
                return
        engine = open_engine(self._url, patience=MIGRATING, foreign_keys=False)
        try:
            with as_sentences(DOWN), engine.execution_options(writes=True).begin() as tx:
                exclusively(tx, "migrations")
                _run(tx)
        finally:
            engine.dispose()


def _revision(tx: Connection) -> str | None:
    if not inspect(tx).has_table("alembic_version"):
        return None
    revision: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _run(tx: Connection) -> None:
    from alembic import command  # half a second to import, and hardly ever needed
    from alembic.util import CommandError

    if _revision(tx) is None:
        _require_empty(tx)
    try:
        command.upgrade(alembic_config(tx), "head")
    except CommandError as exc:
        raise StorageError(ANOTHERS) from exc


def _require_empty(tx: Connection) -> None:
    if not metadata.tables.keys().isdisjoint(inspect(tx).get_table_names()):
        raise StorageError(ANOTHERS)
    encoding = "UTF8" if tx.dialect.name == "sqlite" else tx.execute(text("SHOW server_encoding")).scalar()
    if encoding not in ("UTF8", "SQL_ASCII"):  # the latter takes whatever it is given
        raise StorageError(
            f"The database keeps the letters of {encoding} alone, and customers write any. Make it anew with "
            "ENCODING 'UTF8'."
        )


def alembic_config(tx: Connection) -> Config:
    """Alembic's configuration over an open transaction: no file, no URL."""
    from alembic.config import Config

    config = Config(attributes={"connection": tx})
    config.set_main_option("script_location", "bot.storage:migrations")
    return config
