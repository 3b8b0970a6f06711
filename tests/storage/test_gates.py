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


def test_what_waits_for_the_agent_is_no_approvers_to_let_leave(
    store: Store, gated: str, ask: Callable[..., tuple[Receipt, bool]]
) -> None:
    ask(gated)
    _, approved = store.approve(gated, by="U0LEA", reason="")

    assert not approved
    assert not store.begin(gated, TEXT, sender_id="bob-in-genesys")


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
    assert store.begin(gated, TEXT, sender_id="bob-in-genesys")


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


# -- approvals ------------------------------------------------------------------------------------


@pytest.fixture
def ask_group(store: Store, clock: Any) -> Callable[..., tuple[Receipt, bool]]:
    def asking(key: str, gate: Gate = Gate.APPROVAL, text: str = TEXT) -> tuple[Receipt, bool]:
        until = clock() + timedelta(minutes=5)
        asked = {"gate": gate, "group": "S0LEADS", "sender_id": "bob-in-genesys"}
        return store.ask_approval(key, text, **asked, until=until, reason="It waits.")

    return asking


def approve(store: Store, key: str) -> bool:
    return store.approve(key, by="U0LEE", reason="")[1]


@pytest.mark.parametrize("gate", [Gate.APPROVAL, Gate.BOTH])
def test_what_waits_for_approval_begins_no_other_way(
    store: Store, claim: Callable[..., str], ask: Any, ask_group: Any, gate: Gate
) -> None:
    key = claim(gate=gate)

    assert not store.begin(key, TEXT, sender_id="g1")
    assert not ask(key)[1]
    ask_group(key, gate)
    assert not open_gate(store, key)
    assert not store.begin(key, TEXT, sender_id="g1")


def test_only_the_approved_text_begins(store: Store, claim: Callable[..., str], ask_group: Any) -> None:
    key = claim(gate=Gate.APPROVAL)
    ask_group(key)

    assert approve(store, key)
    assert not store.begin(key, OTHER, sender_id="g1")
    assert store.begin(key, TEXT, sender_id="g1")
    assert store.receipt(key).approved_by == "U0LEE"


@pytest.mark.parametrize("odd", ["a\x00b", "Grace \ud83d"], ids=["NUL", "half an emoji"])
def test_an_approved_text_that_no_database_keeps_as_it_is_begins_as_it_was_kept(
    store: Store, claim: Callable[..., str], ask_group: Any, odd: str
) -> None:
    key = claim(gate=Gate.APPROVAL)
    ask_group(key, text=odd)
    approve(store, key)

    assert store.begin(key, store.receipt(key).text or "", sender_id="g1")


def test_after_the_approval_the_agent_is_asked_with_the_same_text_and_cannot_change_it(
    store: Store, claim: Callable[..., str], ask: Any, ask_group: Any
) -> None:
    key = claim(gate=Gate.BOTH)
    ask_group(key, Gate.BOTH)
    approve(store, key)

    assert not store.begin(key, TEXT, sender_id="g1")
    assert not ask(key, OTHER)[1]
    assert ask(key)[1]
    assert not open_gate(store, key, edited=OTHER)
    assert not store.begin(key, TEXT, sender_id="g1")
    assert open_gate(store, key)
    assert store.begin(key, TEXT, sender_id="g1")


def test_of_two_approvals_at_once_one_counts_and_none_after_the_wait(
    open_store: Callable[..., Store],
    store: Store,
    claim: Callable[..., str],
    ask_group: Any,
    at_once: Callable[..., list[Any]],
    clock: Any,
) -> None:
    key, late = claim(gate=Gate.APPROVAL), claim(gate=Gate.APPROVAL)
    ask_group(key)
    ask_group(late)
    stores = [open_store(worker) for worker in ("one", "two")]

    assert sorted(at_once(*(lambda store=store: approve(store, key) for store in stores))) == [False, True]
    clock.advance(300)
    assert not approve(store, late)
    assert late in [receipt.key for receipt in store.take_abandoned()]


def test_the_group_is_asked_in_the_thread_and_what_came_of_it_takes_its_place(
    store: Store, claim: Callable[..., str], ask_group: Any
) -> None:
    approved, rejected = claim(gate=Gate.APPROVAL), claim(gate=Gate.APPROVAL)
    for key in (approved, rejected):
        ask_group(key)
    approve(store, approved)
    store.settle(rejected, Outcome(State.CANCELLED), was=(State.PENDING,))
    store.settle(approved, Outcome(State.REFUSED), was=(State.PENDING,))
    said = [(post.kind, post.key) for post, _ in store.posts_due("C0TEAM", "c1")]

    assert said == [
        (PostKind.APPROVE, approved),
        (PostKind.APPROVE, rejected),
        (PostKind.APPROVED, approved),
        (PostKind.APPROVED, rejected),
    ]
    assert store.asked(approved, PostKind.APPROVE) == Asked("C0TEAM", None)
    assert store.asked(approved) is None


@pytest.mark.parametrize("gate", [Gate.AGENT, Gate.APPROVAL, Gate.BOTH])
def test_whoever_let_it_leave_was_neither_late_nor_against_it(
    store: Store, claim: Callable[..., str], ask: Any, ask_group: Any, gate: Gate
) -> None:
    key = claim(gate=gate)
    asked, _ = ask(key) if gate is Gate.AGENT else ask_group(key, gate)
    over = Outcome(State.CANCELLED, reason="Nobody did.")
    assert open_gate(store, key) if gate is Gate.AGENT else approve(store, key)

    assert not store.settle(key, over, was=(State.PENDING,), asked_until=asked.gate_until)[1]
    assert store.receipt(key).state is State.PENDING
