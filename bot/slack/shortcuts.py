"""The two shortcuts that open the window: from anywhere, and from a message about a conversation."""

from __future__ import annotations

import re
from itertools import islice

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk

from . import windows
from .blocks import Json, said_in
from .manifest import FROM_MESSAGE, OPEN

_BETWEEN = re.compile(r"[\s<>|`\"'“”(),;\[\]]+")
_WORDS = 2_000  # of one message that are looked at


def register(app: App) -> None:
    app.global_shortcut(OPEN)(window_wanted)
    app.message_shortcut(FROM_MESSAGE)(window_wanted_for_message)


def window_wanted(ack: Ack, body: Json, client: WebClient, desk: Desk) -> None:
    desk.windows.submit(windows.open_window, client, desk, windows.Entry.of(body))
    ack()


def window_wanted_for_message(ack: Ack, body: Json, client: WebClient, desk: Desk) -> None:
    desk.windows.submit(
        windows.open_window, client, desk, windows.Entry.of(body, conversation_of(body, desk))
    )
    ack()


def conversation_of(body: Json, desk: Desk) -> str:
    """
    The conversation that the message in `body` is about, or an empty string.

    It is the one that the message names first, else that of the thread in which it stands.
    For our own replies the thread comes first: what customers read there may name another.
    """
    message = body["message"]
    thread = desk.cards.conversation(body["channel"]["id"], message.get("thread_ts") or message["ts"])
    named = _named_in(message, desk)
    is_ours = message.get("app_id") == body["api_app_id"]
    return (thread or named) if is_ours else (named or thread)


def _named_in(message: Json, desk: Desk) -> str:
    words = (word for text in said_in(message) for word in _BETWEEN.split(text))
    found = (desk.conversation_id(word) for word in islice(words, _WORDS))
    return next(filter(None, found), "")
