"""Killed, repeated, doubled: one message for each click, and an outcome that is true."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.models import State
from bot.sandbox.faults import Fault
from bot.sandbox.sandbox import Sandbox

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
READ = "GET /api/v2/conversations/{id}"
POST = "POST /api/chat.postMessage"


@pytest.fixture
def crashed(make_sandbox: Callable[..., Sandbox]) -> Callable[..., Sandbox]:
    """A sandbox whose bot is killed by SIGKILL as soon as `held` has arrived, and another one started."""

    def crash(hold: Callable[[Sandbox], Fault] | None) -> Sandbox:
        sandbox = make_sandbox().open().link()
        first = sandbox.spawn()
        held = hold(sandbox) if hold else None
        ack = sandbox.slack.types(
            sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
        )
        assert ack.ok, ack
        assert held is None or held.arrived.wait(20)
        assert held is None or not held.worked.is_set() or held.worked.wait(20)
        first.kill()
        if held is not None:
            held.release()
        sandbox.clock.advance(seconds=30)  # the dead process's last beat is old by now
        sandbox.start_bot().drain()
        return sandbox

    return crash


def replies(sandbox: Sandbox) -> list[str]:
    [card] = sandbox.slack.messages(sandbox.slack.channel)
    return [reply.said for reply in sandbox.slack.thread(sandbox.slack.channel, card.ts)]


def test_killed_at_the_ack_the_message_goes_out_once_after_the_restart(
    crashed: Callable[..., Sandbox],
) -> None:
    sandbox = crashed(lambda sandbox: sandbox.slack.hold("* /api/users.info"))

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert len(replies(sandbox)) == 1


def test_killed_somewhere_after_the_ack_the_outcome_is_true(crashed: Callable[..., Sandbox]) -> None:
    sandbox = crashed(None)

    [receipt] = sandbox.receipts()
    arrived = sandbox.genesys.customer_sees(sandbox.conversation)
    assert (receipt.state, arrived) in [
        (State.SENT, [ESCALATION]),
        (State.UNKNOWN, [ESCALATION]),
        (State.UNKNOWN, []),
    ]
    assert len(replies(sandbox)) == 1


def test_killed_between_claim_and_send_the_message_goes_out_once_after_the_restart(
    crashed: Callable[..., Sandbox],
) -> None:
    sandbox = crashed(lambda sandbox: sandbox.genesys.hold(READ))

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    [reply] = replies(sandbox)
    assert "Sent" in reply
    told = [message.said for message in sandbox.slack.direct_messages(sandbox.slack.ann)]
    assert any("Sent" in said and "escalation" in said for said in told)  # the note she had is long gone


@pytest.mark.parametrize(("worked", "arrived"), [(False, 0), (True, 1)])
def test_killed_while_sending_it_is_never_sent_again_and_unknown_unless_it_is_found(
    crashed: Callable[..., Sandbox], worked: bool, arrived: int
) -> None:
    def hold(sandbox: Sandbox) -> Fault:
        return sandbox.genesys.hold(sandbox.post, then="delay" if worked else "lost_before", worked=worked)

    sandbox = crashed(hold)

    assert len(sandbox.genesys.received) == arrived
    assert len(sandbox.genesys.seen(sandbox.post)) == 1
    found = worked and sandbox.api == "platform"  # the other contract has nothing to look into
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT if found else State.UNKNOWN]
    [reply] = replies(sandbox)
    assert ("Sent" if found else "Unknown") in reply


@pytest.mark.parametrize("worked", [False, True])
def test_killed_while_posting_the_team_reads_it_once(crashed: Callable[..., Sandbox], worked: bool) -> None:
    def hold(sandbox: Sandbox) -> Fault:
        return sandbox.slack.hold(POST, then="delay" if worked else "lost_before", worked=worked)

    sandbox = crashed(hold)

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert len(replies(sandbox)) == 1


def test_told_to_stop_it_finishes_what_it_sends_and_leaves_no_unknown(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox().open().link()
    process = sandbox.spawn()
    held = sandbox.genesys.hold(sandbox.post)
    sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    assert held.arrived.wait(20)

    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(process.terminate)
        held.release()
        assert leaving.result() == 0

    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_two_submissions_of_one_window_at_once_send_once(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    sandbox.drain()
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.drain()

    with ThreadPoolExecutor(2) as pool:
        acks = [each.result() for each in [pool.submit(slack.submit, slack.ann) for _ in range(2)]]
    sandbox.drain()

    assert all(ack.ok for ack in acks)
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert len(replies(sandbox)) == 1


def test_four_deliveries_of_one_submission_at_once_send_once(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    sandbox.drain()
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.drain()
    slack.submit(slack.ann)
    slack.replay(3, at_once=True)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert len(replies(sandbox)) == 1


def test_told_to_stop_while_genesys_hangs_it_does_not_wait_for_ever(sandbox: Sandbox) -> None:
    held = sandbox.genesys.hold(READ)
    sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    assert held.arrived.wait(20)

    assert not sandbox.stop_bot(timeout=0.1)

    sandbox.genesys.clear_faults()
    sandbox.clock.advance(seconds=30)
    sandbox.start_bot().drain()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
