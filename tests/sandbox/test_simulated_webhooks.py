"""The events contract's webhooks, as whoever listens gets them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from bot.sandbox.genesys import SimulatedGenesys
from bot.sandbox.http import Server


@pytest.fixture
def listener() -> Iterator[Server]:
    app = Flask("listener")
    app.post("/genesys/events")(lambda: ("", 204))
    with Server(app) as listener:
        yield listener


def test_a_started_and_an_ended_chat_are_announced_and_signed(listener: Server) -> None:
    genesys = SimulatedGenesys.demo(now=lambda: datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
    url = f"{listener.url}/genesys/events"
    started = genesys.announcement(genesys.chat, url, "whsec")

    assert started.post().status_code == 204
    genesys.end(genesys.chat)
    genesys.announcement(genesys.chat, url, "whsec", what="ended").post()

    first, second = listener.requests
    signed = hmac.new(b"whsec", b"1795341600." + first.body, hashlib.sha256).hexdigest()
    assert first.headers["X-Canned-Signature"] == f"t=1795341600,v1={signed}"
    assert first.json["eventType"] == "conversation.chat.started"
    assert (first.json["conversationId"], first.json["queue"]) == (genesys.chat, "Support EMEA")
    assert [each["purpose"] for each in first.json["participants"]] == ["customer", "acd", "agent", "user"]
    assert second.json["eventType"] == "conversation.chat.ended"
    assert {each["state"] for each in second.json["participants"]} == {"disconnected"}
    assert first.json["id"] != second.json["id"]


def test_a_webhook_can_be_repeated_to_the_byte(listener: Server) -> None:
    genesys = SimulatedGenesys.demo()
    started = genesys.announcement(genesys.chat, f"{listener.url}/genesys/events", "whsec", event_id="e1")

    started.post()
    started.post()

    first, second = listener.requests
    assert (first.body, first.headers["X-Canned-Signature"]) == (
        second.body,
        second.headers["X-Canned-Signature"],
    )
    assert first.json["id"] == "e1"
    assert "Grace" not in repr(started)
