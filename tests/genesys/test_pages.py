"""Lists end, whatever Genesys says of them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.genesys.pages import MOST_PAGES, all_of


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        ([{"entities": [{"id": "1"}], "pageCount": 2}, {"entities": [{"id": "2"}], "pageCount": 2}], 2),
        ([{"entities": [{"id": "1"}]}, {"entities": [{"id": "2"}]}, {"entities": []}], 3),
        ([{"entities": [{"id": "1"}, None, "x"], "pageCount": "1"}, {"entities": [{"id": "2"}]}, {}], 3),
    ],
)
def test_pages_are_read_to_the_last_one(pages: list[Any], asked: int) -> None:
    numbers: list[int] = []

    def page(number: int) -> Any:
        numbers.append(number)
        return pages[number - 1]

    assert [one["id"] for one in all_of(page)] == ["1", "2"]
    assert numbers == list(range(1, asked + 1))


def test_list_without_an_end_is_left_at_some_point() -> None:
    assert len(list(all_of(lambda _: {"entities": [{"id": "1"}]}))) == MOST_PAGES
