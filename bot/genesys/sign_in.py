"""How a person connects their own Genesys account: log in there, come back with a code."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial

from .answers import Answer, refusal
from .calls import Calls
from .errors import AuthError, GenesysError
from .keyring import Grant, Keyring
from .nouns import User
from .tokens import WRONG_CLIENT, no_token
from .transport import Patience, Transport
from .users import read_user


class SignIn:
    """
    Authorization code with PKCE (S256), as a confidential client where there is a secret.

    `client` is the OAuth client that people use, (id, secret or None); `url` ends in `/oauth`.
    """

    def __init__(
        self,
        calls: Calls,
        transport: Transport,
        keyring: Keyring,
        *,
        url: str,
        client: tuple[str, str | None],
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._calls = calls
        self._transport = transport
        self._keyring = keyring
        self._url = url
        self._client = client
        self._now = now
        self._sleep = sleep

    def start(self, redirect_uri: str, state: str) -> tuple[str, str]:
        """
        Where to send the person's browser, and the verifier that `finish` will want.

        `state` comes back with the code. Keep the verifier out of the browser. Asks nothing.
        """
        from . import grants  # Authlib: not needed to import this package

        verifier = secrets.token_urlsafe(64)
        url = grants.authorize_url(
            f"{self._url}/authorize",
            self._client[0],
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )
        return url, verifier

    def finish(self, code: str, verifier: str, redirect_uri: str) -> tuple[User, Grant]:
        """
        Who signed in, and their tokens, which are not kept yet: check that it is the right person first.

        Raises AuthError if the code is not good (any more): the person starts again; Refused
        where Genesys does not let the bot see who it is.

        Source: Genesys Cloud Platform API, `POST /oauth/token`, `GET /api/v2/users/me`.
        """
        answer = self._exchange(code, verifier, redirect_uri)
        if answer.code in WRONG_CLIENT:
            raise no_token(answer, what="let people sign in", check="OAuth client that people use")
        if not answer.ok:
            raise _start_again(answer)
        grant = Grant.of(answer.body or {}, self._now())
        me = self._calls.once("GET", "/api/v2/users/me", grant.access_token)
        if me.status == 403:
            raise refusal(me, action="see who signed in", needs="the scope user-basic-info", missing="")
        if not me.ok:
            raise _start_again(me)
        return read_user(me.body or {}), grant

    def keep(self, user_id: str, grant: Grant) -> None:
        """From now on send and read for this person with `grant`."""
        self._keyring.save(user_id, grant)

    def forget(self, user_id: str) -> None:
        """
        Sign this person out of the bot: their tokens are dropped here, and the access token made worthless.

        The second as far as Genesys can be reached. Whether it ends the refresh token too
        is not documented; that one is kept nowhere after this, and a changed password ends it.

        Source: Genesys Cloud Platform API, `DELETE /api/v2/tokens/me` (no permission, no body).
        """
        with self._keyring.locked(user_id):
            grant = self._keyring.load(user_id)
            self._keyring.save(user_id, None)
        if grant is not None:
            self.revoke(grant)

    def revoke(self, grant: Grant) -> None:
        """Make tokens worthless that are not kept, as far as `forget` can."""
        try:
            self._calls.once("DELETE", "/api/v2/tokens/me", grant.access_token)
        except GenesysError:
            return  # it ends by itself, and nobody holds it any more

    def client_is_known(self) -> bool:
        """Whether Genesys lets the OAuth client sign people in, and then refuses only a wrong code."""
        answer = self._exchange("none", secrets.token_urlsafe(64), "https://localhost/")
        return answer.code not in WRONG_CLIENT

    def _exchange(self, code: str, verifier: str, redirect_uri: str) -> Answer:
        from . import grants

        request = partial(
            grants.authorization_code,
            self._transport,
            f"{self._url}/token",
            self._client,
            code=code,
            verifier=verifier,
            redirect_uri=redirect_uri,
        )
        return self._transport.read(request, Patience(self._sleep))


def _start_again(answer: Answer) -> AuthError:
    return AuthError(
        "Genesys did not confirm this sign-in: it took too long, or was used already. Nothing is connected. "
        "Start again.",
        correlation_id=answer.correlation_id,
    )
