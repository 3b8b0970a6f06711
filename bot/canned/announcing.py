"""
What Genesys tells us by itself: that a chat has started, or ended. A hint for people, no more.

    signed? ──▶ recent? ──▶ readable? ──▶ new? ──▶ written down for the channels that ask for it

Nothing is sent on the strength of it: before a send the conversation is read, as always.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.storage import DatabaseDown, Store

from .catalog import Catalog, Team
from .errors import NotWritten
from .people import People

log = logging.getLogger(__name__)

STARTED, ENDED = "conversation.chat.started", "conversation.chat.ended"
APART = 300  # seconds that the sender's clock and ours may be apart
QUEUE_LIMIT = 150  # characters

_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


class Unsigned(Exception):
    """Not from Genesys, or not from just now."""


class Unreadable(Exception):
    """Signed, and still not an event."""


@dataclass(frozen=True)
class Event:
    """`id` is what a replay has in common with the first; `queue` is a queue's name or ""."""

    id: str
    kind: str
    conversation_id: str
    queue: str


class Announcing:
    """
    `conversation_id` says which id a text is, None for none; `changed` is told the channel and
    the conversation of each card that is out of date then.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        *,
        secret: str,
        catalog: Callable[[], Catalog],
        conversation_id: Callable[[str], str | None],
        changed: Callable[[str, str], None],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._people = people
        self._secret = secret.encode()
        self._catalog = catalog
        self._conversation_id = conversation_id
        self._changed = changed
        self._now = now

    def receive(self, body: bytes, signature: str) -> None:
        """
        Take on the event that is in `body`; the same one again changes nothing.

        Raises Unsigned and Unreadable, and NotWritten if it has to come again later.
        """
        self._require_signed(body, signature)
        event = self._read(body)
        if event is None:
            return
        keep = self._store.chat_started if event.kind == STARTED else self._store.chat_ended
        try:
            cards = keep(event.id, event.conversation_id, self._channels(event), queue=event.queue)
        except DatabaseDown as exc:
            raise NotWritten(str(exc)) from exc
        log.info("%s: %s cards to write", event.kind, len(cards))
        for channel in cards:
            self._changed(channel, event.conversation_id)

    def _require_signed(self, body: bytes, signature: str) -> None:
        found = _SIGNATURE.fullmatch(signature)
        if found is None:
            raise Unsigned("no signature that could be one")
        seconds, code = found.groups()
        expected = hmac.new(self._secret, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, code):
            raise Unsigned("another signature than ours")
        if abs(self._now().timestamp() - int(seconds)) > APART:
            raise Unsigned("signed too long ago")

    def _read(self, body: bytes) -> Event | None:
        """The event, None for one of a kind that does not concern us; raises Unreadable."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise Unreadable("no JSON") from exc
        if not isinstance(raw, dict):
            raise Unreadable("no object")
        if raw.get("eventType") not in (STARTED, ENDED):
            return None
        event_id = raw.get("id")
        conversation_id = self._own_form(raw.get("conversationId"))
        if not isinstance(event_id, str) or not event_id or conversation_id is None:
            raise Unreadable("no id, or no conversation's")
        # Nobody says how long an id is, and a hash has one length.
        digest = hashlib.sha256(event_id.encode("utf-8", "replace")).hexdigest()
        return Event(digest, raw["eventType"], conversation_id, _queue(raw))

    def _own_form(self, value: object) -> str | None:
        """A conversation id that is nothing else besides."""
        text = value.strip() if isinstance(value, str) else ""
        found = self._conversation_id(text)
        return found if found is not None and found.casefold() == text.casefold() else None

    def _channels(self, event: Event) -> list[str]:
        return [team.channel for team in self._catalog().teams if self._wants(team, event)]

    def _wants(self, team: Team, event: Event) -> bool:
        """
        A team with queues hears of theirs alone. Nothing goes into a channel that is refused.

        An end is everybody's: the start may come late, and from another queue.
        """
        queues = [each.casefold() for each in team.queues]
        theirs = not queues or event.queue.casefold() in queues or event.kind == ENDED
        return team.announce and theirs and self._people.known_refusal("", team.channel) is None


def _queue(raw: Mapping[str, Any]) -> str:
    """The queue's name, given as such or as an object with a `name`."""
    queue = raw.get("queue")
    name = queue.get("name") if isinstance(queue, dict) else queue
    return "".join(filter(str.isprintable, name))[:QUEUE_LIMIT] if isinstance(name, str) else ""
