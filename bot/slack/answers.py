"""
Answers that follow an ack, to one person alone, by whichever way Slack takes them.

    response_url of the click, twice ──▶ a note in the team's channel ──▶ a direct message

Somebody who clicked waits for the answer, so a way that fails is not the end of it: what
they may read twice is better than a "Sending …" that stays for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot.canned.desk import Desk
from bot.canned.errors import CannedError
from bot.canned.lanes import Lane
from bot.models import Receipt, State

from . import messages
from .blocks import Json
from .client import Limited, Refused, SlackFault, Unanswered, call

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds before the next way, where Slack does not name a time

_NO_WINDOW = "If no window has opened, Slack was too slow for it: press the button again."

Way = Callable[[], object]


def clicked_in(body: Mapping[str, Any]) -> tuple[str, str]:
    """The channel and the message that somebody clicked in; none for a click from anywhere else."""
    container = body["container"]
    return str(container.get("channel_id", "")), str(container.get("message_ts", ""))


def outcome_to(url: str, client: WebClient, desk: Desk) -> Callable[[Receipt], None]:
    """What shows a receipt to the person who typed or clicked; it leaves the sends' lane for that."""

    def show(receipt: Receipt) -> None:
        if receipt.state is State.CANCELLED and not receipt.draft:
            return  # whoever took it back has read so, and of every other end there is a direct message
        request, said = receipt.request, messages.outcome(receipt)
        answered = by_url(client, url, said)
        say(desk.windows, answered, answered, *aside(client, request.supervisor, said, request.channel))

    return show


def when_found(
    body: Mapping[str, Any], client: WebClient, desk: Desk, sentence: Callable[[str], str]
) -> None:
    """Answer with the sentence that takes a while to get for who typed, or with why there is none."""
    try:
        said = sentence(body["user_id"])
    except CannedError as exc:
        said = str(exc)
    answer(body, client, desk, messages.note(said))


def answer(
    body: Mapping[str, Any], client: WebClient, desk: Desk, message: Json, *, replace: bool = True
) -> None:
    """Say `message` to who typed or clicked; with `replace` in the place of what they were told last."""
    user = body.get("user_id") or body["user"]["id"]
    channel = body.get("channel_id") or body["channel"]["id"]
    answered = by_url(client, body["response_url"], message, replace=replace)
    say(desk.windows, answered, answered, *aside(client, user, message, channel))


def open_view(client: WebClient, desk: Desk, body: Mapping[str, Any], view: Json) -> None:
    """Open a window for the button that was pressed; where Slack does not, tell the person."""
    shown = partial(call, client.views_open, trigger_id=body["trigger_id"], view=view)
    channel = (body.get("channel") or {}).get("id", "")
    said = messages.note(_NO_WINDOW)
    say(desk.windows, shown, *aside(client, body["user"]["id"], said, channel))


def say(lane: Lane, *ways: Way) -> None:
    """`go` these ways on `lane`."""
    lane.submit(go, lane, *ways)


def go(lane: Lane, *ways: Way) -> None:
    """
    Go the first way now, the next ones on `lane`, until Slack takes one.

    A way raises SlackFault if Slack does not take it.
    """
    try:
        ways[0]()
    except SlackFault as exc:
        refused = isinstance(exc, Refused)  # then the same way again leads nowhere
        others = [way for way in ways[1:] if not refused or way is not ways[0]]
        log.log(logging.INFO if others or refused else logging.WARNING, "no late answer: %s", exc.error)
        if others:
            lane.later(_pause(exc), go, lane, *others)


def by_url(client: WebClient, url: str, message: Json, *, replace: bool = False) -> Way:
    """Through the response_url of a click, in the place of what was clicked if `replace`."""
    return partial(_respond, client, url, {**message, "replace_original": replace})


def aside(client: WebClient, user: str, message: Json, channel: str = "") -> list[Way]:
    """Without a response_url: a note in `channel` that only they see, else a direct message."""
    note = partial(call, client.chat_postEphemeral, channel=channel, user=user, **message)
    direct = partial(call, client.chat_postMessage, channel=user, **message)
    return [note, direct] if channel else [direct]


def _pause(fault: SlackFault) -> float:
    if isinstance(fault, Unanswered):
        return PAUSE
    return fault.retry_after if isinstance(fault, Limited) else 0.0


def _respond(client: WebClient, url: str, message: Json) -> None:
    hook = WebhookClient(url, client.timeout, client.ssl, client.proxy, retry_handlers=[])
    try:
        status = hook.send_dict(message).status_code
    except (OSError, HTTPException, UnicodeDecodeError) as exc:
        raise Unanswered(type(exc).__name__) from exc
    if status != 200:
        raise (Unanswered if status >= 500 or status == 429 else Refused)(f"status_{status}")
