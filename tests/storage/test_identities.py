from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.models import Link
from bot.storage import LinkTaken, Store

ANN = Link("U0ANN", "g-ann", "operator", datetime(2026, 3, 1, tzinfo=UTC), "Ann Lee", "ann.lee@example.com")


def test_link_is_found_from_both_sides(store: Store) -> None:
    bob = replace(ANN, slack_user="U0BOB", genesys_user="g-bob")
    store.save_link(bob)
    store.save_link(ANN)

    assert store.link("U0ANN") == store.link_of("g-ann") == ANN
    assert store.link("U0NOBODY") is None
    assert store.link_of("g-nobody") is None
    assert store.links() == [ANN, bob]


@pytest.mark.parametrize("changes", [{"slack_user": "U0BOB"}, {"genesys_user": "g-bob"}], ids=str)
def test_neither_side_is_linked_to_a_second(store: Store, changes: dict[str, str]) -> None:
    store.save_link(ANN)

    with pytest.raises(LinkTaken, match="canned users unlink U0ANN") as taken:
        store.save_link(replace(ANN, **changes))

    assert taken.value.link == ANN
    assert store.links() == [ANN]


def test_same_two_users_again_renew_their_link(store: Store) -> None:
    store.save_link(replace(ANN, source="email"))

    store.save_link(ANN)

    assert store.links() == [ANN]


def test_of_two_links_saved_at_once_one_stands(
    open_store: Callable[..., Store], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(10):
        mine = replace(ANN, slack_user=f"U{number}A", genesys_user=f"g{number}")
        theirs = replace(ANN, slack_user=f"U{number}B", genesys_user=f"g{number}")

        ends = at_once(lambda m=mine: one.save_link(m), lambda t=theirs: two.save_link(t))

        assert sorted(type(end).__name__ for end in ends) == ["LinkTaken", "NoneType"]


def test_unlinked_user_is_free_and_the_record_remembers(store: Store) -> None:
    store.save_link(ANN)

    assert store.unlink("U0ANN")
    assert not store.unlink("U0ANN")
    store.save_link(replace(ANN, slack_user="U0BOB"))

    assert [link.slack_user for link in store.links()] == ["U0BOB"]
    assert [record.event for record in store.audit()] == ["linked", "unlinked", "linked"]
    assert "ann.lee" not in str(store.audit())


def test_whoever_made_a_link_or_took_it_away_is_on_record(store: Store) -> None:
    for source in ("operator", "connect", "email"):
        store.save_link(replace(ANN, source=source))
    store.unlink("U0ANN")

    actors = [(record.event, record.actor) for record in store.audit()]
    made = [("linked", "operator"), ("linked", "U0ANN"), ("linked", "bot")]
    assert actors == [*made, ("unlinked", "operator")]


def test_times_come_back_as_the_same_instant_in_utc(store: Store) -> None:
    there = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))

    store.save_link(replace(ANN, linked_at=there))

    found = store.link("U0ANN")
    assert found is not None
    assert found.linked_at == there
    assert found.linked_at.tzinfo is UTC
