"""What a person reads when something was refused or broke before their click was acknowledged."""

from __future__ import annotations

import logging
import traceback
import uuid
from functools import partial

from slack_bolt import Ack, App, BoltResponse
from slack_sdk import WebClient

from bot import logs
from bot.canned.desk import Desk
from bot.canned.errors import Asked, AskFirst, CannedError, WhichTeam

from . import answers, messages, modal
from .blocks import Json
from .client import call

log = logging.getLogger(__name__)


def register(app: App) -> None:
    app.error(refused)


def refused(error: Exception, body: Json, ack: Ack, client: WebClient, desk: Desk) -> BoltResponse | None:
    """
    Answer a click whose handler raised, where its kind lets an answer be seen.

    The ack counts only as it is returned. None makes Slack deliver an event again.
    """
    said = _sentence(error)
    if body.get("type") == "event_callback":
        return None
    if body.get("type") == "view_submission":
        return ack(**modal.refusal(body["view"], error, said))
    if body.get("type") == "block_suggestion":
        return ack(options=[])
    if "command" in body:
        return ack(**_answer(error, said))
    if body.get("response_url"):
        replace = isinstance(error, Asked)  # a question takes the place of the one that was answered
        answered = answers.by_url(client, body["response_url"], _answer(error, said), replace=replace)
        answers.say(desk.windows, answered, answered, *_aside(client, body, _answer(error, said)))
    else:
        in_window = (body.get("view") or {}).get("type") == "modal"
        opens = client.views_push if in_window else client.views_open
        shown = partial(call, opens, trigger_id=body["trigger_id"], view=modal.notice(said))
        answers.say(desk.windows, shown, *_aside(client, body, messages.note(said)))
    return ack()


def told(error: CannedError) -> Json:
    """What the person reads where it came only after the ack."""
    return _answer(error, _sentence(error))


def _sentence(error: Exception) -> str:
    """The sentence for the person; what is not ours gets a reference that the log has too."""
    if isinstance(error, CannedError):
        log.info("refused: %s, correlation %s", type(error).__name__, error.correlation_id or "none")
        return str(error)
    reference = logs.click() or uuid.uuid4().hex[:8]
    trace = "".join(traceback.format_tb(error.__traceback__))  # without its words, which may be a customer's
    log.error("reference %s: %s\n%s", reference, type(error).__name__, trace)
    return (
        "Something in the bot failed, so nothing was sent. Try again in a minute; "
        f"if that fails too, give an operator this reference: `{reference}`."
    )


def _answer(error: Exception, said: str) -> Json:
    match error:
        case AskFirst():
            return messages.ask_again(said, error.draft)
        case WhichTeam():
            return messages.ask_team(said, error.draft, error.teams)
        case _:
            return messages.note(said)


def _aside(client: WebClient, body: Json, message: Json) -> list[answers.Way]:
    channel = (body.get("channel") or {}).get("id", "")
    return answers.aside(client, body["user"]["id"], message, channel)
