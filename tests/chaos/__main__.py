"""`python -m tests.chaos --minutes N --seed S`: exit 1 if anything was doubled, lost or untrue."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import randrange

from tests.chaos.run import Report, run
from tests.databases import PostgreSQL
from tests.processes import Nursery


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=randrange(10**6))
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--api", choices=["platform", "events"], default="platform")
    parser.add_argument("--supervisors", type=int, default=8)
    chosen = parser.parse_args()
    report = _play(chosen)
    sys.stdout.write(f"{report}\nagain: python -m tests.chaos {_again(chosen)}\n")
    return 1 if report.is_broken else 0


def _play(chosen: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory(prefix="canned-chaos-", ignore_cleanup_errors=True) as folder:
        nursery, server = Nursery(), PostgreSQL(Path(folder) / "postgres")
        try:
            return run(
                Path(folder),
                nursery,
                database_url=server.new() if chosen.database == "postgresql" else None,
                api=chosen.api,
                seconds=chosen.minutes * 60,
                seed=chosen.seed,
                supervisors=chosen.supervisors,
            )
        finally:
            nursery.close()
            server.close()


def _again(chosen: argparse.Namespace) -> str:
    return " ".join(f"--{name} {value}" for name, value in vars(chosen).items())


if __name__ == "__main__":
    sys.exit(main())
