"""Who may write into a conversation is read from it, and every refusal says what to do."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import pytest
from flask import jsonify

from bot.genesys import (
    Conversation,
    Ended,
    Genesys,
    NotAParticipant,
    Participant,
    Refused,
    Unavailable,
    WrongMedia,
)
from bot.sandbox.genesys import ANN, BOB, CHAT, SimulatedGenesys
from bot.sandbox.http import Server

UNKNOWN = "n0b0dy00-e5f6-7890-g1h2-i3j4k5l6m7n8"


def test_conversation_is_read_with_its_people_names_attributes_and_language(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    chat = cloud.start_chat(
        "Ada King", agents=[BOB], attributes={"order": "42"}, language="es", queue="Billing"
    )

    conversation = genesys.conversation(chat)

    customer = conversation.customer
    assert (conversation.id, conversation.media, conversation.live) == (chat, "chat", True)
    assert customer is not None
    assert (customer.name, customer.attributes, customer.language) == ("Ada King", {"order": "42"}, "es")
    assert customer.user_id is None
    assert [(one.user_id, one.name, one.queue) for one in conversation.agents] == [
        (BOB, "Bob Ray", "Billing")
    ]
    assert [one.live for one in conversation.participants] == [True, False, True]


def test_characters_that_no_text_should_hold_are_gone_from_what_genesys_says(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    chat = cloud.start_chat("Ada\x00\x1b \ud83d", agents=[BOB], attributes={"order": "4\x072\n\t\udc00"})

    customer = genesys.conversation(chat).customer

    assert customer is not None
    assert (customer.name, customer.attributes) == ("Ada \ufffd", {"order": "42\n\t\ufffd"})


def test_answer_of_the_contract_with_nothing_but_ids_is_enough(
    connect: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    server = scripted(lambda: jsonify(id=CHAT, type="chat", participants=[{"id": ANN}]))

    genesys = connect(login_url=server.url, api_url=server.url)

    assert genesys.sender(genesys.conversation(CHAT), "self", ANN).user_id == ANN


@pytest.mark.parametrize("users_by", ["id", "userId"])
def test_supervisor_in_the_conversation_may_send_as_themselves(
    cloud: SimulatedGenesys, genesys: Genesys, users_by: str
) -> None:
    cloud.users_by = users_by

    sender = genesys.sender(genesys.conversation(CHAT), "self", ANN)

    assert (sender.send_as, sender.user_id, sender.name) == ("self", ANN, "Ann Lee")


def test_way_to_send_may_be_given_as_an_enum(genesys: Genesys) -> None:
    way = StrEnum("way", ["self", "agent"])

    assert genesys.sender(genesys.conversation(CHAT), way["self"], ANN).send_as == "self"
    assert genesys.sender(genesys.conversation(CHAT), way["agent"], ANN).user_id == BOB


def test_way_to_send_that_does_not_exist_is_a_mistake_of_the_program(genesys: Genesys) -> None:
    with pytest.raises(ValueError, match="self, agent or system"):
        genesys.sender(genesys.conversation(CHAT), "customer", ANN)


def test_supervisor_outside_is_told_who_is_in_the_conversation(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    chat = cloud.start_chat(agents=[BOB])

    with pytest.raises(NotAParticipant) as refused:
        genesys.sender(genesys.conversation(chat), "self", ANN)

    assert str(refused.value) == (
        "The person sending is not in this conversation, so nothing was sent. In it now: Bob Ray. "
        "Join the conversation in Genesys and send again, or ask Bob Ray to write."
    )


def test_supervisor_who_has_left_is_not_in_the_conversation(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    cloud.leave(CHAT, ANN)

    with pytest.raises(NotAParticipant, match="In it now: Bob Ray"):
        genesys.sender(genesys.conversation(CHAT), "self", ANN)


def test_supervisor_who_has_left_and_come_back_is_in_the_conversation(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    cloud.leave(CHAT, ANN)
    cloud.join(CHAT, ANN, purpose="user")

    assert genesys.sender(genesys.conversation(CHAT), "self", ANN).user_id == ANN


def test_nobody_there_is_said_plainly(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    chat = cloud.start_chat()

    with pytest.raises(NotAParticipant, match=r"No colleague is in it now\. Pick the conversation up"):
        genesys.sender(genesys.conversation(chat), "self", ANN)
    with pytest.raises(NotAParticipant, match="No agent is in this conversation"):
        genesys.sender(genesys.conversation(chat), "agent", ANN)


def test_customer_can_never_be_the_sender(genesys: Genesys) -> None:
    conversation = genesys.conversation(CHAT)
    assert conversation.customer is not None

    with pytest.raises(NotAParticipant):
        genesys.sender(conversation, "self", conversation.customer.id)


def test_agent_is_the_one_in_the_conversation_now(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cyd = cloud.add_user("Cyd Fox", "cyd.fox@example.com")
    cloud.leave(CHAT, BOB)
    cloud.join(CHAT, cyd)

    assert genesys.sender(genesys.conversation(CHAT), "agent", ANN).user_id == cyd


def test_agent_is_not_the_supervisor_unless_nobody_else_is_there(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    chat = cloud.start_chat(agents=[BOB, ANN])
    assert genesys.sender(genesys.conversation(chat), "agent", ANN).user_id == BOB

    cloud.leave(chat, BOB)
    assert genesys.sender(genesys.conversation(chat), "agent", ANN).user_id == ANN


def test_several_agents_are_a_question_for_a_person(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.join(CHAT, cloud.add_user("Cyd Fox", "cyd.fox@example.com"))

    with pytest.raises(Refused, match=r"Several agents are in this conversation \(Bob Ray, Cyd Fox\)"):
        genesys.sender(genesys.conversation(CHAT), "agent", ANN)


def test_automated_user_has_to_be_in_the_conversation_too(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    with pytest.raises(NotAParticipant, match="The automated user is not in this conversation"):
        genesys.sender(genesys.conversation(CHAT), "system", ANN)

    cloud.join(CHAT, cloud.system_user_id)
    assert genesys.sender(genesys.conversation(CHAT), "system", ANN).user_id == cloud.system_user_id


def test_automated_user_that_is_not_set_up_is_said_plainly(connect: Callable[..., Genesys]) -> None:
    genesys = connect(system_user_id=None)

    with pytest.raises(Refused, match="No automated user is set up"):
        genesys.sender(genesys.conversation(CHAT), "system", ANN)


@pytest.mark.parametrize(
    ("media", "said"),
    [
        ("voice", "is a phone call"),
        ("callback", "is a callback"),
        ("email", "is an e-mail"),
        ("message", "is a messaging conversation"),
        ("cobrowse", r"of a kind unknown here \(cobrowse\)"),
    ],
)
def test_conversation_that_is_no_chat_is_named_for_what_it_is(
    cloud: SimulatedGenesys, genesys: Genesys, media: str, said: str
) -> None:
    call = cloud.start_chat(agents=[ANN], media=media)

    with pytest.raises(WrongMedia, match=said + ".*text can be sent only into a chat. Nothing was sent"):
        genesys.sender(genesys.conversation(call), "self", ANN)


def test_conversation_without_a_kind_is_no_chat(genesys: Genesys) -> None:
    here = Participant(ANN, user_id=ANN, purpose="user")

    with pytest.raises(WrongMedia, match="not given"):
        genesys.sender(Conversation(CHAT, "", live=True, participants=(here,)), "self", ANN)


@pytest.mark.parametrize("over", [{"endTime": "2026-11-23T10:00:00.000Z"}, {"state": "disconnected"}])
def test_end_time_or_disconnected_means_that_it_is_over(
    connect: Callable[..., Genesys], scripted: Callable[..., Server], over: dict[str, str]
) -> None:
    people = [{"id": ANN, "purpose": "user"}, {"id": BOB, "purpose": "agent", **over}]
    server = scripted(lambda: jsonify(id=CHAT, type="chat", participants=people, **over))
    genesys = connect(login_url=server.url, api_url=server.url)

    conversation = genesys.conversation(CHAT)

    assert [one.user_id for one in conversation.agents] == [ANN]
    with pytest.raises(Ended, match="has ended, so nothing was sent"):
        genesys.sender(conversation, "self", ANN)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"id": UNKNOWN, "type": "chat"},
        {"id": [CHAT]},
    ],
)
def test_answer_that_is_not_about_the_conversation_asked_for_is_not_used(
    connect: Callable[..., Genesys], scripted: Callable[..., Server], odd: dict[str, object]
) -> None:
    server = scripted(lambda: jsonify(odd))

    with pytest.raises(Unavailable, match="other than the conversation asked for"):
        connect(login_url=server.url, api_url=server.url).conversation(CHAT)


@pytest.mark.parametrize(
    "participants",
    [
        None,
        {},
        "x",
        [None, 1, []],
        [{}],
        [{"id": 7, "userId": {}, "name": [], "attributes": [1], "state": 3}],
    ],
)
def test_participants_of_an_odd_shape_are_nobody(
    connect: Callable[..., Genesys], scripted: Callable[..., Server], participants: object
) -> None:
    server = scripted(lambda: jsonify(id=CHAT, type="chat", participants=participants))
    genesys = connect(login_url=server.url, api_url=server.url)

    with pytest.raises(NotAParticipant):
        genesys.sender(genesys.conversation(CHAT), "self", ANN)


def test_of_several_customers_the_one_still_there_is_the_customer() -> None:
    gone = Participant("p1", purpose="customer", live=False)
    here = Participant("p2", purpose="customer")
    back = Participant("p3", purpose="customer", live=False)

    assert Conversation(CHAT, "chat", live=True, participants=(gone, here, back)).customer is here
    assert Conversation(CHAT, "chat", live=False, participants=(gone, back)).customer is back
    assert Conversation(CHAT, "chat", live=True).customer is None
