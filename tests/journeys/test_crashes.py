"""Killed, repeated, doubled: one message for each click, and an outcome that is true."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from tests.hands import chooses
from tests.hands import thread as replies
from tests.processes import spawn
from tests.promise import assert_kept_promise

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
READ = "GET /api/v2/conversations/{id}"


def test_the_command_killed_somewhere_after_the_ack_keeps_its_promise(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox().open().link()
    process = spawn(sandbox)
    ack = sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    process.kill()
    sandbox.clock.advance(seconds=30)  # the dead process's last beat is old by now
    sandbox.start_bot().drain()

    assert ack.ok, ack
    assert_kept_promise(sandbox)


def test_told_to_stop_it_finishes_what_it_sends_and_leaves_no_unknown(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox().open().link()
    process = spawn(sandbox)
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
    chooses(sandbox)

    with ThreadPoolExecutor(2) as pool:
        acks = [each.result() for each in [pool.submit(slack.submit, slack.ann) for _ in range(2)]]
    sandbox.drain()

    assert all(ack.ok for ack in acks)
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert len(replies(sandbox)) == 1


def test_four_deliveries_of_one_submission_at_once_send_once(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    chooses(sandbox)
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


def test_two_deliveries_of_one_click_that_have_both_verified_it_send_once(sandbox: Sandbox) -> None:
    held = [sandbox.genesys.hold(READ) for _ in range(2)]
    sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    sandbox.slack.replay()
    assert all(each.arrived.wait(20) for each in held)
    for each in held:
        each.release()
    sandbox.drain()

    assert_kept_promise(sandbox)
