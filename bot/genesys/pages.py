"""Lists that Genesys gives out a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .json_values import objects

MOST_PAGES = 400  # more would take longer than the rate limit of a minute allows


def all_of(page: Callable[[int], Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The `entities` of page 1, 2, …; `page` reads one. Ends at `pageCount`, or at an empty page."""
    for number in range(1, MOST_PAGES + 1):
        body = page(number)
        entities = objects(body.get("entities"))
        yield from entities
        count = body.get("pageCount")
        if not entities or (isinstance(count, int) and number >= count):
            return
