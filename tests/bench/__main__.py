"""
Measure the bot beside what people would use instead, all in one run: `python -m tests.bench`.

Whatever is compared runs in turn, on this machine, over TLS and a round trip where there is
one. Quote ratios: single times say more about the machine than about the bot.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import acks, growth, history, posting, queueing, replicas, searching, sends, starting
from .processes import Authority
from .table import Row, as_json, as_text

Part = Callable[..., Iterator[Row]]
PARTS: dict[str, Part] = {
    "sends": sends.rows,
    "posts": posting.rows,
    "acks": acks.rows,
    "search": searching.rows,
    "start": starting.rows,
    "history": history.rows,
    "queue": queueing.rows,
    "replicas": replicas.rows,
    "growth": growth.rows,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="only these; all of them otherwise")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="few rounds, small sizes: does it run at all?")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="canned-bench-", ignore_cleanup_errors=True) as name:
        rows = list(_measured(given.parts or list(PARTS), Path(name), quick=given.quick))
    print((as_json if given.json else as_text)(rows))
    return 0 if all(row.met is not False for row in rows) else 1


def _measured(parts: list[str], folder: Path, *, quick: bool) -> Iterator[Row]:
    authority = Authority(folder)
    for part in parts:
        for row in PARTS[part](folder, authority, quick=quick):
            print(f"{row.what}: {row.ours}", file=sys.stderr, flush=True)
            yield row


if __name__ == "__main__":
    sys.exit(main())
