"""An unknown send is settled by one word, and repeated once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.models import Outcome, PostKind, SendRequest, State
from bot.storage import NotUnknown, Store

REPLY = (PostKind.REPLY,)


@pytest.fixture
def unknown(store: Store, claim: Callable[..., str]) -> Callable[..., str]:
    """A send whose answer was lost; its key."""

    def make(**changes: Any) -> str:
        key = claim(**changes)
        store.begin(key, "Hello", sender_id="ann")
        store.settle(key, Outcome(State.UNKNOWN), was=[State.SENDING], posts=REPLY)
        return key

    return make


@pytest.mark.parametrize("state", [State.UNSENT, State.UNKNOWN])
def test_somebodys_word_is_kept_with_who_said_it(
    store: Store, unknown: Callable[..., str], state: State
) -> None:
    key = unknown()
    receipt, moved = store.mark(key, state, by="U0BOB", reason="Bob said so.", posts=REPLY)

    assert (receipt.state, receipt.handled_by, receipt.reason, moved) == (
        state,
        "U0BOB",
        "Bob said so.",
        True,
    )
    assert store.audit(key)[-1].actor == "U0BOB"
    assert [post.reason for post, _ in store.posts_due("C0TEAM", "c1")] == ["", "Bob said so."]
    standing = store.standing("C0TEAM", "c1")
    assert standing is not None
    assert standing.unknown == ()


def test_of_several_words_at_once_one_counts(
    store: Store,
    open_store: Callable[..., Store],
    unknown: Callable[..., str],
    at_once: Callable[..., list[Any]],
) -> None:
    key, other = unknown(), open_store("another")
    said = at_once(
        lambda: store.mark(key, State.UNSENT, by="U0ANN", reason="a", posts=REPLY),
        lambda: other.mark(key, State.UNKNOWN, by="U0BOB", reason="b", posts=REPLY),
    )

    assert sorted(moved for _, moved in said) == [False, True]
    assert said[0][0] == said[1][0]
    assert len(store.posts_due("C0TEAM", "c1")) == 2


def test_it_is_repeated_once_by_whoever_is_first_and_is_dealt_with_then(
    store: Store,
    open_store: Callable[..., Store],
    unknown: Callable[..., str],
    a_request: Callable[..., SendRequest],
    at_once: Callable[..., list[Any]],
) -> None:
    key, stores = unknown(), [store, open_store("another")]
    again = [
        a_request(key="again", supervisor=user, confirmed=True, instead_of=key) for user in ("U0ANN", "U0BOB")
    ]
    found = at_once(
        *(
            lambda at=at: stores[at % 2].claim(again[at % 2], per_minute=99, per_conversation=99)
            for at in range(4)
        )
    )

    assert {receipt.key for receipt in found} == {"again"}
    assert len({receipt.request.supervisor for receipt in found}) == 1
    assert store.receipt(key).handled_by == found[0].request.supervisor
    assert len(store.sends()) == 2


@pytest.mark.parametrize("how", ["marked", "found"])
def test_what_is_settled_is_not_repeated(
    store: Store, unknown: Callable[..., str], a_request: Callable[..., SendRequest], how: str
) -> None:
    key = unknown()
    if how == "marked":
        store.mark(key, State.UNSENT, by="U0BOB", reason="", posts=())
    else:
        store.settle(key, Outcome(State.SENT, message_id="m1"), was=[State.UNKNOWN])

    with pytest.raises(NotUnknown) as refused:
        store.claim(a_request(confirmed=True, instead_of=key), per_minute=9, per_conversation=9)
    assert refused.value.receipt == store.receipt(key)
    assert len(store.sends()) == 1


def test_a_look_is_on_record_and_knows_when_it_left(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim()
    left = clock.advance(7)
    store.begin(key, "Hello", sender_id="ann")
    clock.advance(60)
    store.settle(key, Outcome(State.UNKNOWN), was=[State.SENDING])

    assert store.looking(key, by="U0BOB") == left
    assert (store.audit(key)[-1].event, store.audit(key)[-1].actor) == ("looked", "U0BOB")


@pytest.fixture
def twin(store: Store) -> Callable[..., bool]:
    """Whether a send has one, for whoever looks for it from when it left on."""

    def has(key: str) -> bool:
        left = next(record.at for record in store.audit(key) if record.event == "begun")
        return store.has_twin(key, since=left)

    return has


def test_a_later_one_with_the_same_text_is_its_twin_until_it_is_settled(
    store: Store, unknown: Callable[..., str], twin: Callable[..., bool]
) -> None:
    first, _, second = unknown(), unknown(conversation_id="c2"), unknown()
    assert (twin(first), twin(second)) == (True, False)

    store.settle(second, Outcome(State.SENT, message_id="m1"), was=[State.UNKNOWN])
    assert not twin(first)


def test_which_one_is_the_later_goes_by_when_it_left(
    store: Store,
    unknown: Callable[..., str],
    claim: Callable[..., str],
    clock: Any,
    twin: Callable[..., bool],
) -> None:
    scheduled = claim()
    first = unknown()
    clock.advance(600)
    store.begin(scheduled, store.receipt(first).text or "", sender_id="ann")
    store.settle(scheduled, Outcome(State.UNKNOWN), was=[State.SENDING])

    assert (twin(first), twin(scheduled)) == (True, False)


@pytest.mark.parametrize(("seconds", "may_be_found"), [(60, True), (121, False)])
def test_one_that_genesys_took_without_an_id_is_a_twin_where_its_message_may_be_found(
    store: Store,
    unknown: Callable[..., str],
    clock: Any,
    twin: Callable[..., bool],
    seconds: int,
    may_be_found: bool,
) -> None:
    taken = unknown()
    store.settle(taken, Outcome(State.SENT), was=[State.UNKNOWN])
    clock.advance(seconds)
    lost = unknown()
    assert twin(lost) == may_be_found

    store.delivered(taken, "sent", message_id="m1")
    assert not twin(lost)
