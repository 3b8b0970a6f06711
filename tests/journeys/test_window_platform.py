"""What the platform alone tells the window: messages and their times, rights, a queue's libraries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.models import State
from bot.sandbox.sandbox import TEAM, Sandbox

from .test_window import ESCALATION, READ, choose, offered, opened, preview, submit, window

BULK = "POST /api/v2/conversations/messages/{id}/messages/bulk"


@pytest.fixture
def api() -> str:
    """The events contract has no messages to read, no divisions and no libraries."""
    return "platform"


@pytest.fixture
def ready(sandbox: Sandbox) -> Sandbox:
    """The window is filled in, and shows everything."""
    opened(sandbox)
    choose(sandbox, "escalation")
    return sandbox


def said_to_ann(sandbox: Sandbox) -> str:
    """What she was told last, now that all is said."""
    sandbox.drain()
    assert sandbox.bot.parts.lanes.windows.wait_idle(10)
    return sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


def types(sandbox: Sandbox, response: str, chat: str) -> str:
    """How it ended for what Ann typed."""
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {chat} {response}", slack.channel)
    sandbox.drain()
    return slack.ephemerals(slack.ann)[-1].said


def test_what_the_customer_wrote_meanwhile_is_shown_and_asked_about(ready: Sandbox) -> None:
    ready.genesys.customer_writes(ready.conversation, "It has just arrived!")
    asked = submit(ready)
    assert "The customer wrote meanwhile, so nothing was sent." in asked.text
    assert "It has just arrived!" in asked.text
    assert ready.genesys.received == []

    ready.genesys.customer_writes(ready.conversation, "Thanks anyway.")  # more than was shown
    again = submit(ready)
    assert "Thanks anyway." in again.text
    assert ready.genesys.received == []
    assert "Sent" in submit(ready).text
    assert ready.genesys.customer_sees(ready.conversation) == [ESCALATION]
    assert [receipt.state for receipt in ready.receipts()] == [State.SENT, State.CANCELLED, State.CANCELLED]


def test_what_happens_after_the_answer_in_a_note_is_asked_about_in_the_next(ready: Sandbox) -> None:
    slack = ready.slack
    ready.genesys.customer_writes(ready.conversation, "It has just arrived!")
    hold = ready.genesys.hold(READ)
    slack.submit(slack.ann)
    slack.close(slack.ann)
    hold.release()
    said_to_ann(ready)
    ready.genesys.customer_writes(ready.conversation, "Thanks anyway.")
    slack.press(slack.ann, "Send anyway", slack.ephemerals(slack.ann)[-1])
    assert "The customer wrote meanwhile" in said_to_ann(ready)
    assert ready.genesys.received == []

    slack.press(slack.ann, "Send anyway", slack.ephemerals(slack.ann)[-1])
    assert "Sent" in said_to_ann(ready)
    assert ready.genesys.customer_sees(ready.conversation) == [ESCALATION]


def test_the_question_stands_while_genesys_does_not_show_what_was_written(ready: Sandbox) -> None:
    ready.genesys.customer_writes(ready.conversation, "It has just arrived!")
    ready.genesys.fault(BULK, "status", status=503, times=None)
    asked = submit(ready)

    assert "The customer wrote meanwhile" in asked.text
    assert "could not be read" in asked.text
    assert "Sent" in submit(ready).text


def test_what_changed_twice_is_said_in_one_sentence(ready: Sandbox) -> None:
    ready.genesys.customer_writes(ready.conversation, "Hello?")
    ready.genesys.leave(ready.conversation, ready.genesys.bob)

    assert "The customer wrote meanwhile and the agent has left, so nothing was sent." in submit(ready).text


def test_a_customer_whom_only_a_flow_has_answered_still_waits(ready: Sandbox) -> None:
    ready.clock.advance(minutes=4)
    ready.genesys.flow_says(ready.conversation, "We will be with you shortly.")
    ready.slack.fill(ready.slack.ann, "Conversation", ready.conversation, enter=True)

    assert "waits for an answer, 4 min" in window(ready).text


def test_what_came_after_the_last_look_is_seen_by_looking_again(ready: Sandbox) -> None:
    ready.genesys.customer_writes(ready.conversation, "It has just arrived!")
    ready.slack.press(ready.slack.ann, "Refresh")
    assert "It has just arrived!" in window(ready).text

    assert "Sent" in submit(ready).text


def test_a_conversation_that_was_never_shown_is_sent_into_as_if_typed(ready: Sandbox) -> None:
    other = ready.genesys.start_chat("Ada King", agents=[ready.genesys.ann])
    ready.slack.fill(ready.slack.ann, "Conversation", other)
    ready.genesys.customer_writes(ready.conversation, "It has just arrived!")

    assert "Sent" in submit(ready).text
    assert ready.genesys.customer_sees(other) == [ESCALATION]


def test_nobody_reads_what_their_own_rights_do_not_show(sandbox: Sandbox) -> None:
    ann = sandbox.genesys.users[sandbox.genesys.ann]
    usual = ann.permissions
    ann.permissions = usual - {"conversation:message:view", "conversation:webmessaging:view"}
    shown = opened(sandbox).text
    ann.permissions = usual
    ann.divisions = frozenset({"Elsewhere"})
    sandbox.slack.press(sandbox.slack.ann, "Refresh")
    away = window(sandbox)

    assert "Grace Hopper" in shown
    assert "my order" not in shown
    assert "conversation:message:view" in shown
    assert "division" in preview(away)


def test_on_whatsapp_a_day_after_the_customer_wrote_only_templates_go(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    slack, genesys = sandbox.slack, sandbox.genesys
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "libraries": ["Billing"]}
    sandbox.configure({"teams": [team]})
    genesys.add_response(genesys.add_library("Billing"), "Parcel", "Your parcel.", kind="MessagingTemplate")
    sandbox.start().drain()
    chat = genesys.start_chat("Ada King", agents=[genesys.ann], channel="whatsapp")
    genesys.customer_writes(chat, "Hello")
    sandbox.clock.advance(hours=23)
    assert "Sent" in types(sandbox, "escalation", chat)
    sandbox.clock.advance(hours=2)

    typed = types(sandbox, "escalation", chat)
    assert "Not sent" in typed
    assert "more than 24 hours old" in typed
    opened(sandbox, chat)
    assert "approved templates only" in preview(choose(sandbox, "escalation"))
    assert "Sent" in types(sandbox, "parcel", chat)
    genesys.customer_writes(chat, "Hello again")
    assert "Sent" in types(sandbox, "escalation", chat)


def test_what_the_queue_does_not_use_is_not_offered_even_while_genesys_hangs(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    slack, genesys = sandbox.slack, sandbox.genesys
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "libraries": ["Billing"]}
    sandbox.configure({"teams": [team]})
    genesys.add_response(genesys.add_library("Billing"), "Refund", "Your refund.")
    genesys.queue("Support EMEA").libraries_mode = "None"
    sandbox.start().drain()
    elsewhere = genesys.start_chat("Ada King", agents=[genesys.ann], queue="Billing")

    def refunds(chat: str) -> list[str]:
        opened(sandbox, chat)
        genesys.fault("*", "hang", times=None, seconds=30)
        found = offered(sandbox, "refund")
        genesys.clear_faults()
        return found

    assert refunds(sandbox.conversation) == []
    assert refunds(elsewhere) == ["refund"]


def test_asked_again_it_still_goes_the_way_that_was_chosen(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    slack, genesys = sandbox.slack, sandbox.genesys
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "queues": ["Support EMEA"]}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    sandbox.link_user(slack.bob, genesys.bob)
    genesys.leave(sandbox.conversation, genesys.ann)
    opened(sandbox)
    choose(sandbox, "escalation")
    submit(sandbox)
    genesys.customer_writes(sandbox.conversation, "Hello?")
    slack.press(slack.ann, "Ask Bob Ray")
    assert "The customer wrote meanwhile" in window(sandbox).text
    submit(sandbox)
    asked = slack.direct_messages(slack.bob)[-1]
    genesys.customer_writes(sandbox.conversation, "Are you there?")  # Bob sees that himself
    slack.press(slack.bob, "Send", asked)
    sandbox.drain()

    assert [(sent.text, sent.from_id) for sent in genesys.received] == [(ESCALATION, genesys.bob)]
