"""Responses that Genesys keeps stand beside those of canned.yml, also while Genesys is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.canned.catalog import Catalog, Response, Team
from bot.canned.errors import MissingValues, NotAllowed, TextRefused, UnknownResponse
from bot.canned.lanes import Lane
from bot.canned.library import EVERY, QUEUES_FOR, SOON, Libraries, template_of
from bot.canned.policy import may_be_sent, require_response
from bot.canned.render import render
from bot.genesys import Genesys, GenesysError
from bot.sandbox.genesys import SimulatedGenesys
from bot.storage import Store
from tests.clocks import Clock

OWN = Response("escalation", "Escalated", "Thank you.")
BILLING = Team("Billing", "C0BILL", ("U0ANN",), libraries=("billing",))
SHIPPING = Team("Shipping", "C0SHIP", ("U0ANN",), libraries=("Shipping",))
OTHER = Team("Other", "C0OTHER", ("U0ANN",))
QUERY = "POST /api/v2/responsemanagement/responses/query"
LIST = "GET /api/v2/responsemanagement/libraries"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> Iterator[SimulatedGenesys]:
    with SimulatedGenesys.demo(contract="platform", now=clock) as cloud:
        yield cloud


@pytest.fixture
def genesys(cloud: SimulatedGenesys, clock: Clock) -> Iterator[Genesys]:
    genesys = Genesys.platform(
        region="mypurecloud.ie",
        client_id=cloud.client_id,
        client_secret=cloud.client_secret,
        login_url=cloud.url,
        api_url=cloud.url,
        now=clock,
        sleep=lambda _: None,
    )
    yield genesys
    genesys.close()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/canned.db", now=clock, worker="one")
    store.upgrade()
    yield store
    store.close()


class Yaml:
    """canned.yml, as it stands at the moment."""

    def __init__(self) -> None:
        self.catalog = Catalog({"escalation": OWN}, (BILLING, SHIPPING, OTHER))

    def __call__(self) -> Catalog:
        return self.catalog


@pytest.fixture
def yaml() -> Yaml:
    return Yaml()


@pytest.fixture
def make(genesys: Genesys, store: Store, yaml: Yaml, clock: Clock) -> Callable[[], Libraries]:
    """The libraries as a process that starts now has them."""

    def make() -> Libraries:
        libraries = Libraries(genesys, store, yaml, now=clock)
        libraries.load()
        return libraries

    return make


@pytest.fixture
def libraries(make: Callable[[], Libraries]) -> Libraries:
    return make()


@pytest.fixture
def billing(cloud: SimulatedGenesys) -> str:
    return cloud.add_library("Billing")


@pytest.fixture
def shipping(cloud: SimulatedGenesys) -> str:
    return cloud.add_library("Shipping")


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("bulk", 1)
    yield lane
    assert lane.close(5)


def offered(libraries: Libraries, team: Team) -> list[str]:
    """The keys that this team finds."""
    today, found = datetime.now(UTC).date(), libraries.catalog().responses.values()
    return [each.key for each in found if may_be_sent([team], each, today)]


def filled(response: Response, **values: str) -> Callable[[str], str]:
    return lambda template: render(
        template, own={"CUSTOMER_NAME": "Grace"}, values=values, attributes={}, defaults=response.defaults
    )


# -- both sources -----------------------------------------------------------------------------


def test_a_team_finds_its_libraries_beside_canned_yml(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund is on its way", "Your refund …")
    cloud.add_response(shipping, "Parcel left", "Your parcel …")

    assert libraries.refresh() == []
    assert offered(libraries, BILLING) == ["escalation", "refund-is-on-its-way"]
    assert offered(libraries, SHIPPING) == ["escalation", "parcel-left"]
    assert offered(libraries, OTHER) == ["escalation"]


def test_another_teams_library_is_not_allowed(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Your refund …")
    libraries.refresh()

    with pytest.raises(NotAllowed, match="Shipping does not send `refund`"):
        require_response(libraries.catalog(), SHIPPING, "refund", datetime.now(UTC).date())
    with pytest.raises(UnknownResponse, match="`/canned list`"):  # nor is it told of
        require_response(libraries.catalog(), SHIPPING, "refnd", datetime.now(UTC).date())


def test_a_teams_patterns_hold_for_its_libraries_too(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    for name in ("Refund late", "Refund early", "Invoice"):
        cloud.add_response(billing, name, "Text.")
    libraries.refresh()

    assert offered(libraries, replace(BILLING, responses=("refund-*",))) == ["refund-early", "refund-late"]


def test_a_library_may_be_named_by_its_id(
    cloud: SimulatedGenesys, libraries: Libraries, yaml: Yaml, billing: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.")
    cloud.add_library("Billing")
    by_id = replace(BILLING, libraries=(billing.upper(),))

    yaml.catalog = replace(yaml.catalog, teams=(BILLING,))
    [ambiguous] = libraries.refresh()
    yaml.catalog = replace(yaml.catalog, teams=(by_id,))
    assert libraries.refresh() == []

    assert "2 libraries in Genesys are called billing" in ambiguous
    assert offered(libraries, by_id) == ["escalation", "refund"]


def test_default_values_and_plain_text_come_along(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    cloud.add_response(
        billing,
        "Refund",
        None,
        html="<p>Dear {{CUSTOMER_NAME}},</p><p>{{orderNumber}} &amp; {{due}}</p>",
        substitutions={"orderNumber": "your order", "due": None},
    )
    libraries.refresh()
    response = libraries.catalog().responses["refund"]

    assert response.editable
    with pytest.raises(MissingValues) as missing:
        filled(response)(response.text)
    assert missing.value.names == ("due",)
    assert filled(response, due="today")(response.text).split() == [
        *("Dear", "Grace,", "your", "order", "&", "today")
    ]


def test_canned_yml_wins_where_both_have_a_key(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Escalation", "Another text.")
    libraries.refresh()

    assert libraries.catalog().responses["escalation"] is OWN
    assert libraries.notes() == (
        "“Escalation” in the library Billing is hidden by `escalation` in canned.yml.",
    )


def test_two_of_one_name_take_their_librarys_name_into_the_key(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    for library, text in ((billing, "Money."), (shipping, "Parcel.")):
        cloud.add_response(library, "Refund!", text)
    cloud.add_response(shipping, "refund (billing)", "A third.")
    libraries.refresh()
    texts = {key: each.text for key, each in libraries.catalog().responses.items() if each.source}

    assert texts == {"refund-billing": "A third.", "refund-billing-2": "Money.", "refund-shipping": "Parcel."}
    assert sum("shares its name" in note for note in libraries.notes()) == 2


def test_a_response_in_two_libraries_is_one(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    response = cloud.add_response(billing, "Refund", "Text.")
    cloud.responses[response].library_ids = (billing, shipping)
    libraries.refresh()

    assert offered(libraries, BILLING) == offered(libraries, SHIPPING) == ["escalation", "refund"]
    assert libraries.notes() == ()


@pytest.mark.parametrize("name", ["  ¡Hola,\u202e señor!  ", "…", "a" * 300, "Danke /w. ß+1-"])
def test_any_name_makes_a_key_that_can_be_typed(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str, name: str
) -> None:
    from bot.slack.grammar import SendTyped, parse

    cloud.add_response(billing, name, "Text.")
    libraries.refresh()
    [key] = libraries.catalog().responses.keys() - {"escalation"}

    typed = parse(f"c1 {key}")
    assert isinstance(typed, SendTyped)
    assert typed.response == key
    assert 1 <= len(key) <= 75


# -- kinds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["Footer", "CampaignSmsTemplate", "CampaignEmailTemplate", "AppleInvitation"]
)
def test_kinds_that_cannot_be_sent_are_refused_by_name(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str, kind: str
) -> None:
    cloud.add_response(billing, "Odd one", "Text.", kind=kind)
    libraries.refresh()

    assert offered(libraries, BILLING) == ["escalation"]
    assert f"of the kind {kind}" in libraries.notes()[0]
    with pytest.raises(TextRefused, match=f"`odd-one` is of the kind {kind} in Genesys"):
        require_response(libraries.catalog(), BILLING, "odd-one", datetime.now(UTC).date())


@pytest.mark.parametrize("kind", ["MessagingTemplate", "Form"])
def test_a_template_is_sent_by_its_id_with_its_parameters_and_cannot_be_edited(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str, kind: str
) -> None:
    given = {"1": None, "2": "today", "CUSTOMER_NAME": None}
    response_id = cloud.add_response(billing, "Parcel", "", kind=kind, substitutions=given)
    libraries.refresh()
    response = require_response(libraries.catalog(), BILLING, "parcel", datetime.now(UTC).date())
    template = template_of(response, filled(response, **{"1": "Grace's"}))

    assert (response.text, response.editable) == ("Parcel", False)
    assert template is not None
    assert template.response_id == response_id
    assert dict(template.values) == {"1": "Grace's", "2": "today", "CUSTOMER_NAME": "Grace"}
    with pytest.raises(MissingValues):
        template_of(response, filled(response))


def test_a_standard_response_is_sent_as_text(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.", substitutions={"1": None})
    libraries.refresh()

    assert template_of(libraries.catalog().responses["refund"], filled(OWN)) is None


# -- fresh, and there while Genesys is away -----------------------------------------------------


def test_changes_in_genesys_arrive_and_what_is_gone_goes(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    kept, gone = (cloud.add_response(billing, name, "Old.") for name in ("Kept", "Gone"))
    libraries.refresh()
    before = libraries.catalog().responses["kept"].version
    cloud.edit_response(kept, "New.")
    del cloud.responses[gone]
    libraries.refresh()

    assert offered(libraries, BILLING) == ["escalation", "kept"]
    assert libraries.catalog().responses["kept"].text == "New."
    assert libraries.catalog().responses["kept"].version != before


def test_without_a_change_the_catalog_is_the_same_object(
    cloud: SimulatedGenesys, libraries: Libraries, clock: Clock, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.")
    libraries.refresh()
    before = libraries.catalog()
    clock.at += EVERY
    libraries.refresh()

    assert libraries.catalog() is before


def test_after_a_restart_with_genesys_away_everything_is_there(
    cloud: SimulatedGenesys, make: Callable[[], Libraries], billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.", substitutions={"n": "1"})
    first = make()
    first.refresh()
    cloud.fault("*", "status", status=503, times=100)
    again = make()

    assert again.catalog() == first.catalog()
    assert len(again.refresh()) == 1
    assert again.catalog() == first.catalog()


def test_a_library_that_cannot_be_read_stays_while_the_others_change(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    for library in (billing, shipping):
        cloud.add_response(library, f"In {library}", "Old.")
    libraries.refresh()
    for each in list(cloud.responses):
        cloud.edit_response(each, "New.")
    cloud.fault(QUERY, "status", status=403, times=1)
    [fault] = libraries.refresh()
    texts = {each.text for each in libraries.catalog().responses.values() if each.source}

    assert fault.startswith("The library Billing could not be read. ")
    assert texts == {"Old.", "New."}


def test_a_library_that_no_team_wants_any_more_is_forgotten(
    cloud: SimulatedGenesys, libraries: Libraries, store: Store, yaml: Yaml, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.")
    libraries.refresh()
    yaml.catalog = replace(yaml.catalog, teams=(OTHER,))
    libraries.refresh()

    assert list(libraries.catalog().responses) == ["escalation"]
    assert store.library_responses() == []


def test_a_library_that_is_not_there_is_named(libraries: Libraries, billing: str) -> None:
    assert [fault.partition(" in Genesys")[0] for fault in libraries.refresh()] == [
        "There is no response library Shipping"
    ]


def test_the_libraries_are_read_in_the_background_every_few_minutes(
    cloud: SimulatedGenesys, libraries: Libraries, clock: Clock, lane: Lane, billing: str, shipping: str
) -> None:
    def readings(by: timedelta) -> int:
        before = len(cloud.requests)
        clock.at += by
        libraries.refresh_soon(lane)
        assert lane.wait_idle(5)
        return sum(each.path.endswith("/libraries") for each in cloud.requests[before:])

    assert [readings(timedelta(0)), readings(SOON), readings(EVERY)] == [1, 0, 1]
    cloud.fault(QUERY, "status", status=500, times=200)
    assert [readings(EVERY), readings(SOON / 2), readings(SOON)] == [1, 0, 1]


def test_a_library_that_canned_yml_adds_is_read_at_once(
    cloud: SimulatedGenesys, libraries: Libraries, yaml: Yaml, lane: Lane, billing: str, shipping: str
) -> None:
    cloud.add_response(shipping, "Parcel", "Text.")
    yaml.catalog = replace(yaml.catalog, teams=(BILLING,))
    libraries.refresh_soon(lane)
    assert lane.wait_idle(5)
    yaml.catalog = replace(yaml.catalog, teams=(BILLING, SHIPPING))
    libraries.refresh_soon(lane)
    assert lane.wait_idle(5)

    assert "parcel" in libraries.catalog().responses


def test_without_libraries_genesys_is_not_asked(
    cloud: SimulatedGenesys, libraries: Libraries, yaml: Yaml, lane: Lane
) -> None:
    yaml.catalog = replace(yaml.catalog, teams=(OTHER,))
    libraries.refresh_soon(lane)

    assert lane.wait_idle(5)
    assert libraries.refresh() == []
    assert list(cloud.requests) == []


# -- queues -----------------------------------------------------------------------------------


def test_a_queue_decides_which_libraries_its_agents_use(
    cloud: SimulatedGenesys, libraries: Libraries, clock: Clock, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.")
    libraries.refresh()
    response = libraries.catalog().responses["refund"]
    queue = cloud.queue("Support EMEA")

    def may(mode: str, *ids: str) -> bool:
        clock.at += QUEUES_FOR
        queue.libraries_mode, queue.library_ids = mode, ids
        try:
            libraries.require_in_queue(response, queue.id)
        except NotAllowed:
            return False
        return True

    assert [may("All"), may("SelectedOnly", billing), may("SelectedOnly", shipping)] == [True, True, False]
    assert [may("All", shipping), may("None")] == [True, False]
    with pytest.raises(NotAllowed, match="The queue Support EMEA does not use the response library Billing"):
        libraries.require_in_queue(response, queue.id)
    libraries.require_in_queue(OWN, queue.id)
    libraries.require_in_queue(response, None)


def test_a_queue_is_asked_about_once_in_a_while_and_remembered_when_genesys_is_away(
    cloud: SimulatedGenesys, libraries: Libraries, clock: Clock, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.")
    libraries.refresh()
    response = libraries.catalog().responses["refund"]
    queue = cloud.queue("Support EMEA")
    queue.libraries_mode = "None"
    cloud.fault("GET /api/v2/routing/queues/{id}", "status", status=503, times=20)

    with pytest.raises(GenesysError):  # not known, and not guessed
        libraries.require_in_queue(response, queue.id)
    cloud.clear_faults()
    before = len(cloud.requests)
    for _ in range(3):
        with pytest.raises(NotAllowed):
            libraries.require_in_queue(response, queue.id)
    assert len(cloud.requests) == before + 1
    clock.at += QUEUES_FOR
    cloud.fault("GET /api/v2/routing/queues/{id}", "status", status=503, times=20)
    with pytest.raises(NotAllowed):
        libraries.require_in_queue(response, queue.id)


def test_a_queue_that_the_service_may_not_read_limits_nothing(
    cloud: SimulatedGenesys, libraries: Libraries, billing: str, shipping: str
) -> None:
    cloud.add_response(billing, "Refund", "Text.")
    libraries.refresh()
    queue = cloud.queue("Support EMEA")
    queue.libraries_mode = "None"
    cloud.permissions = cloud.permissions - {"routing:queue:view"}

    libraries.require_in_queue(libraries.catalog().responses["refund"], queue.id)
