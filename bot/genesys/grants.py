"""How tokens are asked for; the only module that knows Authlib, imported when the first token is needed."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

import requests
from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from requests.auth import HTTPBasicAuth

from .transport import Transport

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE = timedelta(minutes=4)  # five are allowed; a minute for clocks that differ


def client_credentials(
    transport: Transport, url: str, client_id: str, secret: str, *, in_form: bool = False
) -> requests.Response:
    """
    Ask for the service's own token.

    Id and secret go in the Authorization header (the platform) or in the form body (the
    events contract).
    """
    method = "client_secret_post" if in_form else "client_secret_basic"
    client = _Client(transport.session, client_id, secret, token_endpoint_auth_method=method)
    return _answer_to(client, transport, url, grant_type="client_credentials")


def authorize_url(url: str, client_id: str, *, redirect_uri: str, state: str, verifier: str) -> str:
    """Where a person's browser signs in and agrees. Source: RFC 6749 section 4.1.1, RFC 7636."""
    client = _Client(None, client_id, code_challenge_method="S256")
    address, _ = client.create_authorization_url(
        url, state=state, code_verifier=verifier, redirect_uri=redirect_uri
    )
    return str(address)


def authorization_code(
    transport: Transport,
    url: str,
    client: tuple[str, str | None],
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
) -> requests.Response:
    """Ask for the tokens of the person who came back with `code`. Source: RFC 6749 section 4.1.3."""
    return _answer_to(
        _client_of(transport, client),
        transport,
        url,
        grant_type="authorization_code",
        code=code,
        code_verifier=verifier,
        redirect_uri=redirect_uri,
    )


def refresh(
    transport: Transport, url: str, client: tuple[str, str | None], refresh_token: str
) -> requests.Response:
    """Ask for a person's next tokens. Source: RFC 6749 section 6."""
    return _answer_to(
        _client_of(transport, client),
        transport,
        url,
        grant_type="refresh_token",
        refresh_token=refresh_token,
    )


def jwt_bearer(transport: Transport, url: str, assertion: str) -> requests.Response:
    """Ask for a person's token. Source: RFC 7523 section 2.1."""
    client = _Client(transport.session)
    return _answer_to(client, transport, url, grant_type=JWT_BEARER, assertion=assertion, auth=_nobody)


def sign(key: str, *, client_id: str, user_id: str, url: str, now: datetime) -> str:
    """
    The assertion that `client_id` acts for `user_id` at the token `url`: RS256, good for four minutes.

    `key` is an RSA private key in PEM form. Raises ValueError if it is not.
    """
    claims = {
        "iss": client_id,
        "sub": user_id,
        "aud": url,
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LIFE).timestamp()),
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode({"alg": "RS256"}, claims, read_key(key))


def read_key(pem: str) -> RSAKey:
    """The RSA private key in `pem`. Raises ValueError, which never quotes it, if there is none."""
    try:
        key = RSAKey.import_key(pem)
    except (ValueError, TypeError, JoseError):
        key = None
    if key is None or not key.is_private:
        raise ValueError("not an RSA private key in PEM form")
    return key


class _Client(OAuth2Client):  # type: ignore[misc]  # Authlib ships no types
    client_auth_class = OAuth2ClientAuth
    SESSION_REQUEST_PARAMS = ("timeout", "allow_redirects")

    def client_auth(self, auth_method: str) -> Any:
        """Authlib's own header holds Latin-1 alone; a wrong secret with more in it is Genesys' to refuse."""
        if auth_method == "client_secret_basic":
            return HTTPBasicAuth(self.client_id.encode(), self.client_secret.encode())
        return super().client_auth(auth_method)

    def parse_response_token(self, resp: requests.Response) -> requests.Response:
        return resp  # judged by the transport, as every other answer is


def _client_of(transport: Transport, client: tuple[str, str | None]) -> _Client:
    """A confidential client, or a public one where there is no secret."""
    client_id, secret = client
    method = "client_secret_basic" if secret else "none"
    return _Client(transport.session, client_id, secret, token_endpoint_auth_method=method)


def _answer_to(client: _Client, transport: Transport, url: str, **form: Any) -> requests.Response:
    answer: requests.Response = client.fetch_token(
        url, timeout=transport.timeout, allow_redirects=False, **form
    )
    return answer


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # the assertion says who asks; and with `auth` given, requests reads no .netrc
