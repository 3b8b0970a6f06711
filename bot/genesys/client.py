"""`Genesys`: the one face that callers know, whichever contract is behind it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import urlsplit

from . import hosts, ids, users
from .answers import Answer, names_what_is_missing, refusal
from .calls import Calls, TokenSource
from .errors import GenesysError, NotFound, NotOffered, OutcomeUnknown, Refused
from .nouns import (
    Accepted,
    Check,
    Conversation,
    Delivery,
    Library,
    LibraryResponse,
    LiveConversations,
    Message,
    Queue,
    Sender,
    Template,
    User,
)
from .pace import Need
from .transport import UNCONFIRMED, OnAnswer, OnWait, Transport
from .verify import require_length

if TYPE_CHECKING:
    from .keyring import Keyring
    from .sign_in import SignIn

TIMEOUT = (3.05, 10.0)
DONE_BUT_TOO_LARGE = "response.entity.too.large"  # a 400 about the answer: what was asked for is done


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Outgoing:
    """One POST that must not be made twice, with the token of `principal` (None: the service)."""

    path: str
    body: object = field(repr=False)
    principal: str | None


class Genesys(ABC):
    """
    A Genesys Cloud organisation: conversations, the people in them, and one message at a time.

    Made by `Genesys.platform(…)` or `Genesys.events(…)`, which connect to nothing.
    Thread-safe; one is enough for a process, and `with` closes it. Every method but the pure
    ones raises AuthError (NotConnected for a person), Unavailable and, when a wait of more than
    60 seconds in all is asked for, RateLimited; nothing was sent then. `reader` is the Genesys
    user whose own token reads, where the contract has it so; None is the service.
    """

    id_shape: ClassVar[str]
    # For sentences: the rights to look up users, to read conversations and to send, and a 404.
    find_needs: ClassVar[str]
    read_needs: ClassVar[str]
    send_needs: ClassVar[str]
    gone: ClassVar[str]
    sign_in: SignIn | None = None  # where people do not sign in themselves
    tells_delivery: ClassVar[bool] = False  # whether `delivery` ever knows anything
    finds_messages: ClassVar[bool] = True  # whether `look` has anything to look into
    lists_conversations: ClassVar[bool] = False  # whether `live_conversations` ever lists any
    # Whether people act under their own sign-in alone: a message as the agent is then for the
    # agent to let go, and whoever is not in a chat may write into it in their own queues alone.
    people_act_themselves: ClassVar[bool] = False

    def __init__(
        self,
        *,
        tokens: TokenSource,
        login: str,
        api: str,
        transport: Transport,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._api = api
        self._calls = Calls(api, transport, tokens, sleep)
        self._transport = transport
        self._now = now
        self._sleep = sleep
        self._hosts = {urlsplit(url).hostname or "" for url in (login, api)}

    @staticmethod
    def platform(
        *,
        region: str,
        client_id: str,
        client_secret: str,
        oauth_client_id: str | None = None,
        oauth_client_secret: str | None = None,
        keyring: Keyring | None = None,
        login_url: str | None = None,
        api_url: str | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        on_answer: OnAnswer | None = None,
    ) -> Genesys:
        """
        The public Platform API, at `https://api.<region>` with tokens from `https://login.<region>`.

        `region` is a domain or a name (`eu_west_1`). The first client (client credentials) is
        the service, the second (authorization code) the one people sign in with; their
        tokens are kept in `keyring`, by default in memory. The rest as in `events`.

        Raises ValueError for an unknown region, with the list, and for a URL as in `events`.
        """
        from .platform import PlatformGenesys
        from .platform_tokens import PlatformTokens

        domain = hosts.domain_of(region)
        login = hosts.base(login_url or f"https://login.{domain}")
        api = hosts.base(api_url or f"https://api.{domain}")
        transport = Transport(login, api, timeout=timeout, now=now, sleep=sleep, on_answer=on_answer)
        tokens = PlatformTokens(
            transport,
            f"{login}/oauth",
            service=(client_id, client_secret),
            people=(oauth_client_id, oauth_client_secret),
            keyring=keyring,
            now=now,
        )
        return PlatformGenesys(
            domain=domain, tokens=tokens, login=login, api=api, transport=transport, now=now, sleep=sleep
        )

    @staticmethod
    def events(
        *,
        org_id: str,
        client_id: str,
        client_secret: str,
        jwt_key: str | None = None,
        system_user_id: str | None = None,
        login_url: str | None = None,
        api_url: str | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        on_answer: OnAnswer | None = None,
    ) -> Genesys:
        """
        The Conversations events API of `org_id`, at `https://<org_id>.mypurecloud.com`.

        `jwt_key` is an RSA private key in PEM form; with it, a message as `self` leaves with a
        token of that person, not the service's. `login_url` and `api_url` replace the host.
        `timeout`: seconds to connect, and between two bytes of an answer. `now` gives aware UTC.
        `sleep` may raise Interrupted, which ends the call. `on_answer` hears of each request:
        its path ("" where an answer broke off), and the status of its answer (None: there was none).

        Raises ValueError for an `org_id` that is no host name and for a URL that is neither
        https nor on this machine.
        """
        from .events import EventsGenesys, EventsTokens

        login, api = (hosts.base(given or hosts.of_organisation(org_id)) for given in (login_url, api_url))
        transport = Transport(login, api, timeout=timeout, now=now, sleep=sleep, on_answer=on_answer)
        tokens = EventsTokens(
            transport, f"{login}/oauth/token", client=(client_id, client_secret), jwt_key=jwt_key, now=now
        )
        return EventsGenesys(
            system_user_id=system_user_id,
            tokens=tokens,
            login=login,
            api=api,
            transport=transport,
            now=now,
            sleep=sleep,
        )

    def close(self) -> None:
        """Close the connections. Of no effect on a message that is on its way."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reachable(self) -> bool:
        """Whether the API answers at all, within a moment; counts against nobody's rate. Raises nothing."""
        return self._transport.reaches(f"{self._api}/api/v2/tokens/me")

    def conversation_id(self, text: str) -> str | None:
        """The conversation id that `text` is, or that is in it if it is a Genesys link; else None. Pure."""
        return ids.conversation_in(text, self._hosts, self.id_shape)

    def page(self, conversation_id: str) -> str:
        """The address of this conversation in the Genesys web app, "" where none is known. Pure."""
        return ""

    def conversation(
        self,
        conversation_id: str,
        *,
        reader: str | None = None,
        urgent: bool = True,
        on_wait: OnWait | None = None,
    ) -> Conversation:
        """
        Read a conversation as it is now. `on_wait` is told the seconds of each wait, and 0 when it is over.

        Not `urgent`, it leaves the last of a token's rate to what is.

        Raises NotFound if there is none, or it has ended and was archived; Refused on a 403.
        """
        return self._conversation(self._calls_if(urgent), conversation_id, reader, on_wait)

    def _conversation(
        self, calls: Calls, conversation_id: str, reader: str | None, on_wait: OnWait | None = None
    ) -> Conversation:
        self._require_id(conversation_id, "conversation")
        read_at = self._now()
        principal = reader if self.people_act_themselves else None
        path = f"/api/v2/conversations/{conversation_id}"
        answer = calls.read("GET", path, principal=principal, on_wait=on_wait)
        if not answer.ok:
            action, needs = "read this conversation", self.read_needs
            raise refusal(answer, action=action, needs=needs, missing=self.gone, principal=principal)
        return self._read(answer, conversation_id, read_at)

    @abstractmethod
    def sender(self, conversation: Conversation, send_as: str, user_id: str) -> Sender:
        """
        Who a message into `conversation` would come from. Pure: as true as `conversation` is fresh.

        `user_id` is the supervisor. `send_as` is `self` (the supervisor), `agent` (the agent
        in the conversation now) or `system` (automated).

        Raises Ended, WrongMedia, NotAParticipant (which names who is in it), and Refused if
        it is not clear who would be meant, or the channel has no such way. Nothing was sent.
        """

    @abstractmethod
    def max_length(self, conversation: Conversation) -> int:
        """How many characters one message into `conversation` may have. Pure."""

    def send(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        response: str = "",
        send_id: str = "",
        template: Template | None = None,
        urgent: bool = True,
        on_wait: OnWait | None = None,
    ) -> Accepted:
        """
        Send `text` (plain, no markup) to the customer of `conversation`, once.

        `response` and `send_id` mark it for reports where the contract takes marks; neither keeps
        it from being sent twice. With `template` Genesys makes the text; `text` is then what people
        should see of it.
        `urgent` as in `conversation`. `on_wait` is told the seconds of each wait, and 0 when
        it is over, as when its turn or a new token has come; what it raises ends the call, unsent.

        Raises Refused if the text or the send is not accepted, Unavailable and RateLimited
        if nothing was sent yet, OutcomeUnknown if that cannot be known: then it may have
        reached the customer, and is not to be repeated.
        """
        self._require_id(conversation.id, "conversation")
        channel = conversation.channel or f"a {conversation.media}"
        require_length(text, self.max_length(conversation), channel=channel)
        marks = {"source": "canned_response_bot", "response": response, "send_id": send_id}
        marks = {name: value for name, value in marks.items() if value}
        it = self._outgoing(conversation, sender, template or text, marks)
        calls = self._calls_if(urgent)
        answer = calls.send(it.path, it.body, principal=it.principal, on_wait=on_wait)
        if answer.code == DONE_BUT_TOO_LARGE:
            raise OutcomeUnknown(UNCONFIRMED, correlation_id=answer.correlation_id)
        if not answer.ok:
            raise self._why_refused(conversation, sender, answer)
        return self._accepted(conversation, sender, answer)

    @abstractmethod
    def look(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        since: datetime,
        known: Collection[str] = (),
        urgent: bool = True,
    ) -> Accepted | None:
        """
        Look for `text`, sent at or after `since` (aware UTC), after its answer was lost.

        `conversation` as it was read before the send, if there is one: what it held then is
        not what we look for. `known` are the ids of messages that other sends account for.
        Not `urgent`, it looks once, and raises RateLimited rather than use a rate that sends may need.

        None means that it was not found, never that it is not there.
        """

    def delivery(
        self, conversation_id: str, message_ids: Sequence[str], *, reader: str | None = None
    ) -> Mapping[str, Delivery]:
        """
        How far these messages got, by id; those that nothing is known of are left out.

        It raises RateLimited rather than use a rate that sends may need.
        """
        return {}

    def messages(
        self, conversation: Conversation, *, reader: str | None = None, limit: int = 5
    ) -> list[Message]:
        """The last messages of `conversation`, oldest first; none where they cannot be read."""
        return []

    def live_conversations(
        self,
        *,
        user_id: str | None = None,
        queues: Collection[str] | None = None,
        reader: str | None = None,
    ) -> LiveConversations:
        """
        The live messaging conversations of a user, or those of queues (by name) and waiting in them.

        Of many only some are read; `left_out` says of how many that is not known.

        Raises NotOffered where the contract has no way to list them.
        """
        raise NotOffered("This Genesys contract cannot list conversations. Give the conversation's id.")

    def libraries(self) -> list[Library]:
        """The response libraries kept in Genesys; none where the contract has none."""
        return []

    def library_responses(self, library_id: str) -> list[LibraryResponse]:
        """All responses of a library, of every kind. Raises NotFound, NotOffered."""
        raise NotOffered("This Genesys contract has no response libraries. Use canned.yml.")

    def queue(self, queue_id: str) -> Queue:
        """A queue, and which libraries its agents may use. Raises NotFound, NotOffered."""
        raise NotOffered("This Genesys contract cannot look up queues.")

    def queues(self, names: Collection[str]) -> Mapping[str, str]:
        """The ids of the queues with these names; a name that no queue has is left out."""
        return {}

    @abstractmethod
    def check(self, *, automated: bool = False) -> list[Check]:
        """
        Try what sending takes, and send nothing; each thing by name. Raises nothing.

        `automated`: automated messages are to be sent too.
        """

    def find_user(self, email: str) -> User | None:
        """
        The one active user with this e-mail address (upper or lower case); None if there is none, or several.

        Source: Genesys Cloud Platform API, `POST /api/v2/users/search`.
        """
        return users.find(self._calls, email, self.find_needs)

    def user(self, user_id: str) -> User:
        """
        The user with this id, active or not. Raises NotFound if there is none.

        Source: Genesys Cloud Platform API, `GET /api/v2/users/{userId}`.
        """
        self._require_id(user_id, "user")
        return users.with_id(self._calls, user_id, self.find_needs)

    # -- what the contracts have in common, and what each says of its own ------------------------

    @abstractmethod
    def _outgoing(
        self, conversation: Conversation, sender: Sender, content: str | Template, marks: dict[str, str]
    ) -> Outgoing:
        """The request that puts `content` before the customer, with `marks` for reports if it takes any."""

    @abstractmethod
    def _accepted(self, conversation: Conversation, sender: Sender, answer: Answer) -> Accepted:
        """What a 2xx says. Raises OutcomeUnknown for one that should say more."""

    @abstractmethod
    def _read(self, answer: Answer, conversation_id: str, read_at: datetime) -> Conversation:
        """The conversation in `answer`. Raises Unavailable if it is another one's."""

    @abstractmethod
    def _require_still(self, conversation: Conversation, sender: Sender) -> None:
        """Raise Refused if `sender` could not send into `conversation` as it is now."""

    def _refused(self, sender: Sender, answer: Answer) -> Refused:
        """What a 4xx to a send says, taken by itself."""
        principal = sender.user_id if self.people_act_themselves else None
        action, needs = "send messages", self.send_needs
        return refusal(answer, action=action, needs=needs, missing=self.gone, principal=principal)

    def _why_refused(self, conversation: Conversation, sender: Sender, answer: Answer) -> GenesysError:
        """
        What stands behind a 4xx to a send: Genesys says 400, 403 and 404 for several things at once.

        Unless the answer names it, the conversation is read again: the sender may have left.
        """
        refused = self._refused(sender, answer)
        if answer.status not in (400, 403, 404) or names_what_is_missing(answer):
            return refused
        try:
            now = self.conversation(conversation.id, reader=sender.user_id)
        except NotFound as exc:
            return _with_id_of(exc, answer)
        except GenesysError:
            return refused  # could not look; what was said about the send still stands
        try:
            self._require_still(now, sender)
        except Refused as exc:
            return _with_id_of(exc, answer)
        return refused

    def _calls_if(self, urgent: bool) -> Calls:
        return self._calls if urgent else self._calls.needed(Need.SOON)

    def _require_id(self, text: str, kind: str) -> None:
        ids.require_id(text, kind, self.id_shape)


def _with_id_of(exc: Refused, answer: Answer) -> Refused:
    exc.correlation_id = answer.correlation_id
    return exc
