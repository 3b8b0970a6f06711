"""
The sandbox in a browser: Slack's side on the left, the customer's on the right, what runs between below.

    GET  /<token>/        the page, for whom and what the query says (`page_looks.Look`); changes nothing
    POST /<token>/do      something that a person does (`page_hands`); leads back to the page
    POST /<token>/search  what an external select offers for what was typed

It is for the browser on this machine that was given the address: loopback alone, with the
token in the path, Host and Origin as they must be, and nothing run or loaded from elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Self

from flask import Flask, Response, abort, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from bot.web import Listener

from . import slack_forms as forms
from .page_hands import Hands
from .page_looks import Look, Screen
from .sandbox import Sandbox

_KEPT_TO_US = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


_ID = re.compile(r"\b(\w{8})-[\w-]{27}")


class Page:
    """
    `cast` are the people of the workspace to be, with what each of them is there.

    Started and stopped with a sandbox that runs; `url` is the one address that opens it.
    """

    def __init__(self, sandbox: Sandbox, cast: Mapping[str, str]) -> None:
        self._sandbox, self._cast = sandbox, cast
        self._hands = Hands(sandbox)
        self._token = secrets.token_urlsafe(24)
        self._store = sandbox.open_store()
        self._listener = Listener(self._app(), host="127.0.0.1", port=0)
        self._thread = threading.Thread(target=self._listener.serve, name="page", daemon=True)
        self._here = f"127.0.0.1:{self._listener.port}"
        self.url = f"http://{self._here}/{self._token}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join()
        self._store.close()

    def _app(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        app.jinja_env.globals.update(field=forms.Field, held=forms.held)
        app.jinja_env.filters.update(at=_at, brief=lambda path: _ID.sub(r"\1…", path))
        app.before_request(self._require_own)
        app.after_request(_kept_to_us)
        app.get("/<token>/")(self._page)
        app.get("/<token>/<any('page.css', 'page.js'):name>")(self._file)
        app.post("/<token>/do")(self._do)
        app.post("/<token>/search")(self._search)
        return app

    def _require_own(self) -> None:
        """Not for another name of this machine, which somebody's page may have, nor for another page."""
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
        own = f"http://{self._here}"
        if request.host != self._here or origin not in (own, None):
            abort(403)
        if request.method == "POST" and (origin != own or site != "same-origin"):
            abort(403)
        given = (request.view_args or {}).get("token", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            abort(404)

    def _page(self, token: str) -> Response:
        with self._sandbox.slack.lock, self._sandbox.genesys.lock:
            look = Look.of(request.args, self._sandbox, self._cast)
            screen = Screen(self._sandbox, self._store, look, self._cast, self._hands)
            shown = render_template("sandbox/page.html", screen=screen, look=look)
        version = hashlib.sha256(shown.encode()).hexdigest()[:16]
        if request.headers.get("X-Version") == version:
            return Response(status=204)
        return Response(shown, headers={"X-Version": version})

    def _file(self, token: str, name: str) -> Response:
        return send_from_directory("static", name)

    def _do(self, token: str) -> AnyResponse:
        look = self._hands.do(Look.of(request.args, self._sandbox, self._cast), request.form)
        return redirect(f"/{token}/{look.query()}", 303)

    def _search(self, token: str) -> str:
        look = Look.of(request.args, self._sandbox, self._cast)
        return render_template("sandbox/options.html", options=self._hands.search(look, request.form))


def _at(moment: datetime, form: str = "%H:%M") -> str:
    """On this machine's clock, which is the browser's too."""
    return f"{moment.astimezone():{form}}"


def _kept_to_us(response: Response) -> Response:
    response.headers.update(_KEPT_TO_US)
    return response
