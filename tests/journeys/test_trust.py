"""Who is believed: signatures, and the person who was asked; and how long texts are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_wire import Ack


def command(sandbox: Sandbox, **over: str) -> dict[str, str]:
    slack = sandbox.slack
    usual = {
        "command": "/canned",
        "text": f"{sandbox.conversation} escalation",
        "team_id": slack.team_id,
        "channel_id": slack.channel,
        "user_id": slack.ann,
        "trigger_id": "1.2.forged",
        "response_url": f"{slack.url}/response/none",
    }
    return usual | over


@pytest.mark.parametrize(
    ("forged", "status"),
    [
        ({"secret": "guessed"}, 401),
        ({"signature": "v0=0000"}, 401),
        ({"headers": {"X-Slack-Signature": ""}}, 401),
        ({"headers": {"X-Slack-Request-Timestamp": ""}}, 401),
        ({"timestamp": "soon"}, 401),
    ],
    ids=["other secret", "made up", "no signature", "no time", "time is a word"],
)
def test_what_slack_did_not_sign_does_nothing(sandbox: Sandbox, forged: dict[str, Any], status: int) -> None:
    ack: Ack = sandbox.slack.forge(command(sandbox), kind="slash_commands", **forged)
    sandbox.drain()

    assert ack.status == status
    assert sandbox.receipts() == []


def test_the_same_click_forged_right_would_have_sent(sandbox: Sandbox) -> None:
    """The guard of the tests above: their payload is refused for what is wrong with it alone."""
    sandbox.slack.forge(command(sandbox), kind="slash_commands")
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1


def test_a_question_put_to_ann_is_not_bobs_to_answer(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann, slack.bob]}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    for _ in range(2):
        slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
        sandbox.drain()
    question = slack.ephemerals(slack.ann)[-1]
    draft = question.blocks[-1]["elements"][0]["value"]

    slack.forge(
        {
            "type": "block_actions",
            "team": {"id": slack.team_id},
            "user": {"id": slack.bob, "team_id": slack.team_id},
            "channel": {"id": slack.channel, "name": "support-emea"},
            "container": {"type": "message", "message_ts": "1.2", "channel_id": slack.channel},
            "trigger_id": "9.9.bob",
            "actions": [{"type": "button", "action_id": "canned_again", "block_id": "b", "value": draft}],
        }
    )
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1


def test_texts_go_after_the_days_they_are_kept_and_the_record_stays(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    [before] = sandbox.receipts()
    sandbox.clock.advance(days=91)
    sandbox.bot.sweep()

    [after] = sandbox.receipts()
    assert before.text is not None
    assert (after.text, after.text_hash, after.state) == (None, before.text_hash, before.state)


def test_socket_mode_does_the_same_job(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(socket_mode=True).start()
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    assert len(sandbox.genesys.received) == 1
    assert "Sent" in slack.ephemerals(slack.ann)[-1].said
