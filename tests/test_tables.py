from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest

from bot import tables

NOON = datetime(2026, 11, 25, 12, 0, 5, 17, tzinfo=UTC)
RECORD = {"at": NOON, "name": 'Ann "A", Lee\nX', "edited": False, "note": None, "extra": "not asked for"}


def written(*records: dict[str, object], as_: tables.Format = "csv") -> str:
    out = StringIO()
    tables.write(out, ("at", "name", "edited", "note"), records, as_=as_)
    return out.getvalue()


def test_csv_has_a_heading_and_reads_back() -> None:
    assert list(csv.reader(StringIO(written(RECORD)))) == [
        ["at", "name", "edited", "note"],
        ["2026-11-25T12:00:05Z", 'Ann "A", Lee\nX', "no", ""],
    ]


def test_lines_of_json_keep_what_is_nothing_and_what_is_no_text() -> None:
    elsewhere = RECORD | {"at": NOON.astimezone(timezone(timedelta(hours=2))), "note": "=1+1 é"}
    lines = written(RECORD, elsewhere, as_="jsonl").splitlines()

    assert [json.loads(line) for line in lines] == [
        {"at": "2026-11-25T12:00:05Z", "name": RECORD["name"], "edited": False, "note": note}
        for note in (None, "=1+1 é")
    ]
    assert "é" in lines[1]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\nx", "\u00a0=1", "＝1+1"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    [_, [_, found, _, _]] = csv.reader(StringIO(written(RECORD | {"name": cell}), newline=""))

    assert found == f"'{cell}"


def test_each_record_is_written_before_the_next_is_asked_for() -> None:
    out = StringIO()

    def records() -> Iterator[dict[str, object]]:
        for at in range(3):
            assert out.getvalue().count("\n") == at
            yield {"at": at}

    tables.write(out, ("at",), records(), as_="jsonl")
    assert out.getvalue().count("\n") == 3
