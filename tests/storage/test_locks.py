"""Transactions side by side on PostgreSQL wait for each other in no circle; one that does is told so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from bot.models import Gate, Outcome, PostKind, State
from bot.storage import DatabaseDown, Store

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_two_people_who_ask_each_other_do_not_hold_each_other_up(
    open_store: Callable[..., Store],
    claim: Callable[..., str],
    clock: Any,
    at_once: Callable[..., list[Any]],
) -> None:
    stores = [open_store("one"), open_store("two")]
    people = [("U0ANN", "U0BOB"), ("U0BOB", "U0ANN")]
    told = (PostKind.REPLY, PostKind.DIRECT)
    for _ in range(10):
        keys = []
        for supervisor, agent in people:
            key = claim(stores[0], supervisor=supervisor, conversation_id=f"with {agent}", gate=Gate.AGENT)
            until = clock() + timedelta(minutes=2)
            stores[0].ask(key, "Hello", agent="g1", user=agent, until=until, reason="")
            keys.append(key)
        calls = [
            partial(store.settle, key, Outcome(State.REFUSED), was=[State.PENDING], posts=told)
            for store, key in zip(stores, keys, strict=True)
        ]

        assert not [fault for fault in at_once(*calls) if isinstance(fault, Exception)]
        clock.advance(600)


def test_end_of_a_chat_that_is_heard_while_its_start_is_written_down_is_not_lost(
    open_store: Callable[..., Store], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(20):
        chat = f"c{number}"
        announced, ended = at_once(
            partial(one.chat_started, f"start {chat}", chat, ["C0TEAM"], queue="Support"),
            partial(two.chat_ended, f"end {chat}", chat, ["C0TEAM"], queue="Support"),
        )

        assert announced == ended, chat  # whoever announced it hears that it is over
        assert two.chat_ended(f"again {chat}", chat, [], queue="") == []


def test_handing_back_threads_does_not_wait_for_whoever_writes_posts_for_them(
    open_store: Callable[..., Store], claim: Callable[..., str]
) -> None:
    leaving, writing = open_store("leaving", patience=0.2), open_store("writing")
    key = claim(leaving)
    leaving.settle(key, Outcome(State.REFUSED), was=[State.PENDING], posts=[PostKind.DIRECT])
    assert leaving.take_thread("U0ANN", "")
    with writing._writing() as tx:
        tx.execute(text("SELECT 1 FROM threads FOR KEY SHARE"))  # as the foreign key of a post does

        leaving.release()

    assert writing.take_thread("U0ANN", "")


def test_circle_of_waiting_ends_in_the_sentence_that_nothing_was_taken_on(
    open_store: Callable[..., Store], claim: Callable[..., str], at_once: Callable[..., list[Any]]
) -> None:
    stores = [open_store(worker, patience=10) for worker in ("one", "two")]
    keys = [claim(stores[0], conversation_id=conversation) for conversation in ("c1", "c2")]
    both = threading.Barrier(2)

    def cross(store: Store, first: str, second: str) -> str:
        with store._writing() as tx:
            tx.execute(text(f"SELECT 1 FROM sends WHERE key = '{first}' FOR UPDATE"))
            both.wait(10)
            tx.execute(text(f"SELECT 1 FROM sends WHERE key = '{second}' FOR UPDATE"))
        return "done"

    ended = at_once(partial(cross, stores[0], *keys), partial(cross, stores[1], *reversed(keys)))

    assert sorted(map(type, ended), key=repr) == [DatabaseDown, str]
    assert "nothing was taken on" in str(next(each for each in ended if each != "done"))
