"""
What somebody filled into the window, read back from what Slack sends of it. Pure.

Message has an id with its response and a mark of its template in it: that is how an edit
is told from a text that nobody touched, and from one that belongs to another response.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.canned.errors import MissingValues, TextRefused
from bot.canned.render import least_length, variables

from . import live, previewing

USUAL = "-"  # the choice of the text that belongs to no language


@dataclass(frozen=True)
class Looked:
    """
    What the window knows of its conversation since it was looked at: ids of what it showed,
    the customer's language ("": not known), the characters that the channel takes.
    """

    seen: Mapping[str, str]
    spoken: str
    limit: int


@dataclass(frozen=True)
class Filled:
    """
    What stands in the window: `text` is the template as edited, None while it is the
    response's own; `asked` are the variables that have an input, `needed` those of them
    that are empty though the conversation does not say them either. `version` is the
    response's as the window showed it, None where it has not shown this one yet.

    `conversation` is what stands there: an id, an address or, where live ones can be `listed`,
    words to find it by; or `only`, which is meant where nothing stands. `agent` is the person
    whose conversation is meant while there is none, `live` what is shown to choose from. `taken`
    marks a conversation that was chosen, not typed. `looked` is there once the conversation has
    been looked at, and `around` what the window then shows of it; `long` says that the text as it
    stands was found too long. `at` is when it is to leave, None for now. `corrects` is the key of
    the send that this one sets right.
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
    only: str = ""
    live: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    version: str | None = None
    language: str | None = None
    looked: Looked | None = None
    around: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    long: bool = False
    listed: bool = False
    at: datetime | None = None
    corrects: str = ""

    @property
    def spoken(self) -> str:
        return self.looked.spoken if self.looked else ""

    @property
    def as_typed(self) -> str:
        """Tells whether anything was changed that the text depends on."""
        return mark(json.dumps([self.response, self.text, self.language, sorted(self.values.items())]))

    def with_conversation(self, conversation: str, *, taken: str) -> Filled:
        """The same for another conversation, which was chosen and not typed."""
        nothing: dict[str, Any] = {"agent": "", "only": "", "live": (), "looked": None, "around": ()}
        return replace(self, conversation=conversation, taken=taken, **nothing)


def read(view: Mapping[str, Any]) -> Filled:
    """What the window of a view submission or of a click in it holds."""
    about = json.loads(view["private_metadata"])
    state = view.get("state", {}).get("values", {})
    chosen = (_element(state, "response").get("selected_option") or {}).get("value")
    inputs = [block for block in view["blocks"] if _is_value(block)]
    asked = tuple(_name(block) for block in inputs)
    values = {name: value for name in asked if (value := _element(state, f"value:{name}").get("value"))}
    edited = _edited(state, chosen)
    used = None if edited is None else {variable.name for variable in variables(edited)}
    place = _conversation_block(view)
    only, shown = about.get("only", ""), (about.get("looked") or ("",))[0]
    meant = only if shown == mark(only) else ""  # nobody means what the window does not show
    conversation = (_element(state, place).get("value") or "").strip() or meant
    looked = _looked(about, conversation)
    filled = Filled(
        team=about["team"],
        channel=about["channel"],
        conversation=conversation,
        response=chosen,
        text=edited,
        values=values,
        asked=asked,
        needed=tuple(
            name
            for block in inputs
            if block.get("hint") and (name := _name(block)) not in values and (used is None or name in used)
        ),
        agent=about.get("agent", ""),
        taken=place.partition(":")[2],
        only=only,
        live=live.listed_in(view),
        version=_version(about, chosen),
        language=_language(state, chosen),
        looked=looked,
        around=previewing.around_in(view) if looked else (),
        listed=about.get("listed", False),
        at=_time(_element(state, "at")),
        corrects=about.get("corrects", ""),
    )
    return replace(filled, long=about.get("long") == filled.as_typed)


def read_submission(view: Mapping[str, Any]) -> Filled:
    """What is to be sent; raises MissingValues or TextRefused for what the window knows to be against it."""
    filled = read(view)
    shown, _ = json.loads(view["private_metadata"]).get("seen") or (filled.response, None)
    if shown != filled.response:  # an update of the window was lost, or overtaken by the one before
        raise TextRefused(
            f"The window still shows the text of `{shown}`, so nothing was sent. Press “Refresh”, look, "
            "and send then.",
            field="response",
        )
    state = view.get("state", {}).get("values", {})
    if _element(state, "message").get("value"):  # typed before there was a response whose text it could be
        raise TextRefused(
            f"The window does not show the text of `{filled.response}` yet, so nothing was sent. Press "
            "“Refresh”, change that text, and send then.",
            field="response",
        )
    if filled.needed:
        raise MissingValues(filled.needed)
    limit = filled.looked.limit if filled.looked else 0
    if filled.long or (limit and filled.text and least_length(filled.text, filled.values) > limit):
        raise TextRefused(f"The text is too long: this channel takes {limit:,} characters. Shorten it.")
    return filled


def _element(state: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    """What one input holds; each of our blocks has one."""
    return next(iter(state.get(block_id, {}).values()), {})


def _time(held: Mapping[str, Any]) -> datetime | None:
    seconds = held.get("selected_date_time")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _conversation_block(view: Mapping[str, Any]) -> str:
    """Its id is a new one each time a conversation is chosen: else what was typed there would stay."""
    ids = (str(block.get("block_id", "")) for block in view["blocks"])
    return next((each for each in ids if each.partition(":")[0] == "conversation"), "conversation")


def _looked(about: Mapping[str, Any], conversation: str) -> Looked | None:
    """Not for a conversation that has been typed since."""
    of, *looked = about.get("looked") or ("",)
    return Looked(*looked) if of and of == mark(conversation) else None


def _language(state: Mapping[str, Any], response: str | None) -> str | None:
    """What was chosen for this response; None for its usual text."""
    chosen = (_element(state, f"language:{response}").get("selected_option") or {}).get("value")
    return None if chosen == USUAL else chosen


def _version(about: Mapping[str, Any], response: str | None) -> str | None:
    key, version = about.get("seen") or ("", None)
    return version if key == response else None


def _is_value(block: Mapping[str, Any]) -> bool:
    return str(block.get("block_id", "")).startswith("value:")


def _name(block: Mapping[str, Any]) -> str:
    return str(block["block_id"]).removeprefix("value:")


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
