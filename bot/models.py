"""
The nouns that every room shares: a send, how far it got, who links to whom.

    pending ──begin──▶ sending ──▶ sent | refused
       │  ▲               │
       │  └─ never left ──┤
       ▼                  └─ no answer ──▶ unknown ──▶ sent | unsent | unknown
    cancelled | refused

`pending` has certainly not left, `sending` may have. Times are aware and in UTC.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNSENT = "unsent"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether the bot itself still has work to do on it."""
        return self in (State.PENDING, State.SENDING)

    @property
    def word(self) -> str:
        """The word people read for it, the same everywhere."""
        return _WORDS[self]


_WORDS = {
    State.PENDING: "waiting",
    State.SENDING: "sending",
    State.SENT: "sent",
    State.REFUSED: "not sent",
    State.UNKNOWN: "unknown",
    State.UNSENT: "not sent",
    State.CANCELLED: "not sent",
}


class SendAs(StrEnum):
    SELF = "self"
    AGENT = "agent"
    SYSTEM = "system"


class Gate(StrEnum):
    """Who has to open it before a pending send may leave."""

    AGENT = "agent"  # the agent in the conversation, whose words they become
    APPROVAL = "approval"  # somebody of the group that approves the response
    BOTH = "approval, agent"  # that group, and then the agent

    @property
    def is_approval(self) -> bool:
        """Whether it waits for an approval; once that is given, BOTH becomes AGENT."""
        return self is not Gate.AGENT

    @property
    def asks_agent(self) -> bool:
        return self is not Gate.APPROVAL


@dataclass(frozen=True)
class SendRequest:
    """
    One confirmed click, as it is claimed.

    `key` is a UUID derived from what Slack says identifies the click, so that a replay
    on any replica computes the same one. `text` is the template as the supervisor
    edited or saw it (None: the response's own), `values` what they typed as name=value.
    `seen` are ids of what the window showed of the conversation, None where nobody looked.
    `edited` says that it is no text of the response's own, or that the agent changed it.
    `not_before` ends an undo window or, if `scheduled`, is when it is meant to leave.
    `corrects` is the key of the send that it sets right, `instead_of` that of an unknown send
    that this one repeats.
    `approval` is the user group that has to agree, as canned.yml had it at the click; not on record.
    """

    key: str
    team: str
    channel: str
    supervisor: str
    conversation_id: str
    response: str
    send_as: SendAs
    requested_at: datetime
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    text: str | None = field(default=None, repr=False)
    language: str | None = None
    by_operator: bool = False
    confirmed: bool = False
    not_before: datetime | None = None
    gate: Gate | None = None
    seen: Mapping[str, str] | None = None
    edited: bool = False
    instead_of: str | None = None
    scheduled: bool = False
    corrects: str | None = None
    approval: str | None = field(default=None, compare=False)

    @property
    def actor(self) -> str:
        """Whoever asked for it, as the record names them."""
        return f"operator for {self.supervisor}" if self.by_operator else self.supervisor

    @property
    def held_until(self) -> datetime | None:
        """Until when there is nothing to do for it: an approval is asked for at once."""
        return None if self.gate is not None and self.gate.is_approval else self.not_before


@dataclass(frozen=True)
class Way:
    """Another way to send, open to a supervisor who is not in the conversation; `name` is the agent's."""

    send_as: SendAs
    name: str = field(default="", repr=False)


@dataclass(frozen=True)
class Receipt:
    """
    Where a claimed send stands.

    `reason` is the sentence for a person that goes with the state; it never holds
    customer text. `text` is the exact text that left or was about to, and None before
    `begin` and after the texts were purged. Behind a gate it is frozen when somebody is
    asked, who may open it until `gate_until`; `opened_by` is the Slack user who did, and
    `approved_by` who approved it, which no text may follow but that one.
    `landed_in` is the conversation that the message went to where that is another one.
    `ways` and `draft` are not on record: they go with a fresh refusal alone. Under `draft`
    the request waits for "send anyway".
    `handled_by` is the Slack user who said of an unknown one what is to become of it.
    `delivery` is how far a message that was sent has got: queued, sent, delivered, read or
    failed, with `delivery_error` in Genesys' words; "" while nothing is known.
    """

    request: SendRequest
    state: State
    changed_at: datetime
    reason: str = ""
    message_id: str | None = None
    correlation_id: str = ""
    sender_id: str | None = None
    text: str | None = field(default=None, repr=False)
    text_hash: str | None = None
    not_before: datetime | None = None
    waiting_until: datetime | None = None
    delivery: str = ""
    delivery_error: str = field(default="", repr=False)
    gate_until: datetime | None = None
    opened_by: str | None = None
    approved_by: str | None = None
    landed_in: str | None = None
    handled_by: str | None = None
    ways: tuple[Way, ...] = field(default=(), compare=False)
    draft: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        return self.request.key

    @property
    def is_asked(self) -> bool:
        """Whether it waits for somebody to open it, and for nothing else."""
        return self.state is State.PENDING and self.gate_until is not None and self.opened_by is None

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for the time that it is meant for, and for nothing else."""
        request = self.request
        waits = self.state is State.PENDING and request.scheduled and not self.is_asked
        return waits and self.not_before is not None and self.not_before == request.not_before

    @property
    def awaits_approval(self) -> bool:
        gate = self.request.gate
        return self.is_asked and gate is not None and gate.is_approval

    @property
    def is_open_question(self) -> bool:
        """Whether nobody knows how it ended, and nobody has said that it is dealt with."""
        return self.state is State.UNKNOWN and self.handled_by is None


@dataclass(frozen=True)
class Outcome:
    """
    What `settle` writes down: the state a send moves to and what is known of it.

    `delivery` is how far the message had got by then, `look_at` when to ask again.
    """

    state: State
    reason: str = ""
    message_id: str | None = None
    correlation_id: str = ""
    not_before: datetime | None = None
    delivery: str = ""
    look_at: datetime | None = None
    landed_in: str | None = None


@dataclass(frozen=True)
class Chat:
    """A conversation that was announced in a channel; `queue` is a queue's name, "" if not known."""

    channel: str
    conversation_id: str
    queue: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """
    What a conversation's card shows: the send that changed last, the chat if it was announced.

    `unknown` are sends of which somebody still has to say what is to become of them.
    """

    latest: Receipt | None = None
    chat: Chat | None = None
    unknown: tuple[Receipt, ...] = ()


@dataclass(frozen=True)
class Pause:
    """Nothing leaves for `team` ("": for any team), whose `channel` is this, while it stands."""

    team: str
    since: datetime
    actor: str
    channel: str | None = None

    @property
    def whose(self) -> str:
        return self.team or "every team"

    @property
    def lifted_by(self) -> str:
        """What an operator types."""
        return f"canned resume --team {shlex.quote(self.team)}" if self.team else "canned resume"


@dataclass(frozen=True)
class Link:
    """This Slack user is that Genesys user; `source` is operator, email or connect."""

    slack_user: str
    genesys_user: str
    source: str
    linked_at: datetime
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)


@dataclass(frozen=True)
class Asked:
    """Where somebody is asked: `place` is a user or channel, `ts` Slack's message (None: on its way)."""

    place: str
    ts: str | None


class PostKind(StrEnum):
    REPLY = "reply"  # in the conversation's thread, in the team's channel
    DIRECT = "direct"  # to the supervisor alone
    ASK = "ask"  # to the agent who is asked
    ASKED = "asked"  # in the place of that message: what became of it
    APPROVE = "approve"  # to the group that approves, in the thread
    APPROVED = "approved"  # in the place of that reply


@dataclass(frozen=True)
class Post:
    """
    One thing to say in Slack about one send, written down before it is said.

    `posting` is set while a post may be on its way: found so after a crash, it is first
    looked for in the thread. `record` is the mac of the audit record that it tells of.
    """

    id: int
    key: str
    kind: PostKind
    channel: str
    conversation_id: str
    state: State
    reason: str
    created_at: datetime
    posting: bool = False
    attempts: int = 0
    record: str = ""


@dataclass(frozen=True)
class Thread:
    """
    The thread of one conversation in one channel; `ts` is its parent card's, None before it is posted.

    `carding` is set while the card may be on its way; `card_due` says that the card no
    longer shows the latest state, `touches` how often it has come to that.
    """

    channel: str
    conversation_id: str
    ts: str | None
    carding: bool = False
    card_due: bool = False
    touches: int = field(default=0, compare=False)
