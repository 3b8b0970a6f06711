"""
What a simulated Genesys Cloud organisation holds: users, queues, conversations, what customers got.

It knows no HTTP and no contract: `genesys_events` and `genesys_platform` speak for it.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from .organisation_accounts import USER_PERMISSIONS, Accounts
from .organisation_nouns import (
    STATUSES,
    Sent,
    SimulatedConversation,
    SimulatedMessage,
    SimulatedParticipant,
    SimulatedQueue,
    SimulatedUser,
)
from .organisation_responses import Responses

_ADDRESSES = {"sms": ("+15557650001", "+13175550100"), "whatsapp": ("15557650001", "")}
_WHATSAPP_WINDOW = timedelta(hours=24)


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """An id as the tutorial has them: like a UUID, with letters that no UUID has."""
    letters = [secrets.choice(string.ascii_lowercase + string.digits) for _ in range(35)]
    text = secrets.choice("ghjkmnpqrstuvwxyz") + "".join(letters)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))


class Organisation(Accounts, Responses):
    """
    The state, and what people do there. Every attribute may be set at any time.

    `media` is that of a conversation which is not said to be another.
    `scopes` and `permissions` are those of the OAuth client, taken at each token and at
    each call. `rate_limit` is requests per minute and token, None for no limit; `over_rate`
    counts those refused.
    `outsider_status` (403 or 400) answers a sender who is not in the conversation, and
    `users_by` (id or userId) is where the events contract's participant names its user.

    What is only known to be possible can be switched on: `empty_answers` (a send is answered
    by 202 and nothing), `messages_show_after` (seconds until a message can be read back),
    `shows_authors` (createdBy), `agentless_lands_in` (another conversation than the one
    meant), `analytics_lag` (seconds).
    """

    def __init__(self, *, now: Callable[[], datetime], new_id: Callable[[], str], media: str) -> None:
        Accounts.__init__(self, now=now, new_id=new_id)
        Responses.__init__(self, new_id=new_id)
        self.media = media
        self.outsider_status = 403
        self.users_by = "id"
        self.empty_answers = False
        self.messages_show_after = self.analytics_lag = 0.0
        self.shows_authors = True
        self.agentless_lands_in: str | None = None
        self.users: dict[str, SimulatedUser] = {}
        self.queues: dict[str, SimulatedQueue] = {}
        self.conversations: dict[str, SimulatedConversation] = {}
        self.received: list[Sent] = []
        self.system_user_id = self.add_user("Virtual Assistant", "assistant@example.com")

    def add_user(self, name: str, email: str, *, active: bool = True, user_id: str | None = None) -> str:
        state = "active" if active else "inactive"
        user = SimulatedUser(user_id or self.new_id(), name, email, state, USER_PERMISSIONS)
        self.users[user.id] = user
        return user.id

    def queue(self, name: str) -> SimulatedQueue:
        """The queue of this name, set up now if there is none; its attributes may be set."""
        with self.lock:
            named = next((each for each in self.queues.values() if each.name == name), None)
            queue = named or SimulatedQueue(self.new_id(), name)
            return self.queues.setdefault(queue.id, queue)

    def start_chat(
        self,
        customer: str = "Bob Miller",
        *,
        agents: Collection[str] = (),
        users: Collection[str] = (),
        attributes: Mapping[str, str] | None = None,
        language: str | None = None,
        queue: str = "Support EMEA",
        media: str | None = None,
        channel: str = "webmessaging",
        conversation_id: str | None = None,
    ) -> str:
        """
        Let a customer come through a queue to `agents`; `users` are in it too, but not as agents.

        `media` makes it a "voice", "callback", "email" … conversation; `channel` is what a
        message conversation comes through. With no agents the customer waits in the queue.
        """
        conversation = self._begun(media or self.media, channel, conversation_id)
        asks = self._participant("customer", customer)
        asks.attributes, asks.locale, asks.external_contact_id = attributes or {}, language, self.new_id()
        waits = self._participant("acd", queue, queue=queue)
        conversation.participants += [asks, waits]
        conversation.division = self.queue(queue).division
        self.conversations[conversation.id] = conversation
        for user in agents:
            self.join(conversation.id, user, queue=queue)
        for user in users:
            self.join(conversation.id, user, purpose="user")
        return conversation.id

    def _begun(self, media: str, channel: str, conversation_id: str | None) -> SimulatedConversation:
        address, reached = _ADDRESSES.get(channel, ("", ""))
        it = SimulatedConversation(conversation_id or self.new_id(), media, self.now(), [], channel=channel)
        # A number of one's own for each customer: agentless sending addresses a person by it.
        it.address = f"{address[:-4]}{len(self.conversations) + 1:04}" if address else self.new_id()
        it.reached = reached or self.new_id()
        return it

    def _participant(
        self, purpose: str, name: str, *, user_id: str | None = None, queue: str = ""
    ) -> SimulatedParticipant:
        here = SimulatedParticipant(self.new_id(), self.new_id(), purpose, name, self.now(), user_id=user_id)
        here.queue, here.queue_id = queue, self.queue(queue).id if queue else None
        return here

    def join(
        self,
        conversation: str,
        user: str,
        *,
        purpose: str = "agent",
        queue: str = "",
        state: str = "connected",
    ) -> None:
        """
        `state` is alerting for an agent who has not answered yet; `set_state` goes on from there.

        An agent comes through `queue`, which is by default the one that the customer came through.
        """
        with self.lock:
            joined = self.conversations[conversation]
            waited = [each for each in joined.participants if each.purpose == "acd"]
            if purpose == "agent":
                queue = queue or next((each.queue for each in waited), "")
                for each in waited:
                    each.until = each.until or self.now()
            here = self._participant(purpose, self.users[user].name, user_id=user, queue=queue)
            here.connection = state
            joined.participants.append(here)

    def monitor(self, conversation: str, user: str) -> None:
        """Let a supervisor watch the agent, with a line of their own that nothing can be written through."""
        with self.lock:
            watched = self.conversations[conversation]
            agents = [each for each in watched.participants if each.purpose == "agent" and not each.until]
            here = self._participant("user", self.users[user].name, user_id=user)
            here.monitors = agents[-1].id
            watched.participants.append(here)

    def leave(self, conversation: str, user: str) -> None:
        with self.lock:
            self._present(conversation, user).until = self.now()

    def set_state(self, conversation: str, user: str, state: str) -> None:
        """Make a participant alerting, connected or parked."""
        with self.lock:
            self._present(conversation, user).connection = state

    def reconnect(self, conversation: str, user: str) -> None:
        """Lose a user's connection and take it up again: a new participant with new ids."""
        with self.lock:
            gone = self._present(conversation, user)
            gone.until = self.now()
            self.join(conversation, user, purpose=gone.purpose, queue=gone.queue)

    def _present(self, conversation: str, user: str) -> SimulatedParticipant:
        here = self.conversations[conversation].present(user)
        if here is None:
            raise ValueError(f"user {user} is not in conversation {conversation}")
        return here

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
        with self.lock:
            return self._say(
                self.conversations[conversation], self._present(conversation, user), text, metadata
            )

    def say_agentless(self, conversation: str, text: str) -> Sent:
        """Put a message that comes from no person before the customer; its author is `api`."""
        with self.lock:
            told = self.conversations[conversation]
            authors = [each for each in told.participants if each.purpose == "api"]
            if not authors:
                authors = [self._participant("api", "api")]
                told.participants += authors
            return self._say(told, authors[0], text, {})

    def flow_says(self, conversation: str, text: str) -> Sent:
        """Put before the customer what a flow of the organisation says, while nobody has answered yet."""
        with self.lock:
            told, flow = self.conversations[conversation], self._participant("workflow", "Virtual agent")
            flow.until = self.now()
            told.participants.append(flow)
            return self._say(told, flow, text, {})

    def _say(
        self,
        told: SimulatedConversation,
        author: SimulatedParticipant,
        text: str,
        metadata: Mapping[str, object],
    ) -> Sent:
        by = author.user_id
        message = SimulatedMessage(self._message_id(), text, "outbound", self.now(), by)
        heard = [each.at for each in told.messages if each.direction == "inbound"]
        if told.channel == "whatsapp" and self.now() - max(heard, default=told.since) > _WHATSAPP_WINDOW:
            message.fails = ("recipient.outside.session", "The customer's last message is over 24 hours old.")
        sent = Sent(told.id, text, by or "api", metadata, message.at, message.id)
        author.messages.append(message)
        told.lines.append((author.name, text))
        self.received.append(sent)
        return sent

    def _message_id(self) -> str:
        """Nobody says that it looks like other ids, so it does not: a caller may rely on no form of it."""
        return self.new_id().replace("-", "")

    def advance_delivery(self) -> None:
        """Move every message to customers one step on: queued, sent, delivery-success, where it stays."""
        with self.lock:
            for conversation in self.conversations.values():
                for each in conversation.messages:
                    if each.direction == "outbound" and each.status in STATUSES[:2]:
                        self._advance(each)

    def _advance(self, message: SimulatedMessage) -> None:
        if message.status == "queued" or message.fails is None:
            message.status = STATUSES[STATUSES.index(message.status) + 1]
        else:
            message.status = "delivery-failed"
            self._take_back(message)

    def read_messages(self, conversation: str) -> None:
        """Let the customer have read whatever they got."""
        with self.lock:
            for each in self.conversations[conversation].messages:
                if each.direction == "outbound" and not each.fails:
                    each.status = "read"

    def fail_delivery(self, message_id: str, reason: str = "The number is not in service.") -> None:
        """Let the next steps of this message's delivery end in delivery-failed."""
        self._message(message_id).fails = ("message.undeliverable", reason)

    def fail(self, message_id: str, reason: str = "The carrier refused.") -> None:
        """Let this message fail at once: the customer never got it."""
        with self.lock:
            message = self._message(message_id)
            message.status, message.fails = "failed", ("message.rejected", reason)
            self._take_back(message)

    def _message(self, message_id: str) -> SimulatedMessage:
        everything = (each for one in self.conversations.values() for each in one.messages)
        return next(each for each in everything if each.id == message_id)

    def _take_back(self, message: SimulatedMessage) -> None:
        self.received = [each for each in self.received if each.id != message.id]

    def customer_writes(self, conversation: str, text: str) -> None:
        message = SimulatedMessage(self._message_id(), text, "inbound", self.now(), status="received")
        with self.lock:
            self.conversations[conversation].customer.messages.append(message)
            self.conversations[conversation].lines.append(("customer", text))

    def customer_connects(self, conversation: str) -> None:
        """Nothing is written, and yet the platform lists a message: one of the kind Event."""
        message = SimulatedMessage(
            self._message_id(), "", "inbound", self.now(), status="received", kind="Event"
        )
        with self.lock:
            self.conversations[conversation].customer.messages.append(message)

    def customer_sees(self, conversation: str) -> list[str]:
        """The texts that the customer got, in order, archived or not."""
        with self.lock:
            return [each.text for each in self.received if each.conversation_id == conversation]
