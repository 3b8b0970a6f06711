"""Whom Slack knows, asked over real HTTP: what is refused, what is remembered and for how long."""

from __future__ import annotations

import pytest

from bot.canned.errors import NotAllowed, SlackDown
from bot.sandbox.slack import SimulatedSlack
from bot.slack.client import posting_client
from bot.slack.people import Directory
from tests.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(slack: SimulatedSlack, clock: Clock) -> Directory:
    client = posting_client(slack.bot_token, f"{slack.url}/api/", None)
    return Directory(client, workspace=slack.team_id, now=clock)


def asked(slack: SimulatedSlack, method: str) -> int:
    return len(slack.seen(f"POST /api/{method}")) + len(slack.seen(f"GET /api/{method}"))


def test_full_member_of_the_workspace_may_send(slack: SimulatedSlack, people: Directory) -> None:
    people.require_active(slack.ann)

    assert people.email(slack.ann) == "ann.lee@example.com"
    assert people.name(slack.ann) == "Ann Lee"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"deleted": True}, "deactivated"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "another workspace"),
        ({"team_id": "T0OTHER"}, "another workspace"),
        ({"is_bot": True}, "Only people"),
    ],
)
def test_who_is_not_a_full_member_is_refused(
    slack: SimulatedSlack, people: Directory, flags: dict[str, object], why: str
) -> None:
    user = slack.add_user("eve", "eve@example.com", **flags)

    with pytest.raises(NotAllowed, match=why):
        people.require_active(user)
    assert why in str(people.known_refusal(user, slack.channel))


def test_somebody_whom_slack_does_not_know_is_refused(people: Directory) -> None:
    with pytest.raises(NotAllowed, match="does not know who you are"):
        people.require_active("U0NOBODY")

    assert people.email("U0NOBODY") is None
    assert people.name("U0NOBODY") == ""


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"is_archived": True}, "archived"),
        ({"is_ext_shared": True}, "another company"),
        ({"is_pending_ext_shared": True}, "another company"),
        ({"bot": False}, "not in the team's channel"),
        ({"bot": False, "is_private": True}, "gone, or private"),
    ],
)
def test_channel_that_cannot_hold_the_record_is_refused(
    slack: SimulatedSlack, people: Directory, flags: dict[str, object], why: str
) -> None:
    channel = slack.add_channel("elsewhere", [slack.ann], **flags)  # type: ignore[arg-type]

    with pytest.raises(NotAllowed, match=why):
        people.require_channel(channel)
    assert why in str(people.known_refusal(slack.ann, channel))


def test_channel_with_the_bot_in_it_is_fine(slack: SimulatedSlack, people: Directory) -> None:
    people.require_channel(slack.channel)

    assert people.known_refusal(slack.ann, slack.channel) is None


def test_members_of_a_group_are_known_once_it_was_refreshed(slack: SimulatedSlack, people: Directory) -> None:
    assert people.known_member(slack.ann, "S0LEADS") is None

    people.refresh(["S0LEADS"])

    assert people.known_member(slack.ann, "S0LEADS") is True
    assert people.known_member(slack.bob, "S0LEADS") is False
    assert asked(slack, "usergroups.users.list") == 1


def test_group_that_there_is_not_has_no_members(slack: SimulatedSlack, people: Directory) -> None:
    assert not people.is_member(slack.ann, "S0GONE")

    slack.paid_plan = False
    assert not people.is_member(slack.ann, "S0LEADS")


def test_answers_are_used_for_five_minutes_and_no_longer(
    slack: SimulatedSlack, people: Directory, clock: Clock
) -> None:
    people.require_active(slack.ann)
    slack.people[slack.ann].deleted = True

    clock.advance(minutes=4, seconds=59)
    people.require_active(slack.ann)
    assert asked(slack, "users.info") == 1

    clock.advance(seconds=1)
    assert people.known_refusal(slack.ann, slack.channel) is None
    with pytest.raises(NotAllowed, match="deactivated"):
        people.require_active(slack.ann)


def test_nothing_known_from_memory_is_older_than_five_minutes(people: Directory, clock: Clock) -> None:
    people.refresh(["S0LEADS"])
    clock.advance(minutes=5)

    assert people.known_member("U0ANN", "S0LEADS") is None


def test_refresh_renews_before_an_answer_is_too_old(
    slack: SimulatedSlack, people: Directory, clock: Clock
) -> None:
    people.refresh(["S0LEADS"], [slack.channel])
    slack.groups["S0LEADS"].members.append(slack.bob)

    clock.advance(minutes=3, seconds=59)
    people.refresh(["S0LEADS"], [slack.channel])
    assert people.known_member(slack.bob, "S0LEADS") is False

    clock.advance(seconds=1)
    people.refresh(["S0LEADS"], [slack.channel])
    assert people.known_member(slack.bob, "S0LEADS") is True
    assert asked(slack, "conversations.info") == 2


def test_refresh_outlives_a_slack_that_is_down_and_does_not_hammer_it(
    slack: SimulatedSlack, people: Directory, clock: Clock
) -> None:
    slack.fault("POST /api/usergroups.users.list", "status", times=None)
    people.refresh(["S0LEADS"])
    clock.advance(seconds=29)
    people.refresh(["S0LEADS"])
    assert asked(slack, "usergroups.users.list") == 1

    slack.clear_faults()
    clock.advance(seconds=1)
    people.refresh(["S0LEADS"])
    assert people.known_member(slack.ann, "S0LEADS") is True


@pytest.mark.parametrize("kind", ["status", "lost_before", "broken_json", "429"])
def test_unanswered_question_is_slack_down_and_nobody_is_let_through(
    slack: SimulatedSlack, people: Directory, kind: str
) -> None:
    slack.fault("POST /api/users.info", kind, times=None)  # type: ignore[arg-type]

    with pytest.raises(SlackDown, match="Nothing was sent"):
        people.require_active(slack.ann)


def test_slack_says_when_to_ask_again(slack: SimulatedSlack, people: Directory) -> None:
    slack.fault("POST /api/users.info", "429", retry_after=17)

    with pytest.raises(SlackDown) as down:
        people.require_active(slack.ann)
    assert down.value.retry_after == 17


def test_missing_scope_is_the_operators_to_mend_and_named(slack: SimulatedSlack, people: Directory) -> None:
    slack.scopes = ["chat:write"]

    with pytest.raises(NotAllowed, match="missing_scope"):
        people.require_active(slack.ann)


def test_forgotten_channel_is_asked_about_again_at_once(slack: SimulatedSlack, people: Directory) -> None:
    people.require_channel(slack.channel)
    slack.set_channel(slack.channel, bot=False)
    people.require_channel(slack.channel)  # from memory

    people.forget_channel(slack.channel)

    with pytest.raises(NotAllowed, match="not in the team's channel"):
        people.require_channel(slack.channel)
