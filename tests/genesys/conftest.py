"""A simulated organisation, a client of it whose clock and sleep the test holds, and odd servers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response, jsonify
from joserfc.jwk import RSAKey

from bot.genesys import Conversation, Genesys, Grant, MemoryKeyring, Sender, User
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
def public(clock: Clock) -> Iterator[SimulatedGenesys]:
    """The same organisation on the platform contract."""
    with SimulatedGenesys.demo(contract="platform", now=clock.now) as public:
        yield public


@pytest.fixture
def signed_in() -> MemoryKeyring:
    """Who has signed in; all clients of a test share it."""
    return MemoryKeyring()


@pytest.fixture
def connect_public(
    public: SimulatedGenesys, clock: Clock, signed_in: MemoryKeyring
) -> Iterator[Callable[..., Genesys]]:
    """Makes a client of it; options replace what it would be given."""
    made: list[Genesys] = []

    def connect(**options: Any) -> Genesys:
        usual: dict[str, Any] = {
            "region": "mypurecloud.ie",
            "client_id": public.client_id,
            "client_secret": public.client_secret,
            "oauth_client_id": public.oauth_client_id,
            "oauth_client_secret": public.oauth_client_secret,
            "keyring": signed_in,
            "login_url": public.url,
            "api_url": public.url,
            "now": clock.now,
            "sleep": clock.sleep,
        }
        made.append(Genesys.platform(**(usual | options)))
        return made[-1]

    yield connect
    for each in made:
        each.close()


CALLBACK = "https://canned.example.com/genesys/callback"


@pytest.fixture
def log_in(public: SimulatedGenesys) -> Callable[..., tuple[User, Grant]]:
    """Signs a user in as their browser would; nothing is kept yet."""

    def log_in(genesys: Genesys, user_id: str) -> tuple[User, Grant]:
        assert genesys.sign_in is not None
        address, verifier = genesys.sign_in.start(CALLBACK, "s1")
        back = parse_qs(urlsplit(public.log_in(address, user_id)).query)
        assert back["state"] == ["s1"]
        return genesys.sign_in.finish(back["code"][0], verifier, CALLBACK)

    return log_in


@pytest.fixture
def platform(
    public: SimulatedGenesys,
    connect_public: Callable[..., Genesys],
    log_in: Callable[..., tuple[User, Grant]],
) -> Genesys:
    """A client in which Ann and Bob have signed in, with nothing on the simulation's list of requests."""
    genesys = connect_public()
    assert genesys.sign_in is not None
    for user_id in (public.ann, public.bob):
        user, grant = log_in(genesys, user_id)
        genesys.sign_in.keep(user.id, grant)
    public.forget()
    return genesys


@pytest.fixture
def chat(public: SimulatedGenesys, platform: Genesys) -> Conversation:
    return platform.conversation(public.chat, reader=public.ann)


@pytest.fixture
def ann(public: SimulatedGenesys, platform: Genesys, chat: Conversation) -> Sender:
    return platform.sender(chat, "self", public.ann)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Server]]:
    """Makes a server that gives a token, and answers everything else with what it is given."""
    servers: list[Server] = []

    def scripted(answer: Callable[[], Response] | Response, *, token: Response | None = None) -> Server:
        app = Flask("odd")

        @app.route("/<path:path>", methods=["GET", "POST", "DELETE"])
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
