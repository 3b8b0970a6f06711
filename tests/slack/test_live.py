from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.canned.catalog import Response
from bot.canned.conversations import SHOWN, Choice, Found
from bot.sandbox.limits import faults
from bot.slack import form, live, modal

PAGE = "https://apps.mypurecloud.ie/directory/#/engage/admin/interactions/c1"
GRACE = Choice("c1", "Grace Hopper", "Support", "sms", 3, is_mine=True, is_waiting=False, page=PAGE)
HOSTILE = replace(GRACE, customer="*<!channel>* `x`\u202e " + "y" * 300, queue="<https://evil|q>", page="")


def text(block: Any) -> str:
    return str(block["text"]["text"])


@pytest.mark.parametrize(
    ("choice", "standing"),
    [
        (GRACE, "yours, 3 min"),
        (replace(GRACE, is_mine=False), "with an agent, 3 min"),
        (replace(GRACE, is_mine=False, is_waiting=True), "waiting for 3 min"),
        (replace(GRACE, minutes=119), "yours, 119 min"),
        (replace(GRACE, minutes=185), "yours, 3 h"),
    ],
)
def test_a_row_says_who_where_and_how_long(choice: Choice, standing: str) -> None:
    row = live.listing(Found((choice,)))[2]

    assert text(row) == f"*Grace Hopper* · Support · sms · {standing} · <{PAGE}|Open in Genesys>"
    assert row["accessory"]["text"]["text"] == "Use"
    assert row["accessory"]["accessibility_label"] == "Use: Grace Hopper"  # there are others to use
    assert row["accessory"]["value"] == "c1"


def test_what_customers_are_called_does_nothing_in_a_row() -> None:
    row = text(live.listing(Found((HOSTILE,)))[2])

    assert "<" not in row
    assert row.count("*") == 2
    assert "\u202e" not in row
    assert len(row) < 200


def test_a_full_list_fits_into_the_fullest_window_and_is_read_back() -> None:
    listed = live.listing(Found((HOSTILE,) * SHOWN, note="2 more are not shown."))
    names = tuple(f"name{at}" for at in range(40))
    response = Response("greeting", "Greeting", " ".join(f"{{{{{name}}}}}" for name in names))
    filled = form.Filled("T", "C1", response="greeting", live=listed)
    view = modal.window(filled, response)

    assert faults(view) == []
    assert form.read({**view, "state": {}}).live == listed


def test_a_note_stands_alone_where_nothing_was_found() -> None:
    blocks = live.listing(Found(note="There is <none>."))

    assert [block["type"] for block in blocks] == ["divider", "context"]
    assert blocks[1]["elements"][0]["text"] == "There is &lt;none&gt;."


def test_a_question_tells_its_answers_apart() -> None:
    asked = live.question("Which?", "draft-1", [GRACE, replace(GRACE, id="c2", customer="")])
    [buttons] = [block["elements"] for block in asked["blocks"] if block["type"] == "actions"]

    assert faults(asked) == []
    assert [each["value"] for each in buttons] == ["draft-1:c1", "draft-1:c2"]
    assert [each["text"]["text"] for each in buttons] == ["1. Grace Hopper", "2. Unknown"]
