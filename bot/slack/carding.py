"""A conversation's card: what it says of an announced chat, the buttons below it, and who clicks them."""

from __future__ import annotations

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import Chat, Standing, State

from . import actions, answers, later, windows
from .blocks import Json, button, buttons, context, escape, link_button, message, section, short
from .messages import conversation, moment

SEND = "canned_card_send"
UNDO = "canned_card_undo"
OPEN = "canned_card_open"


def register(app: App) -> None:
    app.action(SEND)(send_pressed)
    app.action(UNDO)(undo_on_card_pressed)
    app.action(OPEN)(actions.page_opened)


def announced(chat: Chat, sent: Json) -> Json:
    """What the card says of the chat; `sent` is what it says of the messages sent so far."""
    where = f" in {escape(short(chat.queue, 150))}" if chat.queue else ""
    head = conversation(chat.conversation_id)
    begun = f":speech_balloon: *New chat*{where} · {moment(chat.started_at)}"
    heard = [context(begun)] if chat.ended_at != chat.started_at else []  # else of its end alone
    ended = [context(f":checkered_flag: *Ended* · {moment(chat.ended_at)}")] if chat.ended_at else []
    above = sent["blocks"] if sent else [section(head)]
    return message(head, [*above, *heard, *ended])


def row(standing: Standing, page: str) -> list[Json]:
    """What can be done next in this conversation; `page` is its address in Genesys, "" if it has none."""
    latest, chat = standing.latest, standing.chat
    here = latest.request.conversation_id if latest else chat.conversation_id if chat else ""
    made = []
    if chat is None or chat.ended_at is None:
        made.append(button("Send another" if latest else "Send a response", SEND, here))
    if latest is not None and latest.state is State.PENDING:
        made.append(button("Undo", UNDO, latest.key))
    if page:
        made.append(link_button("Open in Genesys", OPEN, page, primary=False))
    return buttons(made)


def send_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    desk.cards.require_open(action["value"], *answers.clicked_in(body))
    desk.windows.submit(windows.open_window, client, desk, windows.Entry.of(body, action["value"]))
    ack()


def undo_on_card_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    """Take it back and say so to whoever clicked: the card itself changes by what was written down."""
    channel, ts = answers.clicked_in(body)
    user = body["user"]["id"]
    desk.cards.require_own(action["value"], user, channel, ts)
    said = later.taken_back(desk.undo(user, action["value"]))
    ack()
    answers.answer(body, client, desk, said, replace=False)
