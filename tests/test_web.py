"""The bot's own HTTP, asked as a watcher or a stranger would."""

from __future__ import annotations

import requests

from bot.sandbox.sandbox import Sandbox


def url(sandbox: Sandbox, path: str) -> str:
    return f"http://127.0.0.1:{sandbox.bot.listener.port}{path}"


def test_alive_and_ready_say_so(sandbox: Sandbox) -> None:
    assert requests.get(url(sandbox, "/healthz"), timeout=5).json() == {"alive": True}
    ready = requests.get(url(sandbox, "/readyz"), timeout=5)
    assert (ready.status_code, ready.json()) == (200, {"database": True, "slack": True})


def test_a_database_that_is_gone_is_not_ready(sandbox: Sandbox) -> None:
    sandbox.bot.parts.store.close()

    ready = requests.get(url(sandbox, "/readyz"), timeout=5)

    assert (ready.status_code, ready.json()["database"]) == (503, False)


def test_a_stranger_finds_nothing(sandbox: Sandbox) -> None:
    assert requests.get(url(sandbox, "/slack/events"), timeout=5).status_code == 401
    assert requests.get(url(sandbox, "/nothing"), timeout=5).status_code == 404


def test_a_body_that_is_no_text_is_a_bad_request(sandbox: Sandbox) -> None:
    assert sandbox.slack.forge(b"\xff\xfe", kind="slash_commands").status == 400
    assert sandbox.receipts() == []
