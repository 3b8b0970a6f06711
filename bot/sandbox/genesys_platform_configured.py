"""
What an organisation has set up: canned responses in libraries, and queues.

    GET  /api/v2/responsemanagement/libraries, /libraries/{id}
    GET  /api/v2/responsemanagement/responses?libraryId=, /responses/{id}
    POST /api/v2/responsemanagement/responses/query
    GET  /api/v2/routing/queues, /queues/{id}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, jsonify

from .genesys_api import body, page_number, page_of, parameters, refuse, require, require_known, uri
from .genesys_platform_access import allowed
from .organisation import Organisation
from .organisation_nouns import SimulatedLibrary, SimulatedQueue, SimulatedResponse

_SCOPES = ("response-management", "response-management:readonly")
_ROUTING = ("routing", "routing:readonly")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PAGING = frozenset({"pageNumber", "pageSize"})
_QUERY = frozenset({"queryPhrase", "pageNumber", "pageSize", "filters"})
_OPERATORS = ("IN", "EQUALS", "NOTEQUALS", "BEGINS_WITH", "ENDS_WITH", "CONTAINS")
_ASKABLE_KINDS = ("CampaignSmsTemplate", "CampaignEmailTemplate", "Footer", "Signature")
_MOST = 500
_KINDS_OWN: Mapping[str, dict[str, object]] = {
    "MessagingTemplate": {
        "messagingTemplate": {"whatsApp": {"name": "t", "namespace": "n", "language": "en"}}
    },
    "Footer": {"footer": {"type": "Signature", "applicableResources": ["Campaign"]}},
}


class Configured:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def blueprint(self) -> Blueprint:
        routes = Blueprint("configured", __name__)
        managed = "/api/v2/responsemanagement"
        routes.get(f"{managed}/libraries")(self._libraries)
        routes.get(f"{managed}/libraries/<library_id>")(self._library)
        routes.get(f"{managed}/responses")(self._responses)
        routes.get(f"{managed}/responses/<response_id>")(self._response)
        routes.post(f"{managed}/responses/query")(self._found)
        routes.get("/api/v2/routing/queues")(self._queues)
        routes.get("/api/v2/routing/queues/<queue_id>")(self._queue)
        return routes

    # Canned responses

    def _libraries(self) -> Response:
        allowed(self._organisation, *_SCOPES, any_of=("responses:library:view",))
        asked = parameters(_PAGING | {"libraryPrefix"})
        begins = asked.get("libraryPrefix", "").casefold()
        every = [
            each for each in self._organisation.libraries.values() if each.name.casefold().startswith(begins)
        ]
        return jsonify(page_of([_library_shown(each) for each in every], asked))

    def _library(self, library_id: str) -> Response:
        allowed(self._organisation, *_SCOPES, any_of=("responses:library:view",))
        library = self._organisation.libraries.get(library_id)
        if library is None:
            refuse(404, "rms.library.not.found", "The library was not found.")
        return jsonify(_library_shown(library))

    def _responses(self) -> Response:
        self._require_reader()
        asked = parameters(_PAGING | {"libraryId", "expand"})
        library = asked.get("libraryId")
        if not library:
            refuse(400, message="libraryId is required.", field="libraryId")
        held = [each for each in self._organisation.responses.values() if library in each.library_ids]
        return jsonify(page_of(self._shown(held), asked))

    def _response(self, response_id: str) -> Response:
        self._require_reader()
        parameters(frozenset({"expand"}))
        response = self._organisation.responses.get(response_id)
        if response is None:
            refuse(404, "rms.response.not.found", "The response was not found.")
        return jsonify(self._shown([response])[0])

    def _found(self) -> Response:
        self._require_reader()
        asked = body(known=_QUERY)
        filters, phrase = asked.get("filters", []), str(asked.get("queryPhrase", "")).casefold()
        require(isinstance(filters, list), "filters", "filters must be a list.")
        require(page_number(asked.get("pageSize", 25)) <= _MOST, "pageSize", f"At most {_MOST}.")
        found = [
            each
            for each in self._organisation.responses.values()
            if phrase in f"{each.name}\n{each.plain}\n{each.html}".casefold() and _passes(each, filters)
        ]
        return jsonify(results=page_of(self._shown(found), asked))

    def _require_reader(self) -> None:
        allowed(self._organisation, *_SCOPES, any_of=("responses:response:view",))

    def _shown(self, responses: Sequence[SimulatedResponse]) -> list[dict[str, object]]:
        libraries = self._organisation.libraries
        return [_response_shown(each, [libraries[one] for one in each.library_ids]) for each in responses]

    # Queues

    def _queues(self) -> Response:
        allowed(self._organisation, *_ROUTING, any_of=("routing:queue:view",))
        asked = parameters(_PAGING | {"name", "cannedResponseLibraryId", "id"})
        # Nothing says how a name is compared; a part of it here, so that a caller has to look twice.
        name, library = asked.get("name", "").casefold(), asked.get("cannedResponseLibraryId")
        found = [each for each in self._organisation.queues.values() if name in each.name.casefold()]
        if library:
            found = [each for each in found if library in each.library_ids]
        if "id" in asked:
            found = [each for each in found if each.id in asked["id"].split(",")]
        return jsonify(page_of([_queue_shown(each) for each in found], asked))

    def _queue(self, queue_id: str) -> Response:
        allowed(self._organisation, *_ROUTING, any_of=("routing:queue:view",))
        if not _UUID.fullmatch(queue_id):
            refuse(400, "invalid.id", "A non-UUID value was specified for an ID field.")
        queue = self._organisation.queues.get(queue_id)
        if queue is None:
            refuse(404, "resource.not.found", "The queue was not found.")
        return jsonify(_queue_shown(queue))


def _passes(response: SimulatedResponse, filters: object) -> bool:
    return isinstance(filters, list) and all(_fits(response, each) for each in filters)


def _fits(response: SimulatedResponse, given: object) -> bool:
    """Only what this organisation is asked for so far: a library, a name or a kind, equal to a value."""
    if not isinstance(given, Mapping):
        refuse(400, message="A filter must be an object.", field="filters")
    require_known(given, frozenset({"name", "operator", "values"}))
    name, operator, values = given.get("name"), given.get("operator"), given.get("values")
    require(operator in _OPERATORS, "operator", f"One of {', '.join(_OPERATORS)}.")
    require(operator in ("IN", "EQUALS"), "operator", f"{operator} is not simulated.")
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        refuse(400, message="values must be a list of texts.", field="values")
    if name == "responseType":
        if not set(values) <= set(_ASKABLE_KINDS):
            refuse(400, "rms.field.unexpected.value", f"One of {', '.join(_ASKABLE_KINDS)}.", field="values")
        return response.kind in values
    require(name in ("libraryId", "name"), "name", f"A filter for {name} is not simulated.")
    return bool({response.name} & set(values) if name == "name" else set(response.library_ids) & set(values))


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
    return shown | ({"responseType": it.kind} if it.kind else {}) | _KINDS_OWN.get(it.kind or "", {})


def _substitution(name: str, default: str | None) -> dict[str, object]:
    shown: dict[str, object] = {"id": name, "description": name}
    return shown | ({} if default is None else {"defaultValue": default})
