"""
The platform's log-in host: authorization code with PKCE for people, client credentials for the service.

    GET, POST /oauth/authorize   the log-in page, and the way back with a code
    POST /oauth/token            client_credentials, authorization_code, refresh_token

Clients name themselves by Basic authentication; a public client, which has no secret, by
`client_id` in the form, and gets no refresh token. No source says which status goes with
which error of a token: RFC 6749 decides (401 for an unknown client, else 400).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template_string, request
from werkzeug.wrappers import Response as AnyResponse

from .genesys_api import refuse_token
from .organisation import Organisation
from .organisation_nouns import SimulatedLogin, SimulatedUser

_CODE_LIVES = timedelta(minutes=5)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_ASKED = ("response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method")

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Log in to Genesys Cloud (simulated)</title>
<main>
<h1>Log in to Genesys Cloud</h1>
<p>This organisation is simulated: choose who you are, no password is asked for.</p>
<form method="post">
{% for name, value in asked.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<label>E-mail <select name="user_id">
{% for each in users %}<option value="{{ each.id }}">{{ each.email }}</option>
{% endfor %}</select></label>
<button name="do" value="log-in">Log in</button>
<button name="do" value="deny">Deny access</button>
</form>
</main>
</html>"""
_NO_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Genesys Cloud (simulated)</title>
<main><h1>This log-in cannot go on</h1><p>{{ why }}</p></main></html>"""


class Login:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("login", __name__)
        routes.get("/oauth/authorize")(self._page)
        routes.post("/oauth/authorize")(self._chosen)
        routes.post("/oauth/token")(self._token)
        return routes

    # In the browser

    def _page(self) -> AnyResponse:
        asked = {name: request.args[name] for name in _ASKED if name in request.args}
        if why := self._wrong_with(asked):
            return _stop(why)
        users = [each for each in self._organisation.users.values() if each.state == "active"]
        return Response(render_template_string(_PAGE, asked=asked, users=users))

    def _chosen(self) -> AnyResponse:
        asked = {name: request.form[name] for name in _ASKED if name in request.form}
        user = self._organisation.users.get(request.form.get("user_id", ""))
        if why := self._wrong_with(asked):
            return _stop(why)
        if request.form.get("do") == "deny":
            return _back(asked, error="access_denied")
        if user is None or user.state != "active":
            return _stop("There is no such user, or the user is not active.")
        where, challenge = asked["redirect_uri"], asked.get("code_challenge")
        return _back(asked, code=self._organisation.issue_code(user.id, where, challenge))

    def _wrong_with(self, asked: dict[str, str]) -> str:
        """Why nobody is sent anywhere, "" if all is well: a wrong client or address gets no redirect."""
        known = self._organisation.redirect_uris
        where = asked.get("redirect_uri", "")
        if asked.get("client_id") != self._organisation.oauth_client_id:
            return "The OAuth client is not known."
        if not _may_lead_back(where) or (known is not None and where not in known):
            return "The redirect URI is not one of the OAuth client's."
        if asked.get("response_type") != "code":
            return "The response type must be code."
        challenge, method = asked.get("code_challenge"), asked.get("code_challenge_method")
        if challenge is None:
            return "" if self._organisation.oauth_client_secret else "A public client needs a code challenge."
        well = method == "S256" and _CHALLENGE.fullmatch(challenge)
        return "" if well else "The code challenge must be S256."

    # For programs

    def _token(self) -> Response:
        grant = request.form.get("grant_type")
        if grant == "client_credentials":
            self._require_service()
            return self._granted(None)
        if grant == "authorization_code":
            return self._granted(self._logged_in())
        if grant == "refresh_token":
            return self._granted(self._refreshed())
        refuse_token(400, "unsupported_grant_type", "The grant type is not supported.")

    def _granted(self, user_id: str | None) -> Response:
        organisation = self._organisation
        scopes = frozenset(organisation.oauth_scopes) if user_id else frozenset()
        token = organisation.issue_token(user_id, scopes=scopes)
        life = organisation.token_lifetime
        answer = {"access_token": token.value, "token_type": "bearer", "expires_in": life}
        if user_id and (refresh := organisation.issue_refresh_token(user_id)):
            answer["refresh_token"] = refresh
        response = jsonify(answer)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _logged_in(self) -> str:
        """Whom the code stands for; whatever is wrong with the rest, the code is used up."""
        self._require_login_client()
        login = self._organisation.logins.pop(request.form.get("code", ""), None)
        if login is None or self._organisation.now() - login.at > _CODE_LIVES:
            refuse_token(400, "invalid_grant", "The code is not known, was used before or is too old.")
        if request.form.get("redirect_uri") != login.redirect_uri:
            refuse_token(400, "invalid_grant", "The redirect URI is not the one the code was asked for with.")
        _require_verifier(login, request.form.get("code_verifier"))
        return self._active(login.user_id).id

    def _refreshed(self) -> str:
        """Whom the refresh token stands for; it works once, the answer brings the next one."""
        self._require_login_client()
        with self._organisation.lock:
            user_id = self._organisation.refresh_tokens.pop(request.form.get("refresh_token", ""), None)
        if user_id is None:
            refuse_token(
                400, "invalid_grant", "The refresh token is not known, was used before or is revoked."
            )
        return self._active(user_id).id

    def _active(self, user_id: str) -> SimulatedUser:
        user = self._organisation.users[user_id]
        if user.state != "active":
            refuse_token(400, "invalid_grant", "The user is not active.")
        return user

    def _require_service(self) -> None:
        if _basic() == (self._organisation.oauth_client_id, self._organisation.oauth_client_secret):
            refuse_token(400, "unauthorized_client", "The client may not use this grant type.")
        _require_client(_basic() == (self._organisation.client_id, self._organisation.client_secret))

    def _require_login_client(self) -> None:
        own = self._organisation.oauth_client_id
        if self._organisation.oauth_client_secret is None:
            _require_client(_basic() is None and request.form.get("client_id") == own)
        elif _basic() == (self._organisation.client_id, self._organisation.client_secret):
            refuse_token(400, "unauthorized_client", "The client may not use this grant type.")
        else:
            _require_client(_basic() == (own, self._organisation.oauth_client_secret))


def _basic() -> tuple[str | None, str | None] | None:
    given = request.authorization
    return (given.username, given.password) if given and given.type == "basic" else None


def _require_client(right: bool) -> None:
    if not right:
        refuse_token(401, "invalid_client", "authentication failed")


def _require_verifier(login: SimulatedLogin, verifier: str | None) -> None:
    if login.challenge is None:
        fits = verifier is None
    else:
        digest = hashlib.sha256((verifier or "").encode()).digest()
        made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = bool(_VERIFIER.fullmatch(verifier or "")) and hmac.compare_digest(made, login.challenge)
    if not fits:
        refuse_token(400, "invalid_grant", "The code verifier does not fit the code challenge.")


def _may_lead_back(where: str) -> bool:
    parts = urlsplit(where)
    if parts.scheme == "http":
        return parts.hostname in ("127.0.0.1", "localhost", "::1")
    return parts.scheme == "https" and bool(parts.hostname)


def _back(asked: dict[str, str], **result: str) -> AnyResponse:
    result |= {"state": asked["state"]} if "state" in asked else {}
    joint = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    return redirect(f"{asked['redirect_uri']}{joint}{urlencode(result)}")


def _stop(why: str) -> AnyResponse:
    return Response(render_template_string(_NO_PAGE, why=why), status=400)
