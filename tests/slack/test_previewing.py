from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.canned.catalog import Response
from bot.canned.previews import Around, Line, Preview
from bot.sandbox.limits import faults
from bot.slack import form, modal, previewing

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
GRACE = Around(
    customer="Grace Hopper",
    queue="Support",
    agent="Bob Ray",
    channel="sms",
    ended=False,
    waits=3,
    messages=(Line("Grace Hopper", "Where is it?", AT),),
    note="",
    language="es",
    limit=765,
    seen={"message": "m1", "agent": "g2", "queue": "q1"},
)
NASTY = "*<!channel>* `x` \u202e שלום 👩‍👩‍👧 " + "&" * 3000
THANKS = Response("thanks", "Thanks", "Thank you.", languages={"es": "Gracias.", "pt-BR": "Obrigado."})
FILLED = form.Filled("T", "C1", conversation="c1", response="thanks")


def facts(known: Around) -> str:
    return str(previewing.around(known)[1]["text"]["text"])


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (GRACE, "*Grace Hopper* · Support · sms · with Bob Ray · waits for an answer, 3 min"),
        (replace(GRACE, waits=None, agent="you"), "*Grace Hopper* · Support · sms · with you"),
        (
            replace(GRACE, customer="", queue="", channel="", agent="", waits=0),
            "*Unknown customer* · with nobody yet · waits for an answer, 0 min",
        ),
        (
            replace(GRACE, waits=185),
            "*Grace Hopper* · Support · sms · with Bob Ray · waits for an answer, 3 h",
        ),
        (replace(GRACE, ended=True), "*Grace Hopper* · Support · sms · :checkered_flag: *ended*"),
    ],
)
def test_the_first_line_says_who_where_and_for_how_long(known: Around, said: str) -> None:
    assert facts(known) == said


def test_what_people_wrote_does_nothing_in_the_window() -> None:
    hostile = replace(GRACE, customer=NASTY, agent=NASTY, queue=NASTY, messages=(Line(NASTY, NASTY, AT),))
    said = previewing.around(hostile)[2]["elements"]

    assert "<" not in facts(hostile)
    assert "\u202e" not in facts(hostile)
    assert said[0]["text"].count("<") == 1  # the time
    assert said[1]["type"] == "plain_text"
    assert 290 < len(said[1]["text"]) <= 300


def test_slack_takes_the_fullest_window_and_gives_all_of_it_back() -> None:
    lines = tuple(Line(NASTY, NASTY, AT) for _ in range(5))
    seen = {"message": "m" * 36, "agent": "g" * 36, "queue": "q" * 100}
    known = replace(
        GRACE, customer=NASTY, queue=NASTY, agent=NASTY, messages=lines, note=NASTY, seen=seen, language=""
    )
    names = [f"variable{at}" for at in range(40)]
    text = " ".join(f"{{{{{name}}}}}" for name in names)
    response = Response("k" * 75, NASTY[:150], text, languages={f"l{at}": text for at in range(120)})
    filled = form.Filled("T" * 75, "C1", "c" * 3000, response.key, text, dict.fromkeys(names, NASTY[:3000]))
    preview = Preview(NASTY * 3, limit=2000, around=known)
    view = modal.window(filled, response, preview)
    asked = modal.again(NASTY, "draft", preview, kind=modal.ANYWAY)

    assert faults(view) == []
    assert faults(asked) == []
    assert form.read(view | {"state": {}}).looked is None  # nothing stands in Conversation
    back = form.read(view | {"state": {"values": {"conversation": {"c": {"value": "c" * 3000}}}}})
    assert back.looked == form.Looked(seen, "", 765)
    assert back.around == previewing.around(known)


def test_the_window_knows_nothing_any_more_once_another_conversation_is_typed() -> None:
    view = modal.window(FILLED, THANKS, Preview("Gracias.", around=GRACE))
    back = form.read(view | {"state": {"values": {"conversation": {"c": {"value": "c2"}}}}})

    assert (back.looked, back.around) == (None, ())


@pytest.mark.parametrize(
    ("asked", "spoken", "edited", "said"),
    [
        (None, "es-MX", False, "In `es`: the customer's language is `es-MX`"),
        ("pt-BR", "es", False, "In `pt-BR`, as you chose"),
        (None, "fr", False, "The usual text: the customer's language is `fr`, and there is none in it"),
        (None, "", False, "The usual text: the customer's language is not known"),
        (None, "es", True, "As you changed it, in whatever language"),
    ],
)
def test_the_language_is_said_and_why(asked: str | None, spoken: str, edited: bool, said: str) -> None:
    assert previewing.language_of(THANKS, asked=asked, spoken=spoken, edited=edited) == said


def test_of_a_language_nothing_is_said_where_there_is_no_choice() -> None:
    only = Response("thanks", "Thanks", "Thank you.")

    assert previewing.language_of(only, asked=None, spoken="", edited=False) == ""
    assert previewing.language_of(only, asked=None, spoken="", edited=True) == ""
