"""What every answer of a simulated Genesys Cloud has in common: error bodies, tokens, limits, ids."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from flask import Flask, Response, abort, after_this_request, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from .organisation import Organisation
from .organisation_nouns import SimulatedToken

MAX_BYTES = 512_000
_WINDOW = timedelta(minutes=1)
_KNOWN = {
    400: ("bad.request", "The request could not be understood by the server due to malformed syntax."),
    401: ("bad.credentials", "Invalid login credentials."),
    403: ("not.authorized", "You are not authorized to perform the requested action."),
    404: ("not.found", "The requested resource was not found."),
    405: ("method.not.allowed", "The method is not allowed for this resource."),
    408: ("client.timeout", "The client did not produce a request within the server timeout limit."),
    413: ("request.entity.too.large", f"The request is over the size limit. Maximum bytes: {MAX_BYTES}"),
    415: ("unsupported.media.type", "Unsupported Media Type - the Content-Type must be application/json."),
    429: ("too.many.requests", "Rate limit exceeded the maximum."),
    500: ("internal.server.error", "The server encountered an unexpected condition."),
    503: ("service.unavailable", "Service Unavailable - The server is currently unavailable."),
    504: ("request.timeout", "The request timed out."),
}


def refusal(status: int, code: str = "", message: str = "", *, field: str = "") -> AnyResponse:
    """The vendor's ErrorBody with this status; code and message as usual for it where not given."""
    usual = _KNOWN.get(status, (f"status.{status}", f"Status {status}."))
    correlation = str(uuid.uuid4())
    body = {
        "message": message or usual[1],
        "code": code or usual[0],
        "status": status,
        "messageParams": {},
        "contextId": correlation,
        "details": [{"errorCode": code or usual[0], "fieldName": field}] if field else [],
        "errors": [],
    }
    answer = Response(json.dumps(body), status=status, mimetype="application/json")
    answer.headers["ININ-Correlation-Id"] = correlation
    return answer


def refuse(status: int, code: str = "", message: str = "", *, field: str = "") -> NoReturn:
    abort(refusal(status, code, message, field=field))


def require(right: bool, field: str, message: str) -> None:
    """Answer 400 for `field` of the request where it is not right."""
    if not right:
        refuse(400, message=message, field=field)


def json_body() -> object:
    """Whatever JSON the request carries; None if what it carries is none."""
    if (request.content_length or 0) > MAX_BYTES:
        refuse(413)
    if request.mimetype != "application/json":
        refuse(415)
    return request.get_json(silent=True)


def body(*, known: frozenset[str]) -> dict[str, object]:
    """The request's JSON object, in which there is nothing but `known`."""
    given = json_body()
    if not isinstance(given, dict):
        refuse(400, message="The body must be a JSON object.")
    require_known(given, known)
    return given


def parameters(known: frozenset[str]) -> dict[str, str]:
    """The request's query, in which there is nothing but `known`."""
    strange = sorted(request.args.keys() - known)
    require(not strange, ", ".join(strange), f"Unknown parameters: {', '.join(strange)}")
    return request.args.to_dict()


def require_known(given: Mapping[str, object], known: frozenset[str]) -> None:
    strange = sorted(given.keys() - known)
    require(not strange, ", ".join(strange), f"Unknown fields: {', '.join(strange)}")


def bearer(organisation: Organisation) -> SimulatedToken:
    """The living token that the request carries, counted against its rate limit."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value:
        refuse(401, "authentication.required", "No authentication bearer token specified in header.")
    token = organisation.living(value)
    if token is None:
        refuse(401)
    with organisation.lock:
        _count(organisation, token)
    return token


def require_permission(organisation: Organisation, permission: str) -> None:
    if permission not in organisation.permissions:
        missing = f"You are missing the following permission(s): [{permission}]"
        refuse(403, "missing.permissions", f"Unable to perform the requested action. {missing}")


def _count(organisation: Organisation, token: SimulatedToken) -> None:
    now, allowed = organisation.now(), organisation.rate_limit
    if now - token.window >= _WINDOW:
        token.window, token.count = now, 0
    token.count += 1
    reset = math.ceil((token.window + _WINDOW - now).total_seconds())
    if allowed is None:
        return
    limits = {"count": token.count, "allowed": allowed, "reset": reset}
    over = token.count > allowed
    organisation.over_rate += over

    @after_this_request
    def tell(answer: Response) -> Response:
        answer.headers.update({f"inin-ratelimit-{name}": str(value) for name, value in limits.items()})
        if over:
            answer.headers["Retry-After"] = str(reset)
        return answer

    if over:
        wait = f"Rate limit exceeded the maximum. Retry the request in [{reset}] seconds"
        refuse(429, "too.many.requests.retry.after", wait)


def page_of(entities: Sequence[Mapping[str, object]], asked: Mapping[str, object]) -> dict[str, object]:
    """The page of `entities` that `asked` names by pageNumber and pageSize, as the vendor lists things."""
    size, number = page_number(asked.get("pageSize", 25)), page_number(asked.get("pageNumber", 1))
    return {
        "entities": entities[(number - 1) * size : number * size],
        "pageSize": size,
        "pageNumber": number,
        "total": len(entities),
        "pageCount": -(-len(entities) // size),
        "selfUri": uri(f"{request.path}?pageSize={size}&pageNumber={number}"),
    }


def page_number(given: object) -> int:
    """The whole number from 1 on that `given` is, or says; else the request is refused."""
    text = str(given)
    if not text.isdecimal() or int(text) < 1:
        refuse(400, "invalid.value", f"Value [{text}] is not valid for a page.", field="pageNumber")
    return int(text)


def uri(path: str) -> str:
    """
    `path` as an address of its own. The vendor's samples have relative ones in such places,
    its Swagger calls them `format: uri`, which a relative one is not.
    """
    return f"{request.host_url.rstrip('/')}{path}"


def iso(at: datetime) -> str:
    """A time as the vendor writes it: 2026-11-22T10:00:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refuse_token(status: int, error: str, description: str) -> NoReturn:
    """The token endpoint's own error shape."""
    answer = jsonify(error=error, description=description, error_description=description)
    answer.status_code = status
    abort(answer)


def dress(app: Flask) -> None:
    """Give every answer of `app` a correlation id, and Flask's own refusals the vendor's body."""

    @app.after_request
    def correlate(answer: Response) -> Response:
        answer.headers.setdefault("ININ-Correlation-Id", str(uuid.uuid4()))
        return answer

    @app.errorhandler(HTTPException)
    def in_their_words(error: HTTPException) -> AnyResponse:
        return refusal(error.code or 500)
