"""People are found by e-mail only where there is no doubt about who it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import jsonify

from bot.genesys import Genesys, NotFound, Refused, Unavailable
from bot.sandbox.genesys import ANN, CHAT, SimulatedGenesys
from bot.sandbox.http import Server

SEARCH = "POST /api/v2/users/search"
UNKNOWN = "n0b0dy00-e5f6-7890-g1h2-i3j4k5l6m7n8"


@pytest.mark.parametrize("email", ["ann.lee@example.com", " Ann.Lee@EXAMPLE.com "])
def test_one_active_user_with_the_address_is_found(genesys: Genesys, email: str) -> None:
    found = genesys.find_user(email)

    assert found is not None
    assert (found.id, found.name, found.email, found.active) == (ANN, "Ann Lee", "ann.lee@example.com", True)


@pytest.mark.parametrize("email", ["ann.le@example.com", "n.lee@example.com", "Ann Lee", "*"])
def test_address_that_nobody_has_is_nobody(genesys: Genesys, email: str) -> None:
    assert genesys.find_user(email) is None


def test_no_address_is_nobody_without_asking(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    assert genesys.find_user("  ") is None
    assert cloud.requests == []


def test_two_users_with_the_address_are_nobody(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.add_user("Ann Lee the Second", "ANN.LEE@example.com")

    assert genesys.find_user("ann.lee@example.com") is None


def test_inactive_user_is_not_found_by_address(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.users[ANN].state = "inactive"

    assert genesys.find_user("ann.lee@example.com") is None


def test_search_that_answers_more_than_was_asked_is_not_trusted(
    connect: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    others = [
        {"id": "u1", "email": "joann.lee@example.com", "state": "active"},
        {"id": "u2", "email": "ann.lee@example.com", "state": "deleted"},
        {"id": "u3", "email": "Ann.Lee@example.com", "state": "active"},
    ]
    server = scripted(lambda: jsonify(results=others))

    found = connect(login_url=server.url, api_url=server.url).find_user("ann.lee@example.com")

    assert found is not None
    assert found.id == "u3"


@pytest.mark.parametrize("results", [None, {}, "x", [None, 3]])
def test_search_result_of_an_odd_shape_is_nobody(
    connect: Callable[..., Genesys], scripted: Callable[..., Server], results: object
) -> None:
    server = scripted(lambda: jsonify(results=results))

    assert connect(login_url=server.url, api_url=server.url).find_user("a@example.com") is None


def test_user_without_an_id_is_no_answer(
    connect: Callable[..., Genesys], scripted: Callable[..., Server]
) -> None:
    server = scripted(lambda: jsonify(name="Ann"))

    with pytest.raises(Unavailable, match="without an id"):
        connect(login_url=server.url, api_url=server.url).user(ANN)


def test_user_is_read_by_id_active_or_not(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    assert genesys.user(ANN).active

    cloud.users[ANN].state = "inactive"
    assert not genesys.user(ANN).active


def test_unknown_user_is_not_found(genesys: Genesys) -> None:
    with pytest.raises(NotFound, match="knows no user with this id"):
        genesys.user(UNKNOWN)


def test_missing_permission_to_look_up_users_is_named(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.permissions = frozenset()

    with pytest.raises(Refused, match=r"to look up users: it lacks directory:user:view\. Nothing was sent"):
        genesys.find_user("ann.lee@example.com")


def test_search_is_repeated_as_any_reading_is(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.fault(SEARCH, "lost_after", times=2)

    assert genesys.find_user("ann.lee@example.com") is not None


# Checks


def _failed(genesys: Genesys) -> dict[str, str]:
    return {check.name: check.detail for check in genesys.check() if not check.ok}


def test_checks_of_a_sound_set_up_all_pass_and_send_nothing(
    cloud: SimulatedGenesys, genesys: Genesys
) -> None:
    checks = genesys.check()

    assert all(check.ok and check.detail for check in checks)
    assert [check.name for check in checks] == [
        "genesys sign-in",
        "genesys conversations",
        "genesys sending",
        "genesys users",
        "genesys system user",
    ]
    assert cloud.received == []
    assert not any("text" in each.json for each in cloud.seen("POST /api/v2/conversations/{id}/events"))


def test_check_of_a_wrong_secret_stops_there_with_its_mend(connect: Callable[..., Genesys]) -> None:
    (check,) = connect(client_secret="wrong").check()

    assert not check.ok
    assert "refused to sign the bot in" in check.detail
    assert "client secret" in check.mend


def test_check_without_a_host_says_that_it_cannot_be_reached(
    connect: Callable[..., Genesys], nobody_there: str
) -> None:
    assert "could not be reached" in _failed(connect(login_url=nobody_there))["genesys sign-in"]


def test_check_finds_the_missing_scope_to_send(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.scopes = frozenset({"conversation:write", "user:read"})

    assert "conversation:chat:write" in _failed(genesys)["genesys sending"]


def test_check_finds_the_missing_right_to_look_up_users(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.permissions = frozenset()

    assert "directory:user:view" in _failed(genesys)["genesys users"]


def test_check_finds_a_failing_server(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    genesys.conversation(CHAT)
    cloud.fault("*", "status", times=None)

    assert set(_failed(genesys)) >= {"genesys conversations", "genesys sending", "genesys users"}


def test_check_passes_a_key_that_can_sign(connect: Callable[..., Genesys], jwt_key: str) -> None:
    assert "genesys jwt key" in [check.name for check in connect(jwt_key=jwt_key).check() if check.ok]


def test_check_finds_a_key_that_cannot_sign(connect: Callable[..., Genesys]) -> None:
    assert "RSA private key" in _failed(connect(jwt_key="nonsense"))["genesys jwt key"]


@pytest.mark.parametrize("system_user_id", [UNKNOWN, "not an id"])
def test_check_finds_a_system_user_that_is_none(connect: Callable[..., Genesys], system_user_id: str) -> None:
    assert list(_failed(connect(system_user_id=system_user_id))) == ["genesys system user"]


def test_check_finds_an_inactive_system_user(cloud: SimulatedGenesys, genesys: Genesys) -> None:
    cloud.users[cloud.system_user_id].state = "inactive"

    assert _failed(genesys) == {"genesys system user": "The system user is not active in Genesys."}
