"""The error tree is whole, and every error is a sentence with its place."""

from __future__ import annotations

import pkgutil
import re
from datetime import UTC, datetime
from importlib import import_module

import pytest

import bot.canned
from bot.canned import errors
from bot.canned.catalog import CatalogError
from bot.canned.errors import CannedError
from bot.canned.yaml_nodes import Fault
from bot.models import Pause


def _subclasses(of: type) -> set[type]:
    return {of} | {each for one in of.__subclasses__() for each in _subclasses(one)}


def _tree() -> set[type]:
    """Every CannedError that a module of this package defines."""
    for module in pkgutil.iter_modules(bot.canned.__path__, "bot.canned."):
        import_module(module.name)
    return {one for one in _subclasses(CannedError) if one.__module__.startswith("bot.canned.")}


def test_error_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn, above = {}, ["CannedError"]
    for branch, name in re.findall(r"^    ([│├└─ ]*)(\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(branch) // 4
        above[depth:] = [name]
        drawn[name] = above[depth - 1] if depth else "Exception"

    assert drawn == {one.__name__: one.__mro__[1].__name__ for one in _tree()}


def test_every_exception_of_the_module_hangs_in_the_tree() -> None:
    classes = {one for one in vars(errors).values() if isinstance(one, type)}

    assert {one for one in classes if issubclass(one, Exception)} <= _tree()


EXAMPLES = [
    (errors.BadInput("No.", field="message"), "message"),
    (errors.UnknownResponse("x", []), "response"),
    (errors.NotAConversation("No."), "conversation"),
    (errors.MissingValues(["topic"]), "message"),
    (errors.TextRefused("No."), "message"),
    (errors.TextRefused("No.", field="response"), "response"),
    (errors.NotAllowed("No."), ""),
    (errors.NotLinked("No."), ""),
    (errors.AskFirst("Again?", draft="d1"), ""),
    (errors.WhichTeam("Which?", draft="d1", teams=["A", "B"]), ""),
    (errors.Changed("Look again.", seen={}), ""),
    (errors.OverLimit("No."), ""),
    (errors.NotWritten("No."), ""),
    (errors.ConnectFirst("Sign in."), ""),
    (errors.NotConnectedHere("No."), ""),
    (errors.Paused(Pause("Support", datetime(2026, 3, 1, tzinfo=UTC), "operator")), ""),
    (errors.NotInIt("You are not in it."), ""),
    (CatalogError([Fault(1, "This is wrong.", "Write that.")]), ""),
    (errors.Later("Later."), ""),
    (errors.SlackDown("Later."), ""),
]


@pytest.mark.parametrize(("error", "field"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_each_error_names_the_input_it_belongs_to(error: CannedError, field: str) -> None:
    assert error.field == field
    assert error.correlation_id == ""
    assert str(error)


def test_every_error_that_is_raised_has_an_example_here() -> None:
    abstract = {CannedError, errors.Asked}

    assert {type(error) for error, _ in EXAMPLES} == _tree() - abstract


@pytest.mark.parametrize(
    ("near", "sentence"),
    [
        ([], "There is no `escalaton`. `/canned list` shows what you can send here."),
        (["escalation"], "There is no `escalaton`. Did you mean `escalation`?"),
        (["a", "b"], "There is no `escalaton`. Did you mean `a` or `b`?"),
        (["a", "b", "c"], "There is no `escalaton`. Did you mean `a`, `b` or `c`?"),
    ],
)
def test_unknown_response_offers_what_is_near(near: list[str], sentence: str) -> None:
    error = errors.UnknownResponse("escalaton", near)

    assert str(error) == sentence
    assert error.nearest == tuple(near)


def test_missing_values_are_all_named_with_how_to_give_one() -> None:
    error = errors.MissingValues(["topic", "agent"])

    assert "`topic`, `agent`" in str(error)
    assert "`topic=…`" in str(error)
    assert error.names == ("topic", "agent")


def test_question_carries_its_draft_and_what_to_choose_from() -> None:
    error = errors.WhichTeam("Which?", draft="d1", teams=["A", "B"])

    assert (error.draft, error.teams) == ("d1", ("A", "B"))
    assert errors.AskFirst("Again?", draft="d2").draft == "d2"


def test_what_may_be_tried_again_says_after_how_many_seconds() -> None:
    assert errors.Later("Later.").retry_after > 0
    assert errors.SlackDown("Later.", retry_after=30).retry_after == 30
