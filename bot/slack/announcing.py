"""The card of a chat that was announced in a channel. Pure."""

from __future__ import annotations

from bot.models import Chat

from .blocks import Json, context, escape, message, section, short
from .messages import moment


def card(chat: Chat, sent: Json) -> Json:
    """What the card says of the chat; `sent` is what it says of the messages sent so far."""
    where = f" in {escape(short(chat.queue, 150))}" if chat.queue else ""
    head = f"*Conversation* `{escape(chat.conversation_id)}`"
    begun = f":speech_balloon: *New chat*{where} · {moment(chat.started_at)}"
    heard = [context(begun)] if chat.ended_at != chat.started_at else []  # else of its end alone
    ended = f":checkered_flag: *Ended* · {moment(chat.ended_at)}" if chat.ended_at else ""
    above = sent or message(f"New chat{where}: {head}", [section(head)])
    return message(above["text"], [*above["blocks"], *heard, *([context(ended)] if ended else [])])
