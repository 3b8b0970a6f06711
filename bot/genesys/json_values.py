"""JSON from elsewhere, read without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of the list `value`; none if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""
