from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.models import Gate, Receipt, SendAs, SendRequest, State
from bot.sandbox.limits import faults
from bot.slack import questions

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REQUEST = SendRequest(
    key="5d1f9a52-7a06-5a3e-8f6a-3a1c6b1c0f00",
    team="Support EMEA",
    channel="C0SUPPORT",
    supervisor="U0ANN",
    conversation_id="a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890",
    response="escalation",
    send_as=SendAs.AGENT,
    gate=Gate.AGENT,
    requested_at=NOW,
)
TEXT = "Thank you, <!channel> & *Grace*."
ASKED = Receipt(REQUEST, State.PENDING, NOW, text=TEXT, gate_until=NOW + timedelta(minutes=5))


def buttons(message: dict[str, Any]) -> list[str]:
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row]


def plain(message: dict[str, Any]) -> str:
    """What Slack shows exactly as it stands."""
    texts = [block["text"] for block in message["blocks"] if block["type"] == "section"]
    return "".join(text["text"] for text in texts if text["type"] == "plain_text")


def test_the_agent_sees_the_exact_text_and_who_asks() -> None:
    asked = questions.question(ASKED, editable=True)

    assert plain(asked) == TEXT
    assert "<@U0ANN> asks you" in asked["text"]
    assert buttons(asked) == ["Send", "Edit", "Decline"]


@pytest.mark.parametrize(("editable", "text"), [(False, TEXT), (True, "x" * 3001)])
def test_what_cannot_be_changed_in_a_window_is_not_offered_to_be(editable: bool, text: str) -> None:
    assert buttons(questions.question(replace(ASKED, text=text), editable=editable)) == ["Send", "Decline"]


def test_an_answered_question_has_no_buttons() -> None:
    answered = questions.answered(replace(ASKED, state=State.SENT))

    assert buttons(answered) == []
    assert "Sent, as you" in answered["text"]


def test_the_window_starts_from_the_frozen_text_and_gives_back_what_stands_in_it() -> None:
    view = questions.edit(ASKED, "1.2")
    [field] = [block for block in view["blocks"] if block["type"] == "input"]
    element = field["element"]
    state = {"values": {field["block_id"]: {element["action_id"]: {"value": "Mine,\r\nwhole"}}}}

    assert faults(view) == []
    assert element["initial_value"] == TEXT
    assert questions.edited(view | {"state": state}) == (REQUEST.key, "1.2", "Mine,\nwhole")


def test_an_operators_question_names_for_whom_it_is() -> None:
    asked = questions.question(replace(ASKED, request=replace(REQUEST, by_operator=True)), editable=True)

    assert "An operator asks you for <@U0ANN>" in asked["text"]
