"""Ids are found where people copy them from, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.genesys import Genesys
from bot.sandbox.genesys import SimulatedGenesys

ID = "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"
OTHER = "0f0e0d0c-0b0a-0908-0706-050403020100"
KELVIN = ID.replace("k", "\u212a")  # a Kelvin sign, which is a k where case is ignored


@pytest.fixture
def acme() -> Genesys:
    return Genesys.events(org_id="acme", client_id="c", client_secret="s")


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID}\n",
        f"https://apps.mypurecloud.com/directory/#/engage/admin/interactions/{ID}",
        f"https://apps.mypurecloud.com.au/directory/#/analytics/interactions/{ID}/timeline?x=1",
        f"https://apps.euw2.pure.cloud/directory/#/interaction/{ID}",
        f"https://apps.use2.us-gov-pure.cloud/x/{ID}",
        f"https://acme.mypurecloud.com/api/v2/conversations/{ID}/events",
        f"https://api.mypurecloud.ie/api/v2/conversations/messages/{ID}/communications/{OTHER}/messages",
        f"https://apps.mypurecloud.de/x?queueId={OTHER}&conversationId={ID}",
        f"https://apps.mypurecloud.de/#%2Finteractions%2F{ID}",
        f"apps.mypurecloud.com/directory/#/engage/interactions/{ID}",
        f"HTTPS://APPS.MYPURECLOUD.COM/directory/#/interactions/{ID}",
    ],
)
def test_conversation_id_is_found_bare_and_in_any_genesys_link(acme: Genesys, text: str) -> None:
    assert acme.conversation_id(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@bob",
        "escalation",
        ID[:-1],
        f"{ID}0",
        f"-{ID}",
        f"{ID} {OTHER}",
        f"../{ID}",
        ID.replace("a", "á"),
        KELVIN,
        f"https://evil.example/interactions/{ID}",
        f"https://mypurecloud.com.evil.example/interactions/{ID}",
        f"https://notmypurecloud.com/interactions/{ID}",
        f"https://apps.mypurecloud.com@evil.example/interactions/{ID}",
        f"https://apps.mypurecloud.com/interactions/{KELVIN}",
        f"ftp://apps.mypurecloud.com/interactions/{ID}",
        f"https://apps.mypurecloud.com/x/{ID}/{OTHER}",
        "https://apps.mypurecloud.com/directory/",
        f"https://[apps.mypurecloud.com/{ID}",
    ],
)
def test_what_is_no_conversation_id_or_genesys_link_is_none(acme: Genesys, text: str) -> None:
    assert acme.conversation_id(text) is None


def test_link_to_the_configured_host_counts_as_a_genesys_link(
    cloud: SimulatedGenesys, connect: Callable[..., Genesys]
) -> None:
    assert connect().conversation_id(f"{cloud.url}/interactions/{ID}") == ID


@pytest.mark.parametrize(
    "org_id", ["", "acme/evil", "acme.evil", "acme@evil", "a b", "acme#", "acme?x", "acme\n"]
)
def test_organisation_id_that_is_no_host_name_is_refused(org_id: str) -> None:
    with pytest.raises(ValueError, match="not a Genesys organisation id"):
        Genesys.events(org_id=org_id, client_id="c", client_secret="s")


def test_secrets_go_over_https_unless_the_host_is_this_machine() -> None:
    with pytest.raises(ValueError, match="https, or this machine"):
        Genesys.events(org_id="acme", client_id="c", client_secret="s", api_url="http://10.0.0.7:8080")

    Genesys.events(org_id="acme", client_id="c", client_secret="s", api_url="http://localhost:1/").close()
    Genesys.events(org_id="acme", client_id="c", client_secret="s", api_url="http://[::1]:1").close()
