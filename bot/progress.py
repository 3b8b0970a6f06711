"""How far long work of a command has come: a bar on standard error, and nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def along(work: Iterable[T], label: str, *, printing: bool = False) -> Iterator[T]:
    """`work`, item by item; `printing` what goes to standard output, which may be the same terminal."""
    if not sys.stderr.isatty() or (printing and sys.stdout.isatty()):
        yield from work
        return
    import click

    with click.progressbar(work, label=label, show_pos=True, file=sys.stderr) as bar:
        yield from bar
