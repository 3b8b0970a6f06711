"""What somebody sees on the sandbox's page: who they are, where they look, and what stands there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from markupsafe import Markup

from bot.models import Receipt
from bot.slack.manifest import manifest
from bot.storage import Store

from . import page_blocks
from . import slack_forms as forms
from .organisation_nouns import SimulatedConversation, SimulatedMessage
from .sandbox import Sandbox
from .slack import SimulatedSlack
from .slack_said import Message
from .slack_state import Channel, Person
from .slack_view import View

if TYPE_CHECKING:
    from .page_hands import Hands

_SHOWN = 80  # requests, and sends


@dataclass(frozen=True)
class Look:
    """
    As whom and where: `place` is a channel's id, "dm" or "home", `thread` the ts of a parent or "",
    `chat` the conversation whose customer one is too, `under` whether the drawer is open.
    """

    who: str
    place: str
    thread: str = ""
    chat: str = ""
    under: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str], sandbox: Sandbox, cast: Mapping[str, str]) -> Self:
        """What the query asks for, where that person can see it; else the nearest."""
        slack, chats = sandbox.slack, list(sandbox.genesys.conversations)
        who = asked.get("who", "") if asked.get("who") in cast else next(iter(cast))
        inside = [each.id for each in slack.channels.values() if who in each.members and not each.is_im]
        places = [*inside, "dm", "home"]
        place = asked.get("place", "") if asked.get("place") in places else places[0]
        chat = asked.get("chat", "") if asked.get("chat") in chats else next(iter(chats), "")
        thread = asked.get("thread", "") if place in inside else ""
        return cls(who, place, thread, chat, "1" if asked.get("under") else "")

    def query(self, **changed: str) -> str:
        now = {each.name: getattr(self, each.name) for each in fields(self)} | changed
        return f"?{urlencode({name: value for name, value in now.items() if value})}"

    def channel(self, slack: SimulatedSlack) -> Channel | None:
        return slack.channels.get(f"D{self.who[1:]}" if self.place == "dm" else self.place)

    def readable(self, slack: SimulatedSlack) -> Iterator[Message]:
        """Every message and reply in that place, and what they alone are shown there."""
        channel = self.channel(slack)
        if channel is not None:
            yield from slack.everything(channel.id, self.who)


class Screen:
    """Everything on the page, read while nothing changes it."""

    def __init__(
        self, sandbox: Sandbox, store: Store, look: Look, cast: Mapping[str, str], hands: Hands
    ) -> None:
        self._store, self._look = store, look
        self.slack, self.genesys, self.hands, self.cast = sandbox.slack, sandbox.genesys, hands, cast
        self.api, self.now = sandbox.api, sandbox.clock()
        self._names = self.slack.names
        self._readable = sorted(look.readable(self.slack), key=lambda each: float(each.ts))
        features = manifest()["features"]
        self.has_home = features["app_home"]["home_tab_enabled"]
        self.shortcuts = {each["type"]: each for each in features["shortcuts"]}

    # -- the workspace

    @property
    def me(self) -> Person:
        return self.slack.people[self._look.who]

    @property
    def channels(self) -> list[Channel]:
        every = self.slack.channels.values()
        return [each for each in every if self.me.id in each.members and not each.is_im]

    def told(self, user: str) -> int:
        """How many direct messages they have."""
        direct = self.slack.channels.get(f"D{user[1:]}")
        return len(direct.posts) if direct else 0

    @property
    def title(self) -> str:
        channel = self._look.channel(self.slack)
        return f"#{channel.name}" if channel and not channel.is_im else self.slack.bot.real_name

    @property
    def messages(self) -> list[Message]:
        return [each for each in self._readable if each.thread_ts in (None, each.ts)]

    def thread(self, ts: str) -> list[Message]:
        """The message and its replies."""
        return [each for each in self._readable if ts in (each.ts, each.thread_ts)]

    def replies(self, message: Message) -> int:
        return sum(each.thread_ts == message.ts != each.ts for each in self._readable if not each.ephemeral)

    @property
    def window(self) -> View | None:
        return self.slack.open_view(self.me.id)

    @property
    def home(self) -> View | None:
        return self.slack.home(self.me.id)

    def rich(self, node: Mapping[str, Any]) -> Markup:
        """A text object, or a message, as Slack shows it."""
        text = str(node.get("text", ""))
        if node.get("type") == "plain_text":
            return page_blocks.plain(text)
        return page_blocks.mrkdwn(text, self._names, self.now)

    def chosen(self, field: forms.Field, values: forms.Values) -> str:
        """The value behind what is chosen, "" for nothing; a time as the browser's own picker takes it."""
        found = forms.entered(field, values)
        if isinstance(found, int):
            return f"{datetime.fromtimestamp(found).astimezone():%Y-%m-%dT%H:%M}"
        return str(found.get("value", "") if isinstance(found, dict) else found or "")

    # -- the customer's side

    @property
    def chats(self) -> list[SimulatedConversation]:
        return list(self.genesys.conversations.values())

    @property
    def chat(self) -> SimulatedConversation | None:
        return self.genesys.conversations.get(self._look.chat)

    def lines(self, chat: SimulatedConversation) -> list[tuple[str, SimulatedMessage]]:
        """What was written there and by whom, "" for the customer, oldest first."""
        said = [(each, line) for each in chat.participants for line in each.messages]
        said.sort(key=lambda pair: pair[1].at)
        return [("" if each is chat.customer else each.name, line) for each, line in said]

    def with_whom(self, chat: SimulatedConversation) -> str:
        here = [each.name for each in chat.participants if each.user_id and each.until is None]
        return f"with {' and '.join(here)}" if here else "ended" if chat.until else "waiting in the queue"

    # -- under the hood

    @property
    def sends(self) -> list[Receipt]:
        return self._store.sends(limit=_SHOWN)

    @property
    def requests(self) -> list[tuple[datetime, str, str, str, str, int | None]]:
        """Time, who, whom, method, path and status of each HTTP request, the newest first."""
        told = [
            (each.at, "Slack", "canned", f"POST {each.what}", "/slack/events", each.status)
            for each in self.slack.deliveries
        ]
        slack = [
            (each.at, "canned", "Slack", each.method, _path(each.path), each.status)
            for each in self.slack.requests
        ]
        genesys = [
            (each.at, _who(each.path), "Genesys", each.method, each.path, each.status)
            for each in self.genesys.requests
        ]
        return sorted([*told, *slack, *genesys], key=lambda each: each[0], reverse=True)[:_SHOWN]


def _path(path: str) -> str:
    """Without the secret that an address to answer at is."""
    return "/response/…" if path.startswith("/response/") else path


def _who(path: str) -> str:
    return "browser" if path == "/oauth/authorize" else "canned"
