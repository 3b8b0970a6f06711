"""
What an organisation has set up: canned responses in libraries, and queues.

    GET  /api/v2/responsemanagement/libraries
    POST /api/v2/responsemanagement/responses/query
    GET  /api/v2/routing/queues, /queues/{id}
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Blueprint, Response, jsonify

from .genesys_api import body, page_number, page_of, parameters, refuse, require, require_known, uri
from .genesys_platform_access import allowed
from .organisation import Organisation
from .organisation_nouns import SimulatedLibrary, SimulatedQueue, SimulatedResponse

_SCOPES = ("response-management", "response-management:readonly")
_ROUTING = ("routing", "routing:readonly")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PAGING = frozenset({"pageNumber", "pageSize"})
_MOST = 500


class Configured:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("configured", __name__)
        managed = "/api/v2/responsemanagement"
        routes.get(f"{managed}/libraries")(self._libraries)
        routes.post(f"{managed}/responses/query")(self._found)
        routes.get("/api/v2/routing/queues")(self._queues)
        routes.get("/api/v2/routing/queues/<queue_id>")(self._queue)
        return routes

    # Canned responses

    def _libraries(self) -> Response:
        allowed(self._organisation, *_SCOPES, any_of=("responses:library:view",))
        asked = parameters(_PAGING)
        every = self._organisation.libraries.values()
        return jsonify(page_of([_library_shown(each) for each in every], asked))

    def _found(self) -> Response:
        allowed(self._organisation, *_SCOPES, any_of=("responses:response:view",))
        asked = body(known=_PAGING | {"filters"})
        require(page_number(asked.get("pageSize", 25)) <= _MOST, "pageSize", f"At most {_MOST}.")
        libraries, wanted = self._organisation.libraries, _libraries_in(asked.get("filters"))
        found = [
            _response_shown(each, [libraries[one] for one in each.library_ids])
            for each in self._organisation.responses.values()
            if wanted & set(each.library_ids)
        ]
        return jsonify(results=page_of(found, asked))

    # Queues

    def _queues(self) -> Response:
        allowed(self._organisation, *_ROUTING, any_of=("routing:queue:view",))
        asked = parameters(_PAGING | {"name"})
        # Nothing says how a name is compared; a part of it here, so that a caller has to look twice.
        name = asked.get("name", "").casefold()
        found = [each for each in self._organisation.queues.values() if name in each.name.casefold()]
        return jsonify(page_of([_queue_shown(each) for each in found], asked))

    def _queue(self, queue_id: str) -> Response:
        allowed(self._organisation, *_ROUTING, any_of=("routing:queue:view",))
        if not _UUID.fullmatch(queue_id):
            refuse(400, "invalid.id", "A non-UUID value was specified for an ID field.")
        queue = self._organisation.queues.get(queue_id)
        if queue is None:
            refuse(404, "resource.not.found", "The queue was not found.")
        return jsonify(_queue_shown(queue))


def _libraries_in(filters: object) -> set[str]:
    """The ids of the libraries that the one filter asks for, which is all that is simulated."""
    if not isinstance(filters, list) or len(filters) != 1 or not isinstance(filters[0], Mapping):
        refuse(400, message="filters must be a list of one object.", field="filters")
    given: Mapping[str, object] = filters[0]
    require_known(given, frozenset({"name", "operator", "values"}))
    require(given.get("name") == "libraryId", "name", "Only libraryId is simulated.")
    require(given.get("operator") == "EQUALS", "operator", "Only EQUALS is simulated.")
    values = given.get("values")
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        refuse(400, message="values must be a list of texts.", field="values")
    return set(values)


def _queue_shown(it: SimulatedQueue) -> dict[str, object]:
    libraries = {"mode": it.libraries_mode, "libraryIds": list(it.library_ids)}
    return {
        "id": it.id,
        "name": it.name,
        "division": {
            "id": it.division,
            "name": it.division,
            "selfUri": uri("/api/v2/authorization/divisions/home"),
        },
        "cannedResponseLibraries": libraries,
        "selfUri": uri(f"/api/v2/routing/queues/{it.id}"),
    }


def _library_shown(it: SimulatedLibrary) -> dict[str, object]:
    own = {"id": it.id, "name": it.name, "version": 1}
    return own | {"selfUri": uri(f"/api/v2/responsemanagement/libraries/{it.id}")}


def _response_shown(it: SimulatedResponse, libraries: list[SimulatedLibrary]) -> dict[str, object]:
    """A Response; `responseType` is left out for a standard one."""
    written = {"text/plain": it.plain, "text/html": it.html}
    texts = [{"content": text, "contentType": kind, "type": "body"} for kind, text in written.items() if text]
    shown: dict[str, object] = {
        "id": it.id,
        "name": it.name,
        "version": it.version,
        "libraries": [{"id": each.id, "name": each.name} for each in libraries],
        "texts": texts,
        "substitutions": [_substitution(*each) for each in it.substitutions.items()],
        "interactionType": "chat",
        "assets": [],
        "selfUri": uri(f"/api/v2/responsemanagement/responses/{it.id}"),
    }
    return shown | ({"responseType": it.kind} if it.kind else {})


def _substitution(name: str, default: str | None) -> dict[str, object]:
    shown: dict[str, object] = {"id": name, "description": name}
    return shown | ({} if default is None else {"defaultValue": default})
