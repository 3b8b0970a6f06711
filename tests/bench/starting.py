"""From start to ready, and how much memory the bot keeps: idle, and after many sends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bot.sandbox.sandbox import Sandbox
from tests.processes import spawn

from .processes import Authority, Process
from .sends import Course
from .table import Row, median


def rows(folder: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    bare, ours, resident = [], [], []
    with ExitStack() as stack:
        (folder / "start").mkdir()
        sandbox = Sandbox(folder / "start")
        stack.callback(sandbox.stop)
        sandbox.open().link()
        for _ in range(3 if quick else 7):
            bare.append(_bare_bolt())
            started = time.perf_counter()
            process = spawn(sandbox)
            ours.append(time.perf_counter() - started)
            resident.append(_resident(process.pid))
            process.kill()
    ready, kept = median(ours), median(resident)
    yield Row(
        "start to ready",
        f"{ready:.2f} s",
        f"bare Bolt {median(bare):.2f} s",
        f"{ready / median(bare):.1f}",
        "≤ 1.5 s",
        ready <= 1.5,
    )
    yield Row("resident, idle", f"{kept / 1024:.0f} MB", target="< 90 MB", met=kept < 90 * 1024)
    yield _growth(folder, authority, sends=500 if quick else 10_000)


def _growth(folder: Path, authority: Authority, *, sends: int) -> Row:
    with ExitStack() as stack:
        course = Course(folder / "growth", stack, authority, round_trip=0.0)
        ours = course.contender("ours")
        figures = []
        for _ in range(10):
            figures.append(ours.ask(sends=sends // 10, threads=4)["resident"])
            course.clear()
            course.sandbox.genesys.forget()
    # The first tenth warms caches and threads. Of three the least: each ends with a conversation in hand.
    first, last = min(figures[1:4]), min(figures[-3:])
    grown = last - first
    return Row(
        f"resident after {sends:,} sends",
        f"{last / 1024:.0f} MB",
        f"after a fifth {first / 1024:.0f} MB",
        f"+{grown / 1024:.1f} MB",
        "no growth (≤ 3 MB)",
        grown <= 3 * 1024,
    )


def _bare_bolt() -> float:
    started = time.perf_counter()
    with Process("tests.bench.bolts", "bare"):
        return time.perf_counter() - started


def _resident(pid: int) -> int:
    """Kilobytes of another process in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
