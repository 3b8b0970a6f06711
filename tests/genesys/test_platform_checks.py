"""What is missing on the platform is found by name before anybody needs it, and nothing is sent for that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.genesys import Check, Genesys
from bot.sandbox.faults import Kind
from bot.sandbox.genesys import SimulatedGenesys


def by_name(genesys: Genesys) -> dict[str, Check]:
    return {check.name: check for check in genesys.check()}


def failed(genesys: Genesys) -> dict[str, str]:
    return {check.name: check.detail for check in genesys.check() if not check.ok}


def test_checks_of_a_sound_set_up_all_pass_warn_of_nothing_and_send_nothing(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    checks = platform.check()

    assert [check.name for check in checks] == [
        "genesys sign-in",
        "genesys conversations",
        "genesys users",
        "genesys libraries",
        "genesys responses",
        "genesys queues",
        "genesys sending",
        "genesys people",
    ]
    assert all(check.ok and check.detail and not check.mend for check in checks), checks
    assert public.received == []
    assert not any(b"textBody" in each.body for each in public.requests)


def test_service_that_sends_automated_messages_may_send(public: SimulatedGenesys, platform: Genesys) -> None:
    def sending() -> Check:
        return next(check for check in platform.check(automated=True) if check.name == "genesys sending")

    assert not sending().ok
    public.permissions |= {"conversation:message:create"}
    assert (sending().ok, sending().mend) == (True, "")


@pytest.mark.parametrize(
    ("permission", "name"),
    [
        ("conversation:communication:view", "genesys conversations"),
        ("directory:user:view", "genesys users"),
        ("responses:library:view", "genesys libraries"),
        ("responses:response:view", "genesys responses"),
        ("routing:queue:view", "genesys queues"),
    ],
)
def test_missing_permission_fails_its_own_check_with_its_name(
    public: SimulatedGenesys, platform: Genesys, permission: str, name: str
) -> None:
    public.permissions -= {permission}

    found = failed(platform)

    assert list(found) == [name]
    assert permission in found[name]


def test_permission_to_send_is_warned_of_as_one_too_many(public: SimulatedGenesys, platform: Genesys) -> None:
    public.permissions |= {"conversation:message:create"}

    check = by_name(platform)["genesys sending"]

    assert check.ok
    assert "take conversation:message:create from the service's roles" in check.mend
    assert public.received == []


def test_wrong_secret_stops_there_with_its_mend(connect_public: Callable[..., Genesys]) -> None:
    (check,) = connect_public(client_secret="wrong").check()

    assert not check.ok
    assert "refused to sign the bot in" in check.detail
    assert "client secret" in check.mend


def test_wrong_client_for_people_is_found(connect_public: Callable[..., Genesys]) -> None:
    found = failed(connect_public(oauth_client_secret="wrong"))

    assert list(found) == ["genesys people"]
    assert "does not know the OAuth client that people sign in with" in found["genesys people"]


def test_client_for_people_that_is_the_services_own_is_found(
    public: SimulatedGenesys, connect_public: Callable[..., Genesys]
) -> None:
    service = {"oauth_client_id": public.client_id, "oauth_client_secret": public.client_secret}

    found = failed(connect_public(**service))

    assert list(found) == ["genesys people"]
    assert "or does not let it sign people in" in found["genesys people"]


def test_without_a_client_for_people_there_is_nothing_of_it_to_check(
    connect_public: Callable[..., Genesys],
) -> None:
    assert "genesys people" not in by_name(connect_public(oauth_client_id=None))


def test_failing_server_fails_the_checks_and_raises_nothing(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    platform.conversation(public.chat)
    public.fault("*", "status", times=None)

    (check,) = platform.check()

    assert not check.ok


@pytest.mark.parametrize("kind", ["status", "429"])
def test_a_server_that_does_not_say_is_not_taken_for_a_missing_permission(
    public: SimulatedGenesys, platform: Genesys, kind: Kind
) -> None:
    public.fault("POST /api/v2/users/search", kind, times=None, retry_after=90)

    found = [check for check in platform.check() if not check.ok]

    assert found[0].name == "genesys users"
    assert found[0].mend.startswith("Try again in a minute.")


def test_sending_that_cannot_be_checked_says_so(public: SimulatedGenesys, platform: Genesys) -> None:
    public.fault("POST /api/v2/conversations/messages/agentless", "status", times=None)

    assert list(failed(platform)) == ["genesys sending"]
