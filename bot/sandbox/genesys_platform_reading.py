"""
What the platform shows of conversations and of the messages in them.

    GET  /api/v2/conversations/{id}
    GET  /api/v2/conversations/messages     the caller's own, live
    POST /api/v2/conversations/messages/{id}/messages/bulk
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from .genesys_api import json_body, refuse, require
from .genesys_platform_access import allowed, require_division
from .genesys_platform_shapes import conversation_shown, message_conversation_shown, message_shown, readable
from .organisation import Organisation
from .organisation_nouns import SimulatedConversation, SimulatedToken

_SCOPES = ("conversations", "conversations:readonly")
_VIEW = ("conversation:message:view", "conversation:webmessaging:view")
_MOST = 1000


class Reading:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("reading", __name__)
        own = "/api/v2/conversations/messages"
        routes.get("/api/v2/conversations/<conversation_id>")(self._one)
        routes.get(own)(self._my_messages)
        routes.post(f"{own}/<conversation_id>/messages/bulk")(self._bulk)
        return routes

    def _one(self, conversation_id: str) -> Response:
        token = allowed(self._organisation, *_SCOPES, any_of=("conversation:communication:view",))
        with self._organisation.lock:
            return jsonify(conversation_shown(self._organisation, self._conversation(token, conversation_id)))

    def _my_messages(self) -> Response:
        """Those that the caller is in now. Unproven for the service, which is in none."""
        who = allowed(self._organisation, *_SCOPES).user_id
        with self._organisation.lock:
            every = self._organisation.conversations.values()
            live = [each for each in every if each.media == "message" and each.until is None]
            own = [each for each in live if who is not None and each.present(who)]
            return jsonify(entities=[message_conversation_shown(self._organisation, each) for each in own])

    def _bulk(self, conversation_id: str) -> Response:
        token = allowed(self._organisation, *_SCOPES, any_of=_VIEW)
        ids = json_body()
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            refuse(400, message="The body must be a list of message ids.")
        require(0 < len(ids) <= _MOST, "body", f"1 to {_MOST} message ids.")
        with self._organisation.lock:
            conversation = self._conversation(token, conversation_id)
            if conversation.media != "message":
                refuse(404, message="The message conversation was not found.")
            there = readable(self._organisation, conversation.messages)
            found = [each for each in there if each.id in ids]
            return jsonify(entities=[message_shown(self._organisation, conversation, each) for each in found])

    def _conversation(self, token: SimulatedToken, conversation_id: str) -> SimulatedConversation:
        conversation = self._organisation.conversations.get(conversation_id)
        if conversation is None:
            refuse(404, message="The conversation was not found.")
        require_division(self._organisation, token, conversation)
        return conversation
