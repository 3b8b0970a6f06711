"""What the group that approves is asked in the team's thread: may this text go out? Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.canned.approving import REASON
from bot.canned.catalog import Show
from bot.models import Receipt, State

from . import messages
from .blocks import Json, button, buttons, context, escape, excerpt, message, plain, section

APPROVE = "canned_approve"
REJECT = "canned_reject"
REVIEW = "canned_review"
REJECTED = "canned_rejected"


def question(receipt: Receipt, *, group: str, show: Show, title: str, who: str) -> Json:
    """Whether `group` lets this text leave; where the thread may not show it, a window does."""
    what, by = messages.shown(receipt.request, show, title), messages.by(receipt.request, who)
    head = f":raised_hand: <!subteam^{group}>: {by} asks for approval of {what}."
    shown = show is Show.TEXT
    choices = [button("Approve", APPROVE, receipt.key, primary=True), button("Reject", REJECT, receipt.key)]
    review = [] if shown else [button("Review", REVIEW, receipt.key)]
    until = f" until {messages.moment(receipt.gate_until)}" if receipt.gate_until else ""
    note = f"This exact text goes to the customer if one of you, but not who asked, approves it{until}."
    return message(
        head,
        [
            section(head),
            *(excerpt(receipt.text or "-") if shown else []),
            context(note),
            *buttons([*review, *choices]),
        ],
    )


def answered(receipt: Receipt, *, show: Show, title: str, who: str) -> Json:
    """What stands in the place of the question once it was decided, or nobody decided it in time."""
    what, by = messages.shown(receipt.request, show, title), messages.by(receipt.request, who)
    if receipt.approved_by:
        head = f":white_check_mark: *Approved* by <@{receipt.approved_by}>: {what}, for {by}."
    elif receipt.state is State.PENDING:
        head = f"{messages.headline(receipt.state)}: {what}, for {by}."
    else:
        why = f" {escape(receipt.reason)}" if receipt.reason else ""
        head = f"{messages.headline(receipt.state)}: {what}, for {by}.{why}"
    text = receipt.text if show is Show.TEXT else None
    return message(head, [section(head), *(excerpt(text) if text else [])])


def review(receipt: Receipt) -> Json:
    """The window with the whole text, for members of the group alone."""
    note = context("The buttons to approve or reject it are in the thread.")
    return _window("Text to approve", [*excerpt(receipt.text or "-"), note])


def why(receipt: Receipt, ts: str) -> Json:
    """The window that asks for the reason; `ts` is the question's."""
    about = {"key": receipt.key, "channel": receipt.request.channel, "ts": ts}
    return _window(
        "Reject",
        [
            {
                "type": "input",
                "block_id": "reason",
                "label": plain("Reason"),
                "element": {
                    "type": "plain_text_input",
                    "action_id": REJECTED,
                    "multiline": True,
                    "max_length": REASON,
                },
            },
            context(f"<@{receipt.request.supervisor}> and the team's thread read it. Nothing is sent."),
        ],
    ) | {"callback_id": REJECTED, "submit": plain("Reject"), "private_metadata": json.dumps(about)}


def rejected(view: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """The key of the send, where it was asked about (channel and ts), and the reason."""
    about = json.loads(view["private_metadata"])
    reason = view["state"]["values"]["reason"][REJECTED].get("value") or ""
    return about["key"], about["channel"], about["ts"], reason


def _window(title: str, blocks: list[Json]) -> Json:
    return {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": blocks}
