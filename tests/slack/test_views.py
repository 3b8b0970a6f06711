from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_view import View
from tests.waiting import until

READ = "GET /api/v2/conversations/{id}"
ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."


def opened(sandbox: Sandbox, conversation: str = "{conversation}") -> None:
    slack = sandbox.slack
    line = f"/canned {conversation}".replace("{conversation}", sandbox.conversation).strip()
    slack.types(slack.ann, line, slack.channel)
    sandbox.drain()


def window(sandbox: Sandbox) -> View:
    settled(sandbox)
    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    return view


def settled(sandbox: Sandbox) -> None:
    """Everything is said, in the window too, which hears of an outcome a moment after it."""
    sandbox.drain()
    assert sandbox.bot.parts.lanes.windows.wait_idle(10)


def wait_for_text(sandbox: Sandbox, text: str) -> None:
    """For what is shown while something else is still held."""
    until(lambda: (view := sandbox.slack.open_view(sandbox.slack.ann)) and text in view.text)


def choose(sandbox: Sandbox, response: str) -> View:
    sandbox.slack.choose(sandbox.slack.ann, "Response", response)
    return window(sandbox)


def fill(sandbox: Sandbox, label: str, text: str, *, enter: bool = False) -> View:
    sandbox.slack.fill(sandbox.slack.ann, label, text, enter=enter)
    return window(sandbox)


def preview(view: View) -> str:
    """What stands in the window from the preview's heading on."""
    return view.text.partition("Preview")[2]


def test_what_the_preview_shows_is_what_the_customer_gets(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "greeting")
    shown = fill(sandbox, "topic", "your order", enter=True)
    expected = "Hello Grace Hopper, I am Ann Lee. How can I help with your order?"

    assert expected in preview(shown)
    sandbox.slack.submit(sandbox.slack.ann)
    assert "Sent" in window(sandbox).text
    assert [sent.text for sent in sandbox.genesys.received] == [expected]


def test_a_text_that_has_changed_since_it_was_shown_does_not_go(sandbox: Sandbox) -> None:
    opened(sandbox)
    assert ESCALATION in preview(choose(sandbox, "escalation"))
    changed = {"title": "Escalated", "text": "Your refund is on its way."}
    sandbox.configure({"responses": {"escalation": changed}})
    sandbox.slack.submit(sandbox.slack.ann)

    assert "has changed" in window(sandbox).errors["Response"]
    assert "Press “Refresh”" in window(sandbox).errors["Response"]
    assert sandbox.receipts() == []
    sandbox.slack.press(sandbox.slack.ann, "Refresh")
    assert "Your refund" in preview(window(sandbox))
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.drain()
    assert [sent.text for sent in sandbox.genesys.received] == ["Your refund is on its way."]


def test_a_submission_shows_that_it_works_and_then_the_outcome_in_the_same_window(sandbox: Sandbox) -> None:
    opened(sandbox)
    before = choose(sandbox, "escalation")
    hold = sandbox.genesys.hold(READ)
    sandbox.slack.submit(sandbox.slack.ann)
    working = sandbox.slack.open_view(sandbox.slack.ann)

    assert working is not None
    assert "Sending" in working.text
    hold.release()
    after = window(sandbox)
    assert after.id == before.id
    assert "Sent" in after.text
    assert ESCALATION in after.text


def test_an_outcome_faster_than_slack_is_not_hidden_by_working(sandbox: Sandbox) -> None:
    sandbox.slack.ack_lag = 0.2
    opened(sandbox)
    choose(sandbox, "escalation")
    sandbox.slack.submit(sandbox.slack.ann)

    assert "Sent" in window(sandbox).text


def test_a_closed_window_leaves_the_outcome_to_a_note(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "escalation")
    hold = sandbox.genesys.hold(READ)
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.slack.close(sandbox.slack.ann)
    hold.release()
    settled(sandbox)

    assert sandbox.slack.open_view(sandbox.slack.ann) is None
    assert "Sent" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said


def test_message_holds_the_text_of_the_response_just_chosen(sandbox: Sandbox) -> None:
    opened(sandbox)

    assert ESCALATION in choose(sandbox, "escalation").text
    shown = choose(sandbox, "greeting")
    assert "I am {{AGENT_NAME}}" in shown.text
    assert ESCALATION not in shown.text


def test_an_edited_message_goes_out_as_edited(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "escalation")

    assert "We are on it, Grace Hopper." in preview(
        fill(sandbox, "Message", "We are on it, {{CUSTOMER_NAME}}.", enter=True)
    )
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.drain()
    assert sandbox.genesys.received[0].text == "We are on it, Grace Hopper."
    assert [receipt.request.edited for receipt in sandbox.receipts()] == [True]


def test_a_fixed_response_goes_out_as_it_stands(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    fixed = {"title": "Fixed words", "text": "As it stands.", "editable": False}
    sandbox.configure({"responses": {"fixed": fixed}})
    sandbox.start()
    opened(sandbox)
    choose(sandbox, "fixed")

    with pytest.raises(LookupError):
        sandbox.slack.fill(sandbox.slack.ann, "Message", "Something else")
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.drain()
    assert sandbox.genesys.received[0].text == "As it stands."


def test_typing_goes_on_while_genesys_hangs(sandbox: Sandbox) -> None:
    opened(sandbox)
    hold = sandbox.genesys.hold(READ)
    sandbox.slack.choose(sandbox.slack.ann, "Response", "escalation")
    assert hold.arrived.wait(5)

    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    assert ESCALATION in view.text
    assert "Reading the conversation" in view.text
    sandbox.slack.fill(sandbox.slack.ann, "Message", "My own words")
    hold.release()
    assert "My own words" in window(sandbox).text


def test_a_slow_preview_does_not_bring_back_a_response_that_was_left(sandbox: Sandbox) -> None:
    opened(sandbox)
    hold = sandbox.genesys.hold(READ)
    sandbox.slack.choose(sandbox.slack.ann, "Response", "escalation")
    assert hold.arrived.wait(5)
    sandbox.slack.choose(sandbox.slack.ann, "Response", "greeting")
    wait_for_text(sandbox, "fill it in above")
    hold.release()

    assert "I am {{AGENT_NAME}}" in window(sandbox).text
    assert ESCALATION not in window(sandbox).text


def test_what_the_window_does_not_show_does_not_go(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    sandbox.configure({"responses": {key: {"title": key, "text": f"Text {key}."} for key in ("one", "two")}})
    sandbox.start()
    opened(sandbox)
    slack = sandbox.slack
    hold = slack.hold("POST /api/views.update")
    slack.choose(slack.ann, "Response", "one")
    assert hold.arrived.wait(5)
    slack.choose(slack.ann, "Response", "two")
    wait_for_text(sandbox, "Text two.")
    hold.release()
    stale = window(sandbox)
    assert "Text one." in preview(stale)
    assert stale.state["Response"] == "two"

    slack.submit(slack.ann)
    assert "still shows the text of “one”" in window(sandbox).errors["Response"]
    assert sandbox.receipts() == []
    slack.press(slack.ann, "Refresh")
    assert "Text two." in preview(window(sandbox))
    slack.submit(slack.ann)
    sandbox.drain()
    assert [sent.text for sent in sandbox.genesys.received] == ["Text two."]


def test_words_typed_before_the_window_shows_the_response_are_not_dropped_for_its_own(
    sandbox: Sandbox,
) -> None:
    opened(sandbox)
    slack = sandbox.slack
    slack.fill(slack.ann, "Message", "My own words.")
    hold = slack.hold("POST /api/views.update")
    slack.choose(slack.ann, "Response", "escalation")
    assert hold.arrived.wait(5)
    slack.submit(slack.ann)
    shown = slack.open_view(slack.ann)
    assert shown is not None
    said = shown.errors["Response"]
    hold.release()
    window(sandbox)

    assert sandbox.receipts() == []
    assert "does not show the text of “escalation” yet" in said


def test_the_preview_says_why_there_is_none(sandbox: Sandbox) -> None:
    sandbox.genesys.end(sandbox.conversation)
    opened(sandbox)

    assert "ended" in preview(choose(sandbox, "escalation"))


def test_a_conversation_filled_in_later_brings_the_preview(sandbox: Sandbox) -> None:
    opened(sandbox, "")
    assert "Fill in the conversation" in preview(choose(sandbox, "escalation"))

    assert ESCALATION in preview(fill(sandbox, "Conversation", sandbox.conversation, enter=True))


def test_refresh_shows_what_was_typed_without_enter(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "escalation")
    sandbox.slack.fill(sandbox.slack.ann, "Message", "New words")
    sandbox.slack.press(sandbox.slack.ann, "Refresh")

    assert "New words" in preview(window(sandbox))


@pytest.mark.parametrize("typed", ["", "esc", "escalaton", "specialist"])
def test_responses_are_found_from_memory(sandbox: Sandbox, typed: str) -> None:
    opened(sandbox)
    sandbox.genesys.fault("*", "hang", times=None, seconds=30)

    found = [option.value for option in sandbox.slack.search(sandbox.slack.ann, "Response", typed)]
    sandbox.genesys.clear_faults()
    assert found[0] == "escalation"


def test_an_error_keeps_the_window_with_everything_in_it(sandbox: Sandbox) -> None:
    opened(sandbox, "")
    slack = sandbox.slack
    slack.fill(slack.ann, "Conversation", "nonsense")
    choose(sandbox, "escalation")
    slack.fill(slack.ann, "Message", "My own words")
    slack.submit(slack.ann)

    view = window(sandbox)
    assert "not a conversation" in view.errors["Conversation"]
    assert "My own words" in view.text
    assert sandbox.receipts() == []
    slack.fill(slack.ann, "Conversation", sandbox.conversation)
    slack.submit(slack.ann)
    sandbox.drain()
    assert [sent.text for sent in sandbox.genesys.received] == ["My own words"]


def test_a_value_left_out_is_missed_at_its_input(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "greeting")
    sandbox.slack.submit(sandbox.slack.ann)

    assert "still needs “topic”" in window(sandbox).errors["topic"]
    assert sandbox.receipts() == []
    fill(sandbox, "topic", "your order")
    sandbox.slack.submit(sandbox.slack.ann)
    assert "Sent" in window(sandbox).text


def test_the_same_response_within_a_minute_is_asked_about_in_the_window(sandbox: Sandbox) -> None:
    for _ in range(2):
        opened(sandbox)
        choose(sandbox, "escalation")
        sandbox.slack.submit(sandbox.slack.ann)
        shown = window(sandbox)

    assert "Send it again?" in shown.text
    assert len(sandbox.genesys.received) == 1
    sandbox.slack.submit(sandbox.slack.ann)
    assert "Sent" in window(sandbox).text
    assert len(sandbox.genesys.received) == 2


def test_a_submission_replayed_four_times_sends_once(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "escalation")
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.slack.replay(4, at_once=True)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1


def test_a_refusal_after_the_claim_stands_in_the_window(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "escalation")
    sandbox.genesys.end(sandbox.conversation)
    sandbox.slack.submit(sandbox.slack.ann)

    assert "Not sent" in window(sandbox).text
    assert [receipt.state for receipt in sandbox.receipts()] == [State.REFUSED]


def test_slack_took_everything_that_the_windows_showed(sandbox: Sandbox) -> None:
    opened(sandbox)
    choose(sandbox, "greeting")
    fill(sandbox, "topic", "& < > \u202e שלום 👩‍👩‍👧", enter=True)
    sandbox.slack.submit(sandbox.slack.ann)
    window(sandbox)

    assert sandbox.slack.complaints == []
