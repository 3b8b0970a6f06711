"""Choosing a live conversation instead of typing its id: by naming its agent, or from a list."""

from __future__ import annotations

import re
from collections.abc import Callable

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.canned.errors import CannedError, ConnectFirst, WhichTeam
from bot.models import Receipt

from . import actions, answers, errors, live, messages, windows
from .blocks import Json, message
from .grammar import SendTyped

_SEVERAL = "There are several live conversations. Which one is it for?"


def register(app: App) -> None:
    app.action(re.compile(rf"{live.USE}\d+"))(use_pressed)
    app.action(re.compile(rf"{live.PICK}\d+"))(pick_pressed)


def use_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    desk.windows.submit(windows.use, client, desk, body["view"], body["user"]["id"], action["value"])
    ack()


def pick_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    draft, _, conversation = action["value"].partition(":")
    user, channel = body["user"]["id"], body["channel"]["id"]
    request = desk.answer(draft, user, channel, kind="conversation", conversation=conversation)
    actions.send_answered(ack, body, client, desk, request)


def agent_named(ack: Ack, body: Json, client: WebClient, desk: Desk, typed: SendTyped, agent: str) -> None:
    """`/canned @bob escalation`: what memory can say against it, then the look for the conversation."""
    _require_response(desk, body, typed)
    ack(
        **message(
            f"Looking for the live conversation of <@{agent}> … Nothing is sent before you read so here."
        )
    )
    desk.previews.submit(_send_to, body, client, desk, typed, agent)


def answer_with(body: Json, client: WebClient, desk: Desk, claim: Callable[[], tuple[Receipt, Json]]) -> None:
    """Claim what takes a look around first, after the ack, and say in its place what became of it."""
    try:
        receipt, said = claim()
    except CannedError as exc:
        answers.answer(body, client, desk, errors.told(exc))
        return
    answers.answer(body, client, desk, said)
    desk.deliver_soon(receipt, then=answers.outcome_to(body["response_url"], client, desk))


def _require_response(desk: Desk, body: Json, typed: SendTyped) -> None:
    try:
        team = desk.team_for(body["user_id"], body["channel_id"])
    except WhichTeam:
        return  # asked once the conversation is known
    desk.response(typed.response, team)


def _send_to(body: Json, client: WebClient, desk: Desk, typed: SendTyped, agent: str) -> None:
    try:
        _find_and_send(body, client, desk, typed, agent)
    except ConnectFirst as exc:
        link = desk.connecting.link(body["user_id"])
        said = f"{exc} Nothing was sent: type this again then."
        answers.answer(body, client, desk, messages.connect(said, link))
    except CannedError as exc:
        answers.answer(body, client, desk, errors.told(exc))


def _find_and_send(body: Json, client: WebClient, desk: Desk, typed: SendTyped, agent: str) -> None:
    user, channel, click = body["user_id"], body["channel_id"], f"command:{body['trigger_id']}"
    asked: Json = {
        "response": typed.response,
        "values": typed.values,
        "language": typed.language,
        "at": desk.times.read(user, typed.at) if typed.at else None,
        "click": click,
    }
    zone = desk.times.zone(user) if typed.at else ""  # once it is claimed, nothing may fail any more
    found = desk.conversations.of_agent(user, agent)
    match found.choices:
        case []:
            answers.answer(body, client, desk, messages.note(found.note))
        case [choice]:
            request = desk.start_request(user, channel, conversation=choice.id, **asked)
            receipt = desk.claim(request, asked_in=channel)
            answers.answer(body, client, desk, messages.sending(receipt.request, zone))
            desk.deliver_soon(receipt, then=answers.outcome_to(body["response_url"], client, desk))
        case choices:
            draft = desk.ask_conversation(user, channel, choices, **asked)
            answers.answer(body, client, desk, live.question(_SEVERAL, draft, choices))
