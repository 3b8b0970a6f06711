from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.canned.catalog import Response
from bot.canned.errors import Changed, TextRefused
from bot.canned.guards import require_as_seen, require_open, seen_in
from bot.canned.responses import Source
from bot.genesys import Communication, Conversation, MessageMark, Participant

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ANN, BOB, CY = "ann", "bob", "cy"
HELLO = MessageMark("m1", NOW - timedelta(minutes=5), "received", kind="Text")
AGAIN = MessageMark("m2", NOW - timedelta(minutes=1), "received", kind="Text")
JOINED = MessageMark("m3", NOW, "received", kind="Event")
TEXT = Response("escalation", "Escalated", "Thank you.")


def chat(*marks: MessageMark, channel: str = "webmessaging") -> Conversation:
    """Grace wrote `marks`, then came through Support to Bob; Ann, who asks, is in it too."""
    lines = (Communication("l", "message", "connected", channel, messages=marks),)
    places = (
        Participant("p1", purpose="customer", name="Grace", communications=lines),
        Participant("p2", purpose="acd", live=False, queue="Support", queue_id="q1"),
        Participant("p3", BOB, "agent", "Bob Ray", queue="Support", queue_id="q1"),
        Participant("p4", ANN, "agent", "Ann Lee"),
    )
    return Conversation("c1", "message", True, places, since=NOW - timedelta(days=3))


def joined(it: Conversation, place: Participant) -> Conversation:
    return replace(it, participants=(*it.participants, place))


def without(it: Conversation, user: str) -> Conversation:
    return replace(it, participants=tuple(one for one in it.participants if one.user_id != user))


SEEN = seen_in(chat(HELLO), ANN)


def test_what_counts_is_the_last_message_of_the_customer_the_other_agent_and_the_queue() -> None:
    assert SEEN == {"message": "m1", "agent": BOB, "queue": "q1"}
    assert seen_in(Conversation("c1", "chat", True), ANN) == {"message": "", "agent": "", "queue": ""}


def test_by_name_a_queue_counts_where_it_has_no_id() -> None:
    place = Participant("p1", purpose="acd", queue="Support")

    assert seen_in(Conversation("c1", "chat", True, (place,)), ANN)["queue"] == "Support"


@pytest.mark.parametrize(
    "now",
    [
        chat(HELLO),
        chat(HELLO, JOINED),
        chat(replace(HELLO, at=NOW - timedelta(hours=1)), HELLO),
        without(chat(HELLO), ANN),
        joined(chat(HELLO), Participant("p5", CY, "user", "Cy Roe")),
        joined(without(chat(HELLO), BOB), Participant("p6", BOB, "agent", "Bob Ray", queue_id="q1")),
    ],
    ids=["nothing", "connected", "listed again", "I have left", "somebody watches", "reconnected"],
)
def test_what_is_no_news_is_not_asked_about(now: Conversation) -> None:
    require_as_seen(SEEN, now, ANN)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (chat(HELLO, AGAIN), "The customer wrote meanwhile, so"),
        (chat(AGAIN), "The customer wrote meanwhile, so"),
        (without(chat(HELLO), BOB), "The agent has left, so"),
        (
            joined(chat(HELLO), Participant("p5", CY, "agent", "Cy Roe", queue_id="q1")),
            "Cy Roe is the agent now, so",
        ),
        (
            joined(chat(HELLO, AGAIN), Participant("p5", CY, "agent", queue="Billing", queue_id="q2")),
            "The customer wrote meanwhile, another agent is the agent now and it is in the queue Billing now",
        ),
    ],
    ids=["wrote", "another message", "left", "handed over", "all at once"],
)
def test_what_has_changed_is_said_and_seen_from_then_on(now: Conversation, sentence: str) -> None:
    with pytest.raises(Changed, match=sentence) as asked:
        require_as_seen(SEEN, now, ANN)
    assert asked.value.seen == seen_in(now, ANN)
    require_as_seen(asked.value.seen, now, ANN)


def test_nothing_is_compared_with_what_nobody_saw() -> None:
    require_as_seen(None, chat(HELLO, AGAIN), ANN)


@pytest.mark.parametrize(
    ("kind", "channel", "hours", "refused"),
    [
        (None, "whatsapp", 24, False),
        (None, "whatsapp", 25, True),
        (None, "webmessaging", 25, False),
        ("standard", "whatsapp", 25, True),
        ("form", "whatsapp", 25, True),
        ("template", "whatsapp", 25, False),
    ],
)
def test_whatsapp_closes_a_day_after_the_customer_wrote_but_for_templates(
    kind: str | None, channel: str, hours: int, refused: bool
) -> None:
    response = replace(TEXT, source=Source("r1", 1, {}, kind)) if kind else TEXT
    now = (HELLO.at or NOW) + timedelta(hours=hours)
    check: Callable[[], None] = lambda: require_open(response, chat(HELLO, channel=channel), now)  # noqa: E731
    if not refused:
        check()
        return
    with pytest.raises(TextRefused, match="approved templates only"):
        check()


def test_whoever_never_wrote_counts_from_the_beginning() -> None:
    with pytest.raises(TextRefused):
        require_open(TEXT, chat(channel="whatsapp"), NOW)
    require_open(TEXT, replace(chat(channel="whatsapp"), since=None), NOW)
