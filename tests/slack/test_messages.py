from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.canned.catalog import Response, Show
from bot.canned.desk import Me
from bot.models import Chat, Link, Post, PostKind, Receipt, SendAs, SendRequest, State
from bot.slack import approvals, carding, later, messages, questions
from bot.slack.blocks import escape

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REQUEST = SendRequest(
    key="5d1f9a52-7a06-5a3e-8f6a-3a1c6b1c0f00",
    team="Support EMEA",
    channel="C0SUPPORT",
    supervisor="U0ANN",
    conversation_id="a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890",
    response="escalation",
    send_as=SendAs.SELF,
    requested_at=NOW,
)
TEXT = "Thank you, <!channel> & *Grace*."


def receipt(state: State = State.SENT, **changes: Any) -> Receipt:
    return replace(Receipt(REQUEST, state, NOW, text=TEXT), **changes)


def post(state: State = State.SENT, reason: str = "", kind: PostKind = PostKind.REPLY) -> Post:
    return Post(1, REQUEST.key, kind, "C0SUPPORT", REQUEST.conversation_id, state, reason, NOW)


def said(message: dict[str, Any]) -> str:
    texts = [
        block.get("text") or block["elements"][0] for block in message["blocks"] if block["type"] != "actions"
    ]
    return "\n".join(text["text"] for text in texts)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.SENT, "*Sent*"),
        (State.REFUSED, "*Not sent*"),
        (State.UNSENT, "*Not sent*"),
        (State.CANCELLED, "*Not sent*"),
        (State.UNKNOWN, "*Unknown*"),
        (State.PENDING, "*Waiting*"),
        (State.SENDING, "*Sending*"),
    ],
)
def test_a_state_has_the_same_word_everywhere(state: State, word: str) -> None:
    ended = receipt(state)

    assert word in said(messages.outcome(ended))
    assert word in said(messages.card(ended))
    assert word in said(messages.reply(post(state), ended))
    assert word in said(messages.direct(post(state), ended))
    assert word in said(messages.recent([ended]))


def test_the_customers_text_is_shown_exactly_and_never_interpreted() -> None:
    [_, shown, *_] = messages.outcome(receipt())["blocks"]

    assert shown["text"] == {"type": "plain_text", "text": TEXT, "emoji": False}


def test_a_refused_edit_is_given_back() -> None:
    refused = receipt(State.REFUSED, text=None, request=replace(REQUEST, text="My own words"), reason="No.")

    assert "My own words" in said(messages.outcome(refused))


def test_the_reason_stands_in_the_place_of_the_general_advice() -> None:
    assert (
        said(messages.outcome(receipt(State.UNKNOWN, reason="It is <gone>."))).count("It is &lt;gone&gt;.")
        == 1
    )
    assert "Look into the conversation" in said(messages.outcome(receipt(State.UNKNOWN)))


@pytest.mark.parametrize(
    ("show", "title", "text"),
    [(Show.TEXT, True, True), (Show.TITLE, True, False), (Show.NOTHING, False, False)],
)
def test_the_thread_shows_what_the_team_wants_shown(show: Show, title: bool, text: bool) -> None:
    reply = said(messages.reply(post(), receipt(), show=show, title="Escalated"))

    assert ("Escalated" in reply) is title
    assert ("`escalation`" in reply) is title
    assert (TEXT in reply) is text
    assert ("Escalated" in said(messages.card(receipt(), show=show, title="Escalated"))) is title


def test_a_name_spares_the_mention_except_where_the_outcome_is_unknown() -> None:
    assert "<@U0ANN>" not in said(messages.reply(post(), receipt(), who="Ann Lee"))
    assert "<@U0ANN>" in said(messages.reply(post(), receipt()))
    assert "<@U0ANN>" in said(messages.reply(post(State.UNKNOWN), receipt(State.UNKNOWN), who="Ann Lee"))
    assert "<@U0ANN>" in said(messages.direct(post(State.UNKNOWN), receipt(State.UNKNOWN)))
    assert "<@U0ANN>" not in said(messages.direct(post(State.REFUSED), receipt(State.REFUSED)))


def test_the_thread_says_in_whose_name_it_went() -> None:
    by_agent = receipt(request=replace(REQUEST, send_as=SendAs.AGENT, by_operator=True))

    reply = said(messages.reply(post(), by_agent, who="Ann *Lee*"))

    assert "by an operator for *Ann ∗Lee∗*, as the agent." in reply


def test_a_card_says_until_when_genesys_makes_it_wait() -> None:
    waiting = receipt(State.SENDING, waiting_until=NOW + timedelta(seconds=20))

    assert "*Waiting* for Genesys until" in said(messages.card(waiting))


def test_a_held_send_says_how_to_take_it_back() -> None:
    held = replace(REQUEST, not_before=NOW + timedelta(seconds=5))

    assert "in 5 seconds; `/canned undo` takes it back" in messages.sending(held)["text"]
    assert "undo" not in messages.sending(REQUEST)["text"]


@pytest.mark.parametrize(
    "message",
    [
        messages.outcome(receipt()),
        messages.reply(post(), receipt()),
        messages.direct(post(State.UNKNOWN), receipt(State.UNKNOWN)),
        messages.card(receipt()),
        messages.recent([receipt(), receipt(State.REFUSED)]),
        messages.responses([Response("hi", "Greeting", "Hello"), Response("bye", "Parting", "Bye")], ""),
        messages.me(Me(None, True, ()), "U0ANN"),
        messages.help_text(),
        questions.question(receipt(State.PENDING), editable=True),
        approvals.question(receipt(State.PENDING), group="S0LEADS", show=Show.TEXT, title="", who="Ann"),
        later.scheduled([receipt(State.PENDING)]),
        later.taken_back(receipt()),
        carding.announced(Chat("C0SUPPORT", REQUEST.conversation_id, "Billing", NOW), {}),
    ],
    ids=lambda message: message["text"].partition("\n")[0][:30],
)
def test_a_screen_reader_which_is_given_the_text_alone_reads_all_that_the_blocks_say_once(
    message: dict[str, Any],
) -> None:
    for words in said(message).replace(TEXT, escape(TEXT)).splitlines():
        assert message["text"].count(words) == 1


def test_help_names_only_what_works() -> None:
    told = said(messages.help_text())

    assert all(f"/canned {word}" in told for word in ("list", "me", "recent", "undo", "scheduled"))
    assert not any(f"/canned {word}" in told for word in ("connect", "disconnect"))
    offered = said(messages.help_text(connects=True))
    assert all(f"/canned {word}" in offered for word in ("connect", "disconnect"))


def test_a_search_without_a_match_says_how_to_see_everything() -> None:
    assert "Nothing matches “refund”. `/canned list`" in messages.responses([], "refund")["text"]
    assert "no response that you may send" in messages.responses([], "")["text"]


def test_more_responses_than_a_message_holds_are_announced() -> None:
    found = [Response(f"key-{n}", f"Title {n}", "text") for n in range(messages.LISTED + 1)]

    assert "More than these match" in said(messages.responses(found, "key"))
    assert "More than these match" not in said(messages.responses(found[:-1], "key"))


def test_me_says_what_to_do_without_a_link() -> None:
    link = Link("U0ANN", "ann-id", "email", NOW, name="Ann Lee")

    assert "you are *Ann Lee* (`ann-id`, found by your e-mail address)" in said(
        messages.me(Me(link, True, ()), "U0ANN")
    )
    assert "looks you up by your e-mail" in said(messages.me(Me(None, True, ()), "U0ANN"))
    assert "canned users link U0ANN" in said(messages.me(Me(None, False, ()), "U0ANN"))
    assert "not a supervisor of any team" in said(messages.me(Me(None, False, ()), "U0ANN"))
