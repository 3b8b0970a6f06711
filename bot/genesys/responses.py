"""Canned responses that an organisation keeps in Genesys (Response Management)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from . import pages
from .answers import refusal
from .calls import Calls
from .json_values import object_of, objects, text_of
from .nouns import Library, LibraryResponse

PAGE = 25
MOST_RESPONSES = 500  # what a page of the query takes at most

_ROOT = "/api/v2/responsemanagement"
_GONE = "Genesys does not know this response library. Check its name in the configuration."
_KINDS = {"": "standard", "MessagingTemplate": "template", "Form": "form"}
_BLOCKS = ("div", "p", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "tr")


def libraries(calls: Calls) -> list[Library]:
    """
    All libraries that the service may see.

    Source: Genesys Cloud Platform API, `GET /api/v2/responsemanagement/libraries`.
    """

    def page(number: int) -> Mapping[str, Any]:
        return _read(
            calls, "GET", f"/libraries?pageNumber={number}&pageSize={PAGE}", "responses:library:view"
        )

    found = ((text_of(one.get("id")), text_of(one.get("name"))) for one in pages.all_of(page))
    return [Library(each, name) for each, name in found if each]


def of_library(calls: Calls, library_id: str) -> list[LibraryResponse]:
    """
    All responses of a library; the query takes larger pages than the list does.

    Source: Genesys Cloud Platform API, `POST /api/v2/responsemanagement/responses/query`.
    """
    filters = [{"name": "libraryId", "operator": "EQUALS", "values": [library_id]}]

    def page(number: int) -> Mapping[str, Any]:
        asked = {"pageNumber": number, "pageSize": MOST_RESPONSES, "filters": filters}
        return object_of(
            _read(calls, "POST", "/responses/query", "responses:response:view", asked).get("results")
        )

    return [read_response(one) for one in pages.all_of(page) if text_of(one.get("id"))]


def read_response(raw: Mapping[str, Any]) -> LibraryResponse:
    """A `Response`; its plain text goes before its HTML, which is made plain."""
    kind, version = text_of(raw.get("responseType")), raw.get("version")
    given = objects(raw.get("substitutions"))
    return LibraryResponse(
        id=text_of(raw.get("id")),
        name=text_of(raw.get("name")),
        version=version if isinstance(version, int) else 0,
        text=_body(raw),
        substitutions={text_of(one.get("id")): text_of(one.get("defaultValue")) or None for one in given},
        kind=_KINDS.get(kind, kind),
    )


def plain(html: str) -> str:
    """`html` as text: blocks stand on lines of their own, list items get a bullet, all other tags go."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = "\n".join(line.strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _body(raw: Mapping[str, Any]) -> str:
    texts = [one for one in objects(raw.get("texts")) if one.get("type") != "subject"]
    texts = [one for one in texts if text_of(one.get("content")).strip()]
    by_kind = {text_of(one.get("contentType")): text_of(one.get("content")) for one in reversed(texts)}
    if "text/plain" in by_kind or "text/html" not in by_kind:
        return by_kind.get("text/plain", by_kind.get("", ""))
    return plain(by_kind["text/html"])


def _read(calls: Calls, method: str, path: str, permission: str, body: object = None) -> Mapping[str, Any]:
    answer = calls.read(method, _ROOT + path, body=body)
    if not answer.ok:
        needs = f"the permission {permission}"
        raise refusal(answer, action="read response libraries", needs=needs, missing=_GONE)
    return answer.body or {}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = False
        self._in_line = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._unseen = True
        elif tag in _BLOCKS:
            if self._in_line:
                self._end_line()
            if tag == "li":
                self.parts.append("• ")
        elif tag == "br":
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._unseen = False
        elif tag in _BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))
            self._in_line = self._in_line or bool(data.strip())

    def _end_line(self) -> None:
        self.parts.append("\n")
        self._in_line = False
