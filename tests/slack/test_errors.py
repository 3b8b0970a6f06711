from __future__ import annotations

import logging
from typing import Any

import pytest
from slack_bolt import Ack, App, BoltRequest
from slack_bolt.authorization import AuthorizeResult

from bot import logs
from bot.canned.errors import NotAllowed
from bot.slack import errors

SECRET = "the customer's words"


def answered(error: Exception, body: dict[str, Any]) -> tuple[int, Any]:
    """Status and body of the answer to a click whose handler raises."""
    app = App(
        signing_secret="s",
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1"),
        process_before_response=True,
        raise_error_for_unhandled_request=False,
    )

    def broken(ack: Ack) -> None:
        raise error

    app.command("/canned")(broken)
    app.event("app_home_opened")(broken)
    app.options("canned_response")(broken)
    app.error(errors.refused)
    response = app.dispatch(BoltRequest(mode="socket_mode", body=body))
    return response.status, response.body


COMMAND = {"command": "/canned", "text": "", "user_id": "U1", "team_id": "T1", "channel_id": "C1"}


def test_a_refusal_is_answered_to_the_person_alone() -> None:
    status, body = answered(NotAllowed("You <may> not."), COMMAND)

    assert status == 200
    assert "You &lt;may&gt; not." in body
    assert "in_channel" not in body


def test_a_bug_is_answered_with_a_reference_that_the_log_has_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bot"):
        status, body = answered(ValueError(SECRET), COMMAND)

    reference = body.partition("reference: `")[2][:8]
    click, (_, again) = logs.new_click(lambda: (logs.click(), answered(ValueError(SECRET), COMMAND)))
    assert f"reference: `{click}`" in again
    assert status == 200
    assert "nothing was sent" in body
    assert reference in caplog.text
    assert "ValueError" in caplog.text


def test_neither_the_log_nor_the_answer_repeats_what_an_error_says(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "bot"):
        _, body = answered(ValueError(SECRET), COMMAND)
        answered(NotAllowed(SECRET), COMMAND)

    assert SECRET not in caplog.text
    assert SECRET not in body


def test_a_search_that_fails_offers_nothing() -> None:
    body = {
        "type": "block_suggestion",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "action_id": "canned_response",
        "block_id": "response",
        "value": "x",
    }

    assert answered(NotAllowed("No."), body) == (200, '{"options": []}')


def test_an_event_that_fails_is_left_to_be_delivered_again() -> None:
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "event": {"type": "app_home_opened", "user": "U1", "tab": "home"},
    }

    assert answered(ValueError("x"), body)[0] == 500
