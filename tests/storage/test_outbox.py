from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, NullPool, create_engine, select, text

from bot.models import Outcome, PostKind, State, Thread
from bot.storage import Store
from bot.storage.engine import read_url
from bot.storage.schema import posts

TEAM = ("C0TEAM", "c1")
BOTH = (PostKind.REPLY, PostKind.DIRECT)


def _beside(url: str) -> Connection:
    """A connection behind the store's back; what is done on it is taken back when it closes."""
    return create_engine(read_url(url), poolclass=NullPool).connect()


@pytest.fixture
def settled(store: Store, claim: Callable[..., str]) -> Callable[..., str]:
    def make(state: State = State.SENT, reason: str = "", posts: Any = BOTH, **changes: Any) -> str:
        key = claim(**changes)
        store.settle(key, Outcome(state, reason), was=[State.PENDING], posts=posts)
        return key

    return make


def test_outcome_is_due_in_the_thread_and_to_the_supervisor_alone(
    store: Store, settled: Callable[..., str], clock: Any
) -> None:
    key = settled(State.UNKNOWN, "No answer came.")

    assert sorted(store.threads_due()) == [TEAM, ("U0ANN", "")]
    ((reply, receipt),) = store.posts_due(*TEAM)
    ((direct, _),) = store.posts_due("U0ANN", "")
    assert (reply.key, reply.kind, reply.state, reply.reason) == (
        key,
        PostKind.REPLY,
        State.UNKNOWN,
        "No answer came.",
    )
    assert (direct.kind, direct.channel, direct.conversation_id) == (PostKind.DIRECT, "U0ANN", "")
    assert (reply.created_at, reply.posting, reply.attempts) == (clock(), False, 0)
    assert receipt == store.receipt(key)


def test_claim_alone_says_nothing(store: Store, claim: Callable[..., str]) -> None:
    claim()

    assert store.threads_due() == []
    assert store.take_thread(*TEAM) is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_thread_can_be_taken_while_something_more_for_it_is_written_down(
    store: Store, database_url: str, settled: Callable[..., str]
) -> None:
    settled()
    with _beside(database_url) as other:  # a settle that has not committed yet
        a_post = select(*(each for each in posts.c if each.name != "id")).limit(1)
        other.execute(posts.insert().from_select([each.name for each in a_post.selected_columns], a_post))
        taken = store.take_thread(*TEAM)

    assert taken is not None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nothing_waits_for_whoever_holds_a_persons_thread(
    store: Store, database_url: str, settled: Callable[..., str]
) -> None:
    settled()
    with _beside(database_url) as other:
        other.execute(text("SELECT 1 FROM threads WHERE conversation_id = '' FOR NO KEY UPDATE"))
        key = settled(conversation_id="c2")

    assert store.receipt(key).state is State.SENT


def test_thread_is_worked_on_by_one_at_a_time(
    open_store: Callable[..., Store], settled: Callable[..., str], clock: Any,
    at_once: Callable[..., list[Any]],
) -> None:  # fmt: skip
    one, two = open_store("one"), open_store("two")
    settled()
    for _ in range(10):
        taken = at_once(lambda: one.take_thread(*TEAM), lambda: two.take_thread(*TEAM))

        assert sorted(map(bool, taken)) == [False, True]
        assert TEAM not in one.threads_due()
        holder, other = (one, two) if taken[0] else (two, one)
        other.leave_thread(*TEAM)  # not its own
        assert other.take_thread(*TEAM) is None
        assert holder.take_thread(*TEAM) is None
        holder.leave_thread(*TEAM)


def test_thread_of_a_dead_worker_is_due_again(
    open_store: Callable[..., Store], settled: Callable[..., str], clock: Any
) -> None:
    settled()
    open_store("dead").take_thread(*TEAM)
    two = open_store("two")
    assert two.take_thread(*TEAM) is None
    clock.advance(16)

    assert TEAM in two.threads_due()
    assert two.take_thread(*TEAM) == Thread(*TEAM, ts=None, card_due=True)


def test_posts_come_in_order_and_once(store: Store, settled: Callable[..., str]) -> None:
    first, second = settled(posts=[PostKind.REPLY]), settled(posts=[PostKind.REPLY])
    (one, _), (two, _) = store.posts_due(*TEAM)

    store.posting(one.id)
    ((again, _), _) = store.posts_due(*TEAM)
    store.posted(one.id, "1700.1")

    assert (one.key, two.key) == (first, second)
    assert (again.posting, again.attempts) == (True, 1)
    assert [post.key for post, _ in store.posts_due(*TEAM)] == [second]


def test_post_that_must_wait_holds_up_those_behind_it(
    store: Store, settled: Callable[..., str], clock: Any
) -> None:
    settled(posts=[PostKind.REPLY])
    settled(posts=[PostKind.REPLY])
    (first, _), (second, _) = store.posts_due(*TEAM)
    _card_is_shown(store)

    store.posting(first.id)
    store.post_later(first.id, clock() + timedelta(seconds=30))

    assert store.posts_due(*TEAM) == []
    assert store.threads_due() == []
    clock.advance(30)
    assert store.threads_due() == [TEAM]
    assert [post.id for post, _ in store.posts_due(*TEAM)] == [first.id, second.id]
    assert not store.posts_due(*TEAM)[0][0].posting


def test_post_behind_one_that_must_wait_is_not_said_first(
    store: Store, settled: Callable[..., str], clock: Any
) -> None:
    settled(posts=[PostKind.REPLY])
    settled(posts=[PostKind.REPLY])
    (first, _), (second, _) = store.posts_due(*TEAM)

    store.post_later(second.id, clock() + timedelta(seconds=30))

    assert [post.id for post, _ in store.posts_due(*TEAM)] == [first.id]


def test_post_whose_answer_was_lost_stays_marked_over_the_wait(
    store: Store, settled: Callable[..., str], clock: Any
) -> None:
    settled(posts=[PostKind.REPLY])
    ((post, _),) = store.posts_due(*TEAM)
    store.posting(post.id)

    store.post_later(post.id, clock(), perhaps_posted=True)

    assert store.posts_due(*TEAM)[0][0].posting


def test_post_that_slack_will_never_take_lets_the_next_through(
    store: Store, settled: Callable[..., str]
) -> None:
    settled(posts=[PostKind.REPLY])
    second = settled(posts=[PostKind.REPLY])

    store.post_failed(store.posts_due(*TEAM)[0][0].id, "is_archived")

    assert [post.key for post, _ in store.posts_due(*TEAM)] == [second]


def test_thread_with_everything_said_and_shown_is_not_due(store: Store, settled: Callable[..., str]) -> None:
    settled(posts=[PostKind.REPLY])
    store.posted(store.posts_due(*TEAM)[0][0].id, "1700.2")
    assert store.threads_due() == [TEAM]

    _card_is_shown(store)

    assert store.threads_due() == []


def test_card_is_marked_before_it_is_posted_and_kept_after(store: Store, settled: Callable[..., str]) -> None:
    settled(posts=[])

    store.carding(*TEAM)
    assert _thread(store) == Thread(*TEAM, ts=None, carding=True, card_due=True)
    store.carded(*TEAM, "1700.1")
    assert _thread(store) == Thread(*TEAM, ts="1700.1", card_due=True)
    store.card_shown(_thread(store))
    assert store.take_thread(*TEAM) is None
    store.card_lost(*TEAM)
    assert _thread(store) == Thread(*TEAM, ts=None, card_due=True)


def test_card_that_slack_does_not_take_now_is_due_later(
    store: Store, settled: Callable[..., str], clock: Any
) -> None:
    settled(posts=[])
    store.carding(*TEAM)

    store.card_later(*TEAM, clock() + timedelta(seconds=30), perhaps_posted=True)

    assert store.threads_due() == []
    clock.advance(30)
    assert store.threads_due() == [TEAM]
    assert _thread(store).carding
    store.card_later(*TEAM, clock())
    assert not _thread(store).carding


def test_card_stays_due_when_its_send_changed_meanwhile(
    store: Store, settled: Callable[..., str], clock: Any
) -> None:
    key = settled(State.UNKNOWN, posts=[])
    shown = _thread(store)
    store.settle(key, Outcome(State.SENT), was=[State.UNKNOWN])

    store.card_shown(shown)

    assert store.threads_due() == [TEAM]


def test_card_is_due_again_after_the_next_outcome(store: Store, settled: Callable[..., str]) -> None:
    settled(posts=[])
    _card_is_shown(store)

    settled(posts=[])

    assert store.threads_due() == [TEAM]


def test_card_shows_what_changed_last_and_history_the_newest_first(
    store: Store, settled: Callable[..., str], claim: Callable[..., str], clock: Any
) -> None:
    first = claim()
    clock.advance(1)
    second = settled(posts=[])
    clock.advance(1)
    store.settle(first, Outcome(State.REFUSED), was=[State.PENDING])
    claim(conversation_id="c2")
    claim(channel="C0OTHER")

    standing = store.standing(*TEAM)

    assert standing is not None
    assert standing.latest is not None
    assert standing.latest.key == first
    assert [receipt.key for receipt in store.history(*TEAM)] == [second, first]
    assert [receipt.key for receipt in store.history(*TEAM, limit=1)] == [second]
    assert store.standing("C0TEAM", "nothing") is None


def test_thread_touched_longest_ago_goes_first(store: Store, settled: Callable[..., str], clock: Any) -> None:
    for conversation_id in ("c3", "c1", "c2"):
        settled(posts=[], conversation_id=conversation_id)
        clock.advance(1)

    assert store.threads_due() == [("C0TEAM", "c3"), ("C0TEAM", "c1"), ("C0TEAM", "c2")]
    assert store.threads_due(limit=1) == [("C0TEAM", "c3")]


def _thread(store: Store) -> Thread:
    thread = store.take_thread(*TEAM)
    assert thread is not None
    store.leave_thread(*TEAM)
    return thread


def _card_is_shown(store: Store) -> None:
    store.carded(*TEAM, "1700.1")
    store.card_shown(_thread(store))


def test_a_button_counts_only_in_a_message_about_its_send(store: Store, claim: Callable[..., str]) -> None:
    key, other = claim(), claim()
    store.settle(key, Outcome(State.REFUSED), was=(State.PENDING,), posts=(PostKind.REPLY, PostKind.DIRECT))
    [(reply, _)] = store.posts_due("C0TEAM", "c1")
    store.posted(reply.id, "1.2")

    assert store.is_told(key, "1.2", places=("C0TEAM", "U0ANN"))
    assert not store.is_told(key, "1.3", places=("C0TEAM", "U0ANN"))
    assert not store.is_told(key, "1.2", places=("C0OTHER",))
    assert not store.is_told(other, "1.2", places=("C0TEAM",))


def test_whoever_was_given_up_for_dead_says_nothing_more(
    open_store: Callable[..., Store], settled: Callable[..., str], clock: Any
) -> None:
    one, two = open_store("one"), open_store("two")
    settled()
    one.take_thread(*TEAM)
    [(post, _)] = one.posts_due(*TEAM)
    clock.advance(16)

    two.take_thread(*TEAM)
    assert not one.carding(*TEAM)
    assert not one.posting(post.id)
    assert two.carding(*TEAM)
    assert two.posting(post.id)
    two.carded(*TEAM, "1.1")
    two.posted(post.id, "1.2")
    two.leave_thread(*TEAM)
    assert not one.carding(*TEAM)
    assert not one.posting(post.id)
