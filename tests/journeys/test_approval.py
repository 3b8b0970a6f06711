"""Responses that somebody else has to approve: who may, what leaves then, and what never does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from tests.hands import buttons, chooses, got, waits_while_slack_takes_no_posts
from tests.hands import thread as replies

TEXT = "We have refunded your order in full."
RESPONSES = {
    "refund": {"title": "Refund", "text": TEXT, "approval": "S0LEADS"},
    "escalation": {"title": "Escalated", "text": "Your request has been escalated."},
}


@pytest.fixture
def lead(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann sends, and she and Lee are in @leads, who approve refunds; Lee is somebody in Genesys too."""
    return with_lead(make_sandbox())


def with_lead(sandbox: Sandbox, *, linked: bool = True, **team: object) -> Sandbox:
    slack = sandbox.slack
    slack.add_group("leads", [slack.ann, slack.lee], group_id="S0LEADS")
    configure(sandbox, **team)
    sandbox.start().link()
    if linked:
        sandbox.link_user(slack.lee, sandbox.genesys.add_user("Lee Fox", "lee.fox@example.com"))
    return sandbox


def configure(sandbox: Sandbox, changed: Mapping[str, Any] | None = None, **team: object) -> None:
    slack = sandbox.slack
    usual = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "queues": ["Support EMEA"]}
    links = {"identity": team.pop("identity", ["operator"])}
    sandbox.configure({"responses": RESPONSES | dict(changed or {}), "teams": [usual | team]} | links)


def asks(sandbox: Sandbox, text: str = "/canned {conversation} refund") -> Message:
    """Ann sends it; the question as the group reads it."""
    slack = sandbox.slack
    slack.types(slack.ann, text.replace("{conversation}", sandbox.conversation), slack.channel)
    sandbox.drain()
    return question(sandbox)


def question(sandbox: Sandbox) -> Message:
    [card] = sandbox.slack.messages(sandbox.slack.channel)
    return sandbox.slack.thread(sandbox.slack.channel, card.ts)[0]


def asks_the_agent(sandbox: Sandbox) -> None:
    """Ann is not in the conversation any more, and asks Bob, who is."""
    slack, genesys = sandbox.slack, sandbox.genesys
    sandbox.link_user(slack.bob, genesys.bob)
    genesys.leave(sandbox.conversation, genesys.ann)
    slack.types(slack.ann, f"/canned {sandbox.conversation} refund", slack.channel)
    sandbox.drain()
    slack.press(slack.ann, "Ask Bob Ray", slack.ephemerals(slack.ann)[-1])
    sandbox.drain()


def presses(sandbox: Sandbox, button: str, message: Message, who: str = "") -> None:
    sandbox.slack.press(who or sandbox.slack.lee, button, message)
    sandbox.drain()


def direct(sandbox: Sandbox) -> str:
    return sandbox.slack.direct_messages(sandbox.slack.ann)[-1].said


def told(sandbox: Sandbox, who: str) -> str:
    return sandbox.slack.ephemerals(who)[-1].said


def test_the_group_is_asked_in_the_thread_with_the_exact_text_and_nothing_leaves(lead: Sandbox) -> None:
    asked = asks(lead)
    lead.bot.sweep()
    lead.drain()

    assert asked.said.startswith(":raised_hand: @leads: Ann Lee asks for approval of refund “Refund”.")
    assert TEXT in asked.said
    assert buttons(asked) == ["Approve", "Reject"]
    assert "waits for approval by @leads until" in told(lead, lead.slack.ann)
    assert "Waiting for approval" in lead.slack.messages(lead.slack.channel)[0].said
    assert got(lead) == []


def test_what_was_approved_is_sent_whatever_canned_yml_says_of_the_text_by_then(lead: Sandbox) -> None:
    asked = asks(lead)
    configure(
        lead, {"refund": RESPONSES["refund"] | {"text": "Nothing for {{who}}.", "languages": {"en": "No."}}}
    )
    presses(lead, "Approve", asked)

    assert got(lead) == [TEXT]
    assert replies(lead)[0].startswith(":white_check_mark: Approved by @lee")
    assert buttons(question(lead)) == []
    assert "Sent" in replies(lead)[-1]
    assert "Sent" in direct(lead)
    assert lead.receipts()[0].approved_by == lead.slack.lee
    lines = lead.bot.parts.store.audit(lead.receipts()[0].key)
    assert [(line.event, line.actor) for line in lines][1:3] == [
        ("approval asked", lead.slack.ann),
        ("approved", lead.slack.lee),
    ]
    assert {line.detail["text_hash"] for line in lines[1:]} == {lead.receipts()[0].text_hash}
    assert TEXT not in str(lines)


def test_two_approvals_at_once_and_their_replays_send_once(lead: Sandbox) -> None:
    asked, slack = asks(lead), lead.slack
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: slack.press(slack.lee, "Approve", asked), range(2)))
    slack.replay(2)
    lead.drain()

    assert got(lead) == [TEXT]


def test_rejected_is_told_with_the_reason_to_who_asked_and_in_the_thread(lead: Sandbox) -> None:
    asked, slack = asks(lead), lead.slack
    presses(lead, "Reject", asked)
    slack.fill(slack.lee, "Reason", "Too much for <one> order.")
    slack.submit(slack.lee)
    lead.drain()
    presses(lead, "Approve", asked)

    assert got(lead) == []
    assert lead.receipts()[0].state is State.CANCELLED
    for said in (replies(lead)[0], replies(lead)[-1], direct(lead)):
        assert "Lee Fox rejected it: Too much for <one> order." in said
    assert buttons(question(lead)) == []


def test_a_rejection_that_comes_just_after_the_approval_is_too_late(lead: Sandbox) -> None:
    asked, slack = asks(lead), lead.slack
    presses(lead, "Reject", asked)
    slack.fill(slack.lee, "Reason", "Wait.")
    with ThreadPoolExecutor(2) as pool, lead.locked_database():
        pool.submit(slack.press, slack.lee, "Approve", asked)
        time.sleep(0.3)
        late = pool.submit(slack.submit, slack.lee)
        time.sleep(0.3)
    lead.drain()

    assert got(lead) == [TEXT]
    assert "Sent" in replies(lead)[-1]
    assert "does not wait for an approval any more" in late.result().body


def test_a_group_to_which_slack_has_not_shown_the_question_is_not_said_to_have_kept_silent(
    lead: Sandbox,
) -> None:
    slack = lead.slack
    slack.fault("POST /api/chat.postMessage", "lost_before", times=None)
    slack.types(slack.ann, f"/canned {lead.conversation} refund", slack.channel)
    waits_while_slack_takes_no_posts(lead)

    assert lead.receipts()[0].state is State.CANCELLED
    for said in (direct(lead), replies(lead)[-1]):
        assert "Nobody approved" not in said
        assert "Slack did not show" in said


def test_nobody_approved_in_time_ends_it_and_a_late_click_sends_nothing(lead: Sandbox) -> None:
    asked = asks(lead)
    lead.clock.advance(minutes=5, seconds=1)
    presses(lead, "Approve", asked)

    assert got(lead) == []
    assert "Nobody approved it within five minutes" in replies(lead)[-1]
    assert "Nobody approved it within five minutes" in direct(lead)
    assert buttons(question(lead)) == []


def test_what_was_taken_back_cannot_be_approved_any_more(lead: Sandbox) -> None:
    asked, slack = asks(lead), lead.slack
    slack.types(slack.ann, "/canned undo", slack.channel)
    lead.drain()
    presses(lead, "Approve", asked)

    assert got(lead) == []
    assert "does not wait for an approval any more" in told(lead, slack.lee)


@pytest.mark.parametrize(
    ("who", "why"), [("ann", "You asked for this yourself"), ("bob", "Only the group that approves")]
)
def test_a_click_of_who_asked_or_of_an_outsider_is_refused_to_them_alone(
    lead: Sandbox, who: str, why: str
) -> None:
    user = getattr(lead.slack, who)
    for button in ("Approve", "Reject"):
        presses(lead, button, asks(lead) if button == "Approve" else question(lead), user)
        assert why in told(lead, user)

    assert got(lead) == []
    assert lead.slack.open_view(user) is None
    assert lead.receipts()[0].awaits_approval


@pytest.mark.parametrize("place", [{"channel": "C0OTHER"}, {"ts": "1.2"}, {"key": "no-such-key"}])
def test_a_forged_click_on_another_channel_message_or_row_sends_nothing(
    lead: Sandbox, place: dict[str, str]
) -> None:
    forge(lead, asks(lead), **place)

    assert got(lead) == []


def test_the_same_click_forged_right_would_have_sent(lead: Sandbox) -> None:
    forge(lead, asks(lead))

    assert got(lead) == [TEXT]


def test_without_a_link_nobody_can_tell_who_approves_in_genesys(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = with_lead(make_sandbox(), linked=False)
    presses(sandbox, "Approve", asks(sandbox))

    assert got(sandbox) == []
    assert "cannot tell who you are in Genesys" in told(sandbox, sandbox.slack.lee)


@pytest.mark.parametrize("api", ["events"])
@pytest.mark.parametrize(("email", "sent"), [("lee.fox@example.com", [TEXT]), ("else@example.com", [])])
def test_where_e_mail_counts_an_approver_is_found_by_it_or_nothing_is_sent(
    make_sandbox: Callable[..., Sandbox], email: str, sent: list[str]
) -> None:
    sandbox = with_lead(make_sandbox(), linked=False, identity=["operator", "email"])
    sandbox.genesys.add_user("Lee Fox", email)
    presses(sandbox, "Approve", asks(sandbox))

    assert got(sandbox) == sent


def becomes_another(sandbox: Sandbox) -> None:
    """Ann is somebody else in Genesys from now on, who is in the chat too."""
    slack, genesys = sandbox.slack, sandbox.genesys
    other = genesys.add_user("Ann Lee", "ann.two@example.com")
    genesys.join(sandbox.conversation, other)
    sandbox.bot.parts.store.unlink(slack.ann)
    sandbox.link_user(slack.ann, other)


CHANGES: dict[str, tuple[Callable[[Sandbox], object], str]] = {
    "left the group": (
        lambda s: s.slack.add_group("leads", [s.slack.ann], group_id="S0LEADS"),
        "may not do so any more",
    ),
    "a guest": (lambda s: s.slack.set_user(s.slack.lee, is_restricted=True), "may not do so any more"),
    "unlinked": (lambda s: s.bot.parts.store.unlink(s.slack.lee), "may not do so any more"),
    "somebody else in Genesys": (becomes_another, "Somebody else would send it now"),
    "no supervisor": (lambda s: configure(s, supervisors=[s.slack.bob]), "not a supervisor"),
    "expired": (
        lambda s: configure(s, {"refund": RESPONSES["refund"] | {"expires": "2020-01-31"}}),
        "expired",
    ),
    "not allowed": (lambda s: configure(s, responses=["escalation"]), "does not send"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_stopped_to_hold_between_approval_and_send_refuses(lead: Sandbox, change: str) -> None:
    asked = asks(lead)
    lead.clock.advance(seconds=15)
    lead.genesys.fault("GET /api/v2/conversations/{id}", "429", retry_after=290)
    lead.slack.press(lead.slack.lee, "Approve", asked)
    lead.rest()
    before = lead.receipts()[0].state
    happens, why = CHANGES[change]
    happens(lead)
    lead.clock.advance(seconds=291)  # what Slack said at the start is forgotten by then
    lead.bot.sweep()
    lead.drain()

    assert before is State.PENDING
    assert got(lead) == []
    assert "Not sent" in direct(lead)
    assert why in direct(lead)


def test_a_thread_that_shows_no_text_has_a_window_with_it_for_members_alone(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = with_lead(make_sandbox(), show="title")
    asked, slack = asks(sandbox), sandbox.slack
    presses(sandbox, "Review", asked, slack.bob)
    outsider = slack.open_view(slack.bob)
    presses(sandbox, "Review", asked)
    view = slack.open_view(slack.lee)

    assert TEXT not in asked.said
    assert outsider is None
    assert view is not None
    assert TEXT in view.text


def test_the_window_says_that_it_waits_for_approval(lead: Sandbox) -> None:
    slack = lead.slack
    chooses(lead, "refund")
    slack.submit(slack.ann)
    lead.drain()
    view = slack.open_view(slack.ann)
    presses(lead, "Approve", question(lead))

    assert view is not None
    assert "waits for approval by @leads until" in view.text
    assert got(lead) == [TEXT]


def test_approval_comes_first_then_the_agent_with_the_same_text_and_no_edit(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = with_lead(make_sandbox())
    slack, genesys = sandbox.slack, sandbox.genesys
    asks_the_agent(sandbox)
    [card] = slack.messages(slack.channel)
    asked = slack.thread(slack.channel, card.ts)[-1]
    before = [message.said for message in slack.direct_messages(slack.bob)]
    presses(sandbox, "Approve", asked)
    [to_agent] = slack.direct_messages(slack.bob)
    presses(sandbox, "Send", to_agent, slack.bob)

    assert not any(TEXT in said for said in before)
    assert buttons(to_agent) == ["Send", "Decline"]
    [sent] = genesys.received
    assert (sent.text, sent.from_id) == (TEXT, genesys.bob)
    assert sandbox.receipts()[0].approved_by == slack.lee


def test_an_approval_that_canned_yml_asks_for_since_is_asked_for_when_it_is_time(
    lead: Sandbox,
) -> None:
    slack = lead.slack
    configure(lead, {"refund": {"title": "Refund", "text": TEXT}})
    at = f"{lead.clock().astimezone(ZoneInfo('Europe/Berlin')) + timedelta(hours=1):%Y-%m-%d %H:%M}"
    slack.types(slack.ann, f"/canned {lead.conversation} refund at {at}", slack.channel)
    lead.drain()
    configure(lead)
    lead.clock.advance(hours=1)
    lead.bot.workspace.refresh()
    lead.bot.sweep()
    lead.drain()
    before = got(lead)
    [card] = slack.messages(slack.channel)
    presses(lead, "Approve", slack.thread(slack.channel, card.ts)[-1])

    assert before == []
    assert got(lead) == [TEXT]


def test_what_the_agent_agreed_to_before_it_needed_approval_is_refused(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = with_lead(make_sandbox())
    configure(sandbox, {"refund": {"title": "Refund", "text": TEXT}})
    slack, genesys = sandbox.slack, sandbox.genesys
    asks_the_agent(sandbox)
    configure(sandbox)
    presses(sandbox, "Send", slack.direct_messages(slack.bob)[-1], slack.bob)

    assert genesys.received == []
    assert "needs an approval now" in direct(sandbox)


def test_killed_between_the_approval_and_the_send_it_goes_out_once(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = with_lead(make_sandbox())
    asked = asks(sandbox)
    held = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    sandbox.slack.press(sandbox.slack.lee, "Approve", asked)
    assert held.arrived.wait(20)
    assert not sandbox.stop_bot(timeout=0.1)
    sandbox.genesys.clear_faults()
    sandbox.clock.advance(seconds=30)
    sandbox.start_bot().drain()

    assert got(sandbox) == [TEXT]


def forge(sandbox: Sandbox, asked: Message, *, channel: str = "", ts: str = "", key: str = "") -> None:
    """Lee's click as Slack would sign it, on what is newest."""
    slack = sandbox.slack
    place = channel or slack.channel
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": slack.lee, "team_id": slack.team_id},
            "channel": {"id": place, "name": "x"},
            "container": {"type": "message", "message_ts": ts or asked.ts, "channel_id": place},
            "trigger_id": "9.9.forged",
            "response_url": f"{slack.url}/response/none",
            "actions": [
                {
                    "type": "button",
                    "action_id": "canned_approve",
                    "block_id": "b",
                    "value": key or sandbox.receipts()[0].key,
                }
            ],
        }
    )
    sandbox.drain()
