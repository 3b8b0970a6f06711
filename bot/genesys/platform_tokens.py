"""Whose token a request to the platform carries: the service's, or a person's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .answers import Answer
from .errors import GenesysError, NotConnected
from .keyring import Keyring, Keys, MemoryKeyring
from .tokens import Token, Tokens, no_token
from .transport import Patience, Transport


class PlatformTokens:
    """The service's token, and those of people who signed in."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        *,
        service: tuple[str, str],
        people: tuple[str | None, str | None],
        keyring: Keyring | None,
        now: Callable[[], datetime],
    ) -> None:
        self.url = url
        self.people = people
        self.keyring = MemoryKeyring() if keyring is None else keyring
        self._transport = transport
        self._service = service
        self._now = now
        self._own = Tokens(self._ask, now)
        self._keys = Keys(transport, self.keyring, self._renew, now)

    def get(self, principal: str | None, patience: Patience, *, instead_of: str | None = None) -> str:
        if principal is None:
            return self._own.get(None, patience, instead_of=instead_of)
        return self._keys.get(principal, patience, instead_of=instead_of)

    def rejected(self, principal: str | None, answer: Answer) -> GenesysError:
        if principal is None:
            return self._own.rejected(None, answer)
        return NotConnected(principal, correlation_id=answer.correlation_id)

    def _ask(self, _: str | None, patience: Patience) -> Token:
        from . import grants  # Authlib: not needed to import this package

        url = f"{self.url}/token"
        answer = self._transport.read(
            lambda: grants.client_credentials(self._transport, url, *self._service), patience
        )
        if not answer.ok:
            raise no_token(answer, check="client id, client secret and region")
        return Token.of(answer.body or {}, self._now())

    def _renew(self, refresh_token: str) -> Any:
        from . import grants

        client_id, secret = self.people
        client = (client_id or "", secret)
        return grants.refresh(self._transport, f"{self.url}/token", client, refresh_token)
