"""What we remember: sends, threads, links and the audit record, in SQLite or PostgreSQL."""

from .audit import AuditRecord
from .drafts import Draft
from .errors import DatabaseDown, LinkTaken, NoSuchSend, OverLimit, Repeated, StorageError
from .libraries import KeptResponse
from .store import Store

__all__ = [
    "AuditRecord",
    "DatabaseDown",
    "Draft",
    "KeptResponse",
    "LinkTaken",
    "NoSuchSend",
    "OverLimit",
    "Repeated",
    "StorageError",
    "Store",
]
