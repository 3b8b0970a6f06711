"""Nothing is sent unless everything speaks for it, and every refusal says how to go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.canned.catalog import Catalog, Response, Team
from bot.canned.errors import CannedError, NotAllowed, TextRefused, UnknownResponse, WhichTeam
from bot.canned.policy import require_response, require_team, require_template, teams_of

ANN, GROUP = "U0ANN", "S0LEADS"
TODAY = date(2026, 6, 1)
OWN, SPANISH, EDITED = "Thank you.", "Gracias.", "Thank you, Grace."
# What a person can do now: choose, write, look, or whom to ask.
WAY_OUT = re.compile(
    r"Did you mean|`/canned list`|can (add|allow)|Choose |[Aa]sk whoever|Write |only as it stands|it has|\?$"
)
SENTENCE = re.compile(r"[A-Z`].*[.?]", re.DOTALL)

EMEA = Team("Support EMEA", "C0EMEA", (ANN,), responses=("esc*",))
BILLING = Team("Billing", "C0BILL", (ANN, GROUP))
STRANGE = Team("Sales", "C0SALES", ("U0BOB",))
RESPONSE = Response("escalation", "Escalated", OWN, languages={"es": SPANISH})


def catalog(*teams: Team, **responses: Response) -> Catalog:
    return Catalog(responses or {"escalation": RESPONSE}, teams)


def nobody(_: str) -> bool:
    return False


def refusal(refused: pytest.ExceptionInfo[CannedError]) -> str:
    sentence = str(refused.value)
    assert SENTENCE.fullmatch(sentence), sentence
    assert WAY_OUT.search(sentence), f"says what happened, but not what to do next: {sentence}"
    return sentence


# -- all of it together -----------------------------------------------------------------------

SPEAKS_FOR_IT: Mapping[str, tuple[dict[str, Any], ...]] = {
    "listed": ({"supervisors": (ANN,)}, {"supervisors": ("U0BOB",)}),
    "in a channel of theirs": ({"channel": EMEA.channel}, {"channel": STRANGE.channel}),
    "known response": ({"key": "escalation"}, {"key": "escalaton"}),
    "allowed to the team": ({"responses": ("esc*",)}, {"responses": ("greeting",)}),
    "not expired": ({"expires": TODAY}, {"expires": TODAY - timedelta(days=1)}),
    "language there": ({"asked": "es"}, {"asked": "fr"}),
    "editable or not edited": ({"editable": True}, {"editable": False}),
    "some text": ({"edited": EDITED}, {"edited": " \n"}),
}
ROWS = [dict(zip(SPEAKS_FOR_IT, row, strict=True)) for row in product((0, 1), repeat=len(SPEAKS_FOR_IT))]


def text_to_send(row: Mapping[str, int]) -> str:
    given: dict[str, Any] = {}
    for name, which in row.items():
        given |= SPEAKS_FOR_IT[name][which]
    team = replace(EMEA, supervisors=given["supervisors"], responses=given["responses"])
    response = replace(RESPONSE, expires=given["expires"], editable=given["editable"])
    says = catalog(team, STRANGE, escalation=response)
    acts = require_team(says, ANN, given["channel"], nobody)
    found = require_response(says, acts, given["key"], TODAY)
    return require_template(found, edited=given["edited"], asked=given["asked"])


def answer(row: Mapping[str, int]) -> str | CannedError:
    try:
        return text_to_send(row)
    except CannedError as exc:
        return exc


def test_send_passes_in_exactly_the_one_row_where_everything_speaks_for_it() -> None:
    answers = [(row, answer(row)) for row in ROWS]
    passed = [(row, text) for row, text in answers if isinstance(text, str)]

    assert len(answers) == 2 ** len(SPEAKS_FOR_IT)
    assert passed == [(dict.fromkeys(SPEAKS_FOR_IT, 0), EDITED)]
    assert all(SENTENCE.fullmatch(str(said)) for _, said in answers)


@pytest.mark.parametrize("against", SPEAKS_FOR_IT)
def test_one_thing_against_it_is_refused_with_what_to_do_next(against: str) -> None:
    with pytest.raises(CannedError) as refused:
        text_to_send({name: int(name == against) for name in SPEAKS_FOR_IT})

    assert refusal(refused)


# -- whose team -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("supervisors", "in_group", "listed"),
    [
        ((ANN,), False, True),
        ((ANN, GROUP), None, True),
        ((GROUP,), True, True),
        ((GROUP,), False, False),
        ((GROUP,), None, False),
        (("U0BOB",), True, False),
        ((), True, False),
    ],
)
def test_supervisor_is_listed_by_name_or_by_a_group_they_are_known_to_be_in(
    supervisors: tuple[str, ...], in_group: bool | None, listed: bool
) -> None:
    team = replace(EMEA, supervisors=supervisors)

    assert teams_of(catalog(team), ANN, lambda _: in_group) == ([team] if listed else [])


def test_groups_are_asked_for_by_id_and_people_never() -> None:
    asked: list[str] = []
    team = replace(EMEA, supervisors=("U0BOB", "S0ONE", "W0EVE", "S0TWO"))
    teams_of(catalog(team), ANN, lambda group: bool(asked.append(group)))

    assert asked == ["S0ONE", "S0TWO"]


@pytest.mark.parametrize(
    ("channel", "name", "team"),
    [
        ("C0EMEA", None, EMEA),
        ("C0BILL", None, BILLING),
        ("C0BILL", "Support EMEA", EMEA),
        ("C0SALES", "Billing", BILLING),
        ("D0ANY", "Billing", BILLING),
        ("", "Billing", BILLING),
    ],
)
def test_named_team_comes_before_the_channel(channel: str, name: str | None, team: Team) -> None:
    assert require_team(catalog(EMEA, BILLING, STRANGE), ANN, channel, nobody, name=name) == team


@pytest.mark.parametrize("channel", ["C0ELSE", "D0ANN", ""])
def test_only_team_is_meant_where_the_channel_belongs_to_none(channel: str) -> None:
    assert require_team(catalog(EMEA, STRANGE), ANN, channel, nobody) == EMEA


def test_several_teams_are_asked_about_where_the_channel_belongs_to_none() -> None:
    with pytest.raises(WhichTeam) as asked:
        require_team(catalog(EMEA, STRANGE, BILLING), ANN, "C0ELSE", nobody)

    assert asked.value.teams == ("Support EMEA", "Billing")
    assert refusal(asked).endswith("?")


@pytest.mark.parametrize(
    ("channel", "name", "sentence"),
    [
        ("C0SALES", None, "You are not a supervisor of Sales, whose channel this is."),
        ("C0EMEA", "Sales", "You are not a supervisor of Sales."),
        ("C0EMEA", "Nowhere", "There is no team Nowhere in canned.yml any more, so nothing was sent."),
        ("C0EMEA", "", "There is no team  in canned.yml any more"),
    ],
)
def test_team_of_others_is_refused_even_to_supervisors_of_another(
    channel: str, name: str | None, sentence: str
) -> None:
    with pytest.raises(NotAllowed) as refused:
        require_team(catalog(EMEA, STRANGE), ANN, channel, nobody, name=name)

    assert refusal(refused).startswith(sentence)


def test_person_on_no_team_is_told_who_can_add_them() -> None:
    with pytest.raises(NotAllowed) as refused:
        require_team(catalog(STRANGE), ANN, "C0ELSE", nobody)

    assert "canned.yml can add you" in refusal(refused)


# -- which response ---------------------------------------------------------------------------


def test_unknown_response_gets_the_nearest_of_those_the_team_may_send() -> None:
    keys = ("escalation", "escalating", "escape", "closing")
    says = catalog(EMEA, **{key: replace(RESPONSE, key=key) for key in keys})
    with pytest.raises(UnknownResponse) as refused:
        require_response(says, replace(EMEA, responses=("escalation", "closing")), "escalaton", TODAY)

    assert refused.value.nearest == ("escalation",)
    assert refusal(refused) == "There is no `escalaton`. Did you mean `escalation`?"


@given(expires=st.none() | st.dates(), today=st.dates())
def test_response_may_be_sent_up_to_and_on_its_last_day(expires: date | None, today: date) -> None:
    response = replace(RESPONSE, expires=expires)
    says = catalog(EMEA, escalation=response)
    if expires is None or today <= expires:
        assert require_response(says, EMEA, "escalation", today) == response
    else:
        with pytest.raises(TextRefused) as refused:
            require_response(says, EMEA, "escalation", today)
        assert refused.value.field == "response"


# -- which text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "spoken", "text"),
    [
        (None, None, OWN),
        (None, "es", SPANISH),
        (None, "es-MX", SPANISH),
        (None, "fr", OWN),
        ("es", None, SPANISH),
        ("ES_mx", "fr", SPANISH),
        ("", "es", SPANISH),
    ],
)
def test_language_is_the_one_asked_for_else_the_customers(
    asked: str | None, spoken: str | None, text: str
) -> None:
    assert require_template(RESPONSE, edited=None, asked=asked, spoken=spoken) == text


@pytest.mark.parametrize(
    ("languages", "has"),
    [({"es": SPANISH, "de": "Danke."}, "`es`, `de`"), ({}, "one text for all languages")],
)
@pytest.mark.parametrize("asked", ["fr", f"es-{'x' * 33}"])  # the second is longer than any tag is
def test_language_asked_for_that_there_is_not_is_refused_with_those_there_are(
    languages: Mapping[str, str], has: str, asked: str
) -> None:
    response = replace(RESPONSE, languages=languages)
    with pytest.raises(TextRefused) as refused:
        require_template(response, edited=None, asked=asked, spoken="es")

    assert refusal(refused) == f"`escalation` has no text in `{asked}`; it has {has}."
    assert refused.value.field == "response"


EDITS = st.none() | st.sampled_from(["", " ", OWN, f"\n{OWN} ", SPANISH]) | st.text(max_size=20)


@given(edited=EDITS, spoken=st.sampled_from([None, "es", "fr"]), editable=st.booleans())
def test_text_is_the_responses_own_or_an_edit_where_that_is_allowed(
    edited: str | None, spoken: str | None, editable: bool
) -> None:
    own = SPANISH if spoken == "es" else OWN
    response = replace(RESPONSE, editable=editable)
    if edited is None or edited.strip() == own:
        assert require_template(response, edited=edited, asked=None, spoken=spoken) == own
    elif editable and edited.strip():
        assert require_template(response, edited=edited, asked=None, spoken=spoken) == edited
    else:
        with pytest.raises(TextRefused) as refused:
            require_template(response, edited=edited, asked=None, spoken=spoken)
        assert refused.value.field == "message"


@pytest.mark.parametrize("editable", [True, False])
def test_text_sent_back_unchanged_is_no_edit(editable: bool) -> None:
    response = replace(RESPONSE, editable=editable)

    assert require_template(response, edited=f" {OWN}\n", asked=None) == OWN


def test_translation_is_an_edit_of_a_locked_text_like_any_other() -> None:
    with pytest.raises(TextRefused) as refused:
        require_template(replace(RESPONSE, editable=False), edited=SPANISH, asked=None)

    assert "is fixed" in refusal(refused)
