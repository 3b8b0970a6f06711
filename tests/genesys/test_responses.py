"""Canned responses kept in Genesys are read whole, page by page, and made plain."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from bot.genesys import Genesys, Library, Queue, Refused
from bot.genesys.responses import plain, read_response
from bot.sandbox.genesys import SimulatedGenesys

QUERY = "POST /api/v2/responsemanagement/responses/query"


def test_all_libraries_are_listed_over_all_pages(public: SimulatedGenesys, platform: Genesys) -> None:
    ids = [public.add_library(f"Library {number:02}") for number in range(51)]

    found = platform.libraries()

    assert found == [Library(each, f"Library {number:02}") for number, each in enumerate(ids)]
    assert len(public.seen("GET /api/v2/responsemanagement/libraries")) == 3


def test_no_libraries_are_none(platform: Genesys) -> None:
    assert platform.libraries() == []


def test_responses_of_a_library_are_read_with_text_version_and_substitutions(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    library, other = public.add_library("Billing"), public.add_library("Other")
    refund = public.add_response(
        library,
        "Refund",
        "Hi {{CUSTOMER_NAME}}, order {{order}}",
        substitutions={"order": "your order", "day": None},
    )
    public.add_response(other, "Elsewhere", "No.")
    public.edit_response(refund, "Hi {{order}}")

    (found,) = platform.library_responses(library)

    assert (found.id, found.name, found.version, found.text) == (refund, "Refund", 2, "Hi {{order}}")
    assert found.substitutions == {"order": "your order", "day": None}
    assert (found.kind, found.sendable) == ("standard", True)
    assert "Hi" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "ours", "sendable"),
    [
        ("MessagingTemplate", "template", True),
        ("Form", "form", True),
        ("Footer", "Footer", False),
        ("CampaignSmsTemplate", "CampaignSmsTemplate", False),
        ("CampaignEmailTemplate", "CampaignEmailTemplate", False),
        ("AppleInvitation", "AppleInvitation", False),
    ],
)
def test_kinds_that_cannot_be_sent_keep_their_name(
    public: SimulatedGenesys, platform: Genesys, kind: str, ours: str, sendable: bool
) -> None:
    library = public.add_library("Billing")
    public.add_response(library, "One", "Text", kind=kind)

    (found,) = platform.library_responses(library)

    assert (found.kind, found.sendable) == (ours, sendable)


def test_thousand_responses_are_three_requests_at_most(public: SimulatedGenesys, platform: Genesys) -> None:
    library = public.add_library("Billing")
    for number in range(1001):
        public.add_response(library, f"R{number}", "Text")

    assert len(platform.library_responses(library)) == 1001
    assert len(public.seen(QUERY)) == 3


def test_plain_text_goes_before_html(public: SimulatedGenesys, platform: Genesys) -> None:
    library = public.add_library("Billing")
    public.add_response(library, "Both", "Plain &amp; simple", html="<p>Rich</p>")
    public.add_response(library, "Rich", None, html="<p>Rich &amp; <b>bold</b></p>")

    assert [one.text for one in platform.library_responses(library)] == ["Plain &amp; simple", "Rich & bold"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("<div>One<br>Two<br/>Three</div>", "One\nTwo\nThree"),
        ("<p>See:</p><ul><li>a</li><li>b</li></ul>end", "See:\n• a\n• b\n\nend"),
        ("  <b>Hi</b>\n   there&nbsp;you &lt;3 &eacute;</p>\n", "Hi there you <3 é"),
        ("<p>a</p><p></p><p></p><p></p><p>b</p>", "a\n\nb"),
        ("Hello<div>there,</div>all <b>of</b> <p>you</p>", "Hello\nthere,\nall of\nyou"),
        ("We need:<ul><li>a</li><li><p>b</p></li></ul>", "We need:\n• a\n• b"),
        ("<h2>Opening hours</h2>9 to 5<ol><li>a</li></ol>b", "Opening hours\n9 to 5\n• a\n\nb"),
        ("<style>p {x}</style>Hi<script>alert('{{x}}')</script>", "Hi"),
        ("Hello {{name}} <a href='https://x'>here</a>", "Hello {{name}} here"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("</style>Hi", "Hi"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_that_a_person_would_read(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    "raw",
    [
        {"id": "r"},
        {"id": "r", "texts": None, "substitutions": "x", "version": "1"},
        {"id": "r", "texts": [7]},
    ],
)
def test_response_of_an_odd_shape_is_an_empty_one(raw: dict[str, Any]) -> None:
    found = read_response(raw)

    assert (found.text, found.substitutions, found.version) == ("", {}, 0)


def test_html_counts_where_the_plain_text_is_blank() -> None:
    texts = [
        {"content": " ", "contentType": "text/plain"},
        {"content": "<p>Hello</p>", "contentType": "text/html"},
    ]

    assert read_response({"id": "r1", "texts": texts}).text == "Hello"


def test_subject_of_an_email_is_not_the_text() -> None:
    texts = [
        {"content": "Re: refund", "contentType": "text/plain", "type": "subject"},
        {"content": "Dear you", "contentType": "text/plain", "type": "body"},
        {"content": "Second", "contentType": "text/plain"},
    ]

    assert read_response({"id": "r", "texts": texts}).text == "Dear you"


def test_empty_default_value_is_none_rather_than_a_gap_in_the_text() -> None:
    found = read_response({"id": "r", "substitutions": [{"id": "order", "defaultValue": ""}]})

    assert found.substitutions == {"order": None}


def test_missing_permission_to_read_responses_is_named(public: SimulatedGenesys, platform: Genesys) -> None:
    library = public.add_library("Billing")
    public.permissions = frozenset()
    sentence = "this bot to read response libraries: it lacks responses"

    with pytest.raises(Refused, match=f"{sentence}:library:view"):
        platform.libraries()
    with pytest.raises(Refused, match=f"{sentence}:response:view"):
        platform.library_responses(library)


# Queues


def test_queue_says_which_libraries_its_agents_may_use(public: SimulatedGenesys, platform: Genesys) -> None:
    queue = public.queue("Billing")
    queue.libraries_mode, queue.library_ids = "SelectedOnly", ("l1", "l2")

    assert platform.queue(queue.id) == Queue(queue.id, "Billing", "SelectedOnly", ("l1", "l2"))


def test_queue_that_is_not_there_is_said_to_be_unknown(public: SimulatedGenesys, platform: Genesys) -> None:
    with pytest.raises(Refused, match="does not know this queue"):
        platform.queue(public.chat)


def test_queues_are_found_by_their_whole_name_and_no_more(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    billing = public.queue("Billing")
    for name in ("Billing Two", "Big Billing", *(f"x billing {number}" for number in range(40))):
        public.queue(name)

    assert platform.queues(["billing", "Bill", "No & such"]) == {"billing": billing.id}


def test_two_queues_of_one_name_are_neither(public: SimulatedGenesys, platform: Genesys) -> None:
    public.queue("Billing")
    public.queue("BILLING")

    assert platform.queues(["Billing"]) == {}


def test_queues_found_by_name_are_kept_for_ten_minutes_and_others_asked_for_again(
    public: SimulatedGenesys, platform: Genesys, clock: Any
) -> None:
    def asked(minutes: float) -> int:
        clock.at += timedelta(minutes=minutes)
        before = len(public.seen("GET /api/v2/routing/queues"))
        platform.queues(["Billing", "Not yet"])
        return len(public.seen("GET /api/v2/routing/queues")) - before

    public.queue("Billing")
    assert [asked(0), asked(9), asked(1)] == [2, 1, 2]

    there = public.queue("Not yet")
    assert platform.queues(["Not yet"]) == {"Not yet": there.id}


def test_queues_that_another_thread_asks_for_meanwhile_do_not_hide_ones_own(
    public: SimulatedGenesys, platform: Genesys
) -> None:
    billing = public.queue("Billing")
    held = public.hold("GET /api/v2/routing/queues")

    class Names(list[str]):
        """Names that are gone through once to ask for them, and once more to answer."""

        times = 0

        def __iter__(self) -> Iterator[str]:
            self.times += 1
            if self.times == 2:
                held.release()
                other.result(5)
            return super().__iter__()

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(platform.queues, ["Support EMEA"])
        assert held.arrived.wait(5)

        assert platform.queues(Names(["Billing"])) == {"Billing": billing.id}
