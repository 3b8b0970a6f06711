"""One message, once, from the person who sends it: the platform with everything going wrong that can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, jsonify
from werkzeug.datastructures import Headers

from bot.genesys import (
    Accepted,
    AuthError,
    Conversation,
    Ended,
    Genesys,
    NotAParticipant,
    NotConnected,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Sender,
    Template,
    Unavailable,
)
from bot.sandbox.genesys import SimulatedGenesys
from bot.sandbox.http import Server

READ = "GET /api/v2/conversations/{id}"
SEND = "POST /api/v2/conversations/messages/{id}/communications/{line}/messages"
AGENTLESS = "POST /api/v2/conversations/messages/agentless"
UNKNOWN = "00000000-e5f6-7890-a1b2-c3d4e5f6a7b8"


@pytest.fixture
def post(platform: Genesys, chat: Conversation, ann: Sender) -> Callable[..., Accepted]:
    def post(text: str = "Hello.", genesys: Genesys = platform, **options: Any) -> Accepted:
        return genesys.send(chat, ann, text, response="greeting", send_id="k1", **options)

    return post


def whose(public: SimulatedGenesys, match: str) -> list[str | None]:
    sent = (each.headers["Authorization"].removeprefix("Bearer ") for each in public.seen(match))
    return [public.tokens[each].user_id for each in sent]


# As a person


def test_customer_gets_the_text_from_the_person_with_their_own_token_on_their_own_line(
    public: SimulatedGenesys, post: Callable[..., Accepted], ann: Sender
) -> None:
    accepted = post("Hello Ada, “it's” <on> *its* way.\n{{x}} 🎉")

    (sent,) = public.received
    (asked,) = public.seen(SEND)
    assert sent.text == "Hello Ada, “it's” <on> *its* way.\n{{x}} 🎉"
    assert (sent.conversation_id, sent.from_id) == (public.chat, public.ann)
    assert asked.json == {"textBody": sent.text}
    assert ann.communication_id in asked.path
    assert whose(public, SEND) == [public.ann]
    assert accepted == Accepted(sent.id, "queued", public.chat, accepted.correlation_id)
    assert accepted.correlation_id


def test_agent_sends_with_the_agents_own_token(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation
) -> None:
    bob = platform.sender(chat, "agent", public.ann)

    platform.send(chat, bob, "Hello.", response="greeting", send_id="k1")

    assert whose(public, SEND) == [public.bob]
    assert public.received[0].from_id == public.bob


def test_warm_send_is_two_requests_on_the_connection_that_is_open_and_no_token(
    public: SimulatedGenesys, platform: Genesys, post: Callable[..., Accepted]
) -> None:
    post()
    connections = public.connections
    public.forget()

    conversation = platform.conversation(public.chat, reader=public.ann)
    sender = platform.sender(conversation, "self", public.ann)
    platform.send(conversation, sender, "Again.", response="greeting", send_id="k2")

    assert [each.method for each in public.requests] == ["GET", "POST"]
    assert len(public.seen(READ)) == len(public.seen(SEND)) == 1
    assert public.connections == connections


def test_accepted_without_a_body_is_sent_with_no_id(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.empty_answers = True

    accepted = post()

    assert (accepted.message_id, accepted.status, accepted.conversation_id) == (None, "accepted", public.chat)
    assert len(public.received) == len(public.seen(SEND)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        Response(status=200),
        Response(status=201),
        Response(status=204),
        Response("<html>", status=200),
        Response("<html>", status=202),
        Response("{}", status=200, mimetype="application/json"),
        Response('{"id": 7}', status=200, mimetype="application/json"),
    ],
    ids=lambda odd: f"{odd.status_code} {odd.get_data(as_text=True)}",
)
def test_success_that_cannot_be_read_is_unknown_and_never_repeated(
    connect_public: Callable[..., Genesys],
    scripted: Callable[..., Server],
    post: Callable[..., Accepted],
    odd: Response,
) -> None:
    server = scripted(odd)
    genesys = connect_public(api_url=server.url)

    with pytest.raises(OutcomeUnknown):
        post(genesys=genesys)

    assert len(server.seen(SEND)) == 1


@pytest.mark.parametrize(("kind", "reached"), [("lost_before", 0), ("lost_after", 1), ("cut_body", 1)])
def test_send_without_an_answer_to_rely_on_is_unknown_and_never_repeated(
    public: SimulatedGenesys, post: Callable[..., Accepted], kind: Any, reached: int
) -> None:
    public.fault(SEND, kind)

    with pytest.raises(OutcomeUnknown):
        post()

    assert len(public.seen(SEND)) == 1
    assert len(public.received) == reached


@pytest.mark.parametrize("status", [408, 500, 503, 504])
def test_send_answered_by_a_failing_server_is_unknown_and_never_repeated(
    public: SimulatedGenesys, post: Callable[..., Accepted], status: int
) -> None:
    public.fault(SEND, "status", status=status, retry_after=1)

    with pytest.raises(OutcomeUnknown):
        post()

    assert len(public.seen(SEND)) == 1


def test_answer_too_large_to_be_given_says_nothing_against_the_message(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server], post: Callable[..., Accepted]
) -> None:
    said = '{"code": "response.entity.too.large", "contextId": "c-1"}'
    server = scripted(Response(said, status=400, mimetype="application/json"))

    with pytest.raises(OutcomeUnknown) as failed:
        post(genesys=connect_public(api_url=server.url))

    assert len(server.seen(SEND)) == 1
    assert failed.value.correlation_id == "c-1"


class Redirect(Response):
    """One whose address goes out as it is, though it is none."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        return self.headers


@pytest.mark.parametrize("where", ["http://[", "https://a\xff.example/"])
def test_redirect_whose_address_is_none_is_no_answer_like_any_other(
    connect_public: Callable[..., Genesys],
    scripted: Callable[..., Server],
    post: Callable[..., Accepted],
    chat: Conversation,
    ann: Sender,
    where: str,
) -> None:
    server = scripted(Redirect(status=302, headers={"Location": where, "Content-Length": "0"}))
    genesys = connect_public(api_url=server.url)

    with pytest.raises(OutcomeUnknown):
        post(genesys=genesys)
    with pytest.raises(Unavailable):
        genesys.conversation(chat.id, reader=ann.user_id)

    assert len(server.seen(SEND)) == 1
    assert genesys.reachable() is False


def test_429_is_waited_for_as_asked_and_said(
    public: SimulatedGenesys, post: Callable[..., Accepted], clock: Any
) -> None:
    public.fault(SEND, "429", retry_after=7)
    told: list[float] = []

    post(on_wait=told.append)

    assert told == [*clock.naps, 0] == [7, 0]
    assert len(public.received) == 1


def test_longer_wait_is_not_made_in_place(public: SimulatedGenesys, post: Callable[..., Accepted]) -> None:
    public.fault(SEND, "429", times=None, retry_after=61)

    with pytest.raises(RateLimited):
        post()

    assert public.received == []


def test_expired_token_is_renewed_and_the_message_sent_once(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.revoke_tokens()

    post()

    assert len(public.seen(SEND)) == 2
    assert len(public.received) == 1


def test_person_whose_sign_in_lapsed_has_sent_nothing(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.revoke_tokens()
    public.refresh_tokens.clear()

    with pytest.raises(NotConnected) as lapsed:
        post()

    assert lapsed.value.user_id == public.ann
    assert public.received == []


def test_token_host_that_fails_during_a_send_sends_nothing(
    public: SimulatedGenesys, post: Callable[..., Accepted], clock: Any
) -> None:
    clock.at += timedelta(days=2)
    public.fault("POST /oauth/token", "lost_before", times=None)

    with pytest.raises(Unavailable, match="nothing was sent"):
        post()

    assert not public.seen(SEND)


@pytest.mark.usefixtures("platform")
def test_place_that_the_organisation_does_not_allow_is_for_the_administrator_and_spends_no_token(
    connect_public: Callable[..., Genesys],
    scripted: Callable[..., Server],
    public: SimulatedGenesys,
) -> None:
    def refuse() -> Response:
        answer = jsonify(code="ip.not.authorized")
        answer.status_code = 401
        return answer

    server = scripted(refuse)
    genesys = connect_public(api_url=server.url)

    with pytest.raises(AuthError, match="has to allow the bot's address") as refused:
        genesys.conversation(public.chat, reader=public.ann)

    assert not isinstance(refused.value, NotConnected)
    assert len(server.requests) == 1
    assert not public.seen("POST /oauth/token")


# Lengths


@pytest.mark.parametrize(
    ("channel", "limit"), [("sms", 765), ("webmessaging", 2000), ("whatsapp", 2000), ("facebook", 2000)]
)
def test_text_is_as_long_as_its_channel_takes(
    public: SimulatedGenesys, platform: Genesys, channel: str, limit: int
) -> None:
    conversation = platform.conversation(
        public.start_chat(agents=[public.bob], channel=channel), reader=public.bob
    )
    bob = platform.sender(conversation, "self", public.bob)

    with pytest.raises(Refused, match=f"has {limit + 1} characters, and {channel} takes {limit} at most"):
        platform.send(conversation, bob, "x" * (limit + 1), response="r", send_id="k")
    assert not public.seen(SEND)
    platform.send(conversation, bob, "x" * limit, response="r", send_id="k")

    assert platform.max_length(conversation) == limit
    assert len(public.received) == 1


def test_length_that_genesys_alone_knows_is_said(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.conversations[public.chat].channel = "sms"  # since it was read

    with pytest.raises(Refused, match=r"too long for this channel\. Nothing was sent"):
        post("x" * 800)


@pytest.mark.parametrize(
    ("status", "code", "what"),
    [
        (400, "conversation.message.limit.exceeded", "in a new conversation"),
        (409, "organization.outbound.usage.limit.exceeded", "administrator can have that raised"),
        (409, "request.conflict", "send again if it still fits"),
        (400, "client.failed.request", "Send it again"),
    ],
)
def test_what_can_be_done_about_a_refusal_is_said(
    public: SimulatedGenesys,
    connect_public: Callable[..., Genesys],
    scripted: Callable[..., Server],
    post: Callable[..., Accepted],
    status: int,
    code: str,
    what: str,
) -> None:
    server = scripted(Response(f'{{"code": "{code}"}}', status=status, mimetype="application/json"))

    with pytest.raises(Refused, match=rf"Nothing was sent\. .*{what}"):
        post(genesys=connect_public(api_url=server.url))


def test_empty_text_is_refused_without_asking(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    with pytest.raises(Refused, match="The message is empty"):
        post(" \n")

    assert not public.seen(SEND)


# Refusals


def test_missing_permission_of_the_person_is_named_with_who_grants_it(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.users[public.ann].permissions -= {
        "conversation:message:create",
        "conversation:webmessaging:create",
    }
    public.forget()

    with pytest.raises(Refused) as refused:
        post()

    said = str(refused.value)
    assert (
        "does not allow this person to send messages: their sign-in lacks conversation:message:create" in said
    )
    assert "grants it to the person (a role and its divisions)" in said
    assert not public.seen(READ)


def test_missing_scope_is_told_from_a_missing_permission(
    public: SimulatedGenesys, platform: Genesys, post: Callable[..., Accepted]
) -> None:
    for token in public.tokens.values():
        token.scopes = frozenset({"conversations:readonly"})

    with pytest.raises(Refused, match="or, where it is a scope, to the bot's OAuth client"):
        post()


def test_conversation_of_another_division_is_said_to_be_one(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    public.users[public.ann].divisions = frozenset({"Elsewhere"})

    with pytest.raises(Refused, match="in this conversation's division"):
        platform.send(
            platform.conversation(public.chat, reader=public.ann),
            Sender("self", public.ann, communication_id=UNKNOWN),
            "Hello.",
            response="r",
            send_id="k",
        )


def test_sender_who_left_at_the_last_moment_is_told_who_is_still_there(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.leave(public.chat, public.ann)

    with pytest.raises(NotAParticipant, match="In it now: Bob Ray") as refused:
        post()

    assert refused.value.correlation_id
    assert public.received == []


def test_sender_who_reconnected_at_the_last_moment_is_asked_to_send_again(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.reconnect(public.chat, public.ann)

    with pytest.raises(Refused, match=r"changed at the last moment .* Send it again\."):
        post()


def test_conversation_that_ended_at_the_last_moment_is_said_to_have_ended(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.end(public.chat)

    with pytest.raises(Ended):
        post()


def test_conversation_archived_at_the_last_moment_is_not_found(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.archive(public.chat)

    with pytest.raises(NotFound, match="in a region other than the one set up"):
        post()


@pytest.mark.parametrize(("status", "code"), [(409, "status.409"), (413, "request.entity.too.large")])
def test_other_refusal_is_told_as_genesys_gave_it(
    public: SimulatedGenesys, post: Callable[..., Accepted], status: int, code: str
) -> None:
    public.fault(SEND, "status", status=status)
    public.forget()

    with pytest.raises(Refused, match=rf"\({status} {code}\)\. Nothing was sent"):
        post()

    assert not public.seen(READ)


def test_refused_send_stays_refused_when_the_reason_cannot_be_looked_up(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.fault(SEND, "status", status=403)
    public.fault(READ, "lost_before", times=None)

    with pytest.raises(
        Refused, match="their sign-in probably lacks the permission conversation:message:create"
    ):
        post()


def test_refusal_with_everything_in_place_is_told_as_genesys_gave_it(
    public: SimulatedGenesys, post: Callable[..., Accepted]
) -> None:
    public.fault(SEND, "status", status=400)

    with pytest.raises(Refused, match=r"refused to send messages \(400 bad.request\)"):
        post()


@pytest.mark.parametrize("text", ["", "../users/me", f"{UNKNOWN}/x", "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"])
def test_nothing_but_an_id_reaches_genesys(public: SimulatedGenesys, platform: Genesys, text: str) -> None:
    live = Conversation(public.chat, "message", live=True)
    for call in (platform.conversation, platform.user, platform.queue, platform.library_responses):
        with pytest.raises(Refused, match="so Genesys was not asked"):
            call(text)
    with pytest.raises(Refused, match="not a communication id"):
        platform.send(
            live, Sender("self", public.ann, communication_id=text), "Hi.", response="r", send_id="k"
        )
    with pytest.raises(Refused, match="not a conversation id"):
        platform.delivery(text, [UNKNOWN])

    assert public.requests == []


# Automated


@pytest.fixture
def automatic(public: SimulatedGenesys) -> None:
    public.permissions |= {"conversation:message:create"}


@pytest.mark.usefixtures("automatic")
@pytest.mark.parametrize("channel", ["sms", "open", "apple", "webmessaging"])
def test_automated_message_goes_to_the_customers_address_with_the_service_token(
    public: SimulatedGenesys, platform: Genesys, channel: str
) -> None:
    conversation = platform.conversation(public.start_chat("Ada King", agents=[public.bob], channel=channel))
    sender = platform.sender(conversation, "system", public.ann)

    accepted = platform.send(conversation, sender, "Hello.", response="r", send_id="k")

    (asked,) = public.seen(AGENTLESS)
    assert public.customer_sees(conversation.id) == ["Hello."]
    assert whose(public, AGENTLESS) == [None]
    assert asked.json["useExistingActiveConversation"] is True
    assert ("toAddress" in asked.json) == (channel != "webmessaging")
    assert (accepted.conversation_id, accepted.message_id) == (conversation.id, public.received[0].id)
    assert sender.address is not None
    assert conversation.customer
    assert sender.address.theirs == "" or sender.address.theirs not in repr(sender)


@pytest.mark.usefixtures("automatic")
def test_automated_message_that_lands_elsewhere_says_where(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation
) -> None:
    public.agentless_lands_in = other = public.start_chat("Bob Miller")
    sender = platform.sender(chat, "system", public.ann)

    accepted = platform.send(chat, sender, "Hello.", response="r", send_id="k")

    assert accepted.conversation_id == other != chat.id


@pytest.mark.usefixtures("automatic")
def test_automated_message_accepted_without_a_body_is_somewhere_unsaid(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation
) -> None:
    public.empty_answers = True
    sender = platform.sender(chat, "system", public.ann)

    accepted = platform.send(chat, sender, "Hello.", response="r", send_id="k")

    assert (accepted.message_id, accepted.conversation_id) == (None, "")


def test_automated_message_without_the_permission_is_for_the_bots_own_roles(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation
) -> None:
    sender = platform.sender(chat, "system", public.ann)

    with pytest.raises(
        Refused, match=r"does not allow this bot to send messages: it lacks conversation:message"
    ):
        platform.send(chat, sender, "Hello.", response="r", send_id="k")


# Templates


def test_template_is_named_with_its_values_and_filled_in_by_genesys(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation, ann: Sender
) -> None:
    library = public.add_library("Billing")
    response = public.add_response(library, "Refund", "Hi {{1}}.", kind="MessagingTemplate")

    platform.send(chat, ann, "Hi Ada.", response="r", send_id="k", template=Template(response, {"1": "Ada"}))

    (asked,) = public.seen(SEND)
    assert asked.json == {
        "messagingTemplate": {"responseId": response, "bodyParameters": [{"id": "1", "value": "Ada"}]}
    }
    assert public.customer_sees(chat.id) == ["Hi Ada."]


# Hosts


def test_service_signs_in_by_header_and_once(public: SimulatedGenesys, platform: Genesys) -> None:
    platform.conversation(public.chat)
    platform.conversation(public.chat)

    (asked,) = public.seen("POST /oauth/token")
    assert asked.form.to_dict() == {"grant_type": "client_credentials"}
    assert asked.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("secret", ["wrong", "wröng", "wrong\u200b", "…"])
def test_wrong_secret_of_the_service_is_for_the_operator(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], secret: str
) -> None:
    with pytest.raises(AuthError, match="check the client id, client secret and region"):
        connect_public(client_secret=secret).conversation(public.chat)


def test_new_service_token_that_is_refused_as_well_is_for_the_operator(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    public.fault(READ, "status", status=401, times=None)

    with pytest.raises(AuthError, match="even with a new token") as refused:
        platform.conversation(public.chat)

    assert not isinstance(refused.value, NotConnected)


def test_person_is_told_apart_from_the_bot_where_reading_is_not_allowed(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    public.users[public.ann].permissions = frozenset()
    public.permissions = frozenset()

    with pytest.raises(Refused, match="does not allow this person to read this conversation: their sign-in"):
        platform.conversation(public.chat, reader=public.ann)
    with pytest.raises(Refused, match="does not allow this bot to read this conversation: it lacks conv"):
        platform.conversation(public.chat)


def test_people_are_found_as_on_the_other_contract(public: SimulatedGenesys, platform: Genesys) -> None:
    found = platform.find_user(" Ann.Lee@EXAMPLE.com")

    assert found is not None
    assert found == platform.user(public.ann)
    assert platform.find_user("nobody@example.com") is None
