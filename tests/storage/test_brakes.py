"""The brake holds for every process at once, and lets go of what it held."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from bot.models import Outcome, SendRequest, State
from bot.storage import DatabaseDown, Stopped, Store
from bot.storage.engine import read_url
from tests.waiting import until


@pytest.mark.parametrize("team", ["", "Support"])
def test_nothing_begins_while_a_pause_stands_for_all_or_for_its_team(
    store: Store, open_store: Callable[..., Store], claim: Callable[..., str], team: str
) -> None:
    key, other = claim(), claim(team="Billing")
    assert open_store("another").pause(team, actor="operator")[1]

    with pytest.raises(Stopped) as stopped:
        store.begin(key, "Hello", sender_id=None)
    assert stopped.value.pause.team == team
    assert store.receipt(key).text_hash is None
    if team:
        assert store.begin(other, "Hello", sender_id=None)

    assert store.resume(team, actor="operator")
    assert store.begin(key, "Hello", sender_id=None)


def test_a_pause_holds_up_its_channel_whatever_the_team_is_called(
    store: Store,
    open_store: Callable[..., Store],
    claim: Callable[..., str],
    a_request: Callable[..., SendRequest],
    clock: Any,
) -> None:
    renamed, other = claim(team="Help"), claim(team="Sales", channel="C0SALES")
    store.pause("Support", channel="C0TEAM", actor="operator")

    with pytest.raises(Stopped):
        store.begin(renamed, "Hello", sender_id=None)
    with pytest.raises(Stopped):
        store.claim(a_request(team="Help", confirmed=True), per_minute=9, per_conversation=9)
    clock.advance(60)
    assert [receipt.key for receipt in open_store("two").take_abandoned()] == [other]


def test_no_pause_is_said_where_something_else_keeps_it_from_leaving(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    begun, later = claim(), claim()
    store.begin(begun, "Hello", sender_id=None)
    not_before = clock.at.replace(hour=13)
    store.settle(later, Outcome(State.PENDING, not_before=not_before), was=[State.PENDING])
    store.pause(actor="operator")

    assert not store.begin(begun, "Hello", sender_id=None)
    assert not store.begin(later, "Hello", sender_id=None)


def test_a_pause_waits_for_whoever_is_beginning_and_lets_nobody_pass_behind_it(
    store: Store, open_store: Callable[..., Store], claim: Callable[..., str]
) -> None:
    """However the two meet: what has begun was begun before the pause was there."""
    keys = [claim() for _ in range(12)]
    other, begun, start = open_store("another"), [], threading.Barrier(2)

    def begin_all() -> None:
        start.wait(10)
        for key in keys:
            try:
                begun.append(store.begin(key, "Hello", sender_id=None))
            except Stopped:
                begun.append(False)

    thread = threading.Thread(target=begin_all)
    thread.start()
    start.wait(10)
    other.pause(actor="operator")
    at_pause = len(other.sends(State.SENDING))
    thread.join(10)

    assert len(begun) == len(keys)
    assert len(other.sends(State.SENDING)) == sum(begun) == at_pause


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_pause_is_not_there_before_whoever_is_beginning_has_begun(
    store: Store,
    open_store: Callable[..., Store],
    claim: Callable[..., str],
    database_url: str,
    sql: Callable[..., list[Any]],
) -> None:
    """A `begin` that waits for its row has looked for pauses already: none may slip in behind its back."""
    key = claim()
    engine = create_engine(read_url(database_url), poolclass=NullPool)
    with engine.connect() as tx, ThreadPoolExecutor(1) as pool:
        tx.execute(text("SELECT * FROM sends FOR UPDATE"))
        beginning = pool.submit(store.begin, key, "Hello", sender_id=None)
        until(lambda: sql("SELECT 1 FROM pg_locks WHERE NOT granted"))
        with pytest.raises(DatabaseDown):
            open_store("hasty", patience=0.1).pause(actor="operator")
        tx.rollback()
        assert beginning.result()

    assert open_store("another").pause(actor="operator")[1]


def test_a_new_claim_is_refused_and_one_that_is_there_already_is_found(
    store: Store, a_request: Callable[..., SendRequest]
) -> None:
    known = a_request()
    store.claim(known, per_minute=9, per_conversation=9)
    store.pause("Support", actor="operator")

    assert store.claim(known, per_minute=9, per_conversation=9).key == known.key
    with pytest.raises(Stopped):
        store.claim(a_request(confirmed=True), per_minute=9, per_conversation=9)
    assert store.claim(a_request(team="Billing", confirmed=True), per_minute=9, per_conversation=9)


def test_what_is_held_up_is_nobodys_work_until_it_has_grown_old_or_may_go(
    store: Store, open_store: Callable[..., Store], claim: Callable[..., str], clock: Any
) -> None:
    held, sending = claim(), claim()
    store.begin(sending, "Hello", sender_id=None)
    store.pause(actor="operator")
    clock.advance(60)
    assert [r.key for r in open_store("two").take_abandoned()] == [sending]

    clock.advance(241)
    assert [r.key for r in open_store("three").take_abandoned()] == [held, sending]


def test_what_was_held_up_may_go_at_once_when_the_pause_is_lifted(
    store: Store, open_store: Callable[..., Store], claim: Callable[..., str], clock: Any
) -> None:
    held = claim()
    store.pause(actor="operator")
    clock.advance(60)
    other = open_store("another")
    assert other.take_abandoned() == []

    store.resume(actor="operator")

    assert [r.key for r in other.take_abandoned()] == [held]


def test_the_command_that_lifts_a_pause_can_be_copied_whatever_its_team_is_called(store: Store) -> None:
    pause, _ = store.pause("Ann's & Bob's", actor="operator")

    assert shlex.split(pause.lifted_by) == ["canned", "resume", "--team", "Ann's & Bob's"]


def test_pauses_are_listed_each_once_and_lifted_each_by_itself(store: Store, clock: Any) -> None:
    first, _ = store.pause(actor="operator")
    clock.advance(5)

    assert store.pause(actor="operator") == (first, False)
    assert store.pause("B", actor="operator")[1]
    assert [pause.team for pause in store.pauses()] == ["", "B"]
    assert (store.resume("", actor="operator"), store.resume("", actor="operator")) == (True, False)
    assert [pause.team for pause in store.pauses()] == ["B"]
    assert [record.event for record in store.audit()] == ["paused", "paused", "resumed"]
