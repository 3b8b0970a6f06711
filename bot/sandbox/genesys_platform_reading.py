"""
What the platform shows of conversations and of the messages in them.

    GET  /api/v2/conversations/{id}, GET /api/v2/conversations/messages/{id}
    GET  /api/v2/conversations, GET /api/v2/conversations/messages     the caller's own, live
    GET  /api/v2/conversations/messages/{id}/messages/{id}
    POST /api/v2/conversations/messages/{id}/messages/bulk
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from .genesys_api import json_body, refuse, require
from .genesys_platform_access import allowed, require_division
from .genesys_platform_shapes import conversation_shown, message_conversation_shown, message_shown, readable
from .organisation import Organisation
from .organisation_nouns import SimulatedConversation, SimulatedMessage, SimulatedToken

_SCOPES = ("conversations", "conversations:readonly")
_VIEW = ("conversation:message:view", "conversation:webmessaging:view")
_MOST = 1000


class Reading:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("reading", __name__)
        own = "/api/v2/conversations/messages"
        routes.get("/api/v2/conversations")(self._mine)
        routes.get("/api/v2/conversations/<conversation_id>")(self._one)
        routes.get(own)(self._my_messages)
        routes.get(f"{own}/<conversation_id>")(self._flat)
        routes.get(f"{own}/<conversation_id>/messages/<message_id>")(self._message)
        routes.post(f"{own}/<conversation_id>/messages/bulk")(self._bulk)
        return routes

    def _one(self, conversation_id: str) -> Response:
        token = allowed(self._organisation, *_SCOPES, any_of=("conversation:communication:view",))
        with self._organisation.lock:
            return jsonify(conversation_shown(self._organisation, self._conversation(token, conversation_id)))

    def _flat(self, conversation_id: str) -> Response:
        token = allowed(self._organisation, *_SCOPES)
        with self._organisation.lock:
            it = self._messaging(token, conversation_id)
            return jsonify(message_conversation_shown(self._organisation, it))

    def _mine(self) -> Response:
        with self._organisation.lock:
            shown = [conversation_shown(self._organisation, each) for each in self._own()]
        return jsonify(entities=shown)

    def _my_messages(self) -> Response:
        with self._organisation.lock:
            own = [each for each in self._own() if each.media == "message"]
            shown = [message_conversation_shown(self._organisation, each) for each in own]
        return jsonify(entities=shown)

    def _own(self) -> list[SimulatedConversation]:
        """Those that the caller is in now. Unproven for the service, which is in none."""
        who = allowed(self._organisation, *_SCOPES).user_id
        live = [each for each in self._organisation.conversations.values() if each.until is None]
        return [each for each in live if who is not None and each.present(who)]

    def _message(self, conversation_id: str, message_id: str) -> Response:
        token = allowed(self._organisation, *_SCOPES, any_of=_VIEW)
        with self._organisation.lock:
            conversation = self._messaging(token, conversation_id)
            found = [each for each in self._readable(conversation) if each.id == message_id]
            if not found:
                refuse(404, message="The message was not found.")
            return jsonify(message_shown(self._organisation, conversation, found[0]))

    def _bulk(self, conversation_id: str) -> Response:
        token = allowed(self._organisation, *_SCOPES, any_of=_VIEW)
        ids = json_body()
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            refuse(400, message="The body must be a list of message ids.")
        require(0 < len(ids) <= _MOST, "body", f"1 to {_MOST} message ids.")
        with self._organisation.lock:
            conversation = self._messaging(token, conversation_id)
            found = [each for each in self._readable(conversation) if each.id in ids]
            return jsonify(entities=[message_shown(self._organisation, conversation, each) for each in found])

    def _readable(self, conversation: SimulatedConversation) -> list[SimulatedMessage]:
        return readable(self._organisation, conversation.messages)

    def _conversation(self, token: SimulatedToken, conversation_id: str) -> SimulatedConversation:
        conversation = self._organisation.conversations.get(conversation_id)
        if conversation is None:
            refuse(404, message="The conversation was not found.")
        require_division(self._organisation, token, conversation)
        return conversation

    def _messaging(self, token: SimulatedToken, conversation_id: str) -> SimulatedConversation:
        conversation = self._conversation(token, conversation_id)
        if conversation.media != "message":
            refuse(404, message="The message conversation was not found.")
        return conversation
