"""What Prometheus reads of the real bot, after real sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from bot.sandbox.sandbox import Sandbox


@pytest.fixture(params=["platform", "events"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def page(sandbox: Sandbox) -> str:
    answer = requests.get(f"http://127.0.0.1:{sandbox.bot.listener.port}/metrics", timeout=10)
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.text


def numbers(sandbox: Sandbox) -> dict[str, float]:
    """Each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(page(sandbox))
    return {" ".join((s.name, *s.labels.values())): s.value for family in families for s in family.samples}


def click(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)


def send(sandbox: Sandbox) -> None:
    click(sandbox)
    sandbox.drain()


def test_each_send_is_counted_once_by_its_outcome_with_how_long_it_took(sandbox: Sandbox) -> None:
    before = numbers(sandbox)
    assert before["canned_sends_total sent"] == before["canned_sends_total unknown"] == 0

    send(sandbox)
    sandbox.slack.replay(2)
    sandbox.clock.advance(minutes=2)
    sandbox.genesys.fault(sandbox.post, "lost_before")
    send(sandbox)
    sandbox.clock.advance(minutes=2)
    sandbox.genesys.fault(sandbox.post, "429", retry_after=3)
    send(sandbox)

    after = numbers(sandbox)
    outcomes = {state: after[f"canned_sends_total {state}"] for state in ("sent", "unknown", "refused")}
    assert outcomes == {"sent": 2, "unknown": 1, "refused": 0}
    assert after["canned_send_seconds_count"] == 3
    assert after["canned_ack_seconds_count"] == 5
    assert after["canned_genesys_requests_total 429"] == 1
    assert after["canned_genesys_requests_total none"] >= 1
    assert after["canned_genesys_requests_total 2xx"] >= 5
    assert after["canned_sends_unknown"] == 1


def test_what_waits_is_shown_until_it_has_left(sandbox: Sandbox) -> None:
    sandbox.slack.fault("POST /api/chat.postMessage", "status", times=None)
    gate = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    sandbox.slack.types(
        sandbox.slack.ann, f"/canned {sandbox.conversation} escalation", sandbox.slack.channel
    )
    gate.arrived.wait(10)
    sandbox.clock.advance(seconds=60)

    waiting = numbers(sandbox)
    assert waiting["canned_lane_depth sends"] == 1
    assert waiting["canned_oldest_send_seconds"] >= 60

    gate.release()
    sandbox.rest()
    sandbox.clock.advance(seconds=60)
    assert numbers(sandbox)["canned_oldest_send_seconds"] == 0
    assert numbers(sandbox)["canned_posts_due"] >= 1

    sandbox.slack.clear_faults()
    sandbox.drain()
    assert numbers(sandbox)["canned_posts_due"] == 0


def test_what_was_to_leave_later_is_not_old_when_its_time_has_come(sandbox: Sandbox) -> None:
    slack, at = sandbox.slack, sandbox.clock().astimezone(ZoneInfo("Europe/Berlin")) + timedelta(hours=1)
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation at {at:%Y-%m-%d %H:%M}", slack.channel)
    sandbox.drain()
    gate = sandbox.genesys.hold("GET /api/v2/conversations/{id}")
    sandbox.clock.advance(hours=1)
    sandbox.bot.sweep()
    assert gate.arrived.wait(10)
    under_way = numbers(sandbox)["canned_oldest_send_seconds"]
    gate.release()

    assert under_way < 120


def test_what_a_supervisor_marks_as_not_sent_is_counted_and_was_no_long_send(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    sandbox.genesys.fault(sandbox.post, "lost_before")
    sandbox.genesys.fault("GET /api/v2/conversations/*/messages*", "status", status=404, times=None)
    send(sandbox)
    before = numbers(sandbox)
    sandbox.clock.advance(minutes=30)
    [card] = slack.messages(slack.channel)
    slack.press(slack.ann, "Mark as not sent", card)
    sandbox.drain()
    after = numbers(sandbox)

    assert (before["canned_sends_total unsent"], after["canned_sends_total unsent"]) == (0, 1)
    assert after["canned_send_seconds_count"] == before["canned_send_seconds_count"] == 1


def test_what_nobody_approved_was_no_slow_send(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    slack = sandbox.slack
    slack.add_group("leads", [slack.lee], group_id="S0LEADS")
    refund = {"title": "Refund", "text": "Your refund is on its way.", "approval": "S0LEADS"}
    sandbox.configure({"responses": {"escalation": refund}})
    sandbox.start()
    sandbox.link_user(slack.lee, sandbox.genesys.add_user("Lee Fox", "lee.fox@example.com"))
    send(sandbox)
    sandbox.clock.advance(minutes=5, seconds=1)
    sandbox.bot.sweep()
    sandbox.drain()

    after = numbers(sandbox)
    assert sum(after[f"canned_sends_total {state}"] for state in ("cancelled", "refused")) == 1
    assert after["canned_send_seconds_count"] == 0


def test_a_renewed_sign_in_is_counted(sandbox: Sandbox) -> None:
    """The service's own on the events contract, on the platform the supervisor's."""
    send(sandbox)
    before = numbers(sandbox).get("canned_genesys_token_requests_total 2xx", 0)
    sandbox.clock.advance(days=2)
    send(sandbox)

    assert numbers(sandbox)["canned_genesys_token_requests_total 2xx"] - before == 1


def test_a_sign_in_that_gets_no_answer_is_counted_as_one(sandbox: Sandbox) -> None:
    send(sandbox)
    sandbox.clock.advance(days=2)
    sandbox.genesys.fault("POST /oauth/token", "lost_before")
    send(sandbox)

    assert numbers(sandbox)["canned_genesys_token_requests_total none"] == 1
    assert "canned_genesys_requests_total none" not in numbers(sandbox)


def test_nobody_and_nothing_is_named(sandbox: Sandbox) -> None:
    send(sandbox)
    said = page(sandbox)

    receipt = sandbox.receipts()[0]
    who = (receipt.key, sandbox.conversation, sandbox.slack.ann, sandbox.slack.channel, receipt.text or "")
    assert not [each for each in (*who, "Support", "escalation") if each in said]


def test_a_database_that_is_gone_takes_only_its_own_numbers_away(sandbox: Sandbox) -> None:
    sandbox.bot.parts.store.close()

    assert "canned_lane_depth sends" in numbers(sandbox)
    assert "canned_posts_due" not in numbers(sandbox)


def test_connections_of_socket_mode_are_counted(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(socket_mode=True).start()
    send(sandbox)

    assert numbers(sandbox)["canned_socket_connections"] == 1
    assert numbers(sandbox)["canned_ack_seconds_count"] == 1
