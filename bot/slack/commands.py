"""What `/canned` does when somebody types it."""

from __future__ import annotations

from functools import partial

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import Receipt

from . import answers, grammar, later, messages, picking, windows
from .blocks import Json
from .manifest import COMMAND

_LOOKING = "Looking up your time zone in Slack … Nothing is scheduled before you read so here."


def register(app: App) -> None:
    app.command(COMMAND)(canned_typed)


def canned_typed(ack: Ack, body: Json, client: WebClient, desk: Desk) -> None:
    match grammar.parse(body.get("text") or ""):
        case grammar.SendTyped() as typed:
            _send(ack, body, client, desk, typed)
        case grammar.OpenModal(conversation=typed):
            desk.windows.submit(windows.open_window, client, desk, windows.Entry.of(body, typed))
            ack()
        case grammar.Word.DISCONNECT:
            desk.connecting.require_linked(body["user_id"])
            desk.windows.submit(answers.when_found, body, client, desk, desk.connecting.disconnect)
            ack(**messages.note("Signing you out of Genesys …"))
        case command:
            ack(**_answer(desk, body["user_id"], command))


def _send(ack: Ack, body: Json, client: WebClient, desk: Desk, typed: grammar.SendTyped) -> None:
    agent = grammar.require_person(typed.conversation)
    if agent is not None:
        picking.agent_named(ack, body, client, desk, typed, agent)
        return
    if typed.at and not desk.times.knows(body["user_id"]):
        ack(**messages.note(_LOOKING))
        desk.previews.submit(picking.answer_with, body, client, desk, partial(_claim, body, desk, typed))
        return
    receipt, said = _claim(body, desk, typed)
    ack(**said)
    desk.deliver_soon(receipt, then=answers.outcome_to(body["response_url"], client, desk))


def _claim(body: Json, desk: Desk, typed: grammar.SendTyped) -> tuple[Receipt, Json]:
    user = body["user_id"]
    zone = desk.times.zone(user) if typed.at else ""  # once it is claimed, nothing may fail any more
    request = desk.start_request(
        user,
        body["channel_id"],
        conversation=typed.conversation,
        response=typed.response,
        values=typed.values,
        language=typed.language,
        at=desk.times.read(user, typed.at) if typed.at else None,
        click=f"command:{body['trigger_id']}",
    )
    receipt = desk.claim(request, asked_in=body["channel_id"])
    return receipt, messages.sending(receipt.request, zone)


def _answer(desk: Desk, user: str, command: grammar.Command) -> Json:
    match command:
        case grammar.ListResponses(words=words):
            return messages.responses(desk.search(user, None, words, limit=messages.LISTED + 1), words)
        case grammar.Word.CONNECT:
            return messages.connect("Connect Genesys to send as yourself.", desk.connecting.link(user))
        case grammar.Word.ME:
            return messages.me(desk.me(user), user)
        case grammar.Word.RECENT:
            return messages.recent(desk.recent(user))
        case grammar.Word.UNDO:
            return later.taken_back(desk.undo(user))
        case grammar.Word.SCHEDULED:
            return later.scheduled(desk.scheduled(user))
        case _:
            offered = {"connects": desk.connecting.is_offered, "lists": desk.conversations.are_listed}
            return messages.help_text(**offered)
