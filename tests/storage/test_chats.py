"""Chats that were announced: each once, whatever the order of what is heard of them."""

from __future__ import annotations

from bot.storage import Store

HERE = ["C0OTHER", "C0TEAM"]


def test_a_chat_is_announced_once_in_each_channel_however_often_it_is_heard_of(store: Store) -> None:
    assert store.chat_started("e1", "c1", HERE, queue="Support") == HERE
    assert store.chat_started("e1", "c1", HERE, queue="Support") == []
    assert store.chat_started("e2", "c1", [*HERE, "C0NEW"], queue="Support") == ["C0NEW"]


def test_a_chat_that_has_ended_before_its_start_was_heard_of_is_not_announced(store: Store) -> None:
    store.chat_ended("e2", "c1", HERE, queue="")

    assert store.chat_started("e1", "c1", HERE, queue="") == []


def test_the_end_is_told_where_the_chat_was_announced(store: Store) -> None:
    store.chat_started("e1", "c1", HERE, queue="Support")

    assert sorted(store.chat_ended("e2", "c1", [], queue="")) == sorted(HERE)
    assert store.chat_ended("e2", "c1", [], queue="") == []
