from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.sandbox.sandbox import Sandbox


def typed(sandbox: Sandbox, text: str, *, user: str = "") -> str:
    """What is answered at once to `/canned text`."""
    slack = sandbox.slack
    line = f"/canned {text}".replace("{conversation}", sandbox.conversation).strip()
    return slack.types(user or slack.ann, line, slack.channel).text


def told(sandbox: Sandbox) -> list[str]:
    sandbox.drain()
    return [message.said for message in sandbox.slack.ephemerals(sandbox.slack.ann)]


def test_a_typed_send_is_answered_at_once_and_then_with_its_outcome(sandbox: Sandbox) -> None:
    at_once = typed(sandbox, "{conversation} escalation")

    assert "Sending escalation to" in at_once
    last = told(sandbox)[-1]
    assert "Sent" in last
    assert sandbox.genesys.customer_sees(sandbox.conversation)[-1] in last


def test_a_replayed_command_sends_once(sandbox: Sandbox) -> None:
    typed(sandbox, "{conversation} escalation")
    sandbox.slack.replay(3, at_once=True)
    told(sandbox)

    assert len(sandbox.genesys.received) == 1


def test_values_and_links_arrive_as_they_were_meant(sandbox: Sandbox) -> None:
    typed(sandbox, "{conversation} greeting topic=“R&D's <order>”")
    told(sandbox)

    assert sandbox.genesys.received[0].text.endswith("How can I help with R&D's <order>?")


def test_the_window_opens_filled_in(sandbox: Sandbox) -> None:
    assert typed(sandbox, "{conversation}") == ""
    sandbox.drain()

    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    assert sandbox.conversation in view.text


def test_the_window_opens_while_genesys_hangs(sandbox: Sandbox) -> None:
    sandbox.genesys.fault("*", "hang", times=None, seconds=30)
    typed(sandbox, "{conversation} escalation")
    typed(sandbox, "")
    sandbox.bot.parts.lanes.windows.wait_idle(5)

    assert sandbox.slack.open_view(sandbox.slack.ann) is not None
    sandbox.genesys.clear_faults()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("help", "/canned list"),
        ("HELP", "/canned undo"),
        ("list", "escalation"),
        ("list specialist", "Escalated to a specialist"),
        ("list zzzzzz", "Nothing matches “zzzzzz”"),
        ("me", "You send for Support EMEA"),
        ("recent", "You have not sent anything yet."),
        ("undo", "nothing to take back"),
        ("connect", "an operator links people"),
        ("disconnect", "an operator links people"),
        ("scheduled", "Nothing of yours waits for a later time"),
        ("undo all", "undo stands alone"),
        ("{conversation} greeting topic", "“topic” is not name=value"),
        ("{conversation} escalaton", "Did you mean escalation"),
        ("escalation {conversation}", "“escalation” is not a conversation, so nothing was sent"),
    ],
)
def test_a_word_is_answered_to_the_person_alone(sandbox: Sandbox, text: str, says: str) -> None:
    answer = typed(sandbox, text)

    assert says in answer
    assert sandbox.slack.messages(sandbox.slack.channel) == []
    assert sandbox.receipts() == []


def test_recent_shows_what_was_sent(sandbox: Sandbox) -> None:
    typed(sandbox, "{conversation} escalation")
    told(sandbox)

    assert "Sent" in typed(sandbox, "recent")
    assert "escalation" in typed(sandbox, "recent")


def test_undo_takes_back_what_is_held(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "undo_seconds": 60}
    sandbox.configure({"teams": [team]})
    sandbox.start()

    assert "/canned undo takes it back" in typed(sandbox, "{conversation} escalation")
    assert "Not sent" in typed(sandbox, "undo")
    assert sandbox.genesys.received == []


def test_somebody_without_a_team_reads_so_in_the_window(sandbox: Sandbox) -> None:
    typed(sandbox, "", user=sandbox.slack.bob)
    sandbox.drain()

    view = sandbox.slack.open_view(sandbox.slack.bob)
    assert view is not None
    assert "not a supervisor" in view.text
