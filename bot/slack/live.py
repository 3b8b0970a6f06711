"""How live conversations are shown to choose from, in a window and in a question. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .blocks import Json, button, buttons, context, divider, escape, message, quiet, section, short

if TYPE_CHECKING:
    from bot.canned.conversations import Choice, Found

USE = "canned_use:"  # with a number behind it, as each button needs its own id
PICK = "canned_pick:"
_BLOCK = "live:"


def listing(found: Found) -> tuple[Json, ...]:
    """The end of a window: a row for each conversation, with a button that takes it over."""
    heading = [section("*Live conversations*")] if found.choices else []
    rows = [_row(at, choice) for at, choice in enumerate(found.choices)]
    note = [context(escape(found.note))] if found.note else []
    blocks = [divider(), *heading, *rows, *note]
    return tuple(block | {"block_id": f"{_BLOCK}{at}"} for at, block in enumerate(blocks))


def listed_in(view: Mapping[str, Any]) -> tuple[Json, ...]:
    """The blocks of `listing` in a view, as Slack gives it back."""
    return tuple(block for block in view["blocks"] if str(block.get("block_id", "")).startswith(_BLOCK))


def question(sentence: str, draft: str, choices: Sequence[Choice]) -> Json:
    """Which of the conversations is meant; `draft` waits for the answer."""
    lines = [f"{at}. {_said(choice)}" for at, choice in enumerate(choices, start=1)]
    answers = [
        button(f"{at}. {choice.customer or 'Unknown'}", f"{PICK}{at}", f"{draft}:{choice.id}")
        for at, choice in enumerate(choices, start=1)
    ]
    return message(
        escape(sentence), [section(escape(sentence)), section("\n".join(lines)), *buttons(answers)]
    )


def _row(at: int, choice: Choice) -> Json:
    return section(_said(choice), accessory=button("Use", f"{USE}{at}", choice.id, about=choice.customer))


def _said(choice: Choice) -> str:
    name = f"*{quiet(short(choice.customer or 'Unknown customer', 60))}*"
    place = [quiet(short(text, 60)) for text in (choice.queue, choice.channel) if text]
    link = [f"<{choice.page}|Open in Genesys>"] if choice.page else []
    return " · ".join((name, *place, _standing(choice), *link))


def _standing(choice: Choice) -> str:
    lasted = f"{choice.minutes} min" if choice.minutes < 120 else f"{choice.minutes // 60} h"
    if choice.is_waiting:
        return f"waiting for {lasted}"
    return f"yours, {lasted}" if choice.is_mine else f"with an agent, {lasted}"
