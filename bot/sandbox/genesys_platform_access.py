"""May this caller do that: the platform's order of refusals, from a bad token to a missing division."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from .genesys_api import bearer, refuse
from .organisation import Organisation
from .organisation_nouns import SimulatedConversation, SimulatedToken


def allowed(
    organisation: Organisation,
    *scopes: str,
    any_of: Collection[str] = (),
    only: Literal["", "person", "service"] = "",
) -> SimulatedToken:
    """
    The caller's token, if it has one of `scopes` and its roles have `any_of` these permissions.

    `only` names the kind of token that the operation takes. Scopes bind people's tokens alone.
    """
    token = bearer(organisation)
    if only == "person" and token.user_id is None:
        needs = "This request requires a user context."
        refuse(400, "not.a.user", f"{needs} Client credentials cannot be used for requests to this resource.")
    if only == "service" and token.user_id is not None:
        refuse(400, "not.a.client", "This request requires a client context.")
    _require_active(organisation, token)
    if organisation.enforce_scopes and token.user_id is not None and not token.scopes & set(scopes):
        refuse(403, "app.not.authorized.for.scope", f"App not authorized to use scope {list(scopes)}")
    require_any(organisation, token, any_of)
    return token


def require_any(organisation: Organisation, token: SimulatedToken, permissions: Collection[str]) -> None:
    if not permissions or organisation.permissions_of(token) & set(permissions):
        return
    which = "any" if len(permissions) > 1 else ""
    code = "missing.any.permissions" if which else "missing.permissions"
    named = f"permission(s): [{', '.join(permissions)}]"
    refuse(403, code, f"Unable to perform the requested action. You must have {which or 'the'} of {named}")


def require_division(
    organisation: Organisation, token: SimulatedToken, conversation: SimulatedConversation
) -> None:
    """The service and people whose roles hold everywhere pass; the others only in their own divisions."""
    within = organisation.users[token.user_id].divisions if token.user_id else None
    if within is not None and conversation.division not in within:
        named = f"in division {conversation.division}"
        refuse(403, "missing.division.permission", f"You are missing the required permission {named}.")


def _require_active(organisation: Organisation, token: SimulatedToken) -> None:
    if token.user_id is not None and organisation.users[token.user_id].state != "active":
        refuse(401)
