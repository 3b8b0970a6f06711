"""
How a message gets to a customer on the platform: as a person, or agentless as `api`.

    POST /api/v2/conversations/messages/{id}/communications/{id}/messages
    POST /api/v2/conversations/messages/agentless
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Blueprint, Response, jsonify

from .genesys_api import body, iso, refuse, require, require_known, uri
from .genesys_platform_access import allowed, require_division
from .genesys_platform_shapes import message_shown
from .organisation import Organisation
from .organisation_nouns import Sent, SimulatedConversation, SimulatedMessage, SimulatedToken

_CREATE, _WEB_CREATE = "conversation:message:create", "conversation:webmessaging:create"
_MESSAGE = frozenset({"textBody", "messagingTemplate"})
_AGENTLESS = frozenset(
    {"fromAddress", "toAddress", "toAddressMessengerType", "textBody", "messagingTemplate"}
) | {"useExistingActiveConversation", "externalContactId"}
_TEMPLATE = frozenset({"responseId", "bodyParameters"})
_AGENTLESS_CHANNELS = ("sms", "open", "webmessaging", "apple")  # WhatsApp's is not simulated
_SMS_LIMIT, _LIMIT = 765, 2000  # characters


class Sending:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("sending", __name__)
        one = "/api/v2/conversations/messages/<conversation_id>/communications/<communication_id>/messages"
        routes.post(one)(self._send)
        routes.post("/api/v2/conversations/messages/agentless")(self._send_agentless)
        return routes

    # As a person

    def _send(self, conversation_id: str, communication_id: str) -> Response:
        # What a client-credentials token gets here is unproven; the vendor's blog says that the
        # call needs a user context, so it is refused like those that are documented to.
        token = allowed(self._organisation, "conversations", any_of=(_CREATE, _WEB_CREATE), only="person")
        given = body(known=_MESSAGE)
        with self._organisation.lock:
            conversation = self._conversation(conversation_id)
            require_division(self._organisation, token, conversation)
            self._require_own(token, conversation, communication_id)
            text = self._text(given, conversation.channel)
            sent = self._organisation.say(conversation.id, str(token.user_id), text, {})
            return self._accepted(
                message_shown(self._organisation, conversation, _message(conversation, sent))
            )

    def _conversation(self, conversation_id: str) -> SimulatedConversation:
        conversation = self._organisation.conversations.get(conversation_id)
        if conversation is None or conversation.media != "message":
            refuse(404, message="The message conversation was not found.")
        return conversation

    def _require_own(
        self, token: SimulatedToken, conversation: SimulatedConversation, communication_id: str
    ) -> None:
        """Unproven, all of it: what somebody gets who writes where they are not, or not connected."""
        named = (each for each in conversation.participants if each.communication_id == communication_id)
        author = next(named, None)
        if author is None or author.state == "disconnected":
            refuse(404, message="The communication was not found.")
        if author.user_id != token.user_id:
            refuse(self._organisation.outsider_status, message="The communication is another participant's.")
        if author.monitors:
            refuse(self._organisation.outsider_status, message="A monitor cannot write.")
        require(author.state == "connected", "communicationId", f"The communication is {author.state}.")

    def _text(self, given: Mapping[str, object], channel: str) -> str:
        """What the customer will read: one field of the body says it, in one way."""
        require(len(given) == 1, "textBody", f"Exactly one of {sorted(_MESSAGE)} must be given.")
        if "messagingTemplate" in given:
            return self._filled(given["messagingTemplate"])
        return _checked(given["textBody"], channel)

    def _filled(self, template: object) -> str:
        if not isinstance(template, dict):
            refuse(400, message="messagingTemplate must be an object.", field="messagingTemplate")
        require_known(template, _TEMPLATE)
        response = self._organisation.responses.get(str(template.get("responseId")))
        if response is None or response.kind not in ("MessagingTemplate", "Form"):
            refuse(400, message="responseId is not that of a template or form.", field="responseId")
        text = response.plain or ""
        for each in template.get("bodyParameters", []):
            text = text.replace(f"{{{{{each['id']}}}}}", each["value"])
        return text

    def _accepted(self, answer: Mapping[str, object]) -> Response:
        return Response(status=202) if self._organisation.empty_answers else jsonify(answer)

    # As nobody

    def _send_agentless(self) -> Response:
        allowed(self._organisation, "conversations", any_of=(_CREATE,), only="service")
        given = body(known=_AGENTLESS)
        channel, reached, address = _addressed(given)
        template = given.get("messagingTemplate")
        text = self._filled(template) if template is not None else _checked(given.get("textBody"), channel)
        with self._organisation.lock:
            live = self._live_with(channel, reached, address)
            if live and given.get("useExistingActiveConversation") is not True:
                refuse(400, "active.conversation", "An alerting or connected conversation is in progress.")
            landed = self._landed(live, channel, reached, address)
            sent = self._organisation.say_agentless(landed.id, text)
            message = message_shown(self._organisation, landed, _message(landed, sent))
        answer = {
            "id": sent.id,
            "conversationId": landed.id,
            "messengerType": channel,
            "message": message,
            "timestamp": iso(sent.at),
            "selfUri": uri(f"/api/v2/conversations/messages/agentless/{sent.id}"),
        }
        echoed = ("fromAddress", "toAddress", "useExistingActiveConversation")
        return self._accepted(answer | {name: given[name] for name in echoed if name in given})

    def _live_with(self, channel: str, reached: str, address: str) -> SimulatedConversation | None:
        """The live conversation with that person; it is not said which one, should there be several."""
        for each in self._organisation.conversations.values():
            theirs = each.customer.external_contact_id if channel == "webmessaging" else each.address
            if each.until is None and (each.channel, each.reached, theirs) == (channel, reached, address):
                return each
        return None

    def _landed(
        self, live: SimulatedConversation | None, channel: str, reached: str, address: str
    ) -> SimulatedConversation:
        organisation = self._organisation
        if organisation.agentless_lands_in is not None:
            return organisation.conversations[organisation.agentless_lands_in]
        if live is not None:
            return live
        opened = organisation.conversations[organisation.start_chat("", channel=channel)]
        opened.reached, opened.address = reached, address
        return opened


def _addressed(given: Mapping[str, object]) -> tuple[str, str, str]:
    """Channel, our own address and the customer's, or their external contact on web messaging."""
    channel, reached = given.get("toAddressMessengerType"), given.get("fromAddress")
    if channel not in _AGENTLESS_CHANNELS:
        refuse(400, message=f"One of {', '.join(_AGENTLESS_CHANNELS)}.", field="toAddressMessengerType")
    if not isinstance(reached, str) or not reached:
        refuse(400, message="fromAddress is required.", field="fromAddress")
    named = "externalContactId" if channel == "webmessaging" else "toAddress"
    address = given.get(named)
    if not isinstance(address, str) or not address:
        refuse(400, message=f"{channel} requires {named}.", field=named)
    require(channel != "webmessaging" or "toAddress" not in given, "toAddress", "Not for webmessaging.")
    require(channel != "sms" or bool(re.fullmatch(r"\+[1-9]\d{1,14}", address)), "toAddress", "Not E.164.")
    return str(channel), reached, address


def _checked(text: object, channel: str) -> str:
    if not isinstance(text, str) or not text:
        refuse(400, message="textBody must be a non-empty string.", field="textBody")
    limit = _SMS_LIMIT if channel == "sms" else _LIMIT
    if len(text) > limit:
        refuse(400, "max.length.exceeded", f"textBody is longer than {limit} characters.", field="textBody")
    return text


def _message(conversation: SimulatedConversation, sent: Sent) -> SimulatedMessage:
    return next(each for each in conversation.messages if each.id == sent.id)
