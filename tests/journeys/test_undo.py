"""Taking back what has not left yet, by the button beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."


@pytest.fixture
def held(make_sandbox: Callable[..., Sandbox]) -> Callable[[int], Sandbox]:
    """A sandbox whose team holds each send for so many seconds."""

    def make(seconds: int) -> Sandbox:
        sandbox = make_sandbox()
        team = {"name": "T", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
        sandbox.configure({"teams": [team | {"undo_seconds": seconds}]})
        return sandbox.start()

    return make


def types(sandbox: Sandbox) -> str:
    slack = sandbox.slack
    return slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel).text


def windows_done(sandbox: Sandbox) -> None:
    assert sandbox.bot.parts.lanes.windows.wait_idle(20)


def test_undo_on_the_answer_takes_it_back_and_is_told_once(held: Callable[[int], Sandbox]) -> None:
    sandbox = held(3)
    slack = sandbox.slack
    said = types(sandbox)
    slack.press(slack.ann, "Undo", slack.ephemerals(slack.ann)[-1])
    slack.replay(2)
    sandbox.drain()  # past the moment at which it would have left
    notes = [note.said for note in slack.ephemerals(slack.ann)]

    assert "in 3 seconds" in said
    assert sandbox.genesys.received == []
    assert len(notes) == 1
    assert "Not sent: escalation" in notes[0]
    assert "took it back before it left" in notes[0]


def test_who_took_it_back_is_on_record(held: Callable[[int], Sandbox]) -> None:
    sandbox = held(60)
    slack = sandbox.slack
    types(sandbox)
    slack.press(slack.ann, "Undo", slack.ephemerals(slack.ann)[-1])
    last = sandbox.bot.parts.store.audit(sandbox.receipts()[0].key)[-1]

    assert (last.event, last.detail["state"], last.actor) == ("settled", "cancelled", slack.ann)


def test_the_same_again_while_it_is_held_reads_that_it_waits(held: Callable[[int], Sandbox]) -> None:
    sandbox = held(60)
    types(sandbox)
    asked = types(sandbox)
    sandbox.slack.types(sandbox.slack.ann, "/canned undo", sandbox.slack.channel)

    assert "s ago and still waits to leave for this conversation. Send it again?" in asked


def test_undo_in_the_window_takes_it_back_there(held: Callable[[int], Sandbox]) -> None:
    sandbox = held(60)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    windows_done(sandbox)
    slack.choose(slack.ann, "Response", "escalation")
    assert sandbox.bot.parts.lanes.previews.wait_idle(20)
    windows_done(sandbox)
    slack.submit(slack.ann)
    slack.press(slack.ann, "Undo")
    windows_done(sandbox)
    view = slack.open_view(slack.ann)

    assert view is not None
    assert "took it back before it left" in view.text
    assert sandbox.receipts()[0].state is State.CANCELLED


def test_too_late_is_said_with_how_it_ended_and_the_card_speaks_once(held: Callable[[int], Sandbox]) -> None:
    sandbox = held(1)
    slack = sandbox.slack
    types(sandbox)
    answer = slack.ephemerals(slack.ann)[-1]
    before = slack.messages(slack.channel)
    sandbox.drain()
    slack.press(slack.ann, "Undo", answer)
    sandbox.drain()

    assert before == []
    [card] = slack.messages(slack.channel)
    assert "Sent" in card.said
    assert len(slack.thread(slack.channel, card.ts)) == 1
    assert any("Too late to take it back." in note.said for note in slack.ephemerals(slack.ann))
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_nobody_else_takes_it_back(held: Callable[[int], Sandbox]) -> None:
    sandbox = held(60)
    slack = sandbox.slack
    types(sandbox)
    key = sandbox.receipts()[0].key
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": slack.lee, "team_id": slack.team_id},
            "channel": {"id": slack.channel, "name": "x"},
            "container": {"type": "message", "message_ts": "1.2", "channel_id": slack.channel},
            "trigger_id": "9.9.forged",
            "response_url": f"{slack.url}/response/none",
            "actions": [{"type": "button", "action_id": "canned_undo", "block_id": "b", "value": key}],
        }
    )

    assert sandbox.receipts()[0].state is State.PENDING
