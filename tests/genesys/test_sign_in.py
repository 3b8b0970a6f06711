"""People connect their own accounts: a code with a verifier in, their tokens and their name out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Response, jsonify

from bot.genesys import AuthError, Genesys, MemoryKeyring, NotConnected, Refused, SignIn, Unavailable
from bot.sandbox.genesys import SimulatedGenesys
from bot.sandbox.http import Server

CALLBACK = "https://canned.example.com/genesys/callback"
TOKEN = "POST /oauth/token"


def sign_in_of(genesys: Genesys) -> SignIn:
    assert genesys.sign_in is not None
    return genesys.sign_in


@pytest.fixture
def code(public: SimulatedGenesys) -> Callable[[str], str]:
    def code(address: str) -> str:
        return parse_qs(urlsplit(public.log_in(address, public.ann)).query)["code"][0]

    return code


def test_person_who_logged_in_is_known_by_name_and_their_tokens_are_theirs(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any], clock: Any
) -> None:
    user, grant = log_in(connect_public(), public.ann)

    assert (user.id, user.name, user.email) == (public.ann, "Ann Lee", "ann.lee@example.com")
    assert public.tokens[grant.access_token].user_id == public.ann
    assert public.refresh_tokens[grant.refresh_token] == public.ann
    assert (grant.expires_at - clock.now()).total_seconds() == public.token_lifetime
    assert grant.access_token not in repr(grant)
    assert grant.refresh_token not in repr(grant)


def test_nothing_is_kept_before_it_is_known_to_be_the_right_person(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any]
) -> None:
    keyring = MemoryKeyring()
    genesys = connect_public(keyring=keyring)

    user, grant = log_in(genesys, public.ann)
    assert keyring.load(public.ann) is None
    sign_in_of(genesys).keep(user.id, grant)

    assert keyring.load(public.ann) == grant


def test_log_in_goes_to_the_region_with_a_challenge_and_no_secret(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys]
) -> None:
    sign_in = sign_in_of(connect_public(login_url=None))

    address, verifier = sign_in.start(CALLBACK, "s1")

    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith("https://login.mypurecloud.ie/oauth/authorize?")
    assert asked.keys() == {
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
    }
    assert (asked["redirect_uri"], asked["state"]) == (CALLBACK, "s1")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert 43 <= len(verifier) <= 128
    assert verifier not in address
    assert sign_in.start(CALLBACK, "s1")[1] != verifier


def test_client_with_a_secret_names_itself_in_the_header_and_gives_the_verifier_too(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any]
) -> None:
    log_in(connect_public(), public.ann)

    (asked,) = public.seen(TOKEN)
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.form.keys() == {"grant_type", "code", "code_verifier", "redirect_uri"}


def test_client_without_a_secret_names_itself_in_the_form(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any]
) -> None:
    public.oauth_client_secret = None

    _, grant = log_in(connect_public(), public.ann)

    (asked,) = public.seen(TOKEN)
    assert "Authorization" not in asked.headers
    assert asked.form["client_id"] == public.oauth_client_id
    assert grant.refresh_token is None


def test_where_no_client_is_set_up_for_people_nobody_signs_in(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys]
) -> None:
    genesys = connect_public(oauth_client_id=None)

    assert genesys.sign_in is None
    with pytest.raises(NotConnected) as missing:
        genesys.conversation(public.chat, reader=public.ann)
    assert missing.value.user_id == public.ann
    assert public.requests == []


@pytest.mark.parametrize("wrong", ["code", "verifier", "redirect_uri", "twice"])
def test_code_that_does_not_fit_connects_nobody(
    connect_public: Callable[..., Genesys], code: Callable[[str], str], wrong: str
) -> None:
    sign_in = sign_in_of(connect_public())
    address, verifier = sign_in.start(CALLBACK, "s1")
    given = {"code": code(address), "verifier": verifier, "redirect_uri": CALLBACK}
    if wrong == "twice":
        sign_in.finish(**given)
    else:
        given[wrong] += "x"

    with pytest.raises(AuthError, match=r"did not confirm this sign-in.*Start again\.") as refused:
        sign_in.finish(**given)

    assert not isinstance(refused.value, NotConnected)
    assert refused.value.correlation_id


def test_wrong_client_is_for_the_operator_to_repair(
    connect_public: Callable[..., Genesys], log_in: Callable[..., Any], public: SimulatedGenesys
) -> None:
    with pytest.raises(AuthError, match="the operator has to check the OAuth client that people use"):
        log_in(connect_public(oauth_client_secret="wrong"), public.ann)


def test_client_that_may_not_sign_people_in_is_for_the_operator_to_repair(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys]
) -> None:
    service = {"oauth_client_id": public.client_id, "oauth_client_secret": public.client_secret}

    with pytest.raises(AuthError, match="the operator has to check the OAuth client that people use"):
        sign_in_of(connect_public(**service)).finish("c", "v" * 43, CALLBACK)


def test_token_host_that_gives_no_answer_is_unavailable(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any]
) -> None:
    public.fault(TOKEN, "lost_before", times=None)

    with pytest.raises(Unavailable):
        log_in(connect_public(), public.ann)


def test_scope_to_see_who_signed_in_that_is_missing_is_named(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any]
) -> None:
    public.oauth_scopes = frozenset({"conversations"})

    with pytest.raises(
        Refused, match=r"it probably lacks the scope user-basic-info.* to the bot's OAuth client"
    ):
        log_in(connect_public(), public.ann)


def test_sign_in_from_a_place_that_is_not_allowed_is_for_the_administrator(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    refused = Response('{"code": "ip.not.authorized"}', status=401, mimetype="application/json")
    server = scripted(refused)

    with pytest.raises(AuthError, match="has to allow the bot's address"):
        sign_in_of(connect_public(login_url=server.url, api_url=server.url)).finish("c", "v" * 43, CALLBACK)


def test_person_whom_genesys_does_not_show_is_not_connected(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys], log_in: Callable[..., Any]
) -> None:
    public.fault("GET /api/v2/users/me", "status", status=401)

    with pytest.raises(AuthError, match="did not confirm this sign-in"):
        log_in(connect_public(), public.ann)


def test_person_who_disconnects_is_forgotten_and_their_token_given_back(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    server = scripted(
        lambda: jsonify(id="u1", name="Ann", state="active"),
        token=Response('{"access_token": "t1", "expires_in": 600}', mimetype="application/json"),
    )
    genesys = connect_public(login_url=server.url, api_url=server.url)
    user, grant = sign_in_of(genesys).finish("c", "v" * 43, CALLBACK)
    sign_in_of(genesys).keep(user.id, grant)
    server.forget()

    sign_in_of(genesys).forget("u1")

    with pytest.raises(NotConnected):
        genesys.conversation("a1b2c3d4-e5f6-7890-a1b2-c3d4e5f6a7b8", reader="u1")
    (revoked,) = server.requests
    assert (revoked.method, revoked.path) == ("DELETE", "/api/v2/tokens/me")
    assert revoked.headers["Authorization"] == "Bearer t1"


def test_token_is_given_back_by_one_request_which_needs_no_body_for_an_answer(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    sign_in_of(platform).forget(public.ann)

    assert [(each.method, each.path, each.status) for each in public.requests] == [
        ("DELETE", "/api/v2/tokens/me", 200)
    ]
    assert clock.naps == []


def test_person_is_forgotten_even_where_genesys_cannot_be_told(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    public.fault("*", "lost_before", times=None)

    sign_in_of(platform).forget(public.ann)
    sign_in_of(platform).forget(public.ann)

    with pytest.raises(NotConnected):
        platform.conversation(public.chat, reader=public.ann)


def test_answer_without_a_token_connects_nobody(
    connect_public: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    server = scripted(Response(), token=Response("{}", mimetype="application/json"))

    with pytest.raises(Unavailable, match="without a token"):
        sign_in_of(connect_public(login_url=server.url)).finish("c", "v" * 43, CALLBACK)
