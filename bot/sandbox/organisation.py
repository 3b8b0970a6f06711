"""
What a simulated Genesys Cloud organisation holds: users, conversations, tokens, what customers got.

It knows no HTTP and no contract: `genesys_events` speaks for it.
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SCOPES = frozenset({"conversation:chat:write", "conversation:write", "user:read"})
PERMISSIONS = frozenset({"directory:user:view"})


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class SimulatedUser:
    id: str
    name: str
    email: str
    state: str = "active"  # or inactive


@dataclass
class SimulatedParticipant:
    """`id` is new each time somebody joins; `user_id` is who they are, None for customer and queue."""

    id: str
    purpose: str  # customer, acd, agent or user
    name: str
    since: datetime
    until: datetime | None = None
    user_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    locale: str | None = None
    queue: str = ""


@dataclass
class SimulatedConversation:
    """`lines` is what was said, as (who, text) in order; "customer" is the customer."""

    id: str
    media: str
    since: datetime
    participants: list[SimulatedParticipant]
    until: datetime | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)

    def present(self, user_id: str) -> SimulatedParticipant | None:
        """The participation of this user that has not ended."""
        here = (each for each in self.participants if each.user_id == user_id and each.until is None)
        return next(here, None)


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
    """`user_id` is whom it acts for, None for the service; `window` and `count` serve the rate limit."""

    value: str
    user_id: str | None
    scopes: frozenset[str]
    expires_at: datetime
    window: datetime
    count: int = 0


class Organisation:
    """
    The state, and what people do there. Every attribute may be set at any time.

    `scopes` and `permissions` are those of the OAuth client, taken at each token and at
    each call. `rate_limit` is requests per minute and token, None for no limit.
    `outsider_status` (403 or 400) answers a sender who is not in the conversation, and
    `users_by` (id or userId) is where a participant of it names its user.
    """

    def __init__(self, *, now: Callable[[], datetime] = utc_now) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.org_id = "acme"
        self.client_id, self.client_secret = new_id(), secrets.token_urlsafe(24)
        self.jwt_public_key: str | None = None
        self.token_lifetime = 3600  # seconds
        self.scopes, self.permissions = SCOPES, PERMISSIONS
        self.rate_limit: int | None = 300
        self.outsider_status = 403
        self.users_by = "id"
        self.users: dict[str, SimulatedUser] = {}
        self.conversations: dict[str, SimulatedConversation] = {}
        self.received: list[Sent] = []
        self.tokens: dict[str, SimulatedToken] = {}
        self.system_user_id = self.add_user("Virtual Assistant", "assistant@example.com")

    def add_user(self, name: str, email: str, *, active: bool = True, user_id: str | None = None) -> str:
        user = SimulatedUser(user_id or new_id(), name, email, "active" if active else "inactive")
        self.users[user.id] = user
        return user.id

    def start_chat(
        self,
        customer: str = "Bob Miller",
        *,
        agents: Collection[str] = (),
        users: Collection[str] = (),
        attributes: Mapping[str, str] | None = None,
        language: str | None = None,
        queue: str = "Support EMEA",
        media: str = "chat",
        conversation_id: str | None = None,
    ) -> str:
        """
        Let a customer come through a queue to `agents`; `users` are in it too, but not as agents.

        `media` other than "chat" makes it a "voice", "callback", "email" … conversation.
        """
        at = self.now()
        asks = SimulatedParticipant(
            new_id(), "customer", customer, at, attributes=attributes or {}, locale=language
        )
        waits = SimulatedParticipant(new_id(), "acd", queue, at, until=at, queue=queue)
        conversation = SimulatedConversation(conversation_id or new_id(), media, at, [asks, waits])
        self.conversations[conversation.id] = conversation
        for user in agents:
            self.join(conversation.id, user, queue=queue)
        for user in users:
            self.join(conversation.id, user, purpose="user")
        return conversation.id

    def join(self, conversation: str, user: str, *, purpose: str = "agent", queue: str = "") -> None:
        name = self.users[user].name
        here = SimulatedParticipant(new_id(), purpose, name, self.now(), user_id=user, queue=queue)
        with self.lock:
            self.conversations[conversation].participants.append(here)

    def leave(self, conversation: str, user: str) -> None:
        with self.lock:
            here = self.conversations[conversation].present(user)
            if here is None:
                raise ValueError(f"user {user} is not in conversation {conversation}")
            here.until = self.now()

    def end(self, conversation: str) -> None:
        """Over, and everybody out of it; it can still be read until it is archived."""
        with self.lock:
            over = self.conversations[conversation]
            over.until = self.now()
            for each in over.participants:
                each.until = each.until or over.until

    def archive(self, conversation: str) -> None:
        """Not found any more, by anybody; what the customer got stays in `received`."""
        with self.lock:
            del self.conversations[conversation]

    def say(self, conversation: str, user: str, text: str, metadata: Mapping[str, object]) -> Sent:
        """Put a message of `user` before the customer."""
        sent = Sent(conversation, text, user, metadata, self.now(), new_id())
        with self.lock:
            self.conversations[conversation].lines.append((self.users[user].name, text))
            self.received.append(sent)
        return sent

    def customer_writes(self, conversation: str, text: str) -> None:
        with self.lock:
            self.conversations[conversation].lines.append(("customer", text))

    def customer_sees(self, conversation: str) -> list[str]:
        """The texts that the customer got, in order, archived or not."""
        with self.lock:
            return [each.text for each in self.received if each.conversation_id == conversation]

    def issue_token(self, user_id: str | None = None) -> SimulatedToken:
        at = self.now()
        ends = at + timedelta(seconds=self.token_lifetime)
        token = SimulatedToken(secrets.token_urlsafe(32), user_id, self.scopes, ends, at)
        self.tokens[token.value] = token
        return token

    def revoke_tokens(self) -> None:
        """Make every token so far worthless, as a changed secret or a logged-out user does."""
        self.tokens.clear()


def new_id() -> str:
    """An id as this contract has them: like a UUID, with letters that no UUID has."""
    letters = [secrets.choice(string.ascii_lowercase + string.digits) for _ in range(35)]
    text = secrets.choice("ghjkmnpqrstuvwxyz") + "".join(letters)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))
