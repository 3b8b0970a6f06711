"""The server under both simulations: what it remembers, and how it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests
from flask import Flask
from flask import request as received
from werkzeug.wrappers import Response

from bot.sandbox.faults import Kind
from bot.sandbox.http import Server


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def server(done: list[str]) -> Iterator[Server]:
    app = Flask("counter")

    @app.route("/things/<name>", methods=["GET", "POST"])
    def thing(name: str) -> dict[str, object]:
        done.append(name)
        return {"name": name, "body": received.get_data(as_text=True)}

    @app.delete("/things/<name>")
    def gone(name: str) -> tuple[str, int]:
        return "", 204

    with Server(app, refusal=lambda status: Response('{"no": true}', status=status)) as server:
        yield server


@pytest.fixture
def aside() -> Iterator[Callable[..., Future[requests.Response]]]:
    with ThreadPoolExecutor(4) as pool:
        yield lambda *args, **kwargs: pool.submit(requests.request, *args, timeout=10, **kwargs)


def test_requests_are_remembered_with_all_that_they_held(server: Server, session: requests.Session) -> None:
    session.post(f"{server.url}/things/a?x=1", json={"k": "ü"}, headers={"X-Own": "yes"}, timeout=5)
    session.post(f"{server.url}/things/b", data={"f": "1 2"}, timeout=5)

    first, second = server.requests
    assert (first.method, first.path, first.query["x"], first.json) == ("POST", "/things/a", "1", {"k": "ü"})
    assert first.headers["x-own"] == "yes"
    assert second.form["f"] == "1 2"
    assert first.at.tzinfo is not None
    assert server.seen("POST /things/b") == [second]

    server.forget()
    assert server.requests == []


def test_reading_a_body_first_leaves_it_for_the_app(server: Server, session: requests.Session) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"in "
        yield b"pieces"

    whole = session.post(f"{server.url}/things/a", data="words", timeout=5)
    chunked = session.post(f"{server.url}/things/a", data=chunks(), timeout=5)

    assert whole.json()["body"] == "words"
    assert chunked.json()["body"] == "in pieces"


def test_a_connection_is_kept_alive_between_requests(server: Server, session: requests.Session) -> None:
    for _ in range(3):
        session.post(f"{server.url}/things/a", data="x" * 100_000, timeout=5)
    session.delete(f"{server.url}/things/a", timeout=5)
    session.head(f"{server.url}/things/a", timeout=5)
    session.get(f"{server.url}/nowhere", timeout=5)

    assert server.connections == 1
    assert {each.connection for each in server.requests} == {1}


def test_several_connections_are_answered_at_once(
    server: Server, done: list[str], aside: Callable[..., Future[requests.Response]]
) -> None:
    held = server.hold("GET /things/slow")
    slow = aside("GET", f"{server.url}/things/slow")
    assert held.arrived.wait(5)

    assert aside("GET", f"{server.url}/things/quick").result().ok
    assert done == ["quick"]

    held.release()
    assert slow.result().ok
    assert done == ["quick", "slow"]


@pytest.mark.parametrize(
    ("kind", "error", "worked"),
    [
        ("lost_before", requests.ConnectionError, []),
        ("lost_after", requests.ConnectionError, ["a"]),
        ("cut_body", requests.exceptions.ChunkedEncodingError, ["a"]),
    ],
)
def test_a_line_that_drops_has_done_its_work_or_not_as_the_fault_says(
    server: Server,
    session: requests.Session,
    done: list[str],
    kind: Kind,
    error: type[Exception],
    worked: list[str],
) -> None:
    server.fault("POST /things/{name}", kind)

    with pytest.raises(error):
        session.post(f"{server.url}/things/a", timeout=5)

    assert done == worked
    assert session.post(f"{server.url}/things/b", timeout=5).ok


def test_a_status_is_answered_in_the_vendors_own_words_without_the_work(
    server: Server, session: requests.Session, done: list[str]
) -> None:
    server.fault("POST", "status", status=502)

    response = session.post(f"{server.url}/things/a", timeout=5)

    assert (response.status_code, response.json(), done) == (502, {"no": True}, [])


def test_broken_json_comes_with_a_good_status(server: Server, session: requests.Session) -> None:
    server.fault("*", "broken_json")

    response = session.get(f"{server.url}/things/a", timeout=5)

    assert response.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()


def test_too_many_requests_says_when_to_come_back_only_if_told_to(
    server: Server, session: requests.Session
) -> None:
    server.fault("*", "429", retry_after=7)
    server.fault("*", "429")

    first, second = (session.get(f"{server.url}/things/a", timeout=5) for _ in range(2))

    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert (second.status_code, "Retry-After" in second.headers) == (429, False)


def test_a_client_that_follows_the_redirect_repeats_its_request(
    server: Server, session: requests.Session, done: list[str]
) -> None:
    server.fault("POST", "redirect", times=2)

    stays = session.post(f"{server.url}/things/a?x=1", allow_redirects=False, timeout=5)
    assert (stays.status_code, done) == (307, [])

    session.post(f"{server.url}/things/a?x=1", timeout=5)
    assert done == ["a"]
    assert [each.query["x"] for each in server.requests] == ["1", "1", "1"]


def test_a_fault_meets_only_what_it_names_and_only_so_often(
    server: Server, session: requests.Session
) -> None:
    server.fault("GET /things/{name}", "status", status=500, times=2)
    server.fault("POST /nowhere", "status", status=501, times=None)

    def get(path: str) -> int:
        return session.get(server.url + path, timeout=5).status_code

    assert get("/things/a/b") == 404
    assert session.post(f"{server.url}/things/a", timeout=5).status_code == 200
    assert [get("/things/a") for _ in range(3)] == [500, 500, 200]
    assert [session.post(f"{server.url}/nowhere", timeout=5).status_code for _ in range(3)] == [501] * 3

    server.clear_faults()
    assert session.post(f"{server.url}/nowhere", timeout=5).status_code == 404


def test_a_misspelt_fault_is_refused(server: Server) -> None:
    with pytest.raises(ValueError, match="lost_before"):
        server.fault("*", "lost_befor")  # type: ignore[arg-type]  # the point of the test


def test_a_delay_only_makes_it_late(server: Server, session: requests.Session, done: list[str]) -> None:
    late = server.fault("*", "delay", seconds=0.3)

    with pytest.raises(requests.ReadTimeout):
        session.get(f"{server.url}/things/a", timeout=0.05)

    assert late.worked.wait(5)
    assert done == ["a"]


def test_a_held_request_can_be_lost_when_it_is_released(
    server: Server, done: list[str], aside: Callable[..., Future[requests.Response]]
) -> None:
    held = server.hold("POST", then="lost_before")
    answer = aside("POST", f"{server.url}/things/a")
    assert held.arrived.wait(5)
    held.release()

    assert isinstance(answer.exception(5), requests.ConnectionError)
    assert done == []


def test_a_request_can_be_held_after_its_work(
    server: Server, done: list[str], aside: Callable[..., Future[requests.Response]]
) -> None:
    held = server.hold("POST", worked=True)
    answer = aside("POST", f"{server.url}/things/a")
    assert held.worked.wait(5)

    assert (done, answer.done()) == (["a"], False)

    held.release()
    assert answer.result(5).ok


def test_a_hanging_request_is_let_go_when_its_time_is_up(
    server: Server, session: requests.Session, done: list[str]
) -> None:
    server.fault("*", "hang", seconds=0.05)

    assert session.get(f"{server.url}/things/a", timeout=5).ok
    assert done == ["a"]


def test_stopping_hangs_up_on_held_and_idle_connections_without_doing_their_work(
    server: Server,
    done: list[str],
    session: requests.Session,
    aside: Callable[..., Future[requests.Response]],
) -> None:
    session.get(f"{server.url}/things/idle", timeout=5)
    held = server.hold("POST")
    answer = aside("POST", f"{server.url}/things/held")
    assert held.arrived.wait(5)
    threads_before = set(threading.enumerate())

    server.stop()

    assert isinstance(answer.exception(5), requests.ConnectionError)
    assert done == ["idle"]
    assert len(threads_before - set(threading.enumerate())) == 3  # the two connections and the listener


def test_a_stopped_server_refuses_and_comes_back_where_it_was(
    server: Server, session: requests.Session
) -> None:
    address = server.url
    server.stop()
    with pytest.raises(requests.ConnectionError, match="refused"):
        session.get(f"{address}/things/a", timeout=5)

    server.start()

    assert server.url == address
    assert session.get(f"{address}/things/a", timeout=5).ok


def test_a_server_has_no_address_before_it_is_started() -> None:
    with pytest.raises(RuntimeError, match="started"):
        _ = Server(Flask("new")).url
