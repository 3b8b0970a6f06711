"""Several bots on one PostgreSQL send what falls due at once: without a limit, and with Genesys' own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bot.models import State
from tests.databases import PostgreSQL, ask

from .processes import Authority
from .rush import SPEED, Rush, Taken
from .sends import ROUND_TRIP
from .table import Row

MANY = 4


def rows(folder: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    with ExitStack() as stack:
        # Its socket lies in there too, and a socket's path must be short.
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True))
        databases = PostgreSQL(Path(data) / "data")
        stack.callback(databases.close)
        ask(databases.new(), "ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()")
        yield _growing(folder, authority, databases, sends=256 if quick else 512)
        yield _limited(folder, authority, databases, quick=quick)


def _growing(folder: Path, authority: Authority, databases: PostgreSQL, *, sends: int) -> Row:
    rate = {}
    for replicas in (1, MANY):
        with ExitStack() as stack:
            rush = Rush(
                folder / f"replicas{replicas}",
                stack,
                authority,
                many=sends,
                rate_limit=None,
                round_trip=ROUND_TRIP,
                database_url=databases.new(),
            )
            rush.bots(replicas)
            rush.fall_due()
            if any(each.state is not State.SENT for each in rush.settle()):
                raise RuntimeError("not all were sent")
            sent = [each.at for each in rush.genesys.received]
            rate[replicas] = (sends - 1) / (max(sent) - min(sent)).total_seconds()
    ratio = rate[MANY] / rate[1]
    return Row(
        f"sends a second of {sends} due at once, {MANY} replicas on PostgreSQL, 50 ms round trip, no limit",
        f"{rate[MANY]:.1f}",
        f"one {rate[1]:.1f}",
        f"{ratio:.1f}",
        "no less than one",
        ratio >= 1,
    )


def _limited(folder: Path, authority: Authority, databases: PostgreSQL, *, quick: bool) -> Row:
    many, allowed = (90, 90) if quick else (500, 300)
    with ExitStack() as stack:
        url = databases.new()
        rush = Rush(
            folder / "limited",
            stack,
            authority,
            many=many,
            rate_limit=allowed,
            speed=SPEED,
            database_url=url,
        )
        rush.bots(MANY)
        rush.fall_due()
        taken = rush.taken(rush.settle())
    return Row(
        f"the same at {allowed} requests a minute: share of that used, 429s, sends refused",
        str(taken),
        target=Taken.TARGET,
        met=taken.is_met,
    )
