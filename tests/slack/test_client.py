"""What may be concluded from Slack's answers, each of them played on the wire."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.slack import SimulatedSlack
from bot.slack.client import (
    Barred,
    Limited,
    Refused,
    SlackFault,
    Unanswered,
    call,
    posting_client,
    reading_client,
)


@pytest.fixture
def client(slack: SimulatedSlack) -> WebClient:
    return posting_client(slack.bot_token, f"{slack.url}/api/", None, timeout=1)


@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "cut_body", "broken_json", "status", "hang"])
def test_post_without_a_readable_answer_is_unanswered_and_sent_once(
    slack: SimulatedSlack, client: WebClient, kind: Any
) -> None:
    slack.fault("POST /api/chat.postMessage", kind, times=None)

    with pytest.raises(Unanswered) as fault:
        call(client.chat_postMessage, channel=slack.channel, text="hello")

    assert fault.value.retry_after > 0
    assert len(slack.seen("POST /api/chat.postMessage")) == 1


def test_beginning_of_an_answer_that_is_cut_is_in_no_log(
    slack: SimulatedSlack, client: WebClient, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fault("POST /api/users.info", "broken_json", times=None)

    with pytest.raises(Unanswered):
        call(client.users_info, user=slack.ann)

    assert caplog.text == ""


@pytest.mark.parametrize("status", [500, 502, 503, 504, 407])
def test_page_of_somebody_in_between_is_no_refusal_of_slacks(
    slack: SimulatedSlack, client: WebClient, status: int
) -> None:
    slack.fault("POST /api/users.info", "status", status=status)

    with pytest.raises(Unanswered):
        call(client.users_info, user=slack.ann)


def test_slack_that_is_away_is_unanswered(slack: SimulatedSlack, client: WebClient) -> None:
    slack.stop()

    with pytest.raises(Unanswered):
        call(client.users_info, user=slack.ann)


@pytest.mark.parametrize(("given", "waits"), [(12, 12.0), (None, 30.0), ("soon", 30.0)])
def test_429_says_when_to_come_again(
    slack: SimulatedSlack, client: WebClient, given: Any, waits: float
) -> None:
    slack.fault("POST /api/users.info", "429", retry_after=given)

    with pytest.raises(Limited) as fault:
        call(client.users_info, user=slack.ann)
    assert fault.value.retry_after == waits


def test_refusal_carries_slacks_own_word_and_nothing_else(client: WebClient) -> None:
    with pytest.raises(Refused) as fault:
        call(client.chat_postMessage, channel="C0NOWHERE", text="secret words")

    assert str(fault.value) == fault.value.error == "channel_not_found"


def test_token_and_scopes_are_told_apart_from_what_was_asked(
    slack: SimulatedSlack, client: WebClient
) -> None:
    slack.scopes = []
    with pytest.raises(Barred, match="missing_scope"):
        call(client.users_info, user=slack.ann)

    slack.bot_token = "xoxb-another"
    with pytest.raises(Barred, match="invalid_auth"):
        call(client.users_info, user=slack.ann)


@pytest.mark.parametrize("error", [Refused, Barred, Limited, Unanswered])
def test_every_fault_is_a_slack_fault(error: type[Exception]) -> None:
    assert issubclass(error, SlackFault)


def test_reading_client_asks_once_more(slack: SimulatedSlack) -> None:
    client = reading_client(slack.bot_token, f"{slack.url}/api/", None)
    slack.fault("POST /api/users.info", "lost_before")

    assert call(client.users_info, user=slack.ann)["user"]["id"] == slack.ann
    assert len(slack.seen("POST /api/users.info")) == 2


def test_clients_keep_the_trust_that_they_are_given() -> None:
    trust = ssl.create_default_context()

    for make in (posting_client, reading_client):
        assert make("xoxb-1", None, trust).ssl is trust
        assert make("xoxb-1", None, trust).base_url == "https://slack.com/api/"
