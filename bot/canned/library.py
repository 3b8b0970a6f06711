"""
The canned responses that Genesys keeps in libraries, beside those in canned.yml.

They are read again every few minutes, in the background, and kept in the database: what
was read last can be sent after a restart, and while Response Management does not answer.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from bot.genesys import Genesys, GenesysError, Library, LibraryResponse, Queue, RateLimited, Refused, Template
from bot.storage import KeptResponse, Store

from .catalog import KEY_LIMIT, TITLE_LIMIT
from .errors import NotAllowed
from .lanes import Lane
from .responses import Catalog, Response, Source

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=4)  # between two readings of the libraries
SOON = timedelta(seconds=30)  # after one that failed
QUEUES_FOR = timedelta(minutes=5)

_Alike = Mapping[str, Sequence[Response]]  # those whose names make the same key, by that key
_NOT_IN_A_KEY = re.compile(r"[^\w./+-]+")


class Libraries:
    """The catalog with both sources in it. Any thread may ask."""

    def __init__(
        self, genesys: Genesys, store: Store, catalog: Callable[[], Catalog], *, now: Callable[[], datetime]
    ) -> None:
        """`catalog` is canned.yml's. What the database keeps is there after `load`."""
        self._genesys = genesys
        self._store = store
        self._catalog = catalog
        self._now = now
        self._kept: Sequence[KeptResponse] = ()
        self._alike: _Alike = {}
        self._merged: tuple[Catalog, _Alike, Catalog, tuple[str, ...]] | None = None
        self._queues: dict[str, tuple[datetime, Queue | None]] = {}
        self._due: datetime | None = None
        self._asked: list[str] = []
        self._reading = Lock()

    def catalog(self) -> Catalog:
        """
        All responses, canned.yml's first; the same object until one of the two changes.

        Raises CatalogError as canned.yml does.
        """
        return self._current()[0]

    def notes(self) -> tuple[str, ...]:
        """What whoever keeps the responses should know of those from Genesys, a sentence each."""
        return self._current()[1]

    def load(self) -> None:
        """Take what the database keeps; asks nobody else. Raises DatabaseDown."""
        self._take(self._store.library_responses())

    def refresh(self) -> list[str]:
        """
        Read the teams' libraries from Genesys now; what cannot be read stays as it was.

        Returns a sentence for each library that is not there or could not be read. Raises
        DatabaseDown.
        """
        wanted = _wanted(self._catalog())
        if not wanted:
            self._store.forget_libraries(but=())
            self._take(())
            return []
        try:
            found, faults = _named(wanted, self._genesys.libraries())
        except GenesysError as exc:
            return [f"The response libraries could not be read. {exc}"]
        for library in found:
            try:
                responses = self._genesys.library_responses(library.id)
            except GenesysError as exc:
                faults.append(f"The library {library.name} could not be read. {exc}")
                continue
            self._store.keep_library(library.id, {each.id: _content(library, each) for each in responses})
        self._store.forget_libraries(but=[library.id for library in found])
        self.load()
        return faults

    def refresh_soon(self, lane: Lane) -> None:
        """Read them again on `lane` where it is time to; returns at once."""
        wanted, now = _wanted(self._catalog()), self._now()
        if not wanted and not self._kept:
            return
        if (self._due is None or now >= self._due or wanted != self._asked) and self._reading.acquire(False):
            self._due, self._asked = now + SOON, wanted  # until this reading has ended well
            lane.submit(self._refresh)

    def require_in_queue(self, response: Response, queue_id: str | None) -> None:
        """
        Raise NotAllowed if the queue's agents may not use any library that `response` is in.

        Asks Genesys at most every five minutes about a queue; raises GenesysError where it
        does not answer. A queue that the service may not read is taken to allow it.
        """
        if response.source is None or not queue_id:
            return
        queue = self._queue(queue_id)
        if queue is None or _uses(queue, response.source):
            return
        names = ", ".join(sorted(response.source.libraries.values()))
        raise NotAllowed(
            f"The queue {queue.name} does not use the response library {names}, so `{response.key}` was not "
            "sent. Choose another response, or ask whoever keeps the queue in Genesys to allow that library."
        )

    def may_go_through(self, response: Response, queue_id: str) -> bool:
        """The same as far as memory knows: whatever was read last of that queue. Asks nobody."""
        _, queue = self._queues.get(queue_id, (None, None))
        return response.source is None or queue is None or _uses(queue, response.source)

    def learn_queue(self, queue_id: str) -> None:
        """Read what `may_go_through` goes by, where there is anything to allow; never raises."""
        if self._kept and queue_id:
            with suppress(GenesysError):
                self._queue(queue_id)

    # -- inside -------------------------------------------------------------------------------

    def _refresh(self) -> None:
        try:
            faults = self.refresh()
            for fault in faults:
                log.warning("%s", fault)
            self._due = self._now() + (SOON if faults else EVERY)
        finally:
            self._reading.release()

    def _take(self, kept: Sequence[KeptResponse]) -> None:
        # The same content is the same object, or search would build its index anew each time.
        if [(one.library, one.id, one.content) for one in kept] != [
            (one.library, one.id, one.content) for one in self._kept
        ]:
            self._kept, self._alike = kept, _by_slug(kept)
            self._current()  # here, and not while somebody waits for an answer

    def _current(self) -> tuple[Catalog, tuple[str, ...]]:
        own, alike, merged = self._catalog(), self._alike, self._merged
        if merged is None or merged[0] is not own or merged[1] is not alike:
            both, notes = _merge(own, alike)
            self._merged = merged = (own, alike, both, notes)
        return merged[2], merged[3]

    def _queue(self, queue_id: str) -> Queue | None:
        read_at, known = self._queues.get(queue_id, (None, None))
        if read_at is not None and self._now() - read_at < QUEUES_FOR:
            return known
        try:
            known = self._genesys.queue(queue_id)
        except GenesysError as exc:
            if isinstance(exc, Refused) and not isinstance(exc, RateLimited):
                log.warning("queue %s cannot be read, so it limits nothing: %s", queue_id, exc)
                known = None
            elif read_at is None:
                raise
        self._queues[queue_id] = (self._now(), known)
        return known


def _merge(own: Catalog, kept: _Alike) -> tuple[Catalog, tuple[str, ...]]:
    """
    `own`, canned.yml's catalog, with the kept responses added, and notes on what is not as it seems.

    A key is made of the response's name. canned.yml's own keys win; where several responses
    from Genesys would have one key, each takes its library's name into it.
    """
    notes: list[str] = []
    responses = dict(own.responses)
    for slug, alike in sorted(kept.items(), key=lambda group: len(group[1]) > 1):
        if slug in own.responses:
            notes += [f"{each.place} is hidden by `{slug}` in canned.yml." for each in alike]
            continue
        for each in alike:
            alone, library = len(alike) == 1, each.source.first_library if each.source else ""
            key = slug if alone else _free(responses, _slug(slug, library))
            responses[key] = replace(each, key=key)
            notes += _notes(responses[key], alone=alone)
    return replace(own, responses=responses), tuple(notes)


def _uses(queue: Queue, source: Source) -> bool:
    if queue.libraries_mode == "SelectedOnly":
        return bool(set(queue.library_ids) & set(source.libraries))
    return queue.libraries_mode != "None"


def with_kept(own: Catalog, kept: Sequence[KeptResponse]) -> Catalog:
    """canned.yml's catalog with the responses that the database keeps of Genesys' libraries."""
    return _merge(own, _by_slug(kept))[0]


def template_of(response: Response, filled: Callable[[str], str]) -> Template | None:
    """
    What Genesys has to be told of a response whose text it makes itself; None for all others.

    `filled` renders a template of ours, and raises MissingValues.
    """
    if response.source is None or not response.source.made_there:
        return None
    asked = {name: f"{{{{{name}}}}}" for name in response.source.parameters}
    filled("\n".join(asked.values()))  # all that is missing, at once
    return Template(response.source.id, {name: filled(variable) for name, variable in asked.items()})


def _wanted(catalog: Catalog) -> list[str]:
    return list(dict.fromkeys(name for team in catalog.teams for name in team.libraries))


def _named(wanted: Sequence[str], there: Sequence[Library]) -> tuple[list[Library], list[str]]:
    """The libraries meant by names or ids, and a sentence for each that is not clear."""
    found: dict[str, Library] = {}
    faults = []
    for name in wanted:
        same = [one for one in there if name.casefold() in (one.name.casefold(), one.id.casefold())]
        if len(same) == 1:
            found[same[0].id] = same[0]
        elif same:
            faults.append(f"{len(same)} libraries in Genesys are called {name}. Write the id of one of them.")
        else:
            faults.append(
                f"There is no response library {name} in Genesys, or the service may not see it. Check its "
                "name under `libraries` in canned.yml."
            )
    return list(found.values()), faults


def _content(library: Library, response: LibraryResponse) -> dict[str, Any]:
    return {
        "library": library.name,
        "name": response.name,
        "version": response.version,
        "text": response.text,
        "substitutions": dict(response.substitutions),
        "kind": response.kind,
    }


def _by_slug(kept: Sequence[KeptResponse]) -> _Alike:
    """Each response once, under the key that its name makes, in the order of their names."""
    by_id: dict[str, list[KeptResponse]] = defaultdict(list)
    for row in kept:
        by_id[row.id].append(row)
    found: dict[str, list[Response]] = defaultdict(list)
    for response in sorted(map(_response, by_id.values()), key=lambda each: each.title.casefold()):
        found[response.key].append(response)
    return found


def _response(rows: Sequence[KeptResponse]) -> Response:
    """The response that `rows` are, one for each library it is in."""
    newest = max(rows, key=lambda row: (int(row.content["version"]), row.library))
    content = newest.content
    substitutions: Mapping[str, str | None] = content["substitutions"]
    source = Source(
        newest.id,
        content["version"],
        {row.library: str(row.content["library"]) for row in rows},
        content["kind"],
        tuple(substitutions),
    )
    name = " ".join(str(content["name"]).split())
    text = str(content["text"]).replace("\r\n", "\n")
    return Response(
        key=_slug(name) or f"response-{newest.id[:8]}",
        title=name[:TITLE_LIMIT] or newest.id,
        # What Genesys makes itself may have no text here; then its name says what was sent.
        text=text if text.strip() or not source.made_there else name,
        editable=not source.made_there,
        defaults={name: value for name, value in substitutions.items() if value is not None},
        source=source,
    )


def _slug(*names: str) -> str:
    whole = "-".join(_NOT_IN_A_KEY.sub("-", name.casefold()).strip("-./+") for name in names)
    return whole[:KEY_LIMIT].rstrip("-./+")


def _free(taken: Mapping[str, object], key: str) -> str:
    numbered = (f"{key[: KEY_LIMIT - 5]}-{number}" for number in range(2, 10_000))
    return next(one for one in (key, *numbered) if one not in taken) if key in taken else key


def _notes(response: Response, *, alone: bool) -> Iterator[str]:
    if response.source is not None and not response.source.sendable:
        kind = response.source.kind
        yield f"{response.place} is of the kind {kind}, which cannot be sent into a conversation."
    elif not alone:
        yield f"{response.place} shares its name with another one; its key is `{response.key}`."
