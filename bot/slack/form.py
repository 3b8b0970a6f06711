"""
What somebody filled into the window, read back from what Slack sends of it. Pure.

Message has an id with its response and a mark of its template in it: that is how an edit
is told from a text that nobody touched, and from one that belongs to another response.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.canned.errors import MissingValues
from bot.canned.render import variables

from . import live


@dataclass(frozen=True)
class Filled:
    """
    What stands in the window: `text` is the template as edited, None while it is the
    response's own; `asked` are the variables that have an input, `needed` those of them
    that are empty though the conversation does not say them either. `version` is the
    response's as the window showed it, None where it has not shown this one yet.

    `agent` is the person whose conversation is meant while there is none, `live` what is
    shown to choose from. `taken` marks a conversation that was chosen, not typed.
    """

    team: str
    channel: str
    conversation: str = ""
    response: str | None = None
    text: str | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    asked: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    agent: str = ""
    taken: str = ""
    live: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    version: str | None = None


def read(view: Mapping[str, Any]) -> Filled:
    """What the window of a view submission or of a click in it holds."""
    about = json.loads(view["private_metadata"])
    state = view.get("state", {}).get("values", {})
    chosen = (_element(state, "response").get("selected_option") or {}).get("value")
    inputs = [block for block in view["blocks"] if _is_value(block)]
    asked = tuple(_name(block) for block in inputs)
    values = {name: value for name in asked if (value := _element(state, f"value:{name}").get("value"))}
    used = _used(state)
    place = _conversation_block(view)
    return Filled(
        team=about["team"],
        channel=about["channel"],
        conversation=(_element(state, place).get("value") or "").strip(),
        response=chosen,
        text=_edited(state, chosen),
        values=values,
        asked=asked,
        needed=tuple(
            name
            for block in inputs
            if block.get("hint") and (name := _name(block)) not in values and (used is None or name in used)
        ),
        agent=about.get("agent", ""),
        taken=place.partition(":")[2],
        live=live.listed_in(view),
        version=_version(about, chosen),
    )


def read_submission(view: Mapping[str, Any]) -> Filled:
    """What is to be sent; raises MissingValues for what the window already knows to be missing."""
    filled = read(view)
    if filled.needed:
        raise MissingValues(filled.needed)
    return filled


def _element(state: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    """What one input holds; each of our blocks has one."""
    return next(iter(state.get(block_id, {}).values()), {})


def _conversation_block(view: Mapping[str, Any]) -> str:
    """Its id is a new one each time a conversation is chosen: else what was typed there would stay."""
    ids = (str(block.get("block_id", "")) for block in view["blocks"])
    return next((each for each in ids if each.partition(":")[0] == "conversation"), "conversation")


def _version(about: Mapping[str, Any], response: str | None) -> str | None:
    key, version = about.get("seen") or ("", None)
    return version if key == response else None


def _is_value(block: Mapping[str, Any]) -> bool:
    return str(block.get("block_id", "")).startswith("value:")


def _name(block: Mapping[str, Any]) -> str:
    return str(block["block_id"]).removeprefix("value:")


def _used(state: Mapping[str, Any]) -> set[str] | None:
    """The variables of the message as it stands there; None where it cannot be edited."""
    texts = [_element(state, block_id).get("value") for block_id in state if block_id.startswith("message:")]
    return {variable.name for text in texts for variable in variables(text or "")} if texts else None


def _edited(state: Mapping[str, Any], response: str | None) -> str | None:
    """The message if it was changed and is the chosen response's: another's must not go out for it."""
    for block_id in state:
        kind, unchanged, key = (*block_id.split(":", 2), "", "")[:3]
        if kind == "message" and unchanged and key == response:
            text = _element(state, block_id).get("value") or ""
            return None if mark(text) == unchanged else text
    return None


def mark(text: str) -> str:
    """Twelve characters that tell whether a text was changed; a window's line ends do not count."""
    return hashlib.sha256(text.replace("\r", "").strip().encode(errors="replace")).hexdigest()[:12]
