"""
The public Platform API over a simulated organisation, as strict as its Swagger words it.

The log-in host and the API are one address here. Each part says which requests it answers.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from .genesys_api import bearer
from .genesys_directory import search, user_called, user_shown
from .genesys_platform_access import allowed
from .genesys_platform_activity import Activity
from .genesys_platform_configured import Configured
from .genesys_platform_login import Login
from .genesys_platform_reading import Reading
from .genesys_platform_sending import Sending
from .organisation import Organisation

_USERS = ("users", "users:readonly")


class PlatformContract:
    """Tokens and users by itself, all else through its parts."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("platform", __name__)
        for part in (Login, Sending, Reading, Configured, Activity):
            routes.register_blueprint(part(self._organisation).blueprint())
        routes.get("/api/v2/tokens/me")(self._token)
        routes.delete("/api/v2/tokens/me")(self._end_token)
        routes.get("/api/v2/users/me")(self._me)
        routes.get("/api/v2/users/<user_id>")(self._user)
        routes.post("/api/v2/users/search")(self._search)
        return routes

    def _token(self) -> Response:
        token = allowed(self._organisation, "user-basic-info")
        own = {"id": self._organisation.org_id, "name": self._organisation.org_id}
        grant = ("CODE", "People log in") if token.user_id else ("CLIENT-CREDENTIALS", "The bot itself")
        client_id = self._organisation.oauth_client_id if token.user_id else self._organisation.client_id
        client = {
            "id": client_id,
            "authorizedGrantType": grant[0],
            "name": grant[1],
            "scope": sorted(token.scopes),
        }
        return jsonify(
            organization=own,
            homeOrganization=own,
            authorizedScope=sorted(token.scopes),
            OAuthClient=client | {"organization": own, "state": "active"},
        )

    def _end_token(self) -> Response:
        """No permission, no body (SDK 253, TokensApi); of the refresh token nobody says: it stays."""
        self._organisation.tokens.pop(bearer(self._organisation).value)
        return Response(status=200)

    def _me(self) -> Response:
        token = allowed(self._organisation, "user-basic-info", only="person")
        return jsonify(user_shown(self._organisation.users[str(token.user_id)]))

    def _user(self, user_id: str) -> Response:
        allowed(self._organisation, *_USERS)
        return jsonify(user_shown(user_called(self._organisation, user_id)))

    def _search(self) -> Response:
        allowed(self._organisation, *_USERS, any_of=("directory:user:view",))
        return search(self._organisation)
