"""
What the window shows of a conversation and of the text that would go into it. Pure.

The window's own blocks keep what was said there: it comes back with each click and stands
until something newer does, and nothing of it goes anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.canned.responses import Response

from .blocks import Json, context, divider, escape, excerpt, markdown, plain, quiet, section, short
from .messages import moment

if TYPE_CHECKING:
    from bot.canned.previews import Around, Line, Preview

_BLOCK = "around:"
_NAME = 60
_SAID = 300  # characters of each of the last messages


def around(known: Around) -> tuple[Json, ...]:
    """The conversation: who, where, for how long they have waited, and what was said last."""
    facts = " · ".join((_who(known), *_where(known), *_stands(known)))
    said = [_line(line) for line in known.messages]
    note = [context(escape(known.note))] if known.note else []
    blocks = [divider(), section(facts), *said, *note]
    return tuple(block | {"block_id": f"{_BLOCK}{at}"} for at, block in enumerate(blocks))


def around_in(view: Mapping[str, Any]) -> tuple[Json, ...]:
    """The blocks of `around` in a view, as Slack gives it back."""
    return tuple(block for block in view["blocks"] if str(block.get("block_id", "")).startswith(_BLOCK))


def blocks(preview: Preview, language: str) -> list[Json]:
    """The exact text, its size and its language; or why it is not known yet."""
    if preview.text is None:
        needed = ", ".join(f"`{name}`" for name in preview.missing)
        note = f"The text still needs {needed}: fill it in above and press Enter." if needed else preview.note
        return [context(escape(note))]
    size = _size(len(preview.text), preview.limit)
    said = " · ".join(filter(None, (size, escape(language))))
    return [*excerpt(preview.text), *([context(said)] if said else [])]


def too_long(preview: Preview) -> bool:
    return preview.text is not None and 0 < preview.limit < len(preview.text)


def language_of(response: Response, *, asked: str | None, spoken: str, edited: bool) -> str:
    """In which language it goes out and why; "" where there is nothing to tell."""
    if edited:
        return "As you changed it, in whatever language" if spoken or response.languages else ""
    _, used = response.in_language(asked or spoken)
    if asked:
        return f"In `{used}`, as you chose"
    if used:
        return f"In `{used}`: the customer's language is `{spoken}`"
    if spoken:
        return f"The usual text: the customer's language is `{spoken}`, and there is none in it"
    return "The usual text: the customer's language is not known" if response.languages else ""


def _who(known: Around) -> str:
    return f"*{quiet(short(known.customer or 'Unknown customer', _NAME))}*"


def _where(known: Around) -> list[str]:
    return [quiet(short(text, _NAME)) for text in (known.queue, known.channel) if text]


def _stands(known: Around) -> list[str]:
    if known.ended:
        return [":checkered_flag: *ended*"]
    agent = quiet(short(known.agent, _NAME)) if known.agent else "nobody yet"
    waits = [] if known.waits is None else [f"waits for an answer, {_lasted(known.waits)}"]
    return [f"with {agent}", *waits]


def _lasted(minutes: int) -> str:
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _line(line: Line) -> Json:
    at = f" · {moment(line.at)}" if line.at else ""
    who = f"*{quiet(short(line.who or 'Somebody', _NAME))}*{at}"
    return {"type": "context", "elements": [markdown(who), plain(short(line.text, _SAID))]}


def _size(length: int, limit: int) -> str:
    if not limit:
        return ""
    size = f"{length:,} of {limit:,} characters"
    if length <= limit:
        return size
    return f":warning: *{size}: too long for this channel.* Shorten it, or choose another one"
