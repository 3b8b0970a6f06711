"""The button beside what was sent: the window again, with its text, for a message that sets it right."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import Receipt

from . import form, messages, windows
from .blocks import SECTION


def register(app: App) -> None:
    app.action(messages.CORRECT)(correct_pressed)


def correct_pressed(
    ack: Ack, body: dict[str, Any], action: dict[str, Any], client: WebClient, desk: Desk
) -> None:
    place, user = body["container"], body["user"]["id"]
    shown_to_one = "view" in body or place.get("is_ephemeral")
    receipt, team = desk.correcting.sent(
        action["value"],
        user,
        channel=place.get("channel_id", ""),
        ts="" if shown_to_one else place.get("message_ts", ""),
    )
    entry = windows.Entry.of(body)
    opens = client.views_push if "view" in body else client.views_open
    desk.windows.submit(windows.open_filled, client, desk, entry, team, _filled(receipt), opens)
    ack()


def _filled(receipt: Receipt) -> form.Filled:
    request, text = receipt.request, receipt.text
    return form.Filled(
        request.team,
        request.channel,
        request.conversation_id,
        response=request.response,
        text=text if text and len(text) <= SECTION else None,
        corrects=request.key,
    )
