"""Chats that Genesys announces by webhook, in the channels of the teams that ask for it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from bot.sandbox.genesys_webhooks import Announcement, signed
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from tests.hands import types

SECRET = "a secret that nobody guesses"
ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."


@pytest.fixture
def api() -> str:
    """The contract that has webhooks."""
    return "events"


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann's team wants to hear of new chats."""
    sandbox = make_sandbox(variables={"GENESYS_WEBHOOK_SECRET": SECRET})
    asks(sandbox)
    return sandbox.start()


def asks(sandbox: Sandbox, *, announce: bool = True, **more: Any) -> None:
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "announce": announce}
    sandbox.configure({"teams": [team | more]})


def address(sandbox: Sandbox) -> str:
    return f"http://127.0.0.1:{sandbox.bot.listener.port}/genesys/events"


def announcement(sandbox: Sandbox, what: str = "started", secret: str = SECRET) -> Announcement:
    return sandbox.genesys.announcement(sandbox.conversation, address(sandbox), secret, what=what)


def announce(sandbox: Sandbox, what: str = "started") -> requests.Response:
    answer = announcement(sandbox, what).post()
    sandbox.drain()
    return answer


def event(sandbox: Sandbox, **changed: Any) -> requests.Response:
    """An event of our own making, signed as it should be."""
    usual = {
        "eventType": "conversation.chat.started",
        "id": "event-1",
        "conversationId": sandbox.conversation,
        "participants": [],
        "queue": "Support EMEA",
    }
    answer = signed(address(sandbox), usual | changed, SECRET, sandbox.clock()).post()
    sandbox.drain()
    return answer


def cards(sandbox: Sandbox) -> list[Message]:
    return sandbox.slack.messages(sandbox.slack.channel)


def test_a_new_chat_is_a_card_with_a_button_that_opens_the_window_for_it(sandbox: Sandbox) -> None:
    assert announce(sandbox).status_code == 204

    [card] = cards(sandbox)
    assert sandbox.conversation in card.said
    assert "New chat" in card.said
    assert "Support EMEA" in card.said
    sandbox.slack.press(sandbox.slack.ann, "Send a response", card)
    sandbox.drain()
    window = sandbox.slack.open_view(sandbox.slack.ann)
    assert window is not None
    assert sandbox.conversation in json.dumps(window.state) + json.dumps(window.blocks)


def test_what_is_sent_then_stands_below_that_card(sandbox: Sandbox) -> None:
    announce(sandbox)
    types(sandbox, "/canned {conversation} escalation")

    [card] = cards(sandbox)
    [reply] = sandbox.slack.thread(sandbox.slack.channel, card.ts)
    assert ESCALATION in reply.said
    assert "Sent" in card.said
    assert "Send another" in json.dumps(card.blocks)


def test_a_chat_whose_thread_is_there_already_keeps_its_one_card(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} escalation")
    announce(sandbox)

    [card] = cards(sandbox)
    assert "Sent" in card.said
    assert "New chat" in card.said


@pytest.mark.parametrize("first", [None, "/canned {conversation} escalation"], ids=["unused", "used"])
def test_the_card_says_when_the_chat_has_ended_and_loses_its_button(
    sandbox: Sandbox, first: str | None
) -> None:
    announce(sandbox)
    before = cards(sandbox)[0]
    if first:
        types(sandbox, first)
    announce(sandbox, "ended")

    [card] = cards(sandbox)
    assert "Ended" in card.said
    assert "Send a" not in json.dumps(card.blocks)
    sandbox.slack.press(sandbox.slack.ann, "Send a response", before)  # the card as it was a moment ago
    sandbox.drain()
    assert "ended" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


def test_a_replay_is_the_same_event(sandbox: Sandbox) -> None:
    hook = announcement(sandbox)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hook.post().status_code, range(8)))
    sandbox.drain()
    [card] = cards(sandbox)
    announce(sandbox, "ended")
    hook.post()
    sandbox.drain()

    assert answers == [204] * 8
    assert [each.ts for each in cards(sandbox)] == [card.ts]
    assert "Ended" in cards(sandbox)[0].said


def test_the_same_id_is_the_same_event_whatever_else_it_says(sandbox: Sandbox) -> None:
    event(sandbox)
    another = sandbox.genesys.start_chat("Alan Turing")
    event(sandbox, conversationId=another)
    event(sandbox, eventType="conversation.chat.ended")

    [card] = cards(sandbox)
    assert sandbox.conversation in card.said
    assert "Ended" not in card.said


def test_a_start_that_comes_after_the_end_announces_nothing(sandbox: Sandbox) -> None:
    announce(sandbox, "ended")
    announce(sandbox, "started")

    assert cards(sandbox) == []


@pytest.mark.parametrize("queue", [None, "Billing"])
def test_whatever_queue_it_ended_in_a_late_start_announces_nothing(sandbox: Sandbox, queue: object) -> None:
    asks(sandbox, queues=["Support EMEA"])
    event(sandbox, eventType="conversation.chat.ended", id="event-2", queue=queue)
    event(sandbox)

    assert cards(sandbox) == []


def test_a_chat_of_which_only_the_end_was_heard_is_not_called_new(sandbox: Sandbox) -> None:
    event(sandbox, eventType="conversation.chat.ended", queue="Billing")
    types(sandbox, "/canned {conversation} escalation")

    [card] = cards(sandbox)
    assert ("Ended" in card.said, "New chat" in card.said) == (True, False)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1,v1=00",
        "v1={code},t={at}",
        "t={at}",
        "t={at},v1={code}0",
        "t={at},v1=" + "0" * 64,
        "t=0{at},v1={code}",
    ],
)
def test_a_wrong_signature_is_refused(sandbox: Sandbox, signature: str) -> None:
    hook = announcement(sandbox)
    at, _, code = hook.signature.removeprefix("t=").partition(",v1=")
    forged = signature.replace("{at}", at).replace("{code}", code)

    answer = Announcement(hook.url, hook.body, forged).post()

    sandbox.drain()
    assert answer.status_code == 401
    assert cards(sandbox) == []


def test_a_body_that_was_changed_or_signed_by_another_is_refused(sandbox: Sandbox) -> None:
    hook = announcement(sandbox)

    assert Announcement(hook.url, hook.body + b" ", hook.signature).post().status_code == 401
    assert announcement(sandbox, secret="another secret of somebody").post().status_code == 401
    sandbox.drain()
    assert cards(sandbox) == []


@pytest.mark.parametrize(("seconds", "status"), [(290, 204), (-290, 204), (310, 401), (-310, 401)])
def test_a_signature_counts_for_five_minutes_either_way(sandbox: Sandbox, seconds: int, status: int) -> None:
    hook = announcement(sandbox)
    sandbox.clock.advance(seconds=seconds)

    assert hook.post().status_code == status


@pytest.mark.parametrize(
    "changed",
    [
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"conversationId": "../users"},
        {"conversationId": None},
        {"conversationId": {"id": "x"}},
    ],
    ids=str,
)
def test_what_is_signed_and_still_no_event_is_refused(sandbox: Sandbox, changed: dict[str, Any]) -> None:
    assert event(sandbox, **changed).status_code == 400
    assert cards(sandbox) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"no json", b"[" * 100_000, b"\xff\xfe"], ids=len)
def test_a_body_that_cannot_be_read_is_refused(sandbox: Sandbox, body: bytes) -> None:
    hook = announcement(sandbox)
    at = hook.signature.partition(",")[0].removeprefix("t=")
    code = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()

    assert Announcement(hook.url, body, f"t={at},v1={code}").post().status_code == 400


def test_an_event_of_another_kind_is_taken_and_left_at_that(sandbox: Sandbox) -> None:
    assert event(sandbox, eventType="conversation.chat.transferred").status_code == 204
    assert cards(sandbox) == []


@pytest.mark.parametrize(
    ("queue", "named"),
    [({"id": "q1", "name": "Billing"}, "Billing"), (None, "New chat"), ("<!channel>\0", "&lt;!channel&gt;")],
    ids=["object", "none", "nasty"],
)
def test_whatever_the_queue_is_the_chat_is_announced(sandbox: Sandbox, queue: object, named: str) -> None:
    assert event(sandbox, queue=queue).status_code == 204

    [card] = cards(sandbox)
    assert named in json.dumps(card.blocks)


@pytest.mark.parametrize(
    ("team", "announced"),
    [
        ({"announce": False}, False),
        ({"queues": ["Billing"]}, False),
        ({"queues": ["Billing", "support emea"]}, True),
    ],
    ids=str,
)
def test_only_teams_that_ask_hear_of_it_and_of_their_queues_alone(
    sandbox: Sandbox, team: dict[str, Any], announced: bool
) -> None:
    asks(sandbox, **team)
    announce(sandbox)

    assert len(cards(sandbox)) == announced


def test_a_channel_shared_with_another_company_hears_nothing(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox(variables={"GENESYS_WEBHOOK_SECRET": SECRET})
    shared = sandbox.slack.add_channel("partners", [sandbox.slack.ann], is_ext_shared=True)
    asks(sandbox, channel=shared)
    sandbox.start()
    announce(sandbox)

    assert sandbox.slack.messages(shared) == []


def test_somebody_who_is_no_supervisor_gets_no_window_to_send_from(sandbox: Sandbox) -> None:
    announce(sandbox)
    [card] = cards(sandbox)
    sandbox.slack.press(sandbox.slack.lee, "Send a response", card)
    sandbox.drain()

    window = sandbox.slack.open_view(sandbox.slack.lee)
    assert window is not None
    assert "not a supervisor" in json.dumps(window.blocks)


def test_while_slack_is_away_the_announcement_waits_and_is_posted_once(sandbox: Sandbox) -> None:
    sandbox.slack.fault("POST /api/chat.postMessage", "lost_after")
    announcement(sandbox).post()
    sandbox.bot.parts.lanes.posts.wait_idle(0.5)
    sandbox.clock.advance(seconds=60)
    sandbox.drain()

    assert len(cards(sandbox)) == 1


def test_what_cannot_be_written_down_has_to_come_again(sandbox: Sandbox) -> None:
    hook = announcement(sandbox)
    with sandbox.locked_database():
        assert hook.post().status_code == 503
    assert hook.post().status_code == 204
    sandbox.drain()

    assert len(cards(sandbox)) == 1


def test_without_a_secret_there_is_no_such_address(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox().start()

    assert announcement(sandbox).post().status_code == 404


def test_the_log_holds_no_names(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    announce(sandbox)

    assert "Grace" not in caplog.text


def test_a_card_that_nobody_took_is_given_up_once_its_chat_is_forgotten(sandbox: Sandbox) -> None:
    slack, store = sandbox.slack, sandbox.bot.parts.store
    slack.set_channel(slack.channel, bot=False)
    announce(sandbox)
    sandbox.clock.advance(minutes=10)
    store.purge(sandbox.clock())
    sandbox.bot.workspace.threads.publish(slack.channel, sandbox.conversation)

    assert store.threads_due() == []
