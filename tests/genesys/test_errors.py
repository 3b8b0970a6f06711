"""The error tree is whole, and nothing of the libraries below shows through it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import requests.exceptions
import urllib3.exceptions

from bot import genesys
from bot.genesys import GenesysError, OutcomeUnknown, Unavailable, errors
from bot.genesys.transport import Patience, Transport


def _subclasses(of: type) -> set[type]:
    below: list[type] = of.__subclasses__()
    return {of}.union(*(_subclasses(one) for one in below))


def _exceptions_of(module: ModuleType) -> list[type[Exception]]:
    classes = (value for value in vars(module).values() if isinstance(value, type))
    own = [one for one in classes if one.__module__ == module.__name__]
    return [one for one in own if issubclass(one, Exception) and not issubclass(one, Warning)]


def test_error_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn, above = {}, ["GenesysError"]
    for branch, name in re.findall(r"^    ([│├└─ ]*)(\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(branch) // 4
        above[depth:] = [name]
        drawn[name] = above[depth - 1] if depth else "Exception"

    assert drawn == {one.__name__: one.__mro__[1].__name__ for one in _subclasses(GenesysError)}


def test_every_error_can_be_imported_from_the_package() -> None:
    assert {one.__name__ for one in _subclasses(GenesysError)} <= set(genesys.__all__)
    assert all(hasattr(genesys, name) for name in genesys.__all__)


def test_errors_that_may_be_tried_again_say_after_how_many_seconds() -> None:
    assert Unavailable("Later.").retry_after > 0
    assert genesys.RateLimited("Later.", retry_after=42).retry_after == 42
    assert OutcomeUnknown("Look.").retry_after is None


@pytest.mark.parametrize(
    "below",
    _exceptions_of(requests.exceptions) + _exceptions_of(urllib3.exceptions) + [OSError, TimeoutError],
    ids=lambda one: f"{one.__module__}.{one.__name__}",
)
def test_no_error_of_the_libraries_below_gets_out(below: type[Exception]) -> None:
    def fail() -> Any:
        raised = below.__new__(below)
        raised.args = ("as the library words it",)
        raise raised

    transport = Transport(timeout=(1, 1), now=lambda: datetime.now(UTC), sleep=lambda _: None)
    certain = issubclass(below, requests.exceptions.ConnectTimeout)

    with pytest.raises(Unavailable if certain else OutcomeUnknown):
        transport.send(fail, Patience(time.sleep))
    with pytest.raises(Unavailable):
        transport.read(fail, Patience(time.sleep))
