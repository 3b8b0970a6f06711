"""Write records out one after the other, as CSV for a spreadsheet or as lines of JSON for a program."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import Literal, TextIO

Format = Literal["csv", "jsonl"]

_FORMULA = tuple("=+-@＝＋－＠")  # what a spreadsheet may take for one, in full width too


def printed() -> TextIO:
    """Standard output in UTF-8: what is written out is read elsewhere, whatever this terminal takes."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


def write(
    out: TextIO, columns: Sequence[str], records: Iterable[Mapping[str, object]], *, as_: Format = "csv"
) -> None:
    """
    Write these `columns` of `records` to `out` as they come; of CSV the first line names them.

    What a spreadsheet would run as a formula has an apostrophe before it in CSV, never in JSON.
    """
    if as_ == "jsonl":
        for record in records:
            line = {name: _plain(record[name]) for name in columns}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
        return
    writer = csv.writer(out, lineterminator="\r\n")  # with less, a \r in a cell would not be quoted
    writer.writerow(columns)
    writer.writerows([_cell(record[name]) for name in columns] for record in records)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(_plain(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text[:1].isspace() else text
