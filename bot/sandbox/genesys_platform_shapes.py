"""How the platform shows conversations and messages; source: its Swagger, Conversation and MessageData."""

from __future__ import annotations

from datetime import datetime, timedelta

from .genesys_api import iso, uri
from .organisation import Organisation
from .organisation_nouns import SimulatedConversation, SimulatedMessage, SimulatedParticipant

_ARRAYS = {
    "message": "messages",
    "voice": "calls",
    "callback": "callbacks",
    "email": "emails",
    "chat": "chats",
}
_MESSENGERS = (
    "sms",
    "facebook",
    "twitter",
    "whatsapp",
    "webmessaging",
    "instagram",
    "open",
    "apple",
    "linkedin",
)
_JOINED = {"events": [{"eventType": "Presence", "subType": "Join"}]}
_NORMALIZED = {
    "sent": "Sent",
    "delivery-success": "Delivered",
    "read": "Read",
    "failed": "Failed",
    "delivery-failed": "Failed",
}


def conversation_shown(organisation: Organisation, it: SimulatedConversation) -> dict[str, object]:
    """The answer to GET /api/v2/conversations/{id}; it has no `state` and no `type`."""
    shown = {
        "id": it.id,
        "startTime": iso(it.since),
        "participants": [_participant(organisation, it, each) for each in it.participants],
        "recordingState": "NONE",
        "divisions": [{"division": {"id": it.division, "name": it.division}, "entities": []}],
        "selfUri": uri(f"/api/v2/conversations/{it.id}"),
    }
    return shown | _ended(it.until)


def _participant(
    organisation: Organisation, conversation: SimulatedConversation, it: SimulatedParticipant
) -> dict[str, object]:
    array = _ARRAYS[conversation.media]
    shown: dict[str, object] = {
        "id": it.id,
        "purpose": it.purpose,
        "startTime": iso(it.since),
        "connectedTime": iso(it.since),
        "attributes": dict(it.attributes),
        array: [_communication(organisation, conversation, it)],
    }
    known = {
        "name": it.name,
        "userId": it.user_id,
        "queueId": it.queue_id,
        "queueName": it.queue,
        "locale": it.locale,
        "externalContactId": it.external_contact_id,
        "monitoredParticipantId": it.monitors,
    }
    return shown | {name: value for name, value in known.items() if value} | _ended(it.until)


def _communication(
    organisation: Organisation, conversation: SimulatedConversation, it: SimulatedParticipant
) -> dict[str, object]:
    shown: dict[str, object] = {"id": it.communication_id, "state": it.state}
    if it.until is not None:
        shown |= {"disconnectedTime": iso(it.until), "disconnectType": "client"}
    if conversation.media == "message":
        listed = [_detail(conversation, each) for each in readable(organisation, it.messages)]
        shown |= {"type": conversation.channel, "messages": listed, **_addresses(conversation, it)}
    return shown


def readable(organisation: Organisation, messages: list[SimulatedMessage]) -> list[SimulatedMessage]:
    """Those that have been there for long enough to be read back."""
    seen = organisation.now() - timedelta(seconds=organisation.messages_show_after)
    return [each for each in messages if each.at <= seen]


def _addresses(conversation: SimulatedConversation, it: SimulatedParticipant) -> dict[str, object]:
    theirs, ours = {"addressNormalized": conversation.address}, {"addressNormalized": conversation.reached}
    if it.purpose == "customer":
        named = theirs | {"name": it.name}
        return {"direction": "inbound", "fromAddress": named, "toAddress": ours}
    customer = conversation.customer.communication_id
    return {"direction": "outbound", "fromAddress": ours, "toAddress": theirs, "peerId": customer}


def _detail(conversation: SimulatedConversation, it: SimulatedMessage) -> dict[str, object]:
    shown: dict[str, object] = {
        "messageId": it.id,
        "messageURI": _uri(conversation, it),
        "messageStatus": it.status,
        "messageTime": iso(it.at),
        "messageSegmentCount": 1,
        "messageMetadata": {"type": it.kind} | (_JOINED if it.kind == "Event" else {}),
    }
    if it.fails and it.status in ("failed", "delivery-failed"):
        shown["errorInfo"] = {"code": it.fails[0], "message": it.fails[1], "status": 400}
    return shown


def message_shown(
    organisation: Organisation, conversation: SimulatedConversation, it: SimulatedMessage
) -> dict[str, object]:
    """MessageData. Its text stands in `normalizedMessage.text` alone, as since 2026-08 on the real one."""
    ours, theirs = conversation.reached, conversation.address
    outbound = it.direction == "outbound"
    shown: dict[str, object] = {
        "id": it.id,
        "providerMessageId": f"provider-{it.id}",
        "timestamp": iso(it.at),
        "fromAddress": ours if outbound else theirs,
        "toAddress": theirs if outbound else ours,
        "direction": it.direction,
        "status": it.status,
        "normalizedMessage": _normalized(it),
        "normalizedReceipts": [],
        "conversationId": conversation.id,
        "selfUri": _uri(conversation, it),
    }
    if conversation.channel in _MESSENGERS:
        shown["messengerType"] = conversation.channel
    if it.by and organisation.shows_authors:
        shown["createdBy"] = {"id": it.by, "version": 1, "selfUri": uri(f"/api/v2/users/{it.by}")}
    return shown


def _normalized(it: SimulatedMessage) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": it.id,
        "type": it.kind,
        "direction": it.direction.capitalize(),
        "originatingEntity": "Human",
        "content": [],
    }
    if it.text:
        shown["text"] = it.text
    return shown | ({"status": _NORMALIZED[it.status]} if it.status in _NORMALIZED else {})


def message_conversation_shown(organisation: Organisation, it: SimulatedConversation) -> dict[str, object]:
    """The flat shape of GET /api/v2/conversations/messages: participants have a state and a user."""
    return {
        "id": it.id,
        "participants": [_flat(organisation, it, each) for each in it.participants],
        "otherMediaUris": [],
        "selfUri": uri(f"/api/v2/conversations/messages/{it.id}"),
    }


def _flat(
    organisation: Organisation, conversation: SimulatedConversation, it: SimulatedParticipant
) -> dict[str, object]:
    addresses = _addresses(conversation, it)
    shown: dict[str, object] = {
        "id": it.id,
        "name": it.name,
        "purpose": it.purpose if it.purpose != "api" else "external",
        "state": it.state,
        "startTime": iso(it.since),
        "connectedTime": iso(it.since),
        "type": conversation.channel,
        "attributes": dict(it.attributes),
        "messages": [_detail(conversation, each) for each in readable(organisation, it.messages)],
        **{name: value for name, value in addresses.items() if name != "peerId"},
    }
    if it.user_id:
        shown["user"] = {"id": it.user_id, "selfUri": uri(f"/api/v2/users/{it.user_id}")}
    if it.queue_id:
        shown["queue"] = {"id": it.queue_id, "selfUri": uri(f"/api/v2/routing/queues/{it.queue_id}")}
    return shown | ({"peer": addresses["peerId"]} if "peerId" in addresses else {}) | _ended(it.until)


def _ended(at: datetime | None) -> dict[str, object]:
    return {} if at is None else {"endTime": iso(at)}


def _uri(conversation: SimulatedConversation, it: SimulatedMessage) -> str:
    return uri(f"/api/v2/conversations/messages/{conversation.id}/messages/{it.id}")
