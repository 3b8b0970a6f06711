"""Nobody has to type a conversation's id: its agent's name does, or a click in the window."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import checks
from bot.sandbox import slack_forms as forms
from bot.sandbox.sandbox import TEAM, Sandbox
from bot.sandbox.slack_view import View
from bot.settings import Settings
from bot.slack import live
from tests.hands import types, window

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
ACTIVITY = "POST /api/v2/analytics/conversations/activity/query"
MINE = "GET /api/v2/conversations/messages"


@pytest.fixture
def api() -> str:
    return "platform"


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Bob is linked; Ann, who supervises his queue, is in his chat with Grace as an agent too."""
    sandbox = make_sandbox()
    start(sandbox, queues=["Support EMEA"])
    sandbox.link_user(sandbox.slack.bob, sandbox.genesys.bob)
    return sandbox


def start(sandbox: Sandbox, **team: object) -> None:
    slack = sandbox.slack
    usual = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann]}
    sandbox.configure({"teams": [usual | team]})
    sandbox.start()


def opens(sandbox: Sandbox, text: str = "/canned") -> View:
    sandbox.slack.types(sandbox.slack.ann, text, sandbox.slack.channel)
    return window(sandbox)


def listed(view: View) -> list[str]:
    """The rows to choose from."""
    return view.text.partition("Live conversations")[2].splitlines()


# -- by the agent -----------------------------------------------------------------------------


def test_the_agents_only_conversation_gets_the_text(sandbox: Sandbox) -> None:
    said = types(sandbox, "/canned @bob escalation").said

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert "Sent" in said
    [receipt] = sandbox.receipts()
    assert receipt.sender_id == sandbox.genesys.ann


def test_of_several_conversations_the_supervisor_picks_one(sandbox: Sandbox) -> None:
    other = sandbox.genesys.start_chat("Ada *King*", agents=[sandbox.genesys.bob, sandbox.genesys.ann])
    question = types(sandbox, "/canned @bob escalation")
    assert "Which one" in question.said
    assert "Grace Hopper" in question.said
    assert sandbox.receipts() == []

    sandbox.slack.press(sandbox.slack.ann, "2. Ada *King*", question)
    sandbox.slack.press(sandbox.slack.ann, "1. Grace Hopper", question)  # an afterthought sends nothing
    sandbox.drain()

    assert sandbox.genesys.customer_sees(other) == [ESCALATION]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == []


def test_help_names_it_where_it_works(sandbox: Sandbox) -> None:
    assert "the name of the agent in it" in types(sandbox, "/canned help").said


def test_several_deliveries_of_the_command_send_once(sandbox: Sandbox) -> None:
    types(sandbox, "/canned @bob escalation")
    sandbox.slack.replay(3)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


@pytest.mark.parametrize("how", ["another conversation", "another question"])
def test_only_what_was_asked_can_be_picked(sandbox: Sandbox, how: str) -> None:
    slack = sandbox.slack
    sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.bob])
    secret = sandbox.genesys.start_chat("Secret", agents=[sandbox.genesys.ann], queue="Other")
    question = types(sandbox, "/canned @bob escalation")
    [button] = [
        each
        for block in question.blocks
        for each in block.get("elements", [])
        if str(each.get("value", "")).endswith(sandbox.conversation)
    ]
    if how == "another conversation":
        button["value"] = button["value"].replace(sandbox.conversation, secret)
    if how == "another question":
        button["value"] = button["value"].replace(button["value"].partition(":")[0], "0" * 36)
    slack.press(slack.ann, "1. Grace Hopper", question)
    sandbox.drain()

    assert sandbox.receipts() == []


def test_an_agent_without_a_conversation_is_said_to_have_none(sandbox: Sandbox) -> None:
    sandbox.genesys.end(sandbox.conversation)

    assert "Bob Ray has no live conversation" in types(sandbox, "/canned @bob escalation").said
    assert sandbox.receipts() == []


def test_somebody_whom_nobody_linked_is_not_guessed(sandbox: Sandbox) -> None:
    assert "I do not know which Genesys user" in types(sandbox, "/canned @lee escalation").said
    assert sandbox.receipts() == []


def test_a_typing_error_is_told_at_once(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    ack = slack.types(slack.ann, "/canned @bob escalaton", slack.channel)
    name = slack.types(slack.ann, "/canned @bobby escalation", slack.channel)

    assert "Did you mean" in ack.text
    assert "from the list" in name.text
    assert not sandbox.genesys.seen(ACTIVITY)


def test_in_a_channel_of_no_team_the_team_is_asked_after_the_conversation(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    elsewhere = slack.add_channel("elsewhere", [slack.ann])
    second = {"name": "Second", "channel": elsewhere, "supervisors": [slack.ann]}
    first = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann]}
    sandbox.configure({"teams": [first, second]})
    sandbox.bot.sweep()
    third = slack.add_channel("third", [slack.ann])
    sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.bob])
    slack.types(slack.ann, "/canned @bob escalation", third)
    sandbox.drain()
    question = slack.ephemerals(slack.ann)[-1]
    slack.press(slack.ann, "1. Grace Hopper", question)
    sandbox.drain()
    slack.press(slack.ann, "2. Ada King", question)  # it is answered already
    sandbox.drain()
    assert sandbox.receipts() == []

    [which] = [each for each in slack.ephemerals(slack.ann) if "which team" in each.said]
    slack.press(slack.ann, TEAM, which)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_whoever_has_not_signed_in_is_offered_to(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(connected=False)
    start(sandbox)
    said = types(sandbox, "/canned @bob escalation")

    assert "/canned connect" in said.said
    assert "Nothing was sent: type this again then." in said.said  # it does not wait as others do
    assert sandbox.receipts() == []


# -- in the window ----------------------------------------------------------------------------


def test_the_window_lists_own_ones_and_those_of_the_teams_queues(sandbox: Sandbox) -> None:
    sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.bob], channel="sms")
    sandbox.genesys.start_chat("Elsewhere", queue="Billing")
    sandbox.genesys.start_chat("Waiting <!here>")
    sandbox.clock.advance(minutes=3)
    rows = "\n".join(listed(opens(sandbox)))

    assert "Grace Hopper · Support EMEA · webmessaging · yours, 3 min · Open in Genesys" in rows
    assert "Ada King · Support EMEA · sms · with an agent, 3 min" in rows
    assert "Waiting <!here>" in rows
    assert "waiting for 3 min" in rows
    assert "Elsewhere" not in rows


def test_use_takes_a_conversation_over_and_shows_the_preview(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    sandbox.genesys.start_chat("Ada King")
    opens(sandbox)
    slack.choose(slack.ann, "Response", "escalation")
    assert "Grace Hopper" in "".join(listed(window(sandbox)))  # it is still there
    slack.press(slack.ann, f"{live.USE}0")
    view = window(sandbox)

    assert view.state["Conversation"] == sandbox.conversation
    assert not listed(view)
    assert ESCALATION in view.text.partition("Preview")[2]
    slack.submit(slack.ann)
    sandbox.drain()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_what_is_typed_meanwhile_stays(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    held = sandbox.genesys.hold(MINE)
    slack.types(slack.ann, "/canned", slack.channel)
    assert held.arrived.wait(10)
    slack.fill(slack.ann, "Conversation", "half an id")
    slack.choose(slack.ann, "Response", "escalation")
    held.release()
    view = window(sandbox)

    assert view.state["Conversation"] == "half an id"
    assert view.state["Response"] == "Escalated to a specialist"


def test_a_late_list_does_not_get_in_the_way_of_what_was_filled_in(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    held = sandbox.genesys.hold(MINE)
    slack.types(slack.ann, "/canned", slack.channel)
    assert held.arrived.wait(10)
    slack.fill(slack.ann, "Conversation", sandbox.conversation, enter=True)
    held.release()

    assert not listed(window(sandbox))


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_window_changed_while_genesys_was_asked_gets_the_list_too(sandbox: Sandbox, seconds: int) -> None:
    slack = sandbox.slack
    sandbox.genesys.start_chat("Ada King")
    held = sandbox.genesys.hold(MINE)
    slack.types(slack.ann, "/canned", slack.channel)
    assert held.arrived.wait(10)
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.clock.advance(seconds=seconds)
    held.release()
    view = window(sandbox)

    assert "Grace Hopper" in "".join(listed(view))
    assert view.state["Response"] == "Escalated to a specialist"
    assert len(sandbox.genesys.seen(ACTIVITY)) == 1


def test_a_cleared_conversation_brings_the_list_back_and_use_works_again(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    sandbox.genesys.start_chat("Ada King")
    opens(sandbox)
    slack.press(slack.ann, f"{live.USE}0")
    assert not listed(window(sandbox))
    slack.fill(slack.ann, "Conversation", "", enter=True)
    assert listed(window(sandbox))
    slack.press(slack.ann, f"{live.USE}0")

    assert window(sandbox).state["Conversation"] == sandbox.conversation


def test_with_an_agent_the_window_opens_for_their_conversation(sandbox: Sandbox) -> None:
    view = opens(sandbox, "/canned @bob")
    slack = sandbox.slack
    slack.choose(slack.ann, "Response", "escalation")
    window(sandbox)
    slack.submit(slack.ann)
    sandbox.drain()

    assert "Grace Hopper" in view.text
    assert "The live one below" in str(view.blocks)
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_the_only_conversation_does_not_take_the_place_of_what_somebody_types_meanwhile(
    sandbox: Sandbox,
) -> None:
    slack, genesys = sandbox.slack, sandbox.genesys
    held = genesys.hold(MINE)
    slack.types(slack.ann, "/canned", slack.channel)
    assert held.arrived.wait(10)
    assert sandbox.bot.parts.lanes.windows.wait_idle(10)
    other = genesys.start_chat(
        "Ada King", queue="Billing", agents=[genesys.add_user("Cy Roe", "cy@example.com")]
    )
    slack.fill(slack.ann, "Conversation", other)
    held.release()
    assert window(sandbox).state["Conversation"] == other
    slack.choose(slack.ann, "Response", "escalation")
    shown = window(sandbox)
    slack.submit(slack.ann)
    sandbox.drain()

    assert "Grace Hopper" not in shown.text
    assert [receipt.request.conversation_id for receipt in sandbox.receipts()] == [other]
    assert genesys.customer_sees(sandbox.conversation) == []


@pytest.mark.parametrize("shown", ["another", "nothing"])
def test_the_only_conversation_gets_nothing_while_the_window_does_not_show_it(
    sandbox: Sandbox, shown: str
) -> None:
    slack, genesys = sandbox.slack, sandbox.genesys
    if shown == "nothing":
        genesys.fault("GET /api/v2/conversations/{id}", "status", status=404, times=None)
    opens(sandbox)
    slack.choose(slack.ann, "Response", "escalation")
    window(sandbox)
    if shown == "another":
        other = genesys.start_chat("Ada King", queue="Billing", users=[genesys.ann])
        slack.fill(slack.ann, "Conversation", other, enter=True)
        assert "Ada King" in window(sandbox).text
        slack.fill(slack.ann, "Conversation", "")
    genesys.clear_faults()
    slack.submit(slack.ann)

    assert "Conversation" in window(sandbox).errors
    assert sandbox.receipts() == []


def test_with_an_agent_of_several_conversations_the_window_lists_them(sandbox: Sandbox) -> None:
    sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.bob])
    sandbox.genesys.start_chat("Waiting")
    view = opens(sandbox, "/canned @bob")
    slack = sandbox.slack
    slack.choose(slack.ann, "Response", "escalation")
    again = window(sandbox)

    assert view.state["Conversation"] == ""
    for rows in map("\n".join, (listed(view), listed(again))):
        assert ("Ada King" in rows, "Grace Hopper" in rows, "Waiting" in rows) == (True, True, False)


def test_the_roles_that_the_readme_asks_for_are_enough_to_list_and_to_send(sandbox: Sandbox) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    service, people = (
        frozenset(
            re.findall(r"`(\w+:\w+:view|\w+:\w+:create)`", readme.partition(begin)[2].partition(end)[0])
        )
        for begin, end in (("*The service*", "no permission"), ("Supervisors need a role", "`canned init`"))
    )
    sandbox.genesys.permissions = service
    sandbox.genesys.users[sandbox.genesys.ann].permissions = people
    sandbox.genesys.start_chat("Ada King", queue="Support EMEA")

    assert {"Grace", "Ada"} <= set(re.findall(r"Grace|Ada", "".join(listed(opens(sandbox)))))
    assert "Sent" in types(sandbox, "/canned @bob escalation").said
    settings = Settings.from_env(sandbox.environment())
    assert [each.name for each in checks.run(settings, now=sandbox.clock) if not each.ok] == []


def test_without_the_permission_for_queues_own_ones_are_listed_and_it_is_said(sandbox: Sandbox) -> None:
    ann = sandbox.genesys.users[sandbox.genesys.ann]
    ann.permissions = ann.permissions - {"analytics:queueObservation:view"}
    view = opens(sandbox)

    assert "Grace Hopper" in view.text
    assert "could not be listed" in view.text
    assert "analytics:queueObservation:view" in view.text


def test_the_window_of_somebody_who_has_not_signed_in_says_so(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(connected=False)
    start(sandbox)

    assert "/canned connect" in opens(sandbox).text


def test_genesys_down_is_said_in_the_window(sandbox: Sandbox) -> None:
    sandbox.genesys.fault("*", "status", status=503, times=1000)

    assert "Genesys" in opens(sandbox).text.partition("Preview")[2]


def test_the_only_conversation_is_filled_in_and_three_letters_send_into_it(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, "/canned", slack.channel)
    sandbox.drain()
    slack.search(slack.ann, "Response", "esc")
    slack.choose(slack.ann, "Response", "Escalated to a specialist")
    slack.submit(slack.ann)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


@pytest.mark.parametrize("words", ["grace", "@bob ray", "WEBMESSAGING hopper", "hoppre"])
def test_words_that_only_one_conversation_fits_take_it_over(sandbox: Sandbox, words: str) -> None:
    sandbox.genesys.start_chat("Ada King", channel="sms")
    assert listed(opens(sandbox))
    sandbox.slack.fill(sandbox.slack.ann, "Conversation", words, enter=True)

    assert window(sandbox).state["Conversation"] == sandbox.conversation


def test_words_narrow_the_list_down_and_those_that_fit_nothing_say_so(sandbox: Sandbox) -> None:
    for customer in ("Ada King", "Ada Byron"):
        sandbox.genesys.start_chat(customer)
    opens(sandbox)
    slack = sandbox.slack
    slack.fill(slack.ann, "Conversation", "ada", enter=True)
    narrowed = window(sandbox)
    slack.fill(slack.ann, "Conversation", "<zebra>", enter=True)
    lost = window(sandbox)

    assert "Ada Byron" in "".join(listed(narrowed))
    assert "Grace" not in "".join(listed(narrowed))
    assert narrowed.state["Conversation"] == "ada"
    assert "None of these is about “<zebra>”." in "".join(listed(lost))
    assert "Grace" in "".join(listed(lost))
    slack.choose(slack.ann, "Response", "escalation")
    slack.submit(slack.ann)
    assert "not a conversation" in window(sandbox).errors["Conversation"]
    assert sandbox.receipts() == []


def test_words_that_fit_only_one_of_those_that_were_looked_into_take_nothing_over(sandbox: Sandbox) -> None:
    sandbox.genesys.start_chat("Ada King")
    for number in range(25):
        sandbox.genesys.start_chat(f"Customer {number}")
    opens(sandbox)
    sandbox.slack.fill(sandbox.slack.ann, "Conversation", "ada", enter=True)
    found = window(sandbox)

    assert found.state["Conversation"] == "ada"
    assert "Ada King" in "".join(listed(found))
    assert "more live conversations than are looked into" in found.text


def test_a_conversation_is_not_taken_for_the_only_one_where_others_could_not_be_listed(
    sandbox: Sandbox,
) -> None:
    ann = sandbox.genesys.users[sandbox.genesys.ann]
    ann.permissions = ann.permissions - {"analytics:queueObservation:view"}

    view = opens(sandbox)
    assert view.state["Conversation"] == ""
    assert "The live one below" not in str(view.blocks)


# -- where nothing can be listed --------------------------------------------------------------


@pytest.mark.parametrize(("api", "finds"), [("events", False), ("platform", True)])
def test_words_are_asked_for_only_where_they_find_something(
    make_sandbox: Callable[..., Sandbox], api: str, finds: bool
) -> None:
    sandbox = make_sandbox(api=api)
    start(sandbox)
    shown = [opens(sandbox), opens(sandbox, f"/canned {sandbox.conversation}")]
    sandbox.slack.choose(sandbox.slack.ann, "Response", "escalation")
    shown.append(window(sandbox))
    fields = [forms.find(view.blocks, "Conversation") for view in shown]

    assert ["words" in field.element["placeholder"]["text"] for field in fields] == [finds] * 3


def test_a_contract_that_cannot_list_says_so(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(api="events")
    start(sandbox)
    sandbox.link().link_user(sandbox.slack.bob, sandbox.genesys.bob)
    honest = "cannot list conversations. Give the conversation's id."

    assert honest in types(sandbox, "/canned @bob escalation").said
    assert honest in opens(sandbox).text
    assert "the name of the agent" not in types(sandbox, "/canned help").said
    sandbox.slack.fill(sandbox.slack.ann, "Conversation", "grace", enter=True)
    assert "not a conversation" in window(sandbox).text
    assert sandbox.receipts() == []


@pytest.mark.parametrize("api", ["events", "platform"])
@pytest.mark.parametrize("kind", ["status", "lost_before"])
def test_somebody_who_cannot_be_looked_up_now_reads_so(
    make_sandbox: Callable[..., Sandbox], kind: str
) -> None:
    sandbox = make_sandbox(connected=False)
    sandbox.configure({"identity": ["operator", "email", "connect"]})
    sandbox.start()
    sandbox.genesys.fault("POST /api/v2/users/search", kind, status=503, times=None)
    types(sandbox, "/canned @bob escalation")

    assert len(sandbox.slack.ephemerals(sandbox.slack.ann)) == 1
    assert "Looking for" not in sandbox.slack.ephemerals(sandbox.slack.ann)[0].said
