"""
What a conversation of the platform says, and whose line a message into it goes through.

A participant is not the person: the person is its `userId`, and who reconnects becomes
another participant with new ids. So the line is chosen anew from every reading.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from .answers import Answer
from .chats import require_same
from .errors import NotAParticipant, Refused
from .json_values import object_of, objects, text_of, texts_of, time_of
from .nouns import Address, Communication, Conversation, MessageMark, Participant, Sender
from .verify import not_in_it

LONGEST_SMS = 765
LONGEST_TEXT = 2000

_MEDIA = {  # the array that is filled says which; messages first, as they are what we send into
    "messages": "message",
    "chats": "chat",
    "calls": "voice",
    "callbacks": "callback",
    "emails": "email",
    "internalMessages": "internal",
    "videos": "video",
    "cobrowsesessions": "cobrowse",
    "screenshares": "screenshare",
    "socialExpressions": "social",
}
_TO_ADDRESS = ("sms", "open", "apple")
_NOT_YET = {
    "alerting": "The conversation is still ringing for {who}: answer it in Genesys, then send again.",
    "parked": "{Who} parked this conversation: resume it in Genesys, then send again.",
}


def read_conversation(answer: Answer, conversation_id: str, read_at: datetime) -> Conversation:
    """
    The conversation in `answer` to `GET /api/v2/conversations/{conversationId}`.

    Raises Unavailable if it is another one's.
    """
    require_same(answer, conversation_id)
    body = answer.body or {}
    given = objects(body.get("participants"))
    there = {text_of(one.get("id")) for one in given if not one.get("endTime")} - {""}
    participants = tuple(_participant(one, there) for one in given)
    return Conversation(
        id=conversation_id,
        media=_media(participants),
        live=not body.get("endTime"),
        participants=participants,
        read_at=read_at,
        since=time_of(body.get("startTime")),
    )


def with_line(conversation: Conversation, send_as: str, place: Participant) -> Sender:
    """The sender at `place`, through their connected line for messages. Raises Refused, NotAParticipant."""
    lines = [line for line in place.communications if line.media == "message" and not place.watches]
    for line in lines:
        if line.state == "connected":
            return Sender(str(send_as), place.user_id, place.name, place.id, line.id)
    for line in reversed(lines):
        if line.state in _NOT_YET:
            who = "the person sending" if send_as == "self" else place.name or "the agent"
            sentence = _NOT_YET[line.state].format(who=who, Who=who[:1].upper() + who[1:])
            raise Refused(f"{sentence} Nothing was sent.")
    if place.communications and not lines:
        raise NotAParticipant(
            "The person sending is in this conversation, but not in its messages (they only watch, or are on "
            "another medium), so nothing was sent. Pick the messages up in Genesys, then send again."
        )
    raise not_in_it(conversation, send_as)


def automated(conversation: Conversation) -> Sender:
    """The automated sender, which writes to the customer's address. Raises Refused where it cannot."""
    customer, channel = conversation.customer, conversation.channel
    if channel == "whatsapp":
        raise Refused(
            "On WhatsApp an automated message has to be an approved template, so nothing was sent. "
            "Ask the agent in the conversation to send it."
        )
    lines = customer.communications if customer else ()
    line = next((one for one in reversed(lines) if one.media == "message"), None)
    address = _address(channel, customer, line) if customer and line else None
    if address is None:
        raise Refused(
            f"An automated message cannot be sent here ({channel or 'the channel is not known'}), so nothing "
            "was sent. Ask the agent in the conversation to send it."
        )
    return Sender("system", None, address=address)


def max_length(conversation: Conversation) -> int:
    return LONGEST_SMS if conversation.channel == "sms" else LONGEST_TEXT


def _address(channel: str, customer: Participant, line: Communication) -> Address | None:
    """What an automated message needs: for web messaging the contact, else the customer's address."""
    if channel == "webmessaging" and customer.contact_id and line.to_address:
        return Address(channel, line.to_address, contact_id=customer.contact_id)
    if channel in _TO_ADDRESS and line.to_address and line.from_address:
        return Address(channel, line.to_address, line.from_address)
    return None


def _media(participants: tuple[Participant, ...]) -> str:
    found = [line.media for one in participants for line in one.communications]
    return next((media for media in _MEDIA.values() if media in found), "")


def _participant(raw: Mapping[str, Any], there: Collection[str]) -> Participant:
    """One of `participants`; `there` are those still in it: who took over from one watches nobody now."""
    purpose = text_of(raw.get("purpose"))
    return Participant(
        id=text_of(raw.get("id")),
        user_id=(text_of(raw.get("userId")) or None) if purpose in ("agent", "user") else None,
        purpose=purpose,
        name=text_of(raw.get("name")),
        live=not raw.get("endTime"),
        watches=text_of(raw.get("monitoredParticipantId")) in there,
        queue=text_of(raw.get("queueName")),
        attributes=texts_of(raw.get("attributes")),
        language=text_of(raw.get("locale")) or None,
        queue_id=text_of(raw.get("queueId")) or None,
        contact_id=text_of(raw.get("externalContactId")) or None,
        communications=tuple(
            _communication(one, media) for name, media in _MEDIA.items() for one in objects(raw.get(name))
        ),
    )


def _communication(raw: Mapping[str, Any], media: str) -> Communication:
    return Communication(
        id=text_of(raw.get("id")),
        media=media,
        state=text_of(raw.get("state")),
        channel=text_of(raw.get("type")) if media == "message" else "",
        from_address=_normalized(raw.get("fromAddress")),
        to_address=_normalized(raw.get("toAddress")),
        messages=tuple(_mark(one) for one in objects(raw.get("messages"))),
    )


def _normalized(address: object) -> str:
    return text_of(object_of(address).get("addressNormalized"))


def _mark(raw: Mapping[str, Any]) -> MessageMark:
    error = object_of(raw.get("errorInfo"))
    return MessageMark(
        id=text_of(raw.get("messageId")),
        at=time_of(raw.get("messageTime")),
        status=text_of(raw.get("messageStatus")),
        error=text_of(error.get("message")) or text_of(error.get("code")),
        kind=text_of(object_of(raw.get("messageMetadata")).get("type")),
    )
