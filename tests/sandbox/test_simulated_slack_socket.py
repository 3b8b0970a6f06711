"""Socket Mode of the simulated workspace, with the client that Bolt brings."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bot.sandbox.slack import SimulatedSlack


@pytest.fixture
def app(slack: SimulatedSlack) -> Iterator[App]:
    client = WebClient(slack.bot_token, base_url=f"{slack.url}/api/")
    app = App(client=client, process_before_response=True)
    handler = SocketModeHandler(app, slack.app_token, web_client=client, ping_interval=1)
    handler.connect()
    yield app
    slack.sockets.drop()
    handler.close()


def test_command_and_answer_travel_over_the_socket(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any, command: dict[str, Any]) -> None:
        ack(f"you typed {command['text']}")

    assert slack.types("ann", "/canned help", "support-emea").text == "you typed help"
    assert [ack.status for ack in slack.replay(2)] == [200, 200]


def test_window_is_opened_and_answered_over_the_socket(slack: SimulatedSlack, app: App) -> None:
    field = {"type": "plain_text_input", "action_id": "name"}
    block = {"type": "input", "block_id": "name", "element": field}
    view = {"type": "modal", "callback_id": "send", "title": _plain("Send"), "submit": _plain("Send")}
    view["blocks"] = [{**block, "label": _plain("Name")}]

    @app.command("/canned")
    def typed_it(ack: Any, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("send")
    def sent(ack: Any) -> None:
        ack(response_action="errors", errors={"name": "Not you"})

    slack.types("ann", "/canned", "support-emea")
    _until(lambda: slack.open_view("ann") is not None)
    slack.fill("ann", "Name", "Eve")
    slack.submit("ann")

    assert slack.open_view("ann").errors == {"Name": "Not you"}


def test_failed_event_comes_again_with_its_retry_number(slack: SimulatedSlack, app: App) -> None:
    slack.ack_seconds = 0.3
    heard: list[Any] = []

    @app.event("app_home_opened")
    def opened(request: Any) -> None:
        heard.append(request.headers.get("x-slack-retry-num"))
        if len(heard) == 1:
            raise RuntimeError("the first time goes wrong")

    assert slack.opens_home("ann").ok
    assert heard == [None, ["1"]]


def test_command_nobody_handles_looks_like_a_timeout(slack: SimulatedSlack, app: App) -> None:
    slack.ack_seconds = 0.1
    ack = slack.types("ann", "/nothing", "support-emea")

    assert (ack.status, ack.error) == (0, "operation_timeout")


def test_after_a_refresh_payloads_go_to_the_new_connection(slack: SimulatedSlack) -> None:
    with connect(_address(slack)) as old, ThreadPoolExecutor() as pool:
        assert _heard(old)["type"] == "hello"
        slack.sockets.refresh()
        typed = pool.submit(slack.types, "ann", "/canned", "support-emea")
        with connect(_address(slack)) as new:
            assert _heard(new)["num_connections"] == 2
            envelope = _heard(new)
            new.send(json.dumps({"envelope_id": envelope["envelope_id"], "payload": {"text": "here"}}))

            assert typed.result().text == "here"
        assert _heard(old) == {"type": "disconnect", "reason": "refresh_requested"}


def test_every_payload_goes_to_exactly_one_of_several_connections_in_turn(slack: SimulatedSlack) -> None:
    with ExitStack() as open_, ThreadPoolExecutor() as pool:
        wires = []
        for number in (1, 2, 3):  # the next one only once Slack has counted this one
            wires.append(open_.enter_context(connect(_address(slack))))
            assert _heard(wires[-1])["num_connections"] == number
        for turn in range(6):
            typed = pool.submit(slack.types, "ann", f"/canned {turn}", "support-emea")
            envelope = _heard(wires[turn % 3])
            wires[turn % 3].send(json.dumps({"envelope_id": envelope["envelope_id"]}))

            assert typed.result().ok
            assert envelope["payload"]["text"] == str(turn)


def test_command_without_any_connection_fails(slack: SimulatedSlack) -> None:
    slack.ack_seconds = 0.1
    with connect(_address(slack)) as only:
        _heard(only)
        slack.sockets.drop()

        assert slack.types("ann", "/canned", "support-emea").error == "dispatch_failed"


def test_address_works_once(slack: SimulatedSlack) -> None:
    address = _address(slack)
    with connect(address) as first:
        assert _heard(first)["type"] == "hello"
        with connect(address) as second, pytest.raises(ConnectionClosed):
            second.recv(timeout=5)


def test_eleventh_connection_is_sent_away(slack: SimulatedSlack) -> None:
    with ExitStack() as open_:
        for _ in range(10):
            _heard(open_.enter_context(connect(_address(slack))))
        with connect(_address(slack)) as eleventh:
            assert _heard(eleventh) == {"type": "disconnect", "reason": "too_many_websockets"}
            with pytest.raises(ConnectionClosed):
                eleventh.recv(timeout=5)


def test_address_needs_the_app_token(slack: SimulatedSlack) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        _address(slack, slack.bot_token)
    with pytest.raises(SlackApiError, match="invalid_auth"):
        _address(slack, "xapp-other")


def _address(slack: SimulatedSlack, token: str | None = None) -> str:
    web = WebClient(base_url=f"{slack.url}/api/")
    return str(web.apps_connections_open(app_token=token or slack.app_token)["url"])


def _heard(connection: ClientConnection) -> Any:
    return json.loads(connection.recv(timeout=5))


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def _until(true: Any) -> None:
    pause = threading.Event()
    for _ in range(500):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come true")
