from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.storage import KeptResponse, Store

CONTENT = {"name": "Refund", "text": "Dear Zoë …", "substitutions": {"order": None}}


def test_a_library_is_kept_until_it_is_read_again(store: Store, clock: Any) -> None:
    store.keep_library("billing", {"r1": CONTENT, "r2": {}})
    store.keep_library("shipping", {"r1": {}})
    clock.advance(60)
    store.keep_library("billing", {"r1": {"name": "New"}})

    kept = store.library_responses()
    assert [(one.library, one.id, one.content) for one in kept] == [
        ("billing", "r1", {"name": "New"}),
        ("shipping", "r1", {}),
    ]
    assert kept[0].read_at == clock()


def test_what_is_kept_comes_back_as_it_was(store: Store, clock: Any) -> None:
    store.keep_library("billing", {"r1": CONTENT})

    assert store.library_responses() == [KeptResponse("billing", "r1", CONTENT, clock())]
    assert "Zoë" not in repr(store.library_responses())


def test_an_emptied_library_and_one_nobody_wants_are_gone(store: Store) -> None:
    for library in ("billing", "shipping", "old"):
        store.keep_library(library, {"r1": {}})
    store.keep_library("billing", {})
    store.forget_libraries(but=["billing", "shipping"])

    assert [one.library for one in store.library_responses()] == ["shipping"]
    store.forget_libraries(but=[])
    assert store.library_responses() == []


def test_two_replicas_may_read_a_library_at_once(
    open_store: Callable[..., Store], at_once: Callable[..., list[Any]]
) -> None:
    stores = [open_store(worker) for worker in ("one", "two", "three")]
    contents = {f"r{at}": {"at": at} for at in range(20)}
    done = at_once(*(lambda each=each: each.keep_library("billing", contents) for each in stores))

    assert done == [None] * 3
    assert len(stores[0].library_responses()) == 20
