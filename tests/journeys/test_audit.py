"""What an operator can show afterwards: the record, whole or not, and the threads beside it."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import chdir, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from bot.cli import main
from bot.sandbox.sandbox import Sandbox

Audit = Callable[..., tuple[int, list[str]]]
REPLIES = "* /api/conversations.replies"


@pytest.fixture
def audit(sandbox: Sandbox, tmp_path: Path) -> Audit:
    """Runs `canned audit …` beside the bot; the exit code, and the lines that were printed."""

    def run(*words: str, **env: str) -> tuple[int, list[str]]:
        with chdir(tmp_path):
            result = CliRunner().invoke(main, ["audit", *words], env=sandbox.environment() | env)
        trace = result.exception if not isinstance(result.exception, SystemExit) else None
        assert trace is None, f"ended in a trace: {trace!r}"
        return result.exit_code, result.output.splitlines()

    return run


@pytest.fixture
def attack(sandbox: Sandbox) -> Callable[..., None]:
    """Write into the database as its owner can."""

    def run(*statements: str) -> None:
        with closing(sqlite3.connect(sandbox.folder / "canned.db", isolation_level=None)) as database:
            for statement in ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", *statements):
                database.execute(statement)

    return run


@pytest.fixture
def busy(sandbox: Sandbox) -> Sandbox:
    """Ann has sent two responses; what became of the second is unknown."""
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} greeting topic=it", slack.channel)
    sandbox.drain()
    sandbox.genesys.fault(sandbox.post, "lost_before")
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    return sandbox


def test_what_the_bot_wrote_and_said_is_whole_until_somebody_changes_it(
    busy: Sandbox, audit: Audit, attack: Callable[..., None]
) -> None:
    code, lines = audit("verify", "--slack")
    if busy.api == "events":  # where no key has to be set
        assert "CANNED_SECRET_KEY is not set" in lines.pop(-2)
    assert (code, lines[0]) == (0, "2 replies in Slack tell of the records that there are.")
    assert "records, chain whole, head" in lines[-1]
    head = lines[-1].rpartition(" ")[2]

    attack("UPDATE audit SET actor = 'U0BOB' WHERE event = 'claimed'")
    code, lines = audit("verify", "--head", head)
    assert code == 1
    assert sum(line.startswith("Record ") and "claimed" in line for line in lines) == 2


def test_every_record_of_a_send_together_says_all_there_is_to_know(busy: Sandbox, audit: Audit) -> None:
    sent = next(receipt for receipt in busy.receipts() if receipt.request.response == "greeting")
    response = busy.bot.parts.catalog().responses["greeting"]

    _, lines = audit("export", "--key", sent.key)
    records = [json.loads(line) for line in lines]
    assert [record["event"] for record in records][:3] == ["claimed", "begun", "settled"]
    said: dict[str, Any] = {}
    for record in records:
        said |= record["detail"]
    known = {
        "team": "Support EMEA",
        "channel": busy.slack.channel,
        "supervisor": busy.slack.ann,
        "conversation_id": busy.conversation,
        "response": "greeting",
        "response_version": response.version,
        "send_as": "self",
        "sender_id": sent.sender_id,
        "text_hash": sent.text_hash,
        "message_id": sent.message_id,
        "correlation_id": sent.correlation_id,
        "state": "sent",
    }
    assert known.items() <= said.items()
    assert "Grace" not in "".join(lines)


def test_reply_that_tells_otherwise_is_missing_or_is_of_nothing_is_named(
    busy: Sandbox, audit: Audit, attack: Callable[..., None]
) -> None:
    slack = busy.slack
    [card] = slack.messages(slack.channel)
    first, second = slack.thread(slack.channel, card.ts)
    slack.deletes(first)
    unknown = busy.receipts()[0].key
    attack(
        f"DELETE FROM posts WHERE key = '{unknown}'",
        f"DELETE FROM texts WHERE key = '{unknown}'",
        f"DELETE FROM sends WHERE key = '{unknown}'",
        f"DELETE FROM audit WHERE key = '{unknown}'",
    )

    code, lines = audit("verify", "--slack")
    assert code == 1
    thread = f"In the thread of {busy.conversation} in {slack.channel}"
    assert f"{thread} reply {second.ts} tells of send {unknown}, and no record does." in lines
    assert any(
        line.startswith(f"{thread} reply {first.ts} about send ") and "missing" in line for line in lines
    )
    assert "0 replies in Slack tell of the records that there are." in lines


def test_record_written_anew_with_the_key_does_not_fit_what_slack_has(
    busy: Sandbox, audit: Audit, attack: Callable[..., None]
) -> None:
    attack("UPDATE audit SET mac = 'ff' WHERE event = 'settled'")

    _, lines = audit("verify", "--slack")
    assert sum("carries another record than there is" in line for line in lines) == 2


def test_reply_whose_place_in_slack_was_written_over_is_no_bug_of_whoever_compares(
    busy: Sandbox, audit: Audit, attack: Callable[..., None]
) -> None:
    attack("UPDATE posts SET ts = 'never'")

    code, lines = audit("verify", "--slack")
    assert (code, lines[0]) == (0, "2 replies in Slack tell of the records that there are.")


def test_record_that_was_not_chained_with_the_key_that_is_set_is_no_proof(
    busy: Sandbox, audit: Audit
) -> None:
    other = {"CANNED_SECRET_KEY": Fernet.generate_key().decode()}
    code, lines = audit("verify", **other)
    count = lines[-1].partition(" ")[0]

    assert code == 1
    if busy.api == "events":  # where none was set
        assert f"say --unkeyed {count}." in lines[0]
        assert audit("verify", "--unkeyed", count, **other)[0] == 0
    else:
        assert f"chained cannot be verified ({count} records)" in lines[0]


def test_thread_whose_card_was_deleted_cannot_be_compared_and_is_no_fault(
    busy: Sandbox, audit: Audit
) -> None:
    slack = busy.slack
    slack.deletes(slack.messages(slack.channel)[0])
    code, lines = audit("verify", "--slack")
    assert (code, lines[1][:2]) == (0, "2 ")
    busy.clock.advance(minutes=2)
    slack.types(slack.ann, f"/canned {busy.conversation} greeting topic=that", slack.channel)
    busy.drain()

    code, lines = audit("verify", "--slack")
    assert (code, lines[0][:2]) == (0, "1 ")
    assert "2 replies cannot be compared: the card that they stood below was deleted." in lines


def test_slack_that_asks_to_wait_is_waited_for_and_one_that_refuses_is_told(
    busy: Sandbox, audit: Audit
) -> None:
    busy.slack.fault(REPLIES, "429", retry_after=0)
    assert audit("verify", "--slack")[0] == 0

    busy.slack.set_channel(busy.slack.channel, bot=False)
    code, lines = audit("verify", "--slack")
    assert (code, lines[0]) == (
        1,
        f"Slack does not show the thread of {busy.conversation} in {busy.slack.channel} (not_in_channel).",
    )


def test_export_takes_what_is_asked_for(busy: Sandbox, audit: Audit) -> None:
    def events(*words: str) -> list[str]:
        return [json.loads(line)["event"] for line in audit("export", *words)[1]]

    everything = events()
    assert everything.count("claimed") == 2
    assert events("--event", "claimed", "--supervisor", busy.slack.ann) == ["claimed", "claimed"]
    assert set(events("--supervisor", busy.slack.ann)) >= {"linked", "claimed", "begun", "settled"}
    assert "linked" not in events("--conversation", busy.conversation)
    assert events("--conversation", "other") == events("--supervisor", "U0BOB") == []
    today = f"{busy.clock():%Y-%m-%d}"
    assert events("--since", today, "--until", today) == everything
    assert events("--until", f"{busy.clock():%Y-%m-%dT00:00}") == events("--since", "2999-01-01") == []
    assert audit("export", "--since", "yesterday")[0] == 2


def test_export_for_a_spreadsheet_holds_no_formula(
    busy: Sandbox, audit: Audit, attack: Callable[..., None]
) -> None:
    attack("UPDATE audit SET actor = '=1+1' WHERE event = 'begun'")

    code, lines = audit("export", "--format", "csv")
    rows = list(csv.DictReader(lines))
    assert code == 0
    assert [row["actor"] for row in rows if row["event"] == "begun"] == ["'=1+1"] * 2
    assert [row["response"] for row in rows if row["event"] == "claimed"] == ["greeting", "escalation"]


def test_texts_are_purged_on_demand_and_that_is_on_record(busy: Sandbox, audit: Audit) -> None:
    assert audit("purge", "--before", "2999-01-01")[0] == 2
    code, lines = audit("purge")
    assert (code, lines[0][:20]) == (0, "The texts of 0 sends")
    _, lines = audit("purge", "--before", datetime.now(UTC).isoformat())

    assert lines[0].startswith("The texts of 2 sends from before ")
    assert [receipt.text for receipt in busy.receipts()] == [None, None]
    [purged] = [json.loads(line) for line in audit("export", "--event", "purged")[1]]
    assert (purged["actor"], purged["detail"]["texts"]) == ("operator", 2)
    assert audit("verify", "--slack")[0] == 0
