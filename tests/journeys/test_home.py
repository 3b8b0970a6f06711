"""App Home: what a supervisor sees of their own there, and everything done from it without typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_view import View

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Callable[..., Sandbox]:
    """Ann leads a team, made as told."""

    def make(*teams: dict[str, Any], **team: Any) -> Sandbox:
        sandbox = make_sandbox()
        usual = {"name": "T", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
        sandbox.configure({"teams": [usual | team, *teams]})
        return sandbox.start()

    return make


def home(sandbox: Sandbox, who: str = "") -> View:
    """What stands there once all is done, if they have opened it before."""
    sandbox.drain()
    found = sandbox.slack.home(who or sandbox.slack.ann)
    assert found is not None
    return found


def shown_now(sandbox: Sandbox, who: str) -> View:
    """What stands there while something is held, for which nobody wants to wait."""
    lanes = sandbox.bot.parts.lanes
    assert lanes.windows.wait_idle(20)
    assert lanes.bulk.wait_idle(20)
    found = sandbox.slack.home(who)
    assert found is not None
    return found


def opens(sandbox: Sandbox, who: str = "") -> View:
    assert sandbox.slack.opens_home(who or sandbox.slack.ann).ok
    return home(sandbox, who)


def presses(sandbox: Sandbox, button: str, who: str = "") -> None:
    who = who or sandbox.slack.ann
    sandbox.slack.press(who, button, home(sandbox, who))
    sandbox.drain()


def types(sandbox: Sandbox, text: str) -> None:
    sandbox.slack.types(sandbox.slack.ann, f"/canned {text}", sandbox.slack.channel)
    sandbox.drain()


def window(sandbox: Sandbox) -> View:
    found = sandbox.slack.open_view(sandbox.slack.ann)
    assert found is not None
    return found


def test_it_sends_what_is_used_most_by_choosing_alone(office: Callable[..., Sandbox]) -> None:
    sandbox = office()
    types(sandbox, f"{sandbox.conversation} escalation")
    sandbox.clock.advance(seconds=61)
    before = opens(sandbox).text
    sandbox.clock.advance(seconds=5)
    presses(sandbox, "Send")
    if sandbox.api == "events":  # which has no list from which the only one could be filled in
        sandbox.slack.fill(sandbox.slack.ann, "Conversation", sandbox.conversation)
    sandbox.slack.submit(sandbox.slack.ann)
    after = home(sandbox).text

    assert "Ann" in before
    assert "sent once in 30 days" in before
    assert "sent 2 times in 30 days" in after  # shown again without being asked for
    assert after.count("[Send correction]") == 2
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION] * 2


def test_what_waits_is_taken_back_and_what_is_scheduled_is_cancelled(office: Callable[..., Sandbox]) -> None:
    sandbox = office(undo_seconds=60)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    slack.types(slack.ann, f"/canned {sandbox.conversation} greeting at tomorrow 9:00", slack.channel)
    assert sandbox.bot.parts.lanes.previews.wait_idle(20)
    assert slack.opens_home(slack.ann).ok
    shown = shown_now(sandbox, slack.ann)
    for button in ("Undo", "Cancel"):
        sandbox.clock.advance(seconds=5)  # else the Home would wait for its next turn in the room
        slack.press(slack.ann, button, shown)
    sandbox.clock.advance(seconds=5)
    slack.replay(2)
    after = shown_now(sandbox, slack.ann).text

    assert ("[Undo]" in shown.text, "[Cancel]" in shown.text) == (True, True)
    assert {receipt.state for receipt in sandbox.receipts()} == {State.CANCELLED}
    assert ("[Undo]" in after, "[Cancel]" in after) == (False, False)
    assert sandbox.genesys.received == []


def test_a_correction_starts_there_too(office: Callable[..., Sandbox]) -> None:
    sandbox = office()
    types(sandbox, f"{sandbox.conversation} escalation")
    opens(sandbox)
    presses(sandbox, "Send correction")

    assert window(sandbox).state["Message"] == ESCALATION


@pytest.mark.parametrize("api", ["events"])  # Genesys has no part in it
def test_somebody_else_sees_and_takes_back_nothing_of_it(office: Callable[..., Sandbox]) -> None:
    sandbox = office(undo_seconds=60)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    opens_lees = slack.opens_home(slack.lee)
    lees = shown_now(sandbox, slack.lee)
    [receipt] = sandbox.receipts()
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": slack.lee, "team_id": slack.team_id},
            "container": {"type": "view", "view_id": lees.id},
            "view": {"id": lees.id, "type": "home"},
            "trigger_id": slack.new_trigger(slack.lee),
            "actions": [
                {"type": "button", "action_id": "canned_home_back:0", "block_id": "b", "value": receipt.key}
            ],
        }
    )
    assert sandbox.bot.parts.lanes.windows.wait_idle(20)
    told = slack.open_view(slack.lee)

    assert opens_lees.ok
    assert "not a supervisor of any team" in lees.text
    assert sandbox.conversation not in lees.text
    assert sandbox.receipts()[0].state is State.PENDING
    assert told is not None
    assert "nothing to take back" in told.text


@pytest.mark.parametrize("api", ["events"])  # Genesys has no part in it
def test_with_several_teams_it_asks_for_which_and_keeps_what_was_chosen(
    office: Callable[..., Sandbox],
) -> None:
    other = {"name": "Billing", "channel": "C0BILLING", "supervisors": ["U0ANN"]}
    sandbox = office(other)
    types(sandbox, f"{sandbox.conversation} escalation")
    opens(sandbox)
    presses(sandbox, "Send")
    sandbox.slack.press(sandbox.slack.ann, "T")
    sandbox.drain()

    assert window(sandbox).state["Message"] == ESCALATION


@pytest.mark.parametrize("api", ["events"])  # Genesys has no part in it
def test_help_and_the_empty_window_are_a_click_away(office: Callable[..., Sandbox]) -> None:
    sandbox = office()
    opens(sandbox)
    presses(sandbox, "Help")
    told = window(sandbox).text
    presses(sandbox, "Send a response")

    assert "/canned scheduled" in told
    assert "Conversation" in window(sandbox).text


@pytest.mark.parametrize("api", ["events"])  # Genesys has no part in it
def test_the_tab_for_messages_is_not_the_home(office: Callable[..., Sandbox]) -> None:
    sandbox = office()
    assert sandbox.slack.opens_home(sandbox.slack.ann, tab="messages").ok
    sandbox.drain()

    assert sandbox.slack.home(sandbox.slack.ann) is None


@pytest.mark.parametrize("api", ["platform"])  # on the events contract nobody signs in
def test_signing_in_and_out_needs_no_command(office: Callable[..., Sandbox]) -> None:
    sandbox = office()
    opens(sandbox)
    presses(sandbox, "Disconnect Genesys")
    signed_out = home(sandbox).text
    presses(sandbox, "Connect Genesys")
    link = next(e["url"] for b in window(sandbox).blocks for e in b.get("elements", ()) if "url" in e)

    assert "Your tokens for" in signed_out
    assert "Sign in there once" in signed_out
    assert link.startswith(sandbox.environment()["CANNED_PUBLIC_URL"])


@pytest.mark.parametrize("api", ["platform"])
def test_where_an_operator_says_who_is_who_nobody_else_is_offered_a_sign_in(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox(config={"identity": ["operator"]}).start()
    seen = opens(sandbox, sandbox.slack.bob).text

    assert "onnect Genesys]" not in seen
    assert f"canned users link {sandbox.slack.bob}" in seen


@pytest.mark.parametrize("api", ["events"])
def test_where_nobody_signs_in_nothing_offers_to(office: Callable[..., Sandbox]) -> None:
    assert "onnect Genesys]" not in opens(office()).text


@pytest.mark.parametrize("api", ["platform"])
def test_a_slack_that_has_enough_gets_it_later(office: Callable[..., Sandbox]) -> None:
    sandbox = office()
    sandbox.slack.fault("POST /api/views.publish", "status", status=429, retry_after=1)

    assert "Ann" in opens(sandbox).text
