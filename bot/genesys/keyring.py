"""The tokens of people who signed in themselves, and how one of them is used for a request."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import requests

from .errors import NotConnected, Unavailable
from .tokens import LEEWAY, WRONG_CLIENT, no_token, read_token
from .transport import Patience, Transport

SPENT = "invalid_grant"  # of a refresh token that is not good any more; source: RFC 6749 section 5.2


@dataclass(frozen=True)
class Grant:
    """A person's tokens; `expires_at` (aware UTC) is the access token's end."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime

    @classmethod
    def of(cls, body: Mapping[str, Any], now: datetime, *, before: Grant | None = None) -> Grant:
        """The grant in a token endpoint's answer; a refresh token that is not renewed stays `before`'s."""
        access, ends = read_token(body, now)
        refresh = body.get("refresh_token") or (before.refresh_token if before else None)
        return cls(access, refresh if isinstance(refresh, str) else None, ends)


class Keyring(Protocol):
    """Where grants are kept, by Genesys user id; shared by every process that sends for these people."""

    def load(self, user_id: str) -> Grant | None: ...

    def save(self, user_id: str, grant: Grant | None) -> None:
        """Keep `grant` for good before returning; None forgets."""

    def locked(self, user_id: str) -> AbstractContextManager[None]:
        """Held by one at a time, in all processes, while a grant is being renewed."""


class MemoryKeyring:
    """A keyring for one process, and for as long as it runs."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def load(self, user_id: str) -> Grant | None:
        return self._grants.get(user_id)

    def save(self, user_id: str, grant: Grant | None) -> None:
        if grant:
            self._grants[user_id] = grant
        else:
            self._grants.pop(user_id, None)

    @contextmanager
    def locked(self, user_id: str) -> Iterator[None]:
        with self._locks[user_id]:
            yield


class Keys:
    """
    A person's token for a request, from the keyring, renewed a minute before its end.

    Nothing is remembered beside the keyring: what another process renewed or forgot
    holds at once.
    """

    def __init__(
        self,
        transport: Transport,
        keyring: Keyring,
        renew: Callable[[str], requests.Response],
        now: Callable[[], datetime],
    ) -> None:
        """`renew` asks the token endpoint with a refresh token."""
        self._transport = transport
        self._keyring = keyring
        self._renew = renew
        self._now = now

    def get(self, user_id: str, patience: Patience, *, instead_of: str | None = None) -> str:
        grant = self._loaded(user_id)
        if self._is_fresh(grant, instead_of):
            return grant.access_token
        if grant.refresh_token is None:
            return self._while_it_lives(user_id, grant, instead_of)
        with self._keyring.locked(user_id):
            token = self._renewed_once(user_id, patience, instead_of)
        patience.over()
        return token

    def _renewed_once(self, user_id: str, patience: Patience, refused: str | None) -> str:
        grant = self._loaded(user_id)
        if self._is_fresh(grant, refused):  # somebody else has renewed it meanwhile
            return grant.access_token
        try:
            return self._renewed(user_id, grant, patience)
        except Unavailable:
            if not self._lives(grant, refused):
                raise
            return grant.access_token

    def _loaded(self, user_id: str) -> Grant:
        grant = self._keyring.load(user_id)
        if grant is None:
            raise NotConnected(user_id)
        return grant

    def _is_fresh(self, grant: Grant, refused: str | None) -> bool:
        return grant.access_token != refused and self._now() < grant.expires_at - LEEWAY

    def _lives(self, grant: Grant, refused: str | None) -> bool:
        return grant.access_token != refused and self._now() < grant.expires_at

    def _while_it_lives(self, user_id: str, grant: Grant, refused: str | None) -> str:
        """Some organisations give no refresh token: those with an inactivity timeout."""
        if self._lives(grant, refused):
            return grant.access_token
        raise NotConnected(user_id)

    def _renewed(self, user_id: str, grant: Grant, patience: Patience) -> str:
        refresh_token = grant.refresh_token or ""
        answer = self._transport.read(lambda: self._renew(refresh_token), patience)
        if answer.code in WRONG_CLIENT:
            raise no_token(answer, what="renew this person's sign-in", check="OAuth client that people use")
        if not answer.ok:
            if answer.code == SPENT:  # all else may be about the request: a gateway's page, say
                self._keyring.save(user_id, None)
            raise NotConnected(user_id, correlation_id=answer.correlation_id)
        renewed = Grant.of(answer.body or {}, self._now(), before=grant)
        self._keyring.save(user_id, renewed)  # first: the old refresh token is spent
        return renewed.access_token
