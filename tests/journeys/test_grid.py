"""One deployment serves one Grid organisation: every workspace of it, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot import checks
from bot.sandbox.sandbox import TEAM, Sandbox
from bot.settings import Settings

GRID = "E0ACME"


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The app is installed in the whole organisation; the supervisors are a group of one workspace."""
    sandbox = make_sandbox()
    sandbox.slack.enterprise_id = GRID
    team = {"name": TEAM, "channel": sandbox.slack.channel, "supervisors": ["S0LEADS"]}
    sandbox.configure({"teams": [team]})
    sandbox.open().link()
    return sandbox.start_bot()


def test_a_command_and_a_window_send_once_whichever_workspace_they_come_from(sandbox: Sandbox) -> None:
    slack, (elsewhere,) = sandbox.slack, sandbox.slack.other_teams
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    slack.set_user(slack.ann, team_id=elsewhere)
    sandbox.clock.advance(minutes=6)  # what was known of her is forgotten
    sandbox.bot.workspace.refresh()
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    sandbox.rest()
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.rest()
    slack.submit(slack.ann)
    sandbox.drain()

    assert [each.state for each in sandbox.receipts()] == ["sent", "sent"]
    assert len(sandbox.genesys.received) == 2
    assert slack.complaints == []


def test_people_of_another_organisation_and_outside_the_group_send_nothing(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    outside = slack.types(slack.bob, f"/canned {sandbox.conversation} escalation", slack.channel)
    slack.set_user(slack.ann, team_id="T0THEIRS", is_stranger=True)
    sandbox.clock.advance(minutes=6)
    sandbox.bot.workspace.refresh()
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    assert "not a supervisor" in outside.text
    assert sandbox.genesys.received == []


def test_a_click_of_another_organisation_is_refused(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.enterprise_id = "E0THEIRS"
    said = slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    assert "does not serve this workspace" in said.text
    assert sandbox.receipts() == []


def test_check_finds_the_group_in_its_workspace(sandbox: Sandbox) -> None:
    found = checks.run(Settings.from_env(sandbox.environment()), now=sandbox.clock)

    lines = [checks.line(each) for each in found if "slack" in each.name or "group" in each.name]
    assert "ok    user group S0LEADS: 1 people" in lines
    assert f"ok    slack: signed in to {GRID}" in lines
