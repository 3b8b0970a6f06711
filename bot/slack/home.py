"""App Home: one supervisor's own page, from which everything can be done that can be typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.catalog import Response
from bot.canned.desk import Desk
from bot.canned.errors import CannedError
from bot.models import Receipt, State

from . import answers, later, messages, modal, windows
from .blocks import Json, button, buttons, context, divider, escape, quiet, section, short

if TYPE_CHECKING:
    from bot.canned.glance import Glance, Used

    from .homes import Homes

SEND = "canned_home_send"
CHOSEN = "canned_home_chosen:"  # with a number behind it, as each button needs its own id
BACK = "canned_home_back:"
CONNECT = "canned_home_connect"
DISCONNECT = "canned_home_disconnect"
REFRESH = "canned_home_refresh"
HELP = "canned_home_help"
LISTED = 5  # of what waits, and of what is scheduled


def register(app: App) -> None:
    app.event("app_home_opened")(home_opened)
    app.action(REFRESH)(refresh_pressed)
    app.action(re.compile(rf"{SEND}|{CHOSEN}\d+"))(send_pressed)
    app.action(re.compile(rf"{BACK}\d+"))(back_pressed)
    app.action(CONNECT)(connect_pressed)
    app.action(DISCONNECT)(disconnect_pressed)
    app.action(HELP)(help_pressed)


# -- what it shows -------------------------------------------------------------------------


def view(glance: Glance, note: str = "") -> Json:
    """Everything that concerns one supervisor; `note` says what became of their last click."""
    return _home(
        [
            *([section(escape(note)), divider()] if note else []),
            section(_who(glance)),
            *buttons(_general(glance)),
            *_listed("Waiting", [_pending(at, r) for at, r in enumerate(glance.waiting)]),
            *_listed("Scheduled", [_planned(at, r) for at, r in enumerate(glance.scheduled)]),
            *_listed("Your most used responses", [_used(at, *u) for at, u in enumerate(glance.used)]),
            *_listed("Recent", [_ended(at, r) for at, r in enumerate(glance.recent)], most=10),
        ]
    )


def nothing(sentence: str) -> Json:
    """The Home of somebody of whom nothing can be said just now."""
    return _home([section(escape(sentence)), *buttons([_refresh()])])


def _home(blocks: list[Json]) -> Json:
    return {"type": "home", "blocks": blocks}


def _who(glance: Glance) -> str:
    who = messages.linked_as(
        glance.link,
        glance.user,
        may_be_found=glance.may_be_found,
        needs_connecting=glance.needs_connecting,
    )
    return f"{who}\n{messages.teams(glance.teams)}"


def _general(glance: Glance) -> list[Json]:
    send = [button("Send a response", SEND, "-", primary=True)] if glance.teams else []
    return [*send, *_account(glance), _refresh(), button("Help", HELP, "-")]


def _account(glance: Glance) -> list[Json]:
    if glance.is_connected:
        return [button("Disconnect Genesys", DISCONNECT, "-")]
    return [button("Connect Genesys", CONNECT, "-")] if glance.needs_connecting else []


def _refresh() -> Json:
    return button("Refresh", REFRESH, "-")


def _listed(title: str, rows: Sequence[Json], *, most: int = LISTED) -> list[Json]:
    if not rows:
        return []
    more = [context(f"And {len(rows) - most} more.")] if len(rows) > most else []
    return [divider(), section(f"*{title}*"), *rows[:most], *more]


def _pending(at: int, receipt: Receipt) -> Json:
    undo = _button("Undo", f"{BACK}{at}", receipt) if receipt.state is State.PENDING else None
    return section(_line(receipt), accessory=undo)


def _planned(at: int, receipt: Receipt) -> Json:
    return section(later.row(receipt), accessory=_button("Cancel", f"{BACK}{100 + at}", receipt))


def _used(at: int, response: Response, used: Used) -> Json:
    times = "once" if used.sent == 1 else f"{used.sent:,} times"
    others = {"edited before": used.edited, "not sent": used.not_sent, "unknown": used.unknown}
    said = [f"sent {times} in 30 days", *(f"{count:,} {what}" for what, count in others.items() if count)]
    head = f"`{escape(response.key)}` *{quiet(short(response.title, 60))}*"
    send = button("Send", f"{CHOSEN}{at}", response.key, about=response.title)
    return section(f"{head} · {', '.join(said)}", accessory=send)


def _ended(at: int, receipt: Receipt) -> Json:
    if receipt.state is State.SENT:
        correct = _button("Send correction", f"{messages.CORRECT}:{at}", receipt)
        return section(_line(receipt), accessory=correct)
    return section(_line(receipt))


def _button(label: str, action_id: str, receipt: Receipt) -> Json:
    return button(label, action_id, receipt.key, about=messages.called(receipt.request))


def _line(receipt: Receipt) -> str:
    return f"{messages.listed(receipt)}{messages.settled_where(receipt.state, receipt)}"


# -- what is clicked there -----------------------------------------------------------------


def home_opened(ack: Ack, event: Json, desk: Desk, homes: Homes) -> None:
    if event.get("tab") == "home":
        desk.windows.submit(homes.show, event["user"], desk.glances.of)
    ack()


def refresh_pressed(ack: Ack, body: Json, desk: Desk, homes: Homes) -> None:
    desk.windows.submit(homes.show, body["user"]["id"], desk.glances.of)
    ack()


def send_pressed(ack: Ack, body: Json, action: Json, client: WebClient, desk: Desk) -> None:
    chosen = action["value"] if action["action_id"] != SEND else ""
    entry = windows.Entry.of(body, response=chosen)
    desk.windows.submit(windows.open_window, client, desk, entry)
    ack()


def back_pressed(ack: Ack, body: Json, action: Json, desk: Desk, homes: Homes) -> None:
    """Take back what waits, or cancel what is scheduled."""
    user = body["user"]["id"]
    receipt = desk.undo(user, action["value"])
    ack()
    note = "" if receipt.state is State.CANCELLED else later.TOO_LATE
    desk.windows.submit(homes.show, user, desk.glances.of, note)


def connect_pressed(ack: Ack, body: Json, client: WebClient, desk: Desk) -> None:
    answers.open_view(client, desk, body, modal.connect(desk.connecting.link(body["user"]["id"])))
    ack()


def disconnect_pressed(ack: Ack, body: Json, desk: Desk, homes: Homes) -> None:
    user = body["user"]["id"]
    desk.connecting.require_linked(user)
    desk.windows.submit(_disconnect, desk, homes, user)
    ack()


def help_pressed(ack: Ack, body: Json, client: WebClient, desk: Desk) -> None:
    shown = modal.help_window(connects=desk.connecting.is_offered, lists=desk.conversations.are_listed)
    answers.open_view(client, desk, body, shown)
    ack()


def _disconnect(desk: Desk, homes: Homes, user: str) -> None:
    try:
        said = desk.connecting.disconnect(user)
    except CannedError as exc:
        said = str(exc)
    homes.show(user, desk.glances.of, said)
