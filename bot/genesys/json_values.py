"""JSON from elsewhere, read without trusting its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
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


def object_of(value: object) -> Mapping[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def texts_of(value: object) -> dict[str, str]:
    """The texts in the JSON object `value`, by name; whatever else is in it is left out."""
    return {name: text_of(each) for name, each in object_of(value).items() if isinstance(each, str)}


def time_of(value: object) -> datetime | None:
    """The ISO 8601 time in `value`, as aware UTC; None if it is not one."""
    try:
        at = datetime.fromisoformat(text_of(value))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the second: in UTC before year 1, or after 9999
        return None
