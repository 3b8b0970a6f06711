"""A short run of the chaos that is otherwise run by hand, for minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.sandbox.genesys import Contract
from bot.sandbox.processes import Nursery
from tests.chaos.run import run


@pytest.mark.parametrize(("api_", "engine"), [("platform", "postgresql"), ("events", "sqlite")])
def test_in_a_few_seconds_of_chaos_nothing_is_doubled_lost_or_untrue(
    tmp_path: Path, nursery: Nursery, postgres_url: Callable[[], str], api_: Contract, engine: str
) -> None:
    url = postgres_url() if engine == "postgresql" else None
    report = run(tmp_path, nursery, database_url=url, api=api_, seconds=4, seed=1, supervisors=3)

    assert not report.is_broken, report
    assert report.outcomes["sent"] > 0
