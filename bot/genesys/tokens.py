"""Tokens, kept for as long as they are good and fetched once however many threads ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from .answers import Answer, quoting
from .errors import AuthError, GenesysError, Unavailable
from .transport import Patience

LEEWAY = timedelta(seconds=60)
WRONG_CLIENT = ("invalid_client", "unauthorized_client")  # the operator's to repair, whoever signs in

Fetch = Callable[[str | None, Patience], "Token"]


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    good_until: datetime

    @classmethod
    def of(cls, body: Mapping[str, Any], now: datetime) -> Token:
        """The token in a token endpoint's answer. Raises Unavailable if there is none in it."""
        value, ends = read_token(body, now)
        return cls(value, ends - LEEWAY)


def read_token(body: Mapping[str, Any], now: datetime) -> tuple[str, datetime]:
    """The `access_token` in a token endpoint's answer, and when it ends. Raises Unavailable for none."""
    value, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        raise Unavailable(
            "Genesys answered the sign-in without a token, so nothing was sent. "
            "Try again in a minute; if it stays like this, tell the operator."
        )
    life = float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 10**8 else 0.0
    return value, now + timedelta(seconds=life)


class Tokens:
    """
    One token for each principal: a user id, or None for the service itself.

    `fetch` gets a new one. Of many threads that miss it at once one calls `fetch`; the others wait
    for the same token, or the same error, if it is Genesys' and not what that one was called off by.
    """

    def __init__(self, fetch: Fetch, now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = Lock()
        self._kept: dict[str | None, Token] = {}
        self._under_way: dict[str | None, Future[str]] = {}

    def get(self, principal: str | None, patience: Patience, *, instead_of: str | None = None) -> str:
        if instead_of is not None:
            self.drop(principal, instead_of)
        with self._lock:
            kept = self._kept.get(principal)
            if kept and self._now() < kept.good_until:
                return kept.value
            running = self._under_way.get(principal)
            if running is None:
                mine = self._under_way[principal] = Future()
        if running and not isinstance(running.exception(), GenesysError | None):
            return self.get(principal, patience)
        token = running.result() if running else self._fetch_for_all(principal, patience, mine)
        patience.over()
        return token

    def rejected(self, principal: str | None, answer: Answer) -> AuthError:
        return AuthError(
            "Genesys does not accept the bot's sign-in, even with a new token. Nothing was sent, and trying "
            "again will not help: the operator has to check the OAuth client and its scopes. Tell them"
            f"{quoting(answer.correlation_id)}.",
            correlation_id=answer.correlation_id,
        )

    def drop(self, principal: str | None, value: str) -> None:
        """Forget `value`, which was refused; a newer token that another thread has fetched stays."""
        with self._lock:
            kept = self._kept.get(principal)
            if kept and kept.value == value:
                del self._kept[principal]

    def _fetch_for_all(self, principal: str | None, patience: Patience, mine: Future[str]) -> str:
        try:
            token = self._fetch(principal, patience)
        except BaseException as exc:
            self._done(principal)
            mine.set_exception(exc)
            raise
        self._done(principal, token)
        mine.set_result(token.value)
        return token.value

    def _done(self, principal: str | None, token: Token | None = None) -> None:
        with self._lock:
            del self._under_way[principal]
            if token:
                self._kept[principal] = token


def no_token(answer: Answer, *, what: str = "sign the bot in", check: str) -> AuthError:
    """The token endpoint said no to `what`; `check` is what the operator has to look at."""
    reason = f"{answer.status} {answer.code}".strip()
    return AuthError(
        f"Genesys refused to {what} ({reason}). Nothing was sent, and trying again will not help: "
        f"the operator has to check the {check}. Tell them{quoting(answer.correlation_id)}.",
        correlation_id=answer.correlation_id,
    )
