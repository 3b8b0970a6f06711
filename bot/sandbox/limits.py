"""
Say what Slack would refuse in a view or a message: lengths, counts, ids, fields, a missing submit.

Pure: it walks the JSON that goes to the Web API and names every fault with its place, so
that one run shows them all. Numbers are characters or items, as Slack documents them. How
it counts an emoji it does not say, so each counts as what it takes in UTF-16, which is most;
and a blank text counts as an empty one. Kinds that the bot does not use are unknown here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

VIEW_BLOCKS, MESSAGE_BLOCKS = 100, 50
VIEW_BYTES = 250_000
MESSAGE_BLOCK_TEXT = 13_200

_CHOSEN = {"static_select", "external_select", "datetimepicker"}
_ALLOWED_IN = {
    "section": _CHOSEN | {"button"},
    "actions": _CHOSEN | {"button"},
    "input": _CHOSEN | {"plain_text_input"},
    "context": {"plain_text", "mrkdwn"},
}

# What each block and element may hold beside `type`, `block_id` and `action_id`, as far as the
# bot uses it; Slack refuses others as an "invalid additional property".
_FIELDS = {
    "section": "text accessory expand",
    "divider": "",
    "context": "elements",
    "actions": "elements",
    "input": "label element hint optional dispatch_action",
    "button": "text url value style accessibility_label",
    "plain_text_input": "initial_value multiline max_length dispatch_action_config placeholder",
    "static_select": "placeholder options initial_option",
    "external_select": "placeholder initial_option min_query_length",
    "datetimepicker": "initial_date_time",
}


def faults(payload: Json) -> list[str]:
    """Every reason why Slack refuses `payload`, a view (`type` modal or home) or a message's arguments."""
    walk = _Walk()
    if payload.get("type") in ("modal", "home"):
        walk.view(payload)
    else:
        walk.message(payload)
    return walk.found


def option_faults(answer: Json) -> list[str]:
    """Every reason why Slack refuses the answer to an options request."""
    walk = _Walk()
    walk.options("answer", answer, at_least=0)
    return walk.found


def size(text: str) -> int:
    """The length of `text` as Slack may count it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def block_text(blocks: object) -> int:
    """Characters of all text in `blocks` together."""
    return sum(size(text) for text in _texts(blocks))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)


class _Walk:
    """Collects faults on the way through one payload."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._block_ids: Counter[str] = Counter()
        self._action_ids: Counter[str] = Counter()

    def view(self, view: Json) -> None:
        modal = view["type"] == "modal"
        if modal:
            self.plain("title", view.get("title"), 24, required=True)
            self.plain("submit", view.get("submit"), 24)
            self.plain("close", view.get("close"), 24)
        self._length("private_metadata", view.get("private_metadata"), 3000)
        self._length("callback_id", view.get("callback_id"), 255)
        if len(json.dumps(view).encode()) > VIEW_BYTES:
            self._say("view", f"is more than {VIEW_BYTES} bytes")
        self.blocks("blocks", view.get("blocks"), VIEW_BLOCKS)
        has_input = any(isinstance(b, Mapping) and b.get("type") == "input" for b in view.get("blocks") or ())
        if modal and has_input and not view.get("submit"):
            self._say("submit", "is required when there is an input block")
        self._ids()

    def message(self, message: Json) -> None:
        if message.get("blocks"):
            self.blocks("blocks", message["blocks"], MESSAGE_BLOCKS)
        if block_text(message.get("blocks")) > MESSAGE_BLOCK_TEXT:
            self._say("blocks", f"hold more than {MESSAGE_BLOCK_TEXT} characters together")
        self._ids()

    def _ids(self) -> None:
        for kind, ids in (("block_id", self._block_ids), ("action_id", self._action_ids)):
            for name in (name for name, count in ids.items() if count > 1):
                self._say(kind, f"`{name}` is used more than once")

    # blocks

    def blocks(self, where: str, blocks: object, limit: int) -> None:
        if not isinstance(blocks, list):
            self._say(where, "must be a list")
            return
        self._count(where, blocks, limit)
        for at, block in enumerate(blocks):
            self.block(f"{where}[{at}]", block)

    def block(self, where: str, block: object) -> None:
        if not isinstance(block, Mapping):
            self._say(where, "must be an object")
            return
        kind = block.get("type")
        self._id(where, block, "block_id", self._block_ids)
        self._fields(where, block)
        check = getattr(self, f"_block_{kind}", None)
        if check is not None:
            check(where, block)
        else:
            self._say(where, f"has an unknown type: {kind}")

    def _block_divider(self, where: str, block: Json) -> None:
        """Nothing in it can be wrong."""

    def _block_section(self, where: str, block: Json) -> None:
        self.text(f"{where}.text", block.get("text"), 3000, required=True)
        if block.get("accessory") is not None:
            self.element(f"{where}.accessory", block["accessory"], "section")

    def _block_context(self, where: str, block: Json) -> None:
        self._elements(where, block, "context", 10)

    def _block_actions(self, where: str, block: Json) -> None:
        self._elements(where, block, "actions", 25)

    def _block_input(self, where: str, block: Json) -> None:
        self.plain(f"{where}.label", block.get("label"), 2000, required=True)
        self.plain(f"{where}.hint", block.get("hint"), 2000)
        self.element(f"{where}.element", block.get("element"), "input")

    def _elements(self, where: str, block: Json, kind: str, limit: int) -> None:
        elements = block.get("elements")
        self._count(f"{where}.elements", elements, limit, at_least=1)
        for at, element in enumerate(elements or ()):
            self.element(f"{where}.elements[{at}]", element, kind)

    # elements

    def element(self, where: str, element: object, inside: str) -> None:
        if not isinstance(element, Mapping):
            self._say(where, "must be an object")
            return
        kind = element.get("type")
        if kind not in _ALLOWED_IN[inside]:
            self._say(where, f"of type {kind} has no place in {inside}")
            return
        if kind in ("plain_text", "mrkdwn"):
            self.text(where, element, 3000, required=True)
            return
        self._id(where, element, "action_id", self._action_ids)
        self._fields(where, element)
        self.plain(f"{where}.placeholder", element.get("placeholder"), 150)
        if kind == "button":
            self._button(where, element)
        elif kind == "plain_text_input":
            self._text_input(where, element)
        elif kind == "static_select":
            self.options(where, element, at_least=1)
        if element.get("initial_option") is not None:
            self._option(f"{where}.initial_option", element["initial_option"])

    def _button(self, where: str, button: Json) -> None:
        self.plain(f"{where}.text", button.get("text"), 75, required=True)
        self._length(f"{where}.accessibility_label", button.get("accessibility_label"), 75)
        self._length(f"{where}.value", button.get("value"), 2000)
        self._length(f"{where}.url", button.get("url"), 3000)
        if button.get("style") not in (None, "primary", "danger"):
            self._say(f"{where}.style", "must be primary or danger")

    def _text_input(self, where: str, element: Json) -> None:
        longest = element.get("max_length", 3000)
        if not 1 <= longest <= 3000:
            self._say(f"{where}.max_length", "must be 1 to 3000")
        self._length(f"{where}.initial_value", element.get("initial_value"), longest)

    def options(self, where: str, holder: Json, *, at_least: int) -> None:
        options = holder.get("options")
        if not isinstance(options, list):
            self._say(f"{where}.options", "must be a list")
            return
        self._count(f"{where}.options", options, 100, at_least=at_least)
        for at, option in enumerate(options):
            self._option(f"{where}.options[{at}]", option)

    def _option(self, where: str, option: Json) -> None:
        self.text(f"{where}.text", option.get("text"), 75, required=True)
        self._length(f"{where}.value", option.get("value"), 150, at_least=1)
        self.text(f"{where}.description", option.get("description"), 75)

    # the smallest parts

    def plain(self, where: str, value: object, limit: int, *, required: bool = False) -> None:
        self.text(where, value, limit, required=required, kinds=("plain_text",))

    def text(
        self,
        where: str,
        value: object,
        limit: int,
        *,
        required: bool = False,
        kinds: tuple[str, ...] = ("plain_text", "mrkdwn"),
    ) -> None:
        if value is None:
            if required:
                self._say(where, "is missing")
            return
        if not isinstance(value, Mapping) or value.get("type") not in kinds:
            self._say(where, f"must be a text object of type {' or '.join(kinds)}")
            return
        self._length(where, value.get("text"), limit, at_least=1)

    def _length(self, where: str, value: object, limit: int, *, at_least: int = 0) -> None:
        if value is None and at_least == 0:
            return
        if not isinstance(value, str):
            self._say(where, "must be text")
        elif size(value) > limit:
            self._say(where, f"must be at most {limit} characters, not {size(value)}")
        elif len(value.strip()) < at_least:
            self._say(where, "must not be empty")

    def _count(self, where: str, items: object, limit: int, *, at_least: int = 0) -> None:
        size = len(items) if isinstance(items, list) else 0
        if not at_least <= size <= limit:
            self._say(where, f"must be {at_least} to {limit} items, not {size}")

    def _id(self, where: str, holder: Json, name: str, seen: Counter[str]) -> None:
        value = holder.get(name)
        self._length(f"{where}.{name}", value, 255)
        if isinstance(value, str) and value:
            seen[value] += 1

    def _fields(self, where: str, holder: Json) -> None:
        known = _FIELDS.get(str(holder.get("type")))
        if known is None:
            return
        for name in sorted(set(holder) - {"type", "block_id", "action_id", *known.split()}):
            self._say(where, f"invalid additional property: {name}")

    def _say(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")
