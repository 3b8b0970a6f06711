"""
People's Genesys tokens at rest: sealed before they reach the database, opened for one request.

A sealed token names whose it is and which of the two it is, so that rows which somebody
swapped do not open. Of several keys the first seals and all open: a new one is put in
front, and the old one stays until everybody's tokens were renewed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.genesys import Grant, Unavailable
from bot.settings import Secret
from bot.storage import DatabaseDown, SealedGrant, Store

log = logging.getLogger(__name__)

LOOK_AGAIN = 0.05  # seconds
GIVE_UP = 30.0
_ACCESS, _REFRESH = "access", "refresh"


class SealedKeyring:
    """
    The keyring of `bot.genesys`, for every process on one database.

    Where the database fails, it raises Unavailable: nothing is sent with a token that cannot
    be read, and no new one is used that was not written down.
    """

    def __init__(self, store: Store, keys: Sequence[Secret], *, sleep: Callable[[float], None]) -> None:
        """`keys` are one Fernet key or more; the first seals."""
        self._store = store
        self._seals = MultiFernet([Fernet(key.reveal()) for key in keys])
        self._sleep = sleep

    def load(self, user_id: str) -> Grant | None:
        """What is kept for this person; None also for what no key of ours opens."""
        with _database_as_genesys():
            sealed = self._store.grant(user_id)
        if sealed is None:
            return None
        try:
            access = self._opened(user_id, _ACCESS, sealed.access)
            refresh = self._opened(user_id, _REFRESH, sealed.refresh) if sealed.refresh else None
        except InvalidToken:
            log.warning("the tokens of %s do not open with CANNED_SECRET_KEY: they sign in again", user_id)
            return None
        return Grant(access, refresh, sealed.expires_at)

    def save(self, user_id: str, grant: Grant | None) -> None:
        """Keep `grant`, sealed, before this returns; None forgets."""
        with _database_as_genesys():
            if grant is None:
                self._store.forget_grant(user_id)
                return
            refresh = grant.refresh_token
            sealed = SealedGrant(
                self._sealed(user_id, _ACCESS, grant.access_token),
                self._sealed(user_id, _REFRESH, refresh) if refresh else None,
                grant.expires_at,
            )
            self._store.save_grant(user_id, sealed)

    @contextmanager
    def locked(self, user_id: str) -> Iterator[None]:
        """Held by one thread of all processes; waits for the one who has it. Raises Unavailable."""
        with _database_as_genesys():
            since = self._held(user_id)
        try:
            yield
        finally:
            self._leave(user_id, since)

    def _held(self, user_id: str, *, clock: Callable[[], float] = time.monotonic) -> datetime:
        end = clock() + GIVE_UP
        while (since := self._store.hold_grant(user_id)) is None:
            if clock() > end:
                raise Unavailable("Somebody's sign-in to Genesys takes too long to renew. Nothing was sent.")
            self._sleep(LOOK_AGAIN)
        return since

    def _leave(self, user_id: str, since: datetime) -> None:
        try:
            self._store.leave_grant(user_id, since)
        except DatabaseDown:
            log.warning("a lock on the tokens of %s could not be given back; it ends by itself", user_id)

    def _sealed(self, user_id: str, kind: str, token: str) -> str:
        return self._seals.encrypt(json.dumps([user_id, kind, token]).encode()).decode()

    def _opened(self, user_id: str, kind: str, sealed: str) -> str:
        whose, which, token = json.loads(self._seals.decrypt(sealed.encode()))
        if (whose, which) != (user_id, kind):
            raise InvalidToken
        return str(token)


@contextmanager
def _database_as_genesys() -> Iterator[None]:
    """Whoever talks to Genesys knows its errors alone, and this one means: nothing was sent."""
    try:
        yield
    except DatabaseDown as exc:
        raise Unavailable(f"People's sign-ins could not be read or kept. {exc}") from exc
