"""Responses kept in Genesys go out like those of canned.yml, also while Response Management is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from bot.sandbox.sandbox import TEAM, Sandbox

QUERY = "POST /api/v2/responsemanagement/responses/query"
LIBRARIES = "GET /api/v2/responsemanagement/libraries"
QUEUE = "GET /api/v2/routing/queues/{id}"


@pytest.fixture
def api() -> str:
    """The events contract has no response libraries."""
    return "platform"


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The team uses the library Billing, which has a refund in it; the bot does not run yet."""
    sandbox = make_sandbox()
    slack = sandbox.slack
    team = {"name": TEAM, "channel": slack.channel, "supervisors": [slack.ann], "libraries": ["Billing"]}
    sandbox.configure({"teams": [team]})
    billing = sandbox.genesys.add_library("Billing")
    sandbox.genesys.add_response(
        billing,
        "Refund is on its way",
        None,
        html="<p>Dear {{CUSTOMER_NAME}},</p><p>the money for {{orderNumber}} is on its way.</p>",
        substitutions={"orderNumber": "your order"},
    )
    sandbox.genesys.add_response(billing, "Parcel", "", kind="MessagingTemplate", substitutions={"1": None})
    sandbox.genesys.add_response(billing, "Our footer", "Sent by us", kind="Footer")
    return sandbox


@pytest.fixture
def sandbox(office: Sandbox) -> Sandbox:
    office.start().drain()
    return office


def types(sandbox: Sandbox, text: str) -> str:
    """What Ann reads last after typing this."""
    slack = sandbox.slack
    ack = slack.types(slack.ann, text.replace("{conversation}", sandbox.conversation), slack.channel)
    sandbox.drain()
    return slack.ephemerals(slack.ann)[-1].said if slack.ephemerals(slack.ann) else ack.text


def seen_by_customer(sandbox: Sandbox) -> list[list[str]]:
    """The lines of each message, without blank ones."""
    texts = sandbox.genesys.customer_sees(sandbox.conversation)
    return [[line for line in text.splitlines() if line] for text in texts]


def test_the_customer_gets_the_plain_text_filled_in(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} refund-is-on-its-way")
    types(sandbox, "/canned {conversation} escalation")

    refund, own = seen_by_customer(sandbox)
    assert refund == ["Dear Grace Hopper,", "the money for your order is on its way."]
    assert own[0].startswith("Thank you for your patience")


def test_a_typed_value_goes_before_the_default(sandbox: Sandbox) -> None:
    types(sandbox, "/canned {conversation} refund-is-on-its-way orderNumber='order 7'")

    [[_, line]] = seen_by_customer(sandbox)
    assert line == "the money for order 7 is on its way."


def test_the_list_and_the_window_show_both_sources(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    listed = types(sandbox, "/canned list")
    slack.types(slack.ann, "/canned", slack.channel)
    sandbox.drain()
    found = [each.value for each in slack.search(slack.ann, "Response", "refund")]

    assert "escalation" in listed
    assert "refund-is-on-its-way" in listed
    assert "our-footer" not in listed
    assert found == ["refund-is-on-its-way"]


def test_a_kind_that_cannot_be_sent_is_refused_by_name(sandbox: Sandbox) -> None:
    answer = types(sandbox, "/canned {conversation} our-footer")

    assert "of the kind Footer in Genesys" in answer
    assert sandbox.receipts() == []


def test_a_kind_that_cannot_be_sent_is_not_what_somebody_meant(sandbox: Sandbox) -> None:
    assert "our-footer" not in types(sandbox, "/canned {conversation} our-foter")


def test_a_template_leaves_by_its_id(sandbox: Sandbox) -> None:
    assert "1" in types(sandbox, "/canned {conversation} parcel")  # is missing
    types(sandbox, "/canned {conversation} parcel 1=today")

    bodies = [each.json for each in sandbox.genesys.seen(sandbox.post)]
    [template] = [body["messagingTemplate"] for body in bodies]
    assert [(each["id"], each["value"]) for each in template["bodyParameters"]] == [("1", "today")]


@pytest.mark.parametrize("again", [False, True])
def test_while_response_management_is_away_they_still_go_out(sandbox: Sandbox, again: bool) -> None:
    if again:
        sandbox.stop_bot()
    for request in (LIBRARIES, QUERY):
        sandbox.genesys.fault(request, "status", status=503, times=1000)
    if again:
        sandbox.start_bot()
    sandbox.clock.advance(hours=2)
    sandbox.bot.sweep()
    sandbox.drain()
    types(sandbox, "/canned {conversation} refund-is-on-its-way")

    assert len(seen_by_customer(sandbox)) == 1


def test_a_change_in_genesys_is_there_after_a_few_minutes(sandbox: Sandbox) -> None:
    [refund] = [each for each in sandbox.genesys.responses.values() if each.name.startswith("Refund")]
    refund.html, refund.plain = None, "New."
    sandbox.clock.advance(minutes=5)
    sandbox.bot.sweep()
    sandbox.drain()
    types(sandbox, "/canned {conversation} refund-is-on-its-way")

    assert seen_by_customer(sandbox) == [["New."]]


def test_what_the_queue_does_not_use_is_not_sent_by_its_agent(office: Sandbox) -> None:
    office.start().drain()
    office.genesys.leave(office.conversation, office.genesys.ann)
    office.genesys.join(office.conversation, office.genesys.ann)  # through the queue
    office.genesys.queue("Support EMEA").libraries_mode = "None"
    answer = types(office, "/canned {conversation} refund-is-on-its-way")
    types(office, "/canned {conversation} escalation")

    assert "The queue Support EMEA does not use the response library Billing" in answer
    assert len(seen_by_customer(office)) == 1  # canned.yml's own


def test_a_warm_send_asks_genesys_two_things(sandbox: Sandbox) -> None:
    sandbox.genesys.leave(sandbox.conversation, sandbox.genesys.ann)
    sandbox.genesys.join(sandbox.conversation, sandbox.genesys.ann)
    types(sandbox, "/canned {conversation} refund-is-on-its-way")
    before = len(sandbox.genesys.requests)
    sandbox.clock.advance(seconds=61)
    types(sandbox, "/canned {conversation} refund-is-on-its-way")

    sent = [each for each in sandbox.genesys.requests[before:] if not each.path.endswith("/bulk")]
    assert [each.method for each in sent] == ["GET", "POST"]


# -- from a terminal --------------------------------------------------------------------------


def canned(office: Sandbox, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Runs `canned …` for an organisation without Slack, with nothing read from Genesys before."""
    variables = office.environment() | {"SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": ""} | changed
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=office.folder,
        env={"PYTHONPATH": ":".join(sys.path)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_operator_lists_and_validates_both_sources(office: Sandbox) -> None:
    office.open()
    listed = canned(office, "responses", "list")
    good = canned(office, "responses", "validate")

    assert "escalation\tEscalated to a specialist\n" in listed.stdout
    assert "refund-is-on-its-way\tRefund is on its way\tBilling\n" in listed.stdout
    assert (good.returncode, good.stderr) == (0, "")
    assert "Warning: “Our footer” in the library Billing is of the kind Footer" in good.stdout
    assert "Good: 5 responses, 1 teams; warnings: 1." in good.stdout


def test_what_no_channel_takes_is_a_fault_of_the_library(office: Sandbox) -> None:
    office.open()
    [billing] = office.genesys.libraries
    office.genesys.add_response(billing, "Small print", "x" * 2_001)
    done = canned(office, "responses", "validate")

    assert done.returncode == 1
    assert done.stderr == (
        "“Small print” in the library Billing has 2,001 characters, which no channel takes. "
        "Shorten it there to 2,000 at most.\n"
    )


def test_a_library_that_is_not_there_is_a_fault(office: Sandbox) -> None:
    office.open()
    office.genesys.libraries.clear()
    done = canned(office, "responses", "validate")

    assert done.returncode == 1
    assert "There is no response library Billing in Genesys" in done.stderr


def test_without_settings_canned_yml_alone_is_listed_and_it_is_said(office: Sandbox) -> None:
    office.open()
    listed = canned(office, "responses", "list", GENESYS_CLIENT_ID="")

    assert "escalation" in listed.stdout
    assert "The Genesys libraries were not looked at." in listed.stderr
    assert "GENESYS_CLIENT_ID" in listed.stderr


def test_an_operator_sends_one_that_was_never_read_before(office: Sandbox) -> None:
    office.open().link()
    words = ("send", office.conversation, "refund-is-on-its-way", "--as", office.slack.ann)
    done = canned(office, *words)

    assert done.returncode == 0
    assert len(seen_by_customer(office)) == 1
