"""What people do on the sandbox's page, handed on to the two simulations; and what they make go wrong."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from bot.slack.manifest import COMMAND

from . import slack_forms as forms
from .faults import Fault, Kind
from .page_looks import Look
from .sandbox import Sandbox
from .slack_said import Message
from .slack_view import View
from .slack_wire import Ack

Form = MultiDict[str, str]
T = TypeVar("T")

_GONE = "That is not there any more."


@dataclass(frozen=True)
class Switch:
    """Something that goes wrong, with `match` of `server`, as long as it is switched on."""

    name: str
    label: str
    meaning: str
    server: str = "genesys"
    kind: Kind = "status"
    match: str = "*"
    seconds: float = 0
    retry_after: float | None = None


def switches(post: str) -> list[Switch]:
    """`post` is the request that a message leaves by."""
    return [
        Switch("lost", "Lost answer", "It is sent, and nobody says so", kind="lost_after", match=post),
        Switch("limit", "429", "Genesys takes no messages", kind="429", match=post, retry_after=5),
        Switch("slow", "Genesys slow", "Each answer takes 4 seconds", kind="delay", seconds=4),
        Switch("slack", "Slack down", "Slack answers the bot with 503", server="slack"),
    ]


class Hands:
    """`troubles` is what Slack itself tells each person about the last thing they did."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._slack, self._genesys = sandbox.slack, sandbox.genesys
        self._on: dict[str, Fault] = {}
        self.switches = switches(sandbox.post)
        self.troubles: dict[str, str] = {}
        self._verbs: dict[str, Callable[[Look, Form], Ack | Look | None]] = {
            "text": self._says,
            "press": self._press,
            "choose": self._choose,
            "enter": self._enter,
            "submit": lambda look, form: self._slack.submit(look.who),
            "close": lambda look, form: self._slack.close(look.who),
            "shortcut": self._shortcut,
            "home": self._home,
            "write": self._customer_writes,
            "leave": self._customer_leaves,
            "come": self._customer_comes,
            "fault": self._fault,
        }

    def do(self, look: Look, form: Form) -> Look:
        """What `look.who` does is the first verb in the form; where to look then."""
        self.troubles.pop(look.who, None)
        self._genesys.advance_delivery()  # with each thing done, it is as if time had passed
        if not self._is_in_front(look, form):
            if "close" not in form:  # that is what they wanted
                self.troubles[look.who] = _GONE
            return look
        try:
            self._hold_typed(look, form)
            done = next((do(look, form) for verb, do in self._verbs.items() if verb in form), None)
        except (LookupError, ValueError):
            self.troubles[look.who] = _GONE
            return look
        if isinstance(done, Ack) and done.error and done.error != "not_sent":
            self.troubles[look.who] = done.text or f"Slack could not reach canned ({done.error}). Try again."
        return done if isinstance(done, Look) else look

    def search(self, look: Look, form: Form) -> list[forms.Option]:
        try:
            found = self._slack.search(
                look.who, form["field"], form.get("typed", ""), in_=self._message(look, form)
            )
        except LookupError:
            return []
        return found

    def is_on(self, switch: Switch) -> bool:
        return switch.name in self._on

    # -- in Slack

    def _says(self, look: Look, form: Form) -> Ack | None:
        text = form["text"].strip().replace("{conversation}", look.chat)
        place = self._slack.direct_channel(look.who).id if look.place == "dm" else look.place
        if text.startswith("/") and form.get("thread"):
            self.troubles[look.who] = "Slack takes no commands in threads. Type it in the channel."
        elif text.startswith("/") and text.split()[0] != COMMAND:
            self.troubles[look.who] = f"{text.split()[0]} is not a valid command. Here is {COMMAND}."
        elif text.startswith("/"):
            return self._slack.types(look.who, text, place)
        elif text:
            said = html.escape(text, quote=False)  # what people type marks nobody and nothing
            self._slack.says(look.who, place, said, thread_ts=form.get("thread"))
        return None

    def _press(self, look: Look, form: Form) -> Ack:
        return self._slack.press(look.who, form["press"], in_=self._within(look, form))

    def _choose(self, look: Look, form: Form) -> Ack | None:
        address = form["choose"]
        chosen = form.get(address, "")
        if chosen and form.get("kind") == "datetimepicker":
            chosen = str(int(datetime.fromisoformat(chosen).timestamp()))
        return self._slack.choose(look.who, address, chosen, in_=self._message(look, form))

    def _enter(self, look: Look, form: Form) -> Ack | None:
        address = form["enter"]
        return self._slack.fill(look.who, address, form.get(address, ""), enter=True)

    def _shortcut(self, look: Look, form: Form) -> Ack:
        message = self._message(look, form)
        if message is None:
            return self._slack.shortcut(look.who, form["shortcut"])
        return self._slack.message_shortcut(look.who, form["shortcut"], message)

    def _home(self, look: Look, form: Form) -> Look:
        self._slack.opens_home(look.who)
        return replace(look, place="home", thread="")

    def _hold_typed(self, look: Look, form: Form) -> None:
        """What stands in the window's text fields, before anything is made of it."""
        view = self._slack.top(look.who)
        if view is None or form.get("in") != view.id:
            return
        for field in list(forms.fields(view.blocks)):
            if field.address in form and field.kind == "plain_text_input":
                self._slack.fill(look.who, field.address, form[field.address].replace("\r", ""))

    def _is_in_front(self, look: Look, form: Form) -> bool:
        """Whether the window that they act in, if it is one, is still the one in front of them."""
        view, name = self._slack.top(look.who), form.get("in", "")
        return not name.startswith("V") or (view is not None and view.id == name)

    def _within(self, look: Look, form: Form) -> Message | View | None:
        if form.get("in") == "home":
            return self._slack.home(look.who)
        return self._message(look, form)

    def _message(self, look: Look, form: Form) -> Message | None:
        """The message that it happens in; None for the window. Raises LookupError."""
        ts = form.get("in", "")
        if "." not in ts:
            return None
        return _first(each for each in look.readable(self._slack) if each.ts == ts)

    # -- at the customer's

    def _customer_writes(self, look: Look, form: Form) -> None:
        text = form["write"].strip()
        if text and look.chat:
            self._genesys.read_messages(look.chat)  # who answers has read
            self._genesys.customer_writes(look.chat, text)

    def _customer_leaves(self, look: Look, form: Form) -> None:
        self._genesys.end(look.chat)

    def _customer_comes(self, look: Look, form: Form) -> Look:
        name = f"Customer {len(self._genesys.conversations) + 1}"
        chat = self._genesys.start_chat(name, agents=[self._genesys.bob], users=[self._genesys.ann])
        self._genesys.customer_writes(chat, "Hello, is somebody there?")
        return replace(look, chat=chat)

    # -- what goes wrong

    def _fault(self, look: Look, form: Form) -> None:
        switch = _first(each for each in self.switches if each.name == form["fault"])
        fault = self._on.pop(switch.name, None)
        if fault is not None:
            fault.times = 0
            fault.release()
            return
        server = self._slack if switch.server == "slack" else self._genesys
        self._on[switch.name] = server.fault(
            switch.match, switch.kind, times=None, seconds=switch.seconds, retry_after=switch.retry_after
        )


def _first(found: Iterable[T]) -> T:
    for each in found:
        return each
    raise LookupError
