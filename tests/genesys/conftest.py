"""A simulated organisation, a client of it whose clock and sleep the test holds, and odd servers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, Response, jsonify
from joserfc.jwk import RSAKey

from bot.genesys import Genesys
from bot.sandbox.genesys import SimulatedGenesys
from bot.sandbox.http import Server


@dataclass
class Clock:
    """Time that passes only in `sleep` and when told to; `naps` are the seconds slept."""

    at: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    naps: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> Iterator[SimulatedGenesys]:
    with SimulatedGenesys.demo(now=clock.now) as cloud:
        yield cloud


@pytest.fixture
def connect(cloud: SimulatedGenesys, clock: Clock) -> Iterator[Callable[..., Genesys]]:
    """Makes a client of the simulated organisation; options replace what it would be given."""
    made: list[Genesys] = []

    def connect(**options: Any) -> Genesys:
        usual: dict[str, Any] = {
            "org_id": cloud.org_id,
            "client_id": cloud.client_id,
            "client_secret": cloud.client_secret,
            "system_user_id": cloud.system_user_id,
            "login_url": cloud.url,
            "api_url": cloud.url,
            "now": clock.now,
            "sleep": clock.sleep,
        }
        made.append(Genesys.events(**(usual | options)))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.fixture
def genesys(connect: Callable[..., Genesys]) -> Genesys:
    return connect()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Server]]:
    """Makes a server that gives a token, and answers everything else with what it is given."""
    servers: list[Server] = []

    def scripted(answer: Callable[[], Response] | Response, *, token: Response | None = None) -> Server:
        app = Flask("odd")

        @app.route("/<path:path>", methods=["GET", "POST"])
        def everything(path: str) -> Response:
            if path == "oauth/token":
                return token or jsonify(access_token="t0", expires_in=3600)
            return answer if isinstance(answer, Response) else answer()

        servers.append(Server(app).start())
        return servers[-1]

    yield scripted
    for each in servers:
        each.stop()


@pytest.fixture
def resetting() -> Iterator[str]:
    """The address of a server that reads a request and resets the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def nobody_there() -> str:
    """An address on this machine where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="session")
def key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture
def jwt_key(key: RSAKey, cloud: SimulatedGenesys) -> str:
    cloud.jwt_public_key = key.as_pem(private=False).decode()
    return key.as_pem(private=True).decode()
