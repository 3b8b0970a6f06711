from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.models import Gate, Outcome, PostKind, Receipt, SendRequest, State
from bot.storage import NoSuchSend, OverLimit, Repeated, Store

ROOM = {"per_minute": 100, "per_conversation": 100}
SENT = Outcome(State.SENT, message_id="m1", correlation_id="x1")


# -- claim --------------------------------------------------------------------------------------


def test_a_claim_is_pending_and_gives_back_what_was_asked(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    request = a_request(
        values={"name": "Zoë “Z”"},
        text="Hello {{name}}",
        language="es",
        by_operator=True,
        confirmed=True,
        seen={"message": "m1", "agent": "", "queue": "Überfällig"},
    )

    receipt = store.claim(request, **ROOM)

    assert receipt == Receipt(request, State.PENDING, clock())
    assert store.receipt(request.key) == receipt
    assert store.find(request.key)
    assert receipt.request.values == {"name": "Zoë “Z”"}


def test_nothing_is_claimed_under_an_unknown_key(store: Store) -> None:
    assert store.find("nothing") is None
    with pytest.raises(NoSuchSend, match="nothing"):
        store.receipt("nothing")


def test_second_claim_of_a_key_gets_the_first_receipt(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    first = store.claim(a_request(key="k"), **ROOM)
    store.begin("k", "Hello", sender_id="g1")
    clock.advance(5)

    again = store.claim(a_request(key="k", conversation_id="c2", supervisor="U0BOB"), **ROOM)

    assert again.request == first.request
    assert again.state is State.SENDING
    assert len(store.sends()) == 1


@pytest.mark.parametrize("begun", [False, True], ids=["pending", "sending"])
def test_what_still_waits_is_asked_about_however_long_ago_it_was_claimed(
    store: Store, claim: Callable[..., str], a_request: Callable[..., SendRequest], clock: Any, begun: bool
) -> None:
    key = claim()
    if begun:
        store.begin(key, "Hello", sender_id="g1")
    clock.advance(3600)

    with pytest.raises(Repeated) as asked:
        store.claim(a_request(), **ROOM)
    assert asked.value.receipt.key == key


def test_what_went_only_just_now_is_asked_about_however_long_it_waited(
    store: Store, claim: Callable[..., str], a_request: Callable[..., SendRequest], clock: Any
) -> None:
    key = claim()
    clock.advance(3600)
    store.settle(key, SENT, was=[State.PENDING])
    clock.advance(59)

    with pytest.raises(Repeated):
        store.claim(a_request(), **ROOM)
    clock.advance(1)
    assert store.claim(a_request(), **ROOM).state is State.PENDING


def test_one_key_claimed_by_two_processes_at_once_is_one_send(
    open_store: Callable[..., Store], a_request: Callable[..., SendRequest], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(10):
        request = a_request(conversation_id=f"c{number}")

        receipts = at_once(lambda r=request: one.claim(r, **ROOM), lambda r=request: two.claim(r, **ROOM))

        assert [receipt.request for receipt in receipts] == [request, request]
    assert len(one.sends()) == 10
    assert [record.event for record in one.audit()] == ["claimed"] * 10


def test_one_key_claimed_at_once_for_different_conversations_is_one_send(
    open_store: Callable[..., Store], a_request: Callable[..., SendRequest], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(10):
        key = f"same-{number}"
        here = a_request(key=key, conversation_id=f"here-{number}", supervisor="U0ANN")
        there = a_request(key=key, conversation_id=f"there-{number}", supervisor="U0BOB")

        receipts = at_once(lambda r=here: one.claim(r, **ROOM), lambda r=there: two.claim(r, **ROOM))

        assert receipts[0].request == receipts[1].request
    assert len(one.sends()) == 10


def test_same_response_at_once_to_one_conversation_is_claimed_once_and_asked_about_once(
    open_store: Callable[..., Store], a_request: Callable[..., SendRequest], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(10):
        ann = a_request(conversation_id=f"c{number}", supervisor="U0ANN")
        bob = a_request(conversation_id=f"c{number}", supervisor="U0BOB")

        ends = at_once(lambda r=ann: one.claim(r, **ROOM), lambda r=bob: two.claim(r, **ROOM))

        assert sorted(type(end) for end in ends if isinstance(end, Receipt)) == [Receipt]
        (asked,) = [end for end in ends if isinstance(end, Repeated)]
        (claimed,) = [end for end in ends if isinstance(end, Receipt)]
        assert asked.receipt == claimed


def test_same_response_is_asked_about_for_a_minute(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    first = store.claim(a_request(), **ROOM)
    first, _ = store.settle(first.key, SENT, was=[State.PENDING])
    clock.advance(59)
    with pytest.raises(Repeated) as asked:
        store.claim(a_request(), **ROOM)
    clock.advance(1)

    store.claim(a_request(), **ROOM)

    assert asked.value.receipt == first
    assert len(store.sends()) == 2


@pytest.mark.parametrize(
    "changes", [{"confirmed": True}, {"response": "greeting"}, {"conversation_id": "c2"}], ids=str
)
def test_what_is_confirmed_or_different_is_not_asked_about(
    store: Store, a_request: Callable[..., SendRequest], changes: dict[str, Any]
) -> None:
    store.claim(a_request(), **ROOM)

    store.claim(a_request(**changes), **ROOM)

    assert len(store.sends()) == 2


def test_nobody_is_asked_where_asking_is_off(store: Store, a_request: Callable[..., SendRequest]) -> None:
    store.claim(a_request(), **ROOM)

    store.claim(a_request(), asks_after=None, **ROOM)

    assert len(store.sends()) == 2


@pytest.mark.parametrize(
    ("state", "asks"),
    [
        (State.SENT, True),
        (State.UNKNOWN, True),
        (State.REFUSED, False),
        (State.CANCELLED, False),
        (State.UNSENT, False),
    ],
)
def test_only_what_may_have_reached_the_customer_is_asked_about(
    store: Store, a_request: Callable[..., SendRequest], claim: Callable[..., str], state: State, asks: bool
) -> None:
    store.settle(claim(), Outcome(state), was=[State.PENDING])
    request = a_request()

    if asks:
        with pytest.raises(Repeated):
            store.claim(request, **ROOM)
    else:
        store.claim(request, **ROOM)

    assert (store.find(request.key) is None) is asks


def test_supervisor_over_the_limit_is_told_when_there_is_room_again(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    first = clock()
    store.claim(a_request(conversation_id="c1"), per_minute=2, per_conversation=9)
    clock.advance(10)
    store.claim(a_request(conversation_id="c2"), per_minute=2, per_conversation=9)
    third = a_request(conversation_id="c3")

    with pytest.raises(OverLimit) as over:
        store.claim(third, per_minute=2, per_conversation=9)
    store.claim(a_request(conversation_id="c4", supervisor="U0BOB"), per_minute=2, per_conversation=9)
    clock.at = over.value.until
    store.claim(third, per_minute=2, per_conversation=9)

    assert (over.value.limit_name, over.value.until) == ("per_minute", first + timedelta(minutes=1))
    assert store.find(third.key)


def test_conversation_over_the_limit_is_closed_to_every_supervisor_for_ten_minutes(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    first = clock()
    store.claim(a_request(response="a"), per_minute=9, per_conversation=1)

    with pytest.raises(OverLimit) as over:
        store.claim(a_request(response="b", supervisor="U0BOB"), per_minute=9, per_conversation=1)

    assert over.value.limit_name == "per_conversation"
    assert over.value.until == first + timedelta(minutes=10)
    assert "12:10:00 UTC" in str(over.value)


def test_what_never_reached_a_conversation_leaves_room_in_it(
    store: Store, a_request: Callable[..., SendRequest], claim: Callable[..., str]
) -> None:
    store.settle(claim(), Outcome(State.REFUSED), was=[State.PENDING])
    request = a_request()

    store.claim(request, per_minute=9, per_conversation=1)

    assert store.find(request.key)


def test_limit_holds_for_claims_at_once(
    open_store: Callable[..., Store], a_request: Callable[..., SendRequest], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(10):
        here = {"per_minute": 1, "per_conversation": 9}
        first = a_request(conversation_id=f"a{number}", supervisor=f"U{number}")
        second = a_request(conversation_id=f"b{number}", supervisor=f"U{number}")

        ends = at_once(lambda r=first: one.claim(r, **here), lambda r=second: two.claim(r, **here))  # noqa: B023

        assert sorted(type(end).__name__ for end in ends) == ["OverLimit", "Receipt"]


# -- begin --------------------------------------------------------------------------------------


def test_begin_keeps_the_exact_text_and_its_hash(store: Store, claim: Callable[..., str], clock: Any) -> None:
    key = claim()
    clock.advance(1)

    assert store.begin(key, "Hola, señora", sender_id="g1")

    receipt = store.receipt(key)
    assert (receipt.state, receipt.text, receipt.sender_id) == (State.SENDING, "Hola, señora", "g1")
    assert receipt.text_hash == hashlib.sha256("Hola, señora".encode()).hexdigest()
    assert receipt.changed_at == clock()


def test_begin_lets_one_caller_through(store: Store, claim: Callable[..., str]) -> None:
    key = claim()

    assert store.begin(key, "first", sender_id="g1")
    assert not store.begin(key, "second", sender_id="g2")

    assert store.receipt(key).text == "first"
    assert [record.event for record in store.audit(key)] == ["claimed", "begun"]


def test_begin_from_two_processes_at_once_lets_one_through(
    open_store: Callable[..., Store], claim: Callable[..., str], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for _ in range(10):
        key = claim(one)

        begun = at_once(
            lambda k=key: one.begin(k, "one", sender_id=None),
            lambda k=key: two.begin(k, "two", sender_id=None),
        )

        assert sorted(begun) == [False, True]
        assert one.receipt(key).text == ("one" if begun[0] else "two")


def test_begin_waits_for_not_before(store: Store, claim: Callable[..., str], clock: Any) -> None:
    key = claim(not_before=clock() + timedelta(seconds=5))

    assert not store.begin(key, "Hello", sender_id=None)
    clock.advance(5)
    assert store.begin(key, "Hello", sender_id=None)


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_begin_refuses_what_is_not_pending(store: Store, claim: Callable[..., str], state: State) -> None:
    key = claim()
    store.settle(key, Outcome(state), was=[State.PENDING])

    assert not store.begin(key, "Hello", sender_id=None)
    assert not store.begin("nothing", "Hello", sender_id=None)

    assert store.receipt(key).state is state


# -- settle -------------------------------------------------------------------------------------


def test_settle_moves_only_from_where_it_was_said_to_be(store: Store, claim: Callable[..., str]) -> None:
    key = claim()
    store.begin(key, "Hello", sender_id="g1")

    late, moved_late = store.settle(key, Outcome(State.PENDING), was=[State.PENDING], posts=[PostKind.REPLY])
    sent, moved = store.settle(key, SENT, was=[State.SENDING, State.UNKNOWN])

    assert (late.state, moved_late) == (State.SENDING, False)
    assert (sent.state, sent.message_id, sent.correlation_id, moved) == (State.SENT, "m1", "x1", True)
    assert store.posts_due("C0TEAM", "c1") == []


def test_two_that_settle_at_once_settle_it_once(
    open_store: Callable[..., Store], claim: Callable[..., str], at_once: Callable[..., list[Any]]
) -> None:
    one, two = open_store("one"), open_store("two")
    for number in range(10):
        key = claim(one, conversation_id=f"c{number}")
        one.begin(key, "Hello", sender_id=None)

        ends = at_once(
            lambda k=key: one.settle(k, SENT, was=[State.SENDING], posts=[PostKind.REPLY]),
            lambda k=key: two.settle(k, Outcome(State.UNKNOWN), was=[State.SENDING], posts=[PostKind.REPLY]),
        )

        assert sorted(moved for _, moved in ends) == [False, True]
        assert ends[0][0] == ends[1][0]
        assert len(one.posts_due("C0TEAM", f"c{number}")) == 1


def test_settling_an_unknown_key_raises(store: Store) -> None:
    with pytest.raises(NoSuchSend):
        store.settle("nothing", SENT, was=list(State))


def test_back_to_pending_it_waits_for_anybody_and_forgets_what_did_not_leave(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim()
    store.begin(key, "Hello", sender_id="g1")
    later = clock() + timedelta(seconds=90)

    receipt, moved = store.settle(
        key, Outcome(State.PENDING, "Genesys is busy.", not_before=later), was=[State.SENDING]
    )

    assert moved
    assert (receipt.state, receipt.reason, receipt.not_before) == (State.PENDING, "Genesys is busy.", later)
    assert (receipt.text, receipt.text_hash, receipt.sender_id) == (None, None, None)
    assert store.take_abandoned() == []
    clock.at = later
    assert [found.key for found in store.take_abandoned()] == [key]


def test_what_is_known_already_is_kept_when_an_outcome_knows_less(
    store: Store, claim: Callable[..., str]
) -> None:
    key = claim()
    store.settle(key, Outcome(State.UNKNOWN, "No answer.", correlation_id="x1"), was=[State.PENDING])

    receipt, _ = store.settle(key, Outcome(State.SENT, message_id="m1"), was=[State.UNKNOWN])

    assert (receipt.correlation_id, receipt.message_id, receipt.reason) == ("x1", "m1", "")


def test_waiting_in_place_shows_until_it_is_settled(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim()
    store.begin(key, "Hello", sender_id=None)
    until = clock() + timedelta(seconds=30)

    store.waiting(key, until)

    assert store.receipt(key).waiting_until == until
    assert store.threads_due() == [("C0TEAM", "c1")]
    receipt, _ = store.settle(key, SENT, was=[State.SENDING])
    assert receipt.waiting_until is None
    store.waiting(key, until)
    assert store.receipt(key).waiting_until is None


# -- reading ------------------------------------------------------------------------------------


def test_sends_come_newest_first_page_by_page(store: Store, claim: Callable[..., str], clock: Any) -> None:
    keys = []
    for number in range(7):
        keys.append(claim())
        clock.advance(number % 2)  # some at the same moment

    pages: list[list[str]] = []
    before = None
    while page := store.sends(limit=3, before=before):
        pages.append([receipt.key for receipt in page])
        before = page[-1].key

    assert [key for page in pages for key in page] == keys[::-1]
    assert [len(page) for page in pages] == [3, 3, 1]


def test_sends_are_found_by_state_and_supervisor(store: Store, claim: Callable[..., str]) -> None:
    mine, other, unknown = claim(), claim(supervisor="U0BOB"), claim()
    store.settle(unknown, Outcome(State.UNKNOWN), was=[State.PENDING])

    assert [r.key for r in store.sends(state=State.UNKNOWN)] == [unknown]
    assert [r.key for r in store.sends(supervisor="U0BOB")] == [other]
    assert [r.key for r in store.sends(State.PENDING, "U0ANN")] == [mine]
    with pytest.raises(NoSuchSend):
        store.sends(before="nothing")


def test_texts_lie_apart_so_that_the_record_outlives_them(
    store: Store, claim: Callable[..., str], sql: Callable[..., list[Any]]
) -> None:
    key = claim(values={"name": "Secret One"}, text="Secret Two {{name}}")
    store.begin(key, "Secret Three", sender_id="g1")
    store.settle(key, SENT, was=[State.SENDING], posts=[PostKind.REPLY, PostKind.DIRECT])

    tables = ("sends", "audit", "posts", "threads", "workers", "links", "drafts")
    kept = [str(row) for table in tables for row in sql(f"SELECT * FROM {table}")]
    sql("DELETE FROM texts")

    receipt = store.receipt(key)
    assert len(kept) >= 8
    assert not [row for row in kept if "Secret" in row]
    assert (receipt.text, receipt.request.text, receipt.request.values) == (None, None, {})
    assert receipt.state is State.SENT
    assert receipt.text_hash == hashlib.sha256(b"Secret Three").hexdigest()


# -- texts that a database cannot hold ----------------------------------------------------------

ODD = pytest.mark.parametrize("odd", ["a\x00b", "Grace \ud83d"], ids=["NUL", "half an emoji"])


@ODD
def test_any_text_can_be_begun_and_its_hash_is_that_of_what_is_kept(
    store: Store, claim: Callable[..., str], odd: str
) -> None:
    key = claim()

    assert store.begin(key, odd, sender_id="g1")
    kept = store.receipt(key)
    assert kept.text == odd.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")
    assert kept.text_hash == hashlib.sha256(kept.text.encode()).hexdigest()


@ODD
def test_any_reason_can_be_settled(store: Store, claim: Callable[..., str], odd: str) -> None:
    key = claim()

    receipt, moved = store.settle(key, Outcome(State.REFUSED, reason=odd), was=[State.PENDING])

    assert moved
    assert receipt.reason[0] == odd[0]


@ODD
def test_any_typed_text_and_value_can_be_claimed(
    store: Store, a_request: Callable[..., SendRequest], odd: str
) -> None:
    request = a_request(text=odd, values={"topic": odd})
    store.claim(request, **ROOM)

    assert store.receipt(request.key).state is State.PENDING


def test_what_was_sent_lately_is_known_by_its_response_the_newest_first(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    for response, outcome in (("a", SENT), ("b", SENT), ("c", Outcome(State.REFUSED)), ("a", SENT)):
        clock.advance(120)
        store.settle(claim(response=response), outcome, was=[State.PENDING])
    claim(response="d", supervisor="U0BOB")

    assert store.sent_lately("U0ANN") == ["a", "b"]
    assert store.sent_lately("U0NOBODY") == []


# -- for a later time -----------------------------------------------------------------------------


def test_what_is_scheduled_is_nobodys_until_its_time_and_is_told_in_the_thread_once(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    request = a_request(scheduled=True, not_before=clock() + timedelta(hours=1), corrects="k", edited=True)
    receipt = store.claim(request, **ROOM)
    store.claim(request, **ROOM)
    waiting = store.take_abandoned()
    [(post, _)] = store.posts_due("C0TEAM", "c1")
    early = store.begin(request.key, "Hello", sender_id="g1")
    clock.advance(3600)

    assert receipt == store.receipt(request.key)
    assert receipt.is_scheduled
    assert (post.kind, post.state) == (PostKind.REPLY, State.PENDING)
    assert waiting == []
    assert not early
    assert [due.key for due in store.take_abandoned()] == [request.key]
    assert store.begin(request.key, "Hello", sender_id="g1")


@pytest.mark.parametrize(
    ("first", "second", "asks"),
    [(60, 60, True), (60, 60.9, True), (60, 61, False), (60, 58, False), (60, 0, False), (0.5, 0, True)],
)
def test_the_same_response_is_repeated_if_both_arrive_within_a_minute(
    store: Store,
    a_request: Callable[..., SendRequest],
    clock: Any,
    first: float,
    second: float,
    asks: bool,
) -> None:
    def at(minutes: float) -> SendRequest:
        time = clock() + timedelta(minutes=minutes)
        return a_request(scheduled=True, not_before=time) if minutes else a_request()

    store.claim(at(first), **ROOM)

    if asks:
        with pytest.raises(Repeated):
            store.claim(at(second), **ROOM)
    else:
        store.claim(at(second), **ROOM)


def test_an_approval_is_asked_for_at_once_and_its_time_waited_for_then(
    store: Store, a_request: Callable[..., SendRequest], clock: Any
) -> None:
    time = clock() + timedelta(hours=1)
    request = a_request(scheduled=True, not_before=time, gate=Gate.APPROVAL)
    store.claim(request, **ROOM)
    asked = {"gate": Gate.APPROVAL, "group": "S0LEADS", "sender_id": "g1", "reason": ""}
    assert store.ask_approval(request.key, "Hello", until=clock() + timedelta(minutes=5), **asked)[1]
    approved, _ = store.approve(request.key, by="U0LEE", reason="")
    clock.advance(60)

    assert approved.is_scheduled
    assert not store.begin(request.key, "Hello", sender_id="g1")
    assert store.take_abandoned() == []
    clock.advance(3600)
    assert store.begin(request.key, "Hello", sender_id="g1")
