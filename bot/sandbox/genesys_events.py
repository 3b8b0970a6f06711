"""
The Conversations events contract over a simulated organisation, as strict as its tutorial words it.

    POST /oauth/token                        client credentials in the form, or a JWT bearer assertion
    GET  /api/v2/conversations/{id}          `type` and `participants[].id`, which is the user's id
    POST /api/v2/conversations/{id}/events   201 with the event's id
    POST /api/v2/users/search, GET /api/v2/users/{id}

A scope that a send needs (`conversation:chat:write`) and the token lacks is 403; a token
with no conversation scope at all is 401: the tutorial names both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .genesys_api import bearer, body, iso, refuse, refuse_token, require, require_permission
from .genesys_directory import search, user_called, user_shown
from .organisation import Organisation
from .organisation_nouns import SimulatedConversation, SimulatedParticipant, SimulatedToken

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CHAT, _WRITE, _USERS = "conversation:chat:write", "conversation:write", "user:read"
_EVENT = frozenset({"eventType", "from", "text", "timestamp", "metadata"})
_LONGEST_JWT = timedelta(minutes=5)


class EventsContract:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("events", __name__)
        routes.before_app_request(self._right_host)
        routes.post("/oauth/token")(self._token)
        routes.get("/api/v2/conversations/<conversation_id>")(self._read)
        routes.post("/api/v2/conversations/<conversation_id>/events")(self._send)
        routes.post("/api/v2/users/search")(self._search)
        routes.get("/api/v2/users/<user_id>")(self._user)
        return routes

    def _right_host(self) -> None:
        host = request.host.partition(":")[0]
        if host.endswith(".mypurecloud.com") and host != f"{self._organisation.org_id}.mypurecloud.com":
            refuse(404, message="There is no such organisation.")

    # Tokens

    def _token(self) -> Response:
        grant = request.form.get("grant_type")
        if grant == "client_credentials":
            self._require_client()
            token = self._organisation.issue_token()
        elif grant == JWT_BEARER:
            token = self._organisation.issue_token(self._person())
        else:
            refuse_token(400, "unsupported_grant_type", "The grant type is not supported.")
        life = self._organisation.token_lifetime
        answer = jsonify(access_token=token.value, token_type="bearer", expires_in=life)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _require_client(self) -> None:
        given = request.form.get("client_id"), request.form.get("client_secret")
        if given != (self._organisation.client_id, self._organisation.client_secret):
            refuse_token(401, "invalid_client", "authentication failed")

    def _person(self) -> str:
        """Whom the assertion acts for, if it is all that it has to be."""
        claims = self._claims()
        subject, audience, ends = claims.get("sub"), claims.get("aud"), claims.get("exp")
        user = self._organisation.users.get(subject) if isinstance(subject, str) else None
        ahead = ends - self._organisation.now().timestamp() if isinstance(ends, int | float) else 0
        _require_grant(claims.get("iss") == self._organisation.client_id, "iss is not the client id")
        _require_grant(audience == request.base_url, "aud is not this URL")
        _require_grant(0 < ahead <= _LONGEST_JWT.total_seconds(), "exp is not within 5 minutes from now")
        _require_grant(user is not None and user.state == "active", "sub is no active user")
        return str(subject)

    def _claims(self) -> dict[str, Any]:
        # Imported here: it brings cryptography, which no other answer needs.
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import RSAKey

        if self._organisation.jwt_public_key is None:
            refuse_token(400, "unauthorized_client", "No public key is registered for this client.")
        key = RSAKey.import_key(self._organisation.jwt_public_key)
        try:
            return jwt.decode(request.form.get("assertion", ""), key, algorithms=["RS256"]).claims
        except JoseError as exc:
            refuse_token(400, "invalid_grant", f"The assertion was not accepted: {type(exc).__name__}")

    # Conversations

    def _conversation(self, conversation_id: str) -> SimulatedConversation:
        conversation = self._organisation.conversations.get(conversation_id)
        if conversation is None:
            refuse(404, message="The conversation was not found.")
        return conversation

    def _writer(self) -> SimulatedToken:
        token = bearer(self._organisation)
        if not token.scopes & {_CHAT, _WRITE}:
            refuse(401, message="The token does not have the required scopes.")
        return token

    def _read(self, conversation_id: str) -> Response:
        self._writer()
        with self._organisation.lock:
            conversation = self._conversation(conversation_id)
            return jsonify(conversation_shown(conversation, self._organisation.users_by))

    def _send(self, conversation_id: str) -> tuple[Response, int]:
        token = self._writer()
        if _CHAT not in token.scopes:
            refuse(403, "app.not.authorized.for.scope", f"App not authorized to use scope [{_CHAT}]")
        event = body(known=_EVENT)
        sender, text, metadata = _checked(event)
        with self._organisation.lock:
            self._require_may_send(token, self._conversation(conversation_id), sender)
            sent = self._organisation.say(conversation_id, sender, text, metadata)
        own = {"id": sent.id, "conversationId": conversation_id, "timestamp": iso(sent.at)}
        return jsonify(own | event), 201

    def _require_may_send(
        self, token: SimulatedToken, conversation: SimulatedConversation, sender: str
    ) -> None:
        user = self._organisation.users.get(sender)
        if conversation.media != "chat":
            refuse(403, message=f"The conversation is not a chat, it is {conversation.media}.")
        if conversation.present(sender) is None:
            refuse(self._organisation.outsider_status, message="The user is not in the conversation.")
        if user is None or user.state != "active":
            refuse(403, message="The user may not take part in chats.")
        if token.user_id not in (None, sender):
            refuse(403, message="This token acts for another user.")

    # Users

    def _reader(self) -> None:
        if _USERS not in bearer(self._organisation).scopes:
            refuse(403, "app.not.authorized.for.scope", f"App not authorized to use scope [{_USERS}]")

    def _user(self, user_id: str) -> Response:
        self._reader()
        return jsonify(user_shown(user_called(self._organisation, user_id)))

    def _search(self) -> Response:
        self._reader()
        require_permission(self._organisation, "directory:user:view")
        return search(self._organisation)


def _checked(event: Mapping[str, object]) -> tuple[str, str, dict[str, object]]:
    """The sender's id, the text and the metadata of an event that is as it must be."""
    require(event.get("eventType") == "chat", "eventType", 'eventType must be "chat".')
    text, sender, metadata = event.get("text"), event.get("from"), event.get("metadata", {})
    if not isinstance(text, str) or not text:
        refuse(400, message="text must be a non-empty string.", field="text")
    if not isinstance(sender, dict) or sender.keys() != {"id"} or not isinstance(sender["id"], str):
        refuse(400, message="from must be an object that holds the id of a user.", field="from")
    if not isinstance(metadata, dict):
        refuse(400, message="metadata must be an object.", field="metadata")
    require("timestamp" not in event or _is_time(event["timestamp"]), "timestamp", "Not ISO 8601.")
    return sender["id"], text, metadata


def conversation_shown(conversation: SimulatedConversation, users_by: str) -> dict[str, object]:
    return {
        "id": conversation.id,
        "type": conversation.media,
        "participants": [participant_shown(each, users_by) for each in conversation.participants],
        **_span(conversation),
    }


def participant_shown(participant: SimulatedParticipant, users_by: str) -> dict[str, object]:
    shown = {
        "id": participant.id,
        "purpose": participant.purpose,
        "name": participant.name,
        "attributes": dict(participant.attributes),
        **_span(participant),
    }
    known = {users_by: participant.user_id, "locale": participant.locale, "queueName": participant.queue}
    return shown | {name: value for name, value in known.items() if value}


def _span(it: SimulatedConversation | SimulatedParticipant) -> dict[str, object]:
    if it.until is None:
        return {"state": "connected", "startTime": iso(it.since)}
    return {"state": "disconnected", "startTime": iso(it.since), "endTime": iso(it.until)}


def _require_grant(right: bool, what: str) -> None:
    if not right:
        refuse_token(400, "invalid_grant", f"The assertion was not accepted: {what}")


def _is_time(given: object) -> bool:
    try:
        datetime.fromisoformat(str(given))
    except ValueError:
        return False
    return isinstance(given, str)
