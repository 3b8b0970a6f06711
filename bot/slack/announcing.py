"""Chats that were announced in a channel: their card, and its button."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import Chat

from . import windows
from .blocks import Json, button, buttons, context, escape, message, section, short
from .messages import moment

SEND = "canned_announced"


def register(app: App) -> None:
    app.action(SEND)(announced_pressed)


def announced_pressed(
    ack: Ack, body: dict[str, Any], action: dict[str, Any], client: WebClient, desk: Desk
) -> None:
    desk.require_announced(action["value"], body["channel"]["id"], body["message"]["ts"])
    desk.windows.submit(windows.open_window, client, desk, windows.Entry.of(body, action["value"]))
    ack()


def card(chat: Chat, sent: Json) -> Json:
    """The card of a chat that was announced; `sent` is what it says of the messages sent so far."""
    where = f" in {escape(short(chat.queue, 150))}" if chat.queue else ""
    head = f"*Conversation* `{escape(chat.conversation_id)}`"
    begun = f":speech_balloon: *New chat*{where} · {moment(chat.started_at)}"
    above = sent or message(f"New chat{where}: {head}", [section(head)])
    return message(above["text"], [*above["blocks"], context(begun), *_below(chat)])


def _below(chat: Chat) -> list[Json]:
    if chat.ended_at is not None:
        return [context(f":checkered_flag: *Ended* · {moment(chat.ended_at)}")]
    return buttons([button("Send a response", SEND, chat.conversation_id)])
