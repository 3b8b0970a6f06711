"""A short run of the chaos that is otherwise run by hand, for minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos.run import run
from tests.processes import Nursery


def test_in_a_few_seconds_of_chaos_nothing_is_doubled_lost_or_untrue(
    tmp_path: Path, nursery: Nursery, postgres_url: Callable[[], str]
) -> None:
    url = postgres_url()
    report = run(tmp_path, nursery, database_url=url, api="platform", seconds=4, seed=1, supervisors=3)

    assert not report.is_broken, report
    assert report.outcomes["sent"] > 0
