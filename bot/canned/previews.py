"""
What a supervisor sees before they send: the conversation, and the exact text that would go into it.

Their own rights read it. May wait for Genesys, claims nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.genesys import Conversation, Genesys, GenesysError, NotConnected
from bot.models import SendRequest

from .errors import CannedError, MissingValues
from .guards import seen_in
from .identity import CONNECT, Identity
from .library import Libraries
from .people import People
from .record import on_record
from .sending import Sender

SHOWN = 5  # messages


@dataclass(frozen=True)
class Line:
    """One message of a conversation."""

    who: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime | None


@dataclass(frozen=True)
class Around:
    """
    The conversation: `agent` is who has it, "you" where that is the supervisor alone, "" for
    nobody; `waits` the minutes for which the customer has waited for an answer, None if they
    do not, or that is not known. `language` is the customer's, "" if not known, `limit` what
    the channel takes. `seen` goes into the request, `note` says why there are no messages.
    """

    customer: str = field(repr=False)
    queue: str
    agent: str = field(repr=False)
    channel: str
    ended: bool
    waits: int | None
    messages: tuple[Line, ...]
    note: str
    language: str
    limit: int
    seen: Mapping[str, str]


@dataclass(frozen=True)
class Preview:
    """
    What would be sent: `text`, whole, or None with `note` saying why that is not known yet.

    `missing` names the variables that have no value, `limit` is the channel's, in characters.
    """

    text: str | None = field(default=None, repr=False)
    missing: tuple[str, ...] = ()
    limit: int = 0
    note: str = ""
    around: Around | None = None


class Previews:
    def __init__(
        self,
        genesys: Genesys,
        identity: Identity,
        people: People,
        libraries: Libraries,
        sender: Sender,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._genesys = genesys
        self._identity = identity
        self._people = people
        self._libraries = libraries
        self._sender = sender
        self._now = now

    def look(self, user: str, conversation_id: str, request: Callable[[], SendRequest] | None) -> Preview:
        """What `user` would send by `request` (None: not chosen yet); the note says what is against it."""
        try:
            self._people.require_active(user)
            with on_record():
                me = self._identity.require(user).genesys_user
            conversation = self._genesys.conversation(conversation_id, reader=me)
        except NotConnected:
            return Preview(note=CONNECT)
        except (CannedError, GenesysError) as exc:
            return Preview(note=str(exc))
        around = self._around(conversation, me)
        text = self._text(request, conversation) if request else Preview()
        return replace(text, around=around)

    def _text(self, request: Callable[[], SendRequest], conversation: Conversation) -> Preview:
        try:
            verified = self._sender.fill(request(), conversation)
        except MissingValues as exc:
            return Preview(missing=exc.names, note=str(exc))
        except (CannedError, GenesysError) as exc:
            return Preview(note=str(exc))
        if not verified.text.strip():
            return Preview(note="Nothing is left of the text once it is filled in.")
        return Preview(verified.text, limit=self._genesys.max_length(conversation))

    def _around(self, conversation: Conversation, me: str) -> Around:
        customer, place = conversation.customer, conversation.in_queue
        others = (one for one in conversation.agents if one.user_id != me)
        agent = conversation.agent_beside(me) or next(others, None)
        messages, note = self._messages(conversation, me)
        self._libraries.learn_queue((place.queue_id if place else "") or "")
        return Around(
            customer=customer.name if customer else "",
            queue=place.queue if place else "",
            agent=agent.name if agent else "you" if conversation.agents else "",
            channel=conversation.channel,
            ended=not conversation.live,
            waits=self._waits(conversation),
            messages=messages,
            note=note,
            language=(customer.language if customer else "") or "",
            limit=self._genesys.max_length(conversation),
            seen=seen_in(conversation, me),
        )

    def _messages(self, conversation: Conversation, me: str) -> tuple[tuple[Line, ...], str]:
        if not self._genesys.finds_messages:
            return (), "What was said before cannot be read here; look in Genesys."
        try:
            found = self._genesys.messages(conversation, reader=me, limit=SHOWN)
        except GenesysError as exc:
            return (), f"The last messages could not be read. {exc}"
        by = {mark.id: one.name for one in conversation.participants for mark in one.written}
        return tuple(Line(by.get(one.id, ""), one.text, one.at) for one in found), ""

    def _waits(self, conversation: Conversation) -> int | None:
        """From the first message that nobody has answered; a flow that asks for patience is nobody."""
        people = (one for one in conversation.participants if one.user_id or one.purpose == "api")
        answers = (mark.at for one in people for mark in one.written)
        answered = max(filter(None, answers), default=None)
        times = [mark.at for mark in conversation.from_customer if mark.at]
        since = next((at for at in times if answered is None or at > answered), None)
        return max(0, int((self._now() - since).total_seconds() // 60)) if since else None
