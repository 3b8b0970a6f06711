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

    try:
        command.upgrade(alembic_config(tx), "head")
    except CommandError as exc:
        raise StorageError(
            "The database was written by a newer version of the bot. Start that version."
        ) from exc


def alembic_config(tx: Connection) -> Config:
    """Alembic's configuration over an open transaction: no file, no URL."""
    from alembic.config import Config

    config = Config(attributes={"connection": tx})
    config.set_main_option("script_location", "bot.storage:migrations")
    return config
