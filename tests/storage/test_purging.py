from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.models import Outcome, SendRequest, State
from bot.storage import Store


def test_texts_of_settled_sends_go_and_the_record_stays(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    key = claim(text="Hello {{topic}}", values={"topic": "it"})
    assert store.begin(key, "Hello it", sender_id="u1")
    store.settle(key, Outcome(State.SENT), was=[State.SENDING])
    store.save_draft("d", "again", {"text": "Hello"}, supervisor="U0ANN", channel="C0TEAM")
    digest = store.receipt(key).text_hash

    assert store.purge(clock.advance(10)) == 1

    kept = store.receipt(key)
    assert (kept.text, kept.request.text, dict(kept.request.values)) == (None, None, {})
    assert (kept.state, kept.text_hash) == (State.SENT, digest)
    assert len(store.audit(key)) == 3
    assert store.draft("d") is None


def test_texts_that_are_young_or_still_needed_stay(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    waiting = claim(values={"topic": "it"})
    border = clock.advance(10)
    young = claim(values={"topic": "it"})
    store.settle(young, Outcome(State.REFUSED), was=[State.PENDING])

    assert store.purge(border) == 0
    assert all(store.receipt(key).request.values for key in (waiting, young))


def test_text_that_left_at_a_later_time_is_kept_from_then_on(
    store: Store, claim: Callable[..., str], clock: Any
) -> None:
    at = clock() + timedelta(days=20)
    sent = claim(values={"topic": "it"}, not_before=at, scheduled=True)
    back = claim(values={"topic": "it"}, not_before=at, scheduled=True, confirmed=True)
    store.settle(back, Outcome(State.CANCELLED), was=[State.PENDING])
    clock.advance(20 * 86400)
    assert store.begin(sent, "Hello it", sender_id="u1")
    store.settle(sent, Outcome(State.UNKNOWN), was=[State.SENDING])

    assert store.purge(clock() - timedelta(days=7)) == 1
    assert (store.receipt(sent).text, store.receipt(back).request.values) == ("Hello it", {})
    assert store.purge(clock.advance(1)) == 1


def test_no_byte_of_a_purged_text_is_left_in_the_file_or_its_log(
    migrated_sqlite: Path, tmp_path: Path, clock: Any, a_request: Callable[..., SendRequest]
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "canned.db")
    with closing(Store(f"sqlite:///{tmp_path}/canned.db", now=clock, worker="one")) as store:
        request = a_request(text="Zanzibar", values={"topic": "Zanzibar"})
        store.claim(request, per_minute=9, per_conversation=9)
        store.begin(request.key, "Zanzibar", sender_id="u1")
        store.settle(request.key, Outcome(State.SENT), was=[State.SENDING])
        store.save_draft("d", "again", {"text": "Zanzibar"}, supervisor="U0ANN", channel="C0TEAM")
        before = [file.name for file in sorted(tmp_path.iterdir()) if b"Zanzibar" in file.read_bytes()]
        store.purge(clock.advance(10))
        after = [file.name for file in tmp_path.iterdir() if b"Zanzibar" in file.read_bytes()]

    assert (before, after) == (["canned.db-wal"], [])
