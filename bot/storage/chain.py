"""
What ties each record to the one before it, and the head that says where the chain ends.

    mac(n) = HMAC-SHA256(key, [mac(n-1), id, at, key, event, actor, detail as it is stored])

The key is derived from CANNED_SECRET_KEY, so it is not where the records are: whoever can
write the database cannot write a record that fits. Without one it is plain SHA-256, which
shows accidents and no more. Ids have no gaps, so that a missing record is known by its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, text, update
from sqlalchemy.exc import IntegrityError

from bot.settings import Secret

from .errors import DatabaseDown
from .schema import audit, audit_head

LABEL = b"canned audit chain"
TORN = (
    "The audit record does not end where its head says, so nothing is taken on. "
    "Ask an operator to run `canned audit verify`."
)
UNKEYED = (
    "The audit record is chained with CANNED_SECRET_KEY, which is not set here, so nothing is taken on. "
    "An operator has to set it as it was."
)
WRITTEN = json.JSONEncoder(separators=(",", ":"), default=repr)
Note = dict[str, Any]  # a record that has no place in the chain yet

NEW_LINES = audit.insert()
HEAD = select(audit_head).where(audit_head.c.id == 1)
LOCKED_HEAD = HEAD.with_for_update()
# Two that begin at the same moment: one row, and the second waits for it.
NEW_HEAD = text(
    "INSERT INTO audit_head (id, records, last_id, mac, key_id, seal) "
    "VALUES (1, 0, :last_id, '', '', '') ON CONFLICT DO NOTHING"
)
MOVE_HEAD = update(audit_head).where(audit_head.c.id == bindparam("one"))


class Keys:
    """The chain's keys by id; `first` is the id of the one that chains, "" where there is none."""

    def __init__(self, secrets: Sequence[Secret] = ()) -> None:
        derived = [_derived(secret) for secret in secrets]
        self._keys = {
            hashlib.sha256(key).hexdigest()[:16]: hmac.new(key, digestmod="sha256") for key in derived
        }
        self.first = next(iter(self._keys), "")

    def knows(self, key_id: str) -> bool:
        return not key_id or key_id in self._keys

    def mac(self, key_id: str, *parts: object) -> str:
        said = WRITTEN.encode(parts).encode()
        if not key_id:
            return hashlib.sha256(said).hexdigest()
        mac = self._keys[key_id].copy()  # which has seen the key: cheaper than to begin with it each time
        mac.update(said)
        return mac.hexdigest()

    def record(self, key_id: str, before: str, id_: int, note: Mapping[str, Any]) -> str:
        """The mac of the record `id_` that says what `note` does and comes after the mac `before`."""
        at, detail = written(note["at"]), json.dumps(note["detail"])
        return self.mac(key_id, before, id_, at, note["key"], note["event"], note["actor"], detail)

    def seal(self, end: Mapping[str, Any]) -> str:
        """What shows that nobody without the key has moved the head."""
        return self.mac(end["key_id"], "head", end["records"], end["last_id"], end["mac"])


def append(tx: Connection, notes: Sequence[Note], keys: Keys) -> None:
    """Add `notes` to the chain. It locks the head, so it is the last that a transaction does."""
    head = _head(tx)
    if head.key_id and not keys.first:
        raise DatabaseDown(UNKEYED)  # a record without a key behind keyed ones counts as put in for ever
    rows, mac = [], head.mac
    for id_, note in enumerate(notes, start=head.last_id + 1):
        mac = keys.record(keys.first, mac, id_, note)
        rows.append(note | {"id": id_, "mac": mac, "key_id": keys.first})
    end = {"records": head.records + len(rows), "last_id": rows[-1]["id"], "mac": mac, "key_id": keys.first}
    try:
        tx.execute(NEW_LINES, rows)
    except IntegrityError as exc:
        raise DatabaseDown(TORN) from exc
    tx.execute(MOVE_HEAD, end | {"seal": keys.seal(end), "one": 1})


def _head(tx: Connection) -> Row[Any]:
    head = tx.execute(LOCKED_HEAD).first()
    if head is None:
        # Behind records from before there was a chain, or whose head somebody took away: `verify` tells.
        tx.execute(NEW_HEAD, {"last_id": tx.execute(select(func.max(audit.c.id))).scalar() or 0})
        head = tx.execute(LOCKED_HEAD).one()
    return head


def _derived(secret: Secret) -> bytes:
    return hmac.digest(urlsafe_b64decode(secret.reveal()), LABEL, "sha256")


def written(at: datetime) -> str:
    """A time as it is chained."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
