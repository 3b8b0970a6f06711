"""What an HTTP answer of Genesys Cloud means, before anyone asks what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from .errors import NotFound, Refused

WAIT_IF_UNSAID = 5.0  # seconds; a 429 should say, and does not always
LONGEST_WAIT = 86_400.0


@dataclass(frozen=True)
class Answer:
    """
    One answer, read. `body` is the JSON object in it, None where there is none to read.

    A 202, a 204 and a 200 to a DELETE need no body (an empty one is {}): the status is all they say.

    `code` and `correlation_id` are safe to log and to show: short, and of plain characters.
    """

    status: int
    body: Mapping[str, Any] | None = field(repr=False)
    code: str
    correlation_id: str
    retry_after: float

    @classmethod
    def of(cls, response: requests.Response, now: datetime) -> Answer:
        body = _json_object(response)
        said = body or {}
        correlation = response.headers.get("ININ-Correlation-Id") or said.get("contextId")
        return cls(
            status=response.status_code,
            body=body,
            code=_plain(said.get("code") or said.get("error")),
            correlation_id=_plain(correlation),
            retry_after=wait_asked(response.headers.get("Retry-After"), now),
        )

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 and self.body is not None

    @property
    def is_clear(self) -> bool:
        """Whether it says yes or no. A 408, a redirect and a 2xx that cannot be read say neither."""
        return self.ok or (400 <= self.status < 500 and self.status not in (408, 429))


def wait_asked(header: str | None, now: datetime) -> float:
    """The seconds that a `Retry-After` header, a number or an HTTP date, asks for; 5 if it does not say."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return min(float(text), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the second: a year of thirty digits
        return WAIT_IF_UNSAID
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


def refusal(
    answer: Answer, *, action: str, needs: str, missing: str, principal: str | None = None
) -> Refused:
    """
    The error for a 4xx, as a sentence for the person who asked for `action`.

    `needs` is the scope or permission that `action` takes, for a 403 that does not name
    what is missing; `missing` is the sentence for a 404. `principal` is the user whose own
    token was used, None for the bot's.
    """
    if answer.status == 404:
        return NotFound(missing, correlation_id=answer.correlation_id)
    if answer.status == 403:
        sentence = _forbidden(answer, action, needs, principal)
        return Refused(sentence, correlation_id=answer.correlation_id)
    reason = f"{answer.status} {answer.code}".strip()
    return Refused(
        f"Genesys refused to {action} ({reason}). Nothing was sent. Trying again will not help; "
        f"tell the operator{quoting(answer.correlation_id)}.",
        correlation_id=answer.correlation_id,
    )


def names_what_is_missing(answer: Answer) -> bool:
    """Whether a 403 is about the client's rights, and not about the thing it asked for."""
    return "permission" in answer.code or "scope" in answer.code or bool(_rights_named(answer))


def quoting(correlation_id: str) -> str:
    return f", quoting the Genesys correlation id {correlation_id}" if correlation_id else ""


def _forbidden(answer: Answer, action: str, needs: str, principal: str | None) -> str:
    who = "this bot" if principal is None else "this person"
    if answer.code == "authz.policy.denied":
        return (
            f"A security policy of the organisation does not let {who} {action}. Nothing was sent. A Genesys "
            f"administrator can change it; ask the operator to have it done{quoting(answer.correlation_id)}."
        )
    named = ", ".join(_rights_named(answer))
    lacks = f"it lacks {named}" if named else f"it probably lacks {needs}"
    where = " in this conversation's division" if "division" in answer.code else ""
    grants = "the bot's OAuth client (its scopes, and its roles and their divisions)"
    if principal is not None:
        lacks = lacks.replace("it ", "their sign-in ", 1)
        grants = "the person (a role and its divisions) or, where it is a scope, to the bot's OAuth client"
    return (
        f"Genesys does not allow {who} to {action}: {lacks}{where}. Nothing was sent. "
        f"A Genesys administrator grants it to {grants}; ask the operator to have that done"
        f"{quoting(answer.correlation_id)}."
    )


def _rights_named(answer: Answer) -> list[str]:
    """Scopes and permissions (`conversation:chat:write`) that the error body names, each once."""
    said = answer.body or {}
    parameters = said.get("messageParams")
    values = parameters.values() if isinstance(parameters, dict) else ()
    text = " ".join(str(value) for value in (said.get("message"), *values))
    return list(dict.fromkeys(re.findall(r"\b[a-z][A-Za-z]*(?::[A-Za-z][A-Za-z-]*){1,2}\b", text)))


def _json_object(response: requests.Response) -> Mapping[str, Any] | None:
    deleted = response.status_code == 200 and getattr(response.request, "method", "") == "DELETE"
    if (deleted or response.status_code in (202, 204)) and not response.content:
        return {}
    try:
        body = response.json()
    except (ValueError, RecursionError):  # the second: brackets nested thousands deep
        return None
    return body if isinstance(body, dict) else None


def _plain(value: object) -> str:
    """`value` if it is an identifier of some kind; anything else might not be fit for a log line."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII) else ""
