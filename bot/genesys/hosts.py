"""Where a Genesys Cloud organisation is reached: in its region, or at the events contract's own host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from .transport import is_loopback

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "us_east_1": "mypurecloud.com",
        "us_east_2": "use2.us-gov-pure.cloud",
        "us_west_2": "usw2.pure.cloud",
        "ca_central_1": "cac1.pure.cloud",
        "sa_east_1": "sae1.pure.cloud",
        "mx_central_1": "mxc1.pure.cloud",
        "eu_west_1": "mypurecloud.ie",
        "eu_west_2": "euw2.pure.cloud",
        "eu_central_1": "mypurecloud.de",
        "eu_central_2": "euc2.pure.cloud",
        "me_central_1": "mec1.pure.cloud",
        "ap_south_1": "aps1.pure.cloud",
        "ap_northeast_1": "mypurecloud.jp",
        "ap_northeast_2": "apne2.pure.cloud",
        "ap_northeast_3": "apne3.pure.cloud",
        "ap_southeast_1": "apse1.pure.cloud",
        "ap_southeast_2": "mypurecloud.com.au",
        "eusc_de_east_1": "edee1.eusc-pure.cloud",
    }
)


def domain_of(region: str) -> str:
    """
    The domain of `region`, which is given by domain or by name, in upper or lower case.

    Raises ValueError, which lists them all, for one that there is not.
    """
    asked = region.strip().lower()
    domain = REGIONS.get(asked.replace("-", "_"), asked)
    if domain not in REGIONS.values():
        known = ", ".join(f"{each} ({name})" for name, each in REGIONS.items())
        raise ValueError(f"{region!r} is not a Genesys Cloud region. There are: {known}")
    return domain


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
