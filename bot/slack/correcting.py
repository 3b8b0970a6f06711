"""The button beside what was sent: the window again, with its text, for a message that sets it right."""

from __future__ import annotations

import re

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.canned.render import malformed, variables
from bot.models import Receipt

from . import form, messages, windows
from .blocks import SECTION, Json, size


def register(app: App) -> None:
    app.action(re.compile(rf"{messages.CORRECT}(:\d+)?"))(correct_pressed)


def correct_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    place, user = body["container"], body["user"]["id"]
    shown_to_one = "view" in body or place.get("is_ephemeral")
    receipt, team = desk.correcting.sent(
        action["value"],
        user,
        channel=place.get("channel_id", ""),
        ts="" if shown_to_one else place.get("message_ts", ""),
    )
    entry = windows.Entry.of(body)
    in_window = body.get("view", {}).get("type") == "modal"
    opens = client.views_push if in_window else client.views_open
    desk.windows.submit(windows.open_filled, client, desk, entry, team, _filled(receipt), opens)
    ack()


def _filled(receipt: Receipt) -> form.Filled:
    request, text = receipt.request, receipt.text
    return form.Filled(
        request.team,
        request.channel,
        request.conversation_id,
        response=request.response,
        text=text if text and _may_be_typed(text) else None,
        corrects=request.key,
    )


def _may_be_typed(text: str) -> bool:
    """Whether it fits into the input, and means itself there: braces in it are somebody's words by now."""
    return size(text) <= SECTION and not variables(text) and malformed(text) is None
