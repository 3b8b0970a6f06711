"""One pass over a canned text: what is filled in, by whose value, and what stops the send."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.canned.errors import CannedError, MissingValues, TextRefused
from bot.canned.render import OWN_NAMES, Variable, clean, malformed, render, variables

OWN = {"CUSTOMER_NAME": "Grace", "AGENT_NAME": "Bob"}

any_time = settings(deadline=None, database=None)  # the machine's speed proves nothing here
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True)
foreign_names = names.filter(lambda name: name not in OWN_NAMES)
nasty = st.sampled_from(
    ["{{AGENT_NAME}}", "{{topic|x}}", "$&", r"\1", r"\g<0>", "%s", "{0}", "}}", "{{", "\\"]
)
said = st.one_of(nasty, st.text(min_size=1)).filter(lambda value: bool(value.strip()))
plain = st.text().filter(lambda text: not set(text) & set("{}"))


def filled(
    template: str,
    own: Mapping[str, str] = OWN,
    values: Mapping[str, str] | None = None,
    attributes: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> str:
    return render(
        template, own=own, values=values or {}, attributes=attributes or {}, defaults=defaults or {}
    )


def test_greeting_is_filled_in() -> None:
    text = "Hello {{CUSTOMER_NAME|there}}, I am {{AGENT_NAME}}. How can I help with {{topic}}?"

    assert (
        filled(text, values={"topic": "a refund"}) == "Hello Grace, I am Bob. How can I help with a refund?"
    )


def test_sources_come_in_their_order() -> None:
    everywhere = {"values": {"x": "typed"}, "attributes": {"x": "attribute"}, "defaults": {"x": "default"}}
    got = []
    for source in ("values", "attributes", "defaults"):
        got.append(filled("{{x|fallback}}", **everywhere))
        del everywhere[source]
    got.append(filled("{{x|fallback}}"))

    assert got == ["typed", "attribute", "default", "fallback"]


def test_a_blank_value_counts_as_none() -> None:
    assert filled("{{x}}", values={"x": " "}, attributes={"x": ""}, defaults={"x": "default"}) == "default"
    assert filled("Hello {{CUSTOMER_NAME|there}}", own={"CUSTOMER_NAME": ""}) == "Hello there"


def test_an_empty_fallback_makes_a_variable_optional() -> None:
    assert filled("Hello{{x|}}!") == "Hello!"


def test_white_space_inside_the_braces_does_not_count() -> None:
    assert filled("{{ x }} {{ y | you }}", values={"x": "1"}) == "1 you"


def test_every_missing_variable_is_named_once() -> None:
    with pytest.raises(MissingValues) as caught:
        filled("{{b}} {{a}} {{b}} {{c|fallback}} {{AGENT_NAME}}")

    assert caught.value.names == ("b", "a")
    assert caught.value.field == "message"


def test_a_name_that_genesys_does_not_know_cannot_be_typed_instead() -> None:
    theirs = {"CUSTOMER_NAME": "Mallory"}

    with pytest.raises(MissingValues, match=r"no `CUSTOMER_NAME` .* without it .* another") as caught:
        filled("{{CUSTOMER_NAME}} {{topic}}", own={}, values=theirs, attributes=theirs)
    assert "CUSTOMER_NAME=" not in str(caught.value)
    assert caught.value.names == ()  # nothing that there could be an input for


@pytest.mark.parametrize(
    ("template", "piece"),
    [
        ("Hello {{topic", "{{topic"),
        ("Hello topic}}", "Hello topic}}"),
        ("{{}}", "{{}}"),
        ("{{two words}}", "{{two words}}"),
        ("{{a|{{b}}}}", "{{a|{{b}}}}"),
        ("{{{topic}}}", "{{{topic}}}"),
        ("{{a}}{{b}}}", "{{b}}}"),
    ],
)
def test_double_braces_that_are_no_variable_stop_the_send(template: str, piece: str) -> None:
    assert malformed(template) == piece
    with pytest.raises(TextRefused, match="double braces that are no variable") as refused:
        filled(template, values={"a": "1", "b": "2", "topic": "3"})
    assert piece not in str(refused.value)  # the team reads this sentence


def test_control_characters_and_halves_of_characters_are_cleaned_away() -> None:
    assert clean("a\x00b\x1b[31m\tc\nd\ud83d é 😀") == "ab[31m\tc\nd\ufffd é 😀"


def test_single_braces_are_text() -> None:
    assert filled("{x} { } }{") == "{x} { } }{"


def test_variables_are_listed_once_and_need_a_value_if_they_do_anywhere() -> None:
    text = "{{a}} {{b|x}} {{a|y}} {{b|z}} {{c|}}"

    assert variables(text) == (Variable("a", None), Variable("b", "x"), Variable("c", ""))
    assert variables("{{a|y}} {{a}}") == (Variable("a", None),)


@any_time
@given(pieces=st.lists(st.tuples(plain, foreign_names)), values=st.data())
def test_values_arrive_exactly_as_they_are_whatever_they_hold(
    pieces: list[tuple[str, str]], values: st.DataObject
) -> None:
    given_values = {name: values.draw(said) for _, name in pieces}
    template = "".join(f"{text}{{{{{name}}}}}" for text, name in pieces)

    assert filled(template, values=given_values) == "".join(
        text + given_values[name] for text, name in pieces
    )


@any_time
@given(customer=said, agent=said)
def test_nobodys_name_is_read_as_a_variable(customer: str, agent: str) -> None:
    own = {"CUSTOMER_NAME": customer, "AGENT_NAME": agent}

    assert filled("{{CUSTOMER_NAME}}, {{AGENT_NAME}}", own=own) == f"{customer}, {agent}"


@any_time
@given(others=st.dictionaries(st.one_of(st.sampled_from(sorted(OWN_NAMES)), names), said))
def test_genesys_own_names_cannot_be_overridden(others: dict[str, str]) -> None:
    text = "{{CUSTOMER_NAME}} {{AGENT_NAME|x}}"

    assert filled(text, values=others, attributes=others, defaults=others) == "Grace Bob"


@any_time
@given(text=plain)
def test_a_text_without_variables_stays_as_it_is(text: str) -> None:
    assert filled(text) == text


@any_time
@given(
    template=st.text(alphabet="{}|ab \n."),
    values=st.dictionaries(st.sampled_from(["a", "b", "ab"]), st.text("xyz", min_size=1)),
)
def test_no_template_lets_a_placeholder_through(template: str, values: dict[str, str]) -> None:
    try:
        text = filled(template, values=values)
    except CannedError:
        return

    assert "{{" not in text
    assert "}}" not in text
