"""JSON from elsewhere, read without trusting its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HALVES = re.compile("[\ud800-\udfff]")


def objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of the list `value`; none if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """
    `value` if it is a string, else an empty one.

    Control characters but line ends and tabs are left out; half a surrogate pair, which no
    UTF-8 can hold, becomes U+FFFD.
    """
    return _HALVES.sub("\ufffd", _CONTROLS.sub("", value)) if isinstance(value, str) else ""
