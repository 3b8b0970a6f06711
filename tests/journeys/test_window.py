"""The window: what it offers, what it shows of a conversation, and what it asks before a text leaves."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_view import View


def opened(sandbox: Sandbox, conversation: str | None = None) -> View:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {conversation or sandbox.conversation}", slack.channel)
    return window(sandbox)


def window(sandbox: Sandbox) -> View:
    """What Ann sees once everything has arrived."""
    sandbox.drain()
    assert sandbox.bot.parts.lanes.windows.wait_idle(10)
    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    return view


def choose(sandbox: Sandbox, response: str) -> View:
    sandbox.slack.choose(sandbox.slack.ann, "Response", response)
    return window(sandbox)


def offered(sandbox: Sandbox, typed: str = "") -> list[str]:
    return [each.value for each in sandbox.slack.search(sandbox.slack.ann, "Response", typed)]


# -- what is offered --------------------------------------------------------------------------


def test_what_was_sent_last_is_offered_first(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {key: {"title": key, "text": key} for key in ("one", "two", "three")}})
    sandbox.start()
    for response in ("two", "three"):
        line = f"/canned {sandbox.conversation} {response}"
        sandbox.slack.types(sandbox.slack.ann, line, sandbox.slack.channel)
        sandbox.drain()
    opened(sandbox)
    sandbox.genesys.fault("*", "hang", times=None, seconds=30)
    bare, typed = offered(sandbox), offered(sandbox, "thrre")
    sandbox.genesys.clear_faults()

    assert bare == ["three", "two", "one"]
    assert typed == ["three"]
