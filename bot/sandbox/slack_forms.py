"""Find what a person can type into, choose from or press in blocks, and hold what they did. Pure."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Values = dict[str, dict[str, Json]]

# What the state calls the value of each kind of element that the bot uses.
_SELECTED = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
}


@dataclass(frozen=True)
class Option:
    """One entry of a select as a person sees it, and the `value` behind it."""

    text: str
    value: str
    description: str = ""
    json: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, json: Mapping[str, Any]) -> Option:
        described = (json.get("description") or {}).get("text", "")
        return cls(json["text"]["text"], json.get("value", ""), described, json)


@dataclass(frozen=True)
class Field:
    """An element that reacts, within its block."""

    block: Json
    element: Json

    @property
    def kind(self) -> str:
        return str(self.element["type"])

    @property
    def label(self) -> str:
        """What a person would call it: its label, else what stands on it or beside it."""
        held = self.element.get("text") or self.element.get("placeholder") or self.block.get("text") or {}
        return str((self.block.get("label") or held).get("text", ""))

    @property
    def address(self) -> str:
        """What no other element of the same blocks is called."""
        return f"{self.block['block_id']}/{self.element['action_id']}"

    @property
    def is_input(self) -> bool:
        return bool(self.block["type"] == "input")

    @property
    def acts_on_change(self) -> bool:
        """Whether a change sends block_actions: always outside an input block, on demand inside."""
        return not self.is_input or bool(self.block.get("dispatch_action"))

    def acts_when(self, trigger: str) -> bool:
        """Whether typing (`on_character_entered`) or Enter (`on_enter_pressed`) sends block_actions."""
        config = self.element.get("dispatch_action_config") or {}
        return self.acts_on_change and trigger in config.get("trigger_actions_on", ["on_enter_pressed"])

    @property
    def own_options(self) -> list[Option]:
        return options_in(self.element)

    def entry(self, value: object) -> Json:
        """The state of this element when `value` was chosen or typed (None: nothing yet)."""
        return {"type": self.kind, _SELECTED[self.kind]: value}

    def initial(self) -> Json:
        name = _SELECTED[self.kind]
        return self.entry(
            self.element.get("initial_value" if name == "value" else name.replace("selected", "initial"))
        )


def options_in(holder: Mapping[str, Any]) -> list[Option]:
    """The options of a select or of an answer to an options request."""
    return [Option.of(each) for each in holder.get("options") or ()]


def with_ids(blocks: Sequence[Mapping[str, Any]]) -> list[Json]:
    """A copy of `blocks` in which every block and element has an id, as Slack returns them."""
    copied: list[Json] = copy.deepcopy([dict(block) for block in blocks])
    for block in copied:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element in _elements(block):
            if element["type"] not in ("plain_text", "mrkdwn"):
                element.setdefault("action_id", secrets.token_urlsafe(4))
    return copied


def fields(blocks: Sequence[Json]) -> Iterator[Field]:
    """Every element that reacts, in reading order. The blocks carry their ids."""
    for block in blocks:
        yield from (Field(block, element) for element in _elements(block) if "action_id" in element)


def find(blocks: Sequence[Json], label: str) -> Field:
    """The field that a person would call `label` (or by action_id or address). Raises LookupError."""
    return _pick([f for f in fields(blocks) if f.kind != "button"], label, "field")


def find_button(blocks: Sequence[Json], text: str) -> Field:
    """The button that reads `text` (else with that action_id or address). Raises LookupError."""
    return _pick([f for f in fields(blocks) if f.kind == "button"], text, "button")


def pick(options: Sequence[Option], wanted: str) -> Option | None:
    """The option with that text, else with that value, else the only one that contains it."""
    exact = [o for o in options if o.text == wanted] or [o for o in options if o.value == wanted]
    near = exact or [o for o in options if wanted in o.text]
    return near[0] if exact or len(near) == 1 else None


def state(blocks: Sequence[Json], before: Values | None = None) -> Values:
    """What the inputs of `blocks` hold; values of the same block_id and action_id survive from `before`."""
    values: Values = {}
    for field in fields(blocks):
        if field.kind not in _SELECTED:
            continue
        block_id, action_id = field.block["block_id"], field.element["action_id"]
        kept = (before or {}).get(block_id, {}).get(action_id)
        same = kept is not None and kept["type"] == field.kind
        values.setdefault(block_id, {})[action_id] = kept if kept and same else field.initial()
    return values


def held(field: Field, values: Values) -> str:
    """What the field holds, as a person reads it: the typed text, the text of the option."""
    value = entered(field, values)
    return str(value["text"]["text"] if isinstance(value, dict) else value or "")


def missing(blocks: Sequence[Json], values: Values) -> dict[str, str]:
    """What Slack itself complains about before it submits: label → sentence."""
    needed = (f for f in fields(blocks) if f.is_input and not f.block.get("optional"))
    return {f.label: "Please complete this required field." for f in needed if not entered(f, values)}


def entered(field: Field, values: Values) -> Any:
    """What the field holds, as the state has it: text, an option, a time; None for nothing."""
    entry = values.get(field.block.get("block_id", ""), {}).get(field.element.get("action_id", ""), {})
    return entry.get(_SELECTED.get(field.kind, ""))


def _elements(block: Json) -> list[Json]:
    held = [*block.get("elements", ()), block.get("element"), block.get("accessory")]
    return [each for each in held if each is not None]


def _pick(candidates: Sequence[Field], name: str, kind: str) -> Field:
    called = [f for f in candidates if f.label == name] or [
        f for f in candidates if name in (f.element["action_id"], f.address)
    ]
    if not called:
        there = ", ".join(repr(f.label) for f in candidates) or "none"
        raise LookupError(f"there is no {kind} {name!r} here; there are: {there}")
    return called[-1]
