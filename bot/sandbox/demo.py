"""The sandbox for people: type a command as the demo supervisor, read what each side saw."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .sandbox import Sandbox

Say = Callable[[str], object]

_SIGNS = {  # a terminal draws them itself
    "hourglass_flowing_sand": "⏳",
    "white_check_mark": "✅",
    "no_entry": "⛔",
    "warning": "⚠️",
    "leftwards_arrow_with_hook": "↩️",
}


def once(command: str, *, api: str, say: Say) -> int:
    """
    Type `command` as Ann, the demo supervisor, and say who saw what.

    Returns 0 if the customer got exactly one message out of it, else 1.
    """
    with tempfile.TemporaryDirectory(prefix="canned-") as folder, Sandbox(Path(folder)) as sandbox:
        _type(sandbox, command)
        show(sandbox, command, say)
        received = sandbox.genesys.customer_sees(sandbox.conversation)
        say("")
        if len(received) == 1:
            say(f"The customer got the text exactly once, over the {api} contract.")
            return 0
        say(f"The customer got {len(received)} messages.")
        return 1


def stay(*, api: str, port: int, say: Say, lines: Iterable[str] | None = None) -> None:
    """Keep the simulation running; each line typed in the terminal is one of Ann's commands."""
    with tempfile.TemporaryDirectory(prefix="canned-") as folder, Sandbox(Path(folder)) as sandbox:
        say(f"Simulated Slack, Genesys ({api} contract) and the bot are running. You are Ann Lee,")
        say("a supervisor in #support-emea; Grace Hopper is the customer. End with Ctrl-D. Try:")
        say("  /canned {conversation} escalation")
        for line in lines if lines is not None else sys.stdin:
            if line.strip():
                _type(sandbox, line.strip())
                show(sandbox, line.strip(), say)


def show(sandbox: Sandbox, command: str, say: Say) -> None:
    """Say what the supervisor, the customer and the team channel have seen so far."""
    say("")
    say("Ann Lee, supervisor, in #support-emea")
    say(f"  ▸ {_filled(sandbox, command)}")
    for message in sandbox.slack.ephemerals(sandbox.slack.ann):
        _indented(message.said, "    ", say)
    for message in sandbox.slack.direct_messages(sandbox.slack.ann):
        _indented(message.said, "    (direct message) ", say)
    say("")
    say("Grace Hopper, customer, in the chat")
    for who, text in sandbox.genesys.conversations[sandbox.conversation].lines:
        _indented(text, f"  {'Grace Hopper' if who == 'customer' else who}: ", say)
    say("")
    say("The team, in #support-emea")
    for card in sandbox.slack.messages(sandbox.slack.channel):
        _indented(card.said, "  ", say)
        for reply in sandbox.slack.thread(sandbox.slack.channel, card.ts):
            _indented(reply.said, "    ↳ ", say)


def _type(sandbox: Sandbox, command: str) -> None:
    sandbox.slack.types(sandbox.slack.ann, _filled(sandbox, command), sandbox.slack.channel)
    sandbox.drain()


def _filled(sandbox: Sandbox, command: str) -> str:
    return command.replace("{conversation}", sandbox.conversation)


def _indented(text: str, lead: str, say: Say) -> None:
    for name, sign in _SIGNS.items():
        text = text.replace(f":{name}:", sign)
    for number, line in enumerate(text.splitlines() or [""]):
        say((lead if number == 0 else " " * len(lead)) + line)
