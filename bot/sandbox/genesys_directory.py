"""The people of a simulated organisation, found and shown; the same on both contracts."""

from __future__ import annotations

from flask import Response, jsonify

from .genesys_api import body, refuse, require, uri
from .organisation import Organisation
from .organisation_nouns import SimulatedUser

_SEARCH = frozenset(
    {"enforcePermissions", "expand", "integrationPresenceSource", "pageNumber", "pageSize", "query", "sort"}
) | {"sortBy", "sortOrder"}
_CRITERION = frozenset({"type", "fields", "value", "values", "operator"})
_SEARCHED = ("email", "state")


def user_called(organisation: Organisation, user_id: str) -> SimulatedUser:
    user = organisation.users.get(user_id)
    if user is None:
        refuse(404, "general.resource.not.found", "Unable to find a user with that userId")
    return user


def user_shown(user: SimulatedUser) -> dict[str, object]:
    own = {"id": user.id, "name": user.name, "email": user.email, "username": user.email, "state": user.state}
    return own | {"version": 1, "selfUri": uri(f"/api/v2/users/{user.id}")}


def search(organisation: Organisation) -> Response:
    """The answer to the search in the request's body: every criterion has to fit."""
    asked = body(known=_SEARCH)
    size, page = asked.get("pageSize", 25), asked.get("pageNumber", 1)
    criteria = asked.get("query", [])
    if not isinstance(size, int) or not 1 <= size <= 100:
        refuse(400, message="pageSize must be 1 to 100.", field="pageSize")
    if not isinstance(page, int) or page < 1:
        refuse(400, message="pageNumber begins at 1.", field="pageNumber")
    if not isinstance(criteria, list):
        refuse(400, message="query must be a list.", field="query")
    found = [each for each in organisation.users.values() if all(_fits(each, c) for c in criteria)]
    return jsonify(
        total=len(found),
        pageCount=-(-len(found) // size),
        pageSize=size,
        pageNumber=page,
        types=["users"],
        results=[user_shown(each) for each in found[(page - 1) * size : page * size]],
    )


def _fits(user: SimulatedUser, criterion: object) -> bool:
    if not isinstance(criterion, dict) or not criterion.keys() <= _CRITERION:
        refuse(400, message=f"A criterion may hold {sorted(_CRITERION)}.", field="query")
    kind, fields = criterion.get("type"), criterion.get("fields")
    wanted = criterion.get("values", [criterion.get("value")])
    require(kind == "EXACT", "type", "Only EXACT is simulated.")
    require(criterion.get("operator", "AND") == "AND", "operator", "Only AND is simulated.")
    if not isinstance(fields, list) or not all(each in _SEARCHED for each in fields):
        refuse(400, message=f"fields must be some of {', '.join(_SEARCHED)}.", field="fields")
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        refuse(400, message="value must be a text, or values a list of them.", field="value")
    texts = {str(getattr(user, field)).casefold() for field in fields}
    return any(each.casefold() in texts for each in wanted)
