"""What we remember: sends, threads, links and the audit record, in SQLite or PostgreSQL."""

from .audit import AuditRecord, Wanted
from .backlog import Backlog
from .connects import Connect
from .drafts import Draft
from .errors import (
    Closed,
    DatabaseDown,
    LinkTaken,
    NoSuchSend,
    NotUnknown,
    OverLimit,
    Repeated,
    Stopped,
    StorageError,
)
from .grants import SealedGrant
from .libraries import KeptResponse
from .posted import Posted
from .schema import HEAD
from .store import Store
from .usage import Used

__all__ = [
    "HEAD",
    "AuditRecord",
    "Backlog",
    "Closed",
    "Connect",
    "DatabaseDown",
    "Draft",
    "KeptResponse",
    "LinkTaken",
    "NoSuchSend",
    "NotUnknown",
    "OverLimit",
    "Posted",
    "Repeated",
    "SealedGrant",
    "Stopped",
    "StorageError",
    "Store",
    "Used",
    "Wanted",
]
