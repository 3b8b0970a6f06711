"""`Genesys`: the one face that callers know, whichever contract is behind it."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests

from . import ids
from .answers import Answer, quoting, refusal
from .errors import AuthError, GenesysError, Refused, Unavailable
from .json_values import objects, text_of
from .nouns import Accepted, Check, Conversation, Sender, User
from .tokens import Token, Tokens
from .transport import Bearer, Patience, Transport, is_loopback

OnWait = Callable[[float], None]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Genesys(ABC):
    """
    A Genesys Cloud organisation: conversations, the people in them, and one message at a time.

    Made by `Genesys.events(…)`, which connects to nothing. Thread-safe; one is enough for a
    process. Every method but the pure ones raises AuthError, Unavailable and, when a wait
    of more than 60 seconds in all is asked for, RateLimited; nothing was sent then.
    """

    id_shape: ClassVar[str]
    find_needs: ClassVar[str]

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
        timeout: tuple[float, float] = (3.05, 10.0),
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Genesys:
        """
        The Conversations events API of `org_id`, at `https://<org_id>.mypurecloud.com`.

        `jwt_key` is an RSA private key in PEM form; with it, a message as `self` leaves with a
        token of that person, not the service's. `login_url` and `api_url` replace the host.
        `timeout`: seconds to connect, and between two bytes of an answer. `now` gives aware UTC.

        Raises ValueError for an `org_id` that is no host name and for a URL that is neither
        https nor on this machine.
        """
        from .events import EventsGenesys

        login, api = (_base(given or _host_of(org_id)) for given in (login_url, api_url))
        return EventsGenesys(
            client_id=client_id,
            client_secret=client_secret,
            jwt_key=jwt_key,
            system_user_id=system_user_id,
            login=login,
            api=api,
            transport=Transport(login, api, timeout=timeout, now=now, sleep=sleep),
            now=now,
            sleep=sleep,
        )

    def __init__(
        self,
        *,
        login: str,
        api: str,
        transport: Transport,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._token_url = f"{login}/oauth/token"
        self._api = api
        self._transport = transport
        self._now = now
        self._sleep = sleep
        self._tokens = Tokens(self._fetch_token, now)
        self._hosts = {urlsplit(url).hostname or "" for url in (login, api)}

    def close(self) -> None:
        """Close the connections. Of no effect on a message that is on its way."""
        self._transport.close()

    def conversation_id(self, text: str) -> str | None:
        """The conversation id that `text` is, or that is in it if it is a Genesys link; else None. Pure."""
        return ids.conversation_in(text, self._hosts, self.id_shape)

    def user_id(self, text: str) -> str | None:
        """`text` if it has the form of a user id, else None. Pure."""
        text = text.strip()
        return text if ids.is_id(text, self.id_shape) else None

    @abstractmethod
    def conversation(
        self, conversation_id: str, *, reader: str | None = None, on_wait: OnWait | None = None
    ) -> Conversation:
        """
        Read a conversation as it is now.

        `reader` is the Genesys user whose own token reads, where the contract has it so;
        None is the service. `on_wait` is told the seconds of each wait that a 429 asks for.

        Raises NotFound if there is none, or it has ended and was archived; Refused on a 403.
        """

    @abstractmethod
    def sender(self, conversation: Conversation, send_as: str, user_id: str) -> Sender:
        """
        Who a message into `conversation` would come from. Pure: as true as `conversation` is fresh.

        `user_id` is the supervisor. `send_as` is `self` (the supervisor), `agent` (the agent
        in the conversation now) or `system` (the automated user).

        Raises Ended, WrongMedia, NotAParticipant (which names who is in it), and Refused if
        it is not clear who would be meant. Nothing was sent.
        """

    @abstractmethod
    def max_length(self, conversation: Conversation) -> int:
        """How many characters one message into `conversation` may have. Pure."""

    @abstractmethod
    def send(
        self,
        conversation: Conversation,
        sender: Sender,
        text: str,
        *,
        response: str,
        send_id: str,
        on_wait: OnWait | None = None,
    ) -> Accepted:
        """
        Send `text` (plain, no markup) to the customer of `conversation`, once.

        `response` and `send_id` mark it for reports where the contract takes marks.
        `on_wait` is told the seconds of each wait; what it raises ends the call, unsent.

        Raises Refused if the text or the send is not accepted, Unavailable and RateLimited
        if nothing was sent yet, OutcomeUnknown if that cannot be known: then it may have
        reached the customer, and is not to be repeated.
        """

    @abstractmethod
    def look(
        self, conversation: Conversation, sender: Sender, text: str, *, since: datetime
    ) -> Accepted | None:
        """
        Look for `text`, sent at or after `since` (aware UTC), after its answer was lost.

        None means that it was not found, never that it is not there.
        """

    @abstractmethod
    def check(self) -> list[Check]:
        """Try what sending takes, and send nothing; each thing by name. Raises nothing."""

    def find_user(self, email: str) -> User | None:
        """
        The one active user with this e-mail address (upper or lower case); None if there is none, or several.

        Source: Genesys Cloud Platform API, `POST /api/v2/users/search`.
        """
        wanted = email.strip()
        if not wanted:
            return None
        query = [
            {"type": "EXACT", "fields": ["email"], "value": wanted},
            {"type": "EXACT", "fields": ["state"], "values": ["active"]},
        ]
        body = {"pageSize": 25, "pageNumber": 1, "query": query}
        answer = self._read("POST", "/api/v2/users/search", body=body)
        if not answer.ok:
            raise self._refused_users(answer)
        users = [read_user(one) for one in objects((answer.body or {}).get("results"))]
        same = {one.id: one for one in users if one.active and one.email.casefold() == wanted.casefold()}
        return next(iter(same.values())) if len(same) == 1 else None

    def user(self, user_id: str) -> User:
        """
        The user with this id, active or not. Raises NotFound if there is none.

        Source: Genesys Cloud Platform API, `GET /api/v2/users/{userId}`.
        """
        self._require_id(user_id, "user")
        answer = self._read("GET", f"/api/v2/users/{user_id}")
        if not answer.ok:
            raise self._refused_users(answer)
        return read_user(answer.body or {})

    def _refused_users(self, answer: Answer) -> Refused:
        gone = "Genesys knows no user with this id. Nothing was sent. Link the Slack user to another one."
        return refusal(answer, action="look up users", needs=self.find_needs, missing=gone)

    def _require_id(self, text: str, kind: str) -> None:
        """Nothing but an id ever becomes part of an address."""
        if not ids.is_id(text, self.id_shape):
            raise Refused(
                f"That is not a {kind} id, so Genesys was not asked. One looks like "
                "a1b2c3d4-e5f6-7890-a1b2-c3d4e5f6a7b8; copy it again from Genesys."
            )

    def _read(self, method: str, path: str, *, body: object = None, on_wait: OnWait | None = None) -> Answer:
        return self._ask(self._transport.read, None, method, path, body, on_wait)

    def _send(self, principal: str | None, path: str, body: object, on_wait: OnWait | None = None) -> Answer:
        return self._ask(self._transport.send, principal, "POST", path, body, on_wait)

    def _ask(
        self,
        way: Callable[[Callable[[], requests.Response], Patience], Answer],
        principal: str | None,
        method: str,
        path: str,
        body: object,
        on_wait: OnWait | None,
    ) -> Answer:
        """One request with a token; after a 401, once more with a new token."""
        patience = Patience(self._sleep, on_wait)
        url = self._api + path
        for _ in range(2):
            token = self._tokens.get(principal, patience)
            call = partial(self._transport.request, method, url, auth=Bearer(token), body=body)
            answer = way(call, patience)
            if answer.status != 401:
                return answer
            self._tokens.drop(principal, token)
        raise AuthError(
            "Genesys does not accept the bot's sign-in, even with a new token. Nothing was sent, and trying "
            "again will not help: the operator has to check the OAuth client and its scopes. Tell them"
            f"{quoting(answer.correlation_id)}.",
            correlation_id=answer.correlation_id,
        )

    def _fetch_token(self, principal: str | None, patience: Patience) -> Token:
        answer = self._transport.read(lambda: self._request_token(principal), patience)
        if not answer.ok:
            raise self._no_token(principal, answer)
        return Token.of(answer.body or {}, self._now())

    @abstractmethod
    def _request_token(self, principal: str | None) -> requests.Response:
        """Ask for a token of `principal` (a user id; None: the service), by the contract's grant."""

    def _no_token(self, principal: str | None, answer: Answer) -> AuthError:
        reason = f"{answer.status} {answer.code}".strip()
        what, check = "let the bot act for this person", "JWT key and the person's user id"
        if principal is None:
            what, check = "sign the bot in", "client id, client secret and host"
        return AuthError(
            f"Genesys refused to {what} ({reason}). Nothing was sent, and trying again will not help: "
            f"the operator has to check the {check}. Tell them{quoting(answer.correlation_id)}.",
            correlation_id=answer.correlation_id,
        )

    def _checked(self, name: str, action: Callable[[], str], mend: str) -> Check:
        """Run one check; `action` returns what it found."""
        try:
            return Check(name, ok=True, detail=action())
        except GenesysError as exc:
            return Check(name, ok=False, detail=str(exc), mend=mend)


def read_user(raw: Mapping[str, Any]) -> User:
    """A user as the API gives it: `id`, `name`, `email`, `state` (active, inactive, deleted)."""
    user_id = text_of(raw.get("id"))
    if not user_id:
        raise Unavailable("Genesys described a user without an id. Nothing was sent; tell the operator.")
    return User(user_id, text_of(raw.get("name")), text_of(raw.get("email")), raw.get("state") == "active")


def _host_of(org_id: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}", org_id):
        raise ValueError(f"{org_id!r} is not a Genesys organisation id: letters, digits and hyphens")
    return f"https://{org_id}.mypurecloud.com"


def _base(url: str) -> str:
    parts = urlsplit(url)
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))) or not parts.hostname:
        raise ValueError(f"{url!r} is not the address of a Genesys host: https, or this machine")
    return url.rstrip("/")
