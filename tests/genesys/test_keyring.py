"""A person's token is renewed in time, by one alone, and never kept alive after it lapsed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Response

from bot.genesys import AuthError, Genesys, Grant, MemoryKeyring, NotConnected, Unavailable
from bot.sandbox.genesys import SimulatedGenesys
from bot.sandbox.http import Server

TOKEN = "POST /oauth/token"
READ = "GET /api/v2/conversations/{id}"


class Watched(MemoryKeyring):
    """A keyring that notes what is done with it, and lets a test in between."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.before_lock: Callable[[], None] = lambda: None

    def save(self, user_id: str, grant: Grant | None) -> None:
        self.done.append(f"save {grant.refresh_token if grant else None}")
        super().save(user_id, grant)

    @contextmanager
    def locked(self, user_id: str) -> Iterator[None]:
        self.before_lock()
        with super().locked(user_id):
            self.done.append("locked")
            yield
            self.done.append("released")


@pytest.fixture
def keyring() -> Watched:
    return Watched()


@pytest.fixture
def ann(
    public: SimulatedGenesys,
    connect_public: Callable[..., Genesys],
    log_in: Callable[..., Any],
    keyring: Watched,
) -> Callable[..., Genesys]:
    """A client in which Ann has just signed in."""

    def ann(**options: Any) -> Genesys:
        genesys = connect_public(**({"keyring": keyring} | options))
        keyring.save(public.ann, log_in(connect_public(), public.ann)[1])
        keyring.done.clear()
        public.forget()
        return genesys

    return ann


def used(public: SimulatedGenesys) -> list[str]:
    return [each.headers["Authorization"].removeprefix("Bearer ") for each in public.seen(READ)]


def test_token_is_used_until_a_minute_before_its_end_and_then_renewed(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched, clock: Any
) -> None:
    public.token_lifetime = 600
    genesys = ann()
    clock.at += timedelta(seconds=539)
    genesys.conversation(public.chat, reader=public.ann)
    assert not public.seen(TOKEN)

    clock.at += timedelta(seconds=1)
    genesys.conversation(public.chat, reader=public.ann)
    genesys.conversation(public.chat, reader=public.ann)

    (asked,) = public.seen(TOKEN)
    assert asked.form["grant_type"] == "refresh_token"
    assert asked.headers["Authorization"].startswith("Basic ")
    assert len(set(used(public))) == 2


def test_new_refresh_token_is_saved_before_the_new_access_token_is_used(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched
) -> None:
    genesys = ann()
    public.revoke_tokens()
    held = public.hold(READ)
    second = public.hold(READ)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(genesys.conversation, public.chat, reader=public.ann)
        assert held.arrived.wait(5)
        held.release()
        assert second.arrived.wait(5)

        (kept,) = public.refresh_tokens
        assert keyring.done == ["locked", f"save {kept}", "released"]
        second.release()
        assert reading.result(5).live


def test_sixteen_threads_with_an_old_token_renew_it_once(
    public: SimulatedGenesys, ann: Callable[..., Genesys], clock: Any
) -> None:
    genesys = ann()
    clock.at += timedelta(days=2)
    together = threading.Barrier(16)

    def read() -> bool:
        together.wait(5)
        return genesys.conversation(public.chat, reader=public.ann).live

    with ThreadPoolExecutor(16) as threads:
        assert all(each.result(10) for each in [threads.submit(read) for _ in range(16)])

    assert len(public.seen(TOKEN)) == 1


def test_token_that_another_process_renewed_is_used_and_not_renewed_again(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched, clock: Any
) -> None:
    genesys = ann()
    clock.at += timedelta(days=2)
    theirs = public.issue_token(public.ann, scopes=public.oauth_scopes)

    def another_process() -> None:
        keyring.save(public.ann, Grant(theirs.value, "r2", theirs.expires_at))

    keyring.before_lock = another_process
    genesys.conversation(public.chat, reader=public.ann)

    assert used(public) == [theirs.value]
    assert not public.seen(TOKEN)


def test_person_who_disconnected_in_another_process_is_not_connected_here(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched
) -> None:
    genesys = ann()
    genesys.conversation(public.chat, reader=public.ann)

    keyring.save(public.ann, None)

    with pytest.raises(NotConnected):
        genesys.conversation(public.chat, reader=public.ann)


def test_refused_token_is_renewed_once(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched
) -> None:
    genesys = ann()
    public.revoke_tokens()

    assert genesys.conversation(public.chat, reader=public.ann).live

    assert len(public.seen(TOKEN)) == 1
    assert len(public.seen(READ)) == 2


def test_new_token_that_is_refused_as_well_means_to_connect_again(
    public: SimulatedGenesys, ann: Callable[..., Genesys]
) -> None:
    genesys = ann()
    public.fault(READ, "status", status=401, times=None)

    with pytest.raises(NotConnected) as lapsed:
        genesys.conversation(public.chat, reader=public.ann)

    assert lapsed.value.user_id == public.ann
    assert lapsed.value.correlation_id
    assert len(public.seen(READ)) == 2
    assert "Nothing was sent" in str(lapsed.value)


def test_refresh_token_that_is_not_taken_means_to_connect_again_and_is_not_tried_twice(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched, clock: Any
) -> None:
    genesys = ann()
    public.refresh_tokens.clear()
    clock.at += timedelta(days=2)

    for _ in range(2):
        with pytest.raises(NotConnected):
            genesys.conversation(public.chat, reader=public.ann)

    assert len(public.seen(TOKEN)) == 1
    assert keyring.load(public.ann) is None


def test_client_that_is_not_known_any_more_is_for_the_operator_and_costs_nobody_their_sign_in(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched, clock: Any
) -> None:
    genesys = ann()
    public.oauth_client_secret = "changed"
    clock.at += timedelta(days=2)

    with pytest.raises(AuthError, match="the operator has to check") as refused:
        genesys.conversation(public.chat, reader=public.ann)

    assert not isinstance(refused.value, NotConnected)
    assert keyring.load(public.ann) is not None


def test_client_that_may_not_sign_people_in_is_for_the_operator_and_costs_nobody_their_sign_in(
    public: SimulatedGenesys, ann: Callable[..., Genesys], keyring: Watched, clock: Any
) -> None:
    genesys = ann(oauth_client_id=public.client_id, oauth_client_secret=public.client_secret)
    clock.at += timedelta(days=2)

    with pytest.raises(
        AuthError, match=r"\(400 unauthorized_client\).* the operator has to check"
    ) as refused:
        genesys.conversation(public.chat, reader=public.ann)

    assert not isinstance(refused.value, NotConnected)
    assert keyring.load(public.ann) is not None


@pytest.mark.parametrize(
    "said", ["<html>Request blocked</html>", '{"code": "ip.not.authorized"}', '{"error": "invalid_request"}']
)
def test_refusal_that_is_not_the_refresh_tokens_costs_nobody_their_sign_in(
    public: SimulatedGenesys,
    ann: Callable[..., Genesys],
    scripted: Callable[..., Server],
    keyring: Watched,
    clock: Any,
    said: str,
) -> None:
    gateway = scripted(Response(), token=Response(said, status=403))
    genesys = ann(login_url=gateway.url)
    clock.at += timedelta(days=2)

    with pytest.raises(NotConnected):
        genesys.conversation(public.chat, reader=public.ann)

    assert keyring.load(public.ann) is not None


def test_token_that_cannot_be_renewed_now_is_used_while_it_lives(
    public: SimulatedGenesys, ann: Callable[..., Genesys], clock: Any
) -> None:
    public.token_lifetime = 600
    genesys = ann()
    clock.at += timedelta(seconds=570)
    public.fault(TOKEN, "lost_before", times=None)

    assert genesys.conversation(public.chat, reader=public.ann).live

    clock.at += timedelta(seconds=600)
    with pytest.raises(Unavailable):
        genesys.conversation(public.chat, reader=public.ann)


def test_without_a_refresh_token_the_access_token_serves_while_it_lives(
    public: SimulatedGenesys, ann: Callable[..., Genesys], clock: Any
) -> None:
    public.inactivity_timeout, public.token_lifetime = 900, 600
    genesys = ann()
    clock.at += timedelta(seconds=599)
    assert genesys.conversation(public.chat, reader=public.ann).live

    clock.at += timedelta(seconds=1)
    public.forget()
    with pytest.raises(NotConnected):
        genesys.conversation(public.chat, reader=public.ann)

    assert public.requests == []


def test_token_that_idled_away_means_to_connect_again(
    public: SimulatedGenesys, ann: Callable[..., Genesys], clock: Any
) -> None:
    public.inactivity_timeout = 900
    genesys = ann()
    clock.at += timedelta(seconds=900)

    with pytest.raises(NotConnected):
        genesys.conversation(public.chat, reader=public.ann)

    assert len(public.seen(READ)) == 1
    assert not public.seen(TOKEN)


def test_renewal_that_brings_no_new_refresh_token_keeps_the_old_one(clock: Any) -> None:
    before = Grant("t1", "r1", clock.now())

    after = Grant.of({"access_token": "t2", "expires_in": 60}, clock.now(), before=before)

    assert (after.access_token, after.refresh_token) == ("t2", "r1")


def test_nobody_reads_with_the_service_token_for_a_person(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys]
) -> None:
    with pytest.raises(NotConnected, match="They connect their Genesys account"):
        connect_public().conversation(public.chat, reader=public.ann)

    assert public.requests == []
