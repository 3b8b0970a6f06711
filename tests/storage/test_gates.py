from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.models import Asked, Gate, Outcome, PostKind, Receipt, State
from bot.storage import NoSuchSend, Store

TEXT, OTHER = "Thank you for your patience.", "In my own words."


@pytest.fixture
def gated(claim: Callable[..., str]) -> str:
    """The key of a claimed send that an agent has to let leave."""
    return claim(gate=Gate.AGENT)


@pytest.fixture
def ask(store: Store, clock: Any) -> Callable[..., tuple[Receipt, bool]]:
    def asking(key: str, text: str = TEXT) -> tuple[Receipt, bool]:
        until = clock() + timedelta(minutes=5)
        return store.ask(
            key, text, agent="bob-in-genesys", user="U0BOB", until=until, reason="Bob was asked."
        )

    return asking


def open_gate(store: Store, key: str, *, edited: str | None = None) -> bool:
    return store.open_gate(key, by="U0BOB", edited=edited, reason="")[1]


def test_a_gate_is_claimed_with_the_send(store: Store, gated: str) -> None:
    receipt = store.receipt(gated)

    assert receipt.request.gate is Gate.AGENT
    assert not receipt.is_asked


def test_behind_a_closed_gate_nothing_begins(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]], clock: Any
) -> None:
    assert not store.begin(gated, TEXT, sender_id="bob-in-genesys")

    ask(gated)
    assert not store.begin(gated, TEXT, sender_id="bob-in-genesys")
    clock.advance(301)  # also when the wait is over
    assert not store.begin(gated, TEXT, sender_id="bob-in-genesys")


def test_behind_an_open_gate_only_the_frozen_text_begins(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    open_gate(store, gated)

    assert not store.begin(gated, OTHER, sender_id="bob-in-genesys")
    assert store.begin(gated, TEXT, sender_id="bob-in-genesys")
    assert store.receipt(gated).text == TEXT


def test_an_edit_takes_the_place_of_the_frozen_text(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    open_gate(store, gated, edited=OTHER)

    assert not store.begin(gated, TEXT, sender_id="bob-in-genesys")
    assert store.begin(gated, OTHER, sender_id="bob-in-genesys")


def test_the_agent_is_asked_once(store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]) -> None:
    first, asked = ask(gated)
    second, again = ask(gated, OTHER)

    assert (asked, again) == (True, False)
    assert first.text == second.text == TEXT
    assert store.asked(gated) == Asked("U0BOB", None)


def test_of_two_clicks_at_once_one_opens(
    open_store: Callable[..., Store],
    gated: str,
    ask: Callable[..., tuple[Receipt, bool]],
    at_once: Callable[..., list[Any]],
) -> None:
    ask(gated)
    stores = [open_store(worker) for worker in ("one", "two")]
    opened = at_once(*(lambda store=store: open_gate(store, gated) for store in stores))

    assert sorted(opened) == [False, True]


@pytest.mark.parametrize("state", [State.CANCELLED, State.REFUSED])
def test_what_is_settled_opens_no_more(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]], state: State
) -> None:
    ask(gated)
    store.settle(gated, Outcome(state), was=(State.PENDING,))

    assert not open_gate(store, gated)


def test_after_the_wait_it_opens_no_more_and_is_found_to_be_closed(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]], clock: Any
) -> None:
    ask(gated)
    waiting = store.take_abandoned()
    clock.advance(300)

    assert waiting == []
    assert not open_gate(store, gated)
    assert [receipt.key for receipt in store.take_abandoned()] == [gated]


def test_back_to_pending_what_was_agreed_to_is_kept(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    open_gate(store, gated)
    store.begin(gated, TEXT, sender_id="bob-in-genesys")
    back, _ = store.settle(gated, Outcome(State.PENDING), was=(State.SENDING,))

    assert (back.text, back.sender_id, back.opened_by) == (TEXT, "bob-in-genesys", "U0BOB")
    assert store.opened_by("U0BOB") == [gated]
    assert store.begin(gated, TEXT, sender_id="bob-in-genesys")
    assert store.opened_by("U0BOB") == []


def test_the_question_goes_to_the_agent_and_the_thread_reads_of_it(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    [(question, _)] = store.posts_due("U0BOB", "")
    [(reply, _)] = store.posts_due("C0TEAM", "c1")

    assert (question.kind, reply.kind) == (PostKind.ASK, PostKind.REPLY)
    store.posted(question.id, "1.2")
    assert store.asked(gated) == Asked("U0BOB", "1.2")


def test_whatever_becomes_of_it_the_agents_question_says_so(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    store.settle(gated, Outcome(State.CANCELLED), was=(State.PENDING,))

    assert [post.kind for post, _ in store.posts_due("U0BOB", "")] == [PostKind.ASK, PostKind.ASKED]


def test_an_edit_is_told_to_the_supervisor_and_in_the_thread(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    open_gate(store, gated, edited=OTHER)

    assert [post.kind for post, _ in store.posts_due("U0ANN", "")] == [PostKind.DIRECT]
    assert [post.kind for post, _ in store.posts_due("C0TEAM", "c1")] == [PostKind.REPLY, PostKind.REPLY]


def test_who_asked_whom_and_who_agreed_is_on_record_without_a_word_of_the_text(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    open_gate(store, gated, edited=OTHER)
    lines = store.audit(gated)

    assert [(line.event, line.actor) for line in lines[1:]] == [("asked", "U0ANN"), ("opened", "U0BOB")]
    assert lines[-1].detail["edited"] is True
    assert all(text not in str(lines) for text in (TEXT, OTHER))


def test_nothing_is_asked_or_opened_under_an_unknown_key(
    store: Store, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    with pytest.raises(NoSuchSend):
        ask("nobody")
    with pytest.raises(NoSuchSend):
        open_gate(store, "nobody")
    assert store.asked("nobody") is None
