"""What a benchmark found: rows of figures side by side, as a table for people or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """
    One thing measured: `ours` and `beside` with their units in `what`, `ratio` of the two.

    `met` is None where nothing was to be reached.
    """

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps({"rows": [asdict(row) for row in rows]}, indent=2, ensure_ascii=False)


def as_text(rows: Sequence[Row]) -> str:
    """A Markdown table, its columns as wide as they have to be."""
    head = ("what", "ours", "beside", "ratio", "target", "met")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    shown = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _cells(row: Row) -> tuple[str, ...]:
    met = "" if row.met is None else "yes" if row.met else "NO"
    return row.what, row.ours, row.beside, row.ratio, row.target, met
