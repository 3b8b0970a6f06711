"""
Listen through Socket Mode: a connection that the bot opens, so that nobody has to reach it.

Slack replaces the connection several times a day and sends what people do through the new
one at once. The library opens the new socket but reads it only after it has closed the
old one, for which it waits until a read there times out: three deaf seconds, and a
command in them is lost. So each connection here wakes its own read before it closes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.builtin.connection import Connection
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot import logs
from bot.canned.errors import NotAllowed, SlackDown

from .client import Limited, SlackFault, Unanswered, call

PING = 10.0  # seconds between two pings
CLOSES_WITHIN = 5.0  # seconds
SILENT = 60.0  # seconds without a pong after which nothing is believed to come through
GREETS_WITHIN = 5.0  # seconds
CROWDED_FOR = 30.0  # seconds after which it is worth trying whether another connection has ended
CROWDED = "Slack has ten connections of this app already, and allows no more: end a bot that is not needed."


class Socket:
    """
    `client` asks Slack for each connection's address; its `ssl` context serves the connection too.

    `connected` is told how many connections of this app Slack has, at least, and `acked`
    how many seconds each answer took. `seconds` is the clock
    of the library's pings: seconds since 1970.
    """

    def __init__(
        self,
        app: App,
        app_token: str,
        client: WebClient,
        *,
        connected: Callable[[int], None] = lambda _: None,
        acked: Callable[[float], None] = lambda _: None,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._connected = connected
        self._acked = acked
        self._seconds = seconds
        self._greeted = False
        self.client = _Client(app_token, client, seconds)
        self.client.socket_mode_request_listeners.append(self._handle)
        self.client.message_listeners.append(self._hear)

    def connect(self) -> None:
        """
        Open the connection and go on; lost ones are replaced without being asked.

        Raises NotAllowed if Slack refuses the app's token or has too many connections of the app
        already, SlackDown if it does not answer.
        """
        self.client.wss_uri = address(self.client.web_client, self.client.app_token)
        self.client.connect()
        self.client.greeted.wait(GREETS_WITHIN)
        if self.client.is_crowded:
            raise NotAllowed(f"{CROWDED} Then start this one again.")

    def close(self, timeout: float = CLOSES_WITHIN) -> bool:
        """
        Take nothing more; what was taken is answered, and no thread is left behind.

        False if that is not so after `timeout` seconds.
        """
        end = time.monotonic() + timeout
        # Slack hears answers through the connection alone, so they come first.
        answering = threading.Thread(target=self.client.answer_all, name="canned-socket-answers", daemon=True)
        answering.start()
        answering.join(timeout / 2)
        closing = threading.Thread(target=self.client.close, name="canned-socket-closes", daemon=True)
        closing.start()
        while closing.is_alive() and time.monotonic() < end:
            # The library's reader says "not terminated" as it begins, also just after `close` has
            # said the opposite, and then reads a dead connection for ever.
            self.client.current_session_state.terminated = True
            closing.join(0.05)
        return not closing.is_alive()

    def is_healthy(self) -> bool:
        """Whether a connection is open and Slack has answered a ping on it within the last minute."""
        session = self.client.current_session
        if session is None or not session.is_active():
            return False
        heard = session.last_ping_pong_time or self.client.opened_at
        return self._seconds() - heard < SILENT

    def _hear(self, _client: BaseSocketModeClient, message: dict[str, Any], _raw: str | None) -> None:
        if message.get("type") != "hello":
            return
        connections = int(message.get("num_connections") or 0)
        # While connections are replaced, everybody's old one may still count beside the new one.
        self._connected(-(-connections // 2) if self._greeted else connections)
        self._greeted = True

    def _handle(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        started = self._seconds()
        answer = logs.new_click(run_bolt_app, self._app, request)
        send_response(client, request, answer, started)
        self._acked(self._seconds() - started)


class _Client(SocketModeClient):
    """The library's client, whose connections close without waiting for their read."""

    def __init__(self, app_token: str, client: WebClient, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._crowded_at: float | None = None
        self.greeted = threading.Event()  # or sent away
        self.opened_at = seconds()
        super().__init__(app_token, web_client=client, ping_interval=PING)  # its threads begin at once
        self.logger.addFilter(_without_payload)

    @property
    def is_crowded(self) -> bool:
        """Whether Slack has sent a connection away just now, since it has ten others of this app."""
        return self._crowded_at is not None and self._seconds() - self._crowded_at < CROWDED_FOR

    def enqueue_message(self, message: str) -> None:
        if _is_sent_away(message):
            self._crowded_at = self._seconds()
            self.logger.warning("not connected: %s", CROWDED)
            self.disconnect()
        else:
            super().enqueue_message(message)
        self.greeted.set()

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        if not self.is_crowded:  # else it would be sent away again, and the library ask on and on
            super().connect_to_new_endpoint(force)

    def connect(self) -> None:
        if self.closed:
            return
        super().connect()
        self.opened_at = self._seconds()
        if self.current_session is not None:
            _wakes_before_it_closes(self.current_session)
            _notices_its_end(self.current_session)
        if self.closed:  # meanwhile: nobody would read what comes through it
            self.disconnect()

    def _run_current_session(self) -> None:
        super()._run_current_session()  # type: ignore[no-untyped-call]
        # One that did not last is left to the library's next ping: Slack counts who asks for many.
        lasted = self._seconds() - self.opened_at >= PING
        if lasted and self.auto_reconnect_enabled and self._was_lost():
            try:
                self.connect_to_new_endpoint()
            except Exception as exc:  # noqa: BLE001 - the edge of a thread that must go on
                self.logger.warning("no new connection yet: %s", type(exc).__name__)

    def _was_lost(self) -> bool:
        return self.current_session is not None and not self.is_connected()

    def _on_error(self, error: Exception) -> None:
        if not isinstance(error, _HungUp):
            super()._on_error(error)

    def answer_all(self) -> None:
        """Answer what has come, and what comes until then; nothing is taken up after that."""
        self.closed = True
        self.auto_reconnect_enabled = False
        self.message_processor.shutdown()  # type: ignore[no-untyped-call]
        self.message_workers.shutdown()
        while not self.message_queue.empty():
            raw = self.message_queue.get()
            with contextlib.suppress(ValueError):
                message = json.loads(raw)
                if message.get("type") != "disconnect":
                    self.run_message_listeners(message, raw)


def address(client: WebClient, app_token: str) -> str:
    """
    Where Slack takes one more connection of this app.

    Raises NotAllowed if Slack refuses the app's token, SlackDown if it does not answer.
    """
    try:
        return str(call(client.apps_connections_open, app_token=app_token)["url"])
    except (Limited, Unanswered) as exc:
        raise SlackDown(
            "Slack gives no address for Socket Mode now. Start the bot again in a moment."
        ) from exc
    except SlackFault as exc:
        raise NotAllowed(
            f"Slack refuses Socket Mode (`{exc.error}`). SLACK_APP_TOKEN must be an app-level token with "
            "`connections:write`, and Socket Mode must be switched on for the app."
        ) from exc


def _is_sent_away(message: str) -> bool:
    """Whether Slack ends this connection, since it has too many of the app's (node-slack-sdk#1654)."""
    if '"too_many_websockets"' not in message:
        return False
    with contextlib.suppress(ValueError):
        said = json.loads(message)
        return (said.get("type"), said.get("reason")) == ("disconnect", "too_many_websockets")
    return False


class _HungUp(ConnectionResetError):
    pass


class _Line:
    """A connection's socket. The library takes its end for silence, and reads on for a minute."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def recv(self, size: int) -> bytes:
        heard = self.sock.recv(size)
        if not heard:
            raise _HungUp
        return heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


def _notices_its_end(session: Connection) -> None:
    if session.sock is not None:
        session.sock = _Line(session.sock)  # type: ignore[assignment]


def _without_payload(record: logging.LogRecord) -> bool:
    """The library warns of frames that it cannot take, such as a part of a message, and shows them."""
    if str(record.msg).startswith("Received an unsupported data frame"):
        record.msg = record.msg.partition(", payload:")[0]
    return True


def _wakes_before_it_closes(session: Connection) -> None:
    close = session.disconnect

    def disconnect() -> None:
        held = session.sock  # looked at once: another thread may take it away
        if held is not None:
            with contextlib.suppress(OSError):
                # The plain socket's: that of TLS would first forget the encryption
                # under the read that is still going on.
                socket.socket.shutdown(getattr(held, "sock", held), socket.SHUT_RDWR)
        close()

    # The library makes its connections itself and can be given no other kind.
    session.disconnect = disconnect  # type: ignore[method-assign]
