"""What an operator is told of responses that work and yet are not as they seem."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from textwrap import indent

import pytest

from bot.canned.catalog import Catalog, read
from bot.canned.responses import Response, Source
from bot.canned.reviewing import Review, review

TODAY = date(2026, 11, 25)
TEAM = "{name: Support, channel: C0123ABCD, supervisors: [U0123ABCD]%s}"
KEPT = Response("refund", "Refund", "Your money is on its way.", source=Source("r1", 1, {"l1": "Billing"}))


def of(responses: str, team: str = "", *kept: Response, complete: bool = True) -> Review:
    """The review of these lines below `responses:` and of responses kept in Genesys."""
    catalog = read(f"responses:\n{indent(responses, '  ')}\nteams:\n  - {TEAM % team}\n")
    both: Catalog = replace(catalog, responses={**catalog.responses, **{each.key: each for each in kept}})
    return review(both, today=TODAY, complete=complete)


def warnings(responses: str, team: str = "", *kept: Response) -> list[str]:
    found = of(responses, team, *kept)
    assert found.faults == ()
    return list(map(str, found.warnings))


ONE = "one: {title: One, text: First.}"


@pytest.mark.parametrize("name", ["customer_name", "CustomerName", "COSTUMER_NAME", "Customer.Nme"])
def test_a_name_like_one_of_genesys_own_is_probably_that(name: str) -> None:
    [told] = warnings(f"one:\n  title: One\n  text: 'Hello {{{{{name}|there}}}}'")

    assert told == (
        f"line 2: `one` asks for `{{{{{name}}}}}`, which Genesys does not know. "
        "Write `{{CUSTOMER_NAME}}`, if that is meant."
    )


@pytest.mark.parametrize("name", ["CUSTOMER_NAME", "AGENT_NAME", "topic", "name", "customer_id", "agent"])
def test_any_other_name_is_for_whoever_sends_to_fill_in(name: str) -> None:
    assert warnings(f"one: {{title: One, text: 'Hello {{{{{name}}}}}'}}") == []


def test_a_language_that_others_have_is_missed() -> None:
    told = warnings(
        ONE
        + "\ntwo: {title: Two, text: Second., languages: {es: Dos., pt_BR: Dois.}}"
        + "\nthree: {title: Three, text: Third., languages: {ES: Tres., pt: Três.}}"
    )

    assert [line.partition(",")[0] for line in told] == [
        "line 2: `one` has no text in es",
        "line 3: `two` has no text in pt",
    ]
    assert "pt-br, pt, which other responses have. Add it under `languages`" in told[0]


@pytest.mark.parametrize(("length", "count"), [(765, 0), (766, 1)])
def test_what_an_sms_does_not_take_is_said(length: int, count: int) -> None:
    told = warnings(f"one: {{title: One, text: Short., languages: {{es: {'x' * length}}}}}")

    assert len(told) == count
    assert all("`one` has 766 characters, which an SMS does not take." in line for line in told)


def test_a_variable_counts_as_what_stands_for_it() -> None:
    fallback = "y" * 20
    text = f"{'x' * 740}{{{{a_name_of_a_variable_that_is_long}}}}{{{{b|{fallback}}}}}"

    assert warnings(f"one: {{title: One, text: '{text}'}}") == []
    assert "has 766 characters" in warnings(f"one: {{title: One, text: 'zzzzzz{text}'}}")[0]


def test_the_same_title_and_the_same_text_are_told_with_both_lines() -> None:
    told = warnings("one: {title: Hello, text: 'Good day.'}\ntwo: {title: hello, text: 'Good  day.'}")

    assert [line.partition(". ")[0] for line in told] == [
        "line 3: `two` has the same title as `one` on line 2",
        "line 3: `two` has the same text as `one` on line 2",
    ]


def test_a_text_that_genesys_keeps_too_is_told() -> None:
    told = warnings(ONE, ", libraries: [Billing]", replace(KEPT, text="First."))

    assert told == [
        "“Refund” in the library Billing has the same text as `one` on line 2. "
        "Keep one of them, or say how they differ."
    ]


def test_what_no_team_sends_is_told() -> None:
    told = warnings(f"{ONE}\ntwo: {{title: Two, text: Second.}}", ', responses: ["o*"]')

    assert told == [
        "line 3: `two` belongs to no team, so nobody can send it. "
        "Add it to the `responses` of a team, or take it out."
    ]


@pytest.mark.parametrize(("day", "count"), [("2026-11-25", 0), ("2026-11-24", 1)])
def test_what_expired_yesterday_is_told(day: str, count: int) -> None:
    told = warnings(f"one: {{title: One, text: First., expires: {day}}}")

    assert len(told) == count
    assert all("line 2: `one` expired on 24 November 2026" in line for line in told)


def test_a_name_that_matches_nothing_is_a_fault_and_a_pattern_a_warning() -> None:
    team = ', libraries: [Billing], responses: [one, refnud, "old-*"]'
    found = of(ONE, team, KEPT)

    assert list(map(str, found.faults)) == ["line 4: Support has no response `refnud`. Write `refund`."]
    assert [str(each).partition(". ")[0] for each in found.warnings] == [
        "line 4: Support has no response `old-*`"
    ]
    assert of(ONE, team, complete=False) == Review((), ())


def test_a_response_of_another_teams_library_matches_nothing() -> None:
    found = of(ONE, ", libraries: [Shipping], responses: [one, refund]", KEPT)

    assert [fault.what for fault in found.faults] == ["Support has no response `refund`."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {{AGENT ALIAS}}", "has `{{AGENT ALIAS}}`, which is not a variable."),
        (" ", "has no text."),
        ("x" * 2001, "has 2,001 characters, which no channel takes."),
    ],
)
def test_what_genesys_keeps_and_nothing_can_carry_is_a_fault(text: str, said: str) -> None:
    [fault] = of(ONE, ", libraries: [Billing]", replace(KEPT, text=text)).faults

    assert str(fault).startswith(f"“Refund” in the library Billing {said}")


def test_a_kind_that_is_never_sent_is_not_looked_into() -> None:
    footer = replace(KEPT, text="x" * 2001, source=Source("r1", 1, {"l1": "Billing"}, "Footer"))

    assert of(ONE, ", libraries: [Billing]", footer) == Review((), ())
