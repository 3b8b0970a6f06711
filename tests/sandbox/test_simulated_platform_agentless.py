"""The simulated platform, called with plain requests: text that comes from no person."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.genesys import SimulatedGenesys

AGENTLESS = "/api/v2/conversations/messages/agentless"


@pytest.fixture
def automat(cloud: SimulatedGenesys, service: Any) -> Any:
    """The service, allowed to send."""
    cloud.permissions |= {"conversation:message:create"}
    return service


def to_customer_of(caller: Any, conversation: str, **changed: object) -> dict[str, Any]:
    """A request that reaches the customer of a live conversation, made of what the conversation says."""
    customer = caller.conversation(conversation)["participants"][0]
    communication = customer["messages"][0]
    web = communication["type"] == "webmessaging"
    body = {
        "fromAddress": communication["toAddress"]["addressNormalized"],
        "toAddressMessengerType": communication["type"],
        "textBody": "We will be with you soon.",
        "useExistingActiveConversation": True,
        "externalContactId": customer["externalContactId"] if web else None,
        "toAddress": None if web else communication["fromAddress"]["addressNormalized"],
    }
    return {name: each for name, each in (body | changed).items() if each is not None}


@pytest.mark.parametrize("channel", ["webmessaging", "sms", "open", "apple"])
def test_it_barges_into_the_live_conversation_as_api(
    cloud: SimulatedGenesys, automat: Any, channel: str
) -> None:
    others = [cloud.start_chat(channel=channel) for _ in range(3)]
    answer = automat("POST", AGENTLESS, to_customer_of(automat, others[1]))

    body = answer.json()
    assert (answer.status_code, body["conversationId"], body["messengerType"]) == (200, others[1], channel)
    assert body["message"]["normalizedMessage"]["text"] == "We will be with you soon."
    assert "textBody" not in body
    assert "createdBy" not in body["message"]
    assert cloud.customer_sees(others[1]) == ["We will be with you soon."]
    assert cloud.received[0].from_id == "api"
    author = automat.conversation(others[1])["participants"][-1]
    assert "userId" not in author
    assert [each["messageId"] for each in author["messages"][0]["messages"]] == [body["id"]]


def test_it_may_land_in_another_conversation_and_says_so(cloud: SimulatedGenesys, automat: Any) -> None:
    cloud.agentless_lands_in = elsewhere = cloud.start_chat()
    answer = automat("POST", AGENTLESS, to_customer_of(automat, cloud.chat)).json()
    assert answer["conversationId"] == answer["message"]["conversationId"] == elsewhere
    assert (cloud.customer_sees(cloud.chat), len(cloud.customer_sees(elsewhere))) == ([], 1)


def test_with_nobody_live_at_that_address_it_opens_a_conversation(
    cloud: SimulatedGenesys, automat: Any
) -> None:
    chat = cloud.start_chat(channel="sms")
    asked = to_customer_of(automat, chat)
    cloud.end(chat)
    answer = automat("POST", AGENTLESS, asked).json()
    assert answer["conversationId"] not in (chat, cloud.chat)
    assert cloud.customer_sees(answer["conversationId"]) == ["We will be with you soon."]
    assert automat("POST", AGENTLESS, asked).json()["conversationId"] == answer["conversationId"]


def test_a_live_conversation_is_barged_into_only_when_asked_to(
    cloud: SimulatedGenesys, automat: Any, refused: Any
) -> None:
    for unasked in (False, None):
        asked = to_customer_of(automat, cloud.chat, useExistingActiveConversation=unasked)
        refused(automat("POST", AGENTLESS, asked), 400, "active.conversation")
    assert cloud.received == []


def test_it_is_for_the_service_alone_and_needs_a_permission(
    cloud: SimulatedGenesys, ann: Any, service: Any, refused: Any
) -> None:
    asked = to_customer_of(service, cloud.chat)
    refused(ann("POST", AGENTLESS, asked), 400, "not.a.client")
    refused(service("POST", AGENTLESS, asked), 403, "missing.permissions")
    assert cloud.received == []


@pytest.mark.parametrize(
    ("channel", "wrong", "code", "field"),
    [
        ("webmessaging", {"toAddress": "x"}, "bad.request", "toAddress"),
        ("webmessaging", {"externalContactId": None}, "bad.request", "externalContactId"),
        ("webmessaging", {"textBody": "x" * 2001}, "max.length.exceeded", "textBody"),
        ("webmessaging", {"textBody": None}, "bad.request", "textBody"),
        ("sms", {"textBody": "x" * 766}, "max.length.exceeded", "textBody"),
        ("sms", {"toAddress": "15557654321"}, "bad.request", "toAddress"),
        ("sms", {"fromAddress": None}, "bad.request", "fromAddress"),
        ("sms", {"toAddressMessengerType": "facebook"}, "bad.request", "toAddressMessengerType"),
        ("sms", {"conversationId": "c"}, "bad.request", "conversationId"),
        ("whatsapp", {}, "bad.request", "toAddressMessengerType"),
    ],
    ids=str,
)
def test_each_channel_has_its_rules(
    cloud: SimulatedGenesys,
    automat: Any,
    refused: Any,
    channel: str,
    wrong: dict[str, object],
    code: str,
    field: str,
) -> None:
    chat = cloud.start_chat(channel=channel)
    refused(automat("POST", AGENTLESS, to_customer_of(automat, chat, **wrong)), 400, code, field)
    assert cloud.received == []


def test_a_template_takes_the_place_of_a_text(cloud: SimulatedGenesys, automat: Any) -> None:
    chat = cloud.start_chat(channel="sms")
    template = cloud.add_response(cloud.add_library("T"), "Back", "We are back.", kind="MessagingTemplate")
    asked = to_customer_of(automat, chat, textBody=None, messagingTemplate={"responseId": template})
    assert automat("POST", AGENTLESS, asked).json()["conversationId"] == chat
    assert cloud.customer_sees(chat) == ["We are back."]


def test_it_may_be_answered_by_nothing_too(cloud: SimulatedGenesys, automat: Any) -> None:
    cloud.empty_answers = True
    answer = automat("POST", AGENTLESS, to_customer_of(automat, cloud.chat))
    assert (answer.status_code, answer.content, len(cloud.received)) == (202, b"", 1)
