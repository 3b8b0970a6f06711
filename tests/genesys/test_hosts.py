"""A region is named by domain or by name, and nothing else becomes a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.genesys import REGIONS, Genesys
from bot.genesys.hosts import domain_of
from bot.sandbox.genesys import PLATFORM_CHAT


def test_there_are_eighteen_regions_each_with_a_domain_of_its_own() -> None:
    assert len(REGIONS) == len(set(REGIONS.values())) == 18


@pytest.mark.parametrize(
    "region", ["eu_west_1", "mypurecloud.ie", " MyPureCloud.ie ", "EU-West-1", "eu-west-1"]
)
def test_region_is_known_by_domain_and_by_name(region: str) -> None:
    assert domain_of(region) == "mypurecloud.ie"


@pytest.mark.parametrize("region", ["", "mypurecloud.it", "eu_west_9", "https://mypurecloud.ie", "evil.com"])
def test_wrong_region_is_answered_with_the_right_ones(region: str) -> None:
    with pytest.raises(ValueError, match=r"There are: mypurecloud\.com \(us_east_1\), use2") as wrong:
        Genesys.platform(region=region, client_id="c", client_secret="s")

    assert all(domain in str(wrong.value) for domain in REGIONS.values())


@pytest.mark.parametrize("url", ["http://api.mypurecloud.ie", "ftp://localhost", "mypurecloud.ie"])
def test_address_that_would_show_tokens_on_their_way_is_refused(
    connect_public: Callable[..., Genesys], url: str
) -> None:
    with pytest.raises(ValueError, match="is not the address of a Genesys host"):
        connect_public(api_url=url)


@pytest.mark.parametrize("domain", REGIONS.values())
def test_page_of_a_conversation_is_in_its_region_and_leads_back_to_its_id(domain: str) -> None:
    genesys = Genesys.platform(region=domain, client_id="c", client_secret="s")

    page = genesys.page(PLATFORM_CHAT)

    assert page == f"https://apps.{domain}/directory/#/engage/admin/interactions/{PLATFORM_CHAT}"
    assert genesys.conversation_id(page) == PLATFORM_CHAT
    assert genesys.conversation_id(page.replace(PLATFORM_CHAT, PLATFORM_CHAT.upper())) == PLATFORM_CHAT
    genesys.close()


def test_ids_are_hexadecimal_on_the_platform(connect_public: Callable[..., Genesys]) -> None:
    genesys = connect_public()

    assert genesys.conversation_id("a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8") is None
    assert genesys.conversation_id(PLATFORM_CHAT.upper()) == PLATFORM_CHAT
