"""The picture at the top of the README: `python -m tests.browser.picture` takes it anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page as Tab
from playwright.sync_api import expect, sync_playwright

from bot.sandbox.demo import CAST, furnished
from bot.sandbox.page import Page
from bot.sandbox.sandbox import Sandbox

from .conftest import SWITCHES, chromium

PICTURE = Path(__file__).parents[2] / ".github" / "sandbox.png"


def pose(tab: Tab, sandbox: Sandbox) -> None:
    """A send, what the customer said to it, and its thread."""
    sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    sandbox.drain()
    sandbox.genesys.read_messages(sandbox.conversation)
    sandbox.genesys.customer_writes(sandbox.conversation, "That was quick, thank you!")
    sandbox.clock.advance(seconds=30)  # until the bot looks how far it got
    sandbox.bot.sweep()
    sandbox.drain()
    tab.get_by_role("link", name="1 reply").click()
    expect(tab.get_by_role("log", name="Replies").get_by_role("listitem")).to_have_count(2)
    tab.mouse.move(0, 0)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        furnished(Sandbox(Path(folder)), undo_seconds=0) as sandbox,
        Page(sandbox, CAST) as page,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=list(SWITCHES)) as browser,
    ):
        tab = browser.new_page(viewport={"width": 1280, "height": 700}, device_scale_factor=1.4)
        tab.goto(page.url)
        pose(tab, sandbox)
        tab.wait_for_timeout(1000)  # until what came in has stopped moving
        tab.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
