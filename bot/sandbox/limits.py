"""
Say what Slack would refuse in a view or a message: lengths, counts, ids, fields, a missing submit.

Pure: it walks the JSON that goes to the Web API and names every fault with its place, so
that one run shows them all. Numbers are characters or items, as Slack documents them. How
it counts an emoji it does not say, so each counts as what it takes in UTF-16, which is most;
and a blank text counts as an empty one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

VIEW_BLOCKS, MESSAGE_BLOCKS, ATTACHMENTS, ATTACHMENT_BLOCKS = 100, 50, 100, 20
VIEW_BYTES = 250_000
MESSAGE_BLOCK_TEXT = 13_200
MARKDOWN_TEXT = 12_000

_OPTION_SELECTS = {"static_select", "multi_static_select"}
_SELECTS = _OPTION_SELECTS | {
    f"{many}{kind}_select"
    for many in ("", "multi_")
    for kind in ("external", "users", "conversations", "channels")
}
_PICKERS = {"datepicker", "timepicker", "datetimepicker"}
_CHOICES = {"radio_buttons", "checkboxes"}
_TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"}
_ALLOWED_IN = {
    "section": _SELECTS | _PICKERS | _CHOICES | {"button", "overflow", "image", "workflow_button"},
    "actions": _SELECTS | _PICKERS | _CHOICES | {"button", "overflow", "workflow_button"},
    "input": _SELECTS | _PICKERS | _CHOICES | _TYPED | {"file_input"},
    "context": {"image", "plain_text", "mrkdwn"},
    "context_actions": {"feedback_buttons", "icon_button"},
}

# What each block and element may hold beside `type`, `block_id` and `action_id`; Slack
# refuses others as an "invalid additional property". Types that are absent go unchecked.
_FIELDS = {
    "section": "text fields accessory expand",
    "header": "text level",
    "divider": "",
    "context": "elements",
    "actions": "elements",
    "input": "label element hint optional dispatch_action",
    "image": "image_url alt_text title slack_file",
    "markdown": "text",
    "button": "text url value style confirm accessibility_label agent_prompt",
    "plain_text_input": "initial_value multiline min_length max_length dispatch_action_config focus_on_load "
    "placeholder",
    "static_select": "placeholder options option_groups initial_option confirm focus_on_load",
    "external_select": "placeholder initial_option min_query_length confirm focus_on_load",
    "radio_buttons": "options initial_option confirm focus_on_load",
    "checkboxes": "options initial_options confirm focus_on_load",
    "overflow": "options confirm",
}
_UNMEASURED_BLOCKS = {
    *("file", "call", "video", "rich_text", "task_card", "plan", "container"),
    *("carousel", "auth_provider", "data_visualization"),
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
    """Every reason why Slack refuses the answer to an options request (`options` or `option_groups`)."""
    walk = _Walk()
    walk.options("answer", answer, 100, may_be_empty=True)
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
        self._focused = 0

    def view(self, view: Json) -> None:
        modal = view["type"] == "modal"
        if modal:
            self.plain("title", view.get("title"), 24, required=True)
            self.plain("submit", view.get("submit"), 24)
            self.plain("close", view.get("close"), 24)
        self._length("private_metadata", view.get("private_metadata"), 3000)
        self._length("callback_id", view.get("callback_id"), 255)
        self._length("external_id", view.get("external_id"), 255)
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
        self._length("markdown_text", message.get("markdown_text"), MARKDOWN_TEXT)
        attachments = message.get("attachments") or []
        self._count("attachments", attachments, ATTACHMENTS)
        for at, attachment in enumerate(attachments):
            if attachment.get("blocks"):
                self.blocks(f"attachments[{at}].blocks", attachment["blocks"], ATTACHMENT_BLOCKS)
        self._ids()

    def _ids(self) -> None:
        for kind, ids in (("block_id", self._block_ids), ("action_id", self._action_ids)):
            for name in (name for name, count in ids.items() if count > 1):
                self._say(kind, f"`{name}` is used more than once")
        if self._focused > 1:
            self._say("focus_on_load", "is set on more than one element")

    # blocks

    def blocks(self, where: str, blocks: object, limit: int) -> None:
        if not isinstance(blocks, list):
            self._say(where, "must be a list")
            return
        self._count(where, blocks, limit)
        for kind in ("markdown", "table"):
            of_kind = [b for b in blocks if isinstance(b, Mapping) and b.get("type") == kind]
            if kind == "table" and len(of_kind) > 1:
                self._say(where, "hold more than one table")
            if kind == "markdown" and sum(size(str(b.get("text", ""))) for b in of_kind) > MARKDOWN_TEXT:
                self._say(where, f"hold more than {MARKDOWN_TEXT} characters of markdown")
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
        elif kind not in _UNMEASURED_BLOCKS:
            self._say(where, f"has an unknown type: {kind}")

    def _block_divider(self, where: str, block: Json) -> None:
        """Nothing in it can be wrong."""

    def _block_section(self, where: str, block: Json) -> None:
        if block.get("text") is None and not block.get("fields"):
            self._say(where, "needs `text` or `fields`")
        self.text(f"{where}.text", block.get("text"), 3000)
        self._count(f"{where}.fields", block.get("fields"), 10)
        for at, cell in enumerate(block.get("fields") or ()):
            self.text(f"{where}.fields[{at}]", cell, 2000, required=True)
        if block.get("accessory") is not None:
            self.element(f"{where}.accessory", block["accessory"], "section")

    def _block_header(self, where: str, block: Json) -> None:
        self.plain(f"{where}.text", block.get("text"), 150, required=True)

    def _block_image(self, where: str, block: Json) -> None:
        self._image(where, block)
        self.plain(f"{where}.title", block.get("title"), 2000)

    def _block_markdown(self, where: str, block: Json) -> None:
        if not block.get("text"):  # its length counts with that of the others, in `blocks`
            self._say(f"{where}.text", "must not be empty")

    def _block_alert(self, where: str, block: Json) -> None:
        self.text(f"{where}.text", block.get("text"), 200, required=True)

    def _block_card(self, where: str, block: Json) -> None:
        for name, limit in (("title", 150), ("subtitle", 150), ("body", 200)):
            self.text(f"{where}.{name}", block.get(name), limit)
        self._count(f"{where}.actions", block.get("actions"), 3)

    def _block_table(self, where: str, block: Json) -> None:
        rows = block.get("rows") or []
        self._count(f"{where}.rows", rows, 100, at_least=1)
        for at, row in enumerate(rows):
            self._count(f"{where}.rows[{at}]", row, 20)

    def _block_data_table(self, where: str, block: Json) -> None:
        self._count(f"{where}.rows", block.get("rows"), 101, at_least=2)
        for at, row in enumerate(block.get("rows") or ()):
            self._count(f"{where}.rows[{at}]", row, 20)
        if not 1 <= block.get("page_size", 1) <= 100:
            self._say(f"{where}.page_size", "must be 1 to 100")
        if not block.get("caption"):
            self._say(f"{where}.caption", "is missing")

    def _block_context(self, where: str, block: Json) -> None:
        self._elements(where, block, "context", 10)

    def _block_actions(self, where: str, block: Json) -> None:
        self._elements(where, block, "actions", 25)

    def _block_context_actions(self, where: str, block: Json) -> None:
        self._elements(where, block, "context_actions", 5)

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
        self._focused += bool(element.get("focus_on_load"))
        self.plain(f"{where}.placeholder", element.get("placeholder"), 150)
        self._confirm(f"{where}.confirm", element.get("confirm"))
        self._by_kind(where, kind, element)

    def _by_kind(self, where: str, kind: str, element: Json) -> None:
        if kind == "button":
            self._button(where, element)
        elif kind == "plain_text_input":
            self._text_input(where, element)
        elif kind == "image":
            self._image(where, element)
        elif kind in _OPTION_SELECTS:
            self.options(where, element, 100)
        elif kind in _CHOICES:
            self.options(where, element, 10)
        elif kind == "overflow":
            self.options(where, element, 5)
        for initial in (element.get("initial_option"), *element.get("initial_options", ())):
            if initial is not None:
                self._option(f"{where}.initial_option", initial)

    def _button(self, where: str, button: Json) -> None:
        self.plain(f"{where}.text", button.get("text"), 75, required=True)
        self._length(f"{where}.value", button.get("value"), 2000)
        self._length(f"{where}.url", button.get("url"), 3000)
        if button.get("style") not in (None, "primary", "danger"):
            self._say(f"{where}.style", "must be primary or danger")

    def _text_input(self, where: str, element: Json) -> None:
        shortest, longest = element.get("min_length"), element.get("max_length")
        if shortest is not None and not 0 <= shortest <= 3000:
            self._say(f"{where}.min_length", "must be 0 to 3000")
        if longest is not None and not 1 <= longest <= 3000:
            self._say(f"{where}.max_length", "must be 1 to 3000")
        if shortest is not None and longest is not None and shortest > longest:
            self._say(f"{where}.min_length", "is more than max_length")
        self._length(f"{where}.initial_value", element.get("initial_value"), longest or 3000)

    def _image(self, where: str, image: Json) -> None:
        if not image.get("image_url") and not image.get("slack_file"):
            self._say(where, "needs `image_url` or `slack_file`")
        self._length(f"{where}.image_url", image.get("image_url"), 3000)
        self._length(f"{where}.alt_text", image.get("alt_text"), 2000, at_least=1)

    def _confirm(self, where: str, confirm: Json | None) -> None:
        if confirm is None:
            return
        self.plain(f"{where}.title", confirm.get("title"), 100, required=True)
        self.text(f"{where}.text", confirm.get("text"), 300, required=True)
        self.plain(f"{where}.confirm", confirm.get("confirm"), 30)
        self.plain(f"{where}.deny", confirm.get("deny"), 30)

    def options(self, where: str, holder: Json, limit: int, *, may_be_empty: bool = False) -> None:
        groups, options = holder.get("option_groups"), holder.get("options")
        if (groups is None) == (options is None):
            self._say(where, "needs either `options` or `option_groups`")
        least = 0 if may_be_empty else 1
        if options is not None:
            self._option_list(f"{where}.options", options, limit, least)
        if groups is not None:
            self._count(f"{where}.option_groups", groups, 100, at_least=least)
            for at, group in enumerate(groups):
                self.plain(f"{where}.option_groups[{at}].label", group.get("label"), 75, required=True)
                self._option_list(f"{where}.option_groups[{at}].options", group.get("options"), limit, 1)

    def _option_list(self, where: str, options: object, limit: int, at_least: int) -> None:
        self._count(where, options, limit, at_least=at_least)
        for at, option in enumerate(options if isinstance(options, list) else ()):
            self._option(f"{where}[{at}]", option)

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
