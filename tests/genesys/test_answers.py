"""Answers are read for what they say, and for no more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from bot.genesys import NotFound
from bot.genesys.answers import Answer, names_what_is_missing, refusal, wait_asked

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _answer(status: int, body: str = "", **headers: str) -> Answer:
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer.of(response, NOON)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 12:00:30 -0000", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("999999999", 86_400),
        ("Mon, 23 Nov 2099 12:00:00 GMT", 86_400),
        (None, 5),
        ("", 5),
        ("-3", 5),
        ("soon", 5),
        ("Mon, 23 Nov 99999999999999999999 12:00:00 GMT", 5),
        ("nan", 5),
        ("inf", 5),
        ("٣", 5),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_else_is_five_seconds(
    header: str | None, seconds: float
) -> None:
    assert wait_asked(header, NOON) == seconds


@pytest.mark.parametrize("body", ["", "<html>", "[1]", '"text"', "null", "{", "[" * 200_000])
def test_success_without_a_json_object_is_no_clear_answer(body: str) -> None:
    answer = _answer(200, body)

    assert not answer.ok
    assert not answer.is_clear


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 429, 500, 502, 503, 504])
def test_status_that_says_neither_yes_nor_no_is_no_clear_answer(status: int) -> None:
    assert not _answer(status, "{}").is_clear


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415])
def test_refusal_is_a_clear_answer_whatever_its_body(status: int) -> None:
    assert _answer(status, "<html>").is_clear


def test_correlation_id_comes_from_the_header_or_else_from_the_body() -> None:
    assert _answer(500, '{"contextId": "b-1"}', ININ_Correlation_Id="h-1").correlation_id == "h-1"
    assert _answer(500, '{"contextId": "b-1"}').correlation_id == "b-1"
    assert _answer(500).correlation_id == ""


@pytest.mark.parametrize("odd", ["two words", "a\\nb", "x" * 65, "é"])
def test_what_is_not_a_plain_identifier_is_not_taken_for_one(odd: str) -> None:
    answer = _answer(400, f'{{"code": "{odd}", "contextId": "{odd}"}}')

    assert (answer.code, answer.correlation_id) == ("", "")


def _refused(status: int, body: str = "{}") -> str:
    answer = _answer(status, body, ININ_Correlation_Id="c-1")
    return str(refusal(answer, action="send messages", needs="the scope x:y", missing="No such thing."))


def test_forbidden_names_every_right_that_the_answer_names_and_who_grants_it() -> None:
    said = _refused(
        403,
        '{"code": "missing.any.permissions", "message": "Missing [conversation:message:create], '
        '[conversation:webmessaging:create]", "messageParams": {"p": "conversation:message:create"}}',
    )

    assert "it lacks conversation:message:create, conversation:webmessaging:create." in said
    assert "A Genesys administrator grants it" in said
    assert "c-1" in said


def test_forbidden_that_names_nothing_names_what_the_call_needs() -> None:
    assert "it probably lacks the scope x:y." in _refused(403)


def test_forbidden_by_division_says_so() -> None:
    assert "division" in _refused(403, '{"code": "missing.division.permission"}').partition("Nothing")[0]


def test_forbidden_by_a_policy_is_not_said_to_be_a_missing_right() -> None:
    said = _refused(403, '{"code": "authz.policy.denied", "message": "Denied. Policy ID(s): [p-1]"}')

    assert "A security policy of the organisation does not let this bot send messages." in said
    assert "lacks" not in said
    assert "c-1" in said


def test_forbidden_for_another_reason_is_not_taken_for_a_missing_right() -> None:
    assert not names_what_is_missing(_answer(403, '{"code": "not.authorized", "message": "Not in it."}'))
    assert names_what_is_missing(_answer(403, '{"code": "app.not.authorized.for.scope"}'))
    assert names_what_is_missing(_answer(403, '{"message": "needs user:read"}'))


def test_not_found_and_other_refusals_say_that_nothing_was_sent() -> None:
    assert isinstance(
        refusal(_answer(404), action="read", needs="x", missing="No such thing."),
        NotFound,
    )
    assert "(409 request.conflict). Nothing was sent." in _refused(409, '{"code": "request.conflict"}')


def test_vendor_words_that_may_quote_the_customer_are_not_passed_on() -> None:
    said = _refused(400, '{"code": "bad.request", "message": "My card number is 4111"}')

    assert "4111" not in said
