"""The buttons below a send whose outcome nobody knows, on its conversation's card, and who clicks them."""

from __future__ import annotations

import re
from collections.abc import Callable

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.canned.errors import CannedError
from bot.models import Receipt

from . import answers, errors, messages
from .blocks import Json, button, buttons, context

LOOK = "canned_unknown_look"  # with the send's key behind it, since a card may ask about several
AGAIN = "canned_unknown_again"
UNSENT = "canned_unknown_unsent"
HANDLED = "canned_unknown_handled"

_CANNOT_LOOK = "The bot cannot look by itself here: look into the conversation in Genesys, then settle it."


def register(app: App) -> None:
    app.action(re.compile(rf"({LOOK}|{AGAIN}|{UNSENT}|{HANDLED}):.+"))(settling_pressed)


def settling_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    what = action["action_id"].partition(":")[0]
    desk.previews.submit(_settle, client, desk, body, action["value"], what)
    ack()


def buttons_for(unknown: Receipt, line: Json | None, *, can_look: bool) -> list[Json]:
    """The end of a card: what can be done about a send, with the `line` that says which one it is."""
    offered = {"Look again": LOOK} if can_look else {}
    offered |= {"Send again": AGAIN, "Mark as not sent": UNSENT, "Mark as handled": HANDLED}
    about = unknown.request.response
    row = [button(text, f"{name}:{unknown.key}", unknown.key, about=about) for text, name in offered.items()]
    return [*([line] if line else []), *([] if can_look else [context(_CANNOT_LOOK)]), *buttons(row)]


def _settle(client: WebClient, desk: Desk, body: Json, key: str, what: str) -> None:
    """Do it and say so to whoever clicked, beside the card: that itself changes by what was written down."""
    acts: dict[str, Callable[..., str]] = {
        LOOK: desk.settling.look,
        AGAIN: desk.ask_again,
        UNSENT: desk.settling.mark_unsent,
        HANDLED: desk.settling.mark_handled,
    }
    user, (channel, ts) = body["user"]["id"], answers.clicked_in(body)
    try:
        said = messages.note(acts[what](key, user, channel, ts))
    except CannedError as exc:
        said = errors.told(exc)
    answers.answer(body, client, desk, said, replace=False)
