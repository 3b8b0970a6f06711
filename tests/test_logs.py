"""The log shows our own words at the level asked for, and of others only what alarms."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bot.logs import JsonLines, Lines, set_up
from bot.sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
ROOMS = ("canned", "genesys", "slack")


def logged(level: str, style: str, code: str) -> list[str]:
    """What a process of its own writes to standard error: `set_up` changes the whole process."""
    lines = f"import logging\nfrom bot import logs\nlogs.set_up({level!r}, {style!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def record(message: str, *args: object) -> logging.LogRecord:
    made = logging.LogRecord("bot.canned", logging.INFO, "x.py", 1, message, args, None)
    made.created = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()
    return made


def test_json_line_has_time_level_logger_and_message() -> None:
    line = json.loads(JsonLines().format(record("send %s: %s", "k1", "sent")))

    assert line == {
        "at": "2026-02-03T04:05:06+00:00",
        "level": "INFO",
        "logger": "bot.canned",
        "message": "send k1: sent",
    }


@pytest.mark.parametrize("message", ["two\nlines", "a\r\nb", 'quo"ted', "\x1b[31mred", "{}", "Zoë ✓"])
def test_json_line_stays_one_line_and_keeps_every_character(message: str) -> None:
    line = JsonLines().format(record("%s", message))

    assert "\n" not in line
    assert json.loads(line)["message"] == message


@pytest.mark.parametrize("style", ["text", "json"])
def test_what_ends_the_process_is_told_where_it_came_from_and_without_its_words(style: str) -> None:
    code = "import sys\ntry: raise ValueError('s3cr3t')\nexcept ValueError: sys.excepthook(*sys.exc_info())"
    told = "\n".join(logged("CRITICAL", style, code))

    assert "ended by ValueError" in told
    assert 'File \\"<string>\\"' in told if style == "json" else 'File "<string>"' in told
    assert "s3cr3t" not in told


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("DEBUG", ["DEBUG", "INFO", "WARNING", "ERROR"]),
        ("INFO", ["INFO", "WARNING", "ERROR"]),
        ("WARNING", ["WARNING", "ERROR"]),
        ("ERROR", ["ERROR"]),
    ],
)
def test_our_loggers_speak_from_the_level_asked_for(level: str, shown: list[str]) -> None:
    lines = logged(
        level,
        "text",
        "for at in ('DEBUG', 'INFO', 'WARNING', 'ERROR'):\n"
        "    logging.getLogger('bot.canned.sending').log(getattr(logging, at), 'said')",
    )

    assert [line.split()[2] for line in lines] == shown
    assert all(line.endswith("bot.canned.sending: said") for line in lines)


@pytest.mark.parametrize("style", ["text", "json"])
def test_loggers_of_others_stay_at_warning_while_ours_debug(style: str) -> None:
    lines = logged(
        "DEBUG",
        style,
        "for name in ('slack_sdk.web', 'slack_bolt', 'urllib3', 'sqlalchemy', 'botanist'):\n"
        "    for level in (logging.DEBUG, logging.INFO, logging.WARNING):\n"
        "        logging.getLogger(name).log(level, 'level %s of %s', level, name)",
    )

    assert len(lines) == 5
    assert all("level 30 of" in line for line in lines)


def test_json_style_writes_one_object_a_line_to_standard_error() -> None:
    first, second = logged(
        "INFO", "json", "logging.getLogger('bot').info('one\\ntwo')\nlogging.getLogger('x').error('three')"
    )

    assert (json.loads(first)["message"], json.loads(first)["logger"]) == ("one\ntwo", "bot")
    assert (json.loads(second)["message"], json.loads(second)["level"]) == ("three", "ERROR")


def test_setting_up_twice_writes_each_line_once() -> None:
    lines = logged("INFO", "text", "logs.set_up('INFO', 'json')\nlogging.getLogger('bot').info('once')")

    assert [json.loads(line)["message"] for line in lines] == ["once"]


def raised() -> logging.LogRecord:
    made = record("a lane failed")
    try:
        int("Grace Hopper")
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


@pytest.mark.parametrize("style", [JsonLines(), Lines()], ids=["json", "text"])
def test_an_exception_shows_its_trace_and_type_without_its_words(style: logging.Formatter) -> None:
    line = style.format(raised())

    assert "in raised" in line
    assert "ValueError" in line
    assert "invalid literal" not in line  # the words, which quote the value


def test_json_line_with_a_trace_stays_one_line() -> None:
    assert "\n" not in JsonLines().format(raised())


# -- one click through the log


@pytest.fixture
def lines() -> Iterator[list[dict[str, str]]]:
    """What `LOG_FORMAT=json` writes from now on, at DEBUG."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    ours = logging.getLogger("bot")
    ours.setLevel(logging.DEBUG)
    ours.addHandler(handler)
    yield Written(written)
    ours.removeHandler(handler)


class Written(list[dict[str, str]]):
    def __init__(self, to: StringIO) -> None:
        self._to = to

    def __iter__(self) -> Iterator[dict[str, str]]:
        return map(json.loads, self._to.getvalue().splitlines())


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket mode"])
@pytest.mark.parametrize("api", ["platform", "events"])
def test_one_id_runs_from_the_click_to_the_request_to_genesys_and_the_post(
    make_sandbox: Callable[..., Sandbox], lines: list[dict[str, str]], socket_mode: bool
) -> None:
    sandbox = make_sandbox(socket_mode=socket_mode).start()
    slack = sandbox.slack
    sandbox.genesys.fault("GET /api/v2/conversations/{id}", "429", retry_after=1)
    sandbox.genesys.fault(sandbox.post, "status", status=500)
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    slack.types(slack.bob, f"/canned {sandbox.conversation} escalation", slack.channel)
    slack.types(slack.ann, "/canned nonsense escalation", slack.channel)
    sandbox.drain()

    [send] = sandbox.receipts()
    told: dict[str, list[str]] = {}
    for line in lines:
        told.setdefault(line.get("click", ""), []).append(f"{line['logger']} {line['message']}")
    about = told.pop(send.key[:8])
    for part in ("desk send", "transport genesys: GET", "transport genesys: POST", "sending send", "threads"):
        assert any(line.startswith(f"bot.{room}.{part}") for line in about for room in ROOMS), part
    assert not any("send" in line.split()[0] or send.key in line for line in told.pop("", []))
    refused = [line for each in told.values() for line in each if "refused" in line]
    assert len(told) == len(refused) == 2  # an id each, and nobody else's


def test_a_queue_of_clicks_is_no_news() -> None:
    lines = logged("INFO", "text", "logging.getLogger('waitress.queue').warning('Task queue depth is 1')")

    assert lines == []


# -- the ears that hear every test


def heard(ears: Any, said: str) -> list[str]:
    logging.getLogger("bot.canned").debug("%s", said)
    return list(ears.leaks())


LEAKS = {
    "a token of Slack's": "asked with xoxb-sandbox",
    "a token of Genesys'": "Bearer 7Jx0bN4x9T3oQ2rW8yZ1kLmPvAqEs5Hd",
    "a key": "opens with q5Lr2b8Wn0_Xy7KcVtEo4JmZ1hGd9Ru6PfSa3iTeBwY=",
    "a signed state": "back with ImFiY2QtZWZnSElKSzAxMjM0NTY3ODki.aGVsbG8",
    "an address": "no link for ann.lee@example.com",
}


@pytest.mark.parametrize("said", LEAKS.values(), ids=LEAKS.keys())
def test_a_line_with_a_secret_is_heard_in_any_test(ears: Any, said: str) -> None:
    [leak] = heard(ears, said)

    assert said in leak


@pytest.mark.parametrize("who", ["bot.canned", "slack_bolt"])
def test_a_line_with_what_this_tests_people_say_or_are_called_is_heard(
    ears: Any, sandbox: Sandbox, who: str
) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} greeting topic=marked-value", slack.channel)
    sandbox.genesys.customer_writes(sandbox.conversation, "My card is 4111")
    sandbox.drain()
    [sent] = sandbox.genesys.received

    for said in ("marked-value", "My card is 4111", sent.text, "Grace Hopper", "Ann Lee", *secrets(sandbox)):
        logging.getLogger(who).warning("so it goes: %s.", said)
        ears.told_by(sandbox)
        assert f"{who}: so it goes: {said}." in "\n".join(ears.leaks()), said


def secrets(sandbox: Sandbox) -> list[str]:
    return [sandbox.slack.signing_secret, sandbox.genesys.client_secret, *sandbox.genesys.tokens]


def test_setting_logging_up_anew_closes_no_ears(ears: Any) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    set_up("DEBUG", "text")
    root.handlers[:], root.level = before, level

    assert heard(ears, "xoxb-1") != []


def test_what_a_bot_of_its_own_process_writes_is_heard(
    ears: Any, make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox().open()
    (sandbox.folder / "1.log").write_text("bot.canned: Hello Grace Hopper\n", encoding="utf-8")
    ears.told_by(sandbox)
    (sandbox.folder / "1.log").unlink()

    assert ears.leaks() == ["'Grace Hopper' in 'bot.canned: Hello Grace Hopper'"]


def test_what_the_bot_does_say_is_no_leak(ears: Any) -> None:
    assert heard(ears, "send 6f0c2d7e-6f0b-4d7e-9c53-2f0a4b1f7c11: Unavailable, correlation none") == []
