"""From the slash command to the customer, the supervisor and the team's thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.sandbox.sandbox import Sandbox
from tests.hands import types

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."


def test_the_customer_gets_the_text_once_from_the_supervisor(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")

    [sent] = sandbox.genesys.received
    assert (sent.conversation_id, sent.text) == (sandbox.conversation, ESCALATION)
    assert sent.from_id == sandbox.genesys.ann


@pytest.mark.parametrize("api", ["events"])
def test_the_message_is_marked_for_reports(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")

    [sent] = sandbox.genesys.received
    assert sent.metadata["source"] == "canned_response_bot"
    assert sent.metadata["response"] == "escalation"


def test_the_supervisor_reads_sent(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")

    assert "sent" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said.casefold()


def test_the_team_reads_who_sent_what_as_a_reply_to_one_card(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    types(sandbox, "/canned {conversation} greeting topic='your refund'")

    [card] = sandbox.slack.messages(sandbox.slack.channel)
    first, second = sandbox.slack.thread(sandbox.slack.channel, card.ts)
    assert ESCALATION in first.said
    assert "Hello Grace Hopper, I am Ann Lee. How can I help with your refund?" in second.said
    assert all(f"<@{sandbox.slack.ann}>" in reply.said or "Ann" in reply.said for reply in (first, second))


def test_a_genesys_address_and_curly_quotes_work(sandbox: Sandbox) -> None:
    address = f"<{sandbox.genesys.url}/directory/#/engage/{sandbox.conversation}|conversation>"
    types(sandbox, f"/canned {address} greeting topic=“Ann & Co's order”")

    [text] = sandbox.genesys.customer_sees(sandbox.conversation)
    assert "Ann & Co's order" in text


def test_the_same_response_within_a_minute_is_asked_about_first(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    types(sandbox, "/canned {conversation} escalation")

    question = sandbox.slack.ephemerals(sandbox.slack.ann)[-1]
    assert len(sandbox.genesys.received) == 1
    assert "again" in question.said

    sandbox.slack.press(sandbox.slack.ann, "Send it again", question)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION, ESCALATION]


@pytest.mark.parametrize("api", ["platform"])
def test_an_id_in_capitals_is_the_same_conversation(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    types(sandbox, f"/canned {sandbox.conversation.upper()} escalation")

    assert "again" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said
    assert len(sandbox.genesys.received) == 1


def test_the_same_response_a_minute_later_is_not_asked_about(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    sandbox.clock.advance(seconds=61)
    types(sandbox, "/canned {conversation} escalation")

    assert len(sandbox.genesys.received) == 2


def test_four_deliveries_of_the_same_command_send_once(sandbox: Sandbox) -> None:
    command = f"/canned {sandbox.conversation} escalation"
    sandbox.slack.types(sandbox.slack.ann, command, sandbox.slack.channel)
    sandbox.slack.replay(3)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    [card] = sandbox.slack.messages(sandbox.slack.channel)
    assert len(sandbox.slack.thread(sandbox.slack.channel, card.ts)) == 1


@pytest.mark.parametrize("taken_back", [True, False])
def test_within_the_undo_window_it_can_be_taken_back(
    make_sandbox: Callable[..., Sandbox], taken_back: bool
) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "undo_seconds": 60}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    ack = slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    undone = slack.types(slack.ann, "/canned undo", slack.channel).text if taken_back else "took it back"
    sandbox.stop_bot()
    sandbox.clock.advance(minutes=2)
    sandbox.start_bot().drain()

    assert "/canned undo" in ack.text
    assert "took it back" in undone
    assert sandbox.genesys.customer_sees(sandbox.conversation) == ([] if taken_back else [ESCALATION])
