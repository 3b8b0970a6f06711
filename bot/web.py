"""
The bot's own HTTP: health for whoever watches it, and Slack's requests where there is no Socket Mode.

Bolt's WSGI adapter stands beside the Flask app, not inside it: the signature covers the
raw body, which nothing must touch before Bolt has checked it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk.signature import SignatureVerifier
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bot import logs
from bot.canned.announcing import Unreadable, Unsigned
from bot.canned.errors import NotWritten
from bot.settings import SettingsError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

LEAVES_WITHIN = 5.0  # seconds
THREADS = 8  # beside a committed claim more threads only wait for each other
STAMP, SIGNATURE = re.compile("[0-9]{1,12}"), re.compile("v0=[0-9a-f]{64}")
NONSENSE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
LARGEST_BODY = 1 << 20  # bytes; Slack's largest payload is a view of 250 KB
LARGEST_HEADERS = 1 << 15  # bytes, with the address, which brings back a code and a state from Genesys
IDLE = 30  # seconds after which a silent connection is closed: nobody of ours is silent inside a request
CONNECTIONS = 200  # at once; more wait


def build(
    slack: App | None,
    ready: Callable[[], Mapping[str, bool]],
    *,
    signing_secret: str,
    metrics: Callable[[], tuple[bytes, str]] | None = None,
    acked: Callable[[float], None] = lambda _: None,
    announced: Callable[[bytes, str], None] | None = None,
    pages: Iterable[Blueprint] = (),
) -> WSGIApplication:
    """
    The whole site; `slack` is mounted at /slack/events, `ready` says which neighbours answer.

    `metrics` gives the page for Prometheus with its content type, and `acked` is told how
    many seconds each answer to Slack took. `announced` takes a webhook's raw body and its
    signature; without it there are none.
    `pages` are those that people open in a browser.
    """
    web = Flask(__name__)
    web.url_map.merge_slashes = False  # it would redirect to wherever the Host header says

    @web.get("/healthz")
    def alive() -> ResponseReturnValue:
        return jsonify(alive=True)

    @web.get("/readyz")
    def able() -> ResponseReturnValue:
        reached = dict(ready())
        return jsonify(reached), 200 if all(reached.values()) else 503

    if metrics is not None:

        @web.get("/metrics")
        def counted() -> ResponseReturnValue:
            page, kind = metrics()
            return page, {"Content-Type": kind}

    for page in pages:
        web.register_blueprint(page)
    if announced is not None:
        web.add_url_rule("/genesys/events", view_func=_webhook(announced), methods=["POST"])
    if slack is None:
        return web
    verifier = SignatureVerifier(signing_secret)
    guarded = _from_slack(verifier, SlackRequestHandler(slack, path=""), acked)
    return DispatcherMiddleware(web, {"/slack/events": guarded})


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


def _from_slack(
    verifier: SignatureVerifier, slack: Callable[..., Iterable[bytes]], acked: Callable[[float], None]
) -> WSGIApplication:
    """Let through what Slack signed: Bolt reads a body, and fails on an odd one, before it looks at that."""

    def guarded(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            if not _is_signed(verifier, environ, body):
                return _refuse(start, "401 Unauthorized", b"invalid request")
            answer = logs.new_click(slack, {**environ, "wsgi.input": BytesIO(body)}, start)
            acked(time.perf_counter() - begun)
            return answer
        except UnicodeDecodeError:  # by anybody: not worth a line in the log
            return _refuse(start, "400 Bad Request", b"not text")
        except NONSENSE as exc:
            log.warning("a signed request makes no sense: %s", type(exc).__name__)
            return _refuse(start, "400 Bad Request", b"not a request of Slack's")

    return guarded


def _is_signed(verifier: SignatureVerifier, environ: WSGIEnvironment, body: bytes) -> bool:
    """Whether Slack signed it within the last five minutes; raises UnicodeDecodeError if it is no text."""
    stamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
    signature = environ.get("HTTP_X_SLACK_SIGNATURE", "")
    well_formed = STAMP.fullmatch(stamp) and SIGNATURE.fullmatch(signature)
    return bool(well_formed) and verifier.is_valid(body, stamp, signature)


def _refuse(start: StartResponse, status: str, why: bytes) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain")])
    return [why]


class Listener:
    """
    waitress on its own thread; `port` is the one it got where 0 was asked for.

    Raises SettingsError if nothing can listen there.
    """

    def __init__(self, site: WSGIApplication, *, host: str, port: int) -> None:
        from waitress import wasyncore
        from waitress.server import create_server

        self._sockets: dict[int, Any] = {}
        self._leaving = False
        self._served = threading.Event()
        try:
            self._server: Any = create_server(
                site,
                map=self._sockets,
                host=host,
                port=port,
                ipv4=":" not in host,  # one socket: `localhost` may be both
                ipv6=":" in host,
                threads=THREADS,
                max_request_body_size=LARGEST_BODY,
                max_request_header_size=LARGEST_HEADERS,
                channel_timeout=IDLE,
                connection_limit=CONNECTIONS,
                ident=None,
            )
        except (OSError, ValueError) as exc:
            wasyncore.close_all(self._sockets, ignore_all=True)
            why = (exc.strerror if isinstance(exc, OSError) else "") or "no such address"
            fault = f"CANNED_HOST, CANNED_PORT: the bot cannot listen on {host}:{port} ({why})"
            raise SettingsError([fault]) from exc
        self.host = host
        self.port: int = self._server.effective_port

    def serve(self) -> None:
        """Serve until `close` is called from another thread."""
        try:
            while not self._leaving:
                self._turn()
            while self._server.active_channels:
                for channel in self._server.active_channels.values():
                    channel.close_when_flushed = True
                self._turn()
        finally:
            self._served.set()

    def close(self, timeout: float = LEAVES_WITHIN) -> None:
        """Let the running requests answer, then hang up; those that wait for a turn get no answer."""
        end = time.monotonic() + min(timeout, LEAVES_WITHIN)
        self._server.task_dispatcher.shutdown(timeout=max(0.0, end - time.monotonic()))
        self._leaving = True
        self._server.pull_trigger()
        self._served.wait(max(0.0, end - time.monotonic()))
        # Last, and here: what wakes the server must not be closed while somebody still pulls it.
        self._server.close()

    def _turn(self) -> None:
        self._server.asyncore.loop(timeout=1, map=self._sockets, count=1)
