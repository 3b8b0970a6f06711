"""Who may call a simulated Genesys Cloud organisation: OAuth clients, log-ins, tokens, permissions."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from .organisation_nouns import SimulatedLogin, SimulatedToken, SimulatedUser

SCOPES = frozenset({"conversation:chat:write", "conversation:write", "user:read"})
PERMISSIONS = frozenset({"directory:user:view"})
SERVICE_PERMISSIONS = PERMISSIONS | {
    "responses:library:view",
    "responses:response:view",
    "conversation:communication:view",
    "analytics:queueObservation:view",
    "routing:queue:view",
}
USER_PERMISSIONS = SERVICE_PERMISSIONS | {"conversation:message:create", "conversation:message:view"}
USER_SCOPES = frozenset(
    {
        "conversations",
        "conversations:readonly",
        "response-management:readonly",
        "routing:readonly",
        "analytics:readonly",
        "user-basic-info",
        "users:readonly",
    }
)


class Accounts:
    """
    The part of an Organisation that knows its callers. Every attribute may be set at any time.

    `client_id` is the service's OAuth client (client credentials), `oauth_client_id` the one
    people log in with (authorization code); with `oauth_client_secret` None that one is
    public. `redirect_uris` are registered for it, None for any. `inactivity_timeout` is in
    seconds and, where set, there are no refresh tokens.

    `scopes` and `permissions` are the service's; `oauth_scopes` bind what people's tokens may do.
    """

    users: dict[str, SimulatedUser]

    def __init__(self, *, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self.now, self.new_id = now, new_id
        self.lock = threading.RLock()
        self.org_id = "acme"
        self.client_id, self.client_secret = new_id(), secrets.token_urlsafe(24)
        self.oauth_client_id = new_id()
        self.oauth_client_secret: str | None = secrets.token_urlsafe(24)
        self.redirect_uris: Iterable[str] | None = None
        self.jwt_public_key: str | None = None
        self.token_lifetime = 3600  # seconds
        self.inactivity_timeout: int | None = None
        self.scopes, self.permissions = SCOPES, PERMISSIONS
        self.oauth_scopes = USER_SCOPES
        self.enforce_scopes = True
        self.rate_limit: int | None = 300
        self.over_rate = 0  # requests refused for it
        self.tokens: dict[str, SimulatedToken] = {}
        self.logins: dict[str, SimulatedLogin] = {}  # by authorization code
        self.refresh_tokens: dict[str, str] = {}  # the user id by refresh token

    def issue_token(
        self, user_id: str | None = None, *, scopes: frozenset[str] | None = None
    ) -> SimulatedToken:
        at = self.now()
        ends = at + timedelta(seconds=self.token_lifetime)
        granted = self.scopes if scopes is None else scopes
        token = SimulatedToken(secrets.token_urlsafe(32), user_id, granted, ends, at, at)
        self.tokens[token.value] = token
        return token

    def issue_refresh_token(self, user_id: str) -> str | None:
        """A new one; None where this organisation or this client gets none."""
        if self.inactivity_timeout is not None or self.oauth_client_secret is None:
            return None
        token = secrets.token_urlsafe(32)
        self.refresh_tokens[token] = user_id
        return token

    def issue_code(self, user_id: str, redirect_uri: str, challenge: str | None) -> str:
        code = secrets.token_urlsafe(24)
        self.logins[code] = SimulatedLogin(user_id, redirect_uri, challenge, self.now())
        return code

    def living(self, value: str) -> SimulatedToken | None:
        """The token with this value, if it still opens anything; its inactivity begins anew."""
        token = self.tokens.get(value)
        if token is None or self.now() >= token.expires_at or self._idled(token):
            return None
        token.used_at = self.now()
        return token

    def _idled(self, token: SimulatedToken) -> bool:
        if self.inactivity_timeout is None or token.user_id is None:
            return False
        return self.now() - token.used_at >= timedelta(seconds=self.inactivity_timeout)

    def permissions_of(self, token: SimulatedToken) -> frozenset[str]:
        """What the roles of the caller allow: the person's, or the service's own."""
        return self.permissions if token.user_id is None else self.users[token.user_id].permissions

    def revoke_tokens(self) -> None:
        """Make every access token so far worthless, as a changed secret does."""
        self.tokens.clear()

    def log_out(self, user_id: str) -> None:
        """End all that was granted in this person's name, as their log-out or a new password does."""
        with self.lock:
            self.tokens = {name: each for name, each in self.tokens.items() if each.user_id != user_id}
            self.refresh_tokens = {name: who for name, who in self.refresh_tokens.items() if who != user_id}
