"""What every contract of Genesys Cloud has in common, sending once above all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from . import ids, users
from .answers import Answer, names_what_is_missing
from .calls import Calls, TokenSource
from .client import Genesys
from .errors import GenesysError, NotFound, Refused
from .nouns import Accepted, Conversation, Sender, Template, User
from .pace import Need
from .transport import OnWait, Transport
from .verify import require_length


@dataclass(frozen=True)
class Outgoing:
    """One POST that must not be made twice, with the token of `principal` (None: the service)."""

    path: str
    body: object = field(repr=False)
    principal: str | None


class Contract(Genesys):
    find_needs: str  # the right to look up users, for the sentence that it is missing

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

    def close(self) -> None:
        self._transport.close()

    def reachable(self) -> bool:
        return self._transport.reaches(f"{self._api}/api/v2/tokens/me")

    def conversation_id(self, text: str) -> str | None:
        return ids.conversation_in(text, self._hosts, self.id_shape)

    def user_id(self, text: str) -> str | None:
        text = text.strip()
        return text if ids.is_id(text, self.id_shape) else None

    def find_user(self, email: str) -> User | None:
        return users.find(self._calls, email, self.find_needs)

    def user(self, user_id: str) -> User:
        self._require_id(user_id, "user")
        return users.with_id(self._calls, user_id, self.find_needs)

    def send(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        response: str,
        send_id: str,
        template: Template | None = None,
        urgent: bool = True,
        on_wait: OnWait | None = None,
    ) -> Accepted:
        self._require_id(conversation.id, "conversation")
        channel = conversation.channel or f"a {conversation.media}"
        require_length(text, self.max_length(conversation), channel=channel)
        marks = {"source": "canned_response_bot", "response": response, "send_id": send_id}
        it = self._outgoing(conversation, sender, template or text, marks)
        calls = self._calls_if(urgent)
        answer = calls.send(it.path, it.body, principal=it.principal, on_wait=on_wait)
        if not answer.ok:
            raise self._why_refused(conversation, sender, answer)
        return self._accepted(conversation, sender, answer)

    @abstractmethod
    def _outgoing(
        self, conversation: Conversation, sender: Sender, content: str | Template, marks: dict[str, str]
    ) -> Outgoing:
        """The request that puts `content` before the customer, with `marks` for reports if it takes any."""

    @abstractmethod
    def _accepted(self, conversation: Conversation, sender: Sender, answer: Answer) -> Accepted:
        """What a 2xx says. Raises OutcomeUnknown for one that should say more."""

    @abstractmethod
    def _refused(self, sender: Sender, answer: Answer) -> Refused:
        """What a 4xx to a send says, taken by itself."""

    @abstractmethod
    def _require_still(self, conversation: Conversation, sender: Sender) -> None:
        """Raise Refused if `sender` could not send into `conversation` as it is now."""

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
