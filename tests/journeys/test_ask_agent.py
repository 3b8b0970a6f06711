"""A supervisor who is not in the chat: who is asked, what leaves then, and what never does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from bot.models import Receipt, State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from tests.hands import buttons, chooses, direct, thread, types, waits_while_slack_takes_no_posts

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
MINE = "I have just passed this on to our specialists."


@pytest.fixture
def outside(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann has left the chat; Bob is in it, and linked to his Slack user."""
    return out(make_sandbox())


def out(sandbox: Sandbox, *, signed_in: bool = True, **team: object) -> Sandbox:
    slack = sandbox.slack
    usual = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "queues": ["Support EMEA"]}
    sandbox.configure({"teams": [usual | team], "identity": ["operator", "email", "connect"]})
    sandbox.start()
    sandbox.link_user(slack.bob, sandbox.genesys.bob, signed_in=signed_in)
    sandbox.genesys.leave(sandbox.conversation, sandbox.genesys.ann)
    return sandbox


def asks(sandbox: Sandbox) -> Message:
    """Ann sends into the chat, is refused and asks Bob; the question as he sees it."""
    sandbox.slack.press(sandbox.slack.ann, "Ask Bob Ray", types(sandbox))
    sandbox.drain()
    return question(sandbox)


def question(sandbox: Sandbox) -> Message:
    messages = sandbox.slack.direct_messages(sandbox.slack.bob)
    [asked] = [message for message in messages if "you to send" in message.said]
    return asked


def refused_in_a_window(sandbox: Sandbox, *, closed: bool = False) -> None:
    """Ann fills in the window and sends, and is refused; `closed` says that she does not wait for that."""
    slack = sandbox.slack
    chooses(sandbox)
    held = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    slack.submit(slack.ann)
    if closed:
        slack.close(slack.ann)
    held.release()
    sandbox.drain()


def offered(sandbox: Sandbox) -> Message:
    """The direct message by which Ann can send another way."""
    messages = sandbox.slack.direct_messages(sandbox.slack.ann)
    [found] = [message for message in messages if "Ask Bob Ray" in buttons(message)]
    return found


def due(sandbox: Sandbox) -> datetime:
    [receipt] = sandbox.receipts()
    assert receipt.request.not_before is not None
    return receipt.request.not_before


def presses(sandbox: Sandbox, button: str, message: Message) -> None:
    sandbox.slack.press(sandbox.slack.bob, button, message)
    sandbox.drain()


def test_the_refusal_names_who_is_in_the_chat_and_offers_to_ask_them(outside: Sandbox) -> None:
    refusal = types(outside)

    assert "Bob Ray" in refusal.said
    assert "Ask Bob Ray" in buttons(refusal)
    assert outside.genesys.received == []


def test_the_agent_is_asked_with_the_frozen_text_and_nothing_leaves_before_the_click(
    outside: Sandbox,
) -> None:
    asked = asks(outside)

    assert ESCALATION in asked.said
    assert buttons(asked) == ["Send", "Edit", "Decline"]
    assert "Bob Ray was asked" in thread(outside)[-1]
    assert "Bob Ray was asked" in outside.slack.ephemerals(outside.slack.ann)[-1].said
    outside.bot.sweep()
    outside.drain()
    assert outside.genesys.received == []


def test_what_the_agent_lets_leave_is_the_frozen_text_in_their_name(outside: Sandbox) -> None:
    asked = asks(outside)
    changed = {"escalation": {"title": "Escalated", "text": "Something else by now."}}
    team = {"name": "T", "channel": outside.slack.channel, "supervisors": [outside.slack.ann]}
    outside.configure({"teams": [team | {"queues": ["Support EMEA"]}], "responses": changed})
    presses(outside, "Send", asked)

    [sent] = outside.genesys.received
    assert (sent.text, sent.from_id) == (ESCALATION, outside.genesys.bob)
    assert "Sent" in thread(outside)[-1]
    assert "as the agent" in thread(outside)[-1]
    assert "Sent" in direct(outside)[-1]
    assert "Sent, as you" in question(outside).said
    assert buttons(question(outside)) == []


def test_two_clicks_of_the_agent_and_their_replays_send_once(outside: Sandbox) -> None:
    asked, slack = asks(outside), outside.slack
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: slack.press(slack.bob, "Send", asked), range(2)))
    slack.replay(2)
    outside.drain()

    assert outside.genesys.customer_sees(outside.conversation) == [ESCALATION]


def test_two_clicks_of_the_supervisor_ask_once(outside: Sandbox) -> None:
    refusal, slack = types(outside), outside.slack
    slack.press(slack.ann, "Ask Bob Ray", refusal)
    slack.press(slack.ann, "Ask Bob Ray", refusal)
    slack.replay()
    outside.drain()

    question(outside)  # one
    assert [receipt.state for receipt in outside.receipts()] == [State.PENDING, State.REFUSED]


def test_an_agents_own_words_leave_and_the_supervisor_and_the_thread_are_told(outside: Sandbox) -> None:
    asked, slack = asks(outside), outside.slack
    presses(outside, "Edit", asked)
    slack.fill(slack.bob, "Message", MINE)
    slack.submit(slack.bob)
    outside.drain()

    assert outside.genesys.customer_sees(outside.conversation) == [MINE]
    assert any("Bob Ray sends it in other words" in said for said in thread(outside))
    assert any("Bob Ray sends it in other words" in said for said in direct(outside))
    assert outside.genesys.received[0].from_id == outside.genesys.bob


def test_an_edit_window_that_slack_does_not_open_is_said_to_the_agent(outside: Sandbox) -> None:
    asked, slack = asks(outside), outside.slack
    slack.fault("POST /api/views.open", "status")
    presses(outside, "Edit", asked)

    assert slack.open_view(slack.bob) is None
    assert "press the button again" in slack.ephemerals(slack.bob)[-1].said


@pytest.mark.parametrize("written", ["Hello {{name}}", "Hello {{your name}}", "Hello {{{name}}}", "   "])
def test_an_edit_that_no_customer_should_read_stays_in_the_window(outside: Sandbox, written: str) -> None:
    asked, slack = asks(outside), outside.slack
    presses(outside, "Edit", asked)
    slack.fill(slack.bob, "Message", written)
    slack.submit(slack.bob)
    outside.drain()

    view = slack.open_view(slack.bob)
    assert view is not None
    assert view.errors
    assert outside.genesys.received == []


def test_declined_is_told_to_the_supervisor_and_the_thread(outside: Sandbox) -> None:
    presses(outside, "Decline", asks(outside))

    assert outside.genesys.received == []
    assert "Bob Ray declined" in thread(outside)[-1]
    assert "Bob Ray declined" in direct(outside)[-1]
    assert buttons(question(outside)) == []


def test_an_answer_that_never_came_ends_the_wait_and_a_late_click_sends_nothing(outside: Sandbox) -> None:
    asked = asks(outside)
    outside.clock.advance(minutes=5, seconds=1)
    outside.bot.sweep()
    outside.drain()
    presses(outside, "Send", asked)

    assert outside.genesys.received == []
    assert "did not answer" in thread(outside)[-1]
    assert "did not answer" in direct(outside)[-1]
    assert buttons(question(outside)) == []


def test_an_agent_to_whom_slack_has_not_shown_the_question_is_not_said_to_have_kept_silent(
    outside: Sandbox,
) -> None:
    slack, refused = outside.slack, types(outside)
    held = outside.genesys.hold("GET /api/v2/conversations/{id}")
    slack.press(slack.ann, "Ask Bob Ray", refused)
    assert held.arrived.wait(10)
    slack.fault("POST /api/chat.postMessage", "lost_before", times=None)
    held.release()
    waits_while_slack_takes_no_posts(outside)

    assert outside.receipts()[0].state is State.CANCELLED
    for said in (slack.direct_messages(slack.ann)[-1].said, thread(outside)[-1], question(outside).said):
        assert "did not answer" not in said
        assert "Slack did not show" in said


def test_a_click_after_the_wait_sends_nothing_though_nobody_has_swept_yet(outside: Sandbox) -> None:
    asked = asks(outside)
    outside.clock.advance(minutes=5, seconds=1)
    outside.slack.press(outside.slack.bob, "Send", asked)
    outside.drain()

    assert outside.genesys.received == []


def test_what_the_supervisor_takes_back_cannot_be_sent_any_more(outside: Sandbox) -> None:
    asked, slack = asks(outside), outside.slack
    slack.types(slack.ann, "/canned undo", slack.channel)
    outside.drain()
    presses(outside, "Send", asked)

    assert outside.genesys.received == []
    assert buttons(question(outside)) == []


def test_the_question_survives_a_restart_and_its_answer_too(outside: Sandbox) -> None:
    asked = asks(outside)
    outside.stop_bot()
    outside.start_bot()
    presses(outside, "Send", asked)

    assert outside.genesys.customer_sees(outside.conversation) == [ESCALATION]


@pytest.mark.parametrize(("who", "action"), [("ann", "canned_agent_send"), ("lee", "canned_agent_send")])
def test_a_click_of_somebody_else_sends_nothing(outside: Sandbox, who: str, action: str) -> None:
    asked, slack = asks(outside), outside.slack
    forge(outside, getattr(slack, who), action, ts=asked.ts)

    assert outside.genesys.received == []


def test_a_click_on_another_message_sends_nothing(outside: Sandbox) -> None:
    asks(outside)
    forge(outside, outside.slack.bob, "canned_agent_send", ts="1.2")

    assert outside.genesys.received == []


def test_the_same_click_forged_right_would_have_sent(outside: Sandbox) -> None:
    asked = asks(outside)
    forge(outside, outside.slack.bob, "canned_agent_send", ts=asked.ts)

    assert len(outside.genesys.received) == 1


def test_a_refused_send_is_only_its_supervisors_to_send_another_way(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    slack = (sandbox := make_sandbox()).slack
    out(sandbox, supervisors=[slack.ann, slack.bob])
    types(sandbox)
    forge(sandbox, slack.bob, "canned_way:agent", ts="1.2")

    assert [receipt.state for receipt in sandbox.receipts()] == [State.REFUSED]


def test_whoever_is_not_the_agent_any_more_answers_for_them_no_more(outside: Sandbox) -> None:
    asked = asks(outside)
    outside.bot.parts.store.unlink(outside.slack.bob)
    presses(outside, "Send", asked)

    assert outside.genesys.received == []
    assert outside.receipts()[0].is_asked


def test_an_agent_who_left_before_the_click_sends_nothing(outside: Sandbox) -> None:
    asked = asks(outside)
    outside.genesys.leave(outside.conversation, outside.genesys.bob)
    presses(outside, "Send", asked)

    assert outside.genesys.received == []
    assert "not in the conversation any more" in direct(outside)[-1]


def test_a_supervisor_who_is_none_any_more_sends_nothing_through_the_agent(outside: Sandbox) -> None:
    asked, slack = asks(outside), outside.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.lee], "queues": ["Support EMEA"]}
    outside.configure({"teams": [team]})
    presses(outside, "Send", asked)

    assert outside.genesys.received == []
    assert outside.receipts()[0].state is State.REFUSED


def test_nobody_is_asked_who_is_not_linked(outside: Sandbox) -> None:
    outside.bot.parts.store.unlink(outside.slack.bob)
    refusal = types(outside)

    assert "canned users link" in refusal.said
    assert "Ask Bob Ray" not in buttons(refusal)


def test_in_the_window_the_other_ways_are_offered_too(outside: Sandbox) -> None:
    refused_in_a_window(outside)
    outside.slack.press(outside.slack.ann, "Ask Bob Ray")
    outside.drain()
    presses(outside, "Send", question(outside))

    assert outside.genesys.customer_sees(outside.conversation) == [ESCALATION]


def test_a_window_that_was_closed_leaves_the_other_ways_to_a_note(outside: Sandbox) -> None:
    slack = outside.slack
    refused_in_a_window(outside, closed=True)
    slack.press(slack.ann, "Ask Bob Ray", slack.ephemerals(slack.ann)[-1])
    outside.drain()

    assert ESCALATION in question(outside).said


@pytest.mark.parametrize("api", ["platform"])
def test_what_was_refused_after_a_sign_in_can_go_another_way_too(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = out(make_sandbox(connected=False))
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.rest()
    sandbox.connect()
    sandbox.drain()
    assert any("Not sent" in said and "Bob Ray" in said for said in direct(sandbox))
    slack.press(slack.ann, "Ask Bob Ray", offered(sandbox))
    sandbox.drain()
    presses(sandbox, "Send", question(sandbox))

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_what_was_scheduled_and_refused_at_its_time_can_go_another_way_too(outside: Sandbox) -> None:
    slack = outside.slack
    types(outside, "/canned {conversation} escalation at tomorrow 9:00")
    outside.clock.advance(seconds=(due(outside) - outside.clock()).total_seconds() + 1)
    outside.bot.sweep()
    outside.drain()
    slack.press(slack.ann, "Ask Bob Ray", offered(outside))
    outside.drain()
    presses(outside, "Send", question(outside))

    assert outside.genesys.customer_sees(outside.conversation) == [ESCALATION]


def test_a_way_that_was_pressed_in_a_window_shows_that_it_is_gone_before_genesys_answers(
    outside: Sandbox,
) -> None:
    slack = outside.slack
    refused_in_a_window(outside)
    held = outside.genesys.hold("GET /api/v2/conversations/{id}")
    slack.press(slack.ann, "Ask Bob Ray")
    assert held.arrived.wait(10)
    outside.bot.parts.lanes.windows.wait_idle(10)
    between = slack.open_view(slack.ann)
    held.release()
    outside.drain()
    after = slack.open_view(slack.ann)

    assert between is not None
    assert after is not None
    assert "Sending" in between.text
    assert "Ask Bob Ray" not in between.text
    assert "Bob Ray was asked" in after.text


def test_an_agent_asked_while_genesys_was_too_busy_is_not_asked_twice(outside: Sandbox) -> None:
    asked = asks(outside)
    outside.genesys.fault(outside.post, "429", retry_after=90)
    outside.slack.press(outside.slack.bob, "Send", asked)
    outside.rest()
    outside.clock.advance(seconds=91)
    outside.bot.sweep()
    outside.drain()

    assert outside.genesys.customer_sees(outside.conversation) == [ESCALATION]
    assert "Sent, as you" in question(outside).said


def test_killed_between_the_agents_click_and_the_send_it_goes_out_once(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = out(make_sandbox())
    asked = asks(sandbox)
    held = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    sandbox.slack.press(sandbox.slack.bob, "Send", asked)
    assert held.arrived.wait(20)
    assert not sandbox.stop_bot(timeout=0.1)
    sandbox.genesys.clear_faults()
    sandbox.clock.advance(seconds=30)
    sandbox.start_bot().drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert any("Sent" in said for said in direct(sandbox))


# -- where people act under their own sign-in


@pytest.fixture
def platform(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The same, where the service may send automated messages."""
    sandbox = out(make_sandbox())
    sandbox.genesys.permissions |= {"conversation:message:create"}
    return sandbox


one_contract = pytest.mark.parametrize("api", ["platform"])


@one_contract
def test_an_agent_who_never_signed_in_does_so_once_and_it_goes_on(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = out(make_sandbox(), signed_in=False)
    sandbox.slack.press(sandbox.slack.bob, "Send", asks(sandbox))
    sandbox.rest()
    before = sandbox.genesys.customer_sees(sandbox.conversation)
    sandbox.connect(sandbox.slack.bob, sandbox.genesys.bob)
    sandbox.drain()

    assert before == []
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert sandbox.genesys.received[0].from_id == sandbox.genesys.bob


@one_contract
def test_a_supervisor_who_watches_the_agent_in_genesys_can_ask_them_too(outside: Sandbox) -> None:
    outside.genesys.monitor(outside.conversation, outside.genesys.ann)
    presses(outside, "Send", asks(outside))

    [sent] = outside.genesys.received
    assert (sent.text, sent.from_id) == (ESCALATION, outside.genesys.bob)


@one_contract
@pytest.mark.parametrize(("queues", "why"), [([], "has no queues"), (["Billing"], "is in no queue of T")])
def test_nobody_writes_into_a_chat_of_another_teams_queue(
    make_sandbox: Callable[..., Sandbox], queues: list[str], why: str
) -> None:
    sandbox = out(make_sandbox(), queues=queues)
    refusal = types(sandbox)

    assert "Bob Ray" in refusal.said
    assert why in refusal.said
    assert buttons(refusal) == []


@one_contract
@pytest.mark.parametrize("send_as", ["agent", "system"])
def test_nor_does_a_team_that_sends_as_others_by_itself(
    make_sandbox: Callable[..., Sandbox], send_as: str
) -> None:
    sandbox = out(make_sandbox(), queues=["Billing"], send_as=send_as)
    types(sandbox)

    assert sandbox.receipts()[0].state is State.REFUSED
    assert sandbox.genesys.received == []


@one_contract
def test_a_chat_that_has_left_the_teams_queue_gets_nothing_that_was_agreed_to(platform: Sandbox) -> None:
    asked = asks(platform)
    genesys = platform.genesys
    genesys.leave(platform.conversation, genesys.bob)
    genesys.join(platform.conversation, genesys.bob, queue="Billing")
    presses(platform, "Send", asked)

    assert genesys.received == []
    assert "no queue of T" in direct(platform)[-1]


@one_contract
def test_a_team_that_sends_as_the_agent_asks_without_being_told_to(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = out(make_sandbox(), send_as="agent")
    types(sandbox)
    before = list(sandbox.genesys.received)
    presses(sandbox, "Send", question(sandbox))

    assert before == []
    assert [sent.from_id for sent in sandbox.genesys.received] == [sandbox.genesys.bob]


@one_contract
def test_an_automated_message_takes_the_supervisors_click_and_is_called_that(platform: Sandbox) -> None:
    refusal = types(platform)
    before = list(platform.genesys.received)
    platform.slack.press(platform.slack.ann, "Send as automated", refusal)
    platform.drain()

    assert before == []
    [sent] = platform.genesys.received
    assert (sent.text, sent.from_id) == (ESCALATION, "api")
    assert "as an automated message" in thread(platform)[-1]


@one_contract
def test_one_refused_send_goes_one_other_way_alone(platform: Sandbox) -> None:
    refusal, slack = types(platform), platform.slack
    slack.press(slack.ann, "Ask Bob Ray", refusal)
    platform.drain()
    slack.press(slack.ann, "Send as automated", refusal)
    platform.drain()
    presses(platform, "Send", question(platform))

    assert platform.genesys.customer_sees(platform.conversation) == [ESCALATION]


@one_contract
def test_an_automated_message_that_landed_elsewhere_is_said_so(platform: Sandbox) -> None:
    elsewhere = platform.genesys.start_chat("Grace Hopper", agents=[platform.genesys.bob])
    platform.genesys.agentless_lands_in = elsewhere
    platform.slack.press(platform.slack.ann, "Send as automated", types(platform))
    platform.drain()

    assert platform.genesys.customer_sees(elsewhere) == [ESCALATION]
    assert platform.receipts()[0].landed_in == elsewhere
    answer = platform.slack.ephemerals(platform.slack.ann)[-1].said
    for said in (answer, thread(platform)[-1], direct(platform)[-1]):
        assert "in another conversation" in said
        assert elsewhere in said


@one_contract
def test_an_automated_message_that_genesys_took_without_saying_where_to_is_said_so(platform: Sandbox) -> None:
    platform.genesys.empty_answers = True
    platform.slack.press(platform.slack.ann, "Send as automated", types(platform))
    platform.drain()

    assert platform.receipts()[0].state is State.SENT
    assert "did not say into which conversation" in thread(platform)[-1]


@one_contract
def test_where_the_channel_takes_no_automated_message_none_is_offered(platform: Sandbox) -> None:
    genesys = platform.genesys
    chat = genesys.start_chat("Alan Turing", agents=[genesys.bob], channel="whatsapp")
    refusal = types(platform, f"/canned {chat} escalation")

    assert buttons(refusal) == ["Ask Bob Ray"]


def forge(sandbox: Sandbox, user: str, action: str, *, ts: str) -> None:
    """A click as Slack would sign it, on whatever send is newest."""
    slack = sandbox.slack
    key = sandbox.receipts()[0].key
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": user, "team_id": slack.team_id},
            "channel": {"id": "D0DIRECT", "name": "directmessage"},
            "container": {"type": "message", "message_ts": ts, "channel_id": "D0DIRECT"},
            "trigger_id": "9.9.forged",
            "response_url": f"{slack.url}/response/none",
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": key}],
        }
    )
    sandbox.drain()


@one_contract
def test_nobody_is_asked_for_an_operator_who_does_not_wait_for_the_answer(
    make_sandbox: Callable[..., Sandbox], sent_by_operator: Callable[[Sandbox], Receipt]
) -> None:
    outside = out(make_sandbox(), send_as="agent")
    receipt = sent_by_operator(outside)

    assert receipt.state is State.REFUSED
    assert "the agent is asked in Slack" in receipt.reason
    assert not [message for message in outside.slack.direct_messages(outside.slack.bob) if message.blocks]
    assert outside.genesys.received == []
