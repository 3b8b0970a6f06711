"""
The window in which a response is chosen, filled in and seen before it goes. Pure.

What was typed survives an update where block_id and action_id stay the same, so Message
has an id for each template: another response starts from its own text. The window
remembers ids alone; the state comes back with each click.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.canned.catalog import Response
from bot.canned.errors import AskFirst, CannedError, MissingValues
from bot.canned.render import OWN_NAMES, variables
from bot.models import Receipt, SendRequest

from . import messages
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
from .form import Filled, mark

if TYPE_CHECKING:
    from bot.canned.desk import Preview

SEND = "canned_send"
SEND_AGAIN = "canned_send_again"
CONVERSATION = "canned_conversation"
RESPONSE = "canned_response"
MESSAGE = "canned_message"
VALUE = "canned_value:"  # with the variable's name behind it
PREVIEW = "canned_preview"
TEAM = "canned_window_team:"  # with a number behind it

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
    text = filled.text or (response.text if response else "")
    names = _wanted(filled, text, preview)
    missing = preview.missing if preview else ()
    return _modal(
        [
            _conversation(filled),
            _choice(response),
            *_message(response, text),
            *(_value(name, filled.values.get(name), needed=name in missing) for name in names),
            divider(),
            section("*Preview*", accessory=button("Refresh", PREVIEW, "refresh")),
            *_preview(preview, note or _hint(filled)),
            *(() if filled.conversation else map(dict, filled.live)),
        ],
        callback_id=SEND,
        submit="Send",
        about={
            "team": filled.team,
            "channel": filled.channel,
            "agent": filled.agent,
            "seen": [response.key, response.version] if response else None,
        },
    )


def teams(names: Sequence[str], *, conversation: str) -> Json:
    """The question for which team, before the window opens for it."""
    choices = [button(name, f"{TEAM}{at}", name) for at, name in enumerate(names)]
    question = section("For which team do you want to send?")
    return _modal([question, *buttons(choices)], about={"conversation": conversation[:400]})


def chosen_team(view: Mapping[str, Any], action: Mapping[str, Any]) -> tuple[str, str]:
    """The team that was pressed in `teams`, and the conversation that the window is for."""
    return action["value"], json.loads(view["private_metadata"])["conversation"]


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


def again(sentence: str, draft: str) -> Json:
    """The question before the same response goes to the same conversation once more."""
    return _modal(
        [section(f":warning: {escape(sentence)}"), context("*Cancel* leaves it at that; nothing is sent.")],
        callback_id=SEND_AGAIN,
        submit="Send again",
        about={"draft": draft},
    )


def draft_of(view: Mapping[str, Any]) -> str:
    """The key under which the request waits that `again` asked about."""
    return str(json.loads(view["private_metadata"])["draft"])


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
    element = _typed(CONVERSATION, filled.conversation, placeholder="Its id, or its address in Genesys")
    return _input(f"conversation:{filled.taken}" if filled.taken else "conversation", "Conversation", element)


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


def _message(response: Response | None, text: str) -> list[Json]:
    if response is None:
        element = _typed(MESSAGE, None, multiline=True, placeholder="Choose a response first")
        return [_input("message", "Message", element, optional=True)]
    if not response.editable or size(response.text) > SECTION:
        return [section("*Message* (fixed: it goes out as it stands)"), *excerpt(response.text)]
    block_id = f"message:{mark(response.text)}:{response.key}"
    return [_input(block_id, "Message", _typed(MESSAGE, text, multiline=True))]


def _value(name: str, value: str | None, *, needed: bool) -> Json:
    """An input for a variable. The hint also tells `read` that Genesys was asked and does not know it."""
    made = _input(f"value:{name}", name, _typed(f"{VALUE}{name}", value, limit=_VALUE), optional=True)
    return made | ({"hint": plain("The conversation does not say it: fill it in.")} if needed else {})


def _preview(preview: Preview | None, note: str) -> list[Json]:
    if preview is None or preview.text is None:
        if preview is not None and preview.missing:
            needed = ", ".join(f"`{name}`" for name in preview.missing)
            note = f"The text still needs {needed}: fill it in above and press Enter."
        elif preview is not None and preview.note:
            note = preview.note
        return [context(escape(note))]
    size = f"{len(preview.text):,} of {preview.limit:,} characters" if preview.limit else ""
    return [*excerpt(preview.text), *([context(size)] if size else [])]


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
