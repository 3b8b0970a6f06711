"""What we remember: sends, threads, links and the audit record, in SQLite or PostgreSQL."""

from .audit import AuditRecord
from .connects import Connect
from .drafts import Draft
from .errors import Closed, DatabaseDown, LinkTaken, NoSuchSend, OverLimit, Repeated, StorageError
from .grants import SealedGrant
from .libraries import KeptResponse
from .schema import HEAD
from .store import Store

__all__ = [
    "HEAD",
    "AuditRecord",
    "Closed",
    "Connect",
    "DatabaseDown",
    "Draft",
    "KeptResponse",
    "LinkTaken",
    "NoSuchSend",
    "OverLimit",
    "Repeated",
    "SealedGrant",
    "StorageError",
    "Store",
]
