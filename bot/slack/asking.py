"""The clicks of a supervisor who is not in the chat, and of the agent who is asked."""

from __future__ import annotations

import re

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import SendAs

from . import answers, messages, questions, windows
from .blocks import Json


def register(app: App) -> None:
    app.action(re.compile(rf"{messages.WAY}({SendAs.AGENT}|{SendAs.SYSTEM})"))(way_pressed)
    app.action(questions.SEND)(send_pressed)
    app.action(questions.EDIT)(edit_pressed)
    app.action(questions.DECLINE)(decline_pressed)
    app.view(questions.EDITED)(edit_submitted)


def way_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    send_as = SendAs(action["action_id"].removeprefix(messages.WAY))
    request = desk.other_way(action["value"], body["user"]["id"], send_as)
    receipt = desk.claim(request)
    ack()
    if "view" in body:
        windows.work_in(client, desk, body["view"], receipt.request)
        desk.deliver_soon(receipt, then=windows.outcome_in(client, desk, body["view"]["id"]))
        return
    url, said = body["response_url"], messages.sending(receipt.request)
    answers.say(desk.windows, answers.by_url(client, url, said, replace=True))
    desk.deliver_soon(receipt, then=answers.outcome_to(url, client, desk))


def send_pressed(ack: Ack, body: Json, action: Json, desk: Desk) -> None:
    receipt = desk.asking.agree(action["value"], body["user"]["id"], answers.clicked_in(body)[1])
    ack()
    desk.deliver_soon(receipt)


def edit_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    ts = answers.clicked_in(body)[1]
    receipt = desk.asking.question(action["value"], body["user"]["id"], ts)
    answers.open_view(client, desk, body, questions.edit(receipt, ts))
    ack()


def decline_pressed(ack: Ack, body: Json, action: Json, desk: Desk) -> None:
    desk.asking.decline(action["value"], body["user"]["id"], answers.clicked_in(body)[1])
    ack()


def edit_submitted(ack: Ack, body: Json, view: Json, desk: Desk) -> None:
    key, ts, text = questions.edited(view)
    receipt = desk.asking.agree(key, body["user"]["id"], ts, text=text)
    ack()
    desk.deliver_soon(receipt)
