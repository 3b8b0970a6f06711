"""Nothing is done that is not written down: what a database that is away means to a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.storage import DatabaseDown

from .errors import NotWritten


@contextmanager
def on_record() -> Iterator[None]:
    """Raise NotWritten where the database is away."""
    try:
        yield
    except DatabaseDown as exc:
        raise NotWritten(str(exc)) from exc
