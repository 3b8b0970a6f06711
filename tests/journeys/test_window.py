"""The window: what it offers, what it shows of a conversation, and what it asks before a text leaves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from bot.canned.errors import NotAllowed
from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_view import View
from bot.slack import modal

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
THANKS = {"title": "Thanks", "text": "Thank you.", "languages": {"es": "Gracias.", "de": "Danke."}}
READ = "GET /api/v2/conversations/{id}"


def opened(sandbox: Sandbox, conversation: str | None = None) -> View:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {conversation or sandbox.conversation}", slack.channel)
    return window(sandbox)


def window(sandbox: Sandbox) -> View:
    """What Ann sees once everything has arrived."""
    sandbox.drain()
    assert sandbox.bot.parts.lanes.windows.wait_idle(10)
    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    return view


def choose(sandbox: Sandbox, response: str) -> View:
    sandbox.slack.choose(sandbox.slack.ann, "Response", response)
    return window(sandbox)


def submit(sandbox: Sandbox) -> View:
    sandbox.slack.submit(sandbox.slack.ann)
    return window(sandbox)


def preview(view: View) -> str:
    return view.text.partition("Preview")[2]


def offered(sandbox: Sandbox, typed: str = "") -> list[str]:
    return [each.value for each in sandbox.slack.search(sandbox.slack.ann, "Response", typed)]


def test_a_customer_whom_genesys_gives_no_name_is_said_to_have_none_where_the_text_needs_it(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {"hello": {"title": "Hello", "text": "Hello {{CUSTOMER_NAME}}."}}})
    sandbox.start()
    opened(sandbox, sandbox.genesys.start_chat("", agents=[sandbox.genesys.ann]))
    shown = preview(choose(sandbox, "hello"))

    assert "Genesys knows no CUSTOMER_NAME" in shown
    assert "fill it in" not in shown
    sandbox.slack.fill(sandbox.slack.ann, "Message", "Hello.")
    submit(sandbox)
    assert [sent.text for sent in sandbox.genesys.received] == ["Hello."]


# -- what is offered --------------------------------------------------------------------------


def test_what_was_sent_last_is_offered_first(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {key: {"title": key, "text": key} for key in ("one", "two", "three")}})
    sandbox.start()
    for response in ("two", "three"):
        line = f"/canned {sandbox.conversation} {response}"
        sandbox.slack.types(sandbox.slack.ann, line, sandbox.slack.channel)
        sandbox.drain()
    opened(sandbox)
    sandbox.genesys.fault("*", "hang", times=None, seconds=30)
    bare, typed = offered(sandbox), offered(sandbox, "thrre")
    sandbox.genesys.clear_faults()

    assert bare == ["three", "two", "one"]
    assert typed == ["three"]


@pytest.mark.parametrize("api", ["events"])  # Genesys has no part in it
def test_what_has_expired_is_offered_nowhere(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    old = {"title": "Season's greetings", "text": "Happy new year", "expires": "2020-01-31"}
    sandbox.configure({"responses": {"greetings": old, "greeting": {"title": "Hello", "text": "Hello"}}})
    sandbox.start()
    slack = sandbox.slack
    opened(sandbox)

    assert offered(sandbox) == ["greeting"]
    assert offered(sandbox, "happy") == []
    for line in ("list", f"{sandbox.conversation} greetins"):
        said = slack.types(slack.ann, f"/canned {line}", slack.channel).text
        assert "greeting" in said
        assert "greetings" not in said


# -- what is shown ----------------------------------------------------------------------------


def test_the_window_shows_whom_it_is_for_and_what_was_said(sandbox: Sandbox, api: str) -> None:
    sandbox.genesys.say(sandbox.conversation, sandbox.genesys.bob, "Let me see.", {})
    sandbox.clock.advance(minutes=1)
    sandbox.genesys.customer_writes(sandbox.conversation, "<!here> *Hurry*")
    sandbox.genesys.customer_writes(sandbox.conversation, "x" * 2000)
    sandbox.clock.advance(minutes=3)
    shown = opened(sandbox).text

    assert "Grace Hopper · Support EMEA" in shown
    assert "with Bob Ray" in shown
    said = [
        "Hello, my order has not arrived.",
        "Let me see.",
        "<!here> *Hurry*",
        "waits for an answer, 3 min",
    ]
    assert [text in shown for text in said] == [api == "platform"] * 4
    assert ("cannot be read here" in shown) == (api == "events")
    assert sandbox.slack.complaints == []


def test_what_is_shown_of_the_conversation_stays_while_genesys_is_asked_again(sandbox: Sandbox) -> None:
    opened(sandbox)
    held = sandbox.genesys.hold(READ)
    sandbox.slack.choose(sandbox.slack.ann, "Response", "escalation")
    assert held.arrived.wait(10)
    shown = sandbox.slack.open_view(sandbox.slack.ann)
    held.release()

    assert shown is not None
    assert "with Bob Ray" in shown.text
    assert ESCALATION in preview(window(sandbox))


def test_another_conversation_does_not_inherit_what_was_shown_of_the_last_one(sandbox: Sandbox) -> None:
    opened(sandbox)
    other = sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.ann], language="es")
    held = sandbox.genesys.hold(READ)
    sandbox.slack.fill(sandbox.slack.ann, "Conversation", other, enter=True)
    assert held.arrived.wait(10)
    between = sandbox.slack.open_view(sandbox.slack.ann)
    held.release()

    assert between is not None
    assert "Grace" not in between.text
    assert "Ada King" in window(sandbox).text


@pytest.mark.parametrize("language", ["es-MX", "fr", None])
def test_the_text_is_in_the_customers_language_and_the_preview_says_which(
    make_sandbox: Callable[..., Sandbox], language: str | None
) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {"thanks": THANKS}})
    sandbox.start()
    chat = sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.ann], language=language)
    opened(sandbox, chat)
    shown = choose(sandbox, "thanks")
    expected, why = {
        "es-MX": ("Gracias.", "In es: the customer's language is es-MX"),
        "fr": ("Thank you.", "The usual text: the customer's language is fr, and there is none in it"),
        None: ("Thank you.", "The usual text: the customer's language is not known"),
    }[language]

    assert shown.state["Message"] == expected
    assert expected in preview(shown)
    assert why in preview(shown).replace("`", "")
    assert ("Language" in shown.state) == (language is None)
    submit(sandbox)
    assert sandbox.genesys.customer_sees(chat) == [expected]


def test_what_the_customers_language_needs_gets_its_input(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    about = {"title": "About", "text": "Thank you.", "languages": {"es": "Gracias por {{tema}}."}}
    sandbox.configure({"responses": {"about": about}})
    sandbox.start()
    slack = sandbox.slack
    chat = sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.ann], language="es")
    slack.types(slack.ann, "/canned", slack.channel)
    window(sandbox)
    choose(sandbox, "about")
    slack.fill(slack.ann, "Conversation", chat, enter=True)
    assert "tema" in window(sandbox).state
    assert "still needs “tema”" in submit(sandbox).errors["tema"]
    slack.fill(slack.ann, "tema", "todo")
    submit(sandbox)

    assert sandbox.genesys.customer_sees(chat) == ["Gracias por todo."]


def test_a_language_that_is_not_known_can_be_chosen(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {"thanks": THANKS, "other": {"title": "Other", "text": "Other."}}})
    sandbox.start()
    opened(sandbox)
    choose(sandbox, "thanks")
    sandbox.slack.choose(sandbox.slack.ann, "Language", "de")
    shown = window(sandbox)
    assert shown.state["Language"] == "de"
    assert "Danke." in preview(shown)
    assert "as you chose" in preview(shown)
    assert "Language" not in choose(sandbox, "other").state
    assert choose(sandbox, "thanks").state["Language"] == "The usual text"
    sandbox.slack.choose(sandbox.slack.ann, "Language", "es")
    submit(sandbox)

    assert sandbox.genesys.customer_sees(sandbox.conversation) == ["Gracias."]


@pytest.mark.parametrize("spoken", ["es", None])
def test_a_language_that_was_chosen_stays_for_the_next_conversation_until_another_is(
    make_sandbox: Callable[..., Sandbox], spoken: str | None
) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {"thanks": THANKS}})
    sandbox.start()
    slack = sandbox.slack
    chat = sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.ann], language=spoken)
    opened(sandbox)
    choose(sandbox, "thanks")
    slack.choose(slack.ann, "Language", "de")
    window(sandbox)
    slack.fill(slack.ann, "Conversation", chat, enter=True)
    shown = window(sandbox)
    assert shown.state["Language"] == "de"
    assert "Danke." in preview(shown)

    submit(sandbox)
    assert sandbox.genesys.customer_sees(chat) == ["Danke."]


@pytest.mark.parametrize("later", [False, True], ids=["undo window", "scheduled"])
@pytest.mark.parametrize("editable", [True, False])
def test_a_text_that_changes_before_it_leaves_is_not_sent_unseen(
    make_sandbox: Callable[..., Sandbox], editable: bool, later: bool
) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "undo_seconds": 2}
    thanks = THANKS | {"editable": editable}
    sandbox.configure({"teams": [team], "responses": {"thanks": thanks}})
    sandbox.start()
    chat = sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.ann], language="es")
    opened(sandbox, chat)
    assert "Gracias." in preview(choose(sandbox, "thanks"))
    if later:
        slack.choose(slack.ann, "At", str(int(sandbox.clock().timestamp()) + 60))
    slack.submit(slack.ann)
    unseen = thanks | {"languages": {"es": "Nunca visto."}}
    sandbox.configure({"teams": [team], "responses": {"thanks": unseen}})
    if later:
        sandbox.clock.advance(seconds=61)
        sandbox.bot.sweep()
    shown = window(sandbox)

    assert sandbox.genesys.customer_sees(chat) == []
    assert "changed since you saw it" in (slack.direct_messages(slack.ann)[-1].said if later else shown.text)


def test_a_text_too_long_for_the_channel_is_said_at_once_and_refused_at_the_input(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    text = "{{topic}} " * 9
    sandbox.configure({"responses": {"often": {"title": "Often", "text": text.strip()}}})
    sandbox.start()
    slack = sandbox.slack
    opened(sandbox)
    choose(sandbox, "often")
    slack.fill(slack.ann, "topic", "x" * 500, enter=True)
    assert "4,508 of" in preview(window(sandbox))
    assert "too long" in preview(window(sandbox))
    assert "too long" in submit(sandbox).errors["Message"]
    slack.fill(slack.ann, "Message", f"{text}!")  # longer still
    assert "too long" in submit(sandbox).errors["Message"]
    slack.fill(slack.ann, "Message", "Too much")
    submit(sandbox)

    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == ["Too much"]


# -- what is asked before it leaves -----------------------------------------------------------


@pytest.fixture
def ready(sandbox: Sandbox) -> Sandbox:
    """The window is filled in, and shows everything."""
    opened(sandbox)
    choose(sandbox, "escalation")
    return sandbox


def handed_over(sandbox: Sandbox) -> str:
    genesys = sandbox.genesys
    cy = genesys.add_user("Cy Roe", "cy.roe@example.com")
    genesys.leave(sandbox.conversation, genesys.bob)
    genesys.join(sandbox.conversation, cy)
    return "Cy Roe is the agent now, so nothing was sent."


def left(sandbox: Sandbox) -> str:
    sandbox.genesys.leave(sandbox.conversation, sandbox.genesys.bob)
    return "The agent has left"


def moved(sandbox: Sandbox) -> str:
    sandbox.genesys.leave(sandbox.conversation, sandbox.genesys.bob)
    sandbox.genesys.join(sandbox.conversation, sandbox.genesys.bob, queue="Billing")
    return "It is in the queue Billing now"


@pytest.mark.parametrize("change", [handed_over, left, moved])
def test_what_has_changed_is_asked_about_and_goes_out_after_a_second_look(
    ready: Sandbox, change: Callable[[Sandbox], str]
) -> None:
    expected = change(ready)
    asked = submit(ready)
    assert expected in asked.text
    assert ready.genesys.received == []
    assert asked.submit == "Send anyway"
    assert ESCALATION in asked.text

    after = submit(ready)
    ready.slack.replay(3, at_once=True)
    ready.drain()
    assert "Sent" in after.text
    assert ready.genesys.customer_sees(ready.conversation) == [ESCALATION]
    assert [receipt.state for receipt in ready.receipts()] == [State.SENT, State.CANCELLED]
    assert ready.slack.complaints == []


def test_nothing_is_asked_where_nothing_has_changed(ready: Sandbox) -> None:
    genesys = ready.genesys
    genesys.reconnect(ready.conversation, genesys.bob)
    genesys.say(ready.conversation, genesys.bob, "One moment.", {})
    genesys.customer_connects(ready.conversation)
    genesys.forget()

    assert "Sent" in submit(ready).text
    sent = [each for each in genesys.requests if "/bulk" not in each.path]
    assert len(sent) == 2


def test_without_a_second_look_nothing_goes(ready: Sandbox) -> None:
    expected = handed_over(ready)
    submit(ready)
    ready.slack.close(ready.slack.ann)
    ready.clock.advance(minutes=10)
    ready.bot.sweep()
    ready.drain()

    assert ready.genesys.received == []
    [receipt] = ready.receipts()
    assert receipt.reason == f"{expected} Look again before you send it."
    [card] = ready.slack.messages(ready.slack.channel)
    assert expected in ready.slack.thread(ready.slack.channel, card.ts)[-1].said


def test_a_closed_window_leaves_the_question_to_a_note(ready: Sandbox) -> None:
    slack = ready.slack
    expected = handed_over(ready)
    hold = ready.genesys.hold(READ)
    slack.submit(slack.ann)
    slack.close(slack.ann)
    hold.release()
    ready.drain()
    assert ready.bot.parts.lanes.windows.wait_idle(10)
    note = slack.ephemerals(slack.ann)[-1]

    assert expected in note.said
    slack.press(slack.ann, "Send anyway", note)
    slack.press(slack.ann, "Send anyway", note)
    ready.drain()
    assert ready.genesys.customer_sees(ready.conversation) == [ESCALATION]


def test_nobody_else_answers_the_question_and_none_but_this_one(ready: Sandbox) -> None:
    handed_over(ready)
    draft, kind = modal.draft_of({"private_metadata": submit(ready).private_metadata})
    answer = partial(ready.bot.parts.desk.answer, draft, channel=ready.slack.channel)

    for user, asked in ((ready.slack.bob, kind), (ready.slack.ann, "again"), (ready.slack.ann, "team")):
        with pytest.raises(NotAllowed):
            answer(user, kind=asked)
    assert answer(ready.slack.ann, kind=kind).key == draft


def test_a_typed_command_is_sent_whatever_was_shown_elsewhere(ready: Sandbox) -> None:
    handed_over(ready)
    ready.slack.types(ready.slack.ann, f"/canned {ready.conversation} escalation", ready.slack.channel)
    ready.drain()

    assert ready.genesys.customer_sees(ready.conversation) == [ESCALATION]
