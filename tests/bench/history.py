"""A million sends on record: a page of them, the audit record exported, and verified."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bot.canned.auditing import as_json
from bot.settings import Secret
from bot.storage import Store, Wanted
from bot.storage.chain import Keys

from .processes import Authority
from .senders import chat, resident
from .table import Row, ms, percentile

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 10_000


def rows(folder: Path, _: Authority, *, quick: bool) -> Iterator[Row]:
    many = 20_000 if quick else 1_000_000
    secret = Secret(Fernet.generate_key().decode())
    path = folder / "history.db"
    store = Store(f"sqlite:///{path}", now=lambda: datetime.now(UTC), worker="bench", keys=[secret])
    try:
        store.upgrade()
        fill(path, Keys([secret]), many)
        yield _pages(store, many)
        yield from _record(store, many)
    finally:
        store.close()


def _pages(store: Store, many: int) -> Row:
    seconds = []
    for before in (None, *(f"send-{many * at // 20}" for at in range(1, 20)), "send-49"):
        started = time.perf_counter()
        page = store.sends(limit=50, before=before)
        seconds.append(time.perf_counter() - started)
        if len(page) not in (49, 50):
            raise RuntimeError(f"{len(page)} sends before {before}")
    worst = percentile(seconds, 1)
    return Row(f"the slowest page of {many:,} sends", ms(worst), target="< 50 ms", met=worst < 0.05)


def _record(store: Store, many: int) -> Iterator[Row]:
    before, started, count = resident(), time.perf_counter(), 0
    for record in store.trail(Wanted()):
        as_json(record)
        count += 1
    took, grown = time.perf_counter() - started, (resident() - before) / 1024
    yield Row(
        f"export of {count:,} records",
        f"{took:.1f} s, {count / took:,.0f} a second",
        f"memory +{grown:.0f} MB",
        target="bounded memory (≤ 30 MB)",
        met=grown <= 30,
    )
    faults: list[str] = []
    started = time.perf_counter()
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:
        verdict = store.verify(faults.append, beside=beside)
    took = time.perf_counter() - started
    if faults or verdict.records != count:
        raise RuntimeError(f"{verdict.records} records, {faults[:3]}")
    rate = count / took
    yield Row(
        "records verified a second", f"{rate:,.0f} ({took:.1f} s)", target="≥ 100,000", met=rate >= 100_000
    )


# -- filling ---------------------------------------------------------------------------------


def fill(path: Path, keys: Keys, many: int) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    before = ""
    records = _records()
    for first in range(0, many, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, many))
        database.execute("BEGIN")
        insert(database, "sends", [_send(number) for number in numbers])
        chained = []
        for at, note in enumerate(islice(records, 3 * len(numbers)), start=3 * first + 1):
            before = keys.record(keys.first, before, at, note)
            written = {"at": _written(note["at"]), "detail": json.dumps(note["detail"])}
            chained.append(note | written | {"id": at, "mac": before, "key_id": keys.first})
        insert(database, "audit", chained)
        database.execute("COMMIT")
    end = {"records": 3 * many, "last_id": 3 * many, "mac": before, "key_id": keys.first}
    insert(database, "audit_head", [end | {"id": 1, "seal": keys.seal(end)}])
    database.close()


def insert(database: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in rows[0])
    marks = ", ".join(f":{name}" for name in rows[0])
    database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _send(number: int) -> dict[str, Any]:
    at = _written(_time(number))
    return {
        "key": f"send-{number}",
        "team": "Support EMEA",
        "channel": "C0TEAM",
        "supervisor": f"U0{number % 40}",
        "conversation_id": chat(number // 8),
        "response": f"response-{number % 200}",
        "send_as": "self",
        "requested_at": at,
        "by_operator": 0,
        "confirmed": 0,
        "claimed_at": at,
        "state": "sent",
        "changed_at": at,
        "reason": "",
        "message_id": f"message-{number}",
        "correlation_id": "",
        "sender_id": f"g{number % 40}",
        "text_hash": f"{number:064x}",
    }


def _records() -> Iterator[dict[str, Any]]:
    """Claimed, begun, settled, for each send in turn."""
    number = 0
    while True:
        send = _send(number)
        at, key = _time(number), send["key"]
        what = ("team", "channel", "supervisor", "conversation_id", "response", "send_as")
        begun = {"sender_id": send["sender_id"], "text_hash": send["text_hash"], "response_version": "1"}
        settled = begun | {"state": "sent", "message_id": send["message_id"], "correlation_id": ""}
        for event, detail in (
            ("claimed", {name: send[name] for name in what}),
            ("begun", begun),
            ("settled", settled),
        ):
            yield {"at": at, "key": key, "event": event, "actor": send["supervisor"], "detail": detail}
        number += 1


def _time(number: int) -> datetime:
    return BEGAN + timedelta(seconds=number)


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"
