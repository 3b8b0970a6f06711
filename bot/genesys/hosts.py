"""Where a Genesys Cloud organisation is reached."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .transport import is_loopback


def of_organisation(org_id: str) -> str:
    """The one host of the events contract. Raises ValueError for what cannot be part of a host name."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}", org_id):
        raise ValueError(f"{org_id!r} is not a Genesys organisation id: letters, digits and hyphens")
    return f"https://{org_id}.mypurecloud.com"


def base(url: str) -> str:
    """`url` without a slash at its end. Raises ValueError where a token would be readable on its way."""
    parts = urlsplit(url)
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))) or not parts.hostname:
        raise ValueError(f"{url!r} is not the address of a Genesys host: https, or this machine")
    return url.rstrip("/")
