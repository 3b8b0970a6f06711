"""Sealed grants are kept whole, and one worker at a time may renew one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.models import Link
from bot.storage import SealedGrant, Store, Wanted

ENDS = datetime(2026, 3, 1, 13, tzinfo=UTC)
GRANT = SealedGrant("sealed-access", "sealed-refresh", ENDS)


@pytest.fixture
def other(open_store: Callable[..., Store]) -> Store:
    """Another process on the same database."""
    return open_store("two")


def test_a_grant_is_kept_replaced_and_forgotten(store: Store) -> None:
    assert store.grant("g-ann") is None
    store.save_grant("g-ann", GRANT)
    assert store.grant("g-ann") == GRANT

    newer = replace(GRANT, access="newer", refresh=None)
    store.save_grant("g-ann", newer)
    assert store.grant("g-ann") == newer

    assert store.forget_grant("g-ann")
    assert not store.forget_grant("g-ann")
    assert store.grant("g-ann") is None


def test_forgetting_goes_on_record_and_no_token_does(store: Store) -> None:
    store.save_grant("g-ann", GRANT)
    store.save_link(Link("U0ANN", "g-ann", "connect", ENDS))
    store.forget_grant("g-ann")

    record = store.audit()[-1]
    whose = {"slack_user": "U0ANN", "genesys_user": "g-ann"}
    assert (record.event, record.detail) == ("signed_out", whose)
    assert list(store.trail(Wanted(supervisor="U0ANN")))[-1] == record


def test_a_link_that_goes_takes_its_grant_with_it(store: Store) -> None:
    store.save_grant("g-ann", GRANT)
    store.save_grant("g-bob", GRANT)
    store.save_link(Link("U0ANN", "g-ann", "connect", ENDS))
    store.unlink("U0ANN")

    assert store.grant("g-ann") is None
    assert store.grant("g-bob") == GRANT


def test_one_at_a_time_holds_a_grant(store: Store, other: Store) -> None:
    store.save_grant("g-ann", GRANT)
    held = store.hold_grant("g-ann")

    assert held is not None
    assert store.hold_grant("g-ann") is None  # another thread of the same worker
    assert other.hold_grant("g-ann") is None
    store.leave_grant("g-ann", held)
    assert other.hold_grant("g-ann") is not None


def test_saving_keeps_who_holds_it(store: Store, other: Store) -> None:
    store.save_grant("g-ann", GRANT)
    store.hold_grant("g-ann")
    store.save_grant("g-ann", replace(GRANT, access="newer"))

    assert other.hold_grant("g-ann") is None


def test_where_nothing_is_kept_there_is_nothing_to_hold(store: Store) -> None:
    held = store.hold_grant("g-ann")

    assert held is not None
    store.leave_grant("g-ann", held)
    assert store.grant("g-ann") is None


def test_a_dead_workers_hold_is_free_and_its_late_return_of_no_effect(
    store: Store, other: Store, clock: Any
) -> None:
    store.save_grant("g-ann", GRANT)
    held = store.hold_grant("g-ann")
    assert held is not None
    clock.advance(16)
    taken = other.hold_grant("g-ann")

    assert taken is not None
    assert taken != held
    store.leave_grant("g-ann", held)
    assert store.hold_grant("g-ann") is None
    other.leave_grant("g-ann", taken)
    assert store.hold_grant("g-ann") is not None


def test_a_hold_that_outlives_any_renewal_is_free(store: Store, clock: Any) -> None:
    store.save_grant("g-ann", GRANT)
    held = store.hold_grant("g-ann")
    clock.advance(timedelta(minutes=3).total_seconds())
    store.beat()

    taken = store.hold_grant("g-ann")
    assert held is not None
    assert taken is not None
    store.leave_grant("g-ann", held)  # whose hold was taken over
    assert store.hold_grant("g-ann") is None
