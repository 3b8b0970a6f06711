"""A send whose answer was lost: what the buttons on its card do, for whom, and how often."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.models import State
from bot.sandbox.sandbox import TEAM, Sandbox
from bot.sandbox.slack_said import Message
from bot.slack import messages, unknowns
from tests import hands
from tests.hands import card, direct, thread
from tests.waiting import until

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
SETTLE = ["Send again", "Mark as not sent", "Mark as handled"]


@pytest.fixture
def lost(make_sandbox: Callable[..., Sandbox]) -> Callable[..., Sandbox]:
    """Ann and Bob lead the team and are in the chat; the answer to what Ann sent was lost."""

    def lose(*, arrived: bool = False, **team: Any) -> Sandbox:
        slack = (sandbox := make_sandbox()).slack
        people = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann, slack.bob]}
        sandbox.configure({"teams": [people | team]})
        sandbox.start()
        sandbox.link_user(slack.ann, sandbox.genesys.ann)
        sandbox.link_user(slack.bob, sandbox.genesys.bob)
        lose_one(sandbox, arrived=arrived)
        return sandbox

    return lose


def lose_one(sandbox: Sandbox, text: str = "escalation", *, arrived: bool = False) -> None:
    """What the answer is lost of cannot be looked up either, at first."""
    slack = sandbox.slack
    reading = sandbox.genesys.hold("GET /api/v2/conversations/{id}", then="delay", worked=True)
    sandbox.genesys.fault(sandbox.post, "lost_after" if arrived else "lost_before")
    slack.types(slack.ann, f"/canned {sandbox.conversation} {text}", slack.channel)
    assert reading.arrived.wait(10)
    sandbox.genesys.fault("GET /api/v2/conversations/*", "status", status=404, times=None)
    reading.release()
    sandbox.drain()
    sandbox.genesys.clear_faults()
    assert sandbox.receipts()[0].state is State.UNKNOWN


def buttons(message: Message) -> list[str]:
    """What it offers, less what every card does."""
    return [label for label in hands.buttons(message) if label not in ("Send another", "Open in Genesys")]


def presses(sandbox: Sandbox, user: str, button: str, message: Message | None = None) -> str:
    """What the person who clicked reads then."""
    sandbox.slack.press(user, button, message or card(sandbox))
    sandbox.drain()
    return sandbox.slack.ephemerals(user)[-1].said


def asked(sandbox: Sandbox, user: str) -> Message:
    return next(note for note in reversed(sandbox.slack.ephemerals(user)) if "Send it again" in buttons(note))


def on_record(sandbox: Sandbox, key: str) -> list[tuple[str, str]]:
    return [(record.event, record.actor) for record in sandbox.bot.parts.store.audit(key)]


# -- what is offered -------------------------------------------------------------------------


def test_the_card_offers_what_can_be_done_and_the_direct_message_says_where(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost()

    look = ["Look again"] if sandbox.api == "platform" else []
    assert buttons(card(sandbox)) == [*look, *SETTLE]
    assert ("cannot look by itself" in card(sandbox).said) == (sandbox.api == "events")
    assert "buttons to settle it" in direct(sandbox, sandbox.slack.ann)[-1]


def test_the_card_still_asks_about_an_unknown_one_after_the_next_was_sent(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost()
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} greeting topic=tea", slack.channel)
    sandbox.drain()

    assert "Sent" in card(sandbox).said
    assert "*Unknown*: `escalation`" in card(sandbox).text  # which is all that a screen reader is given
    assert set(SETTLE) <= set(buttons(card(sandbox)))
    assert "Marked as handled" in presses(sandbox, slack.ann, "Mark as handled")
    assert buttons(card(sandbox)) == []
    handled = sandbox.receipts()[1]
    assert "has buttons" not in messages.outcome(handled)["text"]


# -- look again ------------------------------------------------------------------------------


@pytest.mark.parametrize("arrived", [True, False])
def test_looking_again_finds_what_arrived_and_settles_nothing_else(
    lost: Callable[..., Sandbox], arrived: bool
) -> None:
    sandbox = lost(arrived=arrived)
    [receipt] = sandbox.receipts()
    if sandbox.api == "events":
        press(sandbox, sandbox.slack.ann, f"{unknowns.LOOK}:1", receipt.key)
        assert "cannot look" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said
        return
    said = presses(sandbox, sandbox.slack.bob, "Look again")

    assert ("sent" in said, "still unknown" in said) == (arrived, not arrived)
    assert sandbox.receipts()[0].state is (State.SENT if arrived else State.UNKNOWN)
    assert len(thread(sandbox)) == (2 if arrived else 1)
    assert ("Look again" in buttons(card(sandbox))) == (not arrived)
    assert ("looked", sandbox.slack.bob) in on_record(sandbox, receipt.key)
    assert len(sandbox.genesys.received) == int(arrived)


@pytest.mark.parametrize("api", ["platform"])
@pytest.mark.parametrize(
    ("status", "why"),
    [(503, "try again in a minute"), (404, "does not know the conversation any more"), (403, "does not let")],
)
def test_a_look_that_genesys_does_not_answer_says_so(
    lost: Callable[..., Sandbox], status: int, why: str
) -> None:
    sandbox = lost(arrived=True)
    sandbox.genesys.fault("GET /api/v2/conversations/*", "status", status=status, times=None)
    said = presses(sandbox, sandbox.slack.ann, "Look again")

    assert why in said
    assert ("try again" in said) == (status == 503)


@pytest.mark.parametrize("api", ["platform"])
def test_a_look_with_a_sign_in_that_has_ended_says_who_has_to_sign_in(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost(arrived=True)
    sandbox.genesys.log_out(sandbox.genesys.ann)

    assert "Whoever sent it has to sign in" in presses(sandbox, sandbox.slack.bob, "Look again")


@pytest.mark.parametrize("api", ["platform"])
def test_of_two_with_the_same_text_the_first_is_not_taken_for_the_second(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost()
    first = sandbox.receipts()[0].key
    sandbox.clock.advance(minutes=2)
    lose_one(sandbox, arrived=True)
    press(sandbox, sandbox.slack.ann, f"{unknowns.LOOK}:1", first)

    assert "may be either" in sandbox.slack.ephemerals(sandbox.slack.ann)[-1].said
    assert [receipt.state for receipt in sandbox.receipts()] == [State.UNKNOWN, State.UNKNOWN]


@pytest.mark.parametrize("api", ["platform"])
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("readable", [True, False])
def test_what_was_sent_meanwhile_is_not_taken_for_the_one_that_is_looked_for(
    sandbox: Sandbox, answered: bool, readable: bool
) -> None:
    slack, genesys = sandbox.slack, sandbox.genesys
    if not readable:
        genesys.fault("POST /api/v2/conversations/messages/*/messages/bulk", "status", status=403, times=None)
    lost = genesys.hold(sandbox.post, then="lost_before")
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    assert lost.arrived.wait(10)
    look = genesys.hold("GET /api/v2/conversations/{id}")
    lost.release()
    assert look.arrived.wait(10)
    again = None if answered else genesys.hold(sandbox.post, worked=True)
    another = "escalation" if readable else "greeting topic=tea"
    slack.types(slack.ann, f"/canned {sandbox.conversation} {another}", slack.channel)
    if readable:
        slack.press(slack.ann, "Send it again", asked(sandbox, slack.ann))
    assert again is None or again.worked.wait(10)
    until(lambda: not answered or sandbox.receipts()[0].state is State.SENT)
    look.release()
    until(lambda: sandbox.receipts()[1].state is not State.SENDING)
    genesys.clear_faults()
    sandbox.drain()

    assert len(genesys.customer_sees(sandbox.conversation)) == 1
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT, State.UNKNOWN]


@pytest.mark.parametrize("api", ["platform"])
def test_what_is_found_without_its_text_is_said_not_to_be_certain(sandbox: Sandbox) -> None:
    slack, genesys = sandbox.slack, sandbox.genesys
    genesys.users[genesys.ann].permissions -= {"conversation:message:view"}
    genesys.fault(sandbox.post, "lost_after")
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert "likely and not certain" in slack.ephemerals(slack.ann)[-1].said
    assert "likely and not certain" in thread(sandbox)[-1]


@pytest.mark.parametrize("api", ["platform"])
def test_what_genesys_took_without_an_id_is_not_taken_for_the_next_one_that_was_lost(
    sandbox: Sandbox,
) -> None:
    slack, genesys = sandbox.slack, sandbox.genesys
    genesys.empty_answers, genesys.messages_show_after = True, 10
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    until(lambda: bool(genesys.received))
    genesys.fault(sandbox.post, "lost_before")
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    slack.press(slack.ann, "Send it again", asked(sandbox, slack.ann))
    sandbox.drain()

    assert [receipt.state for receipt in sandbox.receipts()] == [State.UNKNOWN, State.SENT]
    assert genesys.customer_sees(sandbox.conversation) == [ESCALATION]


@pytest.mark.parametrize("api", ["platform"])
def test_what_genesys_shows_counts_more_than_a_mark_made_while_somebody_looked(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost(arrived=True)
    slack, picture = sandbox.slack, card(sandbox)
    look = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    slack.press(slack.ann, "Look again", picture)
    assert look.arrived.wait(10)
    slack.press(slack.bob, "Mark as not sent", picture)
    until(lambda: sandbox.receipts()[0].state is State.UNSENT)
    slack.fault("POST /api/chat.postMessage", "429", retry_after=1)
    look.release()
    sandbox.drain()

    [receipt] = sandbox.receipts()
    assert (receipt.state, len(sandbox.genesys.received)) == (State.SENT, 1)
    assert "settled: sent. It had been marked as not sent" in slack.ephemerals(slack.ann)[-1].said
    assert "Not sent" in thread(sandbox)[-2]
    assert "Sent" in thread(sandbox)[-1]
    assert "Sent" in direct(sandbox, slack.ann)[-1]
    assert "Sent" in card(sandbox).said
    assert sandbox.bot.parts.store.contradictions() == []


# -- send again ------------------------------------------------------------------------------


def test_sent_again_is_asked_first_and_then_belongs_to_whoever_clicked(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    slack = sandbox.slack
    assert "get it twice" in presses(sandbox, slack.bob, "Send again")
    assert sandbox.genesys.received == []
    presses(sandbox, slack.bob, "Send it again", asked(sandbox, slack.bob))

    again, unknown = sandbox.receipts()
    assert [(sent.text, sent.from_id) for sent in sandbox.genesys.received] == [
        (ESCALATION, sandbox.genesys.bob)
    ]
    assert (again.state, again.request.supervisor) == (State.SENT, slack.bob)
    assert (unknown.state, unknown.handled_by) == (State.UNKNOWN, slack.bob)
    assert buttons(card(sandbox)) == []
    assert any("was to be sent once more" in said for said in thread(sandbox))
    assert "Sent" in thread(sandbox)[-1]
    assert ("marked", slack.bob) in on_record(sandbox, unknown.key)


def test_sent_again_once_though_everybody_clicks_twice_and_slack_replays(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost()
    slack = sandbox.slack
    picture = card(sandbox)
    for user in (slack.ann, slack.bob, slack.ann):
        presses(sandbox, user, "Send again", picture)
    questions = [(user, asked(sandbox, user)) for user in (slack.ann, slack.bob)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda who: slack.press(who[0], "Send it again", who[1]), questions * 2))
    slack.replay(3, at_once=True)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert len(sandbox.receipts()) == 2
    late = [note.said for user in (slack.ann, slack.bob) for note in slack.ephemerals(user)]
    assert any("Somebody else has sent it again" in said for said in late)
    assert "settled" in presses(sandbox, slack.bob, "Send again", picture)


def test_a_question_is_only_for_whom_it_was_put_to(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    presses(sandbox, sandbox.slack.ann, "Send again")
    draft = asked(sandbox, sandbox.slack.ann).blocks[-1]["elements"][0]["value"]
    press(sandbox, sandbox.slack.bob, "canned_again", draft)
    press(sandbox, sandbox.slack.ann, "canned_team:0", f"{draft}:{TEAM}")

    assert sandbox.genesys.received == []
    for user in (sandbox.slack.ann, sandbox.slack.bob):
        assert "was not put to you" in sandbox.slack.ephemerals(user)[-1].said


def test_what_is_settled_while_the_question_stands_is_not_sent_again(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    slack = sandbox.slack
    presses(sandbox, slack.ann, "Send again")
    presses(sandbox, slack.bob, "Mark as not sent")

    assert "marked it as not sent" in presses(sandbox, slack.ann, "Send it again", asked(sandbox, slack.ann))
    assert sandbox.genesys.received == []


def test_sending_again_checks_everything_anew(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    presses(sandbox, sandbox.slack.ann, "Send again")
    sandbox.genesys.end(sandbox.conversation)
    presses(sandbox, sandbox.slack.ann, "Send it again", asked(sandbox, sandbox.slack.ann))

    assert sandbox.genesys.received == []
    assert sandbox.receipts()[0].state is State.REFUSED
    assert not any("was sent once more" in said for said in thread(sandbox))


def test_what_was_typed_goes_again_until_it_was_kept_long_enough(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    sandbox.slack.types(sandbox.slack.ann, "/canned help", sandbox.slack.channel)
    presses(sandbox, sandbox.slack.ann, "Mark as handled")
    lose_one(sandbox, "greeting topic=tea")
    sandbox.bot.parts.store.purge(sandbox.clock())

    assert "kept long enough" in presses(sandbox, sandbox.slack.ann, "Send again")
    assert sandbox.genesys.received == []


# -- a person's word -------------------------------------------------------------------------


def test_marked_as_not_sent_by_somebody_else_is_told_in_the_thread_and_to_its_supervisor(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost()
    slack = sandbox.slack
    assert "Marked as not sent" in presses(sandbox, slack.bob, "Mark as not sent")

    [receipt] = sandbox.receipts()
    assert (receipt.state, receipt.reason) == (State.UNSENT, "Bob Ray looked and marked it as not sent.")
    assert "Bob Ray looked" in thread(sandbox)[-1]
    assert "Bob Ray looked" in direct(sandbox, slack.ann)[-1]
    assert ("Not sent" in card(sandbox).said, buttons(card(sandbox))) == (True, [])
    assert on_record(sandbox, receipt.key)[-1] == ("marked", slack.bob)


def test_marked_as_handled_it_stays_unknown_and_the_card_says_by_whom(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    slack = sandbox.slack
    presses(sandbox, slack.ann, "Mark as handled")

    [receipt] = sandbox.receipts()
    assert (receipt.state, receipt.handled_by) == (State.UNKNOWN, slack.ann)
    assert "Unknown, handled by @ann" in card(sandbox).said
    assert buttons(card(sandbox)) == []
    assert "Ann Lee marked it as handled" in thread(sandbox)[-1]
    listed = CliRunner().invoke(main, ["sends", "list", "--state", "unknown"], env=sandbox.environment())
    assert listed.stdout.rstrip().split("\t")[5:] == [receipt.key, f"handled by {slack.ann}"]


def test_of_two_who_settle_it_at_once_one_wins_and_the_other_reads_what_happened(
    lost: Callable[..., Sandbox],
) -> None:
    sandbox = lost()
    slack, picture = sandbox.slack, card(sandbox)
    clicks = [(slack.ann, "Mark as handled"), (slack.bob, "Mark as not sent")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda click: slack.press(*click, picture), clicks))
    sandbox.drain()

    read = [slack.ephemerals(user)[-1].said for user, _ in clicks]
    assert sum(said.startswith("Marked as") for said in read) == 1
    assert sum(said.startswith("That is settled") for said in read) == 1
    assert len(thread(sandbox)) == 2


# -- who may -------------------------------------------------------------------------------------


def press(sandbox: Sandbox, user: str, action: str, key: str, **other: str) -> None:
    """A click as Slack would sign it; on the card of the demo's conversation unless told otherwise."""
    slack = sandbox.slack
    channel, ts = other.get("channel", slack.channel), other.get("ts", card(sandbox).ts)
    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": user, "team_id": slack.team_id},
            "channel": {"id": channel, "name": "somewhere"},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel},
            "trigger_id": "9.9.forged",
            "response_url": f"{slack.url}/response/none",
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": key}],
        }
    )
    sandbox.drain()


ACTIONS = [f"{each}:1" for each in (unknowns.LOOK, unknowns.AGAIN, unknowns.UNSENT, unknowns.HANDLED)]


@pytest.mark.parametrize("api", ["platform"])
def test_a_click_counts_from_a_supervisor_on_the_card_alone(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost(arrived=True)
    slack, [receipt] = sandbox.slack, sandbox.receipts()
    slack.add_channel("elsewhere", [slack.ann], channel_id="C0ELSE")
    reply = slack.thread(slack.channel, card(sandbox).ts)[0].ts
    for action in ACTIONS:
        press(sandbox, slack.lee, action, receipt.key)
        press(sandbox, slack.ann, action, receipt.key, channel="C0ELSE")
        press(sandbox, slack.ann, action, receipt.key, ts=reply)
        press(sandbox, slack.ann, action, "no-such-send")
    slack.set_user(slack.bob, is_restricted=True)
    sandbox.clock.advance(minutes=6)
    for action in ACTIONS:
        press(sandbox, slack.bob, action, receipt.key)

    assert sandbox.receipts() == [receipt]
    assert [event for event, _ in on_record(sandbox, receipt.key)] == ["claimed", "begun", "settled"]
    read = [note.said for user in (slack.lee, slack.ann, slack.bob) for note in slack.ephemerals(user)]
    refused = [
        said
        for said in read
        if any(word in said for word in ("not a supervisor", "not on the card", "guest"))
    ]
    assert len(refused) == 5 * len(ACTIONS)


def test_the_same_click_forged_right_would_have_counted(lost: Callable[..., Sandbox]) -> None:
    sandbox = lost()
    press(sandbox, sandbox.slack.ann, f"{unknowns.UNSENT}:1", sandbox.receipts()[0].key)

    assert sandbox.receipts()[0].state is State.UNSENT
