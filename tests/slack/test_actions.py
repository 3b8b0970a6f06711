from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message


def asked(sandbox: Sandbox, text: str, channel: str = "") -> Message:
    """Type, and return the note that Ann reads then."""
    slack = sandbox.slack
    line = f"/canned {text}".replace("{conversation}", sandbox.conversation)
    slack.types(slack.ann, line, channel or slack.channel)
    sandbox.drain()
    return slack.ephemerals(slack.ann)[-1]


def two_teams(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann is in two teams, and #lobby belongs to neither."""
    sandbox = make_sandbox()
    slack = sandbox.slack
    slack.add_channel("billing", [slack.ann])
    slack.add_channel("lobby", [slack.ann])
    channels = {"Support": slack.channel, "Billing": slack._channel("billing").id}
    teams = [{"name": name, "channel": c, "supervisors": [slack.ann]} for name, c in channels.items()]
    sandbox.configure({"teams": teams})
    return sandbox.start()


def test_the_same_again_is_asked_about_and_sent_on_a_click(sandbox: Sandbox) -> None:
    asked(sandbox, "{conversation} escalation")
    question = asked(sandbox, "{conversation} escalation")
    assert "Send it again?" in question.said
    assert len(sandbox.genesys.received) == 1

    sandbox.slack.press(sandbox.slack.ann, "Send it again", in_=question)
    sandbox.drain()
    assert len(sandbox.genesys.received) == 2
    assert "Sent" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


def test_a_question_answered_twice_sends_once(sandbox: Sandbox) -> None:
    asked(sandbox, "{conversation} escalation")
    question = asked(sandbox, "{conversation} escalation")
    for _ in range(3):
        sandbox.slack.press(sandbox.slack.ann, "Send it again", in_=question)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 2


def test_a_question_left_alone_sends_nothing(sandbox: Sandbox) -> None:
    asked(sandbox, "{conversation} escalation")
    question = asked(sandbox, "{conversation} escalation")
    sandbox.slack.press(sandbox.slack.ann, "Leave it", in_=question)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1
    assert "nothing was sent" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


def test_a_question_left_after_it_was_answered_reads_what_was_sent(sandbox: Sandbox) -> None:
    asked(sandbox, "{conversation} escalation")
    question = asked(sandbox, "{conversation} escalation")
    for button in ("Send it again", "Leave it"):
        sandbox.slack.press(sandbox.slack.ann, button, in_=question)
        sandbox.drain()
    read = [note.said for note in sandbox.slack.ephemerals(sandbox.slack.ann)]

    assert len(sandbox.genesys.received) == 2
    assert not any("nothing was sent" in said for said in read)
    assert any("Too late to take it back" in said and "Sent" in said for said in read)


def test_a_question_left_after_it_was_answered_takes_back_what_still_waits(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "undo_seconds": 3}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    asked(sandbox, "{conversation} escalation")
    question = asked(sandbox, "{conversation} escalation")
    for button in ("Send it again", "Leave it"):
        slack.press(slack.ann, button, in_=question)
        assert sandbox.bot.parts.lanes.windows.wait_idle(20)  # each is answered before the next click
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1
    assert any("took it back" in note.said for note in slack.ephemerals(slack.ann))


def test_a_command_outside_the_teams_channels_asks_for_the_team(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = two_teams(make_sandbox)
    question = asked(sandbox, "{conversation} escalation", "lobby")
    assert "For which team" in question.said
    assert sandbox.genesys.received == []

    sandbox.slack.press(sandbox.slack.ann, "Billing", in_=question)
    sandbox.drain()
    assert [receipt.request.team for receipt in sandbox.receipts()] == ["Billing"]
    assert len(sandbox.genesys.received) == 1


def test_the_window_asks_for_the_team_too(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = two_teams(make_sandbox)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation}", "lobby")
    sandbox.drain()
    slack.press(slack.ann, "Billing")
    sandbox.drain()
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.drain()
    slack.submit(slack.ann)
    sandbox.drain()

    assert [receipt.request.team for receipt in sandbox.receipts()] == ["Billing"]
    assert len(sandbox.genesys.received) == 1
