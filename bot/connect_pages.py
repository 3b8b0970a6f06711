"""
The pages on which somebody connects their Genesys account: asked, sent to the log-in, and back again.

    GET  /genesys/connect    whose Slack account it is, and a button
    POST /genesys/connect    the click: a cookie for this browser, and off to Genesys
    GET  /genesys/callback   back with a code; only with that cookie

The policy has no `form-action`: browsers apply it to every redirect behind the click, and a
company's own log-in may stand behind Genesys'.
"""

from __future__ import annotations

import logging
import secrets
from urllib.parse import SplitResult, urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.canned.connecting import CALLBACK, LIVES, PAGE
from bot.canned.desk import Desk
from bot.canned.errors import CannedError, Later, NotConnectedHere
from bot.genesys import GenesysError, Unavailable
from bot.storage import DatabaseDown, StorageError

log = logging.getLogger(__name__)

TITLE = "Connect your Genesys account"


class ConnectPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        here = urlsplit(desk.connecting.public_url)
        self._origin = _origin(here)
        self._is_https = here.scheme == "https"
        self._action = f"{here.path}{PAGE}"
        # With this prefix a browser takes the cookie from this very host alone, over https.
        self._cookie = "__Host-canned" if self._is_https else "canned"

    def blueprint(self) -> Blueprint:
        pages = Blueprint("connect", __name__)
        pages.get(PAGE)(self._asked)
        pages.post(PAGE)(self._clicked)
        pages.get(CALLBACK)(self._back)
        for kind in (CannedError, GenesysError, StorageError):
            pages.register_error_handler(kind, self._refused)
        return pages

    def _asked(self) -> Response:
        signed = request.args.get("for", "")
        asking = self._desk.connecting.page(signed)
        return _page("connect.html", TITLE, asking=asking, signed=signed, action=self._action)

    def _clicked(self) -> AnyResponse:
        if not self._is_own_click():
            raise NotConnectedHere("This click did not come from our page. Nothing was connected.")
        away = self._desk.connecting.go(request.form.get("for", ""))
        response = _kept_to_us(redirect(away.url, 303), "")
        response.set_cookie(
            self._cookie,
            away.cookie,
            max_age=LIVES,
            secure=self._is_https,
            httponly=True,
            samesite="Lax",  # Genesys' redirect comes from another site
        )
        return response

    def _back(self) -> AnyResponse:
        given = request.args
        connected = self._desk.come_back(
            given.get("state", ""), request.cookies.get(self._cookie, ""), given.get("code", "")
        )
        waiting = " What waited for it goes out now." if connected.waiting else ""
        sentence = f"You are connected as {connected.name}.{waiting} You may close this page."
        response = _page("page.html", f"Connected as {connected.name}", sentence=sentence)
        response.delete_cookie(self._cookie, secure=self._is_https, httponly=True, samesite="Lax")
        return response

    def _is_own_click(self) -> bool:
        """Every browser says where a POST comes from; a page of somebody else's could send this one."""
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        return origin in (None, self._origin) and site in (None, "same-origin")

    def _refused(self, error: Exception) -> tuple[Response, int]:
        log.warning("not connected: %s, correlation %s", type(error).__name__, _correlation(error))
        status = 503 if isinstance(error, Later | Unavailable | DatabaseDown) else 400
        return _page("page.html", "Not connected", sentence=_unmarked(str(error))), status


def _origin(here: SplitResult) -> str:
    """How a browser says that a click comes from `here`."""
    host = here.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}.get(here.scheme)
    return f"{here.scheme}://{host}" + (f":{here.port}" if here.port not in (None, usual) else "")


def _page(template: str, title: str, **values: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(template, title=title, nonce=nonce, **values))
    return _kept_to_us(response, f"; style-src 'nonce-{nonce}'")


def _kept_to_us(response: AnyResponse, more: str) -> Response:
    """Nobody frames, keeps, guesses at or learns the address of one of these pages."""
    response.headers.update(
        {
            "Content-Security-Policy": f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'{more}",
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
    )
    return response  # type: ignore[return-value]


def _correlation(error: Exception) -> str:
    return getattr(error, "correlation_id", "") or "none"


def _unmarked(sentence: str) -> str:
    return sentence.replace("`", "")
