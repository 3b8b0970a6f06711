"""A database that comes back from a backup: what left since is not sent again, and the record holds."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.sandbox import TEAM, Sandbox


@pytest.fixture
def api() -> str:
    return "events"


def send(sandbox: Sandbox, response: str) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} {response} topic=it", slack.channel)


def test_what_waited_in_the_backup_and_left_since_is_not_sent_again(sandbox: Sandbox) -> None:
    here, backup = sandbox.folder / "canned.db", sandbox.folder / "backup.db"
    send(sandbox, "escalation")
    sandbox.drain()
    team = {"name": TEAM, "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
    sandbox.configure({"teams": [{**team, "undo_seconds": 2}]})
    send(sandbox, "greeting")
    with closing(sqlite3.connect(here)) as database:
        database.execute("VACUUM INTO ?", [str(backup)])  # while it runs, and one still waits
    sandbox.drain()
    left = len(sandbox.genesys.received)
    sandbox.stop_bot()

    for each in sandbox.folder.glob("canned.db*"):
        each.unlink()
    shutil.copy(backup, here)
    sandbox.clock.advance(minutes=5)  # as the README says
    sandbox.start_bot()
    sandbox.drain()

    assert (left, len(sandbox.genesys.received)) == (2, 2)
    assert sorted(receipt.state for receipt in sandbox.receipts()) == ["refused", "sent"]
    wrong: list[str] = []
    sandbox.bot.parts.store.verify(wrong.append)
    assert wrong == []
