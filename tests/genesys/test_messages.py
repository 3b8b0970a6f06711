"""Messages are read back: what was said, how far one got, and whether one whose answer was lost is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, jsonify, request

from bot.genesys import (
    Accepted,
    Conversation,
    Delivery,
    Genesys,
    Grant,
    Interrupted,
    NotConnected,
    NotFound,
    OutcomeUnknown,
    Refused,
    Sender,
)
from bot.sandbox.genesys import PLATFORM_ANN, PLATFORM_BOB, PLATFORM_CHAT, SimulatedGenesys
from bot.sandbox.http import Server

READ = "GET /api/v2/conversations/{id}"
SEND = "POST /api/v2/conversations/messages/{id}/communications/{line}/messages"
BULK = "POST /api/v2/conversations/messages/{id}/messages/bulk"
TEXT = "Hello, your refund is on its way."


@pytest.fixture
def look(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation, ann: Sender, clock: Any
) -> Callable[..., Accepted | None]:
    """Looks for what `ann` sent into `chat` as it was before."""
    since = clock.now()

    def look(text: str = TEXT, **options: Any) -> Accepted | None:
        given = {"conversation": chat, "sender": ann, "since": since} | options
        return platform.look(given.pop("conversation"), given.pop("sender"), text, **given)

    return look


# Looking


@pytest.mark.parametrize("kind", ["lost_after", "cut_body", "broken_json"])
def test_message_whose_answer_was_lost_is_found_by_its_sender_text_and_time(
    public: SimulatedGenesys,
    platform: Genesys,
    chat: Conversation,
    ann: Sender,
    look: Callable[..., Accepted | None],
    kind: Any,
    clock: Any,
) -> None:
    public.fault(SEND, kind)
    with pytest.raises(OutcomeUnknown):
        platform.send(chat, ann, TEXT, response="r", send_id="k")

    found = look(f" {TEXT}\n")

    assert found is not None
    assert (found.message_id, found.status) == (public.received[0].id, "queued")
    assert found.text_compared
    assert clock.naps == []
    assert len(public.seen(SEND)) == 1


def test_message_that_shows_late_is_found_after_a_while(
    public: SimulatedGenesys, look: Callable[..., Accepted | None], clock: Any
) -> None:
    public.messages_show_after = 6
    public.say(public.chat, public.ann, TEXT, {})

    assert look() is not None
    assert clock.naps == [2, 5]


def test_message_that_never_arrived_is_not_found_and_looked_for_four_times(
    public: SimulatedGenesys, platform: Genesys, look: Callable[..., Accepted | None], clock: Any
) -> None:
    public.forget()

    assert look() is None

    assert clock.naps == [2, 5, 10]
    assert len(public.seen(READ)) == 4
    assert not public.seen(SEND)


def test_what_was_there_before_the_send_is_not_taken_for_it(
    public: SimulatedGenesys, platform: Genesys, look: Callable[..., Accepted | None], clock: Any
) -> None:
    public.say(public.chat, public.ann, TEXT, {})
    conversation = platform.conversation(public.chat)
    assert look(conversation=conversation, since=clock.now()) is None

    later = public.say(public.chat, public.ann, TEXT, {})
    found = look(conversation=conversation, since=clock.now())

    assert found is not None
    assert found.message_id == later.id


def test_conversation_read_after_the_send_does_not_hide_the_message(
    public: SimulatedGenesys, platform: Genesys, look: Callable[..., Accepted | None], clock: Any
) -> None:
    sent = public.say(public.chat, public.ann, TEXT, {})
    clock.at += timedelta(seconds=30)

    found = look(conversation=platform.conversation(public.chat))

    assert found is not None
    assert found.message_id == sent.id


def test_message_of_another_send_is_not_taken_for_it(
    public: SimulatedGenesys, platform: Genesys, look: Callable[..., Accepted | None], clock: Any
) -> None:
    other = public.say(public.chat, public.ann, TEXT, {})
    clock.at += timedelta(seconds=30)

    assert look(conversation=platform.conversation(public.chat), known=[other.id]) is None


@pytest.mark.parametrize("minutes", [1, 3])
def test_message_from_long_before_is_not_taken_for_it_but_clocks_may_differ(
    public: SimulatedGenesys, look: Callable[..., Accepted | None], clock: Any, minutes: int
) -> None:
    public.say(public.chat, public.ann, TEXT, {})

    found = look(since=clock.now() + timedelta(minutes=minutes))

    assert (found is not None) == (minutes == 1)
    assert bool(public.seen(BULK)) == (minutes == 1)


def test_time_of_the_message_itself_counts_where_the_conversation_gives_none(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server], clock: Any
) -> None:
    marks = {"id": "l1", "state": "connected", "messages": [{"messageId": PLATFORM_ANN}]}
    places = [{"id": "p1", "purpose": "agent", "userId": PLATFORM_BOB, "messages": [marks]}]
    said = {"id": PLATFORM_ANN, "direction": "outbound", "normalizedMessage": {"text": TEXT}}

    def answer() -> Response:
        if request.method == "GET":
            return jsonify(id=PLATFORM_CHAT, participants=places)
        return jsonify(entities=[said | {"timestamp": "2026-11-23T11:57:00.000Z"}])

    server = scripted(answer)
    genesys = connect_public(login_url=server.url, api_url=server.url)
    genesys.sign_in.keep(PLATFORM_BOB, Grant("t0", None, clock.now() + timedelta(days=1)))
    chat, bob = Conversation(PLATFORM_CHAT, "message", live=True), Sender("self", PLATFORM_BOB)
    early = clock.now()

    assert genesys.look(chat, bob, TEXT, since=early) is None
    assert genesys.look(chat, bob, TEXT, since=early - timedelta(minutes=1)) is not None


@pytest.mark.parametrize("shown", [True, False])
def test_same_text_of_somebody_else_is_not_taken_for_it(
    public: SimulatedGenesys, look: Callable[..., Accepted | None], shown: bool
) -> None:
    public.shows_authors = shown
    public.say(public.chat, public.bob, TEXT, {})
    public.customer_writes(public.chat, TEXT)
    public.say(public.chat, public.ann, "Something else.", {})

    assert look() is None


@pytest.mark.parametrize("shown", [True, False])
def test_author_is_compared_where_genesys_names_one(
    public: SimulatedGenesys, look: Callable[..., Accepted | None], shown: bool
) -> None:
    public.shows_authors = shown
    public.say(public.chat, public.ann, TEXT, {})
    mine = public.conversations[public.chat].messages[-1]
    mine.by = public.bob

    assert (look() is None) == shown


def test_message_is_found_under_any_place_of_its_sender(
    public: SimulatedGenesys, look: Callable[..., Accepted | None]
) -> None:
    public.say(public.chat, public.ann, TEXT, {})
    public.reconnect(public.chat, public.ann)

    assert look() is not None


def test_sender_who_left_and_a_conversation_that_ended_can_still_be_looked_into(
    public: SimulatedGenesys, look: Callable[..., Accepted | None]
) -> None:
    public.say(public.chat, public.ann, TEXT, {})
    public.end(public.chat)

    assert look(sender=Sender("self", public.ann)) is not None


def test_failed_message_is_found_as_failed(
    public: SimulatedGenesys, look: Callable[..., Accepted | None]
) -> None:
    public.fail(public.say(public.chat, public.ann, TEXT, {}).id)

    found = look()

    assert found is not None
    assert found.status == "failed"


def test_where_texts_may_not_be_read_a_new_message_of_the_person_counts_and_that_is_said(
    public: SimulatedGenesys, look: Callable[..., Accepted | None]
) -> None:
    public.users[public.ann].permissions -= {"conversation:message:view", "conversation:webmessaging:view"}
    assert look() is None
    sent = public.say(public.chat, public.ann, TEXT, {})

    found = look()

    assert found is not None
    assert (found.message_id, found.text_compared) == (sent.id, False)


def test_where_texts_may_not_be_read_one_that_failed_is_not_taken_for_it(
    public: SimulatedGenesys, look: Callable[..., Accepted | None]
) -> None:
    public.users[public.ann].permissions -= {"conversation:message:view"}
    public.fail(public.say(public.chat, public.ann, TEXT, {}).id)

    assert look() is None


def test_where_texts_may_not_be_read_the_time_has_to_be_that_of_the_send(
    public: SimulatedGenesys, look: Callable[..., Accepted | None], clock: Any
) -> None:
    public.users[public.ann].permissions -= {"conversation:message:view", "conversation:webmessaging:view"}
    public.say(public.chat, public.ann, TEXT, {})

    assert look(since=clock.now() + timedelta(seconds=1)) is None


def test_automated_message_is_found_under_whoever_it_stands(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation, look: Callable[..., Accepted | None]
) -> None:
    public.permissions |= {"conversation:message:view"}
    sender = platform.sender(chat, "system", public.ann)
    public.say_agentless(public.chat, TEXT)

    assert look(sender=sender) is not None


def test_what_the_customer_wrote_is_not_taken_for_an_automated_message(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation, look: Callable[..., Accepted | None]
) -> None:
    public.permissions |= {"conversation:message:view"}
    public.customer_writes(public.chat, TEXT)

    assert look(sender=platform.sender(chat, "system", public.ann)) is None


def test_automated_message_is_not_guessed_where_texts_may_not_be_read(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation, look: Callable[..., Accepted | None]
) -> None:
    public.permissions -= {"conversation:message:view", "conversation:webmessaging:view"}
    public.say_agentless(public.chat, TEXT)

    assert look(sender=platform.sender(chat, "system", public.ann)) is None


@pytest.mark.parametrize("match", [READ, BULK])
def test_look_goes_on_after_a_look_that_failed(
    public: SimulatedGenesys, look: Callable[..., Accepted | None], match: str
) -> None:
    public.say(public.chat, public.ann, TEXT, {})
    public.fault(match, "lost_before", times=3)

    assert look() is not None


def test_look_whose_last_reading_is_interrupted_has_not_looked_to_the_end(
    public: SimulatedGenesys,
    connect_public: Callable[..., Genesys],
    chat: Conversation,
    ann: Sender,
    clock: Any,
) -> None:
    def sleep(seconds: float) -> None:
        if 10 in clock.naps:
            raise Interrupted(retry_after=seconds)
        clock.sleep(seconds)

    public.fault(READ, "lost_before", times=None)

    with pytest.raises(Interrupted):
        connect_public(sleep=sleep).look(chat, ann, TEXT, since=clock.now())


def test_look_with_a_lapsed_sign_in_is_one_for_the_person(
    public: SimulatedGenesys, look: Callable[..., Accepted | None]
) -> None:
    public.revoke_tokens()
    public.refresh_tokens.clear()

    with pytest.raises(NotConnected):
        look()


# Delivery


@pytest.fixture
def sent(public: SimulatedGenesys) -> str:
    return public.say(public.chat, public.ann, TEXT, {}).id


def test_delivery_is_followed_in_our_words(public: SimulatedGenesys, platform: Genesys, sent: str) -> None:
    words = []
    for _ in range(3):
        words.append(platform.delivery(public.chat, [sent], reader=public.ann)[sent].word)
        public.advance_delivery()
    public.read_messages(public.chat)
    words.append(platform.delivery(public.chat, [sent], reader=public.ann)[sent].word)

    assert words == ["queued", "sent", "delivered", "read"]
    assert not public.seen(READ)


@pytest.mark.parametrize("at_once", [True, False])
def test_failed_delivery_says_why(
    public: SimulatedGenesys, platform: Genesys, sent: str, at_once: bool
) -> None:
    if at_once:
        public.fail(sent, reason="The number is not in service.")
    else:
        public.fail_delivery(sent)
        public.advance_delivery()
        public.advance_delivery()

    found = platform.delivery(public.chat, [sent], reader=public.ann)[sent]

    assert (found.word, found.error) == ("failed", "The number is not in service.")
    assert found.error not in repr(found)


def test_failed_delivery_is_told_though_the_conversation_that_says_why_cannot_be_read(
    public: SimulatedGenesys, platform: Genesys, sent: str
) -> None:
    public.fail(sent)
    public.fault(READ, "status", status=403)

    assert platform.delivery(public.chat, [sent], reader=public.ann) == {sent: Delivery("failed")}


def test_delivery_of_nothing_asks_nothing(public: SimulatedGenesys, platform: Genesys) -> None:
    assert platform.delivery(public.chat, [], reader=public.ann) == {}
    assert public.requests == []


def test_delivery_of_an_unknown_message_is_left_out(
    public: SimulatedGenesys, platform: Genesys, sent: str
) -> None:
    assert platform.delivery(public.chat, [public.chat, sent], reader=public.ann).keys() == {sent}


def test_delivery_into_an_archived_conversation_is_not_found(
    public: SimulatedGenesys, platform: Genesys, sent: str
) -> None:
    public.archive(public.chat)

    with pytest.raises(NotFound):
        platform.delivery(public.chat, [sent], reader=public.ann)


@pytest.mark.parametrize(
    ("status", "word"),
    [("published", "delivered"), ("delivery-failed", "failed"), ("removed", "sent"), ("new one", "sent")],
)
def test_status_that_is_seldom_or_new_has_a_word(status: str, word: str) -> None:
    assert Delivery(status).word == word


# What was said


def test_last_messages_are_given_oldest_first_with_who_wrote_them(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    for number in range(3):
        clock.at += timedelta(seconds=1)
        public.say(public.chat, public.ann, f"answer {number}", {})
        clock.at += timedelta(seconds=1)
        public.customer_writes(public.chat, f"question {number}")

    said = platform.messages(platform.conversation(public.chat), reader=public.ann, limit=3)

    assert [(one.text, one.from_customer) for one in said] == [
        ("question 1", True),
        ("answer 2", False),
        ("question 2", True),
    ]
    assert said[-1].at == clock.now()
    assert "question" not in repr(said)
    assert len(public.seen(BULK)[0].json) == 3


def test_messages_that_may_not_be_read_are_refused_by_name(
    public: SimulatedGenesys, platform: Genesys, chat: Conversation
) -> None:
    public.users[public.ann].permissions -= {"conversation:message:view", "conversation:webmessaging:view"}

    with pytest.raises(Refused, match="their sign-in lacks conversation:message:view"):
        platform.messages(chat, reader=public.ann)


def test_conversation_in_which_nothing_was_said_has_no_messages(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    empty = platform.conversation(public.start_chat(agents=[public.ann]))
    public.forget()

    assert platform.messages(empty, reader=public.ann) == []
    assert public.requests == []
