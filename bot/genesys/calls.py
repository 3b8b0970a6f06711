"""Requests to the API with a token of whoever asks: the service, or a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from .answers import Answer, quoting
from .errors import AuthError, GenesysError
from .pace import Need
from .transport import Bearer, OnWait, Patience, Transport


class TokenSource(Protocol):
    """Gives tokens of a principal: a user id, or None for the service itself."""

    def get(self, principal: str | None, patience: Patience, *, instead_of: str | None = None) -> str:
        """A token that should be good, and is another than `instead_of`, which was refused."""

    def rejected(self, principal: str | None, answer: Answer) -> GenesysError:
        """The error to raise when a new token is refused as well."""


class Calls:
    def __init__(
        self,
        api: str,
        transport: Transport,
        tokens: TokenSource,
        sleep: Callable[[float], None],
        *,
        need: Need = Need.NOW,
    ) -> None:
        self._api = api
        self._transport = transport
        self._tokens = tokens
        self._sleep = sleep
        self._need = need

    def needed(self, need: Need) -> Calls:
        """The same for what is needed that much."""
        return Calls(self._api, self._transport, self._tokens, self._sleep, need=need)

    def read(
        self,
        method: str,
        path: str,
        *,
        principal: str | None = None,
        body: object = None,
        on_wait: OnWait | None = None,
    ) -> Answer:
        """The clear answer to a request that changes nothing, whatever its method."""
        return self._ask(self._transport.read, principal, method, path, body, on_wait)

    def send(
        self, path: str, body: object, *, principal: str | None = None, on_wait: OnWait | None = None
    ) -> Answer:
        """The clear answer to a POST that must not be made twice."""
        return self._ask(self._transport.send, principal, "POST", path, body, on_wait)

    def once(self, method: str, path: str, token: str) -> Answer:
        """The clear answer to a reading with this very token, whosever it is."""
        call = partial(self._transport.request, method, self._api + path, auth=Bearer(token))
        answer = self._transport.read(call, Patience(self._sleep), token=token)
        _require_right_place(answer)
        return answer

    def _ask(
        self,
        way: Callable[..., Answer],
        principal: str | None,
        method: str,
        path: str,
        body: object,
        on_wait: OnWait | None,
    ) -> Answer:
        """One request with a token; after a 401, once more with a new token."""
        patience = Patience(self._sleep, on_wait, need=self._need)
        refused = None
        for _ in range(2):
            token = self._tokens.get(principal, patience, instead_of=refused)
            call = partial(self._transport.request, method, self._api + path, auth=Bearer(token), body=body)
            answer = way(call, patience, token=token)
            if answer.status != 401:
                return answer
            _require_right_place(answer)
            refused = token
        raise self._tokens.rejected(principal, answer)


def _require_right_place(answer: Answer) -> None:
    if answer.code != "ip.not.authorized":
        return
    raise AuthError(
        "The organisation's Genesys settings do not allow requests from where this bot runs. Nothing was "
        "sent, and trying again will not help: a Genesys administrator has to allow the bot's address. Ask "
        f"the operator to have that done{quoting(answer.correlation_id)}.",
        correlation_id=answer.correlation_id,
    )
