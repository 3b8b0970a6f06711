"""What people in the sandbox do and read, in a word: Ann the supervisor, where nobody else is named."""

from __future__ import annotations

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from bot.sandbox.slack_view import View


def types(sandbox: Sandbox, text: str = "/canned {conversation} escalation") -> Message | None:
    """Ann types it in her team's channel; {conversation} stands for the demo's. What she reads last then."""
    slack = sandbox.slack
    slack.types(slack.ann, text.replace("{conversation}", sandbox.conversation), slack.channel)
    sandbox.drain()
    return next(reversed(slack.ephemerals(slack.ann)), None)


def chooses(sandbox: Sandbox, response: str = "escalation") -> None:
    """Ann opens the window for the demo's conversation, and chooses this response in it."""
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    sandbox.drain()
    slack.choose(slack.ann, "Response", response)
    sandbox.drain()


def waits_while_slack_takes_no_posts(sandbox: Sandbox) -> None:
    """Six minutes go by, then Slack takes them again."""
    sandbox.rest()
    sandbox.clock.advance(minutes=6)
    sandbox.bot.sweep()
    sandbox.rest()
    sandbox.slack.clear_faults()
    sandbox.drain()


def window(sandbox: Sandbox) -> View:
    """The window that Ann has in front of her, once everything has arrived."""
    sandbox.drain()
    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    return view


def direct(sandbox: Sandbox, user: str = "") -> list[str]:
    return [message.said for message in sandbox.slack.direct_messages(user or sandbox.slack.ann)]


def card(sandbox: Sandbox) -> Message:
    """The only one in the team's channel."""
    [found] = sandbox.slack.messages(sandbox.slack.channel)
    return found


def thread(sandbox: Sandbox) -> list[str]:
    """The replies below that card."""
    return [reply.said for reply in sandbox.slack.thread(sandbox.slack.channel, card(sandbox).ts)]


def buttons(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row]


def got(sandbox: Sandbox) -> list[str]:
    """What the customer of the demo's conversation has got."""
    return sandbox.genesys.customer_sees(sandbox.conversation)


def states(sandbox: Sandbox) -> list[State]:
    """Of every send on record, the newest first."""
    return [receipt.state for receipt in sandbox.receipts()]
