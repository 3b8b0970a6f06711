"""Setting right what was sent: who may, what the customer sees, and what the thread says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from tests.hands import chooses

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
RIGHT = "Sorry, it was our billing team."


@pytest.fixture
def sent(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann has sent a response; Bob is another supervisor of her team, Lee is none."""
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann, slack.bob]}
    sandbox.configure({"teams": [team], "identity": ["operator"]})
    sandbox.start().link()
    sandbox.link_user(slack.bob, sandbox.genesys.bob)
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    return sandbox


def reply(sandbox: Sandbox) -> Message:
    [card] = sandbox.slack.messages(sandbox.slack.channel)
    return sandbox.slack.thread(sandbox.slack.channel, card.ts)[-1]


def corrects(sandbox: Sandbox, who: str, in_: Message | None) -> None:
    slack = sandbox.slack
    slack.press(who, "Send correction", in_)
    sandbox.drain()
    slack.fill(who, "Message", RIGHT)
    slack.submit(who)
    slack.replay(2)
    sandbox.drain()


def test_the_window_opens_with_what_was_sent_and_says_that_it_stays(sent: Sandbox) -> None:
    sent.slack.press(sent.slack.ann, "Send correction", reply(sent))
    sent.drain()
    view = sent.slack.open_view(sent.slack.ann)

    assert view is not None
    assert view.state["Conversation"] == sent.conversation
    assert view.state["Message"] == ESCALATION
    assert "Genesys cannot take that one back" in view.text
    assert len(sent.receipts()) == 1


def test_a_correction_follows_what_it_corrects_once_and_the_thread_says_so(sent: Sandbox) -> None:
    corrects(sent, sent.slack.ann, reply(sent))
    second, first = sent.receipts()

    assert sent.genesys.customer_sees(sent.conversation) == [ESCALATION, RIGHT]
    assert (second.request.corrects, second.request.edited) == (first.key, True)
    assert "corrects the message of" in reply(sent).said
    [claimed, *_] = sent.bot.parts.store.audit(second.key)
    assert claimed.detail["corrects"] == first.key


def test_it_starts_from_the_answer_that_only_its_supervisor_sees_too(sent: Sandbox) -> None:
    corrects(sent, sent.slack.ann, sent.slack.ephemerals(sent.slack.ann)[-1])

    assert sent.genesys.customer_sees(sent.conversation) == [ESCALATION, RIGHT]


def test_it_starts_from_the_window_in_which_it_was_sent_too(sent: Sandbox) -> None:
    slack = sent.slack
    chooses(sent)
    sent.clock.advance(seconds=61)
    slack.submit(slack.ann)
    sent.drain()
    corrects(sent, slack.ann, None)

    assert sent.genesys.customer_sees(sent.conversation) == [ESCALATION, ESCALATION, RIGHT]


def test_where_slack_takes_no_further_window_it_is_said_how_to_go_on(sent: Sandbox) -> None:
    slack = sent.slack
    slack.press(slack.ann, "Send correction", reply(sent))
    for number in range(3):
        sent.drain()
        slack.fill(slack.ann, "Message", f"{RIGHT} {number}")
        sent.clock.advance(seconds=61)
        slack.submit(slack.ann)
        sent.drain()
        slack.press(slack.ann, "Send correction")
    sent.drain()
    told = slack.direct_messages(slack.ann)[-1].said
    assert len(sent.genesys.customer_sees(sent.conversation)) == 4
    assert "Slack was too slow" not in told
    assert "close those that are open and press Send correction in the conversation's thread" in told
    for _ in range(3):
        slack.close(slack.ann)
    corrects(sent, slack.ann, reply(sent))

    assert sent.genesys.customer_sees(sent.conversation)[-1] == RIGHT


def sends(sandbox: Sandbox, text: str, response: dict[str, object], line: str = "", chat: str = "") -> str:
    """Ann sends `response`, presses the button, and sees the window; what its preview shows."""
    sandbox.configure({"responses": {"it": {"title": "It", "text": text} | response}})
    slack = sandbox.start().slack
    slack.types(slack.ann, f"/canned {chat or sandbox.conversation} it {line}", slack.channel)
    sandbox.drain()
    slack.press(slack.ann, "Send correction", slack.ephemerals(slack.ann)[-1])
    sandbox.drain()
    view = slack.open_view(slack.ann)
    assert view is not None
    return view.text.partition("Preview")[2]


def test_a_fixed_text_is_shown_as_it_would_go_again(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    shown = sends(sandbox, "Hello {{CUSTOMER_NAME}}.", {"editable": False})

    assert "Hello Grace Hopper." in shown
    assert "is fixed" not in shown


def test_what_a_customer_calls_themselves_is_no_variable_in_a_correction_either(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    genesys = sandbox.genesys
    chat = genesys.start_chat("{{AGENT_NAME}}", agents=[genesys.bob], users=[genesys.ann])
    shown = sends(sandbox, "Hello {{CUSTOMER_NAME}}.", {}, chat=chat)

    assert "Hello {{AGENT_NAME}}." in shown
    assert "Ann Lee" not in shown


def test_a_text_that_its_input_cannot_hold_is_not_cut(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    names = "abcdefg"
    line = " ".join(f"{name}={'🎉' * 250}" for name in names)  # Slack may count each of them as two
    sends(sandbox, "".join(f"{{{{{name}}}}}" for name in names), {}, line)
    view = sandbox.slack.open_view(sandbox.slack.ann)

    assert view is not None
    assert view.state["Message"].startswith("{{a}}")


def test_another_supervisor_of_the_team_may_and_nobody_else(sent: Sandbox) -> None:
    slack = sent.slack
    slack.press(slack.lee, "Send correction", reply(sent))
    sent.drain()
    refused = slack.ephemerals(slack.lee)[-1].said
    corrects(sent, slack.bob, reply(sent))

    assert "You are not a supervisor of T" in refused
    assert slack.open_view(slack.lee) is None
    assert sent.genesys.customer_sees(sent.conversation) == [ESCALATION, RIGHT]
    assert sent.receipts()[0].request.supervisor == slack.bob


def test_a_second_correction_within_a_minute_is_asked_about(sent: Sandbox) -> None:
    first = reply(sent)
    corrects(sent, sent.slack.ann, first)
    corrects(sent, sent.slack.ann, first)

    assert sent.genesys.customer_sees(sent.conversation) == [ESCALATION, RIGHT]
    view = sent.slack.open_view(sent.slack.ann)
    assert view is not None
    assert "Send it again?" in view.text


def test_in_another_conversation_it_corrects_nothing(sent: Sandbox) -> None:
    slack, genesys = sent.slack, sent.genesys
    other = genesys.start_chat("Alan Turing", agents=[genesys.bob], users=[genesys.ann])
    slack.press(slack.ann, "Send correction", reply(sent))
    sent.drain()
    slack.fill(slack.ann, "Conversation", other)
    slack.submit(slack.ann)
    sent.drain()

    assert genesys.customer_sees(other) == [ESCALATION]
    assert sent.receipts()[0].request.corrects is None


@pytest.mark.parametrize("place", [("C0SUPPORT", "1.2"), ("C0OTHER", "")])
def test_a_button_elsewhere_opens_nothing(sent: Sandbox, place: tuple[str, str]) -> None:
    slack, (channel, ts) = sent.slack, place
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": slack.ann, "team_id": slack.team_id},
            "channel": {"id": channel, "name": "x"},
            "container": {"type": "message", "message_ts": ts or reply(sent).ts, "channel_id": channel},
            "trigger_id": slack.new_trigger(slack.ann),
            "response_url": f"{slack.url}/response/none",
            "actions": [
                {
                    "type": "button",
                    "action_id": "canned_correct",
                    "block_id": "b",
                    "value": sent.receipts()[0].key,
                }
            ],
        }
    )
    sent.drain()

    assert slack.open_view(slack.ann) is None


def test_what_was_not_sent_has_no_correction(sent: Sandbox) -> None:
    sent.genesys.end(sent.conversation)
    sent.clock.advance(seconds=61)
    sent.slack.types(sent.slack.ann, f"/canned {sent.conversation} escalation", sent.slack.channel)
    sent.drain()

    assert sent.receipts()[0].state is State.REFUSED
    assert "Send correction" not in reply(sent).said
