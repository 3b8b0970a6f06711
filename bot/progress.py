"""Progress of work that takes a while, on a terminal's standard error; quiet where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click

T = TypeVar("T")


def along(work: Iterable[T], label: str, *, length: int | None = None) -> Iterator[T]:
    """`work`, item by item, with a bar that grows; `length` where it does not know its own."""
    if not sys.stderr.isatty():
        yield from work
        return
    with click.progressbar(work, length=length, label=label, file=sys.stderr) as bar:
        yield from bar
