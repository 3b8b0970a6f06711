"""Clicks inside windows, and on the buttons of a question."""

from __future__ import annotations

import re

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import SendRequest

from . import answers, later, messages, modal, windows
from .blocks import Json

_LEFT = "Left at that: nothing was sent a second time."


def register(app: App) -> None:
    changed = (modal.CONVERSATION, modal.RESPONSE, modal.MESSAGE, modal.LANGUAGE, modal.PREVIEW)
    app.action(re.compile("|".join(changed)))(window_changed)
    app.action(re.compile(rf"{modal.VALUE}.+", re.DOTALL))(window_changed)
    app.action(re.compile(rf"{modal.TEAM}\d+"))(window_team_pressed)
    app.action(re.compile(rf"{messages.TEAM}:\d+"))(team_pressed)
    app.action(messages.CONNECT)(page_opened)
    app.action(re.compile(f"{messages.AGAIN}|{messages.ANYWAY}"))(again_pressed)
    app.action(messages.NOT_AGAIN)(not_again_pressed)


def window_changed(ack: Ack, body: Json, client: WebClient, desk: Desk) -> None:
    desk.windows.submit(windows.refresh, client, desk, body["view"], body["user"]["id"])
    ack()


def window_team_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    desk.windows.submit(windows.open_for_team, client, desk, body["view"], body["user"]["id"], action)
    ack()


def page_opened(ack: Ack) -> None:
    """The browser has opened the page already."""
    ack()


def again_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    kind = "anyway" if action["action_id"] == messages.ANYWAY else "again"
    request = desk.answer(action["value"], body["user"]["id"], body["channel"]["id"], kind=kind)
    send_answered(ack, body, client, desk, request)


def team_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    draft, _, team = action["value"].partition(":")
    request = desk.answer(draft, body["user"]["id"], body["channel"]["id"], kind="team", team=team)
    send_answered(ack, body, client, desk, request)


def not_again_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    receipt = desk.leave(action["value"], body["user"]["id"], body["channel"]["id"])
    said = later.taken_back(receipt) if receipt else messages.note(_LEFT)
    answers.say(desk.windows, answers.by_url(client, body["response_url"], said, replace=True))
    ack()


def send_answered(ack: Ack, body: Json, client: WebClient, desk: Desk, request: SendRequest) -> None:
    """Claim what a question was about, and put what becomes of it in the question's place."""
    receipt = desk.claim(request, asked_in=body["channel"]["id"])
    ack()
    url, said = body["response_url"], messages.sending(receipt.request)
    answers.say(desk.windows, answers.by_url(client, url, said, replace=True))
    desk.deliver_soon(receipt, then=answers.outcome_to(url, client, desk))
