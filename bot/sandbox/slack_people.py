"""The people of a simulated workspace, named by id or by name: where they are, what they read and write."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from .slack_said import Message
from .slack_state import Channel, Json, Workspace
from .slack_view import View


class PeopledWorkspace(Workspace):
    """
    What stands on people's screens is given as pictures that do not change any more.

    Settable: `should_escape`, the manifest's, for what is typed after a command.
    """

    should_escape = False

    # -- reading

    def messages(self, channel: str) -> list[Message]:
        """What stands in `channel` itself, oldest first; replies are in `thread`."""
        posts = self._channel(channel).posts
        return self._pictures([post for post in posts if post.get("thread_ts", post["ts"]) == post["ts"]])

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The replies below the message `ts`, oldest first, without that message."""
        return self._pictures(self._channel(channel).replies(ts))

    def ephemerals(self, user: str) -> list[Message]:
        """What `user` alone was shown, oldest first."""
        user = self._user(user)
        return self._pictures([note for seer, note in self.notes if seer == user])

    def direct_messages(self, user: str) -> list[Message]:
        """Everything between `user` and the app, oldest first."""
        return self._pictures(self.direct_channel(self._user(user)).posts)

    def everything(self, channel: str, user: str) -> list[Message]:
        """All that `user` can read in `channel`: messages, replies, and what they alone were shown there."""
        notes = [note for seer, note in self.notes if seer == user and note["channel"] == channel]
        return self._pictures([*self._channel(channel).posts, *notes])

    def open_view(self, user: str) -> View | None:
        """A picture of the modal that `user` has in front of them."""
        with self.lock:
            view = self.top(self._user(user))
            return view.picture() if view else None

    def home(self, user: str) -> View | None:
        """A picture of the Home tab as `user` sees it; None before it was published."""
        with self.lock:
            home = self.homes.get(self._user(user))
            return home.picture() if home else None

    # -- writing

    def says(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Message:
        """`user` writes a message; the app does not hear of it."""
        user = self._user(user)
        place = self._inside(user, channel)
        with self.lock:
            raw = self.message(place, user, {"text": text} | ({"thread_ts": thread_ts} if thread_ts else {}))
            place.posts.append(raw)
            return Message.of(raw, self.names)

    def deletes(self, message: Message) -> None:
        """Somebody with the right to do so deletes `message`."""
        with self.lock:
            place = self.channels[message.channel]
            place.posts = [post for post in place.posts if post["ts"] != message.ts]

    # -- who and where

    def _user(self, who: str) -> str:
        if who in self.people:
            return who
        return _first((each.id for each in self.people.values() if each.name == who), who)

    def _channel(self, called: str) -> Channel:
        if called in self.channels:
            return self.channels[called]
        named = (each.id for each in self.channels.values() if each.name == called.removeprefix("#"))
        return self.channels[_first(named, called)]

    def _inside(self, user: str, channel: str) -> Channel:
        place = self._channel(channel)
        if self._user(user) not in place.members:
            raise LookupError(f"{user} is not in {place.name}")
        return place

    def _raw(self, message: Message, user: str) -> Json:
        """The message behind the picture, which `user` can see. Raises LookupError."""
        notes = [note for seer, note in self.notes if seer == user]
        for each in (*self.channels[message.channel].posts, *notes):
            if each["ts"] == message.ts:
                return each
        raise LookupError(f"{user} does not see that message (any more)")

    def _pictures(self, raws: list[Json]) -> list[Message]:
        with self.lock:
            names = self.names
            return [Message.of(raw, names) for raw in raws]

    # -- how Slack hands on what they type

    def _escaped(self, text: str) -> str:
        text = html.escape(text, quote=False)
        if not self.should_escape:
            return text
        text = re.sub(r"(?<!\S)(https?://[^\s<>]+)", r"<\1>", text)
        return re.sub(r"(?<!\S)([@#])([\w.-]+)", self._reference, text)

    def _reference(self, typed: re.Match[str]) -> str:
        sign, name = typed[1], typed[2]
        id_ = self._id_of(name)
        return f"<{sign}{id_}|{name}>" if id_ else typed[0]

    def _id_of(self, name: str) -> str | None:
        return next((id_ for id_, known in self.names.items() if known == name.lstrip("@#")), None)


def _first(ids: Iterable[str], called: str) -> str:
    for id_ in ids:
        return id_
    raise LookupError(f"there is no {called}")
