"""Queues: their ids by name, and which response libraries their agents may use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from . import pages
from .answers import refusal
from .calls import Calls
from .json_values import object_of, text_of
from .nouns import Queue

PAGE = 25


def with_id(calls: Calls, queue_id: str) -> Queue:
    """Source: Genesys Cloud Platform API, `GET /api/v2/routing/queues/{queueId}`."""
    return read_queue(_read(calls, f"/{queue_id}"))


def by_name(calls: Calls, names: Collection[str]) -> dict[str, str]:
    """
    The ids of the queues with these very names, in upper or lower case.

    Source: Genesys Cloud Platform API, `GET /api/v2/routing/queues?name=`.
    """
    found = {name: _id_of(calls, name) for name in names}
    return {name: queue_id for name, queue_id in found.items() if queue_id}


def read_queue(raw: Mapping[str, Any]) -> Queue:
    canned = object_of(raw.get("cannedResponseLibraries"))
    ids = canned.get("libraryIds")
    return Queue(
        id=text_of(raw.get("id")),
        name=text_of(raw.get("name")),
        libraries_mode=text_of(canned.get("mode")) or "All",
        library_ids=tuple(map(text_of, ids)) if isinstance(ids, list) else (),
    )


def _id_of(calls: Calls, name: str) -> str:
    """Genesys' filter may give more than what is named; several of one name are a guess, and so none."""

    def page(number: int) -> Mapping[str, Any]:
        return _read(calls, "?" + urlencode({"name": name, "pageNumber": number, "pageSize": PAGE}))

    same = {
        text_of(one.get("id"))
        for one in pages.all_of(page)
        if text_of(one.get("name")).casefold() == name.casefold()
    }
    return same.pop() if len(same) == 1 else ""


def _read(calls: Calls, path: str) -> Mapping[str, Any]:
    answer = calls.read("GET", f"/api/v2/routing/queues{path}")
    if not answer.ok:
        gone = "Genesys does not know this queue. Check its name in the configuration."
        needs = "the permission routing:queue:view"
        raise refusal(answer, action="look up queues", needs=needs, missing=gone)
    return answer.body or {}
