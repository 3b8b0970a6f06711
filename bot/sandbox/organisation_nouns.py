"""The things that a simulated Genesys Cloud organisation is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

STATUSES = ("queued", "sent", "delivery-success", "read")


@dataclass
class SimulatedUser:
    """`permissions` are those of the roles, `divisions` where they hold; None for all of them."""

    id: str
    name: str
    email: str
    state: str = "active"  # or inactive
    permissions: frozenset[str] = frozenset()
    divisions: frozenset[str] | None = None


@dataclass
class SimulatedQueue:
    """`libraries_mode` is All, SelectedOnly or None, as text; `library_ids` count only with SelectedOnly."""

    id: str
    name: str
    division: str = "Home"
    libraries_mode: str = "All"
    library_ids: tuple[str, ...] = ()


@dataclass
class SimulatedMessage:
    """One message of a conversation; `by` is the user who wrote it, None for a customer and for `api`."""

    id: str
    text: str
    direction: str  # inbound or outbound
    at: datetime
    by: str | None = None
    status: str = "queued"
    kind: str = "Text"  # or Event, which has no text: its presence, say
    fails: tuple[str, str] | None = None  # code and message of the failure that its delivery ends in


@dataclass
class SimulatedParticipant:
    """
    `id` and `communication_id` are new each time somebody joins; `user_id` is who they are,
    None for customer and queue. `state` is alerting, connected or parked while they are in it;
    `monitors` is the participant whom a supervisor watches, and cannot write for.
    """

    id: str
    communication_id: str
    purpose: str  # customer, acd, agent, user or api
    name: str
    since: datetime
    until: datetime | None = None
    user_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    locale: str | None = None
    queue: str = ""
    queue_id: str | None = None
    connection: str = "connected"
    external_contact_id: str | None = None
    monitors: str | None = None
    messages: list[SimulatedMessage] = field(default_factory=list)

    @property
    def state(self) -> str:
        return self.connection if self.until is None else "disconnected"


@dataclass
class SimulatedConversation:
    """
    `lines` is what was said, as (who, text) in order; "customer" is the customer.

    `channel` is what a message conversation comes through (sms, webmessaging …), `address`
    the customer's own address there and `reached` the one they wrote to.
    """

    id: str
    media: str
    since: datetime
    participants: list[SimulatedParticipant]
    until: datetime | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)
    channel: str = "webmessaging"
    address: str = ""
    reached: str = ""
    division: str = "Home"

    def present(self, user_id: str) -> SimulatedParticipant | None:
        """The participation of this user that has not ended."""
        here = (each for each in self.participants if each.user_id == user_id and each.until is None)
        return next(here, None)

    @property
    def customer(self) -> SimulatedParticipant:
        return next(each for each in self.participants if each.purpose == "customer")

    @property
    def messages(self) -> list[SimulatedMessage]:
        """All that was written, by whoever, oldest first."""
        return sorted((each for one in self.participants for each in one.messages), key=lambda each: each.at)


@dataclass(frozen=True)
class Sent:
    """One message that reached a customer."""

    conversation_id: str
    text: str
    from_id: str
    metadata: Mapping[str, object]
    at: datetime
    id: str


@dataclass
class SimulatedToken:
    """
    `user_id` is whom it acts for, None for the service; `window` and `count` serve the rate limit.

    `used_at` is when a call was last made with it, which is what an inactivity time-out counts.
    """

    value: str
    user_id: str | None
    scopes: frozenset[str]
    expires_at: datetime
    window: datetime
    used_at: datetime
    count: int = 0


@dataclass(frozen=True)
class SimulatedLogin:
    """What a person's log-in left behind until its code is exchanged, which works once."""

    user_id: str
    redirect_uri: str
    challenge: str | None
    at: datetime


@dataclass
class SimulatedLibrary:
    id: str
    name: str


@dataclass
class SimulatedResponse:
    """`kind` is None for a standard response; `substitutions` gives each name its default value or None."""

    id: str
    name: str
    library_ids: tuple[str, ...]
    plain: str | None
    html: str | None = None
    substitutions: Mapping[str, str | None] = field(default_factory=dict)
    kind: str | None = None  # MessagingTemplate, Form, Footer, CampaignSmsTemplate …
    version: int = 1
