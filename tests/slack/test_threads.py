"""What was written down about sends, said in a simulated Slack: in order, once, whatever goes wrong."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.canned.catalog import Catalog, read
from bot.canned.lanes import Lane
from bot.models import Outcome, PostKind, Receipt, SendAs, SendRequest, State
from bot.sandbox.slack import SimulatedSlack
from bot.sandbox.slack_said import Message
from bot.slack.client import posting_client
from bot.slack.threads import Threads
from bot.storage import Store
from tests.clocks import Clock

POST = "POST /api/chat.postMessage"
UPDATE = "POST /api/chat.update"
CHAT = "a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890"
TEXT = "Thank you for your patience."

CATALOG = """
responses:
  escalation: {title: Escalated to a specialist, text: Thank you for your patience.}
teams:
  - {name: Support, channel: C0SUPPORT, supervisors: [U0ANN]}
  - {name: Titles, channel: C0TITLES, supervisors: [U0ANN], show: title}
  - {name: Quiet, channel: C0QUIET, supervisors: [U0ANN], show: nothing}
"""


class Bench:
    """A database, a workspace, and Threads between them; `settle` writes down a send and how it ended."""

    def __init__(self, folder: Path, slack: SimulatedSlack, clock: Clock) -> None:
        self.url = f"sqlite:///{folder / 'canned.db'}"
        self.slack = slack
        self.clock = clock
        self.catalog: Catalog = read(CATALOG)
        self.lane = Lane("posts", 4)
        self.refused: list[tuple[str, str]] = []
        self.stores: list[Store] = []
        self._count = 0
        self.store, self.threads = self.worker("one")
        self.store.upgrade()

    def worker(self, name: str) -> tuple[Store, Threads]:
        """One more process on the same database."""
        store = Store(self.url, now=self.clock, worker=name)
        client = posting_client(self.slack.bot_token, f"{self.slack.url}/api/", None)
        threads = Threads(
            store,
            self.lane,
            posting=client,
            reading=client,
            bot_id="B0CANNED",
            catalog=lambda: self.catalog,
            name=lambda user: "Ann Lee" if user == "U0ANN" else "",
            page=lambda conversation: f"https://apps.example/{conversation}",
            unpostable=lambda channel, reason: self.refused.append((channel, reason)),
            now=self.clock,
        )
        self.stores.append(store)
        return store, threads

    def close(self) -> None:
        self.lane.close(5)
        for store in self.stores:
            store.close()

    def settle(
        self,
        state: State = State.SENT,
        *,
        reason: str = "",
        chat: str = CHAT,
        channel: str = "C0SUPPORT",
        team: str = "Support",
        text: str = TEXT,
        posts: tuple[PostKind, ...] = (PostKind.REPLY,),
    ) -> Receipt:
        self._count += 1
        self.clock.advance(milliseconds=1)  # so that what changed last is known
        request = SendRequest(
            key=f"send-{self._count:03}",
            team=team,
            channel=channel,
            supervisor="U0ANN",
            conversation_id=chat,
            response="escalation",
            send_as=SendAs.SELF,
            requested_at=self.clock(),
        )
        self.store.claim(request, asks_after=None, per_minute=10_000, per_conversation=10_000)
        self.store.begin(request.key, text, sender_id="ann")
        outcome = Outcome(state, reason=reason)
        return self.store.settle(request.key, outcome, was=[State.SENDING], posts=posts)[0]

    def publish(self, chat: str = CHAT, channel: str = "C0SUPPORT") -> float | None:
        return self.threads.publish(channel, chat)

    def publish_until_done(self, chat: str = CHAT, channel: str = "C0SUPPORT") -> int:
        """Passes until nothing is left, the clock moving on as each of them asks; how many it took."""
        for number in range(1, 100):
            wait = self.publish(chat, channel)
            if wait is None:
                return number
            self.clock.advance(seconds=wait)
        raise AssertionError("it never ends")

    def cards(self, channel: str = "C0SUPPORT") -> list[Message]:
        return self.slack.messages(channel)

    def replies(self, channel: str = "C0SUPPORT") -> list[Message]:
        return [reply for card in self.cards(channel) for reply in self.slack.thread(channel, card.ts)]

    def said_of(self) -> list[str]:
        """The keys of the sends that the replies are about, in their order."""
        return [reply.metadata["event_payload"]["send_id"] for reply in self.replies() if reply.metadata]

    def posts(self) -> int:
        return len(self.slack.seen(POST))


@pytest.fixture
def slack(clock: Clock) -> Iterator[SimulatedSlack]:
    with SimulatedSlack.demo(now=clock) as slack:
        slack.add_channel("titles", ["U0ANN"], channel_id="C0TITLES")
        slack.add_channel("quiet", ["U0ANN"], channel_id="C0QUIET")
        yield slack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(tmp_path: Path, slack: SimulatedSlack, clock: Clock) -> Iterator[Bench]:
    bench = Bench(tmp_path, slack, clock)
    yield bench
    bench.close()


# -- in order, in one thread -----------------------------------------------------------------


def test_outcome_is_a_reply_below_the_conversations_card(bench: Bench) -> None:
    sent = bench.settle()

    assert bench.publish() is None

    (card,) = bench.cards()
    (reply,) = bench.replies()
    assert CHAT in card.said
    assert "Sent" in card.said
    assert "Sent" in reply.said
    assert "Ann Lee" in reply.said
    assert TEXT in reply.said
    assert reply.metadata == {
        "event_type": "canned_audit",
        "event_payload": {
            "send_id": sent.key,
            "seq": 1,
            "hash": sent.text_hash,
            "record": bench.store.audit(sent.key)[-1].mac,
        },
    }
    assert bench.store.threads_due() == []


def test_links_in_posts_do_not_unfurl(bench: Bench) -> None:
    bench.settle()
    bench.publish()

    for request in bench.slack.seen(POST):
        assert (request.json["unfurl_links"], request.json["unfurl_media"]) == (False, False)


def test_every_send_of_a_conversation_is_a_reply_below_the_same_card(bench: Bench) -> None:
    first = bench.settle()
    bench.publish()
    second, third = bench.settle(State.REFUSED, reason="It ended."), bench.settle(State.UNKNOWN)
    bench.publish()

    assert bench.said_of() == [first.key, second.key, third.key]
    (card,) = bench.cards()
    assert "Unknown" in card.said


def test_card_is_updated_once_for_everything_that_changed_meanwhile(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    for _ in range(5):
        bench.settle()
    bench.publish()

    assert len(bench.slack.seen(UPDATE)) == 1
    assert bench.store.threads_due() == []


def test_conversations_and_channels_have_cards_of_their_own(bench: Bench) -> None:
    bench.settle(chat="chat-1")
    bench.settle(chat="chat-2")
    bench.settle(chat="chat-1", channel="C0TITLES", team="Titles")
    bench.threads.sweep()

    assert bench.lane.wait_idle(10)
    assert sorted(card.said.split()[1] for card in bench.cards()) == ["chat-1", "chat-2"]
    assert len(bench.cards("C0TITLES")) == 1


@pytest.mark.parametrize(
    ("team", "channel", "text_shown", "title_shown"),
    [
        ("Support", "C0SUPPORT", True, True),
        ("Titles", "C0TITLES", False, True),
        ("Quiet", "C0QUIET", False, False),
        ("Gone", "C0SUPPORT", False, False),
    ],
)
def test_thread_shows_what_the_team_wants_shown(
    bench: Bench, team: str, channel: str, text_shown: bool, title_shown: bool
) -> None:
    bench.settle(team=team, channel=channel, text="the exact words")
    bench.publish(channel=channel)

    said = "\n".join(message.said for message in bench.cards(channel) + bench.replies(channel))
    assert ("the exact words" in said) is text_shown
    assert ("Escalated to a specialist" in said) is title_shown


def test_what_a_text_says_calls_nobody(bench: Bench) -> None:
    bench.settle(State.REFUSED, text="<!channel> *now* <@U0BOB>", reason="<!here> has left.")
    bench.publish()

    (reply,) = bench.replies()
    assert "<!channel> *now* <@U0BOB>" in reply.said
    assert "<!here> has left." in reply.said
    assert "<!here>" not in reply.text


def test_waiting_send_shows_on_the_card_before_there_is_a_reply(bench: Bench) -> None:
    bench.settle(State.PENDING, posts=())
    bench.publish()

    (card,) = bench.cards()
    assert "Waiting" in card.said
    assert bench.replies() == []


def test_not_sent_is_told_to_the_supervisor_alone_too(bench: Bench) -> None:
    bench.settle(State.REFUSED, reason="The chat has ended.", posts=(PostKind.REPLY, PostKind.DIRECT))
    bench.publish()
    bench.publish("", "U0ANN")

    (told,) = bench.slack.direct_messages("ann")
    assert "Not sent" in told.said
    assert "The chat has ended." in told.said
    assert len(bench.replies()) == 1


def test_unknown_mentions_the_supervisor_and_sent_does_not(bench: Bench) -> None:
    bench.settle(State.SENT)
    bench.settle(State.UNKNOWN)
    bench.publish()

    sent, unknown = bench.replies()
    assert "<@U0ANN>" not in sent.text
    assert "<@U0ANN>" in unknown.text


# -- once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost_after", "lost_before", "broken_json", "cut_body", "status"])
@pytest.mark.parametrize("which", ["card", "reply"])
def test_post_whose_answer_was_lost_is_looked_for_and_never_repeated(
    bench: Bench, kind: Any, which: str
) -> None:
    if which == "reply":
        bench.settle()
        bench.publish()
    sent = bench.settle()
    bench.slack.fault(POST, kind)

    assert bench.publish_until_done() == 2

    assert len(bench.cards()) == 1
    assert bench.said_of().count(sent.key) == 1


@pytest.mark.parametrize("kind", ["lost_after", "lost_before"])
def test_direct_message_whose_answer_was_lost_is_not_repeated(bench: Bench, kind: Any) -> None:
    bench.settle(State.UNKNOWN, posts=(PostKind.DIRECT,))
    bench.slack.fault(POST, kind)

    assert bench.publish_until_done("", "U0ANN") == 2

    assert len(bench.slack.direct_messages("ann")) == 1


def test_lost_post_is_found_behind_many_others(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    sent = bench.settle()
    bench.slack.fault(POST, "lost_after")
    bench.publish()
    (card,) = bench.cards()
    raw = bench.slack.channels["C0SUPPORT"].posts
    for number in range(450):
        early = bench.slack.message(bench.slack.channels["C0SUPPORT"], "U0LEE", {"text": str(number)})
        raw.insert(1, early | {"thread_ts": card.ts})

    bench.clock.advance(seconds=5)
    assert bench.publish() is None

    assert bench.said_of().count(sent.key) == 1


def test_process_that_died_while_posting_is_taken_up_without_repeating(bench: Bench) -> None:
    sent = bench.settle()
    hold = bench.slack.hold(POST, worked=True)
    dying = threading.Thread(target=bench.publish)
    dying.start()
    assert hold.worked.wait(10)  # the card is in Slack, and the process has not heard of it

    bench.clock.advance(minutes=1)
    _, other = bench.worker("two")
    assert other.publish("C0SUPPORT", CHAT) is None

    assert len(bench.cards()) == 1
    assert bench.said_of() == [sent.key]
    hold.release()
    dying.join()


@pytest.mark.parametrize("was_posted", [True, False])
def test_post_left_open_by_a_crash_is_looked_for_first(bench: Bench, was_posted: bool) -> None:
    bench.settle()
    bench.publish()
    sent = bench.settle()
    ((post, _),) = bench.store.posts_due("C0SUPPORT", CHAT)
    bench.store.posting(post.id)
    (card,) = bench.cards()
    if was_posted:
        _as_the_bot(bench, card, {"send_id": sent.key, "seq": post.id})

    assert bench.publish() is None

    assert bench.said_of().count(sent.key) == 1
    assert len(bench.slack.seen("POST /api/conversations.replies")) == 1


def test_somebody_elses_message_with_our_metadata_is_not_taken_for_ours(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    sent = bench.settle()
    ((post, _),) = bench.store.posts_due("C0SUPPORT", CHAT)
    bench.store.posting(post.id)
    (card,) = bench.cards()
    _as_the_bot(bench, card, {"send_id": sent.key, "seq": post.id}, bot_id="B0OTHER")

    bench.publish()

    assert bench.said_of().count(sent.key) == 2


def test_look_that_gets_no_answer_posts_nothing(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    bench.settle()
    bench.slack.fault(POST, "lost_after")
    bench.slack.fault("POST /api/conversations.replies", "lost_before", times=3)
    before = bench.posts()

    assert bench.publish_until_done() == 5

    assert bench.posts() == before + 1
    assert len(bench.replies()) == 2


def test_two_workers_at_once_say_it_once(bench: Bench) -> None:
    for _ in range(5):
        bench.settle()
    _, other = bench.worker("two")
    hold = bench.slack.hold(POST)
    first = threading.Thread(target=bench.publish)
    first.start()
    assert hold.arrived.wait(10)

    assert other.publish("C0SUPPORT", CHAT) is None
    hold.release()
    first.join()

    assert len(bench.cards()) == 1
    assert len(bench.replies()) == 5


# -- later -----------------------------------------------------------------------------------


def test_429_is_waited_for_and_keeps_the_order(bench: Bench) -> None:
    first, second = bench.settle(), bench.settle()
    bench.slack.fault(POST, "delay")  # the card
    bench.slack.fault(POST, "429", retry_after=7)

    assert bench.publish() == 7
    bench.clock.advance(seconds=6)
    bench.publish()
    assert bench.said_of() == []

    bench.clock.advance(seconds=1)
    bench.publish_until_done()
    assert bench.said_of() == [first.key, second.key]


def test_429_on_a_channel_holds_up_the_other_threads_there(bench: Bench) -> None:
    bench.settle(chat="chat-1")
    bench.settle(chat="chat-2")
    bench.slack.fault(POST, "429", retry_after=7)

    assert bench.publish("chat-1") == 7
    assert bench.publish("chat-2") == 7
    assert bench.posts() == 1

    bench.clock.advance(seconds=7)
    assert bench.publish("chat-1") is not None  # one post a second from here on
    assert bench.posts() == 2


def test_slack_that_was_down_gets_everything_in_order_when_it_is_back(bench: Bench) -> None:
    sends = [bench.settle() for _ in range(3)]
    bench.slack.stop()
    for _ in range(3):
        assert bench.publish() == 5.0
        bench.clock.advance(seconds=5)

    bench.slack.start()
    bench.publish_until_done()

    assert bench.said_of() == [send.key for send in sends]
    assert len(bench.cards()) == 1


def test_an_hour_without_slack_loses_nothing_and_floods_nothing_afterwards(bench: Bench) -> None:
    chats = [f"chat-{number}" for number in range(4)]
    sends: dict[str, list[str]] = {chat: [] for chat in chats}
    bench.slack.posts_per_second = 1  # Slack's own bucket: a post too many is refused
    bench.slack.stop()
    for _ in range(15):
        for chat in chats:
            sends[chat].append(bench.settle(chat=chat).key)
            assert bench.publish(chat) == 5.0
        bench.clock.advance(minutes=4)

    bench.slack.start()
    back, before = bench.clock(), bench.posts()
    while waits := [wait for chat in chats if (wait := bench.publish(chat)) is not None]:
        bench.clock.advance(seconds=min(waits))

    there = [message for card in bench.cards() for message in bench.slack.thread("C0SUPPORT", card.ts)]
    assert len(bench.cards()) == len(chats)
    said = bench.said_of()
    assert [[key for key in said if key in sends[chat]] for chat in chats] == list(sends.values())
    assert bench.posts() - before == len(bench.cards()) + len(there)  # none was refused, none said twice
    assert bench.clock() - back >= timedelta(seconds=len(bench.cards()) + len(there) - 20)


@pytest.mark.parametrize("when", ["card", "reply"])
def test_refused_token_loses_nothing(bench: Bench, when: str) -> None:
    if when == "reply":
        bench.settle()
        bench.publish()
    sent = bench.settle()
    token, bench.slack.bot_token = bench.slack.bot_token, "xoxb-another"

    assert bench.publish() == 60.0

    bench.slack.bot_token = token
    bench.clock.advance(seconds=60)
    assert bench.publish() is None
    assert bench.said_of()[-1:] == [sent.key]
    assert bench.refused == []


def test_twenty_posts_leave_at_once_and_then_one_a_second(bench: Bench) -> None:
    for _ in range(25):
        bench.settle()

    wait = bench.publish()
    assert bench.posts() == 20

    assert wait is not None
    bench.clock.advance(seconds=wait)
    bench.publish()
    assert bench.posts() == 21

    bench.settle(channel="C0TITLES", team="Titles")
    assert bench.publish(channel="C0TITLES") is None


def test_cards_are_updated_fifty_times_a_minute_at_most(bench: Bench) -> None:
    chats = [f"chat-{number}" for number in range(3)]
    for chat in chats:
        bench.settle(State.PENDING, chat=chat, posts=())
        bench.publish(chat)
    before = len(bench.slack.seen(UPDATE))
    ends = bench.clock() + timedelta(minutes=1)
    while bench.clock() < ends:
        for chat in chats:
            bench.settle(State.PENDING, chat=chat, posts=())
            bench.publish(chat)
        bench.clock.advance(seconds=2)

    assert 40 <= len(bench.slack.seen(UPDATE)) - before <= 50

    bench.clock.advance(minutes=1)
    for chat in chats:
        bench.publish_until_done(chat)
    assert bench.store.threads_due() == []


# -- never -----------------------------------------------------------------------------------


def test_post_that_slack_will_never_take_is_given_up_and_told(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.settle()
    bench.publish()
    bench.settle(text="secret words")
    bench.slack.deletes(bench.cards()[0])
    bench.slack.deleted_parent = "invalid_blocks"

    with caplog.at_level(logging.ERROR, logger="bot"):
        assert bench.publish() is None

    assert ("C0SUPPORT", "invalid_blocks") in bench.refused
    assert bench.store.threads_due() == []
    assert "send-002" in caplog.text
    assert "secret words" not in caplog.text


def test_somebody_who_left_slack_holds_up_nobody(bench: Bench) -> None:
    bench.settle(State.UNKNOWN, posts=(PostKind.DIRECT,))
    bench.slack.people["U0ANN"].deleted = True

    assert bench.publish("", "U0ANN") is None

    assert bench.refused == [("U0ANN", "user_disabled")]
    assert bench.store.threads_due() == [("C0SUPPORT", CHAT)]


# -- once the channel is mended ----------------------------------------------------------------


SHUT = ["is_archived", "not_in_channel", "channel_not_found"]


@pytest.mark.parametrize("fault", SHUT)
@pytest.mark.parametrize("began", [True, False])
def test_channel_that_was_mended_gets_everything_in_its_order(bench: Bench, fault: str, began: bool) -> None:
    first = [bench.settle()] if began else []
    bench.publish()
    sends = [bench.settle(), bench.settle()]
    _break(bench.slack, fault)
    assert bench.publish() is None
    sends.append(bench.settle())
    assert bench.publish() is None

    _mend(bench.slack)
    bench.clock.advance(minutes=5)
    bench.publish_until_done()

    assert bench.said_of() == [send.key for send in first + sends]
    assert len(bench.cards()) == 1
    assert bench.store.threads_due() == []


@pytest.mark.parametrize("fault", SHUT)
def test_shut_channel_is_told_of_once_each_time_and_asked_every_few_minutes(bench: Bench, fault: str) -> None:
    for _ in range(2):
        bench.settle()
        _break(bench.slack, fault)
        for _ in range(3):
            bench.publish()
            assert bench.store.threads_due() == []
            bench.clock.advance(minutes=5)
            assert bench.store.threads_due() == [("C0SUPPORT", CHAT)]
        _mend(bench.slack)
        bench.publish_until_done()

    assert bench.refused == [("C0SUPPORT", fault)] * 2


def test_lost_post_in_a_channel_shut_since_is_looked_for_and_not_repeated(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    sent = bench.settle()
    bench.slack.fault(POST, "lost_after")
    bench.publish()
    _break(bench.slack, "channel_not_found")
    bench.clock.advance(seconds=5)
    assert bench.publish() is None

    _mend(bench.slack)
    bench.clock.advance(minutes=5)
    bench.publish_until_done()

    assert bench.said_of().count(sent.key) == 1


# -- deleted cards ---------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["thread_not_found", "message_not_found", "cannot_reply_to_message"])
def test_deleted_card_gets_a_successor_with_the_reply_below_it(bench: Bench, word: str) -> None:
    bench.settle()
    bench.publish()
    bench.slack.deleted_parent = word
    bench.slack.deletes(bench.cards()[0])
    sent, next_one = bench.settle(), bench.settle()

    assert bench.publish() is None

    (card,) = bench.cards()
    assert [reply.thread_ts for reply in bench.replies()] == [card.ts, card.ts]
    assert bench.said_of() == [sent.key, next_one.key]
    assert bench.refused == []


def test_deleted_card_that_is_only_to_be_updated_gets_a_successor(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    bench.slack.deletes(bench.cards()[0])
    bench.settle(State.PENDING, posts=())

    assert bench.publish() is None

    (card,) = bench.cards()
    assert "Waiting" in card.said


def test_lost_reply_below_a_card_deleted_since_is_said_below_the_new_one(bench: Bench) -> None:
    bench.settle()
    bench.publish()
    sent = bench.settle()
    bench.slack.fault(POST, "lost_before")
    bench.publish()
    bench.slack.deletes(bench.cards()[0])

    bench.clock.advance(seconds=5)
    assert bench.publish() is None

    assert bench.said_of() == [sent.key]


# -- on the lane -----------------------------------------------------------------------------


def test_what_comes_up_while_a_thread_is_published_is_said_too(bench: Bench) -> None:
    first = bench.settle()
    hold = bench.slack.hold(POST)
    bench.threads.publish_soon("C0SUPPORT", CHAT)
    assert hold.arrived.wait(10)
    second = bench.settle()
    bench.threads.publish_soon("C0SUPPORT", CHAT)
    bench.threads.publish_soon("C0SUPPORT", CHAT)
    hold.release()

    assert bench.lane.wait_idle(10)
    assert bench.said_of() == [first.key, second.key]


def test_many_calls_for_one_thread_are_one_job(bench: Bench) -> None:
    bench.settle()
    hold = bench.slack.hold(POST)
    for _ in range(50):
        bench.threads.publish_soon("C0SUPPORT", CHAT)
    assert hold.arrived.wait(10)

    assert bench.lane.depth <= 2
    hold.release()
    assert bench.lane.wait_idle(10)


def test_sweep_says_what_a_stopped_process_left(bench: Bench) -> None:
    sent = bench.settle()
    bench.store.take_thread("C0SUPPORT", CHAT)  # and never leaves it
    _, other = bench.worker("two")
    other.sweep()
    assert bench.lane.wait_idle(10)
    assert bench.replies() == []

    bench.clock.advance(minutes=1)
    other.sweep()
    assert bench.lane.wait_idle(10)
    assert bench.said_of() == [sent.key]


def _as_the_bot(bench: Bench, card: Message, payload: dict[str, object], **more: str) -> None:
    channel = bench.slack.channels[card.channel]
    metadata = {"event_type": "canned_audit", "event_payload": payload}
    raw = bench.slack.message(
        channel, bench.slack.bot.id, {"text": "already here", "metadata": metadata, "thread_ts": card.ts}
    )
    channel.posts.append(raw | more)


def _break(slack: SimulatedSlack, fault: str) -> None:
    channel = slack.channels["C0SUPPORT"]
    if fault == "is_archived":
        channel.is_archived = True
    else:
        channel.members.discard(slack.bot.id)
        channel.is_private = fault == "channel_not_found"


def _mend(slack: SimulatedSlack) -> None:
    channel = slack.channels["C0SUPPORT"]
    channel.is_archived = channel.is_private = False
    channel.members.add(slack.bot.id)


@pytest.mark.parametrize("card_there", [False, True])
def test_what_a_process_says_that_was_given_up_for_dead_is_taken_back(
    bench: Bench, slack: SimulatedSlack, clock: Clock, card_there: bool
) -> None:
    if card_there:
        bench.settle()
        bench.threads.publish("C0SUPPORT", CHAT)
    bench.settle()
    _, others = bench.worker("two")
    before = slack.hold(POST)
    late = threading.Thread(target=bench.threads.publish, args=("C0SUPPORT", CHAT))
    late.start()
    assert before.arrived.wait(10)

    clock.advance(seconds=16)
    others.publish("C0SUPPORT", CHAT)
    before.release()
    late.join(10)

    [card] = slack.messages("C0SUPPORT")
    assert len(slack.thread("C0SUPPORT", card.ts)) == 1 + card_there
