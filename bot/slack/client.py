"""
How the bot calls Slack's Web API, and what it may conclude when the answer is not a plain yes.

    SlackFault
    ├── Refused      Slack understood and will not do it; asking again changes nothing
    ├── Barred       Slack does not take our token or misses a scope: an operator's to mend
    ├── Limited      not done; ask again after `retry_after` seconds
    └── Unanswered   time-out, reset, 5xx, an answer nobody can read: perhaps it was done

A post must never be repeated blindly, so clients that post do not retry; those that only
read do. As it comes a client reads the trust store at each call, so both take a kept one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from json import JSONDecodeError
from ssl import SSLContext, create_default_context
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import ConnectionErrorRetryHandler, RateLimitErrorRetryHandler, RetryHandler
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.web import SlackResponse

SLACK_API = "https://slack.com/api/"
TIMEOUT = 10  # seconds
RETRY_AFTER = 30.0  # seconds, where a 429 does not say

_LIMITED = frozenset({"ratelimited", "rate_limited"})
_UNSURE = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout"})
_BARRED = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
        *("missing_scope", "not_allowed_token_type", "no_permission", "access_denied", "org_login_required"),
        *("ekm_access_denied", "enterprise_is_restricted", "team_access_not_granted"),
    }
)
_WORD = re.compile(r"[a-z0-9_]+")


class SlackFault(Exception):
    """
    `error` is Slack's own word for it, or the name of what went wrong on the wire.

    `retry_after` (seconds) is when asking again may help.
    """

    retry_after = 0.0

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Refused(SlackFault):
    pass


class Barred(SlackFault):
    retry_after = 60.0


class Limited(SlackFault):
    def __init__(self, error: str, retry_after: float) -> None:
        super().__init__(error)
        self.retry_after = retry_after


class Unanswered(SlackFault):
    retry_after = 5.0


def trusted(base_url: str | None) -> SSLContext | None:
    """
    The roots to trust, to be kept: reading them takes longer than a send.

    None for an address without TLS, as a simulator's.
    """
    return None if base_url and base_url.startswith("http:") else create_default_context()


def posting_client(
    token: str, base_url: str | None, ssl: SSLContext | None, *, timeout: int = TIMEOUT
) -> WebClient:
    """A client that sends each request once; `timeout` in seconds, `base_url` None for Slack's own."""
    return _client(token, base_url, ssl, timeout, [])


def reading_client(token: str, base_url: str | None, ssl: SSLContext | None) -> WebClient:
    """A client that tries again, once, after a lost connection, a 429 and a 500 or 503."""
    handlers = [ConnectionErrorRetryHandler(), RateLimitErrorRetryHandler(), ServerErrorRetryHandler()]
    return _client(token, base_url, ssl, TIMEOUT, handlers)


def call(method: Callable[..., SlackResponse], **arguments: Any) -> dict[str, Any]:
    """The JSON object that a WebClient's `method` answers; raises SlackFault."""
    data = answer(method, **arguments).data
    return data if isinstance(data, dict) else {}


def answer(method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
    """The same with what is round it, such as its headers."""
    try:
        return method(**arguments)
    except SlackApiError as exc:
        raise _fault(exc.response) from exc
    except (OSError, HTTPException, JSONDecodeError, UnicodeDecodeError) as exc:
        raise Unanswered(type(exc).__name__) from exc


def header(headers: Mapping[str, str], wanted: str) -> str:
    """A header's value, "" without one; `wanted` is in small letters."""
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _client(
    token: str, base_url: str | None, ssl: SSLContext | None, timeout: int, handlers: list[RetryHandler]
) -> WebClient:
    # Of an answer that was cut it would log the beginning: a name, or the ticket of a connection.
    logging.getLogger("slack_sdk.web.base_client").setLevel(logging.CRITICAL)
    return WebClient(token, base_url or SLACK_API, timeout, ssl, retry_handlers=handlers)


def _fault(answer: SlackResponse) -> SlackFault:
    error = str(answer.get("error", ""))
    if answer.status_code == 429 or error in _LIMITED:
        return Limited("ratelimited", _retry_after(answer.headers))
    # What is no word of Slack's is a page of somebody in between, who may have let the request pass.
    if answer.status_code >= 500 or error in _UNSURE or not _WORD.fullmatch(error):
        return Unanswered(error if _WORD.fullmatch(error) else f"status_{answer.status_code}")
    return Barred(error) if error in _BARRED else Refused(error)


def _retry_after(headers: Mapping[str, str]) -> float:
    found = header(headers, "retry-after")
    return float(found) if found.isdecimal() else RETRY_AFTER
