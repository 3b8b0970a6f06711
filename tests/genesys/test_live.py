"""Live conversations to choose from are those that Genesys confirms, with customer, queue and channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.genesys import Genesys, Interrupted, NotOffered, RateLimited, Refused
from bot.sandbox.genesys import SimulatedGenesys

ACTIVITY = "POST /api/v2/analytics/conversations/activity/query"
READ = "GET /api/v2/conversations/{id}"


def test_own_conversations_are_listed_with_the_persons_token(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    since = clock.now()
    clock.at += timedelta(seconds=30)
    public.start_chat("Ada King", agents=[public.bob], queue="Billing", channel="sms")
    public.start_chat("Nobody's", queue="Billing")

    found = platform.live_conversations(user_id=public.bob, reader=public.bob)

    assert [(one.customer, one.queue, one.channel, one.agent) for one in found] == [
        ("Grace Hopper", "Support EMEA", "webmessaging", public.bob),
        ("Ada King", "Billing", "sms", public.bob),
    ]
    assert found[0].since == since
    assert not public.seen(ACTIVITY)
    assert "Ada" not in repr(found)


def test_conversations_of_somebody_else_are_listed_as_the_reader_may_see_them(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    hidden = public.start_chat("Secret", agents=[public.bob], queue="Private")
    public.conversations[hidden].division = "Elsewhere"
    public.users[public.ann].divisions = frozenset({"Home"})

    found = platform.live_conversations(user_id=public.bob, reader=public.ann)

    assert [one.customer for one in found] == ["Grace Hopper"]
    (asked,) = public.seen(ACTIVITY)
    assert [each["metric"] for each in asked.json["metrics"]] == ["oInteracting"]


def test_queues_list_who_is_served_and_who_waits_and_nobody_of_other_queues(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    waiting = public.start_chat("Ada King", queue="Billing")
    public.start_chat("Other", queue="Billing Two")

    found = platform.live_conversations(queues=["Support EMEA", "billing"], reader=public.ann)

    assert {one.id for one in found} == {public.chat, waiting}
    assert {one.id: one.agent for one in found} == {public.chat: public.bob, waiting: None}


@pytest.mark.parametrize("queues", [[], ["No such queue"], None])
def test_no_queue_lists_nothing_and_asks_no_analytics(
    public: SimulatedGenesys, platform: Genesys, queues: Any
) -> None:
    assert platform.live_conversations(queues=queues, reader=public.ann) == []
    assert not public.seen(ACTIVITY)


def test_conversation_that_is_over_while_analytics_still_lists_it_is_left_out(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    clock.at += timedelta(seconds=60)
    public.analytics_lag = 30
    public.end(public.chat)

    assert platform.live_conversations(queues=["Support EMEA"], reader=public.ann) == []
    assert public.seen(ACTIVITY)


def test_conversation_that_its_agent_has_handed_over_while_analytics_still_lists_it_is_left_out(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    clock.at += timedelta(seconds=60)
    public.analytics_lag = 30
    public.leave(public.chat, public.bob)

    assert platform.live_conversations(user_id=public.bob, reader=public.ann) == []
    assert public.seen(READ)


def test_other_media_are_left_out(public: SimulatedGenesys, platform: Genesys) -> None:
    public.start_chat("Caller", agents=[public.bob], media="voice")

    found = platform.live_conversations(queues=["Support EMEA"], reader=public.ann)

    assert [one.id for one in found] == [public.chat]


def test_no_more_than_twenty_are_read(public: SimulatedGenesys, platform: Genesys) -> None:
    for _ in range(25):
        public.start_chat(queue="Support EMEA")

    found = platform.live_conversations(queues=["Support EMEA"], reader=public.ann)

    assert (len(found), found.left_out) == (20, 6)
    assert len(public.seen(READ)) == 20


def test_lists_leave_room_in_the_readers_rate_for_a_message(
    public: SimulatedGenesys, platform: Genesys, connect_public: Callable[..., Genesys]
) -> None:
    def leave(seconds: float) -> None:
        raise Interrupted(retry_after=seconds)

    for _ in range(20):
        public.start_chat(queue="Support EMEA")
    public.rate_limit, genesys = 100, connect_public(sleep=leave)
    for _ in range(4):
        genesys.live_conversations(queues=["Support EMEA"], reader=public.ann)
    with pytest.raises(Interrupted):
        genesys.live_conversations(queues=["Support EMEA"], reader=public.ann)
    chat = genesys.conversation(public.chat, reader=public.ann)
    genesys.send(chat, genesys.sender(chat, "self", public.ann), "Hello.")

    assert public.customer_sees(public.chat) == ["Hello."]


def test_missing_permission_to_list_is_named(public: SimulatedGenesys, platform: Genesys) -> None:
    public.users[public.ann].permissions -= {"analytics:queueObservation:view"}

    with pytest.raises(Refused, match="their sign-in lacks analytics:queueObservation:view"):
        platform.live_conversations(queues=["Support EMEA"], reader=public.ann)


def test_missing_scope_to_list_ones_own_is_named(public: SimulatedGenesys, platform: Genesys) -> None:
    for token in public.tokens.values():
        token.scopes = frozenset({"users"})

    with pytest.raises(Refused, match="does not allow this person to list conversations"):
        platform.live_conversations(user_id=public.ann, reader=public.ann)


def test_list_that_would_have_to_wait_too_long_is_limited(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    public.fault(READ, "429", times=None, retry_after=90)

    with pytest.raises(RateLimited):
        platform.live_conversations(queues=["Support EMEA"], reader=public.ann)


def test_events_contract_says_that_it_cannot_list_and_has_nothing_of_the_rest(genesys: Genesys) -> None:
    chat = "demochat-l1v3-4n0w-s0rx-examp1echat1"

    for ask in (
        genesys.live_conversations,
        lambda: genesys.queue(chat),
        lambda: genesys.library_responses(chat),
    ):
        with pytest.raises(NotOffered, match="This Genesys contract"):
            ask()
    assert genesys.sign_in is None
    assert genesys.libraries() == []
    assert genesys.queues(["Billing"]) == {}
    assert genesys.messages(genesys.conversation(chat)) == []
    assert genesys.delivery(chat, ["m1"]) == {}
    assert genesys.page(chat) == ""
