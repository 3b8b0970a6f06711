"""
The bot's own HTTP: health for whoever watches it, and Slack's requests where there is no Socket Mode.

Bolt's WSGI adapter stands beside the Flask app, not inside it: the signature covers the
raw body, which nothing must touch before Bolt has checked it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bot.canned.announcing import Unreadable, Unsigned
from bot.canned.errors import NotWritten

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

THREADS = 8  # beside a committed claim more threads only wait for each other
LARGEST_BODY = 1 << 20  # bytes; Slack's largest payload is a view of 250 KB


def build(
    slack: App | None,
    ready: Callable[[], Mapping[str, bool]],
    *,
    announced: Callable[[bytes, str], None] | None = None,
    pages: Iterable[Blueprint] = (),
) -> WSGIApplication:
    """
    The whole site; `slack` is mounted at /slack/events, `ready` says which neighbours answer.

    `announced` takes a webhook's raw body and its signature; without it there are none.
    `pages` are those that people open in a browser.
    """
    web = Flask(__name__)

    @web.get("/healthz")
    def alive() -> ResponseReturnValue:
        return jsonify(alive=True)

    @web.get("/readyz")
    def able() -> ResponseReturnValue:
        reached = dict(ready())
        return jsonify(reached), 200 if all(reached.values()) else 503

    for page in pages:
        web.register_blueprint(page)
    if announced is not None:
        web.add_url_rule("/genesys/events", view_func=_webhook(announced), methods=["POST"])
    if slack is None:
        return web
    return DispatcherMiddleware(web, {"/slack/events": _well_formed(SlackRequestHandler(slack, path=""))})


def _webhook(announced: Callable[[bytes, str], None]) -> Callable[[], ResponseReturnValue]:
    """What answers Genesys' webhooks; anything but a 2xx makes the sender try again."""

    def event_announced() -> ResponseReturnValue:
        try:
            announced(request.get_data(), request.headers.get("X-Canned-Signature", ""))
        except Unsigned as exc:
            log.warning("refused a webhook: %s", exc)
            return "not signed by Genesys, or not now", 401
        except Unreadable as exc:
            log.warning("a webhook that is no event: %s", exc)
            return "not an event", 400
        except NotWritten:
            return "come again later", 503
        return "", 204

    return event_announced


def _well_formed(slack: Callable[..., Iterable[bytes]]) -> WSGIApplication:
    """Refuse what Bolt would answer with a trace: a timestamp that is no number, a body that is no text."""

    def guarded(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        stamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
        if not (stamp.isascii() and stamp.isdecimal()):
            start("401 Unauthorized", [("Content-Type", "text/plain")])
            return [b"invalid request"]
        try:
            return slack(environ, start)
        except UnicodeDecodeError:
            start("400 Bad Request", [("Content-Type", "text/plain")])
            return [b"not text"]

    return guarded


class Listener:
    """waitress on its own thread; `port` is the one it got where 0 was asked for."""

    def __init__(self, site: WSGIApplication, *, host: str, port: int) -> None:
        from waitress.server import create_server

        self._sockets: dict[int, Any] = {}
        self._server: Any = create_server(
            site,
            map=self._sockets,
            host=host,
            port=port,
            threads=THREADS,
            max_request_body_size=LARGEST_BODY,
            ident=None,
        )
        self.host = host
        self.port: int = self._server.effective_port

    def serve(self) -> None:
        """Serve until `close` is called from another thread."""
        self._server.run()

    def close(self) -> None:
        """Let the running requests answer, then hang up."""
        self._server.task_dispatcher.shutdown()
        # In the server's own thread: from another one it would notice a second later.
        self._server.trigger.pull_trigger(self._hang_up)

    def _hang_up(self) -> None:
        for channel in self._server.active_channels.values():
            channel.close_when_flushed = True
        self._server.close()
