"""The line that a message goes through is chosen from what the conversation says at that moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import jsonify

from bot.genesys import Ended, Genesys, NotAParticipant, Refused, Sender, Unavailable, WrongMedia
from bot.sandbox.genesys import PLATFORM_CHAT, SimulatedGenesys
from bot.sandbox.http import Server

ANN, BOB = "a11ee001-0000-4000-8000-0000000000a1", "b0b4a001-0000-4000-8000-0000000000b1"


@pytest.fixture
def choose(public: SimulatedGenesys, platform: Genesys) -> Callable[..., Sender]:
    def choose(user_id: str = "", send_as: str = "self", conversation: str = "") -> Sender:
        read = platform.conversation(conversation or public.chat)
        return platform.sender(read, send_as, user_id or public.ann)

    return choose


@pytest.fixture
def shown(connect_public: Callable[..., Genesys], scripted: Callable[..., Server]) -> Callable[..., Any]:
    """A conversation with these participants, as Genesys would show it."""

    def shown(*participants: Any, **own: Any) -> Any:
        server = scripted(lambda: jsonify(id=PLATFORM_CHAT, participants=participants, **own))
        genesys = connect_public(login_url=server.url, api_url=server.url)
        return genesys, genesys.conversation(PLATFORM_CHAT)

    return shown


def line(state: str = "connected", name: str = "l1", **more: Any) -> dict[str, Any]:
    return {"id": name, "state": state, "type": "webmessaging"} | more


def place(user_id: str, *lines: dict[str, Any], purpose: str = "agent", **more: Any) -> dict[str, Any]:
    return {"id": "p1", "purpose": purpose, "userId": user_id, "messages": list(lines)} | more


def test_conversation_is_read_with_its_people_queue_channel_and_times(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    chat = public.start_chat(
        "Ada King",
        agents=[public.bob],
        attributes={"order": "n-42"},
        language="es",
        queue="Billing",
        channel="sms",
    )
    since = clock.now()
    clock.sleep(5)

    conversation = platform.conversation(chat)

    customer = conversation.customer
    assert (conversation.media, conversation.channel, conversation.live) == ("message", "sms", True)
    assert (conversation.since, conversation.read_at) == (since, clock.now())
    assert customer is not None
    assert (customer.name, customer.attributes, customer.language) == ("Ada King", {"order": "n-42"}, "es")
    (bob,) = conversation.agents
    assert (bob.user_id, bob.name, bob.queue, bob.queue_id) == (
        public.bob,
        "Bob Ray",
        "Billing",
        public.queue("Billing").id,
    )
    for secret in ("Ada King", "Bob Ray", "n-42", "+1"):
        assert secret not in repr(conversation)


def test_user_in_the_conversation_sends_on_their_own_connected_line(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    here = public.conversations[public.chat].present(public.ann)

    sender = choose()

    assert here is not None
    assert (sender.user_id, sender.participant_id, sender.communication_id) == (
        public.ann,
        here.id,
        here.communication_id,
    )


def test_who_reconnected_sends_on_the_new_line(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    before = choose()
    public.reconnect(public.chat, public.ann)

    assert choose().communication_id != before.communication_id


def test_queue_that_the_sender_came_through_is_known(public: SimulatedGenesys, platform: Genesys) -> None:
    conversation = platform.conversation(public.chat)
    bob, nobody = platform.sender(conversation, "self", public.bob), Sender("self", public.bob)

    assert conversation.queue_of(bob) == public.queue("Support EMEA").id
    assert conversation.queue_of(nobody) is None


def test_last_of_several_places_is_the_one_and_the_connected_of_its_lines(shown: Callable[..., Any]) -> None:
    genesys, conversation = shown(
        place(ANN, line(name="old")),
        place(ANN, line("disconnected", "l2"), line(name="l3"), line("alerting", "l4")),
        place(ANN, line(name="left"), endTime="2026-11-23T11:00:00Z"),
        place(ANN, line(name="customer"), purpose="customer"),
    )

    assert genesys.sender(conversation, "self", ANN).communication_id == "l3"


def test_supervisor_who_is_not_in_it_is_told_who_is(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.leave(public.chat, public.ann)

    with pytest.raises(
        NotAParticipant, match=r"The person sending is not in this conversation.*In it now: Bob"
    ):
        choose()


def test_who_is_wrapping_up_is_in_it_no_more_and_not_named(shown: Callable[..., Any]) -> None:
    genesys, conversation = shown(place(ANN, line("disconnected")))

    assert conversation.agents == ()
    with pytest.raises(NotAParticipant, match="No colleague is in it now"):
        genesys.sender(conversation, "self", ANN)


def test_ringing_conversation_has_to_be_answered_first(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.set_state(public.chat, public.ann, "alerting")

    with pytest.raises(
        Refused, match=r"still ringing for the person sending: answer it .* Nothing was sent\."
    ):
        choose()


def test_parked_conversation_has_to_be_resumed_first(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.set_state(public.chat, public.bob, "parked")

    with pytest.raises(Refused, match=r"^Bob Ray parked this conversation: resume it"):
        choose(send_as="agent")


def test_who_only_watches_cannot_write(shown: Callable[..., Any]) -> None:
    watching = {"id": "p2", "purpose": "user", "userId": ANN, "internalMessages": [line()]}
    genesys, conversation = shown(place(BOB, line()), watching)

    with pytest.raises(NotAParticipant, match="in this conversation, but not in its messages"):
        genesys.sender(conversation, "self", ANN)


def test_who_monitors_the_agent_cannot_write_and_is_not_named_as_somebody_who_could(
    public: SimulatedGenesys, platform: Genesys, choose: Callable[..., Sender]
) -> None:
    public.leave(public.chat, public.ann)
    public.monitor(public.chat, public.ann)

    with pytest.raises(NotAParticipant, match="they only watch"):
        choose()
    assert [one.name for one in platform.conversation(public.chat).agents] == ["Bob Ray"]
    assert choose(public.system_user_id, "agent").user_id == public.bob


def test_who_took_the_conversation_over_from_the_agent_they_watched_can_write(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.leave(public.chat, public.ann)
    public.monitor(public.chat, public.ann)
    public.leave(public.chat, public.bob)

    assert choose().user_id == public.ann


def test_agent_is_the_one_who_is_not_the_supervisor(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    assert choose(send_as="agent").user_id == public.bob
    assert choose(public.bob, "agent").user_id == public.ann


def test_several_agents_are_a_question_for_a_person(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.join(public.chat, public.add_user("Cyd Fox", "cyd.fox@example.com"))

    with pytest.raises(Refused, match=r"Several agents are in this conversation \(Bob Ray, Cyd Fox\)"):
        choose(send_as="agent")


def test_ended_conversation_is_said_to_have_ended(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.end(public.chat)

    for send_as in ("self", "agent", "system"):
        with pytest.raises(Ended):
            choose(send_as=send_as)


@pytest.mark.parametrize(
    ("media", "called"),
    [
        ("voice", "a phone call"),
        ("callback", "a callback"),
        ("email", "an e-mail"),
        ("chat", "a web chat of the old kind, which Genesys has removed"),
    ],
)
def test_other_media_are_named_and_take_no_text(
    public: SimulatedGenesys, choose: Callable[..., Sender], media: str, called: str
) -> None:
    other = public.start_chat(agents=[public.ann], media=media)

    with pytest.raises(WrongMedia, match=f"is {called}, and text can be sent only into a messaging"):
        choose(conversation=other)


def test_conversation_with_no_media_at_all_takes_no_text(shown: Callable[..., Any]) -> None:
    genesys, conversation = shown({"id": "p1", "purpose": "agent", "userId": ANN})

    with pytest.raises(WrongMedia, match=r"of a kind unknown here \(not given\)"):
        genesys.sender(conversation, "self", ANN)


def test_messages_beside_a_phone_call_can_be_written_into(shown: Callable[..., Any]) -> None:
    genesys, conversation = shown(place(ANN, line(), calls=[{"id": "c1", "state": "connected"}]))

    assert genesys.sender(conversation, "self", ANN).communication_id == "l1"


@pytest.mark.parametrize("channel", ["facebook", "instagram", "twitter", "line", "unknown", None])
def test_channel_without_automated_messages_says_so(shown: Callable[..., Any], channel: str | None) -> None:
    customer = place("", line(type=channel, toAddress={"addressNormalized": "x"}), purpose="customer")
    genesys, conversation = shown(customer)

    with pytest.raises(Refused, match="An automated message cannot be sent here"):
        genesys.sender(conversation, "system", ANN)


def test_whatsapp_takes_automated_templates_alone(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    other = public.start_chat(agents=[public.bob], channel="whatsapp")

    with pytest.raises(Refused, match="has to be an approved template"):
        choose(send_as="system", conversation=other)


def test_web_messaging_without_a_contact_takes_no_automated_message(
    public: SimulatedGenesys, choose: Callable[..., Sender]
) -> None:
    public.conversations[public.chat].customer.external_contact_id = None

    with pytest.raises(Refused, match=r"cannot be sent here \(webmessaging\)"):
        choose(send_as="system")


def test_other_way_to_send_is_a_mistake_of_the_caller(choose: Callable[..., Sender]) -> None:
    with pytest.raises(ValueError, match="send_as is self, agent or system"):
        choose(send_as="me")


def test_answer_about_another_conversation_is_not_used(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    server = scripted(lambda: jsonify(id=ANN, participants=[]))

    with pytest.raises(Unavailable, match="something other than the conversation asked for"):
        connect_public(login_url=server.url, api_url=server.url).conversation(PLATFORM_CHAT)


@pytest.mark.parametrize("odd", [None, "x", 7, {}, [None, 3, {"id": 7, "messages": "x", "attributes": []}]])
def test_participants_of_an_odd_shape_are_nobody(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server], odd: object
) -> None:
    server = scripted(lambda: jsonify(id=PLATFORM_CHAT, participants=odd, startTime="soon"))

    conversation = connect_public(login_url=server.url, api_url=server.url).conversation(PLATFORM_CHAT)

    assert conversation.customer is None
    assert conversation.agents == ()
    assert conversation.since is None


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
def test_time_that_no_clock_of_ours_can_show_is_none(shown: Callable[..., Any], when: str) -> None:
    _, conversation = shown(
        place(ANN, line(messages=[{"messageId": BOB, "messageTime": when}])), startTime=when
    )

    assert conversation.since is None
    assert conversation.participants[0].communications[0].messages[0].at is None
