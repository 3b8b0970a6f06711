"""canned.yml: what it means, and what each fault in it is told."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.canned.catalog import Catalog, CatalogError, CatalogFile, Fault, Limits, Response, Show, Team, read
from bot.models import SendAs

WHOLE = """\
responses:
  escalation:
    title: Escalated to a specialist
    text: |
      Thank you for your patience.
    languages: {es: "Gracias, {{name}}", pt-BR: Obrigado}
    editable: false
    approval: S0LEADS
    expires: 2027-01-31
  no:
    title: "No"
    text: Hello {{CUSTOMER_NAME|there}}
teams:
  - name: Support EMEA
    channel: C0123ABCD
    supervisors: [U0ANN, S0LEADS]
    send_as: agent
    queues: [Support EMEA]
    responses: ["esc*", "no"]
    libraries: [Billing]
    show: title
    undo_seconds: 5
    limits: {per_minute: 6, per_conversation: 1}
    announce: yes
identity: [email, operator, email]
retention_days: 30
"""

SMALL = """\
responses:
  hi:
    title: Hi
    text: Hi there
teams:
  - name: Support
    channel: C1
    supervisors: [U1]
"""


def example() -> str:
    return files("bot.canned").joinpath("example.yml").read_text(encoding="utf-8")


def faults(text: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        read(text)
    return [str(fault) for fault in caught.value.faults]


def with_response(line: str) -> list[str]:
    """Faults of the small catalog with `line` added to its response, as line 5."""
    return faults(SMALL.replace("    text: Hi there\n", f"    text: Hi there\n    {line}\n"))


def with_team(line: str) -> list[str]:
    """Faults of the small catalog with `line` added to its team, as line 9."""
    return faults(f"{SMALL}    {line}\n")


def with_text(text: str) -> list[str]:
    return faults(SMALL.replace("text: Hi there", f"text: {text}"))


# -- what it means --------------------------------------------------------------------------


def test_everything_written_is_read() -> None:
    catalog = read(WHOLE)

    assert catalog.responses["escalation"] == Response(
        key="escalation",
        title="Escalated to a specialist",
        text="Thank you for your patience.",
        languages={"es": "Gracias, {{name}}", "pt-BR": "Obrigado"},
        editable=False,
        approval="S0LEADS",
        expires=date(2027, 1, 31),
    )
    assert catalog.teams == (
        Team(
            name="Support EMEA",
            channel="C0123ABCD",
            supervisors=("U0ANN", "S0LEADS"),
            send_as=SendAs.AGENT,
            queues=("Support EMEA",),
            responses=("esc*", "no"),
            libraries=("Billing",),
            show=Show.TITLE,
            undo_seconds=5,
            limits=Limits(per_minute=6, per_conversation=1),
            announce=True,
        ),
    )
    assert catalog.identity == ("email", "operator")
    assert catalog.retention_days == 30


def test_what_is_left_out_has_its_default() -> None:
    catalog = read(SMALL)

    assert catalog == Catalog(
        responses={"hi": Response("hi", "Hi", "Hi there")},
        teams=(Team("Support", "C1", ("U1",), responses=("*",), limits=Limits(60, 10)),),
        identity=None,
        retention_days=90,
    )


def test_key_that_yaml_would_take_for_false_is_a_key() -> None:
    assert list(read(WHOLE).responses) == ["escalation", "no"]


def test_day_may_be_quoted() -> None:
    text = SMALL.replace("title: Hi", 'title: Hi\n    expires: "2027-01-31"')

    assert read(text).responses["hi"].expires == date(2027, 1, 31)


def test_a_comment_behind_a_value_is_no_part_of_it() -> None:
    assert read(SMALL.replace("Hi there", "Hi there  # said often")).responses["hi"].text == "Hi there"


def test_team_is_found_by_name_and_by_channel() -> None:
    catalog = read(SMALL)

    assert catalog.team("Support") is catalog.team_of_channel("C1") is catalog.teams[0]
    assert catalog.team("Sales") is catalog.team_of_channel("C2") is None


def test_team_allows_only_the_keys_it_names() -> None:
    team = Team("A", "C1", ("U1", "S1"), responses=("refund-*", "a.b"))

    assert [team.allows(key) for key in ("refund-late", "refund-", "a.b")] == [True, True, True]
    assert [team.allows(key) for key in ("refund", "my-refund-late", "axb", "a.b\n")] == [False] * 4
    assert Team("A", "C1", ("U1",)).allows("anything")
    assert team.groups == ("S1",)


def test_language_falls_back_to_its_base_and_then_to_the_text() -> None:
    response = Response("a", "A", "Hello", languages={"es": "Hola", "pt-BR": "Olá"})

    assert response.in_language("ES_mx") == ("Hola", "es")
    assert response.in_language("pt-br") == ("Olá", "pt-BR")
    assert response.in_language("pt") == response.in_language("fr") == ("Hello", None)
    assert response.in_language(None) == response.in_language("") == ("Hello", None)


def test_version_changes_with_what_is_said_and_only_then() -> None:
    response = Response("a", "A", "Hello", languages={"es": "Hola", "pt": "Olá"}, expires=date(2027, 1, 31))
    same = replace(response, languages={"pt": "Olá", "es": "Hola"})
    others = [
        replace(response, text="Hello!"),
        replace(response, languages={"es": "Hola"}),
        replace(response, approval="S1"),
        replace(response, defaults={"x": "y"}),
    ]

    assert same.version == response.version
    assert len({response.version, *(other.version for other in others)}) == 5


def test_texts_do_not_show_in_a_repr() -> None:
    assert "Hi there" not in repr(read(SMALL))


def test_example_is_without_fault_and_has_the_tutorials_text() -> None:
    catalog = read(example())

    escalated = "Thank you for your patience. Your request has been escalated to our specialist team."
    assert catalog.responses["escalation"].text == escalated
    assert "{{CUSTOMER_NAME|there}}" in catalog.responses["greeting"].text
    assert catalog.teams[0].undo_seconds == 5


def test_every_comment_of_the_example_that_holds_a_setting_can_be_switched_on() -> None:
    lines = example().splitlines()
    switched = [line.replace("# ", "", 1) if _is_setting(line) else line for line in lines]

    catalog = read("\n".join(switched))

    assert switched != lines
    assert catalog.responses["escalation"].approval == "S0123ABCD"
    assert catalog.teams[0].queues == ("Support",)
    assert catalog.identity == ("operator", "connect")


def _is_setting(line: str) -> bool:
    head, colon, _ = line.strip().removeprefix("# ").partition(": ")
    return line.strip().startswith("# ") and bool(colon) and head.replace("_", "").isalpha()


# -- what is told of a fault ----------------------------------------------------------------


def test_all_faults_come_at_once_in_the_order_of_their_lines() -> None:
    text = (
        SMALL.replace("title: Hi", "title: no").replace("C1", "support") + "    undo_seconds: -5\nextra: 1\n"
    )

    with pytest.raises(CatalogError) as caught:
        read(text)

    assert [fault.line for fault in caught.value.faults] == [3, 7, 9, 10]
    assert str(caught.value).startswith("canned.yml has 4 faults:\n  line 3: ")


def test_unknown_key_gets_the_one_that_was_meant() -> None:
    assert with_response("editible: true") == ["line 5: `editible` is not known in `hi`. Write `editable:`."]
    assert with_team("undo: 5") == ["line 9: `undo` is not known in `teams`. Write `undo_seconds:`."]
    [fault] = faults(SMALL + "zzz: 1\n")
    assert fault == (
        "line 9: `zzz` is not known in the file. Known here: responses, teams, identity, retention_days."
    )


def test_key_that_stands_twice_names_both_lines() -> None:
    assert with_response("title: Hello") == [
        "line 5: `title` stands here again, first on line 3. Keep one.",
    ]


def test_missing_keys_are_named_where_they_belong() -> None:
    assert faults("responses:\n  hi:\n    title: Hi\nteams:\n  - name: A\n") == [
        "line 2: `text:` must stand in `hi`. Add what is missing below this line.",
        "line 5: `channel:` and `supervisors:` must stand in `teams`. Add what is missing below this line.",
    ]
    assert faults("identity: [operator]\n") == [
        "line 1: `responses:` and `teams:` must stand in the file. Add what is missing below this line.",
    ]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("no", "true or false"),
        ("12:30", "a number"),
        ("42", "a number"),
        ("1.5", "a number"),
        ("2027-01-31", "a date"),
        ("2027-01-31 10:00:00", "a date"),
    ],
)
def test_text_that_yaml_reads_as_something_else_wants_quotes(written: str, read_as: str) -> None:
    [fault] = with_text(written)

    assert (
        fault
        == f'line 4: `text` is `{written}`, which YAML reads as {read_as}. Write "{written}", in quotes.'
    )


def test_text_that_is_no_text_is_told_what_it_is() -> None:
    assert with_text("{{topic}}") == ["line 4: `text` is a group of keys. Write one text, in quotes."]
    assert with_text("[a]") == ["line 4: `text` is a list. Write one text, in quotes."]
    assert with_text("") == ["line 4: `text` is empty. Write one text, in quotes."]
    assert with_text("!secret x") == [
        'line 4: `text` is `x`, which YAML reads as !secret. Write "x", in quotes.'
    ]


def test_text_must_not_be_empty_or_longer_than_a_message() -> None:
    assert with_text('"  "') == ["line 4: `text` is empty. Write its text."]
    assert with_text("x" * 2001) == ["line 4: `text` is 2001 characters long. Write at most 2000."]
    assert read(SMALL.replace("Hi there", "x" * 2000)).responses["hi"].text == "x" * 2000


def test_control_characters_written_as_escapes_are_no_part_of_a_text() -> None:
    response = read(SMALL.replace("Hi there", r'"Hi\0 the\er\r\n\tyou"')).responses["hi"]

    assert response.text == "Hi ther\n\tyou"
    assert with_text(r'"\0\a"') == ["line 4: `text` is empty. Write its text."]


def test_title_stays_on_one_line() -> None:
    text = SMALL.replace("title: Hi", "title: |\n      one\n      two")

    assert faults(text) == ["line 3: `title` has several lines. Write it on one line."]


def test_words_that_yaml_drops_as_a_comment_are_noticed() -> None:
    [fault] = with_text("Your order #42 is on its way")

    assert fault == (
        "line 4: YAML takes `#42 is on its way` for a comment and drops it. Put the whole text in quotes."
    )


def test_placeholder_that_is_none_is_shown() -> None:
    [fault] = with_text('"Hello {{two words}}"')
    assert fault.startswith(
        "line 4: `{{two words}}` in `text` is not a variable. A variable is written {{name}}"
    )
    [fault] = with_response('languages: {es: "Hola {{name"}')
    assert fault.startswith("line 5: `{{name` in `es` is not a variable.")


@pytest.mark.parametrize("key", ["two words", '"a=b"', "'\"'", "-x", "x" * 76, '""', "a*"])
def test_key_that_cannot_be_typed_is_a_fault(key: str) -> None:
    [fault] = faults(SMALL.replace("  hi:", f"  {key}:"))

    assert "cannot be typed as a response" in fault


def test_language_has_a_tag_and_only_one_text() -> None:
    [fault] = with_response("languages: {spanish!: Hola}")
    assert fault == "line 5: `spanish!` is not a language. Write its tag, like es or pt-BR."
    [fault] = with_response("languages: {pt-BR: Hola, pt_br: Hola}")
    assert fault == "line 5: `pt_br` stands here again, first on line 5. Each may stand once."


@pytest.mark.parametrize("written", ["2027-02-30", "31.01.2027", "2027-01-31 10:00:00", "soon", "2027", ""])
def test_expires_is_a_day_of_the_calendar(written: str) -> None:
    [fault] = with_response(f"expires: {written}")

    assert fault.startswith("line 5: `expires` is ")
    assert fault.endswith("Write a day of the calendar as year-month-day, like 2027-01-31.")


@pytest.mark.parametrize("written", ['"yes"', "maybe", "1", "[true]", ""])
def test_switch_is_true_or_false(written: str) -> None:
    [fault] = with_response(f"editable: {written}")

    assert fault.endswith("Write true or false, without quotes.")


@pytest.mark.parametrize("written", ["-5", "121", "2.5", '"5"', "0x10", "1_0", "010", "1:30", "9" * 5000, ""])
def test_number_is_whole_and_within_its_limits(written: str) -> None:
    [fault] = with_team(f"undo_seconds: {written}")

    assert fault.startswith("line 9: `undo_seconds` is ")
    assert fault.endswith("Write a whole number from 0 to 120, without quotes.")


@pytest.mark.parametrize("line", ["limits: {per_minute: 0}", "limits: {per_conversation: -1}"])
def test_limit_that_lets_nothing_through_is_a_fault(line: str) -> None:
    [fault] = with_team(line)

    assert fault.endswith("Write a whole number from 1 to 1000000, without quotes.")


def test_texts_are_kept_for_a_day_at_least() -> None:
    assert faults(SMALL + "retention_days: 0\n")[0].startswith("line 9: `retention_days` is `0`")


def test_words_to_choose_from_are_named() -> None:
    assert with_team("send_as: me") == ['line 9: `send_as` is "me". Write self or agent or system.']
    assert with_team("show: off") == [
        "line 9: `show` is `off`, which YAML reads as true or false. Write text or title or nothing."
    ]
    assert faults(SMALL + "identity: [operator, phone]\n") == [
        'line 9: `identity` is "phone". Write operator or email or connect.'
    ]


@pytest.mark.parametrize("channel", ['"#support"', "D0123ABCD", "c0123abcd", "U0ANN", "C"])
def test_channel_is_an_id_that_slack_gives(channel: str) -> None:
    [fault] = faults(SMALL.replace("C1", channel))

    assert fault.startswith("line 7: ")
    assert "Write the channel's id, like C0123ABCD" in fault


@pytest.mark.parametrize("who", ['"@ann"', "ann@example.com", "u0ann", "C1", "<@U1>"])
def test_supervisor_is_a_person_or_a_group_by_id(who: str) -> None:
    [fault] = faults(SMALL.replace("[U1]", f"[U1, W1, S1, {who}]"))

    assert fault.startswith("line 8: ")
    assert "member id, like U0123ABCD" in fault


def test_approval_is_a_group() -> None:
    assert "Write the id of a user group" in with_response("approval: U0ANN")[0]


def test_list_that_is_none_or_empty_is_shown_one() -> None:
    assert faults(SMALL.replace("[U1]", "U1")) == [
        'line 8: `supervisors` is "U1". Write a list in square brackets, like [U0123ABCD, S0123ABCD].'
    ]
    assert "`supervisors` is an empty list." in faults(SMALL.replace("[U1]", "[]"))[0]
    assert "`responses` is an empty list." in with_team("responses: []")[0]
    assert "`teams` is an empty list." in faults("responses: {}\nteams: []\n")[0]


def test_list_of_queues_may_be_empty() -> None:
    assert read(f"{SMALL}    queues: []\n").teams[0].queues == ()


def test_two_teams_have_neither_name_nor_channel_in_common() -> None:
    assert faults(f"{SMALL}  - {{name: support, channel: C1, supervisors: [U1]}}\n") == [
        "line 9: `support` stands here again, first on line 6. Each may stand once.",
        "line 9: `C1` stands here again, first on line 7. Each may stand once.",
    ]


def test_team_that_names_a_response_there_is_not_gets_the_one_it_meant() -> None:
    assert with_team("responses: [hii]") == ["line 9: There is no response `hii`. Write `hi`."]
    assert "Write a key that stands under" in with_team("responses: [qxzv]")[0]
    assert read(f"{SMALL}    responses: [from-the-library]\n    libraries: [Billing]\n").teams


def test_responses_may_all_come_from_libraries_but_not_from_nowhere() -> None:
    teams = "responses: {}\nteams:\n  - {name: A, channel: C1, supervisors: [U1]"

    assert read(f"{teams}, libraries: [Billing]}}").responses == {}
    assert faults(f"{teams}}}") == [
        "line 1: There is no response. Write one, or give a team `libraries`.",
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 0, "The file is empty."),
        ("# nothing yet\n", 0, "The file is empty."),
        ("- a\n", 1, "The file is a list."),
        ("hello\n", 1, 'The file is "hello".'),
        ("responses:\n\thi: 1\n", 2, "Indent with spaces, not with tabs."),
        ("a: 1\ntext: {{A}}, hello\n", 2, "a text goes in quotes"),
        ("a: 1\ntext: Hello: there\n", 2, "a text goes in quotes"),
        ("a: 1\ntext: @ann\n", 2, "a text goes in quotes"),
        ("a: 1\nb: 'x\nc: 2\nd: 3\n", 2, "This is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "take the line `---` out"),
        ("a: 1\nb: \x01\n", 2, "control character"),
        ("[" * 100_000, 1, "nested too deeply"),
        ("- " * 100_000, 1, "nested too deeply"),
        ("? [a]\n: b\nresponses: {}\nteams: []\n", 1, "a list stands where a key belongs."),
    ],
)
def test_what_is_not_such_a_file_at_all_is_told_so(text: str, line: int, said: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read(text)

    assert caught.value.faults[0].line == line
    assert said in str(caught.value.faults[0])


@settings(deadline=None, database=None)
@given(
    text=st.one_of(
        st.text(),
        st.text("{}[]:-#&*!|> '\"\n\tab1", max_size=60),
        st.lists(st.sampled_from(WHOLE.splitlines()), max_size=40).map("\n".join),
    )
)
def test_any_text_is_a_catalog_or_has_faults_with_sentences(text: str) -> None:
    told: tuple[Fault, ...] = ()
    try:
        catalog = read(text)
    except CatalogError as exc:
        told, catalog = exc.faults, None

    assert bool(told) == (catalog is None)
    assert all(fault.what.endswith(".") and fault.instead.endswith(".") for fault in told)


# -- the file -------------------------------------------------------------------------------


def test_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "canned.yml"
    path.write_text(SMALL, encoding="utf-8")
    file = CatalogFile(path)

    first = file.current()
    assert file.current() is first

    _rewrite(path, SMALL.replace("Hi there", "Hello there"))
    assert file.current().responses["hi"].text == "Hello there"


def test_faulty_change_keeps_the_last_good_one_until_it_is_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "canned.yml"
    path.write_text(SMALL, encoding="utf-8")
    file = CatalogFile(path)
    good = file.current()

    _rewrite(path, SMALL.replace("title: Hi", "titel: Hi"))
    with caplog.at_level(logging.WARNING):
        assert file.current() is file.current() is good
    assert [fault.line for fault in file.faults] == [2, 3]
    assert len(caplog.records) == 1
    assert "titel" in caplog.text

    _rewrite(path, SMALL)
    assert file.current() == good
    assert file.faults == ()


def test_file_that_vanishes_keeps_the_last_good_one_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "canned.yml"
    path.write_text(SMALL, encoding="utf-8")
    file = CatalogFile(path)
    good = file.current()

    path.unlink()
    with caplog.at_level(logging.WARNING):
        assert file.current() is file.current() is good

    assert "There is no" in str(file.faults[0])
    assert len(caplog.records) == 1


def test_file_that_was_never_good_is_refused_by_its_name_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ours.yml"
    file = CatalogFile(path)
    for _ in range(2):
        with pytest.raises(CatalogError, match=r"ours\.yml has a fault:\n  There is no .*canned init"):
            file.current()

    path.write_text("responses:\n", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"ours\.yml has 2 faults"):
        file.current()

    _rewrite(path, SMALL)
    assert file.current().teams


def test_path_that_is_no_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        CatalogFile(tmp_path).current()


def test_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "canned.yml"
    path.write_bytes(SMALL.replace("Hi there", "Grüße").encode("latin-1"))

    with pytest.raises(CatalogError) as caught:
        CatalogFile(path).current()

    assert caught.value.faults == (Fault(4, "This is not UTF-8.", "Save the file as UTF-8."),)


def test_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "canned.yml"
    path.write_bytes(SMALL.replace("\n", "\r\n").encode("utf-8-sig"))

    assert CatalogFile(path).current() == read(SMALL)


def _rewrite(path: Path, text: str) -> None:
    """Write `text` with a later time stamp, however fast the test runs."""
    later = path.stat().st_mtime_ns + 1_000_000_000
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(later, later))
