"""One check of many, which fails by itself alone."""

from __future__ import annotations

from collections.abc import Callable

from .errors import GenesysError
from .nouns import Check


def checked(name: str, action: Callable[[], str], mend: str) -> Check:
    """Run one check; `action` returns what it found, `mend` is what to do where it fails."""
    try:
        return Check(name, ok=True, detail=action())
    except GenesysError as exc:
        return Check(name, ok=False, detail=str(exc), mend=mend)
