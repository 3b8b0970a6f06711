"""Brakes: while a pause stands nothing leaves that has not left; a limit refuses and says until when."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import chdir
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from bot import checks
from bot.cli import main
from bot.models import State
from bot.sandbox.sandbox import TEAM, Sandbox
from bot.settings import Settings
from tests.waiting import until

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
READ = "GET /api/v2/conversations/{id}"


def canned(sandbox: Sandbox, *args: str) -> Result:
    """The operator's command line, on the same database and canned.yml."""
    with chdir(sandbox.folder):
        return CliRunner().invoke(main, args, env=sandbox.environment())


def types(sandbox: Sandbox, text: str = "escalation") -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} {text}", slack.channel)


def note(sandbox: Sandbox) -> str:
    return sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


def card(sandbox: Sandbox) -> str:
    [found] = sandbox.slack.messages(sandbox.slack.channel)
    return found.said


def waits(sandbox: Sandbox) -> None:
    """Ann's send was claimed and is about to leave when the brake is pulled."""
    held = sandbox.genesys.hold(READ)
    types(sandbox)
    assert held.arrived.wait(10)
    assert canned(sandbox, "pause").exit_code == 0
    held.release()
    sandbox.drain()


def moves(sandbox: Sandbox) -> int:
    return len([record for record in sandbox.bot.parts.store.audit() if record.event == "settled"])


def test_what_had_not_left_waits_is_shown_to_wait_and_goes_once_after_resume(sandbox: Sandbox) -> None:
    waits(sandbox)

    assert sandbox.genesys.received == []
    assert [receipt.state for receipt in sandbox.receipts()] == [State.PENDING]
    assert "Sending is paused for every team" in card(sandbox)
    assert "Sending is paused for every team" in note(sandbox)

    assert "is lifted" in canned(sandbox, "resume").stdout
    sandbox.clock.advance(minutes=4)
    sandbox.drain()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert "Sent" in card(sandbox)


def test_nobody_asks_again_and_again_about_what_a_pause_holds_up(sandbox: Sandbox) -> None:
    waits(sandbox)
    reads, settled = len(sandbox.genesys.seen(READ)), moves(sandbox)
    for _ in range(5):
        sandbox.clock.advance(seconds=30)
        sandbox.drain()
        assert sandbox.bot.recovery.sweep() == 0

    assert (len(sandbox.genesys.seen(READ)), moves(sandbox)) == (reads, settled)


@pytest.mark.parametrize("lifted", [True, False])
def test_what_has_waited_for_more_than_five_minutes_is_reported_not_sent(
    sandbox: Sandbox, lifted: bool
) -> None:
    waits(sandbox)
    sandbox.clock.advance(minutes=5, seconds=1)
    if lifted:
        canned(sandbox, "resume")
    sandbox.drain()

    assert sandbox.genesys.received == []
    assert [receipt.state for receipt in sandbox.receipts()] == [State.REFUSED]
    assert "more than five minutes" in sandbox.slack.direct_messages(sandbox.slack.ann)[-1].said


def test_a_wait_that_genesys_asked_for_ends_at_the_brake_too(sandbox: Sandbox) -> None:
    held = sandbox.genesys.hold(sandbox.post, then="429")
    types(sandbox)
    assert held.arrived.wait(10)
    canned(sandbox, "pause")
    held.release()
    sandbox.drain()
    assert sandbox.genesys.received == []
    assert len(sandbox.genesys.seen(sandbox.post)) == 1

    canned(sandbox, "resume")
    sandbox.drain()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_a_turn_that_is_waited_for_behind_another_message_ends_at_the_brake_too(sandbox: Sandbox) -> None:
    slack, genesys = sandbox.slack, sandbox.genesys
    first = genesys.hold(sandbox.post)
    types(sandbox)
    assert first.arrived.wait(10)
    genesys.fault(sandbox.post, "429", retry_after=2)  # after which one goes after the other
    types(sandbox, "greeting topic=tea")
    until(lambda: sandbox.receipts()[0].waiting_until is not None)
    time.sleep(0.3)
    assert canned(sandbox, "pause").exit_code == 0
    first.release()
    sandbox.rest()

    assert genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert [receipt.state for receipt in sandbox.receipts()] == [State.PENDING, State.SENT]
    assert "Sending is paused" in slack.ephemerals(slack.ann)[-1].said


def test_a_new_token_that_is_waited_for_ends_at_the_brake_too(sandbox: Sandbox) -> None:
    genesys = sandbox.genesys
    leaves = genesys.hold(sandbox.post)
    types(sandbox)
    assert leaves.arrived.wait(10)
    genesys.revoke_tokens()
    renewed = genesys.hold("POST /oauth/token")
    leaves.release()
    assert renewed.arrived.wait(10)
    assert canned(sandbox, "pause").exit_code == 0
    renewed.release()
    sandbox.drain()

    assert genesys.received == []
    assert [receipt.state for receipt in sandbox.receipts()] == [State.PENDING]
    assert "Sending is paused" in card(sandbox)


def test_new_clicks_are_refused_before_anything_is_written_and_say_who_lifts_it(
    sandbox: Sandbox, log_as_before: None
) -> None:
    slack = sandbox.slack
    types(sandbox, "")
    sandbox.drain()
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.drain()
    canned(sandbox, "pause")
    slack.submit(slack.ann)
    view = slack.open_view(slack.ann)
    types(sandbox)
    typed = canned(sandbox, "send", sandbox.conversation, "escalation", "--as", slack.ann)
    sandbox.drain()

    said = [*(view.errors.values() if view else ()), note(sandbox), typed.stderr]
    assert len(said) == 3
    assert all("Sending is paused" in each and "canned resume" in each for each in said)
    assert typed.exit_code == 1
    assert (sandbox.receipts(), sandbox.genesys.received) == ([], [])


def test_a_click_from_before_that_comes_once_more_reads_its_own_outcome(sandbox: Sandbox) -> None:
    types(sandbox)
    sandbox.drain()
    canned(sandbox, "pause")
    [ack] = sandbox.slack.replay()
    sandbox.drain()

    assert "Sending" in ack.body
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_a_team_that_is_paused_holds_up_nobody_else(make_sandbox: Callable[..., Sandbox]) -> None:
    slack = (sandbox := make_sandbox()).slack
    slack.add_channel("billing", [slack.ann], channel_id="C0BILLING")
    teams = [(TEAM, slack.channel), ("Billing", "C0BILLING")]
    sandbox.configure({"teams": [{"name": n, "channel": c, "supervisors": [slack.ann]} for n, c in teams]})
    sandbox.start().link()
    assert canned(sandbox, "pause", "--team", "Billing").exit_code == 0
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", "C0BILLING")
    assert "paused for Billing" in note(sandbox)
    types(sandbox)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_a_team_that_is_renamed_while_it_is_paused_stays_so(sandbox: Sandbox) -> None:
    assert canned(sandbox, "pause", "--team", TEAM).exit_code == 0
    renamed = {"name": "Help", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
    sandbox.configure({"teams": [renamed]})
    types(sandbox)
    sandbox.drain()
    assert f"Sending is paused for {TEAM}" in note(sandbox)
    assert sandbox.genesys.received == []

    assert f"canned resume --team '{TEAM}'" in canned(sandbox, "resume", "--team", "Help").stdout
    assert canned(sandbox, "resume", "--team", TEAM).exit_code == 0
    types(sandbox)
    sandbox.drain()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_what_an_agent_lets_leave_while_it_is_paused_goes_on_by_itself(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    slack = (sandbox := make_sandbox()).slack
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "queues": ["Support EMEA"]}
    sandbox.configure({"teams": [team]})
    sandbox.start().link()
    sandbox.link_user(slack.bob, sandbox.genesys.bob)
    sandbox.genesys.leave(sandbox.conversation, sandbox.genesys.ann)
    types(sandbox)
    sandbox.drain()
    slack.press(slack.ann, "Ask Bob Ray", slack.ephemerals(slack.ann)[-1])
    sandbox.drain()
    canned(sandbox, "pause")
    slack.press(slack.bob, "Send", slack.direct_messages(slack.bob)[-1])
    sandbox.drain()
    assert sandbox.genesys.received == []
    assert "Sending is paused" in slack.direct_messages(slack.bob)[-1].said

    canned(sandbox, "resume")
    sandbox.drain()
    assert [sent.from_id for sent in sandbox.genesys.received] == [sandbox.genesys.bob]


@pytest.mark.parametrize("api", ["events"])
def test_the_brake_is_on_record_checked_logged_and_says_what_it_did(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = canned(sandbox, "pause"), canned(sandbox, "pause")
    team = canned(sandbox, "pause", "--team", TEAM)
    sandbox.bot.sweep()
    settings = Settings.from_env(sandbox.environment())
    checked = [checks.line(found) for found in checks.run(settings, now=sandbox.clock)]
    lifted, again = canned(sandbox, "resume"), canned(sandbox, "resume")
    sandbox.bot.sweep()

    assert "is paused for every team" in first.stdout
    assert "was already paused for every team" in second.stdout
    assert f"is paused for {TEAM}" in team.stdout
    every, one = [line for line in checked if line.startswith("warn  brake: ")]
    assert ("paused for every team" in every, f"canned resume --team '{TEAM}'" in one) == (True, True)
    assert "The pause for every team is lifted" in lifted.stdout
    assert "There was no pause" in again.stdout
    assert f"still paused for {TEAM}" in again.stdout
    brake = [r for r in sandbox.bot.parts.store.audit() if r.event in ("paused", "resumed")]
    assert [(r.event, r.actor, r.detail) for r in brake] == [
        ("paused", "operator", {"team": "", "channel": None}),
        ("paused", "operator", {"team": TEAM, "channel": sandbox.slack.channel}),
        ("resumed", "operator", {"team": ""}),
    ]
    said = [record.getMessage() for record in caplog.records]
    assert "sending is paused for every team" in said
    assert "the pause for every team is lifted" in said


@pytest.mark.parametrize("api", ["events"])
def test_a_team_that_there_is_not_is_named_with_the_nearest_and_one_that_was_is_still_lifted(
    sandbox: Sandbox,
) -> None:
    wrong = canned(sandbox, "pause", "--team", "Suport EMEA")
    assert (wrong.exit_code, TEAM in wrong.stderr) == (2, True)

    canned(sandbox, "pause", "--team", TEAM)
    (sandbox.folder / "canned.yml").write_text("faulty: [", encoding="utf-8")
    assert canned(sandbox, "resume", "--team", TEAM).exit_code == 0
    assert canned(sandbox, "pause").exit_code == 0
    assert canned(sandbox, "pause", "--team", TEAM).exit_code == 1


# -- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [{"per_minute": 1}, {"per_conversation": 1}])
def test_a_limit_refuses_and_says_when_it_goes_again_and_then_it_does(
    make_sandbox: Callable[..., Sandbox], limits: dict[str, int]
) -> None:
    slack = (sandbox := make_sandbox()).slack
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "limits": limits}
    sandbox.configure({"teams": [team]})
    sandbox.start().link()
    types(sandbox)
    sandbox.drain()
    ends = sandbox.receipts()[0].request.requested_at + timedelta(minutes=1 if "per_minute" in limits else 10)
    ack = slack.types(slack.ann, f"/canned {sandbox.conversation} greeting topic=tea", slack.channel)

    [when] = re.findall(r"From (\S+) UTC on it goes again", ack.text)
    assert when in {f"{ends + timedelta(seconds=second):%H:%M:%S}" for second in range(3)}
    assert len(sandbox.receipts()) == 1

    sandbox.clock.advance(minutes=10, seconds=3)
    types(sandbox, "greeting topic=tea")
    sandbox.drain()
    assert len(sandbox.genesys.customer_sees(sandbox.conversation)) == 2
