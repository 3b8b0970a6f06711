"""
Whether the record is what was written: every link of the chain, its head, and what it tells of.

It reads what somebody may have tampered with, so nothing about a row is taken for granted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, String, Table, Text, case, cast, exists, select, type_coerce
from sqlalchemy.exc import OperationalError

from .chain import HEAD, Keys, written
from .engine import Database, take_any_text
from .rows import hash_of
from .schema import audit, links, pauses, sends, texts

Found = Callable[[str], None]
Along = Callable[[Iterable[Row[Any]]], Iterable[Row[Any]]]

CLAIM = ("team", "channel", "supervisor", "conversation_id", "response", "send_as", "language", "confirmed")
OUTCOME = ("state", "sender_id", "text_hash", "message_id", "correlation_id", "delivery", "landed_in")
# What a record says, as the database has it: a text that is no time or no JSON must not end the look.
STORED = (type_coerce(audit.c.at, String), type_coerce(audit.c.detail, String))
# PostgreSQL keeps nothing else there, but times that Python does not know.
A_TIME = audit.c.at.between(datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
TYPED = (case((A_TIME, audit.c.at)).label("at"), cast(audit.c.detail, Text).label("detail"))
COMPARED = (*CLAIM, *OUTCOME, "opened_by", "approved_by", "handled_by")
TEXT_HASH = COMPARED.index("text_hash")
# What stands from one record to another one: whose it is first, then what the former says of it.
STANDING = (
    ("link", links, ("slack_user", "genesys_user", "source"), ("linked", "unlinked")),
    ("pause", pauses, ("team", "channel"), ("paused", "resumed")),
)
LONG = 100_000  # records; below it a process costs more time than it saves
JSON = json.JSONDecoder()
NOTHING: tuple[None, Iterator[Any]] = (None, iter(()))
STATES = {"claimed": "pending", "begun": "sending"}  # the others say it themselves


@dataclass(frozen=True)
class Verdict:
    """
    `head` is what to publish: the last record's id and mac.

    The first `loose` records have no key behind them, up to the record that `loosest` names;
    `keyed` says whether there is a key now.
    """

    records: int
    head: str
    loose: int
    loosest: str
    keyed: bool


class Verifying(Database):
    def verify(
        self,
        found: Found,
        *,
        published: str | None = None,
        along: Along = iter,
        beside: Executor | None = None,
    ) -> Verdict:
        """
        Read the whole record and tell `found` of everything that is wrong with it.

        `published` is a head that was printed earlier: the chain has to pass through it. `along`
        gives the records one by one, and may show how far it has come. `beside` is a process in
        which the sends of a long record are compared meanwhile.
        """
        with self._snapshot() as tx:
            [head] = list(_read(tx, HEAD)) or [None]
            apart = None
            if beside and head and _number(head.records) > LONG:
                apart = beside.submit(_contradictions, self._url.render_as_string(hide_password=False))
            walk = _Walk(self._keys, found, published)
            for row in along(_read(tx, _records(self._dialect))):
                walk.step(row)
            walk.end(head)
        for sentence in self._told(apart):
            found(sentence)
        verified = f"{walk.last_id or 0}:{_shown(walk.mac)}"
        return Verdict(walk.records, verified, walk.loose, walk.loosest, keyed=bool(self._keys.first))

    def has_its_key(self) -> bool:
        """Whether CANNED_SECRET_KEY has the key that chained the newest record, if one did."""
        with self._reading() as tx:
            head = tx.execute(HEAD).first()
        return head is None or self._keys.knows(head.key_id)

    def _told(self, apart: Future[list[str]] | None) -> list[str]:
        with suppress(BrokenExecutor):  # killed, as where memory is short
            if apart:
                return apart.result()
        return self.contradictions()

    def contradictions(self) -> list[str]:
        """Where sends, texts, links and pauses, as they stand, are not what the record says of them."""
        with self._snapshot() as tx:
            return [*_compared(tx), *(said for kind in STANDING for said in _unsaid(tx, *kind))]


def _read(tx: Connection, query: Select[Any]) -> Iterator[Any]:
    """All rows, whatever their texts hold: where SQLite's driver refuses one, it is told to take any."""
    read = 0
    try:
        for row in tx.execute(query):
            read += 1
            yield row
    except OperationalError:
        if tx.dialect.name != "sqlite":
            raise
        take_any_text(tx)
        yield from islice(tx.execute(query), read, None)


def _contradictions(url: str) -> list[str]:
    """In a process of its own."""
    with closing(Verifying(url, now=partial(datetime.now, UTC), worker="verify")) as store:
        return store.contradictions()


class _Walk:
    """Along the chain, one record at a time."""

    def __init__(self, keys: Keys, found: Found, published: str | None) -> None:
        self._keys = keys
        self._found = found
        self._published = published
        self.records = self.loose = 0
        self.last_id: int | None = None
        self.mac = self.loosest = ""
        self._is_chained = self._is_keyed = False
        self._locked: Counter[str] = Counter()  # records by keys that we do not have

    def step(self, row: Row[Any]) -> None:
        if not self._follows(row):
            self._look(row)
        self.records += 1
        self.last_id, self.mac = row.id, str(row.mac or "")
        if self._published and self._published == f"{self.last_id}:{self.mac}":
            self._published = None

    def _follows(self, row: Sequence[Any]) -> bool:
        """Whether it is a record like the one before it and the next link, as nearly all are."""
        id_, mac, key_id, at, *said = row
        return (
            self._is_keyed
            and id_ == (self.last_id or 0) + 1
            and bool(key_id)
            and self._keys.knows(key_id)
            and mac == self._keys.mac(key_id, self.mac, id_, _chained(at), *said)
        )

    def _look(self, row: Row[Any]) -> None:
        missing = self._missing(row)
        if missing:
            self._found(f"{missing} before {named(row)}.")
        wrong = self._wrong(row, follows=not missing)
        if wrong:
            self._found(f"{_upper(named(row))} {wrong}.")
        self._is_chained = self._is_chained or row.mac is not None
        self._is_keyed = self._is_keyed or not _is_loose(row)

    def end(self, head: Row[Any] | None) -> None:
        if self._published is not None:
            self._found(
                f"The head {_shown(self._published)} that you have kept is not in this record: it was cut "
                "off or written anew."
            )
        if head is not None:
            self._end_at(head)
        elif self._is_chained:
            self._found("The head is missing: nothing shows any more whether the end was cut off.")
        for key_id, count in self._locked.items():
            self._found(
                f"What the key {_shown(key_id)} chained cannot be verified ({count} records): it is not in "
                "CANNED_SECRET_KEY. Put it back, at the end of the list."
            )

    def _end_at(self, head: Row[Any]) -> None:
        last, end = self.last_id or 0, _number(head.last_id)
        if not self._keys.knows(head.key_id):
            self._locked[head.key_id] += 0  # told with the records
        elif self._is_keyed and not head.key_id:
            self._found("The head is sealed without a key, though records are chained with one.")
        elif head.seal != self._keys.seal(head._asdict()):
            self._found("The head was changed: its seal does not fit what it says.")
        if end > last:
            self._found(f"{_range(last + 1, end)} cut off from the end of the record.")
        elif end < last:
            late = _range(end + 1, last)
            self._found(f"{late} behind the head: put in, or the head is an older one.")
        elif head.mac != self.mac:
            self._found(f"The head ends in another record {last} than there is.")

    def _missing(self, row: Row[Any]) -> str:
        if row.mac is None and not self._is_chained:
            return ""  # from before there was a chain, when ids had gaps
        due = 1 if self.last_id is None else self.last_id + 1
        return f"{_range(due, row.id - 1)} removed" if row.id > due else ""

    def _wrong(self, row: Row[Any], *, follows: bool) -> str:
        loose = _is_loose(row)
        if loose and not self._is_keyed:
            self.loose, self.loosest = self.loose + 1, named(row)
        if row.mac is None:
            out = "has no place in the chain: its mac was taken out, or it was put in"
            return out if self._is_chained else ""
        if loose and self._is_keyed:
            return "has no key, as those before it have: it was put in, or written without CANNED_SECRET_KEY"
        if not self._keys.knows(row.key_id):
            self._locked[row.key_id] += 1
            return ""
        said = (row.id, _chained(row.at), row.key, row.event, row.actor, row.detail)
        if row.mac == self._keys.mac(row.key_id, self.mac, *said):
            return ""
        if row.mac == self._keys.mac(row.key_id, "", *said):
            return "begins the chain anew: the head was gone when it was written"
        if not follows:
            return ""  # what it was chained to is not there to compare
        return "is not what was written: it was changed, moved or put in, or the one before it was"


def _is_loose(row: Row[Any]) -> bool:
    """No key stands behind it: to name one is nothing without the mac that it made."""
    return not row.key_id or row.mac is None


def named(row: Row[Any]) -> str:
    """Which record it is, for a person to find."""
    key = f", send {_shown(row.key)}" if row.key else ""
    return f"record {row.id} ({_shown(str(row.at)[:19])}, {_shown(row.event)}{key})"


def _records(dialect: str) -> Select[Any]:
    at, detail = STORED if dialect == "sqlite" else TYPED
    said = (at, audit.c.key, audit.c.event, audit.c.actor, detail)
    return select(audit.c.id, audit.c.mac, audit.c.key_id, *said).order_by(audit.c.id)


def _chained(at: Any) -> str:
    """The time of a record as it was chained, if nobody has changed it since."""
    if isinstance(at, str) and at[10:11] == " ":
        return f"{at[:10]}T{at[11:]}+00:00"
    return written(at) if isinstance(at, datetime) else ascii(at)


def _compared(tx: Connection) -> Iterator[str]:
    _, detail = STORED if tx.dialect.name == "sqlite" else TYPED
    told = (audit.c.id, audit.c.event, audit.c.actor, detail)
    lines = select(sends.c.id, *told).join(audit, audit.c.key == sends.c.key)
    stands = [type_coerce(sends.c[name], String) for name in COMPARED]
    query = select(sends.c.id, sends.c.key, type_coerce(texts.c.final, String), *stands)
    query = query.outerjoin(texts, texts.c.key == sends.c.key).order_by(sends.c.id)
    of_sends = groupby(_read(tx, lines.order_by(sends.c.id, audit.c.id)), key=itemgetter(0))
    of, records = next(of_sends, NOTHING)
    for id_, key, text, *stand in _read(tx, query):
        if text is not None and hash_of(str(text)) != stand[TEXT_HASH]:
            yield f"The text that is kept of send {_shown(key)} has another hash than there is on record."
        if of == id_:
            yield from _contradicted(key, stand, list(records))
            of, records = next(of_sends, NOTHING)
        else:
            yield from _contradicted(key, stand, ())
    unclaimed = ~exists().where(sends.c.key == audit.c.key)
    for row in _read(tx, select(audit.c.id, audit.c.key).where(audit.c.event == "claimed", unclaimed)):
        yield f"Send {_shown(row.key)} is gone, which record {row.id} says was claimed."


def _contradicted(key: str, stand: Sequence[Any], lines: Sequence[Sequence[Any]]) -> Iterator[str]:
    said: dict[str, Any] = {}
    for _, _, event, actor, detail in lines:
        said |= _said(event, actor, detail)
    if not any(event == "claimed" for _, _, event, *_ in lines):
        yield f"Send {_shown(key)} is there, and no record of who claimed it."
    for name, stands in zip(COMPARED, stand, strict=True):
        if name in said and (stands or None) != (said[name] or None):
            record = max(id_ for _, id_, *line in lines if name in _said(*line))
            yield (
                f"Send {_shown(key)} has the {name} {_shown(stands)}, "
                f"and record {record} says {_shown(said[name])}."
            )


def _unsaid(
    tx: Connection, what: str, table: Table, names: Sequence[str], events: tuple[str, str]
) -> Iterator[str]:
    _, detail = STORED if tx.dialect.name == "sqlite" else TYPED
    lines = select(audit.c.id, audit.c.event, audit.c.actor, detail).where(audit.c.event.in_(events))
    told: dict[str, tuple[int, list[str]]] = {}
    for id_, event, *line in _read(tx, lines.order_by(audit.c.id)):
        said = _said(event, *line)
        if names[0] in said:
            whose, *rest = (_shown(said.get(name)) for name in names)
            told[whose] = (id_, rest)
            if event == events[1]:
                del told[whose]
    stands: Any = select(*(type_coerce(table.c[name], String) for name in names))
    for row in _read(tx, stands):
        whose, *rest = map(_shown, row)
        record, said_of_it = told.pop(whose, (0, []))
        if rest != said_of_it:
            says = f"record {record} says {_listed(said_of_it)}" if record else "no record says so"
            yield f"The {what} of {whose or 'every team'} is there ({_listed(rest)}), and {says}."
    for whose, (record, _) in told.items():
        yield f"The {what} of {whose or 'every team'} is gone, which record {record} says was made."


def _listed(values: Sequence[str]) -> str:
    return ", ".join(value for value in values if value != "None") or "nothing more"


def _said(event: str, actor: str, detail: str) -> dict[str, Any]:
    """What a record says of its send, by the columns of the send."""
    try:
        said, _ = JSON.raw_decode(detail)
    except (ValueError, TypeError, RecursionError):
        return {}  # its record is named where the chain is read
    if not isinstance(said, dict):
        return {}
    if event == "opened":
        said["opened_by"] = actor
    elif event in STATES:
        said.setdefault("state", STATES[event])
    return said


def _number(value: object) -> int:
    """A number of the head, which is none where somebody has put something else there."""
    return value if isinstance(value, int) else -1


def _range(first: int, last: int) -> str:
    return f"Record {first} is" if first == last else f"Records {first} to {last} are"


def _shown(value: object) -> str:
    """A value of the database on one line, whatever somebody has put into it."""
    return value if isinstance(value, str) and value.isprintable() else ascii(value)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
