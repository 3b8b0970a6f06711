from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.kwargs_injection.args import Args

import bot.slack
from bot.slack import errors, register

KNOWN = {*Args.__annotations__, "args", "error", "desk", "homes"}  # the last two come from our own middleware


def app() -> App:
    made = App(
        token="xoxb-1", signing_secret="s", token_verification_enabled=False, process_before_response=True
    )
    register(made)
    return made


def listeners(of: App) -> Iterator[Callable[..., Any]]:
    for listener in of._listeners:
        yield from (listener.ack_function, *listener.lazy_functions)
    yield errors.refused


def strangers(function: Callable[..., Any]) -> list[str]:
    """Parameters that Bolt would fill with None, or not at all."""
    spec = inspect.getfullargspec(inspect.unwrap(function))
    return [name for name in spec.args if name not in KNOWN] + spec.kwonlyargs + list(spec.defaults or ())


def test_bolt_knows_every_parameter_of_every_listener() -> None:
    found = list(listeners(app()))

    assert len(found) > 10
    assert [(f.__name__, names) for f in found if (names := strangers(f))] == []


@pytest.mark.parametrize(
    "wrong", [lambda ack, cmd: None, lambda ack, *, desk: None, lambda ack, desk=7: None]
)
def test_a_parameter_that_bolt_would_not_fill_is_noticed(wrong: Callable[..., Any]) -> None:
    assert strangers(wrong) != []


def test_no_listener_is_lazy_since_a_lazy_one_runs_whatever_the_ack_said() -> None:
    assert [listener for listener in app()._listeners if listener.lazy_functions] == []


@pytest.mark.parametrize("name", ["actions", "asking", "carding", "commands", "shortcuts", "views"])
def test_a_handler_leaves_what_goes_wrong_to_the_one_place_for_it(name: str) -> None:
    source = Path(bot.slack.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")

    assert [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Try)] == []


@pytest.mark.parametrize(
    "action_id",
    [
        *("canned_conversation", "canned_response", "canned_message", "canned_preview", "canned_value:größe"),
        *("canned_window_team:3", "canned_team:12", "canned_again", "canned_not_again"),
        *("canned_way:agent", "canned_way:system"),
        *("canned_approve", "canned_reject", "canned_review", "canned_undo", "canned_cancel:3"),
        *("canned_correct", "canned_correct:3"),
        *("canned_card_send", "canned_card_undo", "canned_card_open"),
        *("canned_home_send", "canned_home_chosen:4", "canned_home_back:104", "canned_home_refresh"),
        *("canned_home_connect", "canned_home_disconnect", "canned_home_help"),
        *("canned_agent_send", "canned_agent_edit", "canned_agent_decline"),
    ],
)
def test_everything_that_can_be_clicked_is_listened_to(action_id: str) -> None:
    body = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b"}],
    }
    request = BoltRequest(mode="socket_mode", body=body)

    matching = [
        listener
        for listener in app()._listeners
        if listener.matches(req=request, resp=BoltResponse(status=404))
    ]

    assert len(matching) == 1
