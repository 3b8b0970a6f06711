"""What an agent is asked in a direct message: may this text go out in your name? Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.models import Receipt, State

from . import messages
from .blocks import SECTION, Json, button, buttons, context, escape, excerpt, message, plain, section, size

SEND = "canned_agent_send"
EDIT = "canned_agent_edit"
DECLINE = "canned_agent_decline"
EDITED = "canned_agent_edited"

_ENDED = {
    State.PENDING: "Waiting",
    State.SENDING: "Sending it as you …",
    State.SENT: "Sent, as you",
}


def question(receipt: Receipt, *, editable: bool) -> Json:
    """Whether the agent lets this text leave in their name; `editable`: they may change it first."""
    head = (
        f"{_asks(receipt)} to send this to the customer in conversation "
        f"`{escape(receipt.request.conversation_id)}`, as you:"
    )
    choices = [button("Send", SEND, receipt.key, primary=True)]
    if editable and size(receipt.text or "") <= SECTION:
        choices.append(button("Edit", EDIT, receipt.key))
    choices.append(button("Decline", DECLINE, receipt.key))
    until = f" until {messages.moment(receipt.gate_until)}" if receipt.gate_until else ""
    note = context(f"Nothing is sent unless you press *Send*{until}.")
    return message(head, [section(head), *excerpt(receipt.text or "-"), note, *buttons(choices)])


def answered(receipt: Receipt) -> Json:
    """What stands in the place of the question once it was answered, or nobody answered it."""
    sign, _, _ = messages.headline(receipt.state).partition(" ")
    how = _ENDED.get(receipt.state, receipt.state.word.capitalize())
    why = f" {escape(receipt.reason)}" if receipt.reason else ""
    head = (
        f"{sign} *{how}*: what {_supervisor(receipt)} asked you to send to the customer in conversation "
        f"`{escape(receipt.request.conversation_id)}`.{why}"
    )
    return message(head, [section(head), *(excerpt(receipt.text) if receipt.text else [])])


def edit(receipt: Receipt, ts: str) -> Json:
    """The window to change the text in before it goes; `ts` is the question's."""
    return {
        "type": "modal",
        "callback_id": EDITED,
        "title": plain("Edit and send"),
        "submit": plain("Send as me"),
        "close": plain("Cancel"),
        "private_metadata": json.dumps({"key": receipt.key, "ts": ts}),
        "blocks": [
            {
                "type": "input",
                "block_id": "message",
                "label": plain("Message"),
                "element": {
                    "type": "plain_text_input",
                    "action_id": EDITED,
                    "multiline": True,
                    "max_length": SECTION,
                    "initial_value": receipt.text or "",
                },
            },
            context(f"{_supervisor(receipt)} and the team see that you changed it."),
        ],
    }


def edited(view: Mapping[str, Any]) -> tuple[str, str, str]:
    """The key of the send, the question's ts, and the text as the agent has it now."""
    about = json.loads(view["private_metadata"])
    text = view["state"]["values"]["message"][EDITED].get("value") or ""
    return about["key"], about["ts"], text.replace("\r", "")


def _asks(receipt: Receipt) -> str:
    by = "An operator asks you for " if receipt.request.by_operator else ""
    return f"{by}{_supervisor(receipt)}{'' if by else ' asks you'}"


def _supervisor(receipt: Receipt) -> str:
    return f"<@{receipt.request.supervisor}>"
