"""What was not written down was not done: the sentence for a click that the database could not take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.storage import DatabaseDown

from .errors import NotWritten


@contextmanager
def on_record() -> Iterator[None]:
    """Also a decorator. Raises NotWritten in the place of DatabaseDown."""
    try:
        yield
    except DatabaseDown as exc:
        raise NotWritten(str(exc)) from exc
