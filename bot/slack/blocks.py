"""
The small pieces that windows and messages are built from, each inside Slack's limits.

Slack does not say how it counts an emoji: we count what it takes in UTF-16, which is most.
What people wrote goes out as plain text, which Slack never interprets, or through `escape`
where it stands in a sentence of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

SECTION = 3000  # characters in one section, and in one text input
OPTION = 75  # characters of an option's text and description, and of a button's
BUTTONS = 25  # elements in one block of actions
READ_OUT = 4_000  # characters of a message's own text; Slack cuts one of 40,000
WHOLE = 9_000  # characters of a customer's text that a message shows; Slack refuses 13,200 in all

# They turn the text after them round or end such a turn: whoever has one in their name
# could make our own words read differently.
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def escape(text: str) -> str:
    """`text` for use inside mrkdwn: it cannot mention, link or turn the rest of the line round."""
    text = _CONTROL.sub("", _TURNS.sub("", text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quiet(text: str) -> str:
    """People's words inside our markup: escaped, and without the signs that would end it."""
    return escape(text).translate(_MARKS)


_MARKS = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


def unmarked(sentence: str) -> str:
    """A sentence of ours for places that show no markup: `key` becomes “key”."""
    return re.sub(r"`([^`]*)`", "“\\1”", sentence)


def size(text: str) -> int:
    """The length of `text` as Slack may count it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2


def beginning(text: str, limit: int) -> str:
    """As much of `text` as has this size at most, whole characters only."""
    if size(text) <= limit:
        return text
    return text.encode("utf-16-le", "replace")[: 2 * limit].decode("utf-16-le", "ignore")


def short(text: str, limit: int) -> str:
    """`text` on one line, cut to `limit` characters with an ellipsis; never empty."""
    line = " ".join(text.split()) or "-"
    return line if size(line) <= limit else beginning(line, limit - 1).rstrip() + "…"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def markdown(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str, *, accessory: Json | None = None) -> Json:
    """One section of our own mrkdwn; what people wrote in it must be escaped."""
    block: Json = {"type": "section", "text": markdown(_cut(text, SECTION))}
    return block | ({"accessory": accessory} if accessory else {})


def verbatim(text: str) -> list[Json]:
    """`text` exactly as it stands, in as many sections as it needs."""
    return [{"type": "section", "text": plain(piece)} for piece in pieces(text, SECTION)]


def excerpt(text: str) -> list[Json]:
    """`text` as a message can hold it: whole up to 9,000 characters, then its beginning, and said so."""
    if size(text) <= WHOLE:
        return verbatim(text)
    return [
        *verbatim(beginning(text, WHOLE)),
        context(f"… cut here; the whole text has {len(text):,} characters."),
    ]


def context(text: str) -> Json:
    return {"type": "context", "elements": [markdown(_cut(text, SECTION))]}


def divider() -> Json:
    return {"type": "divider"}


def button(text: str, action_id: str, value: str, *, primary: bool = False, about: str = "") -> Json:
    """With several of one name, `about` is what a screen reader says this one is for."""
    made: Json = {
        "type": "button",
        "action_id": action_id,
        "text": plain(short(text, OPTION)),
        "value": value,
    }
    label = {"accessibility_label": short(f"{text}: {about}", OPTION)} if about else {}
    return made | label | ({"style": "primary"} if primary else {})


def link_button(text: str, action_id: str, url: str, *, primary: bool = True) -> Json:
    """A button that opens a page; Slack tells us of the click too, and wants an answer to that."""
    made: Json = {"type": "button", "action_id": action_id, "text": plain(short(text, OPTION)), "url": url}
    return made | ({"style": "primary"} if primary else {})


def buttons(made: Sequence[Json]) -> list[Json]:
    """Buttons in rows of as many as Slack allows."""
    rows = [made[at : at + BUTTONS] for at in range(0, len(made), BUTTONS)]
    return [{"type": "actions", "elements": list(row)} for row in rows]


def option(text: str, value: str, description: str = "") -> Json:
    made: Json = {"text": plain(short(text, OPTION)), "value": value}
    return made | ({"description": plain(short(description, OPTION))} if description else {})


def message(text: str, blocks: Iterable[Json] = ()) -> Json:
    """
    Arguments of a post or an answer: `text` says what it is about, `blocks` are for the eye.

    Screen readers and phones get a message's own text alone, so all that stands in the blocks is in it.
    """
    shown = list(blocks) or [section(text)]
    said = (words for block in shown for words in _words(block) if words != text)
    return {"text": _cut("\n".join((text, *said)), READ_OUT), "blocks": shown}


def _words(block: Json) -> Iterator[str]:
    """What stands in a block, as mrkdwn; but for its buttons, which are reached one by one."""
    for held in (block.get("text"), *block.get("elements", ())):
        if held is not None and held["type"] in ("mrkdwn", "plain_text"):
            yield held["text"] if held["type"] == "mrkdwn" else escape(held["text"])


def pieces(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` (2 or more), none blank, cut where a line or a word ends if any."""
    found = []
    while size(text) > limit:
        most = beginning(text, limit)
        cut = max(most.rfind("\n"), most.rfind(" ", len(most) // 2)) + 1 or len(most)
        found.append(text[:cut])
        text = text[cut:]
    return [piece for piece in (*found, text) if piece.strip()] or ["-"]


def said_in(message: Mapping[str, Any]) -> list[str]:
    """Every text in a message that Slack shows: its own, its blocks' and its attachments'."""
    return [text for part in ("text", "blocks", "attachments") for text in _texts(message.get(part), part)]


def _texts(node: object, key: str = "") -> Iterable[str]:
    if isinstance(node, str):
        if key in ("text", "url", "fallback", "pretext", "title_link", "value"):
            yield node
    elif isinstance(node, Mapping):
        pressed = node.get("type") == "button"  # its value is for the app, and nobody sees it
        for name, inner in node.items():
            yield from _texts(inner, "" if pressed and name == "value" else str(name))
    elif isinstance(node, list):
        for inner in node:
            yield from _texts(inner, key)


def _cut(text: str, limit: int) -> str:
    return text if size(text) <= limit else beginning(text, limit - 1) + "…"
