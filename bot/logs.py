"""
What the bot writes about itself, as text or JSON.

`LOG_LEVEL` is for our own loggers alone: at DEBUG and INFO others log the bodies of
messages, so they stay at WARNING. Each line that a click leads to carries the click's id,
from Slack's request to those to Genesys: the beginning of its send's key, once there is one.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import uuid
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

OURS = "bot"
T = TypeVar("T")

_click: ContextVar[str] = ContextVar("click", default="")  # of each thread's work, not of the process


def new_click(job: Callable[..., T], *args: Any) -> T:
    """Do `job(*args)`, whose lines carry an id of their own."""
    return copy_context().run(_named, uuid.uuid4().hex, job, args)


def same_click(job: Callable[..., object]) -> Callable[..., object]:
    """`job`, to be done by another thread, with lines that carry the id that they would here."""
    context = copy_context()
    return lambda *args: context.copy().run(job, *args)


def about(key: str) -> None:
    """From here on it is about the send `key`, until the job ends."""
    _click.set(key[:8])


def click() -> str:
    """The id that a line would carry now, "" for none."""
    return _click.get()


def _named(key: str, job: Callable[..., T], args: tuple[Any, ...]) -> T:
    about(key)
    return job(*args)


class Lines(logging.Formatter):
    """An exception shows where it came from and its type; its words may be a customer's."""

    def format(self, record: logging.LogRecord) -> str:
        record.click = f"[{click()}] " if click() else ""
        return super().format(record)

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")


class JsonLines(Lines):
    """One JSON object a line: at, level, logger, message; click and trace, where there are such."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if click():
            line["click"] = click()
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str, style: str) -> None:
    """Log to standard error: ours at `level`, everybody else's from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    text = Lines("%(asctime)s %(levelname)s %(name)s: %(click)s%(message)s")
    handler.setFormatter(JsonLines() if style == "json" else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(OURS).setLevel(level)
    sys.excepthook = _unexpected
    # It warns whenever requests are more than threads, as they are in any burst of clicks.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def _unexpected(kind: type[BaseException], exc: BaseException, trace: TracebackType | None) -> None:
    """What ends the process is told like any other line: Python itself would print the error's words."""
    logging.getLogger(OURS).critical("ended by %s", kind.__name__, exc_info=(kind, exc, trace))
