"""What becomes of a message after it was sent, as the team reads it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from tests.hands import thread, types
from tests.processes import Nursery, spawn

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
NUMBER = "The number is not in service."
BULK = "POST /api/v2/conversations/messages/{id}/messages/bulk"
SEND = "POST /api/v2/conversations/messages/{id}/communications/{id}/messages"


@pytest.fixture
def api() -> str:
    """Only the platform says what becomes of a message."""
    return "platform"


def look(sandbox: Sandbox, seconds: float) -> None:
    """Let time pass, and the bot look at what is due then."""
    sandbox.clock.advance(seconds=seconds)
    sandbox.bot.sweep()
    sandbox.drain()


def card(sandbox: Sandbox) -> str:
    [message] = sandbox.slack.messages(sandbox.slack.channel)
    return message.said


def bulk_reads(sandbox: Sandbox) -> int:
    return sum(each.path.endswith("/messages/bulk") for each in sandbox.genesys.requests)


def test_the_card_follows_the_message_to_the_customer(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    said = [card(sandbox)]
    for seconds in (5, 15):
        sandbox.genesys.advance_delivery()
        look(sandbox, seconds)
        said.append(card(sandbox))
    sandbox.genesys.read_messages(sandbox.conversation)
    look(sandbox, 40)
    said.append(card(sandbox))

    for word, each in zip(["Sent (queued):", "Sent:", "Delivered:", "Read:"], said, strict=True):
        assert word in each
    assert len(thread(sandbox)) == 1
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


@pytest.mark.parametrize("gives_ids", [True, False])
def test_looks_leave_genesys_rate_to_what_is_still_to_be_sent(
    make_sandbox: Callable[..., Sandbox], gives_ids: bool
) -> None:
    sandbox = make_sandbox()
    sandbox.genesys.rate_limit, sandbox.genesys.empty_answers = 10, not gives_ids
    sandbox.start()
    types(sandbox, "/canned {conversation} escalation")
    sandbox.genesys.advance_delivery()
    sandbox.genesys.forget()
    look(sandbox, 5)
    assert sandbox.genesys.requests == []

    look(sandbox, 60)
    assert bulk_reads(sandbox) == 1
    assert "Sent:" in card(sandbox)


def test_a_message_that_cannot_be_delivered_is_told_to_the_team_and_to_its_sender(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    [sent] = sandbox.genesys.received
    sandbox.genesys.fail_delivery(sent.id, reason=NUMBER)
    for seconds in (5, 15):
        sandbox.genesys.advance_delivery()
        look(sandbox, seconds)

    assert "Failed" in card(sandbox)
    assert NUMBER in card(sandbox)
    first, second = thread(sandbox)
    assert "Sent" in first
    assert "Failed" in second
    assert "The number is not in service" in second
    direct = sandbox.slack.direct_messages(sandbox.slack.ann)[-1].said
    assert "Failed" in direct
    assert "did not get it" in direct
    recent = sandbox.slack.types(sandbox.slack.ann, "/canned recent", sandbox.slack.channel)
    assert "Failed" in recent.body
    assert sandbox.genesys.customer_sees(sandbox.conversation) == []


def test_looks_come_after_the_send_and_end(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    assert bulk_reads(sandbox) == 0
    for _ in range(30):
        look(sandbox, 20)

    assert bulk_reads(sandbox) == 4


def test_looking_goes_on_after_a_restart(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    sandbox.stop_bot()
    sandbox.genesys.advance_delivery()
    sandbox.genesys.advance_delivery()
    sandbox.clock.advance(seconds=30)
    sandbox.start_bot()
    sandbox.drain()
    look(sandbox, 0)

    assert "Delivered" in card(sandbox)


def test_a_message_whose_answer_was_lost_and_that_failed_was_not_sent(sandbox: Sandbox) -> None:
    sandbox.genesys.fault(SEND, "lost_after")
    look = sandbox.genesys.hold(BULK)
    sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    assert look.arrived.wait(10)
    [sent] = sandbox.genesys.received
    sandbox.genesys.fail(sent.id)
    look.release()
    sandbox.drain()

    [receipt] = sandbox.receipts()
    assert (receipt.state, receipt.message_id) == (State.UNSENT, sent.id)
    assert "Not sent" in card(sandbox)
    assert "did not get it" in sandbox.slack.direct_messages(sandbox.slack.ann)[-1].said
    assert bulk_reads(sandbox) == 1


def test_a_message_taken_without_an_id_is_followed_too(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    sandbox.genesys.empty_answers = True
    sandbox.start()
    types(sandbox, "/canned {conversation} escalation")
    sandbox.genesys.advance_delivery()
    sandbox.genesys.advance_delivery()
    look(sandbox, 5)

    assert "Delivered" in card(sandbox)
    assert sandbox.receipts()[0].message_id == sandbox.genesys.received[0].id


def test_what_another_send_accounts_for_is_not_taken_for_the_lost_message(
    make_sandbox: Callable[..., Sandbox], nursery: Nursery
) -> None:
    sandbox = make_sandbox().open().link()
    slack = sandbox.slack
    first = spawn(sandbox, nursery)
    types(sandbox, "/canned {conversation} escalation")
    lost = sandbox.genesys.hold(SEND, then="lost_before")
    types_again = slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    assert "again" in types_again.body
    slack.press(slack.ann, "Send it again", slack.ephemerals(slack.ann)[-1])
    assert lost.arrived.wait(20)
    first.kill()
    lost.release()
    sandbox.clock.advance(seconds=30)  # the dead process's last beat is old by now
    sandbox.start_bot().drain()

    assert [receipt.state for receipt in sandbox.receipts()] == [State.UNKNOWN, State.SENT]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
