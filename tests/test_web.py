"""The bot's own HTTP, asked as a watcher or a stranger would."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest
import requests

from bot import web
from bot.sandbox.sandbox import Sandbox
from bot.settings import SettingsError


def url(sandbox: Sandbox, path: str) -> str:
    return f"http://127.0.0.1:{sandbox.bot.listener.port}{path}"


def test_alive_and_ready_say_so(sandbox: Sandbox) -> None:
    assert requests.get(url(sandbox, "/healthz"), timeout=5).json() == {"alive": True}
    ready = requests.get(url(sandbox, "/readyz"), timeout=5)
    assert (ready.status_code, ready.json()) == (200, {"database": True, "slack": True, "genesys": True})


def test_a_database_that_is_gone_is_not_ready(sandbox: Sandbox) -> None:
    sandbox.bot.parts.store.close()

    ready = requests.get(url(sandbox, "/readyz"), timeout=5)

    assert (ready.status_code, ready.json()["database"]) == (503, False)


def test_a_neighbour_that_hangs_or_is_gone_is_not_ready_and_holds_nobody_up(sandbox: Sandbox) -> None:
    sandbox.slack.hold("POST /api/auth.test")
    sandbox.genesys.stop()

    ready = requests.get(url(sandbox, "/readyz"), timeout=10)

    assert (ready.status_code, ready.json()) == (503, {"database": True, "slack": False, "genesys": False})


def test_neighbours_are_asked_every_ten_seconds_at_most(sandbox: Sandbox) -> None:
    def asked() -> int:
        requests.get(url(sandbox, "/readyz"), timeout=10)
        return len(sandbox.slack.seen("POST /api/auth.test"))

    first, second = asked(), asked()
    sandbox.clock.advance(seconds=11)

    assert (second - first, asked() - second) == (0, 1)


def test_whoever_asks_while_neighbours_are_asked_hears_what_they_last_said(sandbox: Sandbox) -> None:
    """Else a few who ask hold all the threads that answer Slack."""
    ready = sandbox.bot.ready
    assert all(ready().values())
    sandbox.clock.advance(seconds=11)
    held = sandbox.slack.hold("POST /api/auth.test")
    asking = threading.Thread(target=ready)
    asking.start()
    assert held.arrived.wait(10)

    answer = requests.get(url(sandbox, "/readyz"), timeout=10)
    held.release()
    asking.join()

    assert answer.status_code == 200


def test_neighbours_are_asked_again_after_the_clock_was_set_back(sandbox: Sandbox) -> None:
    requests.get(url(sandbox, "/readyz"), timeout=10)
    before = len(sandbox.slack.seen("POST /api/auth.test"))
    sandbox.clock.advance(hours=-1)
    requests.get(url(sandbox, "/readyz"), timeout=10)

    assert len(sandbox.slack.seen("POST /api/auth.test")) == before + 1


def test_a_stranger_finds_nothing(sandbox: Sandbox) -> None:
    assert requests.get(url(sandbox, "/slack/events"), timeout=5).status_code == 401
    assert requests.get(url(sandbox, "/nothing"), timeout=5).status_code == 404


def test_a_body_that_is_no_text_is_a_bad_request(sandbox: Sandbox) -> None:
    assert sandbox.slack.forge(b"\xff\xfe", kind="slash_commands").status == 400
    assert sandbox.receipts() == []


UNSIGNED = "v0=" + "0" * 64
ODD_BODIES = [
    *(b"payload={", b"payload=[1]", b"payload=1", b"payload=null", b"payload=" + b"[" * 100_000),
    *(b"payload=%7B%22team%22%3A1%7D", b"{", b'{"event": 1}', b'{"authorizations": 1}'),
]


@pytest.mark.parametrize(
    "forged",
    [{"timestamp": "9" * 5000}, {"timestamp": "9" * 13}, {"signature": "v0=\u00e9"}, {"signature": "0" * 64}],
    ids=["endless digits", "too many digits", "not ASCII", "no version"],
)
def test_headers_that_slack_would_not_write_are_unauthorized(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, forged: dict[str, str]
) -> None:
    ack = sandbox.slack.forge({"command": "/canned"}, kind="slash_commands", **forged)  # type: ignore[arg-type]

    assert ack.status == 401
    assert "Traceback" not in caplog.text


def test_no_body_is_read_before_its_signature_holds(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    for body in ODD_BODIES:
        assert sandbox.slack.forge(body, signature=UNSIGNED).status == 401, body[:40]
        stamp = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": UNSIGNED}
        headers = {**stamp, "Content-Type": "application/json"}
        asked = requests.post(url(sandbox, "/slack/events"), data=body, headers=headers, timeout=5)
        assert asked.status_code == 401, body[:40]

    assert "Traceback" not in caplog.text


def test_a_signed_body_that_makes_no_sense_leaves_no_trace(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    for body in ODD_BODIES:
        assert sandbox.slack.forge(body).status in (200, 400), body[:40]

    assert "Traceback" not in caplog.text
    assert sandbox.receipts() == []


ENDPOINTS = [
    "/slack/events",
    "/genesys/events",
    "/genesys/connect",
    "/genesys/callback",
    "/healthz",
    "/metrics",
    "/x",
]
OPEN = [(method, path) for method in ("GET", "HEAD") for path in ("/healthz", "/metrics")]
LONG = "x" * web.LARGEST_HEADERS
TOO_LARGE = {
    "POST {} HTTP/1.1\r\nContent-Length: 10000000000\r\n\r\n": 413,
    f"POST {{}} HTTP/1.1\r\nContent-Length: {web.LARGEST_BODY}\r\n\r\n": 413,
    "POST {} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n": 413,
    "POST {} HTTP/1.1\r\nContent-Length: -1\r\n\r\n": 400,
    "POST {} HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
    f"POST {{}} HTTP/1.1\r\nX: {LONG}": 431,
    f"GET {{}}?state=1&code={LONG}": 431,
}


@pytest.fixture
def everything(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A bot with every endpoint that there is."""
    return make_sandbox(api="platform", variables={"GENESYS_WEBHOOK_SECRET": "s" * 16}).start()


def test_what_is_too_large_is_refused_before_it_is_all_there(everything: Sandbox) -> None:
    for path in ENDPOINTS:
        for request, status in TOO_LARGE.items():
            assert begun(everything, request.replace("{}", path)) == status, (path, request[:80])

    assert requests.get(url(everything, "/healthz"), timeout=5).status_code == 200


def begun(sandbox: Sandbox, request: str) -> int:
    """The status that answers a request of which no byte more comes than the bot takes."""
    sent = request.encode()[: web.LARGEST_HEADERS]
    if "chunked" in request:
        sent += (b"ffffff\r\n" + b"x" * web.LARGEST_BODY)[: web.LARGEST_BODY]
    with socket.create_connection(("127.0.0.1", sandbox.bot.listener.port), timeout=10) as line:
        line.sendall(sent)
        return int(line.makefile("rb").readline().split()[1])


def test_other_methods_and_paths_find_nothing(everything: Sandbox) -> None:
    others = ("/slack", "/slack/events/x", "/slack/events/../genesys/connect", "//", "/metrics%00", "/.env")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "HEAD", "SLACK"):
        for path in (*ENDPOINTS, *others):
            answer = requests.request(method, url(everything, path), data=b"x", timeout=5)
            if (method, path) not in OPEN:
                assert answer.status_code in (400, 401, 404, 405), (method, path)
            assert "Traceback" not in answer.text


def test_nobody_is_sent_to_a_host_that_the_request_names(everything: Sandbox) -> None:
    """A cache on the way would keep it, and a sign-in's code would go there without TLS."""
    for path in ("/genesys//connect", "/genesys//callback?state=1&code=2", "/healthz/", "//healthz//"):
        named = {"Host": "elsewhere.example"}
        answer = requests.get(url(everything, path), headers=named, timeout=5, allow_redirects=False)
        assert (answer.status_code, "elsewhere" in answer.text) == (404, False), path


def test_variables_of_an_oauth_app_change_nothing(
    make_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "x")
    sandbox = make_sandbox()
    monkeypatch.chdir(sandbox.folder)
    sandbox.start()
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1
    assert requests.get(url(sandbox, "/slack/events/slack/install"), timeout=5).status_code == 401


def test_a_token_in_the_environment_is_not_said_to_be_unused(
    make_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-sandbox")
    make_sandbox().start()

    assert [line.getMessage() for line in caplog.records if line.name.startswith("slack_bolt")] == []


def test_slack_is_not_asked_who_the_bot_is_at_each_click(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    before = [asked.path for asked in slack.requests].count("/api/auth.test")
    slack.types(slack.ann, "/canned help", slack.channel)
    slack.types(slack.ann, "/canned list", slack.channel)

    assert [asked.path for asked in slack.requests].count("/api/auth.test") == before


def test_a_port_in_use_is_named_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"CANNED_PORT: the bot cannot listen on 127.0.0.1:{port}"):
            web.Listener(web.build(None, dict, signing_secret=""), host="127.0.0.1", port=port)


def test_a_host_that_is_not_here_is_named_in_a_sentence() -> None:
    with pytest.raises(SettingsError, match="CANNED_HOST"):
        web.Listener(web.build(None, dict, signing_secret=""), host="no such host", port=0)


def test_localhost_by_name_is_an_address_to_listen_on(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(variables={"CANNED_HOST": "localhost"}).start()

    assert requests.get(url(sandbox, "/healthz"), timeout=5).status_code == 200
