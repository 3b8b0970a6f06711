"""Finding a response by what a hurried supervisor types."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.canned.catalog import Response
from bot.canned.search import Search, matching, nearest

RESPONSES = [
    Response("greeting", "Greeting by name", "Hello, how can I help?"),
    Response("refund-late", "Refund is delayed by the bank", "Your refund takes three more days."),
    Response("escalation", "Escalated to a specialist", "Thank you for your patience."),
    Response("refund", "Refund on its way", "We have paid it back.", languages={"es": "Su reembolso"}),
    Response("goodbye", "Closing words", "Was the refund all you needed? Café hours: nine to five."),
]


def found(words: str, *, not_allowed: tuple[str, ...] = (), limit: int = 100) -> list[str]:
    hits = Search(RESPONSES).find(words, allowed=lambda r: r.key not in not_allowed, limit=limit)
    return [response.key for response in hits]


def test_without_words_all_come_in_their_order() -> None:
    assert found("  ") == ["greeting", "refund-late", "escalation", "refund", "goodbye"]


def test_keys_come_before_titles_and_titles_before_texts() -> None:
    assert found("re") == ["refund-late", "refund", "greeting", "goodbye"]
    assert found("refund") == ["refund-late", "refund", "goodbye"]


def test_every_word_has_to_be_there_in_any_order_and_case() -> None:
    assert found("BANK refund") == ["refund-late"]


def test_language_variants_are_searched() -> None:
    assert found("reembolso") == ["refund"]


def test_only_what_is_allowed_is_found_and_no_more_than_asked_for() -> None:
    assert found("refund", not_allowed=("refund-late",)) == ["refund", "goodbye"]
    assert found("", limit=2) == ["greeting", "refund-late"]


@pytest.mark.parametrize("typed", ["escalaton", "Esclation", "escalaed", "specialst", "escalation!!"])
def test_slips_of_the_finger_are_forgiven(typed: str) -> None:
    assert found(typed) == ["escalation"]


def test_of_misspelt_words_those_with_most_in_common_come_first() -> None:
    assert found("refnud delayd") == ["refund-late", "refund"]
    assert found("refnud dela", not_allowed=("refund-late",)) == ["refund"]


def test_what_resembles_nothing_finds_nothing() -> None:
    assert found("qxzv") == []
    assert found("???") == []
    assert found("qxzv wvvk jjqz refnud") == []


def test_a_long_paste_is_cut_to_its_first_words() -> None:
    assert found("refund " * 8 + "qxzv " * 5000) == ["refund-late", "refund", "goodbye"]


def test_unknown_key_gets_at_most_three_that_look_like_it() -> None:
    keys = ["greeting", "escalation", "escalation-2", "escalated", "de-escalation"]

    assert nearest("escalaton", keys, 3) == ["escalation", "escalation-2", "de-escalation"]
    assert nearest("Escalation", keys, 2) == ["escalation", "escalation-2"]
    assert nearest("escalaton", ["greeting", "escalation"], 3) == ["escalation"]


def test_abbreviated_key_is_recognised() -> None:
    assert nearest("esc", ["greeting", "escalation"], 3) == ["escalation"]


def test_key_like_no_other_gets_no_suggestion() -> None:
    assert nearest("qxzv", ["greeting", "escalation"], 3) == []
    assert nearest("", ["greeting"], 3) == []


def test_rapidfuzz_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, bot.canned.catalog, bot.canned.search; sys.exit('rapidfuzz' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("grace", [0]),
        ("HOPPER sms", [0]),
        ("support", [0, 1]),
        ("hoper", [0]),
        ("grace support", [0]),
        ("grace king", []),
        ("zebra", []),
        ("", [0, 1]),
    ],
)
def test_names_are_found_by_all_the_words_or_by_words_like_them(words: str, at: list[int]) -> None:
    names = ["Grace Hopper Support sms", "Ada King Support whatsapp"]

    assert list(matching(words, names)) == at
