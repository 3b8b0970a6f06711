"""Turn messages and views into the plain text that a person reads in Slack. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .slack_forms import Field, Values, held

Json = dict[str, Any]
Names = Mapping[str, str]  # ids of users, channels and groups → what Slack shows for them


@dataclass(frozen=True)
class Message:
    """
    A message as it stood when it was looked at.

    `said` is what a person reads: formatting and links resolved, buttons in [brackets],
    one line a block at least. `text` and `blocks` are what was posted.
    """

    channel: str
    ts: str
    user: str
    said: str
    text: str
    blocks: list[Json] = field(repr=False)
    metadata: Json | None = None
    thread_ts: str | None = None
    ephemeral: bool = False

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)

    @classmethod
    def of(cls, raw: Mapping[str, Any], names: Names) -> Message:
        return cls(
            channel=raw["channel"],
            ts=raw["ts"],
            user=raw["user"],
            said=said(raw, names),
            text=raw.get("text", ""),
            blocks=raw.get("blocks") or [],
            metadata=raw.get("metadata"),
            thread_ts=raw.get("thread_ts"),
            ephemeral=bool(raw.get("is_ephemeral")),
        )


def said(message: Mapping[str, Any], names: Names) -> str:
    """Blocks where there are any, else the text."""
    in_blocks = blocks_said(message["blocks"], names) if message.get("blocks") else ""
    return in_blocks or mrkdwn(message.get("text") or "", names)


def blocks_said(blocks: Sequence[Json], names: Names, values: Values | None = None) -> str:
    """The blocks' text, a line each; `values` is what a view's inputs hold."""
    lines = (line for block in blocks for line in _block(block, names, values or {}))
    return "\n".join(line for line in lines if line)


def mrkdwn(text: str, names: Names) -> str:
    """What Slack shows for `text`: no asterisks, links by their label, ids by their names."""
    parts = re.split(r"(```.*?```|`[^`\n]+`)", text, flags=re.DOTALL)
    return html.unescape(
        "".join(
            _references(part.strip("`"), names) if at % 2 else _references(_unformatted(part), names)
            for at, part in enumerate(parts)
        )
    )


def _unformatted(text: str) -> str:
    for mark in "*_~":
        sign = re.escape(mark)
        text = re.sub(rf"(?<![\w{sign}]){sign}(\S(?:[^\n{sign}]*\S)?){sign}(?![\w{sign}])", r"\1", text)
    return re.sub(r"^&gt; ?", "", text, flags=re.MULTILINE)


def _references(text: str, names: Names) -> str:
    return re.sub(r"<([^<>|]+)(?:\|([^<>]*))?>", lambda found: _reference(found[1], found[2], names), text)


def _reference(target: str, label: str | None, names: Names) -> str:
    if target[0] == "@":
        return f"@{names.get(target[1:], label or target[1:])}"
    if target[0] == "#":
        return f"#{names.get(target[1:], label or target[1:])}"
    if target.startswith("!subteam^"):
        return f"@{names.get(target.split('^')[1], label or target)}"
    if target.startswith("!date"):
        return label or target
    if target[0] == "!":
        return f"@{target[1:]}"
    return label or target.removeprefix("mailto:")


def _text(node: Mapping[str, Any] | None, names: Names) -> str:
    if not node:
        return ""
    text = str(node.get("text", ""))
    return mrkdwn(text, names) if node.get("type") == "mrkdwn" else text


def _block(block: Json, names: Names, values: Values) -> Iterator[str]:
    if block["type"] == "input":
        yield from _input(block, names, values)
    elif "elements" in block:
        yield " ".join(filter(None, (_element(each, names) for each in block["elements"])))
    else:
        yield _text(block.get("text"), names)
        if "accessory" in block:
            yield _element(block["accessory"], names)


def _input(block: Json, names: Names, values: Values) -> Iterator[str]:
    yield f"{_text(block['label'], names)}: {held(Field(block, block['element']), values)}".rstrip()
    yield _text(block.get("hint"), names)


def _element(element: Json, names: Names) -> str:
    if element["type"] in ("plain_text", "mrkdwn"):
        return _text(element, names)
    shown = _text(element.get("text") or element.get("placeholder"), names)
    return f"[{shown}]" if shown else ""
