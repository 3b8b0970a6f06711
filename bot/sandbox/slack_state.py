"""What a simulated Slack workspace holds - people, channels, messages, windows, triggers - and its rules."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

from . import slack_forms as forms
from .slack_view import View

Json = dict[str, Any]

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS, RESPONSE_URL_USES = 30 * 60, 5
STACK = 3  # views of one modal: one opened, two pushed


class Refusal(Exception):
    """Slack's answer `ok: false`: its error code, and the messages that go with it."""

    def __init__(self, code: str, messages: Sequence[str] = (), **more: str) -> None:
        super().__init__(code)
        self.code, self.messages, self.more = code, list(messages), more


@dataclass
class Person:
    id: str
    name: str
    team_id: str
    real_name: str = ""
    email: str = field(default="", repr=False)
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False


@dataclass
class Channel:
    """`posts` are the messages and replies as the Web API returns them, oldest first."""

    id: str
    name: str
    members: set[str]
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    is_pending_ext_shared: bool = False
    posts: list[Json] = field(default_factory=list, repr=False)

    def post(self, ts: str) -> Json | None:
        return next((post for post in self.posts if post["ts"] == ts), None)

    def replies(self, ts: str) -> list[Json]:
        return [post for post in self.posts if post.get("thread_ts") == ts and post["ts"] != ts]


@dataclass
class Group:
    id: str
    handle: str
    members: list[str]


@dataclass
class Trigger:
    user: str
    at: datetime
    view_id: str | None = None
    used: bool = False


@dataclass
class ResponseUrl:
    """
    `shown` is the message that the app may replace through this address.

    What comes `early`, before the command itself was answered, is read after that answer.
    """

    user: str
    channel: str
    at: datetime
    shown: Json | None = None
    thread_ts: str | None = None
    uses: int = 0
    early: list[Json] | None = None


class Workspace:
    """
    One team with one app installed. Everything here is guarded by `lock`.

    Settable before it starts: `enterprise_id`, of the Grid organisation in whose whole the app is
    installed; `team_id` is then one of its workspaces, and `other_teams` the others.
    Settable at any time: `scopes` (the bot token's; None: every one but
    chat:write.public), `paid_plan` (user groups exist), `home_tab`, `deleted_parent` (what a reply to a
    deleted message is refused with), `posts_per_second` and `post_burst` for each channel
    (0: as many as one likes), `ack_seconds` (how long an answer may take).
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self.signing_secret = "sandbox-signing-secret"
        self.bot_token, self.app_token = "xoxb-sandbox", "xapp-sandbox"
        self.scopes: Collection[str] | None = None
        self.team_id, self.team_domain, self.app_id = "T0CANNED", "canned-sandbox", "A0CANNED"
        self.enterprise_id, self.other_teams = "", ["T0ELSEWHERE"]
        self.now = now
        self.lock = threading.RLock()
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, Group] = {}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.notes: list[tuple[str, Json]] = []  # ephemeral messages: who sees it, what
        self.complaints: list[str] = []  # all that was refused because of its form
        self.paid_plan = self.home_tab = True
        self.deleted_parent = "thread_not_found"
        self.ack_seconds = 3.0
        self.posts_per_second, self.post_burst = 0.0, 20
        self._buckets: dict[str, tuple[float, datetime]] = {}
        self._last_ts = 0
        self.bot = Person("U0CANNEDBOT", "canned", self.team_id, real_name="Canned", is_bot=True)
        self.people[self.bot.id] = self.bot

    # -- setting up

    def add_user(self, name: str, email: str = "", *, user_id: str = "", **flags: Any) -> str:
        """A person of this workspace; `flags` are Person's fields (deleted, is_restricted, team_id, …)."""
        person = Person(
            **{"id": user_id or f"U{_id()}", "name": name, "team_id": self.team_id, "email": email, **flags}
        )
        self.people[person.id] = person
        return person.id

    def add_channel(
        self, name: str, members: Iterable[str] = (), *, channel_id: str = "", bot: bool = True, **flags: Any
    ) -> str:
        """A channel with `members`, and with the bot unless told; `flags` are Channel's fields."""
        inside = {*members, self.bot.id} if bot else set(members)
        channel = Channel(channel_id or f"C{_id()}", name.removeprefix("#"), inside, **flags)
        self.channels[channel.id] = channel
        return channel.id

    def add_group(self, handle: str, members: Iterable[str], *, group_id: str = "") -> str:
        group = Group(group_id or f"S{_id()}", handle.removeprefix("@"), list(members))
        self.groups[group.id] = group
        return group.id

    def set_user(self, user: str, **flags: Any) -> None:
        """From now on the person's fields are `flags`; as in `add_user`."""
        self.people[user] = replace(self.people[user], **flags)

    def set_channel(self, channel: str, *, bot: bool | None = None, **flags: Any) -> None:
        """From now on the channel's fields are `flags`; `bot` says whether the bot is in it."""
        with self.lock:
            changed = self.channels[channel] = replace(self.channels[channel], **flags)
            if bot is not None:
                changed.members = (changed.members - {self.bot.id}) | ({self.bot.id} if bot else set())

    @property
    def names(self) -> dict[str, str]:
        """What people see for the ids of users, channels and groups."""
        people = {each.id: each.name for each in self.people.values()}
        channels = {each.id: each.name for each in self.channels.values()}
        return people | channels | {each.id: each.handle for each in self.groups.values()}

    # -- messages

    def next_ts(self) -> str:
        """A new message timestamp, unique and growing: seconds with six decimals."""
        with self.lock:
            micros = max(int(self.now().timestamp() * 1_000_000), self._last_ts + 100)
            self._last_ts = micros
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def direct_channel(self, user: str) -> Channel:
        """The conversation between `user` and the bot, opened if need be."""
        channel_id = f"D{user[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, user, {user, self.bot.id}, is_im=True)
        return self.channels[channel_id]

    def message(self, channel: Channel, user: str, content: Json) -> Json:
        """A message as the Web API returns it, not yet put anywhere."""
        message = {"type": "message", "channel": channel.id, "user": user, "ts": self.next_ts(), **content}
        message["text"] = str(message.get("text") or "")[:40_000]
        if message.get("blocks"):
            message["blocks"] = forms.with_ids(message["blocks"])
        if user == self.bot.id:
            message |= {"bot_id": "B0CANNED", "app_id": self.app_id, "team": self.team_id}
        return message

    def note(self, user: str, channel: Channel, content: Json) -> Json:
        """Show `user` alone an ephemeral message."""
        message = self.message(channel, self.bot.id, {**content, "is_ephemeral": True})
        self.notes.append((user, message))
        return message

    def take_post(self, channel: Channel) -> None:
        """One post out of the channel's bucket. Raises Refusal ratelimited when it is empty."""
        if not self.posts_per_second:
            return
        left, since = self._buckets.get(channel.id, (float(self.post_burst), self.now()))
        refilled = (self.now() - since).total_seconds() * self.posts_per_second
        left = min(float(self.post_burst), left + refilled)
        if left < 1:
            raise Refusal("ratelimited", retry_after=str(ceil((1 - left) / self.posts_per_second)))
        self._buckets[channel.id] = (left - 1, self.now())

    def socket_url(self) -> str:
        """Where Socket Mode is to connect. Raises Refusal."""
        raise NotImplementedError

    # -- triggers and response URLs

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, self.now(), view_id)
        return trigger_id

    def fresh_trigger(self, trigger_id: object) -> Trigger:
        """The trigger, still good for one use. Raises Refusal."""
        trigger = self.triggers.get(str(trigger_id))
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if (self.now() - trigger.at).total_seconds() > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        return trigger

    # -- windows

    def show(self, user: str, definition: Json) -> View:
        """Open a modal; what was open before is gone."""
        self.clear(user)
        view = self._new_view(user, definition)
        self.stacks[user] = [view]
        return view

    def push(self, user: str, definition: Json) -> View:
        """Raises Refusal when the stack is full."""
        stack = self.stacks.get(user, [])
        if len(stack) >= STACK:
            raise Refusal("push_limit_reached")
        view = self._new_view(user, definition, below=stack[-1])
        stack.append(view)
        return view

    def change(self, view: View, definition: Json) -> View:
        """Show `definition` in an open view; input values of unchanged ids stay."""
        view.json = _definition(definition)
        view.values = forms.state(view.json["blocks"], before=view.values)
        view.errors, view.hash = {}, _hash(self.now())
        return view

    def publish(self, user: str, definition: Json) -> View:
        home = self.homes.get(user)
        if home is not None:
            return self.change(home, definition)
        self.homes[user] = self._new_view(user, definition)
        return self.homes[user]

    def close_top(self, user: str) -> None:
        stack = self.stacks.get(user, [])
        if stack:
            del self.views[stack.pop().id]

    def clear(self, user: str) -> None:
        for view in self.stacks.pop(user, []):
            del self.views[view.id]

    def top(self, user: str) -> View | None:
        stack = self.stacks.get(user)
        return stack[-1] if stack else None

    def view_called(self, view_id: object) -> View:
        """The open view of that id. Raises Refusal not_found."""
        view = self.views.get(str(view_id))
        if view is None:
            raise Refusal("not_found")
        return view

    def _new_view(self, user: str, definition: Json, below: View | None = None) -> View:
        id_ = f"V{_id()}"
        view = View(
            id=id_,
            user=user,
            json=_definition(definition),
            hash=_hash(self.now()),
            names=self.names,
            root_id=below.root_id if below else id_,
            previous_id=below.id if below else None,
        )
        view.values = forms.state(view.json["blocks"])
        self.views[id_] = view
        return view


def _definition(given: Json) -> Json:
    return {**given, "blocks": forms.with_ids(given["blocks"])}


def _hash(now: datetime) -> str:
    return f"{int(now.timestamp())}.{secrets.token_hex(4)}"


def _id() -> str:
    return secrets.token_hex(5).upper()
