"""Genesys' own canned responses as they were read last, so that they are there while Genesys is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from .engine import Database, exclusively
from .schema import library_responses


@dataclass(frozen=True)
class KeptResponse:
    """The response `id` of the library with the id `library`; `content` is what JSON can hold of it."""

    library: str
    id: str
    content: Mapping[str, Any] = field(repr=False)
    read_at: datetime


class LibraryResponses(Database):
    def keep_library(self, library: str, contents: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the responses of `library`, by id, in the place of all that was kept of it."""
        rows = [
            {"library": library, "id": each, "content": dict(content), "read_at": self._now()}
            for each, content in contents.items()
        ]
        with self._writing() as tx:
            exclusively(tx, "libraries")
            tx.execute(delete(library_responses).where(library_responses.c.library == library))
            if rows:
                tx.execute(insert(library_responses), rows)

    def forget_libraries(self, *, but: Collection[str]) -> None:
        """Drop what is kept of all libraries but these."""
        with self._writing() as tx:
            tx.execute(delete(library_responses).where(library_responses.c.library.not_in(list(but))))

    def library_responses(self) -> list[KeptResponse]:
        """All that are kept, by library and id."""
        table = library_responses
        with self._reading() as tx:
            rows = tx.execute(select(table).order_by(table.c.library, table.c.id))
            return [KeptResponse(**row._mapping) for row in rows]
