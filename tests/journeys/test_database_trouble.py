"""The database away at the worst moments: what was acknowledged goes on, what is known is kept."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from bot.app import operate
from bot.models import State
from bot.sandbox.faults import Kind
from bot.sandbox.sandbox import Sandbox
from bot.settings import Settings
from bot.storage import Store
from tests.hands import chooses
from tests.waiting import until


@pytest.fixture
def api() -> str:
    """Of no account here, and these journeys have to wait for a locked database."""
    return "platform"


ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
READ = "GET /api/v2/conversations/{id}"


def test_away_at_the_answer_the_outcome_is_kept_until_it_is_back(sandbox: Sandbox) -> None:
    held = sandbox.genesys.hold(sandbox.post)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    assert held.arrived.wait(10)
    with sandbox.locked_database():
        held.release()
        until(lambda: len(sandbox.genesys.received) == 1)
        time.sleep(3)  # longer than a writer waits for its turn
    sandbox.drain()

    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]


@pytest.mark.parametrize("then", ["delay", "429"])
def test_away_before_the_message_leaves_it_leaves_once_a_moment_later(sandbox: Sandbox, then: Kind) -> None:
    held = sandbox.genesys.hold(READ if then == "delay" else sandbox.post, then=then)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    assert held.arrived.wait(10)
    with sandbox.locked_database():
        held.release()
        time.sleep(3)
    sandbox.drain()

    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_away_when_the_sign_in_lapses_at_the_last_moment_what_did_not_leave_waits_for_it(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    sandbox.genesys.inactivity_timeout = 900  # then there is nothing to renew a sign-in with
    sandbox.start()
    slack, held = sandbox.slack, sandbox.genesys.hold(sandbox.post)
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    assert held.arrived.wait(10)
    sandbox.genesys.revoke_tokens()
    with sandbox.locked_database():
        held.release()
        time.sleep(3)
    until(lambda: sandbox.receipts()[0].state is not State.SENDING)

    assert [receipt.state for receipt in sandbox.receipts()] == [State.PENDING]
    sandbox.connect()
    sandbox.clock.advance(seconds=31)
    sandbox.drain()
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_a_wait_of_more_than_five_minutes_is_refused_at_once(sandbox: Sandbox) -> None:
    sandbox.genesys.fault(sandbox.post, "429", retry_after=3600)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    [receipt] = sandbox.receipts()
    assert receipt.state is State.REFUSED
    assert "more than five minutes" in receipt.reason


def test_while_it_is_gone_an_agents_name_and_the_window_say_so(sandbox: Sandbox) -> None:
    slack, lanes = sandbox.slack, sandbox.bot.parts.lanes
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    sandbox.drain()
    database = sqlite3.connect(sandbox.folder / "canned.db")
    database.execute("ALTER TABLE links RENAME TO gone")
    slack.types(slack.ann, "/canned @bob escalation", slack.channel)
    slack.choose(slack.ann, "Response", "escalation")
    for lane in (lanes.windows, lanes.previews, lanes.windows):
        assert lane.wait_idle(10)
    view = slack.open_view(slack.ann)
    database.execute("ALTER TABLE gone RENAME TO links")
    database.close()

    assert "database" in slack.ephemerals(slack.ann)[-1].said
    assert view is not None
    assert "database" in view.text.partition("Preview")[2]


def test_an_operators_command_counts_as_alive_for_as_long_as_it_works(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox().open().link()
    settings = Settings.from_env(sandbox.environment())
    other = Store(sandbox.database_url, now=sandbox.clock, worker="other")
    with operate(settings, now=sandbox.clock, beat_every=0.05) as parts:
        request = parts.desk.start_request(
            sandbox.slack.ann,
            "",
            conversation=sandbox.conversation,
            response="escalation",
            values={},
            click="1",
        )
        parts.desk.claim(request)
        sandbox.clock.advance(seconds=60)

        until(lambda: other.alive() == 1)
        assert other.take_abandoned() == []
    assert [receipt.key for receipt in other.take_abandoned()] == [request.key]  # handed back on leaving
    other.close()


def test_pressing_a_team_twice_does_not_skip_the_question(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    third, second = (slack.add_channel(name, members=[slack.ann]) for name in ("third", "second"))
    teams = [("One", slack.channel), ("Two", second)]
    sandbox.configure(
        {"teams": [{"name": name, "channel": where, "supervisors": [slack.ann]} for name, where in teams]}
    )
    sandbox.start()
    for channel in (slack.channel, third):
        slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", channel)
        sandbox.drain()
    slack.press(slack.ann, "One", slack.ephemerals(slack.ann)[-1])
    slack.replay(1)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_a_broken_variable_in_an_edited_text_is_between_the_window_and_its_owner(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "show": "nothing"}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    chooses(sandbox)
    slack.fill(slack.ann, "Message", "Hello {{IBAN DE89 3704 0044 0532")
    slack.submit(slack.ann)
    sandbox.drain()

    view = slack.open_view(slack.ann)
    assert view is not None
    assert "is not a variable" in view.errors["Message"]
    assert sandbox.receipts() == []
    assert slack.messages(slack.channel) == []


@pytest.mark.parametrize("where", ["reading", "sending"])
def test_exit_code_1_of_an_operators_send_is_never_followed_by_a_message(
    make_sandbox: Callable[..., Sandbox], where: str
) -> None:
    sandbox = make_sandbox().open().link()
    held = sandbox.genesys.hold(READ if where == "reading" else sandbox.post)
    command = [
        sys.executable,
        "-m",
        "bot",
        "send",
        sandbox.conversation,
        "escalation",
        "--as",
        sandbox.slack.ann,
    ]
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, cwd=sandbox.folder, env={**kept, **sandbox.environment()}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert held.arrived.wait(20)
        with sandbox.locked_database():
            held.release()
            time.sleep(4)
        _, said = process.communicate(timeout=60)
    sandbox.clock.advance(seconds=30)
    sandbox.start_bot().drain()

    received = sandbox.genesys.customer_sees(sandbox.conversation)
    assert (process.returncode, received) in [(0, [ESCALATION]), (3, [ESCALATION]), (1, [])], said
