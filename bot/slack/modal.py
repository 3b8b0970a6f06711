"""
The window in which a response is chosen, filled in and seen before it goes. Pure.

What was typed survives an update where block_id and action_id stay the same, so Message
has an id for each template: another response starts from its own text. The window
remembers ids alone; the state comes back with each click.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

from bot.canned.catalog import Response
from bot.canned.errors import AskFirst, CannedError, MissingValues
from bot.canned.policy import LONGEST_TAG
from bot.canned.render import OWN_NAMES, variables
from bot.models import Receipt, SendRequest

from . import messages, previewing
from .blocks import (
    SECTION,
    Json,
    beginning,
    button,
    buttons,
    context,
    divider,
    escape,
    excerpt,
    option,
    plain,
    section,
    short,
    size,
    unmarked,
)
from .form import USUAL, Filled, Looked, mark

if TYPE_CHECKING:
    from bot.canned.previews import Preview

SEND = "canned_send"
SEND_AGAIN = "canned_send_again"
CONVERSATION = "canned_conversation"
RESPONSE = "canned_response"
MESSAGE = "canned_message"
VALUE = "canned_value:"  # with the variable's name behind it
LANGUAGE = "canned_language"
PREVIEW = "canned_preview"
AT = "canned_at"
TEAM = "canned_window_team:"  # with a number behind it

AGAIN, ANYWAY = "again", "anyway"  # kinds of questions, as the Desk has them

_CORRECTS = (
    "*Correction* of a message that was sent. Genesys cannot take that one back: the customer sees both."
)
_TITLE = "Send a response"
_INPUTS = 40  # variables that get an input; more would push the preview out of sight
_NAME = 200  # characters of a variable's name that fit into an id
_VALUE = 500  # characters of a variable's value: all of them, and the text, have to fit into one view


def window(
    filled: Filled, response: Response | None = None, preview: Preview | None = None, *, note: str = ""
) -> Json:
    """
    The window as it stands: `response` is the chosen one, `preview` what Genesys knows of it.

    `note` says what stands in the preview's place.
    """
    own = _own(filled, response) if response else ""
    text = filled.text or own
    now = _known(filled, preview)
    real = filled.text or (_own(now, response) if response else "")
    names = _wanted(filled, real, preview)
    missing = preview.missing if preview else ()
    return _modal(
        [
            *([context(_CORRECTS)] if filled.corrects else []),
            _conversation(now),
            _choice(response),
            *_message(response, own, text),
            *_language(response, now),
            *(_value(name, filled.values.get(name), needed=name in missing) for name in names),
            _at(),
            *map(dict, now.around),
            divider(),
            section("*Preview*", accessory=button("Refresh", PREVIEW, "refresh")),
            *_preview(now, response, preview, note),
            *map(dict, filled.live),
        ],
        callback_id=SEND,
        submit="Send",
        about={
            "team": filled.team,
            "channel": filled.channel,
            "agent": filled.agent,
            "only": filled.only,
            "corrects": filled.corrects,
            "seen": [response.key, response.version] if response else None,
            "looked": [mark(now.conversation), *astuple(now.looked)] if now.looked else None,
            "listed": filled.listed,
            "long": filled.as_typed if preview and previewing.too_long(preview) else None,
        },
    )


def connect(link: str) -> Json:
    """The way to connect one's Genesys account, from a place where others can't read it."""
    return _modal(messages.connect("Connect Genesys to send as yourself.", link)["blocks"])


def help_window(*, connects: bool, lists: bool) -> Json:
    """What can be typed, and done without typing."""
    return _modal(messages.help_text(connects=connects, lists=lists)["blocks"])


def teams(names: Sequence[str], *, conversation: str, chosen: str = "") -> Json:
    """The question for which team, before the window opens for it; `chosen` is the response's key."""
    choices = [button(name, f"{TEAM}{at}", name) for at, name in enumerate(names)]
    question = section("For which team do you want to send?")
    about = {"conversation": conversation[:400], "response": chosen}
    return _modal([question, *buttons(choices)], about=about)


def chosen_team(view: Mapping[str, Any], action: Mapping[str, Any]) -> tuple[str, str, str]:
    """The team that was pressed in `teams`, and the conversation and response that the window is for."""
    about = json.loads(view["private_metadata"])
    return action["value"], about["conversation"], about["response"]


def working(request: SendRequest) -> Json:
    """What stands there from the click to the outcome."""
    first = messages.sending(request)
    return _modal([*first["blocks"], context("You may close this window; the thread shows the outcome too.")])


def outcome(receipt: Receipt) -> Json:
    """How the send ended."""
    return _modal(messages.outcome(receipt)["blocks"])


def notice(sentence: str) -> Json:
    """A window that only says something."""
    return _modal([section(escape(sentence))])


def again(sentence: str, draft: str, preview: Preview | None = None, *, kind: str = AGAIN) -> Json:
    """
    The question before something goes out after all; of the `kind` that its draft is.

    `preview` shows the conversation as it is now.
    """
    shown = [*map(dict, previewing.around(preview.around))] if preview and preview.around else []
    text = [section("*What you would send*"), *previewing.blocks(preview, "")] if preview else []
    return _modal(
        [
            section(f":warning: {escape(sentence)}"),
            *shown,
            *text,
            context("*Cancel* leaves it at that; nothing is sent."),
        ],
        callback_id=SEND_AGAIN,
        submit=f"Send {kind}",
        about={"draft": draft, "kind": kind},
    )


def draft_of(view: Mapping[str, Any]) -> tuple[str, str]:
    """The key under which the request waits that `again` asked about, and of what kind it is."""
    about = json.loads(view["private_metadata"])
    return about["draft"], about.get("kind", AGAIN)


def refusal(view: Mapping[str, Any], error: Exception, sentence: str) -> Json:
    """Arguments of the ack that keeps the window open: a question, or the sentence at its input."""
    if isinstance(error, AskFirst):
        return {"response_action": "update", "view": again(sentence, error.draft)}
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if not inputs:
        return {"response_action": "update", "view": notice(sentence)}
    return {
        "response_action": "errors",
        "errors": {_place(inputs, error): short(unmarked(sentence), SECTION)},
    }


def choices(found: Sequence[Response]) -> list[Json]:
    """The answer to what was typed into Response."""
    return [_option(response) for response in found]


# -- parts -----------------------------------------------------------------------------------


def _modal(blocks: list[Json], *, callback_id: str = "", submit: str = "", about: Json | None = None) -> Json:
    view: Json = {
        "type": "modal",
        "title": plain(_TITLE),
        "close": plain("Cancel" if submit else "Close"),
        "blocks": blocks,
        "private_metadata": json.dumps(about or {}, ensure_ascii=False),
    }
    optional = {"callback_id": callback_id, "submit": plain(submit) if submit else None}
    return view | {name: value for name, value in optional.items() if value}


def _input(block_id: str, label: str, element: Json, *, optional: bool = False) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
        "dispatch_action": True,
    }


def _typed(
    action_id: str,
    value: str | None,
    *,
    multiline: bool = False,
    placeholder: str = "",
    limit: int = SECTION,
) -> Json:
    element: Json = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": limit,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    if placeholder:
        element["placeholder"] = plain(placeholder)
    return element | ({"initial_value": beginning(value, limit)} if value else {})


def _conversation(filled: Filled) -> Json:
    hint = "Its id or address in Genesys" + (", or words to find it by" if filled.listed else "")
    # The only one stands beside what somebody may be typing just now, not over it.
    is_only = filled.conversation == filled.only
    is_shown = is_only and filled.looked is not None
    hint = f"The live one below. Or: {hint}" if is_shown else hint
    element = _typed(CONVERSATION, "" if is_only else filled.conversation, placeholder=hint)
    block_id = f"conversation:{filled.taken}" if filled.taken else "conversation"
    return _input(block_id, "Conversation", element, optional=is_shown)


def _choice(response: Response | None) -> Json:
    element: Json = {
        "type": "external_select",
        "action_id": RESPONSE,
        "min_query_length": 0,
        "placeholder": plain("Type a few letters of it"),
    }
    chosen = {"initial_option": _option(response)} if response else {}
    return _input("response", "Response", element | chosen)


def _option(response: Response) -> Json:
    return option(response.title, response.key, f"{response.key} · {response.text}")


def _message(response: Response | None, own: str, text: str) -> list[Json]:
    if response is None:
        element = _typed(MESSAGE, None, multiline=True, placeholder="Choose a response first")
        return [_input("message", "Message", element, optional=True)]
    if not response.editable or size(own) > SECTION:
        return [section("*Message* (fixed: it goes out as it stands)"), *excerpt(own)]
    block_id = f"message:{mark(own)}:{response.key}"
    return [_input(block_id, "Message", _typed(MESSAGE, text, multiline=True))]


def _language(response: Response | None, filled: Filled) -> list[Json]:
    """The choice of a variant, where the customer's language is not known, or that was made already."""
    is_open = bool(filled.language) or (filled.looked is not None and not filled.spoken)
    if response is None or not response.languages or not is_open:
        return []
    offered = [option("The usual text", USUAL), *(option(tag, tag) for tag in response.languages)][:100]
    chosen = next((one for one in offered if one["value"] == filled.language), offered[0])
    element = {"type": "static_select", "action_id": LANGUAGE, "options": offered, "initial_option": chosen}
    return [_input(f"language:{response.key}", "Language", element)]


def _at() -> Json:
    """When it leaves: in the viewer's own zone, as Slack's picker has it."""
    made = _input("at", "At", {"type": "datetimepicker", "action_id": AT}, optional=True)
    return made | {"dispatch_action": False, "hint": plain("Empty: now.")}


def _value(name: str, value: str | None, *, needed: bool) -> Json:
    """An input for a variable. The hint also tells `read` that Genesys was asked and does not know it."""
    made = _input(f"value:{name}", name, _typed(f"{VALUE}{name}", value, limit=_VALUE), optional=True)
    return made | ({"hint": plain("The conversation does not say it: fill it in.")} if needed else {})


def _own(filled: Filled, response: Response) -> str:
    return response.in_language(filled.language or filled.spoken)[0]


def _known(filled: Filled, preview: Preview | None) -> Filled:
    """With what the preview has found out about the conversation."""
    if preview is None or preview.around is None:
        return filled
    around = preview.around
    looked = Looked(around.seen, around.language[:LONGEST_TAG], around.limit)
    return replace(filled, looked=looked, around=previewing.around(around))


def _preview(filled: Filled, response: Response | None, preview: Preview | None, note: str) -> list[Json]:
    if note or preview is None or response is None:
        return [context(escape(note or (preview and preview.note) or _hint(filled)))]
    edited = filled.text is not None
    language = previewing.language_of(response, asked=filled.language, spoken=filled.spoken, edited=edited)
    return previewing.blocks(preview, language)


def _hint(filled: Filled) -> str:
    if filled.response is None:
        return "Choose a response, and the exact text for the customer stands here."
    if not filled.conversation:
        return "Fill in the conversation and press Enter, and the exact text for the customer stands here."
    return "Reading the conversation in Genesys …"


def _wanted(filled: Filled, text: str, preview: Preview | None) -> list[str]:
    """The variables that need an input: those without a value, and those that somebody fills in here."""
    open_ones = {v.name for v in variables(text) if v.fallback is None and v.name not in OWN_NAMES}
    if preview is not None and (preview.text is not None or preview.missing):
        open_ones &= {*preview.missing, *filled.values}
    elif preview is None and filled.conversation and filled.response:
        open_ones &= set(filled.asked)  # Genesys may know them: wait for what it says
    names = [v.name for v in variables(text) if v.name in open_ones and size(v.name) <= _NAME]
    return names[:_INPUTS]


def _place(inputs: Sequence[str], error: Exception) -> str:
    """The input at which `error` shows: its own if the window has it, else the nearest."""
    field_name = error.field if isinstance(error, CannedError) else ""
    names = error.names if isinstance(error, MissingValues) else ()
    wanted = [*(f"value:{name}" for name in names), field_name, "response" if field_name == "message" else ""]
    for want in filter(None, wanted):
        for block_id in inputs:
            if block_id == want or block_id.startswith(f"{want}:"):
                return block_id
    return inputs[0]
