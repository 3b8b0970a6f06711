"""Whoever clicked hears how it ended, and the record is kept, though Slack does not take everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
ANSWER = "POST /response/*"


def types(sandbox: Sandbox, text: str) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {text}".replace("{conversation}", sandbox.conversation), slack.channel)


def filled_in(sandbox: Sandbox) -> None:
    """The window is open with a response chosen in it."""
    types(sandbox, "{conversation}")
    sandbox.drain()
    sandbox.slack.choose(sandbox.slack.ann, "Response", "escalation")
    sandbox.drain()


def aside(sandbox: Sandbox) -> list[str]:
    """What only Ann reads: notes and direct messages."""
    slack = sandbox.slack
    return [said.said for said in slack.ephemerals(slack.ann) + slack.direct_messages(slack.ann)]


def sent(said: list[str]) -> int:
    return sum("Sent" in each for each in said)


# -- how it ended ----------------------------------------------------------------------------


def test_an_answer_that_slack_drops_once_is_given_again(sandbox: Sandbox) -> None:
    sandbox.slack.fault(ANSWER, "status", status=500)
    types(sandbox, "{conversation} escalation")
    sandbox.drain()

    assert len(sandbox.slack.seen(ANSWER)) == 2
    assert sent(aside(sandbox)) == 1


@pytest.mark.parametrize("kind", ["status", "lost_before"])
def test_an_outcome_that_no_response_url_takes_is_told_in_a_note(sandbox: Sandbox, kind: str) -> None:
    sandbox.slack.fault(ANSWER, kind, times=None)
    types(sandbox, "{conversation} escalation")
    sandbox.drain()

    assert sent([note.said for note in sandbox.slack.ephemerals(sandbox.slack.ann)]) == 1


def test_an_outcome_that_no_note_can_tell_is_a_direct_message(sandbox: Sandbox) -> None:
    sandbox.slack.fault(ANSWER, "status", times=None)
    sandbox.slack.fault("POST /api/chat.postEphemeral", "status", times=None)
    types(sandbox, "{conversation} escalation")
    sandbox.drain()

    assert sent([said.said for said in sandbox.slack.direct_messages(sandbox.slack.ann)]) == 1


def test_a_refusal_after_the_ack_that_no_response_url_takes_is_told_in_a_note(sandbox: Sandbox) -> None:
    sandbox.slack.fault(ANSWER, "status", times=None)
    types(sandbox, "@bob escalation")
    types(sandbox, "{conversation} escalation at 2020-01-01 9:00")
    sandbox.drain()
    read = aside(sandbox)

    assert sandbox.receipts() == []
    assert any("conversation's id" in said for said in read)  # instead of the agent
    assert any("has passed" in said for said in read)


def test_what_was_scheduled_after_the_ack_is_said_though_no_response_url_takes_it(sandbox: Sandbox) -> None:
    sandbox.slack.fault(ANSWER, "status", times=None)
    at = sandbox.clock() + timedelta(days=2)
    types(sandbox, f"{{conversation}} escalation at {at:%Y-%m-%d} 9:00")
    sandbox.drain()

    assert any("is scheduled for" in said for said in aside(sandbox))


@pytest.mark.parametrize("kind", ["status", "429"])
def test_a_window_whose_update_slack_drops_once_shows_the_outcome(sandbox: Sandbox, kind: str) -> None:
    filled_in(sandbox)
    sandbox.slack.fault("POST /api/views.update", kind, retry_after=1)
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.drain()

    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    assert sent([view.text]) == 1


def test_a_window_that_cannot_be_updated_leaves_the_outcome_to_a_note(sandbox: Sandbox) -> None:
    filled_in(sandbox)
    sandbox.slack.fault("POST /api/views.update", "status", times=None)
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.drain()

    assert sent(aside(sandbox)) == 1


def test_answers_that_hang_hold_up_no_send(sandbox: Sandbox) -> None:
    sandbox.slack.fault(ANSWER, "hang", times=None, seconds=20)
    for number in range(17):
        chat = sandbox.genesys.start_chat(f"Customer {number}", users=[sandbox.genesys.ann])
        types(sandbox, f"{chat} escalation")

    # Sixteen threads send; all of them would hang now.
    assert sandbox.bot.parts.lanes.sends.wait_idle(10)
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT] * 17


# -- windows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["status", "lost_before"])
def test_a_window_that_does_not_open_is_answered_where_it_was_asked_for(sandbox: Sandbox, kind: str) -> None:
    sandbox.slack.fault("POST /api/views.open", kind)
    types(sandbox, "{conversation}")
    sandbox.drain()

    assert sandbox.slack.open_view(sandbox.slack.ann) is None
    assert "do the same again" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


TROUBLE = [{"kind": "status"}, {"kind": "lost_before"}, {"kind": "429", "retry_after": 1}]


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda trouble: trouble["kind"])
def test_a_window_shows_what_was_chosen_though_slack_did_not_take_it_at_first(
    sandbox: Sandbox, trouble: dict[str, Any]
) -> None:
    slack = sandbox.slack
    types(sandbox, "{conversation}")
    sandbox.drain()
    slack.fault("POST /api/views.update", **trouble)
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.drain()

    assert ESCALATION in preview(sandbox)


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda trouble: trouble["kind"])
def test_a_preview_shows_though_slack_did_not_take_it_at_first(
    sandbox: Sandbox, trouble: dict[str, Any]
) -> None:
    slack = sandbox.slack
    types(sandbox, "{conversation}")
    sandbox.drain()
    held = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    slack.choose(slack.ann, "Response", "escalation")
    assert held.arrived.wait(10)
    assert sandbox.bot.parts.lanes.windows.wait_idle(10)
    slack.fault("POST /api/views.update", **trouble)
    held.release()
    sandbox.drain()

    assert ESCALATION in preview(sandbox)


def preview(sandbox: Sandbox) -> str:
    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    return view.text.partition("Preview")[2]


def test_a_window_asked_for_from_anywhere_that_does_not_open_is_a_direct_message(sandbox: Sandbox) -> None:
    sandbox.slack.fault("POST /api/views.open", "status")
    sandbox.slack.shortcut(sandbox.slack.ann, "canned_open")
    sandbox.drain()

    assert "do the same again" in sandbox.slack.direct_messages(sandbox.slack.ann)[-1].said


# -- the record ------------------------------------------------------------------------------


def test_a_reply_waits_for_its_channel_and_new_sends_stop_meanwhile(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    types(sandbox, "{conversation} greeting topic=tea")
    sandbox.drain()
    held = sandbox.genesys.hold(sandbox.post)
    types(sandbox, "{conversation} escalation")
    assert held.arrived.wait(10)
    slack.set_channel(slack.channel, bot=False)
    held.release()
    sandbox.drain()
    types(sandbox, f"{sandbox.genesys.start_chat('Alan', users=[sandbox.genesys.ann])} escalation")
    sandbox.drain()
    assert len(sandbox.genesys.received) == 2
    assert "not in the team's channel" in aside(sandbox)[-1]

    slack.set_channel(slack.channel, bot=True)
    sandbox.clock.advance(minutes=6)
    sandbox.drain()
    card = next(card for card in slack.messages(slack.channel) if sandbox.conversation in card.said)
    assert sent([reply.said for reply in slack.thread(slack.channel, card.ts)]) == 2


@pytest.mark.parametrize("api", ["events"])
@pytest.mark.parametrize("kind", ["status", "lost_before", "429"])
def test_a_new_link_is_told_though_slack_fails_once(sandbox: Sandbox, kind: str) -> None:
    sandbox.slack.fault("POST /api/chat.postMessage", kind, retry_after=1)
    types(sandbox, "{conversation} escalation")
    sandbox.drain()

    told = [said.said for said in sandbox.slack.direct_messages(sandbox.slack.ann)]
    assert sum("found by your e-mail" in said for said in told) == 1
