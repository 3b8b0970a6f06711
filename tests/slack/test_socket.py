"""Socket Mode against a real WebSocket server: commands get through, also while connections change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk.socket_mode.builtin.connection import ConnectionState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from bot.canned.errors import NotAllowed, SlackDown
from bot.sandbox.slack import SimulatedSlack
from bot.slack.client import posting_client
from bot.slack.socket import Socket
from tests.waiting import until


@pytest.fixture
def slack() -> Iterator[SimulatedSlack]:
    with SimulatedSlack.demo() as slack:
        yield slack


@pytest.fixture
def make_socket(slack: SimulatedSlack) -> Iterator[Callable[..., Socket]]:
    made: list[Socket] = []

    def make(
        token: str = slack.app_token, answering: Callable[..., None] | None = None, **options: Any
    ) -> Socket:
        client = posting_client(slack.bot_token, f"{slack.url}/api/", None)
        app = App(client=client, signing_secret="", process_before_response=True)
        app.command("/canned")(answering or answer)
        made.append(Socket(app, token, client, **options))
        return made[-1]

    yield make
    for socket in made:
        socket.close()


def answer(ack: Ack, command: dict[str, str]) -> None:
    ack(f"you typed {command['text']}")


def until_pong(socket: Socket) -> float:
    """The time of the first ping that came back."""
    for _ in range(1000):
        session = socket.client.current_session
        if session is not None and session.last_ping_pong_time is not None:
            return session.last_ping_pong_time
        time.sleep(0.01)
    raise AssertionError("no pong came")


def test_command_is_answered_through_the_socket(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    make_socket().connect()

    assert slack.types("ann", "/canned help", "support-emea").text == "you typed help"


def test_command_right_after_a_refresh_is_answered_though_nothing_comes_on_the_old_socket(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    socket = make_socket()
    socket.connect()
    held = socket.client.current_session
    assert held is not None
    assert held.sock is not None
    held.sock.settimeout(60)  # the library's own 3 seconds would end this test's wait just in time
    assert slack.types("ann", "/canned one", "support-emea").ok

    slack.sockets.refresh()

    assert slack.types("ann", "/canned two", "support-emea").text == "you typed two"
    assert socket.client.current_session is not held


def test_every_command_is_answered_while_connections_are_refreshed_again_and_again(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    make_socket().connect()

    said = []
    for number in range(5):
        slack.sockets.refresh()
        said.append(slack.types("ann", f"/canned {number}", "support-emea").text)

    assert said == [f"you typed {number}" for number in range(5)]


def test_a_connection_that_is_hung_up_is_replaced_at_once(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    later = 0.0
    slack.ack_seconds = 9  # before the next ping could find out
    make_socket(seconds=lambda: time.time() + later).connect()
    assert slack.types("ann", "/canned one", "support-emea").ok

    later = 11.0
    slack.sockets.drop()

    assert slack.types("ann", "/canned two", "support-emea").text == "you typed two"


def test_how_many_connections_there_are_is_told_without_those_that_are_being_replaced(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    told: SimpleQueue[int] = SimpleQueue()
    make_socket(connected=told.put).connect()
    assert told.get(timeout=10) == 1

    slack.sockets.refresh()
    assert told.get(timeout=10) == 1

    make_socket().connect()
    make_socket(connected=told.put).connect()
    assert told.get(timeout=10) == 3


def test_close_leaves_no_connection_and_no_thread(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    before = set(threading.enumerate())
    socket = make_socket()
    socket.connect()
    assert slack.types("ann", "/canned help", "support-emea").ok

    socket.close()

    own = [each for each in threading.enumerate() if each not in before and "slack_sdk" in repr(each)]
    assert not [each for each in own if each.is_alive()]
    assert not socket.is_healthy()


def test_close_answers_first_what_was_taken_and_what_comes_meanwhile(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def answer_later(ack: Ack, command: dict[str, str]) -> None:
        arrived.set()
        go_on.wait(20)
        answer(ack, command)

    slack.ack_seconds = 20
    socket = make_socket(answering=answer_later)
    socket.connect()
    with ThreadPoolExecutor() as people:

        def typed(word: str) -> Future[Any]:
            return people.submit(slack.types, "ann", f"/canned {word}", "support-emea")

        first = typed("one")
        assert arrived.wait(20)
        closing = people.submit(socket.close, 60)
        while not socket.client.closed:
            time.sleep(0.001)
        others = [typed("two"), typed("three")]
        while not closing.done() and socket.client.message_queue.empty():
            time.sleep(0.001)
        go_on.set()

        said = {each.result().text for each in (first, *others)}
    assert said == {"you typed one", "you typed two", "you typed three"}
    assert closing.result()
    assert not socket.client.is_connected()


def test_close_leaves_no_connection_that_was_being_replaced_meanwhile(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    socket = make_socket()
    socket.connect()
    assert slack.types("ann", "/canned help", "support-emea").ok
    held = slack.hold("POST /api/apps.connections.open")
    slack.sockets.refresh()
    assert held.arrived.wait(20)
    closing = threading.Thread(target=socket.close, args=(60,))
    closing.start()
    while not socket.client.closed:
        time.sleep(0.001)
    held.release()
    closing.join()

    assert not socket.client.is_connected()


def test_close_ends_though_a_reader_that_just_begins_takes_it_back(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    class TakenBack(ConnectionState):
        """What is said first is undone, as by the library's own thread at the wrong moment."""

        said = 0

        @property
        def terminated(self) -> bool:
            return self.said > 1

        @terminated.setter
        def terminated(self, value: bool) -> None:
            self.said += value

    socket = make_socket()
    socket.connect()
    assert slack.types("ann", "/canned help", "support-emea").ok
    socket.client.current_session_state.__class__ = TakenBack
    closing = threading.Thread(target=socket.close, daemon=True)
    closing.start()
    closing.join(20)
    hangs = closing.is_alive()
    while closing.is_alive():  # leave no thread behind, whatever came of it
        socket.client.current_session_state.terminated = True

    assert not hangs


def test_connection_is_healthy_as_long_as_pings_come_back(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    later = 0.0
    socket = make_socket(seconds=lambda: time.time() + later)
    assert not socket.is_healthy()

    socket.connect()
    assert socket.is_healthy()

    until_pong(socket)
    assert socket.is_healthy()

    later = 61.0
    assert not socket.is_healthy()


def test_app_token_that_slack_refuses_is_named(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    with pytest.raises(NotAllowed, match="SLACK_APP_TOKEN"):
        make_socket(token="xapp-wrong").connect()


def test_one_connection_too_many_is_not_said_to_be_the_tokens_fault(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    with ExitStack() as others:
        for _ in range(10):
            others.enter_context(connect(slack.sockets.ticket())).recv(timeout=5)
        with pytest.raises(NotAllowed, match="ten connections") as refused:
            make_socket().connect()

    assert "SLACK_APP_TOKEN" not in str(refused.value)


def test_a_connection_that_was_sent_away_is_not_asked_for_again_at_once(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    later = 0.0
    socket = make_socket(seconds=lambda: time.time() + later)
    socket.connect()
    held = slack.hold("POST /api/apps.connections.open")
    later = 11.0  # one that was hung up so late is replaced at once
    slack.sockets.drop()
    assert held.arrived.wait(20)
    with ExitStack() as others:
        for _ in range(10):
            others.enter_context(connect(slack.sockets.ticket())).recv(timeout=5)
        held.release()
        until(lambda: socket.client.is_crowded and not socket.is_healthy())
        socket.client.connect_to_new_endpoint()  # as the library does every ten seconds
        asked = slack.seen("POST /api/apps.connections.open")

    later += 31.0
    socket.client.connect_to_new_endpoint()

    assert len(asked) == 2
    assert slack.types("ann", "/canned help", "support-emea").ok


def test_slack_that_does_not_answer_is_down(
    slack: SimulatedSlack, make_socket: Callable[..., Socket]
) -> None:
    slack.fault("POST /api/apps.connections.open", "lost_before")

    with pytest.raises(SlackDown):
        make_socket().connect()


def test_close_gives_up_where_the_library_does_not_come_to_an_end(make_socket: Callable[..., Socket]) -> None:
    socket = make_socket()
    go_on, library = threading.Event(), socket.client.close
    socket.client.close = go_on.wait  # type: ignore[method-assign]

    given_up = not socket.close(0.1)
    go_on.set()
    socket.client.close = library  # type: ignore[method-assign]

    assert given_up


def test_what_the_library_cannot_take_is_not_in_the_log(
    make_socket: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody on the way may cut a message into frames, and it does not put them together."""

    def talk(connection: ServerConnection) -> None:
        connection.send(['{"type": "slash_commands", ', '"payload": {"text": "about Ada"}}'])
        connection.send('{"type": "hello"}')  # it takes a frame as short as the last one with the next alone
        with suppress(ConnectionClosed):
            connection.recv()

    socket = make_socket()
    with serve(talk, "127.0.0.1", 0) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        socket.client.wss_uri = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        socket.client.connect()
        for _ in range(1000):
            if caplog.text.count("unsupported data frame") == 2:  # the last frame is empty
                break
            time.sleep(0.01)
        socket.close()
        server.shutdown()
        serving.join()

    assert caplog.text.count("unsupported data frame") == 2
    assert "Ada" not in caplog.text
