"""What bad input and bad weather get: a sentence for a person, nothing sent, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.sandbox.sandbox import Sandbox
from tests.hands import thread

READ = "GET /api/v2/conversations/{id}"


def answer_to(sandbox: Sandbox, text: str) -> str:
    """What Ann reads after typing a command; {conversation} stands for the demo's."""
    slack = sandbox.slack
    before = len(slack.ephemerals(slack.ann))
    slack.types(slack.ann, text.replace("{conversation}", sandbox.conversation), slack.channel)
    sandbox.drain()
    said = slack.ephemerals(slack.ann)[before:]
    assert said, "silence"
    return "\n".join(message.said for message in said)


def direct(sandbox: Sandbox) -> list[str]:
    """Ann's direct messages, but for the one about her link."""
    said = [message.said for message in sandbox.slack.direct_messages(sandbox.slack.ann)]
    return [text for text in said if "found by your e-mail" not in text]


def test_an_unknown_response_gets_the_nearest(sandbox: Sandbox) -> None:
    said = answer_to(sandbox, "/canned {conversation} escalaton")

    assert "There is no escalaton. Did you mean escalation?" in said
    assert sandbox.receipts() == []


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "../users/me",
        "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8/events",
        "https://evil.example/x",
        "é" * 36,
    ],
)
def test_what_is_no_conversation_id_never_reaches_genesys(sandbox: Sandbox, text: str) -> None:
    sandbox.genesys.forget()
    said = answer_to(sandbox, f"/canned {text} escalation")

    assert "not a conversation" in said
    assert sandbox.genesys.requests == []


def test_an_archived_conversation_is_not_found_or_archived(sandbox: Sandbox) -> None:
    sandbox.genesys.archive(sandbox.conversation)
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "not sent" in said.casefold()
    assert "archived" in said
    assert "archived" in thread(sandbox)[0]
    assert "archived" in direct(sandbox)[0]


def test_an_ended_conversation_gets_nothing(sandbox: Sandbox) -> None:
    sandbox.genesys.end(sandbox.conversation)
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "ended" in said
    assert sandbox.genesys.received == []


def test_somebody_who_is_not_in_the_chat_reads_who_is(sandbox: Sandbox) -> None:
    sandbox.genesys.leave(sandbox.conversation, sandbox.genesys.ann)
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "Bob Ray" in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("api", ["events"])
def test_a_missing_scope_is_named(sandbox: Sandbox) -> None:
    sandbox.genesys.scopes = frozenset({"conversation:write", "user:read"})
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "conversation:chat:write" in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("api", ["platform"])
def test_a_missing_permission_is_named(sandbox: Sandbox) -> None:
    sandbox.genesys.users[sandbox.genesys.ann].permissions -= {"conversation:message:create"}
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "conversation:message:create" in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize(
    ("media", "named"), [("voice", "a phone call"), ("callback", "a callback"), ("email", "an e-mail")]
)
def test_other_media_are_named_and_refused(sandbox: Sandbox, media: str, named: str) -> None:
    call = sandbox.genesys.start_chat("Alan Turing", users=[sandbox.genesys.ann], media=media)
    said = answer_to(sandbox, f"/canned {call} escalation")

    assert named in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("api", ["events"])
def test_a_refused_sign_in_is_the_operators_to_repair(sandbox: Sandbox) -> None:
    sandbox.genesys.fault(READ, "status", times=2, status=401)
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "operator" in said
    assert sandbox.genesys.received == []


def test_after_one_401_a_fresh_token_sends(sandbox: Sandbox) -> None:
    answer_to(sandbox, "/canned {conversation} greeting topic=it")
    sandbox.genesys.revoke_tokens()
    answer_to(sandbox, "/canned {conversation} escalation")

    assert len(sandbox.genesys.received) == 2


@pytest.mark.parametrize("reading", [True, False])
def test_429_waits_as_asked_and_then_sends(sandbox: Sandbox, reading: bool) -> None:
    sandbox.genesys.fault(READ if reading else sandbox.post, "429", retry_after=7)
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "sent" in said.casefold()
    assert len(sandbox.genesys.received) == 1


def test_while_it_waits_for_genesys_the_card_says_so(sandbox: Sandbox) -> None:
    sandbox.genesys.fault(sandbox.post, "429", retry_after=7)
    second = sandbox.genesys.hold(sandbox.post)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    assert second.arrived.wait(20)
    assert sandbox.bot.parts.lanes.posts.wait_idle(20)

    [card] = slack.messages(slack.channel)
    assert "Waiting for Genesys" in card.said

    second.release()
    sandbox.drain()
    [card] = slack.messages(slack.channel)
    assert "Sent" in card.said


def test_a_longer_429_is_waited_for_outside_and_then_sent(sandbox: Sandbox) -> None:
    sandbox.genesys.fault(sandbox.post, "429", retry_after=90)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.rest()
    sandbox.clock.advance(seconds=91)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1
    assert "sent" in direct(sandbox)[0].casefold()


@pytest.mark.parametrize(
    ("kind", "arrived"),
    [("lost_before", 0), ("lost_after", 1), ("status", 0), ("broken_json", 1), ("redirect", 0)],
)
def test_a_lost_answer_is_never_repeated_and_unknown_unless_the_message_is_found(
    sandbox: Sandbox, kind: str, arrived: int
) -> None:
    sandbox.genesys.fault(sandbox.post, kind, status=503)
    said = answer_to(sandbox, "/canned {conversation} escalation")

    found = arrived == 1 and sandbox.api == "platform"  # the other contract has nothing to look into
    word = "sent" if found else "unknown"
    assert len(sandbox.genesys.received) == arrived
    assert len(sandbox.genesys.seen(sandbox.post)) == 1
    assert word in said.casefold()
    assert word in thread(sandbox)[0].casefold()
    assert [word in text.casefold() for text in direct(sandbox)] == [True] * (not found)


def test_a_genesys_that_cannot_be_reached_is_tried_again_later(sandbox: Sandbox) -> None:
    answer_to(sandbox, "/canned {conversation} greeting topic=one")
    sandbox.genesys.stop()
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.rest()
    sandbox.genesys.start()
    sandbox.clock.advance(seconds=30)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 2


def test_what_waited_for_more_than_five_minutes_is_reported_instead_of_sent(sandbox: Sandbox) -> None:
    sandbox.genesys.stop()
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.rest()
    sandbox.genesys.start()
    sandbox.clock.advance(minutes=6)
    sandbox.drain()

    assert sandbox.genesys.received == []
    assert "five minutes" in thread(sandbox)[0]


def test_a_variable_without_a_value_refuses_with_its_name(sandbox: Sandbox) -> None:
    said = answer_to(sandbox, "/canned {conversation} greeting")

    assert "needs topic" in said
    assert sandbox.genesys.received == []


RESPONSES = {
    "blank": {"title": "Blank", "text": "{{topic|}}"},
    "long": {"title": "Long", "text": "{{topic}}"},
    "old": {"title": "Old", "text": "Happy new year", "expires": "2020-01-31"},
    "other": {"title": "Another team's", "text": "Hello"},
    "greeting": {"title": "Greeting", "text": "Hello {{CUSTOMER_NAME}}"},
}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("blank", "Nothing is left of the text"),
        ("long topic=" + "x" * 5000, "characters long"),
        ("old", "expired on 31 January 2020"),
        ("other", "does not send"),
        ("greeting lang=fr", "no text in fr"),
    ],
)
def test_what_may_not_be_sent_says_which_and_why(
    make_sandbox: Callable[..., Sandbox], command: str, says: str
) -> None:
    sandbox = make_sandbox()
    team = {"name": "T", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
    allowed = ["blank", "long", "old", "greeting"]
    sandbox.configure({"responses": RESPONSES, "teams": [team | {"responses": allowed}]})
    sandbox.start()

    assert says in answer_to(sandbox, f"/canned {{conversation}} {command}")
    assert sandbox.genesys.received == []


def test_a_database_that_is_locked_takes_nothing_on(sandbox: Sandbox) -> None:
    with sandbox.locked_database():
        said = answer_to_now(sandbox, "/canned {conversation} escalation")

    assert "nothing was taken on" in said
    sandbox.drain()
    assert sandbox.receipts() == []
    assert sandbox.genesys.received == []


def answer_to_now(sandbox: Sandbox, text: str) -> str:
    slack = sandbox.slack
    return slack.types(slack.ann, text.replace("{conversation}", sandbox.conversation), slack.channel).text


def test_slack_down_loses_no_reply(sandbox: Sandbox) -> None:
    fault = sandbox.slack.fault("POST /api/chat.postMessage", "status", times=None, status=503)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.rest()
    assert fault.arrived.wait(10)
    sandbox.slack.clear_faults()
    sandbox.clock.advance(minutes=5)
    sandbox.drain()

    assert len(thread(sandbox)) == 1


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"is_archived": True}, "archived"),
        ({"is_ext_shared": True}, "shared"),
        ({"is_pending_ext_shared": True}, "shared"),
        ({"bot": False}, "not in the team's channel"),
    ],
    ids=str,
)
def test_a_channel_nobody_can_trust_stops_the_teams_sends(
    sandbox: Sandbox, state: dict[str, bool], says: str
) -> None:
    sandbox.slack.set_channel(sandbox.slack.channel, **state)
    sandbox.clock.advance(minutes=6)  # what is known of a channel is five minutes old at most
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert says in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("flag", ["deleted", "is_restricted", "is_ultra_restricted", "is_stranger"])
def test_people_who_are_not_full_members_are_refused(sandbox: Sandbox, flag: str) -> None:
    sandbox.slack.set_user(sandbox.slack.ann, **{flag: True})
    answer_to(sandbox, "/canned {conversation} escalation")

    assert sandbox.genesys.received == []


def test_somebody_who_is_no_supervisor_is_refused(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    ack = slack.types(slack.bob, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    assert "not a supervisor" in ack.text
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("api", ["events"])
def test_somebody_with_no_genesys_user_is_refused(sandbox: Sandbox) -> None:
    sandbox.genesys.users[sandbox.genesys.ann].state = "inactive"
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "users link" in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("api", ["events"])
def test_an_address_that_two_genesys_users_have_links_nobody(sandbox: Sandbox) -> None:
    sandbox.genesys.add_user("Ann Lee the second", "ann.lee@example.com")
    said = answer_to(sandbox, "/canned {conversation} escalation")

    assert "more than one" in said
    assert sandbox.genesys.received == []


@pytest.mark.parametrize("api", ["events"])
@pytest.mark.parametrize("send_as", ["agent", "system"])
def test_send_as_sends_as_the_agent_in_the_chat_or_as_the_automated_user(
    make_sandbox: Callable[..., Sandbox], send_as: str
) -> None:
    sandbox = make_sandbox()
    slack, genesys = sandbox.slack, sandbox.genesys
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "send_as": send_as}
    sandbox.configure({"teams": [team]})
    genesys.join(sandbox.conversation, genesys.system_user_id, purpose="user")
    sandbox.start()
    answer_to(sandbox, "/canned {conversation} escalation")

    assert genesys.received[0].from_id == (genesys.bob if send_as == "agent" else genesys.system_user_id)
