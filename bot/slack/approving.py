"""The clicks of whoever approves or rejects what somebody else wants to send."""

from __future__ import annotations

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk

from . import answers, approvals
from .blocks import Json


def register(app: App) -> None:
    app.action(approvals.APPROVE)(approve_pressed)
    app.action(approvals.REJECT)(reject_pressed)
    app.action(approvals.REVIEW)(review_pressed)
    app.view(approvals.REJECTED)(reason_given)


def approve_pressed(ack: Ack, body: Json, action: Json, desk: Desk) -> None:
    receipt = desk.approving.approve(action["value"], body["user"]["id"], *answers.clicked_in(body))
    ack()
    desk.deliver_soon(receipt)


def reject_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    receipt = desk.approving.question(action["value"], body["user"]["id"], *answers.clicked_in(body))
    answers.open_view(client, desk, body, approvals.why(receipt, answers.clicked_in(body)[1]))
    ack()


def review_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    receipt = desk.approving.question(action["value"], body["user"]["id"], *answers.clicked_in(body))
    answers.open_view(client, desk, body, approvals.review(receipt))
    ack()


def reason_given(ack: Ack, body: Json, view: Json, desk: Desk) -> None:
    key, channel, ts, reason = approvals.rejected(view)
    desk.approving.reject(key, body["user"]["id"], channel, ts, reason)
    ack()
