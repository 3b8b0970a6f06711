from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.limits import faults
from bot.slack import blocks


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("R&D <b>", "R&amp;D &lt;b&gt;"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U1> <https://evil.example|bank>", "&lt;@U1&gt; &lt;https://evil.example|bank&gt;"),
        ("&lt;", "&amp;lt;"),
        ("abc\u202edcba", "abcdcba"),
        ("a\x00b\x1bc", "abc"),
        ("שלום 👩‍👩‍👧", "שלום 👩‍👩‍👧"),
    ],
)
def test_escaped_words_do_nothing_in_a_message(written: str, shown: str) -> None:
    assert blocks.escape(written) == shown


def test_plain_text_is_left_exactly_as_it_is() -> None:
    said = blocks.verbatim("<!channel> *x* :smile: &amp;")

    assert said == [
        {
            "type": "section",
            "text": {"type": "plain_text", "text": "<!channel> *x* :smile: &amp;", "emoji": False},
        }
    ]


@given(st.text(min_size=1), st.integers(min_value=2, max_value=40))
def test_pieces_put_together_are_the_text(text: str, limit: int) -> None:
    made = blocks.pieces(text, limit)

    assert all(1 <= blocks.size(piece) <= limit for piece in made)
    assert "".join("".join(made).split()) in ("".join(text.split()), "-")


def test_pieces_end_with_a_line_or_a_word() -> None:
    assert blocks.pieces("one two\nthree four", 12) == ["one two\n", "three four"]
    assert blocks.pieces("one two three", 9) == ["one two ", "three"]
    assert blocks.pieces("x" * 7, 3) == ["xxx", "xxx", "x"]


@pytest.mark.parametrize("text", ["x" * 20_000, "word " * 5_000, "שלום\n" * 4_000, "👩‍👩‍👧" * 4_000])
def test_a_text_of_any_length_fits_a_message_and_says_that_it_was_cut(text: str) -> None:
    shown = blocks.excerpt(text)

    assert faults(blocks.message("…", shown)) == []
    assert f"{len(text):,} characters" in shown[-1]["elements"][0]["text"]


def test_a_text_of_nine_thousand_characters_is_shown_whole() -> None:
    shown = blocks.excerpt("x" * 9_000)

    assert "".join(block["text"]["text"] for block in shown) == "x" * 9_000


def test_a_blank_text_is_still_a_block_that_slack_takes() -> None:
    assert faults(blocks.message("…", blocks.verbatim(" \n "))) == []


def test_a_line_cut_short_ends_with_an_ellipsis() -> None:
    assert blocks.short("one\ntwo  three", 9) == "one two…"
    assert blocks.short("one", 9) == "one"
    assert blocks.short(" ", 9) == "-"


def test_marks_that_a_form_does_not_render_become_quotes() -> None:
    assert blocks.unmarked("There is no `x`. Did you mean `y`?") == "There is no “x”. Did you mean “y”?"


def test_every_text_of_a_message_is_found() -> None:
    message = {
        "text": "one",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "two"}},
            {"type": "rich_text", "elements": [{"elements": [{"type": "link", "url": "three"}]}]},
        ],
        "attachments": [{"fallback": "four", "color": "five"}],
    }

    assert blocks.said_in(message) == ["one", "two", "three", "four"]
