"""Messages for a later time: when they leave, what is checked then, and how they are taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.models import State
from bot.sandbox.sandbox import TEAM, Sandbox
from tests.hands import chooses, got
from tests.hands import thread as replies

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
HERE = ZoneInfo("Europe/Berlin")  # the zone of everybody in the simulated workspace


def in_minutes(sandbox: Sandbox, minutes: int) -> str:
    """`at` and the time in so many minutes, as Ann would type it."""
    return f"at {sandbox.clock().astimezone(HERE) + timedelta(minutes=minutes):%Y-%m-%d %H:%M}"


def types(sandbox: Sandbox, text: str) -> str:
    """What Ann reads last after typing it."""
    slack = sandbox.slack
    slack.types(slack.ann, text.replace("{conversation}", sandbox.conversation), slack.channel)
    sandbox.drain()
    return slack.ephemerals(slack.ann)[-1].said


def schedules(sandbox: Sandbox, minutes: int = 60, response: str = "escalation") -> str:
    return types(sandbox, f"/canned {{conversation}} {response} {in_minutes(sandbox, minutes)}")


def passes(sandbox: Sandbox, **by: float) -> None:
    sandbox.clock.advance(**by)
    sandbox.bot.sweep()
    sandbox.drain()


def direct(sandbox: Sandbox) -> str:
    return sandbox.slack.direct_messages(sandbox.slack.ann)[-1].said


def test_it_leaves_at_its_time_and_not_before_and_the_thread_says_both(sandbox: Sandbox) -> None:
    said = schedules(sandbox)
    card = sandbox.slack.messages(sandbox.slack.channel)[0].said
    passes(sandbox, minutes=58)
    before = got(sandbox)
    passes(sandbox, minutes=2)

    assert "is scheduled for" in said
    assert "Your time zone in Slack is Europe/Berlin" in said
    assert "Scheduled for" in card
    assert before == []
    assert got(sandbox) == [ESCALATION]
    scheduled, sent = replies(sandbox)
    assert scheduled.startswith(":clock3: Scheduled for")
    assert "by Ann Lee" in scheduled
    assert sent.startswith(":white_check_mark: Sent")
    assert "Sent" in direct(sandbox)


def test_it_is_claimed_before_the_ack_once_the_zone_is_known(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    first = slack.types(slack.ann, f"/canned {sandbox.conversation} escalation at 99:00", slack.channel)
    sandbox.drain()
    at = in_minutes(sandbox, 60)
    second = slack.types(slack.ann, f"/canned {sandbox.conversation} escalation {at}", slack.channel)
    slack.replay(2)
    sandbox.drain()

    assert "Looking up your time zone" in first.text
    assert "is scheduled for" in second.text
    assert [receipt.request.scheduled for receipt in sandbox.receipts()] == [True]


@pytest.mark.parametrize(
    ("at", "says"), [("at 25:00", "is not a time"), ("at 2020-01-01 9:00", "has passed")]
)
def test_a_time_that_cannot_be_meant_is_refused(sandbox: Sandbox, at: str, says: str) -> None:
    assert says in types(sandbox, f"/canned {{conversation}} escalation {at}")
    assert sandbox.receipts() == []


def test_the_window_takes_a_time_too_and_none_that_has_passed(sandbox: Sandbox) -> None:
    slack, at = sandbox.slack, int(sandbox.clock().timestamp())
    chooses(sandbox)
    slack.choose(slack.ann, "At", str(at - 60))
    slack.submit(slack.ann)
    view = slack.open_view(slack.ann)
    assert view is not None
    assert "has passed" in view.errors["At"]
    slack.choose(slack.ann, "At", str(at + 3600))
    slack.submit(slack.ann)
    sandbox.drain()
    view, before = slack.open_view(slack.ann), got(sandbox)
    passes(sandbox, minutes=60)

    assert view is not None
    assert "is scheduled for" in view.text
    assert before == []
    assert got(sandbox) == [ESCALATION]


def test_everything_is_checked_again_when_its_time_has_come(sandbox: Sandbox) -> None:
    schedules(sandbox)
    sandbox.genesys.end(sandbox.conversation)
    passes(sandbox, minutes=60)

    assert got(sandbox) == []
    assert "Not sent" in direct(sandbox)
    assert "Not sent" in replies(sandbox)[-1]


def test_for_a_team_that_is_called_otherwise_by_then_it_does_not_leave_and_that_is_said(
    sandbox: Sandbox,
) -> None:
    schedules(sandbox)
    team = {"name": "Renamed", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
    sandbox.configure({"teams": [team]})
    passes(sandbox, minutes=60)

    assert got(sandbox) == []
    assert f"There is no team {TEAM} in canned.yml any more" in direct(sandbox)


def test_where_another_team_has_the_channel_by_then_it_does_not_leave(sandbox: Sandbox) -> None:
    schedules(sandbox)
    slack = sandbox.slack
    elsewhere = slack.add_channel("elsewhere")
    ours = {"name": TEAM, "channel": elsewhere, "supervisors": [slack.ann]}
    theirs = {"name": "Sales", "channel": slack.channel, "supervisors": [slack.lee]}
    sandbox.configure({"teams": [ours, theirs]})
    passes(sandbox, minutes=60)

    assert got(sandbox) == []
    assert "has another channel by now" in direct(sandbox)


def test_more_than_five_minutes_late_it_is_reported_and_not_sent(sandbox: Sandbox) -> None:
    schedules(sandbox)
    sandbox.stop_bot()
    sandbox.clock.advance(minutes=66)
    sandbox.start_bot().drain()

    assert got(sandbox) == []
    assert "Its time was more than five minutes ago" in direct(sandbox)
    assert "Its time was more than five minutes ago" in replies(sandbox)[-1]


@pytest.mark.parametrize("api", ["platform"], indirect=True)
def test_what_is_due_leaves_the_last_of_the_rate_to_what_is_typed(sandbox: Sandbox) -> None:
    genesys = sandbox.genesys
    genesys.rate_limit = 100
    schedules(sandbox)
    [due] = [receipt.not_before for receipt in sandbox.receipts() if receipt.not_before]
    sandbox.clock.advance(seconds=(due - sandbox.clock()).total_seconds() - 20)
    began = sandbox.clock()
    for token in genesys.tokens.values():
        token.window, token.count = began, 93
    for _ in range(2):
        types(sandbox, f"/canned {genesys.start_chat(users=[genesys.ann])} escalation")
    typed = sandbox.clock()
    passes(sandbox, seconds=21)  # while the token's minute is not over

    assert typed - began < timedelta(minutes=1) < sandbox.clock() - began
    assert len(genesys.received) == 3


def test_killed_before_its_time_it_leaves_once_from_whoever_is_there(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox().start()
    schedules(sandbox)
    sandbox.stop_bot(timeout=0.1)
    sandbox.clock.advance(minutes=62)
    sandbox.start_bot().drain()
    passes(sandbox, minutes=1)

    assert got(sandbox) == [ESCALATION]


def test_scheduled_lists_what_waits_and_its_button_cancels_it(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    schedules(sandbox, 60)
    schedules(sandbox, 30)
    listed = types(sandbox, "/canned scheduled")
    slack.press(slack.ann, "Cancel", slack.ephemerals(slack.ann)[-1])
    sandbox.drain()
    left = slack.ephemerals(slack.ann)[-1].said
    passes(sandbox, minutes=31)
    passes(sandbox, minutes=30)

    assert (listed.count("escalation"), left.count("escalation")) == (2, 1)
    assert sorted(receipt.state for receipt in sandbox.receipts()) == [State.CANCELLED, State.SENT]
    assert got(sandbox) == [ESCALATION]


def test_undo_takes_back_what_is_scheduled(sandbox: Sandbox) -> None:
    schedules(sandbox)
    said = types(sandbox, "/canned undo")
    passes(sandbox, minutes=61)

    assert "took it back" in said
    assert got(sandbox) == []
    assert "Not sent" in replies(sandbox)[-1]


def test_undo_after_a_send_does_not_cancel_what_was_scheduled_before(sandbox: Sandbox) -> None:
    schedules(sandbox)
    types(sandbox, "/canned {conversation} greeting topic=billing")
    said = types(sandbox, "/canned undo")
    passes(sandbox, minutes=61)

    assert "only scheduled ones are waiting" in said
    assert "/canned scheduled shows them" in said
    assert len(got(sandbox)) == 2


def test_the_same_response_is_asked_about_only_where_both_would_arrive_within_a_minute(
    sandbox: Sandbox,
) -> None:
    schedules(sandbox, 60)
    later = f"/canned {{conversation}} escalation {in_minutes(sandbox, 120)}"
    second, third = types(sandbox, later), types(sandbox, later)
    now = types(sandbox, "/canned {conversation} escalation")

    assert "is scheduled for" in second
    assert "is scheduled for this conversation within a minute of that. Send both?" in third
    assert "Sent" in now


def test_what_left_at_its_time_was_sent_then_and_not_when_it_was_asked_for(sandbox: Sandbox) -> None:
    schedules(sandbox)
    passes(sandbox, minutes=60)
    asked = types(sandbox, "/canned {conversation} escalation")

    ago = re.search(r"was sent to this conversation (\d+) s ago\. Send it again\?", asked)
    assert ago is not None
    assert int(ago[1]) < 60


def test_what_is_asked_about_first_keeps_its_time(sandbox: Sandbox) -> None:
    at = in_minutes(sandbox, 60)
    for _ in range(2):
        types(sandbox, f"/canned {{conversation}} escalation {at}")
    slack = sandbox.slack
    slack.press(slack.ann, "Send it again", slack.ephemerals(slack.ann)[-1])
    sandbox.drain()
    before = got(sandbox)
    passes(sandbox, minutes=60)

    assert before == []
    assert got(sandbox) == [ESCALATION, ESCALATION]


def test_what_needs_approval_is_approved_first_and_waits_for_its_time_then(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    slack.add_group("leads", [slack.lee], group_id="S0LEADS")
    sandbox.configure({"responses": {"refund": {"title": "R", "text": "Refunded.", "approval": "S0LEADS"}}})
    sandbox.start()
    sandbox.link_user(slack.lee, sandbox.genesys.add_user("Lee Fox", "lee.fox@example.com"))
    schedules(sandbox, 60, "refund")
    [card] = slack.messages(slack.channel)
    slack.press(slack.lee, "Approve", slack.thread(slack.channel, card.ts)[0])
    sandbox.drain()
    asked = len(sandbox.genesys.requests)
    sandbox.bot.parts.desk.deliver(sandbox.receipts()[0])
    before, early = got(sandbox), sandbox.genesys.requests[asked:]
    said = replies(sandbox)[-1]
    passes(sandbox, minutes=60)

    assert (before, early) == ([], [])
    assert said.startswith(":clock3: Scheduled for")
    assert got(sandbox) == ["Refunded."]


@pytest.mark.parametrize("api", ["platform"])  # the other contract lists no conversations
def test_an_agents_name_takes_a_time_too(sandbox: Sandbox) -> None:
    sandbox.link_user(sandbox.slack.bob, sandbox.genesys.bob)
    said = types(sandbox, f"/canned @bob escalation {in_minutes(sandbox, 60)}")
    before = got(sandbox)
    passes(sandbox, minutes=60)

    assert "Your time zone in Slack is Europe/Berlin" in said
    assert before == []
    assert got(sandbox) == [ESCALATION]


@pytest.mark.parametrize("api", ["platform"])  # the other contract lists no conversations
def test_what_is_on_record_is_said_though_slack_is_away_by_then(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    sandbox.link_user(slack.bob, sandbox.genesys.bob)
    held = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    slack.types(slack.ann, f"/canned @bob escalation {in_minutes(sandbox, 60)}", slack.channel)
    assert held.arrived.wait(10)
    sandbox.clock.advance(minutes=6)  # what was known of Ann is too old by now
    slack.fault("POST /api/users.info", "status", status=503, times=None)
    held.release()
    assert sandbox.bot.parts.lanes.previews.wait_idle(10)
    slack.clear_faults()
    sandbox.drain()

    assert len(sandbox.receipts()) == 1
    assert "is scheduled for" in slack.ephemerals(slack.ann)[-1].said
