from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.grammar import ListResponses, Nonsense, OpenModal, SendTyped, Word, parse

ID = "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"
URL = f"https://apps.mypurecloud.com/directory/#/engage/admin/interactions/{ID}"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", OpenModal()),
        ("   ", OpenModal()),
        ("help", Word.HELP),
        ("HELP", Word.HELP),
        ("help me please", Word.HELP),
        ("?", Word.HELP),
        ("me", Word.ME),
        (" Me ", Word.ME),
        ("connect", Word.CONNECT),
        ("disconnect", Word.DISCONNECT),
        ("recent", Word.RECENT),
        ("undo", Word.UNDO),
        ("scheduled", Word.SCHEDULED),
        ("list", ListResponses()),
        ("list refund late", ListResponses("refund late")),
        ("List   refund \n late ", ListResponses("refund late")),
        ("list &lt;b&gt; &amp;amp;", ListResponses("<b> &amp;")),
        (ID, OpenModal(ID)),
        (f"  {ID}\n", OpenModal(ID)),
        (f"`{ID}`", OpenModal(ID)),
        (f"\u200b{ID}\ufeff", OpenModal(ID)),
        (URL, OpenModal(URL)),
        (f"<{URL}>", OpenModal(URL)),
        (f"<{URL}|{URL}>", OpenModal(URL)),
        (f"<{URL}?a=1&amp;b=2>", OpenModal(f"{URL}?a=1&b=2")),
        (f"<http://acme.pure.cloud/{ID}|acme.pure.cloud/{ID}>", OpenModal(f"acme.pure.cloud/{ID}")),
        (f"<{URL}|the chat with Bob>", OpenModal(URL)),
        ("<@U0BOB|bob>", OpenModal("@U0BOB")),
        ("<@U0BOB>", OpenModal("@U0BOB")),
        ("@bob", OpenModal("@bob")),
    ],
)  # fmt: skip
def test_words_and_lone_conversations_are_understood(typed: str, meant: object) -> None:
    assert parse(typed) == meant


@pytest.mark.parametrize(
    ("behind", "values"),
    [
        ("", {}),
        ("name=Ada", {"name": "Ada"}),
        ("name=Ada  order=12", {"name": "Ada", "order": "12"}),
        ("name=", {"name": ""}),
        ('name=""', {"name": ""}),
        ('name="" order=1', {"name": "", "order": "1"}),
        ('name="Grace Hopper"', {"name": "Grace Hopper"}),
        ("name='Grace Hopper'", {"name": "Grace Hopper"}),
        ("name=“Grace Hopper”", {"name": "Grace Hopper"}),
        ("name=‘Grace Hopper’", {"name": "Grace Hopper"}),
        ("name=„Grace Hopper“", {"name": "Grace Hopper"}),
        ("name=«Grace Hopper»", {"name": "Grace Hopper"}),
        ("name=”Grace Hopper”", {"name": "Grace Hopper"}),
        ('name="Grace Hopper”', {"name": "Grace Hopper"}),
        ("name=“Grace Hopper” order=“1 2”", {"name": "Grace Hopper", "order": "1 2"}),
        ('name="Grace\nHopper"', {"name": "Grace\nHopper"}),
        ("name=O'Brien", {"name": "O'Brien"}),
        ("name=O’Brien topic=it's", {"name": "O’Brien", "topic": "it's"}),
        ("name='tis", {"name": "'tis"}),
        ("name='tis order=1", {"name": "'tis", "order": "1"}),
        ("name='O'Brien'", {"name": "O'Brien"}),
        ("name=\"O'Brien, the 'boss'\"", {"name": "O'Brien, the 'boss'"}),
        ('topic="say “hi” now"', {"topic": "say “hi” now"}),
        ('topic="say "hi" now" order=1', {"topic": 'say "hi" now', "order": "1"}),
        ('size=5"', {"size": '5"'}),
        ("sum=1+1=2", {"sum": "1+1=2"}),
        ("topic=a=b", {"topic": "a=b"}),
        ("topic=R&amp;D", {"topic": "R&D"}),
        ("topic=&amp;lt;", {"topic": "&lt;"}),
        ("topic=&lt;https://x.example&gt;", {"topic": "<https://x.example>"}),
        ("topic=a&lt;b", {"topic": "a<b"}),
        ("see=<http://x.example|x.example>", {"see": "x.example"}),
        ("see=<https://x.example/a?b=1&amp;c=2>", {"see": "https://x.example/a?b=1&c=2"}),
        ("see=<https://x.example|our page>", {"see": "https://x.example"}),
        ("mail=<mailto:a@b.example|a@b.example>", {"mail": "a@b.example"}),
        ("who=<@U1|ann> where=<#C1|support>", {"who": "@ann", "where": "#support"}),
        ("who=<@U1>", {"who": "@U1"}),
        ("who=<!subteam^S1|@leads>", {"who": "@leads"}),
        ('topic="see <https://x.example|our page> now"', {"topic": "see https://x.example now"}),
        ("größe=42 名前=花子", {"größe": "42", "名前": "花子"}),
        ("first.name=Ada last-name=L", {"first.name": "Ada", "last-name": "L"}),
        ("who=👩‍👩‍👧", {"who": "👩‍👩‍👧"}),
        ("topic={{AGENT_NAME}}", {"topic": "{{AGENT_NAME}}"}),
        ("topic=$& other=\\1", {"topic": "$&", "other": "\\1"}),
    ],
)
def test_values_are_what_the_person_meant(behind: str, values: dict[str, str]) -> None:
    assert parse(f"{ID} greeting {behind}") == SendTyped(ID, "greeting", values)


@pytest.mark.parametrize("typed", ["lang=es", "LANG=es", 'lang="es"', "lang=es topic=x"])
def test_lang_is_the_language_and_no_value(typed: str) -> None:
    meant = parse(f"{ID} greeting {typed}")

    assert isinstance(meant, SendTyped)
    assert meant.language == "es"
    assert "lang" not in {name.casefold() for name in meant.values}


@pytest.mark.parametrize("key", ["escalation", "`escalation`", "“escalation”", "\u2066escalation\u2069"])
def test_a_pasted_key_loses_what_the_paste_brought_along(key: str) -> None:
    assert parse(f"{ID} {key}") == SendTyped(ID, "escalation")


def test_marks_of_direction_that_nobody_sees_stand_in_no_words_way() -> None:
    typed = f"\u200e{ID}\u200e \u200fgreeting \u200ftopic=tea \u2067name=Ada \u200fat 15:30"

    assert parse(typed) == SendTyped(ID, "greeting", {"topic": "tea", "name": "Ada"}, at="15:30")
    assert parse(f"{ID} \u200f") == OpenModal(ID)
    assert parse("\u200f<@U0BOB|bob> escalation") == SendTyped("@U0BOB", "escalation")


def test_a_person_stands_for_a_conversation_by_their_id() -> None:
    assert parse("<@U0BOB|bob> escalation") == SendTyped("@U0BOB", "escalation")
    assert parse("@bob escalation") == SendTyped("@bob", "escalation")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (f"{ID} greeting hello", "“hello” is not name=value"),
        (f"{ID} greeting name=Grace Hopper", "“Hopper” is not name=value"),
        (f'{ID} greeting topic="a" hello b="c"', "“hello” is not name=value"),
        (f"{ID} greeting name= Grace", "“Grace” is not name=value"),
        (f'{ID} greeting name="Grace Hopper', "never closed"),
        (f"{ID} greeting “Grace", "never closed"),
        (f"{ID} name=Ada", "The response is missing"),
        (f"{ID} at tomorrow 9:00", "The response is missing"),
        (f"{ID} greeting name=a name=b", "`name` is there twice"),
        (f"{ID} greeting lang=es Lang=fr", "`Lang` is there twice"),
        ("undo everything", "`undo` stands alone"),
        ("me too", "`me` stands alone"),
    ],
)
def test_nonsense_is_answered_with_what_to_type(typed: str, says: str) -> None:
    with pytest.raises(Nonsense, match=r"^[^\n]+$") as refused:
        parse(typed)

    assert says in str(refused.value)


@given(st.text(max_size=200))
def test_whatever_is_typed_is_understood_or_nonsense(text: str) -> None:
    with contextlib.suppress(Nonsense):
        parse(text)


@pytest.mark.parametrize(
    ("behind", "sends"),
    [
        ("escalation at 15:30", SendTyped(ID, "escalation", at="15:30")),
        ("escalation AT 3:30pm", SendTyped(ID, "escalation", at="3:30pm")),
        ("escalation at 3:30 pm", SendTyped(ID, "escalation", at="3:30 pm")),
        ("escalation at tomorrow 9:00", SendTyped(ID, "escalation", at="tomorrow 9:00")),
        ("escalation at 2026-12-01 09:00", SendTyped(ID, "escalation", at="2026-12-01 09:00")),
        (
            'greeting topic="at 15:30" lang=es at 9:05',
            SendTyped(ID, "greeting", {"topic": "at 15:30"}, "es", at="9:05"),
        ),
        ("greeting at=15:30", SendTyped(ID, "greeting", {"at": "15:30"})),
        ("greeting at=noon at 15:30", SendTyped(ID, "greeting", {"at": "noon"}, at="15:30")),
        ("at", SendTyped(ID, "at")),
        ("at at 15:30", SendTyped(ID, "at", at="15:30")),
        ("at topic=1", SendTyped(ID, "at", {"topic": "1"})),
    ],
)
def test_a_time_stands_last_behind_at(behind: str, sends: SendTyped) -> None:
    assert parse(f"{ID} {behind}") == sends


@pytest.mark.parametrize("behind", ["escalation at", "greeting at 15:30 topic=x", "greeting at topic=x"])
def test_at_without_a_last_time_is_refused_with_how_to_write_it(behind: str) -> None:
    with pytest.raises(Nonsense, match="`at` and a time come last, like `at 15:30`"):
        parse(f"{ID} {behind}")
