"""What Genesys Cloud tells us, typed; the same for every contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_PEOPLE = ("agent", "user")


@dataclass(frozen=True)
class Participant:
    """
    One party of a conversation, past or present.

    `purpose` is the vendor's word: customer, agent, user, acd … or "" where it gives
    none. `live`: has not left. `queue` is a queue's name, `language` an ISO 639 code.
    """

    id: str
    user_id: str | None = None
    purpose: str = ""
    name: str = field(default="", repr=False)
    live: bool = True
    queue: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str | None = None


@dataclass(frozen=True)
class Conversation:
    """A conversation as it was when it was read; `media` is chat, message, voice, callback, email …"""

    id: str
    media: str
    live: bool
    participants: tuple[Participant, ...] = ()

    @property
    def customer(self) -> Participant | None:
        """The customer; of several who came and went, the one still there."""
        customers = [one for one in reversed(self.participants) if one.purpose == "customer"]
        return max(customers, key=lambda one: one.live, default=None)

    @property
    def agents(self) -> tuple[Participant, ...]:
        """The people of the organisation who are in it now, each once."""
        people = {one.user_id: one for one in self.participants if one.live and one.purpose in _PEOPLE}
        return tuple(one for one in people.values() if one.user_id)

    def now_with(self, user_id: str) -> Participant | None:
        """`user_id`'s own place in it, the latest of several; None where they are not in it now."""
        places = (one for one in reversed(self.participants) if one.live and one.user_id == user_id)
        return next(places, None)


@dataclass(frozen=True)
class Sender:
    """Who a message will come from; `send_as` is self, agent or system."""

    send_as: str
    user_id: str | None
    name: str = field(default="", repr=False)
    participant_id: str = ""


@dataclass(frozen=True)
class Accepted:
    """Genesys took the message; `status` is the vendor's word for how far it got."""

    message_id: str | None
    status: str
    conversation_id: str
    correlation_id: str = ""


@dataclass(frozen=True)
class User:
    """A person of the organisation."""

    id: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    active: bool = True


@dataclass(frozen=True)
class Check:
    """One thing that has to be right before messages can be sent, and what mends it."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
