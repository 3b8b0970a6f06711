"""The sandbox for people: the page, and a terminal where one types as the demo supervisor."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bot.slack.manifest import COMMAND

from .genesys import Contract
from .page import Page
from .page_blocks import EMOJI
from .sandbox import TEAM, Sandbox, example_responses
from .slack import SimulatedSlack

Say = Callable[[str], object]
Line = tuple[str, str]  # what stands before it, and its text, which may be of several lines

MIA = "U0MIA"
CAST = {  # the people to be on the page, and what each of them is there
    SimulatedSlack.ann: "supervisor",
    SimulatedSlack.bob: "agent",
    MIA: "approver",
    SimulatedSlack.lee: "outsider",
}
_REFUND = {
    "title": "Refund promised",
    "text": "We refund the whole amount within five working days.",
    "languages": {"es": "Le devolvemos el importe íntegro en cinco días laborables."},
    "approval": "S0APPROVERS",
}


def once(command: str, *, api: Contract, say: Say) -> int:
    """
    Type `command` as Ann, the demo supervisor, and say who saw what.

    Returns 0 if the customer got exactly one message out of it, else 1.
    """
    with (
        tempfile.TemporaryDirectory(prefix="canned-") as folder,
        Sandbox(Path(folder), api=api, connected=False) as sandbox,
    ):
        _connect(sandbox, say)
        Views(sandbox, say).type(command)
        received = sandbox.genesys.customer_sees(sandbox.conversation)
        say("")
        if len(received) == 1:
            say(f"The customer got the text exactly once, over the {api} contract.")
            return 0
        say(f"The customer got {len(received)} messages.")
        return 1


def stay(*, api: Contract, say: Say, lines: Iterable[str] | None = None) -> None:
    """
    Serve the page until Ctrl-C. What is typed in a terminal meanwhile are Ann's commands.

    `lines` are those instead; where they end, and at Ctrl-D, it ends too.
    """
    with (
        suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="canned-") as folder,
        furnished(Sandbox(Path(folder), api=api, patient=True)) as sandbox,
        Page(sandbox, CAST) as page,
    ):
        say(f"Open this address in your browser, on this machine:\n\n  {page.url}\n")
        say(f"Simulated Slack, Genesys ({api} contract) and the bot run until you press Ctrl-C.")
        if lines is None and not sys.stdin.isatty():
            threading.Event().wait()
        say("Without a browser, type Ann's commands here: /canned {conversation} escalation")
        views = Views(sandbox, say)
        for line in lines if lines is not None else sys.stdin:
            if line.strip():
                views.type(line.strip())


def furnished(sandbox: Sandbox, *, undo_seconds: int = 5) -> Sandbox:
    """The same with the people of the page, all but the outsider signed in, and two customers more."""
    slack, genesys = sandbox.slack, sandbox.genesys
    slack.add_user("mia", "mia.stone@example.com", user_id=MIA, real_name="Mia Stone")
    slack.channels[slack.channel].members.add(MIA)
    slack.add_group("approvers", [MIA], group_id="S0APPROVERS")
    alan = genesys.start_chat("Alan Turing", agents=[genesys.bob])
    genesys.customer_writes(alan, "My invoice shows the wrong address.")
    waits = genesys.start_chat("Ada Byron")
    genesys.customer_writes(waits, "Hello? Is anybody there?")
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "queues": [TEAM]}
    responses = {**example_responses(), "refund": _REFUND}
    sandbox.configure({"responses": responses, "teams": [{**team, "undo_seconds": undo_seconds}]})
    mia = genesys.add_user("Mia Stone", "mia.stone@example.com")
    sandbox.linked |= {slack.bob: genesys.bob, MIA: mia}
    return sandbox


def _connect(sandbox: Sandbox, say: Say) -> None:
    """Ann signs in to Genesys as a person does, where people sign in themselves."""
    if sandbox.bot.parts.desk.connecting.is_offered:
        sandbox.connect()
        sandbox.drain()
        say("Ann typed /canned connect and signed in to Genesys in her browser.")


class Views:
    """What the supervisor, the customer and the team channel see, each line once."""

    def __init__(self, sandbox: Sandbox, say: Say) -> None:
        self._sandbox = sandbox
        self._say = say
        self._seen: dict[str, int] = {}

    def type(self, command: str) -> None:
        """Type `command` as Ann and say what came of it, in each of the three places."""
        if command.split(" ")[0] != COMMAND:
            self._say(f"A command begins with {COMMAND}: {COMMAND} {{conversation}} escalation")
            return
        slack = self._sandbox.slack
        typed = command.replace("{conversation}", self._sandbox.conversation)
        slack.types(slack.ann, typed, slack.channel)
        try:
            self._sandbox.drain()
        except TimeoutError:  # somebody has switched on what holds it up
            self._say("Still under way.")
        self._show("Ann Lee, supervisor, in #support-emea", [("  ▸ ", typed), *self._supervisor()])
        self._show("Grace Hopper, customer, in the chat", self._customer())
        self._show("The team, in #support-emea", self._team())

    def _supervisor(self) -> list[Line]:
        slack = self._sandbox.slack
        notes = [("    ", message.said) for message in slack.ephemerals(slack.ann)]
        direct = [("    (direct message) ", message.said) for message in slack.direct_messages(slack.ann)]
        return self._new("notes", notes) + self._new("direct", direct)

    def _customer(self) -> list[Line]:
        lines = self._sandbox.genesys.conversations[self._sandbox.conversation].lines
        named = [(f"  {'Grace Hopper' if who == 'customer' else who}: ", text) for who, text in lines]
        return self._new("chat", named)

    def _team(self) -> list[Line]:
        slack = self._sandbox.slack
        lines: list[Line] = []
        for card in slack.messages(slack.channel):
            replies = [("    ↳ ", reply.said) for reply in slack.thread(slack.channel, card.ts)]
            fresh = self._new(card.ts, replies)
            lines += [("  ", card.said), *fresh] if fresh else []
        return lines

    def _new(self, place: str, lines: list[Line]) -> list[Line]:
        before = self._seen.get(place, 0)
        self._seen[place] = len(lines)
        return lines[before:]

    def _show(self, title: str, lines: list[Line]) -> None:
        if not lines:
            return
        self._say(f"\n{title}")
        for lead, text in lines:
            for name, sign in EMOJI.items():
                text = text.replace(f":{name}:", sign)
            first, *rest = text.splitlines() or [""]
            self._say(lead + first)
            for line in rest:
                self._say(" " * len(lead) + line)
