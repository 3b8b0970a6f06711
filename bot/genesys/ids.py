"""What an id looks like, and where it hides in a link copied from Genesys Cloud."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from .errors import Refused

LETTERS_AND_DIGITS = r"[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}"
HEXADECIMAL = r"[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}"
NOBODY = "00000000-0000-0000-0000-000000000000"  # an id of nothing, to ask with

_DOMAINS = re.compile(r"(?:^|\.)(?:mypurecloud\.(?:com|ie|de|jp|com\.au)|(?:us-gov-|eusc-)?pure\.cloud)\Z")
_NAMED = r"(?:(?:conversation|interaction)s?(?:/[a-z]+)?/|conversationId=)"


def is_id(text: str, shape: str = LETTERS_AND_DIGITS) -> bool:
    return re.fullmatch(shape, text) is not None


def id_in(text: str, shape: str) -> str | None:
    """The id that `text` is, in the one way in which it is kept: a UUID is the same in capitals."""
    if not is_id(text := text.strip(), shape):
        return None
    return text.lower() if shape == HEXADECIMAL else text


def require_id(text: str, kind: str, shape: str = LETTERS_AND_DIGITS) -> None:
    """Nothing but an id ever becomes part of an address; `kind` is what it should be of. Raises Refused."""
    if not is_id(text, shape):
        raise Refused(
            f"That is not a {kind} id, so Genesys was not asked. One looks like "
            "a1b2c3d4-e5f6-7890-a1b2-c3d4e5f6a7b8; copy it again from Genesys."
        )


def conversation_in(text: str, hosts: Collection[str], shape: str = LETTERS_AND_DIGITS) -> str | None:
    """
    The conversation id that `text` is, or that the Genesys link `text` leads to.

    `hosts` are host names that count as Genesys beside its own domains. A link with
    several ids, none of them named as a conversation's, is None: it would be a guess.
    """
    if found := id_in(text, shape):
        return found
    return _in_link(text.strip(), shape) if _is_genesys_link(text.strip(), hosts) else None


def _is_genesys_link(text: str, hosts: Collection[str]) -> bool:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = parts.hostname or ""
    except ValueError:  # such as an unclosed bracket
        return False
    return parts.scheme in ("http", "https") and (host in hosts or _DOMAINS.search(host) is not None)


def _in_link(link: str, shape: str) -> str | None:
    link = unquote(link)
    alone = rf"(?<![A-Za-z0-9-])({shape})(?![A-Za-z0-9-])"
    if named := re.search(_NAMED + alone, link, re.IGNORECASE | re.ASCII):
        return id_in(named[1], shape)
    found = {id_in(each, shape) for each in re.findall(alone, link)}
    return found.pop() if len(found) == 1 else None
