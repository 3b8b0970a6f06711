"""The one fixture of the journeys: the sandbox, with the real bot in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.sandbox import Sandbox


@pytest.fixture
def api() -> str:
    """The contract that the sandboxes speak."""
    return "events"


@pytest.fixture
def make_sandbox(tmp_path: Path, api: str) -> Iterator[Callable[..., Sandbox]]:
    """Sandboxes made to measure, not started yet; all of them are stopped afterwards."""
    made: list[Sandbox] = []

    def make(**options: Any) -> Sandbox:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Sandbox(folder, **{"api": api, **options}))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.stop()
    assert [each for sandbox in made for each in sandbox.slack.complaints] == []


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo's people, channel and conversation, with the bot running."""
    return make_sandbox().start()
