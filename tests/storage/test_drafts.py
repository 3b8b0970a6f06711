from __future__ import annotations

from typing import Any

from bot.storage import Draft, Store

REQUEST = {"key": "k", "values": {"name": "Zoë"}, "not_before": None}


def test_draft_is_kept_until_it_is_asked_for(store: Store, clock: Any) -> None:
    store.save_draft("k", "again", REQUEST, supervisor="U0ANN", channel="C0TEAM")

    assert store.draft("k") == Draft("k", "again", REQUEST, "U0ANN", "C0TEAM", clock())
    assert store.draft("nothing") is None


def test_later_question_takes_the_place_of_the_first(store: Store) -> None:
    store.save_draft("k", "team", REQUEST, supervisor="U0ANN", channel="C0OTHER")

    store.save_draft("k", "again", {**REQUEST, "team": "Support"}, supervisor="U0ANN", channel="C0TEAM")

    kept = store.draft("k")
    assert kept is not None
    assert (kept.kind, kept.request["team"], kept.channel) == ("again", "Support", "C0TEAM")


def test_draft_does_not_show_what_was_typed(store: Store) -> None:
    store.save_draft("k", "again", REQUEST, supervisor="U0ANN", channel="C0TEAM")

    assert "Zoë" not in repr(store.draft("k"))


def test_draft_older_than_a_day_is_not_answered(store: Store, clock: Any) -> None:
    store.save_draft("k", "again", REQUEST, supervisor="U0ANN", channel="C0TEAM")

    clock.advance(24 * 3600 - 1)
    assert store.draft("k") is not None
    clock.advance(1)
    assert store.draft("k") is None
