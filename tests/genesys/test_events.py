"""One message, once: the events contract over real HTTP, with everything going wrong that can."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, jsonify

from bot.genesys import (
    Accepted,
    AuthError,
    Conversation,
    Ended,
    Genesys,
    NotAParticipant,
    NotFound,
    NotOffered,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Sender,
    Template,
    Unavailable,
)
from bot.sandbox.genesys import ANN, BOB, CHAT, SimulatedGenesys
from bot.sandbox.http import Server

READ = "GET /api/v2/conversations/{id}"
EVENTS = "POST /api/v2/conversations/{id}/events"
UNKNOWN = "n0c0nv00-e5f6-7890-g1h2-i3j4k5l6m7n8"


@pytest.fixture
def chat(genesys: Genesys) -> Conversation:
    return genesys.conversation(CHAT)


@pytest.fixture
def ann(genesys: Genesys, chat: Conversation) -> Sender:
    return genesys.sender(chat, "self", ANN)


@pytest.fixture
def post(chat: Conversation, ann: Sender) -> Callable[..., Accepted]:
    def post(genesys: Genesys, text: str = "Hello.", **options: Any) -> Accepted:
        return genesys.send(chat, ann, text, response="greeting", send_id="k1", **options)

    return post


# The message


def test_customer_gets_the_text_from_the_supervisor_marked_as_canned(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    accepted = post(genesys, "Hello Ada, “it's” <on> *its* way.\n{{x}} 🎉")

    (sent,) = cloud.received
    assert sent.text == "Hello Ada, “it's” <on> *its* way.\n{{x}} 🎉"
    assert (sent.conversation_id, sent.from_id) == (CHAT, ANN)
    assert sent.metadata == {"source": "canned_response_bot", "response": "greeting", "send_id": "k1"}
    assert (accepted.message_id, accepted.conversation_id) == (sent.id, CHAT)
    assert accepted.correlation_id


def test_warm_send_is_two_requests_on_the_connection_that_is_open_and_no_token(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    post(genesys)
    connections = cloud.connections
    cloud.forget()

    conversation = genesys.conversation(CHAT)
    sender = genesys.sender(conversation, "self", ANN)
    genesys.send(conversation, sender, "Again.", response="greeting", send_id="k2")

    assert [(each.method, each.path) for each in cloud.requests] == [
        ("GET", f"/api/v2/conversations/{CHAT}"),
        ("POST", f"/api/v2/conversations/{CHAT}/events"),
    ]
    assert cloud.connections == connections == 1


def test_connections_of_sixteen_threads_are_kept_for_their_next_requests(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    cloud.rate_limit = None
    with ThreadPoolExecutor(16) as threads:
        held = [cloud.hold(READ) for _ in range(16)]
        reads = [threads.submit(genesys.conversation, CHAT) for _ in range(16)]
        for each in held:
            assert each.arrived.wait(5)
        cloud.clear_faults()
        assert all(read.result(5).live for read in reads)
    opened = cloud.connections

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(genesys.conversation, [CHAT] * 64))

    assert opened == 16
    assert cloud.connections == opened


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_text_is_refused_without_asking_genesys(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], text: str
) -> None:
    with pytest.raises(Refused, match="The message is empty"):
        post(genesys, text)

    assert not cloud.seen(EVENTS)


def test_text_longer_than_the_chat_takes_is_refused_with_the_limit(
    cloud: SimulatedGenesys, genesys: Genesys, chat: Conversation, post: Callable[..., Accepted]
) -> None:
    limit = genesys.max_length(chat)

    with pytest.raises(Refused, match=f"has {limit + 1} characters, and a chat takes {limit} at most"):
        post(genesys, "x" * (limit + 1))
    assert not cloud.seen(EVENTS)

    post(genesys, "x" * limit)
    assert len(cloud.received) == 1


def test_template_is_nothing_that_this_contract_takes(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    with pytest.raises(NotOffered, match="takes no templates, so nothing was sent"):
        post(genesys, template=Template("r1"))

    assert not cloud.seen(EVENTS)


# Lost answers


@pytest.mark.parametrize(
    ("kind", "reached"),
    [("lost_before", 0), ("lost_after", 1), ("cut_body", 1), ("broken_json", 1), ("redirect", 0)],
)
def test_send_without_an_answer_to_rely_on_is_unknown_and_never_repeated(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], kind: Any, reached: int
) -> None:
    cloud.fault(EVENTS, kind)

    with pytest.raises(OutcomeUnknown, match=r"may or may not have reached the customer\. Look at"):
        post(genesys)

    assert len(cloud.seen(EVENTS)) == 1
    assert len(cloud.received) == reached


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_send_answered_by_a_failing_server_is_unknown_and_never_repeated(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], status: int
) -> None:
    cloud.fault(EVENTS, "status", status=status, retry_after=1)

    with pytest.raises(OutcomeUnknown) as unknown:
        post(genesys)

    assert unknown.value.correlation_id
    assert len(cloud.seen(EVENTS)) == 1


def test_send_whose_answer_does_not_come_in_time_is_unknown_and_never_repeated(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys], post: Callable[..., Accepted]
) -> None:
    genesys = connect(timeout=(1, 0.2))
    held = cloud.hold(EVENTS, worked=True)

    with pytest.raises(OutcomeUnknown):
        post(genesys)
    held.release()

    assert len(cloud.seen(EVENTS)) == len(cloud.received) == 1


def test_send_on_a_connection_that_is_reset_is_unknown(
    connect: Callable[..., Genesys], post: Callable[..., Accepted], resetting: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        post(connect(api_url=resetting))


def test_send_that_finds_nobody_listening_has_never_left(
    connect: Callable[..., Genesys], post: Callable[..., Accepted], nobody_there: str
) -> None:
    with pytest.raises(Unavailable, match="could not be reached, so nothing was sent") as unavailable:
        post(connect(api_url=nobody_there))

    assert unavailable.value.retry_after > 0


@pytest.mark.parametrize(
    "odd",
    [
        Response(status=202),
        Response(status=204),
        Response("{}", status=201, mimetype="application/json"),
        Response('{"id": 7}', status=201, mimetype="application/json"),
        Response("<html>", status=200),
    ],
    ids=lambda odd: f"{odd.status_code} {odd.get_data(as_text=True)}",
)
def test_success_that_does_not_give_the_event_id_is_unknown(
    connect: Callable[..., Genesys],
    scripted: Callable[..., Server],
    post: Callable[..., Accepted],
    odd: Response,
) -> None:
    server = scripted(odd)

    with pytest.raises(OutcomeUnknown):
        post(connect(login_url=server.url, api_url=server.url))

    assert len(server.seen(EVENTS)) == 1


def test_look_finds_nothing_for_this_contract_has_nothing_to_look_with(
    cloud: SimulatedGenesys, genesys: Genesys, chat: Conversation, ann: Sender, clock: Any
) -> None:
    cloud.forget()

    assert genesys.look(chat, ann, "Hello.", since=clock.now()) is None
    assert cloud.requests == []


# 429


@pytest.mark.parametrize(("asked", "waited"), [(7, 7.0), ("Mon, 23 Nov 2026 12:00:09 GMT", 9.0), (None, 5.0)])
def test_send_waits_as_asked_says_so_and_is_sent_once(
    cloud: SimulatedGenesys,
    genesys: Genesys,
    post: Callable[..., Accepted],
    clock: Any,
    asked: float | str | None,
    waited: float,
) -> None:
    cloud.fault(EVENTS, "429", retry_after=asked)
    told: list[float] = []

    post(genesys, on_wait=told.append)

    assert told == [*clock.naps, 0] == [waited, 0]
    assert len(cloud.received) == 1


def test_third_429_in_a_row_gives_up_with_the_time_to_wait(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], clock: Any
) -> None:
    cloud.fault(EVENTS, "429", times=None, retry_after=8)

    with pytest.raises(RateLimited, match=r"wait 8 seconds\. Nothing has been sent yet") as limited:
        post(genesys)

    assert limited.value.retry_after == 8
    assert limited.value.correlation_id
    assert clock.naps == [8, 8]
    assert len(cloud.seen(EVENTS)) == 3


@pytest.mark.parametrize(("asked", "naps"), [(61, []), (40, [40]), (60, [60])])
def test_more_than_a_minute_of_waiting_in_all_is_not_done_in_place(
    cloud: SimulatedGenesys,
    genesys: Genesys,
    post: Callable[..., Accepted],
    clock: Any,
    asked: int,
    naps: list[float],
) -> None:
    cloud.fault(EVENTS, "429", times=None, retry_after=asked)

    with pytest.raises(RateLimited) as limited:
        post(genesys)

    assert limited.value.retry_after == asked
    assert clock.naps == naps
    assert cloud.received == []


def test_answer_lost_after_a_wait_is_unknown(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.fault(EVENTS, "429", retry_after=1)
    cloud.fault(EVENTS, "lost_after")

    with pytest.raises(OutcomeUnknown):
        post(genesys)

    assert len(cloud.seen(EVENTS)) == 2
    assert len(cloud.received) == 1


def test_what_the_listener_of_waits_raises_ends_the_send_before_it_is_repeated(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.fault(EVENTS, "429", retry_after=1)

    def fail(seconds: float) -> None:
        raise KeyError(seconds)

    with pytest.raises(KeyError):
        post(genesys, on_wait=fail)

    assert cloud.received == []


def test_organisation_limit_of_requests_per_minute_is_waited_for(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], clock: Any
) -> None:
    cloud.rate_limit = 2
    genesys.user(ANN)

    post(genesys)

    assert clock.naps == [60]
    assert len(cloud.received) == 1


# 401


def test_expired_token_is_replaced_and_the_message_sent_once(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.revoke_tokens()

    post(genesys)

    assert len(cloud.seen(EVENTS)) == 2
    assert len(cloud.received) == 1


def test_fresh_token_that_is_refused_is_for_the_operator_with_the_id_to_look_up(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.fault(EVENTS, "status", status=401, times=None)

    with pytest.raises(AuthError) as refused:
        post(genesys)

    said = str(refused.value)
    assert "even with a new token. Nothing was sent" in said
    assert "the operator has to check the OAuth client and its scopes" in said
    assert refused.value.correlation_id
    assert f"quoting the Genesys correlation id {refused.value.correlation_id}." in said
    assert len(cloud.seen(EVENTS)) == 2


def test_refused_token_that_gives_no_correlation_id_is_said_without_one(
    connect: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    server = scripted(Response(status=401))

    with pytest.raises(AuthError, match=r"Tell them\.$"):
        connect(login_url=server.url, api_url=server.url).conversation(CHAT)


# Refusals


def test_missing_scope_is_named_with_who_grants_it(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.scopes = frozenset({"conversation:write"})
    cloud.revoke_tokens()
    cloud.forget()

    with pytest.raises(
        Refused, match=r"it lacks conversation:chat:write\. Nothing was sent\. A Genesys admin"
    ):
        post(genesys)

    assert not cloud.seen(READ)


@pytest.mark.parametrize("status", [403, 400])
def test_sender_who_left_at_the_last_moment_is_told_who_is_still_there(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], status: int
) -> None:
    cloud.outsider_status = status
    cloud.leave(CHAT, ANN)

    with pytest.raises(NotAParticipant, match="In it now: Bob Ray") as refused:
        post(genesys)

    assert refused.value.correlation_id


def test_agent_who_left_at_the_last_moment_is_not_replaced_by_another(
    cloud: SimulatedGenesys, genesys: Genesys, chat: Conversation
) -> None:
    bob = genesys.sender(chat, "agent", ANN)
    cloud.leave(CHAT, BOB)
    cloud.join(CHAT, cloud.add_user("Cyd Fox", "cyd.fox@example.com"))

    with pytest.raises(NotAParticipant, match="The agent is no longer in this conversation"):
        genesys.send(chat, bob, "Hello.", response="greeting", send_id="k1")

    assert cloud.received == []


def test_conversation_that_ended_at_the_last_moment_is_said_to_have_ended(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.end(CHAT)

    with pytest.raises(Ended):
        post(genesys)


@pytest.mark.parametrize("kind", ["lost_before", "429"])
def test_refused_send_stays_refused_when_the_reason_cannot_be_looked_up(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], kind: Any
) -> None:
    cloud.fault(EVENTS, "status", status=403)
    cloud.fault(READ, kind, times=None, retry_after=99)

    with pytest.raises(Refused, match="it probably lacks the scope conversation:chat:write") as refused:
        post(genesys)

    assert refused.value.retry_after is None


def test_refusal_with_everything_in_place_is_told_as_genesys_gave_it(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.fault(EVENTS, "status", status=400)

    with pytest.raises(Refused, match=r"refused to send messages \(400 bad.request\). Nothing was sent"):
        post(genesys)

    assert len(cloud.seen(EVENTS)) == 1


def test_conversation_archived_at_the_last_moment_is_not_found(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted]
) -> None:
    cloud.archive(CHAT)

    with pytest.raises(NotFound, match=r"has ended and was archived\. Nothing was sent\. Copy the id again"):
        post(genesys)


# Reading


def test_unknown_conversation_is_not_found_with_what_to_do(genesys: Genesys) -> None:
    with pytest.raises(NotFound, match="none with this id, or it has ended and was archived") as missing:
        genesys.conversation(UNKNOWN)

    assert missing.value.correlation_id


@pytest.mark.parametrize("text", ["", "../users/me", f"{CHAT}/events", f"{CHAT}?x", f"{CHAT}\n", "Bob"])
def test_nothing_but_an_id_reaches_genesys(cloud: SimulatedGenesys, genesys: Genesys, text: str) -> None:
    with pytest.raises(Refused, match="not a conversation id, so Genesys was not asked"):
        genesys.conversation(text)
    with pytest.raises(Refused, match="not a user id"):
        genesys.user(text)
    with pytest.raises(Refused):
        genesys.send(
            Conversation(text, "chat", live=True), Sender("self", ANN), "Hello.", response="r", send_id="k"
        )

    assert cloud.requests == []


def test_client_that_may_not_read_conversations_is_told_which_right_is_missing(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    cloud.fault(READ, "status", status=403)

    with pytest.raises(
        Refused, match="does not allow this bot to read this conversation: it probably lacks the scope"
    ):
        genesys.conversation(CHAT)


@pytest.mark.parametrize(
    "kind", ["lost_before", "lost_after", "cut_body", "broken_json", "status", "redirect"]
)
def test_reading_is_repeated_twice_and_then_unavailable(
    cloud: SimulatedGenesys, genesys: Genesys, clock: Any, kind: Any
) -> None:
    cloud.fault(READ, kind, times=2)
    assert genesys.conversation(CHAT).live
    assert len(cloud.seen(READ)) == 3
    assert len(clock.naps) == 2
    assert sum(clock.naps) < 2

    cloud.fault(READ, kind, times=3)
    with pytest.raises(Unavailable, match="nothing was sent"):
        genesys.conversation(CHAT)


def test_reading_whose_answer_does_not_come_in_time_is_repeated(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys]
) -> None:
    genesys = connect(timeout=(1, 0.2))
    held = cloud.hold(READ)

    assert genesys.conversation(CHAT).live

    held.release()
    assert len(cloud.seen(READ)) == 2


def test_reading_waits_for_a_429_and_says_so(cloud: SimulatedGenesys, genesys: Genesys, clock: Any) -> None:
    cloud.fault(READ, "429", retry_after=12)
    told: list[float] = []

    assert genesys.conversation(CHAT, reader=ANN, on_wait=told.append).live

    assert told == [0, *clock.naps, 0] == [0, 12, 0]  # the first: there is a token now


def test_reading_that_would_have_to_wait_too_long_is_limited(
    cloud: SimulatedGenesys, genesys: Genesys, clock: Any
) -> None:
    cloud.fault(READ, "429", retry_after=61)

    with pytest.raises(RateLimited):
        genesys.conversation(CHAT)

    assert clock.naps == []


def test_reading_with_a_revoked_token_gets_a_new_one(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    genesys.conversation(CHAT)
    cloud.revoke_tokens()

    assert genesys.conversation(CHAT).live


def test_waiting_for_a_token_and_for_the_send_share_one_minute(
    cloud: SimulatedGenesys, genesys: Genesys, post: Callable[..., Accepted], clock: Any
) -> None:
    clock.at += timedelta(hours=2)
    cloud.fault("POST /oauth/token", "429", retry_after=40)
    cloud.fault(EVENTS, "429", retry_after=40)

    with pytest.raises(RateLimited):
        post(genesys)

    assert clock.naps == [40]


def test_closed_client_leaves_no_connection_open(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    genesys.conversation(CHAT)

    genesys.close()

    cloud.stop()  # would wait for the thread of a connection that nobody closed


def test_cookies_of_a_gateway_are_not_kept(
    connect: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    def answer() -> Response:
        response = jsonify(id=ANN, state="active")
        response.set_cookie("route", "1")
        return response

    server = scripted(answer)
    genesys = connect(login_url=server.url, api_url=server.url)
    genesys.user(ANN)
    genesys.user(ANN)

    assert "Cookie" not in server.requests[-1].headers
