"""The simulated workspace's end of Socket Mode: a WebSocket server that sends envelopes and awaits acks."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from .slack_state import Json, Workspace
from .slack_wire import BAD_ANSWER, NO_ANSWER, Ack, Kind

MOST_CONNECTIONS = 10


class SocketWire:
    """
    Every payload goes to exactly one connection of those that were not asked to leave: to each in turn.

    While there is none a payload waits for one, as long as its 3 seconds last.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._changed = threading.Condition()
        self._tickets: set[str] = set()
        self._connections: list[ServerConnection] = []
        self._leaving: list[ServerConnection] = []
        self._answers: dict[str, SimpleQueue[Json]] = {}
        self._last: Json | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        self._server = serve(self._talk, "127.0.0.1", 0, close_timeout=1)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Hang up on everybody."""
        self.drop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server = self._thread = None

    @property
    def count(self) -> int:
        """How many connections there are that were not asked to leave."""
        with self._changed:
            return len(self._connections)

    def ticket(self) -> str:
        """An address good for one connection, if there are not too many by then."""
        assert self._server is not None  # noqa: S101 - it was started with the object
        ticket = secrets.token_urlsafe(12)
        with self._changed:
            self._tickets.add(ticket)
        port = self._server.socket.getsockname()[1]
        return f"ws://127.0.0.1:{port}/link/?ticket={ticket}&app_id={self._workspace.app_id}"

    def refresh(self) -> None:
        """Ask every connection to leave; what comes next waits for a new one."""
        with self._changed:
            leaving, self._connections = self._connections, []
            self._leaving += leaving
        for connection in leaving:
            _send(connection, {"type": "disconnect", "reason": "refresh_requested"})

    def drop(self) -> None:
        """Break every connection's TCP without a word."""
        with self._changed:
            broken = [*self._connections, *self._leaving]
            self._connections, self._leaving = [], []
        for connection in broken:
            _hang_up(connection)

    def deliver(self, kind: Kind, payload: Json, retry: Mapping[str, str]) -> Ack:
        envelope: Json = {
            "envelope_id": secrets.token_hex(16),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if retry:
            envelope |= {"retry_attempt": int(retry["num"]), "retry_reason": retry["reason"]}
        self._last = envelope
        return self._hand_over(envelope)

    def replay(self) -> Ack:
        if self._last is None:
            raise LookupError("nothing was delivered yet")
        return self._hand_over({**self._last, "envelope_id": secrets.token_hex(16)})

    def _hand_over(self, envelope: Json) -> Ack:
        started = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._connections, self._workspace.ack_seconds)
            if not self._connections:
                return Ack(0, time.monotonic() - started, error=BAD_ANSWER)
            connection = self._connections.pop(0)
            self._connections.append(connection)
            answers = self._answers[envelope["envelope_id"]] = SimpleQueue[Json]()
        _send(connection, envelope)
        end = started + self._workspace.ack_seconds
        try:
            answer = answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            return Ack(0, time.monotonic() - started, error=NO_ANSWER)
        payload = answer.get("payload")
        return Ack(200, time.monotonic() - started, json.dumps(payload) if payload else "")

    def _talk(self, connection: ServerConnection) -> None:
        request = connection.request
        ticket = request.path.partition("ticket=")[2].partition("&")[0] if request else ""
        with self._changed:
            if ticket not in self._tickets:
                return
            self._tickets.remove(ticket)
            if len(self._connections) + len(self._leaving) >= MOST_CONNECTIONS:
                _send(connection, {"type": "disconnect", "reason": "too_many_websockets"})
                return
            self._connections.append(connection)
            count = len(self._connections) + len(self._leaving)
            hello = {
                "type": "hello",
                "num_connections": count,
                "connection_info": {"app_id": self._workspace.app_id},
            }
            _send(connection, hello)
            self._changed.notify_all()
        try:
            for message in connection:
                self._heard(str(message))
        except ConnectionClosed:
            return
        finally:
            self._gone(connection)

    def _heard(self, message: str) -> None:
        try:
            answer = json.loads(message)
        except ValueError:
            return  # the client's own pings are no JSON
        waiting = self._answers.pop(str(answer.get("envelope_id")), None)
        if waiting is not None:
            waiting.put(answer)

    def _gone(self, connection: ServerConnection) -> None:
        with self._changed:
            self._connections = [each for each in self._connections if each is not connection]
            self._leaving = [each for each in self._leaving if each is not connection]


def _send(connection: ServerConnection, message: Json) -> None:
    try:
        connection.send(json.dumps(message))
    except ConnectionClosed:
        return  # nobody is there any more; who waits for an answer finds out


def _hang_up(connection: ServerConnection) -> None:
    try:
        connection.socket.shutdown(SHUT_RDWR)
    except OSError:
        return  # the other side was faster
