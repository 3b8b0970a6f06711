from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.canned.catalog import Response
from bot.canned.errors import (
    AskFirst,
    MissingValues,
    NotAConversation,
    NotAllowed,
    TextRefused,
    UnknownResponse,
)
from bot.canned.previews import Preview
from bot.sandbox import slack_forms as forms
from bot.slack import form, modal
from bot.slack.form import Filled

ID = "a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890"
EMPTY = Filled("Support EMEA", "C0SUPPORT")
GREETING = Response(
    "greeting", "Greeting by name", "Hello {{CUSTOMER_NAME|there}}, about {{topic}} and {{order}}?"
)
FIXED = Response("fixed", "Fixed words", "Only as it stands.", editable=False)


def labels(view: dict[str, Any]) -> list[str]:
    """Of its inputs, but for the time, which is always there and always the last."""
    *found, last = [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]
    assert last == "At"
    return found


def typed_into(view: dict[str, Any], **by_label: str) -> dict[str, Any]:
    """The view as Slack sends it back, with these labels filled in."""
    values = forms.state(view["blocks"])
    for label, text in by_label.items():
        field = forms.find(view["blocks"], label)
        values[field.block["block_id"]][field.element["action_id"]] = field.entry(text)
    return view | {"state": {"values": values}}


def said(view: dict[str, Any]) -> str:
    texts = [block.get("text") or block.get("elements", [{}])[0] for block in view["blocks"]]
    return "\n".join(text["text"] for text in texts if isinstance(text.get("text"), str))


def test_the_inputs_have_their_names_in_their_order() -> None:
    assert labels(modal.window(EMPTY)) == ["Conversation", "Response", "Message"]
    assert labels(modal.window(replace(EMPTY, response="greeting"), GREETING)) == [
        "Conversation",
        "Response",
        "Message",
        "topic",
        "order",
    ]


def test_what_was_filled_in_is_read_back() -> None:
    filled = replace(EMPTY, conversation=ID, response="greeting", asked=("topic", "order"))
    shown = modal.window(filled, GREETING)

    read_back = replace(filled, values={"topic": "refunds"}, version=GREETING.version)
    assert form.read(typed_into(shown, topic="refunds")) == read_back


def test_an_unchanged_message_is_the_responses_own() -> None:
    shown = modal.window(replace(EMPTY, response="greeting"), GREETING)

    assert form.read(typed_into(shown)).text is None
    assert form.read(typed_into(shown, Message=f"{GREETING.text}\r\n ")).text is None
    assert form.read(typed_into(shown, Message="Hi {{topic}}")).text == "Hi {{topic}}"


def test_another_responses_message_never_goes_out_for_the_one_just_chosen() -> None:
    shown = modal.window(replace(EMPTY, response="greeting"), GREETING)
    sent = typed_into(shown, Message="Edited words of the greeting")
    sent["state"]["values"]["response"][modal.RESPONSE]["selected_option"] = {"value": "fixed"}

    assert form.read(sent).response == "fixed"
    assert form.read(sent).text is None
    assert form.read(sent).version is None


def test_a_message_typed_before_a_response_was_chosen_is_not_sent() -> None:
    sent = typed_into(modal.window(EMPTY), Message="Anything")
    sent["state"]["values"]["response"][modal.RESPONSE]["selected_option"] = {"value": "greeting"}

    assert form.read(sent).text is None


def test_message_starts_anew_with_each_response_and_stays_with_the_same_one() -> None:
    def message_id(response: Response, text: str | None = None) -> str:
        view = modal.window(replace(EMPTY, response=response.key, text=text), response)
        return str(forms.find(view["blocks"], "Message").block["block_id"])

    assert message_id(GREETING) != message_id(replace(GREETING, key="other"))
    assert message_id(GREETING) != message_id(replace(GREETING, text="New words"))
    assert message_id(GREETING) == message_id(GREETING, "Edited")


def test_a_fixed_text_is_shown_and_cannot_be_typed_over() -> None:
    shown = modal.window(replace(EMPTY, response="fixed"), FIXED)

    assert labels(shown) == ["Conversation", "Response"]
    assert "Only as it stands." in said(shown)


def test_a_text_too_long_for_an_input_is_shown_whole() -> None:
    shown = modal.window(EMPTY, replace(GREETING, text="word " * 1_000))

    assert "Message" not in labels(shown)
    assert said(shown).count("word") == 1_000


def test_the_preview_is_whole_and_last() -> None:
    text = "Hello Grace,\n" + "word " * 1_500
    shown = modal.window(replace(EMPTY, conversation=ID), GREETING, Preview(text, limit=10_000))
    places = [block.get("text", {}).get("text") for block in shown["blocks"]]
    after = shown["blocks"][places.index("*Preview*") + 1 :]

    assert "".join(block["text"]["text"] for block in after[:-1]).rstrip() == text.rstrip()
    assert {block["text"]["type"] for block in after[:-1]} == {"plain_text"}
    assert after[-1]["elements"][0]["text"] == f"{len(text):,} of 10,000 characters"


def test_the_place_of_the_preview_says_what_is_still_needed() -> None:
    chosen = replace(EMPTY, response="greeting")

    assert "Choose a response" in said(modal.window(EMPTY))
    assert "Fill in the conversation" in said(modal.window(chosen, GREETING))
    assert "Reading the conversation" in said(modal.window(replace(chosen, conversation=ID), GREETING))
    assert "still needs `topic`" in said(
        modal.window(chosen, GREETING, Preview(missing=("topic",), note="…"))
    )
    assert "It &lt;ended&gt;." in said(modal.window(chosen, GREETING, Preview(note="It <ended>.")))


def test_variables_that_genesys_knows_get_no_input() -> None:
    filled = replace(EMPTY, conversation=ID, response="greeting")

    assert labels(modal.window(filled, GREETING))[3:] == []
    assert labels(modal.window(filled, GREETING, Preview(missing=("order",))))[3:] == ["order"]
    assert labels(modal.window(filled, GREETING, Preview("Hello")))[3:] == []
    assert labels(modal.window(filled, GREETING, Preview(note="No answer.")))[3:] == ["topic", "order"]


def test_an_input_that_was_filled_in_stays() -> None:
    filled = replace(EMPTY, conversation=ID, response="greeting", asked=("topic",), values={"topic": "x"})

    assert labels(modal.window(filled, GREETING))[3:] == ["topic"]
    assert labels(modal.window(filled, GREETING, Preview("Hello x")))[3:] == ["topic"]


def test_an_edit_brings_its_own_variables() -> None:
    edited = replace(EMPTY, response="greeting", text="Dear {{title|friend}} {{AGENT_NAME}} {{city}}")

    assert labels(modal.window(edited, GREETING))[3:] == ["city"]


def test_the_team_that_was_pressed_opens_the_window_for_the_same_conversation() -> None:
    asked = modal.teams(["Billing", "Support"], conversation=ID)

    assert modal.chosen_team(asked, asked["blocks"][1]["elements"][1]) == ("Support", ID)


def test_what_genesys_does_not_know_either_is_missed_before_anything_is_taken_on() -> None:
    filled = replace(EMPTY, conversation=ID, response="greeting")
    guessed, asked = (
        modal.window(filled, GREETING, preview)
        for preview in (Preview(note="No answer."), Preview(missing=("topic", "order")))
    )

    assert form.read_submission(typed_into(guessed)).values == {}
    with pytest.raises(MissingValues) as refused:
        form.read_submission(typed_into(asked, topic="x"))
    assert refused.value.names == ("order",)
    assert form.read_submission(typed_into(asked, topic="x", Message="Only {{topic}}")).needed == ()


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (NotAConversation("No."), "Conversation"),
        (UnknownResponse("x", ["y"]), "Response"),
        (TextRefused("No."), "Message"),
        (MissingValues(["order"]), "order"),
        (MissingValues(["title", "topic"]), "topic"),
        (MissingValues(["title"]), "Message"),
        (NotAllowed("No."), "Conversation"),
        (ValueError("No."), "Conversation"),
    ],
)
def test_an_error_stands_at_its_input(error: Exception, label: str) -> None:
    shown = modal.window(replace(EMPTY, response="greeting"), GREETING)

    answer = modal.refusal(shown, error, "The `sentence`.")

    place = forms.find(shown["blocks"], label).block["block_id"]
    assert answer == {"response_action": "errors", "errors": {place: "The “sentence”."}}


def test_an_error_of_a_fixed_message_stands_at_its_response() -> None:
    shown = modal.window(replace(EMPTY, response="fixed"), FIXED)

    assert list(modal.refusal(shown, TextRefused("No."), "No.")["errors"]) == ["response"]


def test_a_repeated_send_is_asked_about_in_the_same_window() -> None:
    answer = modal.refusal(modal.window(EMPTY), AskFirst("Again?", draft="d1"), "Again?")

    assert answer["response_action"] == "update"
    assert answer["view"]["submit"]["text"] == "Send again"
    assert modal.draft_of(answer["view"]) == ("d1", "again")


def test_a_window_without_inputs_becomes_the_sentence() -> None:
    answer = modal.refusal(modal.again("Again?", "d1"), NotAllowed("<No>."), "<No>.")

    assert answer["response_action"] == "update"
    assert "&lt;No&gt;." in said(answer["view"])
