"""One Chromium for all tests in here: the machine's own. Where there is none they are skipped, and say so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab

from bot.sandbox.demo import CAST, furnished
from bot.sandbox.page import Page
from bot.sandbox.sandbox import Sandbox

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")

expect.set_options(timeout=20_000)


def chromium() -> str | None:
    """Where this machine has its Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(f"THE PAGE WAS NOT TRIED: none of {', '.join(NAMES)} is here (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield started
        started.close()


@pytest.fixture
def undo_seconds() -> int:
    return 0


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox], undo_seconds: int) -> Sandbox:
    """The page's people and chats on the platform contract, with the bot running."""
    return furnished(make_sandbox(api="platform"), undo_seconds=undo_seconds).start()


@pytest.fixture
def tab(browser: Browser, sandbox: Sandbox) -> Iterator[Tab]:
    """A tab that has opened the page; nothing in it may go wrong unseen."""
    wrong: list[str] = []
    with Page(sandbox, CAST) as page, browser.new_context() as context:
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        tab.goto(page.url)
        yield tab
    assert not wrong
