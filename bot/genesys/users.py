"""People of the organisation, found only where there is no doubt about who it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .answers import Answer, refusal
from .calls import Calls
from .errors import Refused, Unavailable
from .json_values import objects, text_of
from .nouns import User


def find(calls: Calls, email: str, needs: str) -> User | None:
    """The one active user with this e-mail address. `needs` is the right that a 403 is about."""
    wanted = email.strip()
    if not wanted:
        return None
    query = [
        {"type": "EXACT", "fields": ["email"], "value": wanted},
        {"type": "EXACT", "fields": ["state"], "values": ["active"]},
    ]
    body = {"pageSize": 25, "pageNumber": 1, "query": query}
    answer = calls.read("POST", "/api/v2/users/search", body=body)
    if not answer.ok:
        raise _refused(answer, needs)
    users = [read_user(one) for one in objects((answer.body or {}).get("results"))]
    same = {one.id: one for one in users if one.active and one.email.casefold() == wanted.casefold()}
    return next(iter(same.values())) if len(same) == 1 else None


def with_id(calls: Calls, user_id: str, needs: str) -> User:
    answer = calls.read("GET", f"/api/v2/users/{user_id}")
    if not answer.ok:
        raise _refused(answer, needs)
    return read_user(answer.body or {})


def read_user(raw: Mapping[str, Any]) -> User:
    """A user as the API gives it: `id`, `name`, `email`, `state` (active, inactive, deleted)."""
    user_id = text_of(raw.get("id"))
    if not user_id:
        raise Unavailable("Genesys described a user without an id. Nothing was sent; tell the operator.")
    return User(user_id, text_of(raw.get("name")), text_of(raw.get("email")), raw.get("state") == "active")


def _refused(answer: Answer, needs: str) -> Refused:
    gone = "Genesys knows no user with this id. Nothing was sent. Link the Slack user to another one."
    return refusal(answer, action="look up users", needs=needs, missing=gone)
