"""Tokens are fetched once, kept until a minute before their end, and seen by nobody."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Response
from joserfc.jwk import ECKey, RSAKey

from bot.genesys import AuthError, Genesys, GenesysError, OutcomeUnknown, Unavailable
from bot.genesys.tokens import Token, Tokens
from bot.genesys.transport import Bearer, Patience
from bot.sandbox.genesys import ANN, BOB, CHAT, SimulatedGenesys
from bot.sandbox.http import Server

TOKEN = "POST /oauth/token"
EVENTS = "POST /api/v2/conversations/{id}/events"


def send(genesys: Genesys, send_as: str = "self") -> None:
    conversation = genesys.conversation(CHAT)
    sender = genesys.sender(conversation, send_as, ANN)
    genesys.send(conversation, sender, "Hello.", response="greeting", send_id="k1")


def test_sixteen_threads_that_ask_at_once_fetch_one_token(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    held = cloud.hold(TOKEN)
    together = threading.Barrier(16)

    def ask() -> str:
        together.wait(5)
        return genesys.user(ANN).name

    with ThreadPoolExecutor(16) as threads:
        names = [threads.submit(ask) for _ in range(16)]
        assert held.arrived.wait(5)
        held.release()

        assert {name.result(5) for name in names} == {"Ann Lee"}
    assert len(cloud.seen(TOKEN)) == 1


def test_sixteen_threads_whose_token_was_revoked_fetch_one_new_token(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    genesys.user(ANN)
    cloud.revoke_tokens()
    together = threading.Barrier(16)

    def ask() -> str:
        together.wait(5)
        return genesys.user(ANN).name

    with ThreadPoolExecutor(16) as threads:
        assert {name.result(5) for name in [threads.submit(ask) for _ in range(16)]} == {"Ann Lee"}
    assert len(cloud.seen(TOKEN)) == 2


@pytest.fixture
def fetching() -> Callable[[Exception], tuple[Future[str], Future[str]]]:
    """What comes of two threads that want a token, where the one that fetches it ends in this."""

    def fetching(failure: Exception) -> tuple[Future[str], Future[str]]:
        asking, both_asked = threading.Event(), threading.Event()
        at = datetime.now(UTC)
        tokens = iter([Token("t1", at - timedelta(seconds=1)), None, Token("t3", at + timedelta(hours=1))])

        def fetch(principal: str | None, patience: Patience) -> Token:
            if (token := next(tokens)) is not None:
                return token
            asking.set()
            both_asked.wait(5)
            raise failure

        def now() -> datetime:
            if asking.is_set():  # the second thread, as it finds the kept token too old
                both_asked.set()
            return at

        kept, patience = Tokens(fetch, now), Patience(lambda _: None)
        kept.get(None, patience)
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(kept.get, None, patience)
            assert asking.wait(5)
            second = threads.submit(kept.get, None, patience)
        assert kept.get(None, patience) == "t3"  # whoever comes next tries again, or finds what is there
        return first, second

    return fetching


def test_threads_that_wait_for_a_token_share_the_failure_and_the_next_one_tries_again(
    fetching: Callable[[Exception], tuple[Future[str], Future[str]]],
) -> None:
    first, second = fetching(Unavailable("Nobody there."))

    assert isinstance(first.exception(), Unavailable)
    assert isinstance(second.exception(), Unavailable)


def test_thread_that_is_called_off_while_it_fetches_a_token_calls_nobody_else_off(
    fetching: Callable[[Exception], tuple[Future[str], Future[str]]],
) -> None:
    first, second = fetching(LookupError("one message's own affair"))

    assert isinstance(first.exception(), LookupError)
    assert second.result() == "t3"


def test_refused_token_is_dropped_but_a_newer_one_is_kept() -> None:
    values = iter(["t1", "t2", "t3"])
    now = datetime.now(UTC)
    tokens = Tokens(lambda *_: Token(next(values), now + timedelta(hours=1)), lambda: now)
    patience = Patience(lambda _: None)

    assert tokens.get(None, patience) == "t1"
    tokens.drop(None, "t1")
    assert tokens.get(None, patience) == "t2"
    tokens.drop(None, "t1")  # a slow thread, which used the old one

    assert tokens.get(None, patience) == "t2"


def test_token_is_used_until_a_minute_before_it_ends(
    cloud: SimulatedGenesys, genesys: Genesys, clock: Any
) -> None:
    cloud.token_lifetime = 600
    genesys.user(ANN)

    clock.at += timedelta(seconds=539)
    genesys.user(ANN)
    assert len(cloud.seen(TOKEN)) == 1

    clock.at += timedelta(seconds=1)
    genesys.user(ANN)
    assert len(cloud.seen(TOKEN)) == 2


def test_service_signs_in_with_id_and_secret_in_the_form(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    genesys.user(ANN)

    asked = cloud.seen(TOKEN)[0]
    assert asked.form.to_dict() == {
        "grant_type": "client_credentials",
        "client_id": cloud.client_id,
        "client_secret": cloud.client_secret,
    }
    assert "Authorization" not in asked.headers


def test_wrong_secret_is_for_the_operator_to_repair(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys]
) -> None:
    with pytest.raises(AuthError) as refused:
        connect(client_secret="wrong").conversation(CHAT)

    said = str(refused.value)
    assert "(401 invalid_client). Nothing was sent" in said
    assert "the operator has to check the client id, client secret and host" in said
    assert refused.value.correlation_id in said
    assert len(cloud.seen(TOKEN)) == 1


@pytest.mark.parametrize(
    "kind", ["lost_before", "lost_after", "cut_body", "broken_json", "status", "redirect"]
)
def test_token_request_that_failed_once_is_repeated(
    cloud: SimulatedGenesys, genesys: Genesys, clock: Any, kind: Any
) -> None:
    cloud.fault(TOKEN, kind)

    assert genesys.user(ANN).id == ANN
    assert len(cloud.seen(TOKEN)) == 2
    assert len(clock.naps) == 1


def test_token_request_whose_answer_does_not_come_in_time_is_repeated(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys]
) -> None:
    cloud.fault(TOKEN, "hang", seconds=3)

    assert connect(timeout=(1, 0.2)).user(ANN).id == ANN
    assert len(cloud.seen(TOKEN)) == 2


def test_sign_in_that_fails_during_a_send_sends_nothing(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    conversation = genesys.conversation(CHAT)
    sender = genesys.sender(conversation, "self", ANN)
    cloud.revoke_tokens()
    cloud.fault(TOKEN, "lost_before", times=None)

    with pytest.raises(Unavailable, match="nothing was sent"):
        genesys.send(conversation, sender, "Hello.", response="greeting", send_id="k1")

    assert cloud.received == []


@pytest.mark.parametrize(
    "odd",
    [
        Response("<html>proxy</html>"),
        Response("{}", mimetype="application/json"),
        Response('{"access_token": ["x"]}', mimetype="application/json"),
        Response('{"access_token": "two\\nlines", "expires_in": 60}', mimetype="application/json"),
        Response('{"error": "invalid_client"}', mimetype="application/json"),
        Response("nonsense", status=400),
        Response("[]", status=403),
        Response(status=404),
        Response(status=503),
    ],
    ids=lambda odd: f"{odd.status_code} {odd.get_data(as_text=True)}",
)
def test_odd_answer_to_a_token_request_is_an_error_of_ours(
    connect: Callable[..., Genesys], scripted: Callable[..., Server], odd: Response
) -> None:
    server = scripted(Response(), token=odd)

    with pytest.raises((AuthError, Unavailable)):
        connect(login_url=server.url, api_url=server.url).conversation(CHAT)


@pytest.mark.parametrize("life", [None, 0, -5, "3600", True, 10**12])
def test_token_that_does_not_say_how_long_it_lives_is_used_once(life: object) -> None:
    now = datetime.now(UTC)

    assert Token.of({"access_token": "t", "expires_in": life}, now).good_until <= now


def test_person_with_a_jwt_key_sends_with_a_token_of_their_own(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys], jwt_key: str
) -> None:
    send(connect(jwt_key=jwt_key))

    used = cloud.seen(EVENTS)[0].headers["Authorization"].removeprefix("Bearer ")
    assert cloud.tokens[used].user_id == ANN
    assert cloud.received[0].from_id == ANN
    asked = next(each for each in cloud.seen(TOKEN) if "assertion" in each.form)
    assert asked.form.keys() == {"grant_type", "assertion"}
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize(("send_as", "sender"), [("agent", BOB), ("system", None)])
def test_agent_and_system_are_sent_with_the_service_token_even_with_a_jwt_key(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys], jwt_key: str, send_as: str, sender: str | None
) -> None:
    cloud.join(CHAT, cloud.system_user_id, purpose="user")

    send(connect(jwt_key=jwt_key), send_as)

    used = cloud.seen(EVENTS)[0].headers["Authorization"].removeprefix("Bearer ")
    assert cloud.tokens[used].user_id is None
    assert cloud.received[0].from_id == (sender or cloud.system_user_id)


def test_second_send_of_a_person_asks_for_no_token(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys], jwt_key: str
) -> None:
    genesys = connect(jwt_key=jwt_key)
    send(genesys)
    cloud.forget()

    send(genesys)

    assert [each.method for each in cloud.requests] == ["GET", "POST"]


def test_person_whose_assertion_is_refused_is_for_the_operator_to_repair(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys], jwt_key: str
) -> None:
    cloud.users[ANN].state = "inactive"

    with pytest.raises(AuthError, match=r"let the bot act for this person \(400 invalid_grant\)"):
        send(connect(jwt_key=jwt_key))

    assert cloud.received == []


@pytest.mark.parametrize("kind", ["nonsense", "", "public", "other"])
def test_key_that_cannot_sign_is_an_auth_error_that_does_not_quote_it(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys], key: RSAKey, kind: str
) -> None:
    keys = {
        "public": key.as_pem(private=False).decode(),
        "other": ECKey.generate_key("P-256").as_pem(private=True).decode(),
    }
    pem = keys.get(kind, kind)

    with pytest.raises(AuthError, match="not an RSA private key in PEM form") as refused:
        send(connect(jwt_key=pem))

    assert "BEGIN" not in "".join(traceback.format_exception(refused.value))
    assert cloud.received == []


def test_tokens_secrets_texts_and_names_are_in_no_log_line_repr_or_traceback(
    cloud: SimulatedGenesys,
    connect: Callable[..., Genesys],
    jwt_key: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    text = "".join(("My secret", " words"))  # so that a traceback does not quote it from here
    genesys = connect(jwt_key=jwt_key)
    conversation = genesys.conversation(CHAT)
    sender = genesys.sender(conversation, "self", ANN)
    accepted = genesys.send(conversation, sender, text, response="greeting", send_id="k1")
    seen = [caplog.text, repr((genesys, conversation, sender, accepted, genesys.user(ANN)))]
    tokens = [*cloud.tokens]
    kinds: list[Any] = ["lost_after", "status"]
    for kind in kinds:
        cloud.fault(EVENTS, kind)
        with pytest.raises(OutcomeUnknown) as unknown:
            genesys.send(conversation, sender, text, response="greeting", send_id="k1")
        seen += [repr(unknown.value), "".join(traceback.format_exception(unknown.value))]
    client_secret, cloud.client_secret = cloud.client_secret, "changed"
    cloud.revoke_tokens()
    with pytest.raises(GenesysError) as failed:
        genesys.user(ANN)
    seen += ["".join(traceback.format_exception(failed.value)), caplog.text]
    seen += [repr(genesys._tokens._kept), repr(Bearer("t0t0t0"))]

    names = [cloud.users[ANN].name, cloud.users[ANN].email, "Grace Hopper"]
    for secret in [text, *names, *tokens, "t0t0t0", "BEGIN", client_secret]:
        assert all(secret not in one for one in seen), secret
    assert len(tokens) == 2
    assert "answered 503 service.unavailable, correlation " in caplog.text
