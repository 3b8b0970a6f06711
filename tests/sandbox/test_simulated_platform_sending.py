"""The simulated platform, called with plain requests: a person writes to a customer, and reads it back."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from bot.sandbox.genesys import SimulatedGenesys

NOBODY = "00000000-0000-4000-8000-000000000000"


def listed(caller: Any, user: str | None, conversation: str = "") -> list[dict[str, Any]]:
    """What the conversation lists of the messages of this user, of all their participants."""
    shown = caller.conversation(conversation)["participants"]
    return [
        each for one in shown if one.get("userId") == user for each in one["messages"][0].get("messages", [])
    ]


# The usual way: read, send, read back


def test_a_participant_sends_as_themselves_and_the_customer_sees_it(
    cloud: SimulatedGenesys, ann: Any
) -> None:
    answer = ann.send(cloud.ann, " ¿Qué tal? 👋🏽 {{NAME}}\n<b>&amp; ")

    [sent] = cloud.received
    body = answer.json()
    assert answer.status_code == 200
    assert (body["id"], body["conversationId"], body["status"]) == (sent.id, cloud.chat, "queued")
    assert body["normalizedMessage"]["text"] == sent.text == " ¿Qué tal? 👋🏽 {{NAME}}\n<b>&amp; "
    assert (body["createdBy"]["id"], body["direction"], "textBody" in body) == (cloud.ann, "outbound", False)
    assert (sent.conversation_id, sent.from_id) == (cloud.chat, cloud.ann)
    assert cloud.customer_sees(cloud.chat) == [sent.text]


def test_a_conversation_is_shaped_as_the_platform_shows_it(cloud: SimulatedGenesys, ann: Any) -> None:
    chat = cloud.start_chat(
        "Bob Miller", agents=[cloud.bob], attributes={"order": "42"}, language="es", queue="Billing"
    )
    shown = ann.conversation(chat)

    customer, queue, agent = shown["participants"]
    assert {"state", "type", "endTime"}.isdisjoint(shown)
    assert {
        "purpose": "customer",
        "name": "Bob Miller",
        "locale": "es",
        "attributes": {"order": "42"},
    }.items() <= (customer.items())
    assert (queue["purpose"], queue["queueName"], "endTime" in queue) == ("acd", "Billing", True)
    assert (agent["userId"], agent["purpose"], agent["queueName"]) == (cloud.bob, "agent", "Billing")
    assert agent["id"] != cloud.bob
    [communication] = agent["messages"]
    assert (communication["state"], communication["type"]) == ("connected", "webmessaging")
    assert communication["peerId"] == customer["messages"][0]["id"]
    assert agent["queueId"] == queue["queueId"] == cloud.queue("Billing").id


@pytest.mark.parametrize(
    ("media", "array"),
    [("voice", "calls"), ("callback", "callbacks"), ("email", "emails"), ("chat", "chats")],
)
def test_other_media_fill_their_own_array_and_take_no_message(
    cloud: SimulatedGenesys, ann: Any, refused: Any, media: str, array: str
) -> None:
    call = cloud.start_chat(agents=[cloud.ann], media=media)
    [*_, agent] = ann.conversation(call)["participants"]
    assert (agent[array][0]["state"], "messages" in agent) == ("connected", False)
    refused(ann.post(call, agent[array][0]["id"], {"textBody": "a"}), 404, "not.found")


def test_delivery_goes_step_by_step_and_shows_in_both_readings(cloud: SimulatedGenesys, ann: Any) -> None:
    sent = ann.send(cloud.ann).json()["id"]
    seen = []
    for step in (cloud.advance_delivery, cloud.advance_delivery, cloud.advance_delivery):
        [detail] = listed(ann, cloud.ann)
        [message] = ann.bulk(sent).json()["entities"]
        assert (detail["messageId"], detail["messageStatus"]) == (sent, message["status"])
        seen.append(message["status"])
        step()
    cloud.read_messages(cloud.chat)
    seen.append(ann.bulk(sent).json()["entities"][0]["status"])
    assert seen == ["queued", "sent", "delivery-success", "read"]


def test_a_failed_delivery_says_why_and_the_customer_never_got_it(cloud: SimulatedGenesys, ann: Any) -> None:
    late, at_once = (ann.send(cloud.ann, text).json()["id"] for text in ("one", "two"))
    cloud.fail_delivery(late)
    cloud.fail(at_once)
    assert cloud.customer_sees(cloud.chat) == ["one"]
    cloud.advance_delivery()
    cloud.advance_delivery()
    cloud.read_messages(cloud.chat)

    details = {each["messageId"]: each for each in listed(ann, cloud.ann)}
    assert details[late]["messageStatus"] == "delivery-failed"
    assert details[late]["errorInfo"]["code"] == "message.undeliverable"
    assert details[at_once]["messageStatus"] == "failed"
    assert cloud.customer_sees(cloud.chat) == []


def test_whatsapp_takes_free_text_for_a_day_after_the_customers_last_message(
    cloud: SimulatedGenesys, ann: Any, time: Any
) -> None:
    chat = cloud.start_chat(users=[cloud.ann], channel="whatsapp")
    cloud.customer_writes(chat, "Hello?")
    time.advance(hours=23)
    ann.send(cloud.ann, "in time", chat)
    time.advance(hours=2)
    fresh = ann.__class__(cloud, ann.session, cloud.issue_token(cloud.ann, scopes=cloud.oauth_scopes).value)
    fresh.send(cloud.ann, "too late", chat)

    cloud.advance_delivery()
    cloud.advance_delivery()

    assert [each["messageStatus"] for each in listed(fresh, cloud.ann, chat)] == [
        "delivery-success",
        "delivery-failed",
    ]


def test_an_accepted_send_may_be_answered_by_nothing(cloud: SimulatedGenesys, ann: Any) -> None:
    cloud.empty_answers = True
    answer = ann.send(cloud.ann)
    assert (answer.status_code, answer.content) == (202, b"")
    assert len(cloud.received) == len(listed(ann, cloud.ann)) == 1


def test_a_message_may_be_readable_only_after_a_while(cloud: SimulatedGenesys, ann: Any, time: Any) -> None:
    cloud.messages_show_after, cloud.shows_authors = 5, False
    sent = ann.send(cloud.ann).json()["id"]

    assert (listed(ann, cloud.ann), ann.bulk(sent).json()["entities"]) == ([], [])
    time.advance(seconds=5)
    assert [each["messageId"] for each in listed(ann, cloud.ann)] == [sent]
    assert "createdBy" not in ann.bulk(sent).json()["entities"][0]


def test_messages_are_read_in_bulk_from_their_own_conversation(
    cloud: SimulatedGenesys, ann: Any, bob: Any, refused: Any
) -> None:
    own, bobs = ann.send(cloud.ann).json()["id"], bob.send(cloud.bob, "From Bob").json()["id"]
    other = cloud.start_chat(agents=[cloud.ann])
    [customers] = listed(ann, None)[:1]

    texts = {
        each["id"]: each["normalizedMessage"]["text"]
        for each in ann.bulk(own, bobs, NOBODY).json()["entities"]
    }
    assert texts == {own: "Thank you.", bobs: "From Bob"}
    assert ann.bulk(own, conversation=other).json() == {"entities": []}
    [read] = ann.bulk(customers["messageId"]).json()["entities"]
    assert (read["direction"], read["status"], "createdBy" in read) == ("inbound", "received", False)
    assert read["normalizedMessage"]["text"] == "Hello, my order has not arrived."
    refused(ann.bulk(*[NOBODY] * 1001), 400, "bad.request", "body")
    refused(ann("POST", f"/api/v2/conversations/messages/{cloud.chat}/messages/bulk", {}), 400, "bad.request")


def test_reading_messages_needs_its_own_permission(
    cloud: SimulatedGenesys, ann: Any, service: Any, refused: Any
) -> None:
    sent = ann.send(cloud.ann).json()["id"]
    refused(service.bulk(sent), 403, "missing.any.permissions")
    cloud.permissions |= {"conversation:message:view"}
    assert service.bulk(sent).ok


# Who may send, and where


def test_the_service_may_read_but_not_send_as_a_person(
    cloud: SimulatedGenesys, service: Any, refused: Any
) -> None:
    cloud.permissions |= {"conversation:message:create"}
    refused(service.send(cloud.ann), 400, "not.a.user")
    assert cloud.received == []


def test_nobody_sends_on_another_persons_communication(
    cloud: SimulatedGenesys, ann: Any, refused: Any
) -> None:
    refused(ann.send(cloud.bob), 403, "not.authorized")
    cloud.outsider_status = 404
    refused(ann.send(cloud.bob), 404, "not.found")
    assert cloud.received == []


def test_a_reconnect_makes_a_new_participant_and_closes_the_old(
    cloud: SimulatedGenesys, ann: Any, refused: Any
) -> None:
    sent, old = ann.send(cloud.ann).json()["id"], ann.communication(cloud.ann)
    cloud.reconnect(cloud.chat, cloud.ann)

    places = [each for each in ann.conversation()["participants"] if each.get("userId") == cloud.ann]
    assert [(each["messages"][0]["state"], "endTime" in each) for each in places] == [
        ("disconnected", True),
        ("connected", False),
    ]
    assert places[0]["id"] != places[1]["id"]
    assert [each["messageId"] for each in places[0]["messages"][0]["messages"]] == [sent]
    refused(ann.post(cloud.chat, old, {"textBody": "a"}), 404, "not.found")
    assert ann.send(cloud.ann).ok


@pytest.mark.parametrize("state", ["alerting", "parked"])
def test_only_a_connected_communication_takes_a_message(
    cloud: SimulatedGenesys, ann: Any, refused: Any, state: str
) -> None:
    cloud.set_state(cloud.chat, cloud.ann, state)
    refused(ann.send(cloud.ann), 400, "bad.request", "communicationId")
    cloud.set_state(cloud.chat, cloud.ann, "connected")
    assert ann.send(cloud.ann).ok


def test_an_agent_may_join_alerting_and_the_queue_waits_until_then(cloud: SimulatedGenesys, ann: Any) -> None:
    chat = cloud.start_chat()
    assert "endTime" not in ann.conversation(chat)["participants"][-1]
    cloud.join(chat, cloud.bob, state="alerting")
    _, queue, agent = ann.conversation(chat)["participants"]
    assert ("endTime" in queue, agent["messages"][0]["state"]) == (True, "alerting")
    assert agent["queueName"] == "Support EMEA"


def test_an_ended_conversation_is_readable_and_an_archived_one_is_gone(
    cloud: SimulatedGenesys, ann: Any, refused: Any
) -> None:
    communication = ann.communication(cloud.ann)
    ann.send(cloud.ann)
    cloud.end(cloud.chat)
    assert ann.conversation()["endTime"] == "2026-11-22T10:00:00.000Z"
    refused(ann.post(cloud.chat, communication, {"textBody": "a"}), 404, "not.found")
    cloud.archive(cloud.chat)
    refused(ann("GET", f"/api/v2/conversations/{cloud.chat}"), 404, "not.found")
    refused(ann.post(cloud.chat, communication, {"textBody": "a"}), 404, "not.found")
    assert len(cloud.customer_sees(cloud.chat)) == 1


def test_roles_and_divisions_bound_what_a_person_may_do(
    cloud: SimulatedGenesys, ann: Any, refused: Any
) -> None:
    communication, user = ann.communication(cloud.ann), cloud.users[cloud.ann]
    user.permissions -= {"conversation:message:create"}
    refused(ann.send(cloud.ann), 403, "missing.any.permissions")
    user.permissions |= {"conversation:webmessaging:create"}
    assert ann.send(cloud.ann).ok

    user.divisions = frozenset({"Madrid"})
    refused(ann("GET", f"/api/v2/conversations/{cloud.chat}"), 403, "missing.division.permission")
    refused(ann.post(cloud.chat, communication, {"textBody": "a"}), 403, "missing.division.permission")
    cloud.queue("Ventas").division = "Madrid"
    assert ann.send(cloud.ann, "Hola", cloud.start_chat(agents=[cloud.ann], queue="Ventas")).ok
    user.permissions -= {"conversation:communication:view"}
    refused(ann("GET", f"/api/v2/conversations/{cloud.chat}"), 403, "missing.permissions")


# What a message must be


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"textBody": ""}, "textBody"),
        ({"textBody": None}, "textBody"),
        ({"textBody": ["a"]}, "textBody"),
        ({"textBody": "a", "mediaIds": ["m"]}, "mediaIds"),
        ({"textBody": "a", "cannedResponseId": "r"}, "cannedResponseId"),
        ({"body": "a"}, "body"),
        ({"messagingTemplate": {"responseId": NOBODY}}, "responseId"),
        ({"messagingTemplate": {"id": NOBODY}}, "id"),
    ],
    ids=str,
)
def test_a_malformed_message_is_400_and_names_the_field(
    cloud: SimulatedGenesys, ann: Any, refused: Any, body: dict[str, Any], field: str
) -> None:
    refused(ann.send(cloud.ann, **body), 400, "bad.request", field)
    assert cloud.received == []


def test_a_body_that_is_no_json_object_is_refused(cloud: SimulatedGenesys, ann: Any, refused: Any) -> None:
    communication = ann.communication(cloud.ann)
    refused(ann.post(cloud.chat, communication, ["a"]), 400, "bad.request")
    refused(ann.post(cloud.chat, communication, {}), 400, "bad.request", "textBody")
    refused(ann.post(cloud.chat, communication, None), 415, "unsupported.media.type")
    refused(ann.send(cloud.ann, "x" * 512_000), 413, "request.entity.too.large")


@pytest.mark.parametrize(("channel", "longest"), [("sms", 765), ("webmessaging", 2000), ("open", 2000)])
def test_each_channel_has_its_longest_text(
    cloud: SimulatedGenesys, ann: Any, refused: Any, channel: str, longest: int
) -> None:
    chat = cloud.start_chat(agents=[cloud.ann], channel=channel)
    assert ann.send(cloud.ann, "é" * longest, chat).json()["messengerType"] == channel
    refused(ann.send(cloud.ann, "é" * (longest + 1), chat), 400, "max.length.exceeded", "textBody")
    assert len(cloud.received) == 1


def test_a_template_is_filled_in_by_the_platform(cloud: SimulatedGenesys, ann: Any, refused: Any) -> None:
    library = cloud.add_library("Templates")
    template = cloud.add_response(library, "Hi", "Hi {{1}}, it is {{2}}.", kind="MessagingTemplate")
    plain = cloud.add_response(library, "Plain", "Hi")
    values = [{"id": "1", "value": "Ann"}, {"id": "2", "value": "late"}]

    assert ann.send(cloud.ann, messagingTemplate={"responseId": template, "bodyParameters": values}).ok
    assert cloud.customer_sees(cloud.chat) == ["Hi Ann, it is late."]
    refused(ann.send(cloud.ann, messagingTemplate={"responseId": plain}), 400, "bad.request", "responseId")


# What goes wrong on the way


def test_a_lost_answer_leaves_the_message_with_the_customer(cloud: SimulatedGenesys, ann: Any) -> None:
    communication = ann.communication(cloud.ann)
    send = "POST /api/v2/conversations/messages/{id}/communications/{id}/messages"
    cloud.fault(send, "lost_after")
    with pytest.raises(requests.ConnectionError):
        ann.post(cloud.chat, communication, {"textBody": "Thank you."})
    assert cloud.customer_sees(cloud.chat) == ["Thank you."]
    [detail] = listed(ann, cloud.ann)
    [message] = ann.bulk(detail["messageId"]).json()["entities"]
    assert message["normalizedMessage"]["text"] == "Thank you."


# One's own conversations


def test_people_list_the_conversations_they_are_in_now(
    cloud: SimulatedGenesys, ann: Any, service: Any, refused: Any
) -> None:
    call = cloud.start_chat(agents=[cloud.ann], media="voice")
    cloud.start_chat(agents=[cloud.bob])
    left = cloud.start_chat(agents=[cloud.ann, cloud.bob])
    cloud.leave(left, cloud.ann)
    cloud.end(cloud.start_chat(agents=[cloud.ann]))

    listed = ann("GET", "/api/v2/conversations/messages").json()["entities"]
    assert [each["id"] for each in listed] == [cloud.chat]
    assert service("GET", "/api/v2/conversations/messages").json() == {"entities": []}
    refused(ann.bulk(NOBODY, conversation=call), 404, "not.found")


def test_the_flat_shape_is_the_same_conversation_told_differently(cloud: SimulatedGenesys, ann: Any) -> None:
    ann.send(cloud.ann)
    [flat] = ann("GET", "/api/v2/conversations/messages").json()["entities"]
    customer, queue, _, own = flat["participants"]
    assert (own["user"]["id"], own["state"], own["peer"]) == (
        cloud.ann,
        "connected",
        ann.conversation()["participants"][0]["messages"][0]["id"],
    )
    assert own["messages"] == listed(ann, cloud.ann)
    assert (customer["fromAddress"]["name"], queue["queue"]["id"]) == (
        "Grace Hopper",
        cloud.queue("Support EMEA").id,
    )


def test_one_organisation_speaks_one_contract_or_the_other() -> None:
    with SimulatedGenesys.demo() as other:
        assert requests.get(f"{other.url}/oauth/authorize", timeout=5).status_code == 404
    assert other.chat != SimulatedGenesys.demo(contract="platform").chat
