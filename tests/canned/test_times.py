from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.canned.errors import BadInput
from bot.canned.times import read, require_ahead

NOW = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)  # noon in Berlin, where summer time ends on the 25th


@pytest.mark.parametrize(
    ("words", "zone", "at"),
    [
        ("15:30", "Europe/Berlin", "2026-10-20 13:30"),
        ("3:30pm", "Europe/Berlin", "2026-10-20 13:30"),
        ("3:30 PM", "Europe/Berlin", "2026-10-20 13:30"),
        ("3pm", "Europe/Berlin", "2026-10-20 13:00"),
        ("12:05", "Europe/Berlin", "2026-10-20 10:05"),
        ("12:05pm", "Europe/Berlin", "2026-10-20 10:05"),
        ("today 15:30", "Europe/Berlin", "2026-10-20 13:30"),
        ("tomorrow 9:00", "Europe/Berlin", "2026-10-21 07:00"),
        ("Tomorrow  12am", "Europe/Berlin", "2026-10-20 22:00"),
        ("2026-10-26 09:00", "Europe/Berlin", "2026-10-26 08:00"),
        ("15:31", "Asia/Kolkata", "2026-10-20 10:01"),
        ("23:59", "America/Los_Angeles", "2026-10-21 06:59"),
        ("15:30", "UTC", "2026-10-20 15:30"),
        ("15:30", "", "2026-10-20 15:30"),
        ("15:30", "../etc/passwd", "2026-10-20 15:30"),
    ],
)
def test_a_time_is_read_in_the_persons_own_zone(words: str, zone: str, at: str) -> None:
    assert f"{read(words, NOW, zone):%Y-%m-%d %H:%M}" == at


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("9:00", "09:00 has passed: it is 12:00 in Europe/Berlin.*at tomorrow 09:00"),
        ("today 9:00", "has passed"),
        ("2026-10-19 15:00", "has passed"),
        ("2026-11-20 15:00", "over 30 days ahead"),
        ("2026-02-30 15:00", "no 2026-02-30 in the calendar"),
        ("2026-10-25 02:30", "The clocks in Europe/Berlin change"),
        ("25:00", "is not a time"),
        ("15:60", "is not a time"),
        ("13pm", "is not a time"),
        ("0am", "is not a time"),
        ("15", "is not a time"),
        ("15.30", "is not a time"),
        ("noon", "is not a time"),
        ("tomorrow", "is not a time"),
    ],
)
def test_a_time_that_could_surprise_is_refused_with_how_to_write_it(words: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(words, NOW, "Europe/Berlin")


def test_an_hour_that_spring_leaves_out_is_refused() -> None:
    with pytest.raises(BadInput, match="The clocks in Europe/Berlin change"):
        read("tomorrow 2:30", datetime(2026, 3, 28, 12, tzinfo=UTC), "Europe/Berlin")


@pytest.mark.parametrize(
    ("words", "zone", "says"),
    [
        ("0001-01-01 0:00", "Europe/Berlin", "has passed"),
        ("9999-12-31 23:59", "America/Los_Angeles", "over 30 days ahead"),
    ],
)
def test_a_time_that_utc_has_no_word_for_is_refused_like_others(words: str, zone: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(words, NOW, zone)


def test_a_chosen_time_has_to_be_ahead_and_not_too_far() -> None:
    require_ahead(NOW + timedelta(seconds=1), NOW)
    for at in (NOW, NOW + timedelta(days=30, seconds=1)):
        with pytest.raises(BadInput) as refused:
            require_ahead(at, NOW)
        assert refused.value.field == "at"
