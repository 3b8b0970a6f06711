"""Supervisors at work: they type, fill in windows, click twice and press what they are asked."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from random import Random

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_wire import Ack

from .faults import Trouble

RESPONSES = 20
RECENT = 4  # of all conversations are written into again, and asked about first at times


@dataclass(frozen=True)
class Click:
    """`mark` stands in the text and nowhere else; `claimed`: Slack was told that it is being sent."""

    mark: str
    claimed: bool


class Supervisor:
    """One of them, with a channel of their own; `number` tells them apart."""

    def __init__(self, sandbox: Sandbox, number: int, seed: int) -> None:
        slack, genesys = sandbox.slack, sandbox.genesys
        email = f"super{number}@example.com"
        self._sandbox, self._number = sandbox, number
        self._dice = Random(f"{seed}/{number}")
        self.user = slack.add_user(f"super{number}", email, real_name=f"Super {number}")
        self.channel = slack.add_channel(f"team{number}", [self.user])
        self.genesys_user = genesys.add_user(f"Super {number}", email)
        self.clicks: list[Click] = []
        self.replays = self.pressed = 0
        self._chats: list[str] = []

    def work(self, ended: threading.Event, trouble: Trouble) -> None:
        """Click until `ended`; what is delivered twice goes to any replica."""
        while not ended.is_set():
            try:
                self._dice.choice([self._types, self._types, self._fills_in])(trouble.urls)
                self._answers()
            except LookupError:
                pass  # no window came, or what was to be pressed is gone: people shrug too
            ended.wait(self._dice.uniform(0.1, 1.2))

    def _types(self, urls: list[str]) -> None:
        what, mark = self._what()
        ack = self._sandbox.slack.types(self.user, f"/canned {what} topic={mark}", self.channel)
        self._clicked(mark, "Sending" in ack.text, ack)
        self._again(urls)

    def _fills_in(self, urls: list[str]) -> None:
        slack = self._sandbox.slack
        what, mark = self._what()
        conversation, response = what.split()
        slack.clear(self.user)
        slack.types(self.user, f"/canned {conversation}", self.channel)
        self._until_shown("Response")
        slack.choose(self.user, "Response", response)
        self._until_shown("topic")
        slack.fill(self.user, "topic", mark)
        ack = slack.submit(self.user)
        self._clicked(mark, ack.ok and "Sending" in ack.body, ack)
        self._again(urls)

    def _until_shown(self, label: str) -> None:
        """Raises LookupError where the window does not come."""
        end = time.monotonic() + 3
        while time.monotonic() < end:
            view = self._sandbox.slack.open_view(self.user)
            if view is not None and f"{label}:" in view.text:
                return
            time.sleep(0.02)
        raise LookupError(label)

    def _answers(self) -> None:
        """Press the button of the last question, half of the time; and again, some of that."""
        notes = self._sandbox.slack.ephemerals(self.user)
        if notes and "[Send it again]" in notes[-1].said and self._dice.random() < 0.5:
            for _ in range(self._dice.choice([1, 1, 2])):
                self._sandbox.slack.press(self.user, "Send it again", notes[-1])
                self.pressed += 1

    def _again(self, urls: list[str]) -> None:
        """Slack delivers at least once, and to any replica."""
        if self._dice.random() < 0.25:
            times = self._dice.randint(1, 3)
            self._sandbox.slack.replay(times, at_once=True, to=f"{self._dice.choice(urls)}/slack/events")
            self.replays += times

    def _what(self) -> tuple[str, str]:
        if not self._chats or self._dice.random() < 0.6:
            chat = self._sandbox.genesys.start_chat("Grace", users=[self.genesys_user])
            self._chats = [*self._chats[1 - RECENT :], chat]
        mark = f"mark-{self._number}-{len(self.clicks)}-"
        return f"{self._dice.choice(self._chats)} note{self._dice.randrange(RESPONSES)}", mark

    def _clicked(self, mark: str, claimed: bool, ack: Ack) -> None:
        self.clicks.append(Click(mark, claimed and ack.ok))
