"""People's tokens are sealed at rest, open with any key of ours, and belong to whom they were sealed for."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.canned.keyring import SealedKeyring
from bot.genesys import Grant, Unavailable
from bot.settings import Secret
from bot.storage import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRANT = Grant("the-access-token", "the-refresh-token", NOW)
KEY, NEW_KEY = (Secret(Fernet.generate_key().decode()) for _ in range(2))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'canned.db'}", now=lambda: NOW, worker="one", patience=0.2)
    store.upgrade()
    yield store
    store.close()


@pytest.fixture
def ring(store: Store) -> Callable[..., SealedKeyring]:
    def make(*keys: Secret, sleep: Callable[[float], None] = lambda seconds: None) -> SealedKeyring:
        return SealedKeyring(store, keys or (KEY,), sleep=sleep)

    return make


def test_a_grant_comes_back_as_it_was_kept(ring: Callable[..., SealedKeyring]) -> None:
    ring().save("ann", GRANT)

    assert ring().load("ann") == GRANT
    assert ring().load("bob") is None


def test_a_grant_without_a_refresh_token_too(ring: Callable[..., SealedKeyring]) -> None:
    alone = Grant("access", None, NOW)
    ring().save("ann", alone)

    assert ring().load("ann") == alone


def test_none_forgets(ring: Callable[..., SealedKeyring]) -> None:
    ring().save("ann", GRANT)
    ring().save("ann", None)

    assert ring().load("ann") is None


def test_no_token_stands_in_the_database(ring: Callable[..., SealedKeyring], tmp_path: Path) -> None:
    ring().save("ann", GRANT)

    kept = b"".join(path.read_bytes() for path in tmp_path.glob("canned.db*"))
    assert b"ann" in kept
    assert b"the-access-token" not in kept
    assert b"the-refresh-token" not in kept


def test_the_first_key_seals_and_every_key_opens(ring: Callable[..., SealedKeyring]) -> None:
    ring(KEY).save("ann", GRANT)
    assert ring(NEW_KEY, KEY).load("ann") == GRANT

    ring(NEW_KEY, KEY).save("ann", GRANT)
    assert ring(NEW_KEY).load("ann") == GRANT
    assert ring(KEY).load("ann") is None


def test_what_no_key_opens_counts_as_not_there_and_is_told_without_it(
    ring: Callable[..., SealedKeyring], caplog: pytest.LogCaptureFixture
) -> None:
    ring(KEY).save("ann", GRANT)

    assert ring(NEW_KEY).load("ann") is None
    assert "CANNED_SECRET_KEY" in caplog.text
    assert KEY.reveal() not in caplog.text


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE grants SET access = (SELECT access FROM grants WHERE genesys_user = 'bob') "
        "WHERE genesys_user = 'ann'",
        "UPDATE grants SET access = refresh WHERE genesys_user = 'ann'",
    ],
    ids=["somebody else's", "the other kind"],
)
def test_a_token_that_was_moved_does_not_open(
    ring: Callable[..., SealedKeyring], tmp_path: Path, swap: str
) -> None:
    ring().save("ann", GRANT)
    ring().save("bob", Grant("bobs", "bobs-refresh", NOW))
    connection = sqlite3.connect(tmp_path / "canned.db")
    with connection:
        connection.execute(swap)
    connection.close()

    assert ring().load("ann") is None
    assert ring().load("bob") is not None


def test_nothing_that_prints_a_grant_shows_it(ring: Callable[..., SealedKeyring], store: Store) -> None:
    ring().save("ann", GRANT)
    sealed = store.grant("ann")

    assert sealed is not None
    assert sealed.access not in repr(sealed)
    assert "the-access-token" not in repr(ring().load("ann"))


def test_one_at_a_time_is_inside_the_lock(ring: Callable[..., SealedKeyring]) -> None:
    ring().save("ann", GRANT)
    inside, most = 0, 0
    count = threading.Lock()
    turn = threading.Event()

    def renew() -> None:
        nonlocal inside, most
        with ring(sleep=lambda seconds: turn.wait(0.01)).locked("ann"):
            with count:
                inside += 1
                most = max(most, inside)
            turn.wait(0.02)
            with count:
                inside -= 1

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(renew) for _ in range(4)]:
            each.result()

    assert most == 1


def test_a_lock_that_nobody_gives_back_ends_in_unavailable(
    ring: Callable[..., SealedKeyring], store: Store
) -> None:
    ring().save("ann", GRANT)
    store.hold_grant("ann")
    times = iter(range(0, 1000, 10))

    with pytest.raises(Unavailable, match="Nothing was sent"):
        ring()._held("ann", clock=lambda: next(times))


def test_the_lock_is_given_back_after_an_error(ring: Callable[..., SealedKeyring], store: Store) -> None:
    ring().save("ann", GRANT)
    with pytest.raises(ValueError, match="within"), ring().locked("ann"):
        raise ValueError("within")

    assert store.hold_grant("ann") is not None


def test_a_database_that_is_down_means_that_nothing_is_sent(
    ring: Callable[..., SealedKeyring], tmp_path: Path
) -> None:
    keyring = ring()
    keyring.save("ann", GRANT)
    connection = sqlite3.connect(tmp_path / "canned.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Unavailable):
            keyring.save("ann", GRANT)
        with pytest.raises(Unavailable), keyring.locked("ann"):
            pass
    finally:
        connection.close()


def test_a_lock_that_cannot_be_given_back_does_not_undo_what_was_done(
    ring: Callable[..., SealedKeyring], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keyring = ring()
    keyring.save("ann", GRANT)
    connection = sqlite3.connect(tmp_path / "canned.db", isolation_level=None)
    with keyring.locked("ann"):
        connection.execute("BEGIN IMMEDIATE")
    connection.close()

    assert "ends by itself" in caplog.text
