"""One check of many, which fails by itself alone; and those that every contract has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from .client import Genesys
from .errors import GenesysError, NotFound, RateLimited, Unavailable
from .ids import NOBODY
from .nouns import Check

_AGAIN = (
    "Try again in a minute. If it stays so, check the region and the way from here to Genesys "
    "(proxy, firewall)."
)


def checked(name: str, action: Callable[[], str], mend: str) -> Check:
    """Run one check; `action` returns what it found, `mend` is what to do where it fails."""
    try:
        return Check(name, ok=True, detail=action())
    except (RateLimited, Unavailable) as exc:  # it has not said whether that is missing
        return Check(name, ok=False, detail=str(exc), mend=_AGAIN)
    except GenesysError as exc:
        return Check(name, ok=False, detail=str(exc), mend=mend)


def reads_conversations(genesys: Genesys) -> str:
    with suppress(NotFound):  # as it should be
        genesys.conversation(NOBODY)
    return "conversations can be read"


def finds_users(genesys: Genesys) -> str:
    genesys.find_user("nobody@example.invalid")
    return "users can be looked up"
