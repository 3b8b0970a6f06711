"""Each limit of Slack, at it and one beyond."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.limits import faults, option_faults

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain("x"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def field(label: str = "x", **element: Any) -> Json:
    return {"type": "input", "label": plain(label), "element": {"type": "plain_text_input", **element}}


def options(count: int, text: str = "x", value: str = "v") -> list[Json]:
    return [{"text": plain(text), "value": value} for _ in range(count)]


def select(**more: Any) -> Json:
    return {"type": "static_select", **more}


def modal(*blocks: Json, **more: Any) -> Json:
    view = {"type": "modal", "title": plain("x"), "submit": plain("x"), "blocks": list(blocks) or [section()]}
    return {**view, **more}


def message(*blocks: Json) -> Json:
    return {"text": "x", "blocks": list(blocks)}


AT_AND_BEYOND = {
    "title": lambda n: modal(title=plain("x" * (24 + n))),
    "submit": lambda n: modal(submit=plain("x" * (24 + n))),
    "close": lambda n: modal(close=plain("x" * (24 + n))),
    "private_metadata": lambda n: modal(private_metadata="x" * (3000 + n)),
    "callback_id": lambda n: modal(callback_id="x" * (255 + n)),
    "blocks in a view": lambda n: modal(*[section()] * (100 + n)),
    "blocks in a message": lambda n: message(*[section()] * (50 + n)),
    "text in a message": lambda n: message(*[section("x" * 2640)] * 4, section("x" * (2640 + n))),
    "section text": lambda n: modal(section("x" * (3000 + n))),
    "context": lambda n: modal({"type": "context", "elements": [plain("x")] * (10 + n)}),
    "actions": lambda n: modal(actions(*[button()] * (25 + n))),
    "button text": lambda n: modal(actions(button(text=plain("x" * (75 + n))))),
    "button value": lambda n: modal(actions(button(value="x" * (2000 + n)))),
    "button label": lambda n: modal(actions(button(accessibility_label="x" * (75 + n)))),
    "button url": lambda n: modal(actions(button(url="x" * (3000 + n)))),
    "block_id": lambda n: modal(section(block_id="x" * (255 + n))),
    "action_id": lambda n: modal(actions(button(action_id="x" * (255 + n)))),
    "options": lambda n: modal(actions(select(options=options(100 + n)))),
    "option text": lambda n: modal(actions(select(options=options(1, "x" * (75 + n))))),
    "option value": lambda n: modal(actions(select(options=options(1, "x", "v" * (150 + n))))),
    "placeholder": lambda n: modal(actions(select(options=options(1), placeholder=plain("x" * (150 + n))))),
    "label": lambda n: modal(field("x" * (2000 + n))),
    "max_length": lambda n: modal(field(max_length=3000 + n)),
    "initial_value": lambda n: modal(field(initial_value="x" * (3000 + n))),
    "initial_value of a short field": lambda n: modal(field(initial_value="x" * (5 + n), max_length=5)),
    "emoji": lambda n: modal(actions(button(text=plain("😀" * 37 + "x" * (1 + n))))),
}


@pytest.mark.parametrize("limit", AT_AND_BEYOND)
def test_limit_is_fine_and_one_more_is_a_fault(limit: str) -> None:
    assert faults(AT_AND_BEYOND[limit](0)) == []
    assert len(faults(AT_AND_BEYOND[limit](1))) == 1


WRONG = {
    "title: is missing": {"type": "modal", "blocks": []},
    "submit: is required": {"type": "modal", "title": plain("x"), "blocks": [field()]},
    "must be a list": {"type": "modal", "title": plain("x")},
    "must not be empty": modal(section("")),
    "text: must not be empty": modal(section(" \n")),
    "initial_option.value: must be at most 150": modal(
        actions(select(options=options(1), initial_option=options(1, "x", "v" * 151)[0]))
    ),
    "unknown type: sektion": modal({"type": "sektion"}),
    "text: is missing": modal({"type": "section"}),
    "must be a text object of type plain_text": modal(title={"type": "mrkdwn", "text": "x"}),
    "block_id: `a` is used more than once": modal(section(block_id="a"), section(block_id="a")),
    "action_id: `a` is used more than once": modal(actions(button(action_id="a"), button(action_id="a"))),
    "has no place in section": modal(section(accessory={"type": "plain_text_input"})),
    "has no place in input": modal({"type": "input", "label": plain("x"), "element": button()}),
    "label: is missing": modal({"type": "input", "element": {"type": "plain_text_input"}}),
    "must be 1 to 100 items, not 0": modal(actions(select(options=[]))),
    "options: must be a list": modal(actions(select())),
    "must be primary or danger": modal(actions(button(style="secondary"))),
    "invalid additional property: vlaue": modal(actions(button(vlaue="x"))),
    "description: must be at most 75": modal(
        actions(select(options=[{**options(1)[0], "description": plain("x" * 76)}]))
    ),
    "hint: must be at most 2000": modal(field() | {"hint": plain("x" * 2001)}),
    "is more than 250000 bytes": modal(*[section("x" * 2900)] * 90),
}


@pytest.mark.parametrize("fault", WRONG)
def test_fault_is_named(fault: str) -> None:
    found = faults(WRONG[fault])

    assert [each for each in found if fault in each]
    assert len(found) == 1


def test_all_faults_are_found_at_once() -> None:
    view = modal(section(""), section("x" * 3001), title=plain("x" * 25))

    assert [each.partition(":")[0] for each in faults(view)] == ["title", "blocks[0].text", "blocks[1].text"]


def test_home_needs_no_title() -> None:
    assert faults({"type": "home", "blocks": []}) == []


def test_options_answer_may_be_empty_but_not_too_long() -> None:
    assert option_faults({"options": []}) == []
    assert option_faults({"options": options(100)}) == []
    assert len(option_faults({"options": options(101)})) == 1
    assert len(option_faults({})) == 1
