"""The two shortcuts that open the window: from anywhere, and from a message about a conversation."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk

from . import windows
from .blocks import said_in
from .manifest import FROM_MESSAGE, OPEN

_BETWEEN = re.compile(r"[\s<>|`\"'“”(),;\[\]]+")
_WORDS = 2_000  # of one message that are looked at


def register(app: App) -> None:
    app.global_shortcut(OPEN)(window_wanted)
    app.message_shortcut(FROM_MESSAGE)(window_wanted_for_message)


def window_wanted(ack: Ack, body: dict[str, Any], client: WebClient, desk: Desk) -> None:
    desk.windows.submit(windows.open_window, client, desk, windows.Entry.of(body))
    ack()


def window_wanted_for_message(ack: Ack, body: dict[str, Any], client: WebClient, desk: Desk) -> None:
    entry = windows.Entry.of(body, conversation_in(body["message"], desk))
    desk.windows.submit(windows.open_window, client, desk, entry)
    ack()


def conversation_in(message: dict[str, Any], desk: Desk) -> str:
    """The first conversation id that a message names, or an empty string."""
    words = (word for text in said_in(message) for word in _BETWEEN.split(text))
    found = (desk.conversation_id(word) for word in islice(words, _WORDS))
    return next(filter(None, found), "")
