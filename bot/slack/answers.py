"""Answers that follow an ack: through the response_url that came with the click."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from slack_bolt import Respond

from bot.canned.errors import CannedError
from bot.models import Receipt

from . import messages
from .blocks import Json

log = logging.getLogger(__name__)


def outcome_to(respond: Respond) -> Callable[[Receipt], None]:
    """What shows a receipt to the person who typed or clicked."""
    return partial(_show_outcome, respond)


def answer(respond: Respond, message: Json, replace: bool) -> None:
    """Say `message` to the person alone, in the place of what they clicked if `replace`."""
    said = respond(**message, replace_original=replace)
    if said.status_code != 200:
        log.warning("Slack took no late answer: %s", said.status_code)


def say(respond: Respond, sentence: Callable[[str], str], user: str) -> None:
    """Answer with the sentence that takes a while to get for `user`, or with why there is none."""
    try:
        said = sentence(user)
    except CannedError as exc:
        said = str(exc)
    answer(respond, messages.note(said), True)


def _show_outcome(respond: Respond, receipt: Receipt) -> None:
    answer(respond, messages.outcome(receipt), False)
