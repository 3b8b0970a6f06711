"""What `/canned` does when somebody types it."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk

from . import answers, grammar, messages, picking, windows
from .blocks import Json
from .manifest import COMMAND

_NOT_SCHEDULED = (
    "Nothing waits for a later time: every message leaves at once. `/canned recent` shows your last sends."
)


def register(app: App) -> None:
    app.command(COMMAND)(canned_typed)


def canned_typed(ack: Ack, body: dict[str, Any], client: WebClient, desk: Desk) -> None:
    match grammar.parse(body.get("text") or ""):
        case grammar.SendTyped() as typed:
            _send(ack, body, client, desk, typed)
        case grammar.OpenModal(conversation=typed):
            desk.windows.submit(windows.open_window, client, desk, windows.Entry.of(body, typed))
            ack()
        case grammar.Disconnect():
            desk.require_linked(body["user_id"])
            url, user = body["response_url"], body["user_id"]
            desk.windows.submit(answers.when_found, url, client, desk, user, desk.disconnect)
            ack(**messages.note("Signing you out of Genesys …"))
        case command:
            ack(**_answer(desk, body["user_id"], command))


def _send(ack: Ack, body: dict[str, Any], client: WebClient, desk: Desk, typed: grammar.SendTyped) -> None:
    agent = grammar.require_person(typed.conversation)
    if agent is not None:
        picking.agent_named(ack, body, client, desk, typed, agent)
        return
    request = desk.start_request(
        body["user_id"],
        body["channel_id"],
        conversation=typed.conversation,
        response=typed.response,
        values=typed.values,
        language=typed.language,
        click=f"command:{body['trigger_id']}",
    )
    receipt = desk.claim(request, asked_in=body["channel_id"])
    ack(**messages.sending(receipt.request))
    desk.deliver_soon(receipt.key, then=answers.outcome_to(body["response_url"], client, desk))


def _answer(desk: Desk, user: str, command: grammar.Command) -> Json:
    match command:
        case grammar.ListResponses(words=words):
            return messages.responses(desk.search(user, None, words, limit=messages.LISTED + 1), words)
        case grammar.Connect():
            return messages.connect("Connect Genesys to send as yourself.", desk.connect_link(user))
        case grammar.Me():
            return messages.me(desk.me(user), user)
        case grammar.Recent():
            return messages.recent(desk.recent(user))
        case grammar.Undo():
            return messages.outcome(desk.undo(user))
        case grammar.Help():
            return messages.help_text(connects=desk.connecting.is_offered)
        case _:
            return messages.note(_NOT_SCHEDULED)
