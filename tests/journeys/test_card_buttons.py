"""The buttons of a conversation's card, and the shortcut on what stands in its thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from tests.hands import card

TEAM = "T"


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann and Bob lead a team; Lee does not."""
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann, slack.bob]}
    sandbox.configure({"teams": [team]})
    return sandbox.start()


def types(sandbox: Sandbox, text: str) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} {text}", slack.channel)
    sandbox.drain()


def buttons(message: Message) -> list[dict[str, Any]]:
    return [each for block in message.blocks if block["type"] == "actions" for each in block["elements"]]


def labels(message: Message) -> list[str]:
    return [each["text"]["text"] for each in buttons(message)]


def test_send_another_opens_the_window_for_that_conversation(office: Sandbox) -> None:
    types(office, "escalation")
    office.slack.press(office.slack.bob, "Send another", card(office))
    office.drain()
    view = office.slack.open_view(office.slack.bob)

    assert view is not None
    assert view.state["Conversation"] == office.conversation


def test_open_in_genesys_leads_to_the_conversation_where_it_has_an_address(office: Sandbox) -> None:
    types(office, "escalation")
    urls = [each["url"] for each in buttons(card(office)) if "url" in each]
    if office.api == "events":
        assert (urls, labels(card(office))) == ([], ["Send another"])
        return

    assert urls == [
        f"https://apps.mypurecloud.ie/directory/#/engage/admin/interactions/{office.conversation}"
    ]
    assert office.slack.press(office.slack.ann, "Open in Genesys", card(office)).ok


def test_undo_is_its_supervisors_alone_and_goes_with_what_it_takes_back(office: Sandbox) -> None:
    slack = office.slack
    types(office, "escalation at tomorrow 9:00")
    assert "Undo" in labels(card(office))
    picture = card(office)
    for other in (slack.bob, slack.lee):
        slack.press(other, "Undo", picture)
        office.drain()
    kept = office.receipts()[0].state
    slack.press(slack.ann, "Undo", picture)
    slack.replay(2)
    office.drain()

    assert kept is State.PENDING
    assert "another supervisor's" in slack.ephemerals(slack.bob)[-1].said
    assert "not a supervisor of T" in slack.ephemerals(slack.lee)[-1].said
    assert office.receipts()[0].state is State.CANCELLED
    assert "took it back" in slack.ephemerals(slack.ann)[-1].said
    assert "Undo" not in labels(card(office))


def test_what_is_held_is_taken_back_on_a_card_that_is_there_already(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    office = make_sandbox()
    slack = office.slack
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "undo_seconds": 1}
    office.configure({"teams": [team]})
    types(office.start(), "escalation")
    office.configure({"teams": [team | {"undo_seconds": 60}]})
    slack.types(slack.ann, f"/canned {office.conversation} greeting topic=tea", slack.channel)
    lanes = office.bot.parts.lanes
    office.bot.sweep()
    assert lanes.posts.wait_idle(20)
    slack.press(slack.ann, "Undo", card(office))
    assert lanes.windows.wait_idle(20)

    assert office.receipts()[0].state is State.CANCELLED


@pytest.mark.parametrize("api", ["events"])  # Genesys has no part in it
def test_a_click_that_is_not_on_the_card_does_nothing(office: Sandbox) -> None:
    types(office, "escalation at tomorrow 9:00")
    slack, [receipt] = office.slack, office.receipts()
    right = {"ts": card(office).ts, "channel": slack.channel}
    for action, value in (("canned_card_send", office.conversation), ("canned_card_undo", receipt.key)):
        for wrong in ({"ts": "1.2"}, {"channel": "C0BILLING"}, {"value": "x"}):
            clicks(office, action, **{**right, "value": value, **wrong})

            assert (slack.open_view(slack.ann) is None) == (action == "canned_card_send"), wrong
            assert office.receipts()[0].state is State.PENDING, wrong
        clicks(office, action, **right, value=value)  # else nothing is proven by it

    assert slack.open_view(slack.ann) is not None
    assert office.receipts()[0].state is State.CANCELLED


def clicks(sandbox: Sandbox, action: str, *, ts: str, channel: str, value: str) -> None:
    slack = sandbox.slack
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": slack.ann, "team_id": slack.team_id},
            "channel": {"id": channel, "name": "x"},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel},
            "trigger_id": slack.new_trigger(slack.ann),
            "response_url": f"{slack.url}/response/none",
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value}],
        }
    )
    sandbox.drain()


def test_the_shortcut_on_what_people_say_in_a_thread_takes_what_they_name_first(office: Sandbox) -> None:
    slack = office.slack
    types(office, "escalation")
    other = office.genesys.start_chat("Alan Turing", agents=[office.genesys.bob])
    for said, meant in (("and now?", office.conversation), (f"like {other}", other)):
        message = slack.says(slack.bob, slack.channel, said, thread_ts=card(office).ts)
        slack.message_shortcut(slack.ann, "canned_from_message", message)
        office.drain()
        view = slack.open_view(slack.ann)

        assert view is not None
        assert view.state["Conversation"] == meant


def test_the_shortcut_on_a_reply_that_names_no_conversation_knows_its_threads(office: Sandbox) -> None:
    slack = office.slack
    types(office, "escalation")
    [reply] = slack.thread(slack.channel, card(office).ts)
    slack.message_shortcut(slack.ann, "canned_from_message", reply)
    office.drain()
    view = slack.open_view(slack.ann)

    assert office.conversation not in reply.said
    assert view is not None
    assert view.state["Conversation"] == office.conversation
