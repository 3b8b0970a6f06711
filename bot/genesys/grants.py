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

from .transport import Transport

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE = timedelta(minutes=4)  # five are allowed; a minute for clocks that differ


def client_credentials(transport: Transport, url: str, client_id: str, secret: str) -> requests.Response:
    """Ask for the service's own token; id and secret go in the form body. Source: the events contract."""
    client = _Client(
        transport.session,
        client_id,
        secret,
        token_endpoint_auth_method="client_secret_post",  # noqa: S106 -- a method's name
    )
    return _answer_to(client, transport, url, grant_type="client_credentials")


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

    def parse_response_token(self, resp: requests.Response) -> requests.Response:
        return resp  # judged by the transport, as every other answer is


def _answer_to(client: _Client, transport: Transport, url: str, **form: Any) -> requests.Response:
    answer: requests.Response = client.fetch_token(
        url, timeout=transport.timeout, allow_redirects=False, **form
    )
    return answer


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # the assertion says who asks; and with `auth` given, requests reads no .netrc
