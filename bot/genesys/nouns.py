"""What Genesys Cloud tells us, typed; the same for every contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_PEOPLE = ("agent", "user")
_WORDS = {
    "queued": "queued",
    "delivery-success": "delivered",
    "published": "delivered",
    "read": "read",
    "failed": "failed",
    "delivery-failed": "failed",
}


@dataclass(frozen=True)
class MessageMark:
    """
    That there is a message, without its text; `status` is the vendor's word for how far it got.

    `kind` is the vendor's word too: Text, Structured, Event, Receipt … or "" where it gives none.
    """

    id: str
    at: datetime | None = None
    status: str = ""
    error: str = field(default="", repr=False)
    kind: str = ""

    def when(self) -> float:
        """To sort by."""
        return self.at.timestamp() if self.at else 0.0

    @property
    def says_something(self) -> bool:
        """Not only that somebody connected, typed or read."""
        return self.kind not in ("Event", "Receipt")


@dataclass(frozen=True)
class Communication:
    """
    One medium's line between a participant and the conversation.

    `media` is message, chat, voice, callback, email …; `state` alerting, connected, parked
    or disconnected; `channel` sms, webmessaging, whatsapp … for a message.
    """

    id: str
    media: str
    state: str = ""
    channel: str = ""
    from_address: str = field(default="", repr=False)
    to_address: str = field(default="", repr=False)
    messages: tuple[MessageMark, ...] = ()


@dataclass(frozen=True)
class Participant:
    """
    One party of a conversation, past or present.

    `purpose` is the vendor's word: customer, agent, user, acd … or "" where it gives
    none. `live`: has not left. `watches`: looks on at somebody who is there, and cannot write.
    `queue` is a queue's name, `language` an ISO 639 code.
    """

    id: str
    user_id: str | None = None
    purpose: str = ""
    name: str = field(default="", repr=False)
    live: bool = True
    watches: bool = False
    queue: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str | None = None
    queue_id: str | None = None
    contact_id: str | None = None
    communications: tuple[Communication, ...] = ()

    @property
    def written(self) -> tuple[MessageMark, ...]:
        """What they wrote, the oldest first."""
        marks = {mark.id: mark for line in self.communications for mark in line.messages}
        return tuple(sorted((one for one in marks.values() if one.says_something), key=MessageMark.when))

    @property
    def hung_up(self) -> bool:
        """Still listed, with every line of theirs cut: wrapping up, say."""
        states = {one.state for one in self.communications}
        return states == {"disconnected"}


@dataclass(frozen=True)
class Conversation:
    """
    A conversation as it was when it was read, at `read_at`; it began at `since` (aware UTC).

    `media` is chat, message, voice, callback, email …
    """

    id: str
    media: str
    live: bool
    participants: tuple[Participant, ...] = ()
    read_at: datetime | None = None
    since: datetime | None = None

    @property
    def customer(self) -> Participant | None:
        """The customer; of several who came and went, the one still there."""
        customers = [one for one in reversed(self.participants) if one.purpose == "customer"]
        return max(customers, key=lambda one: one.live, default=None)

    @property
    def agents(self) -> tuple[Participant, ...]:
        """The people of the organisation who are in it now, each once; who only watches is not."""
        here = (one for one in self.participants if one.live and not (one.hung_up or one.watches))
        people = {one.user_id: one for one in here if one.purpose in _PEOPLE}
        return tuple(one for one in people.values() if one.user_id)

    def agent_beside(self, user_id: str) -> Participant | None:
        """Of the people in it now who are not `user_id`, the agent who came last."""
        others = (one for one in reversed(self.agents) if one.purpose == "agent" and one.user_id != user_id)
        return next(others, None)

    @property
    def in_queue(self) -> Participant | None:
        """Whoever came last through a queue, one who is still there before all others."""
        places = [one for one in reversed(self.participants) if one.queue or one.queue_id]
        return max(places, key=lambda one: one.live, default=None)

    @property
    def from_customer(self) -> tuple[MessageMark, ...]:
        """What the customer wrote, the oldest first; nothing where the contract does not say."""
        customers = [one for one in self.participants if one.purpose == "customer"]
        return tuple(sorted((mark for one in customers for mark in one.written), key=MessageMark.when))

    @property
    def channel(self) -> str:
        """Of a messaging conversation: sms, webmessaging, whatsapp …; else ""."""
        ours = (self.customer,) if self.customer else ()
        lines = (line for one in (*ours, *self.participants) for line in one.communications)
        return next((line.channel for line in lines if line.channel), "")

    def queue_of(self, sender: Sender) -> str | None:
        """The id of the queue through which `sender` came into it, if that is known."""
        places = (one for one in self.participants if one.id == sender.participant_id)
        return next((one.queue_id for one in places), None)

    def now_with(self, user_id: str) -> Participant | None:
        """`user_id`'s own place in it, the latest of several; None where they are not in it now."""
        places = (one for one in reversed(self.participants) if one.live and one.user_id == user_id)
        return next(places, None)


@dataclass(frozen=True)
class Address:
    """Whom an automated message goes to, and from which number or integration of ours."""

    channel: str
    ours: str = field(repr=False)
    theirs: str = field(default="", repr=False)
    contact_id: str = ""


@dataclass(frozen=True)
class Sender:
    """
    Who a message will come from; `send_as` is self, agent or system.

    `communication_id` is their line, where the contract sends through one; `address` is
    there where it sends to the customer's address instead.
    """

    send_as: str
    user_id: str | None
    name: str = field(default="", repr=False)
    participant_id: str = ""
    communication_id: str = ""
    address: Address | None = None


@dataclass(frozen=True)
class Template:
    """A response that Genesys itself fills in and formats; `values` are its parameters, by id."""

    response_id: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Accepted:
    """
    Genesys took the message; `status` is the vendor's word for how far it got.

    `conversation_id` is where it went, "" where Genesys did not say: an automated message
    may go into another conversation than the one meant. `text_compared` is false where one
    was found by sender and time alone.
    """

    message_id: str | None
    status: str
    conversation_id: str
    correlation_id: str = ""
    text_compared: bool = True


@dataclass(frozen=True)
class Delivery:
    """How far a message got; `status` is the vendor's word, `error` why it failed."""

    status: str
    error: str = field(default="", repr=False)

    @property
    def word(self) -> str:
        """queued, sent, delivered, read or failed."""
        return _WORDS.get(self.status, "sent")


@dataclass(frozen=True)
class Message:
    id: str
    from_customer: bool
    text: str = field(repr=False)
    at: datetime | None = None


@dataclass(frozen=True)
class LiveConversation:
    """One to choose from a list; `agent` is the user id of who has it, None while it waits."""

    id: str
    customer: str = field(repr=False)
    queue: str
    channel: str
    since: datetime | None
    agent: str | None
    agent_name: str = field(default="", repr=False)


class LiveConversations(list[LiveConversation]):
    """Those that were read and are live; `left_out` more may be, and were not read."""

    left_out = 0


@dataclass(frozen=True)
class Library:
    id: str
    name: str


@dataclass(frozen=True)
class LibraryResponse:
    """
    A response kept in Genesys. `text` is plain; `substitutions` are ids and default values, None for none.

    `kind` is standard, template or form, or Genesys' own name of a kind that cannot be
    sent into a conversation.
    """

    id: str
    name: str
    version: int
    text: str = field(repr=False)
    substitutions: Mapping[str, str | None]
    kind: str = "standard"

    @property
    def sendable(self) -> bool:
        return self.kind in ("standard", "template", "form")


@dataclass(frozen=True)
class Queue:
    """`libraries_mode` is All, SelectedOnly or None; `library_ids` counts with SelectedOnly alone."""

    id: str
    name: str
    libraries_mode: str = "All"
    library_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class User:
    """A person of the organisation."""

    id: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    active: bool = True


@dataclass(frozen=True)
class Check:
    """
    One thing that has to be right before messages can be sent, and what mends it.

    `ok` with a `mend` is a warning: it works, and there is something to tidy up.
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""
