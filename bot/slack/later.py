"""
What has not left yet: how long it waits, how it is taken back, and what is scheduled.

A button that takes back acts for its supervisor alone: the row knows who that is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.models import Receipt, State

from . import answers, messages, windows
from .blocks import Json, button, context, escape, message, section

CANCEL = "canned_cancel:"  # with a number behind it, as each button needs its own id
LISTED = 20

TOO_LATE = "Too late to take it back."


def register(app: App) -> None:
    app.action(messages.UNDO)(undo_pressed)
    app.action(re.compile(rf"{CANCEL}\d+"))(cancel_pressed)


def undo_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    receipt = desk.undo(body["user"]["id"], action["value"])
    ack()
    if "view" in body:
        windows.outcome_in(client, desk, body["view"]["id"])(receipt)
    else:
        answers.answer(body, client, desk, taken_back(receipt))


def cancel_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    user = body["user"]["id"]
    receipt = desk.undo(user, action["value"])
    ack()
    if receipt.state is State.CANCELLED:
        answers.answer(body, client, desk, scheduled(desk.scheduled(user)))
    else:
        answers.answer(body, client, desk, taken_back(receipt), replace=False)


def taken_back(receipt: Receipt) -> Json:
    """What became of a send that its supervisor wanted back."""
    said = messages.outcome(receipt)
    if receipt.state is State.CANCELLED:
        return said
    return message(TOO_LATE, [section(TOO_LATE), *said["blocks"]])


def scheduled(receipts: Sequence[Receipt]) -> Json:
    """This supervisor's sends for a later time, each with a button that cancels it."""
    if not receipts:
        return messages.note(
            "Nothing of yours waits for a later time. Schedule a message with `at 15:30` at the end."
        )
    rows = [
        section(row(r), accessory=button("Cancel", f"{CANCEL}{at}", r.key, about=messages.called(r.request)))
        for at, r in enumerate(receipts[:LISTED])
    ]
    more = len(receipts) - LISTED
    return message("Your scheduled messages", [*rows, *([context(f"And {more} more.")] if more > 0 else [])])


def row(receipt: Receipt) -> str:
    """One of them, in a line."""
    request = receipt.request
    when = messages.moment(request.not_before or receipt.changed_at)
    asked = " (waits for approval)" if receipt.awaits_approval else ""
    return f"{when} `{escape(request.response)}` to `{escape(request.conversation_id)}`{asked}"
