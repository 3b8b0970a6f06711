"""The buttons below a conversation's card, and who clicks them."""

from __future__ import annotations

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import Standing, State

from . import actions, answers, later, windows
from .blocks import Json, button, buttons, link_button

SEND = "canned_card_send"
UNDO = "canned_card_undo"
OPEN = "canned_card_open"


def register(app: App) -> None:
    app.action(SEND)(send_pressed)
    app.action(UNDO)(undo_on_card_pressed)
    app.action(OPEN)(actions.page_opened)


def row(standing: Standing, page: str) -> list[Json]:
    """What can be done next in this conversation; `page` is its address in Genesys, "" if it has none."""
    latest, chat = standing.latest, standing.chat
    conversation = latest.request.conversation_id if latest else chat.conversation_id if chat else ""
    made = []
    if chat is None or chat.ended_at is None:
        made.append(button("Send another" if latest else "Send a response", SEND, conversation))
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
    answered = answers.by_url(client, body["response_url"], said)
    answers.say(desk.windows, answered, answered, *answers.aside(client, user, said, channel))
