"""Who is believed: signatures, workspaces, the person who was asked; and what the log keeps to itself."""

from __future__ import annotations

import logging
import time
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
        ({"ahead": -360}, 401),
        ({"ahead": 360}, 401),
    ],
    ids=["other secret", "made up", "no signature", "no time", "time is a word", "six minutes old", "ahead"],
)
def test_what_slack_did_not_sign_does_nothing(sandbox: Sandbox, forged: dict[str, Any], status: int) -> None:
    if "ahead" in forged:
        forged = {"timestamp": int(time.time()) + forged["ahead"]}
    ack: Ack = sandbox.slack.forge(command(sandbox), kind="slash_commands", **forged)
    sandbox.drain()

    assert ack.status == status
    assert sandbox.receipts() == []


def test_a_tampered_body_does_nothing(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, "/canned help", slack.channel)
    body = f"command=/canned&text={sandbox.conversation}+escalation".encode()
    request = slack.forge(None, kind="slash_commands")
    assert request.ok  # the last body, signed anew

    ack = slack.forge(body, kind="slash_commands", signature="v0=" + "0" * 64)
    sandbox.drain()

    assert ack.status == 401
    assert sandbox.receipts() == []


def test_another_workspace_is_not_served(sandbox: Sandbox) -> None:
    sandbox.slack.forge(command(sandbox, team_id="T0OTHER"), kind="slash_commands")
    sandbox.drain()

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


def test_a_body_too_large_is_refused(sandbox: Sandbox) -> None:
    ack = sandbox.slack.forge(b"x" * (2 << 20), kind="slash_commands")

    assert ack.status in (0, 413)
    assert sandbox.receipts() == []


HOSTILE = "<!channel> <@U0BOB> <https://evil.example|click> *bold* `code` {{AGENT_NAME}} $& \u202eabc"


def test_what_a_customer_calls_themselves_pings_nobody_and_fills_nothing(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    chat = sandbox.genesys.start_chat(HOSTILE, users=[sandbox.genesys.ann])
    sandbox.start()
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {chat} greeting topic=it", slack.channel)
    sandbox.drain()

    [text] = sandbox.genesys.customer_sees(chat)
    assert text.startswith(f"Hello {HOSTILE}, I am Ann Lee.")
    [card] = slack.messages(slack.channel)
    [reply] = slack.thread(slack.channel, card.ts)
    marked = [reply.text, *mrkdwn(reply.blocks)]
    assert HOSTILE in reply.said
    assert not any(mark in text for text in marked for mark in ("<!", "<@U0BOB", "<https"))


def mrkdwn(part: object) -> list[str]:
    """Every text in `part` of a message that Slack would read as markup."""
    if isinstance(part, dict):
        own = [str(part["text"])] if part.get("type") == "mrkdwn" else []
        return own + [text for each in part.values() for text in mrkdwn(each)]
    return [text for each in part for text in mrkdwn(each)] if isinstance(part, list) else []


def test_the_log_at_debug_holds_no_text_no_name_and_no_token(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} greeting topic=marked-value", slack.channel)
    sandbox.drain()
    sandbox.genesys.fault(sandbox.post, "lost_after")
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()

    written = caplog.text
    assert "send " in written
    secrets = [sandbox.genesys.client_secret, slack.bot_token, slack.signing_secret, *sandbox.genesys.tokens]
    for told in ("marked-value", "Grace", "Thank you for your patience", "Ann Lee", *secrets):
        assert told not in written


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
