"""Nothing is sent unless everything holds: each guard broken alone, and with each other one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, combinations
from typing import Any

import pytest

from bot.canned.errors import CannedError
from bot.models import State
from bot.sandbox.sandbox import TEAM, Sandbox

RESPONSES = {
    "hello": {"title": "Hello", "text": "Hello {{topic}}"},
    "leads": {"title": "Hello", "text": "Hello {{topic}}", "approval": "S0LEADS"},
    "other": {"title": "Hello", "text": "Hello {{topic}}"},
    "others": {"title": "Hello", "text": "Hello {{topic}}", "approval": "S0LEADS"},
}
CHAT = {"live", "kind", "sender in it"}  # what is wrong with the conversation itself
ASKED = {"signature", "allowed", "variables", "approval", *CHAT}  # and what with the request
LATER = {"link", "active", "team"}  # and what may become so between the click and the send
BEFORE = {"signature", "link", "team", "allowed"}  # what is said before anything is written
GUARDS = sorted(ASKED | LATER)


class Office:
    """One bot for all rows; each has a conversation of its own, in a world where `broken` does not hold."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.arrange(set())
        sandbox.start()

    def arrange(self, broken: Iterable[str]) -> None:
        sandbox, slack = self.sandbox, self.sandbox.slack
        supervisors = [slack.lee if "team" in broken else slack.ann]
        team = {"name": TEAM, "channel": slack.channel, "supervisors": supervisors}
        allowed = {"responses": ["hello", "leads"]}
        sandbox.configure({"responses": RESPONSES, "teams": [team | allowed], "identity": ["operator"]})
        slack.set_user(slack.ann, deleted="active" in broken)

    def link(self, broken: Iterable[str]) -> None:
        store = self.sandbox.bot.parts.store
        if "link" in broken:
            store.unlink(self.sandbox.slack.ann)
        else:
            self.sandbox.link()

    def chat(self, broken: Iterable[str]) -> str:
        genesys = self.sandbox.genesys
        users = [] if "sender in it" in broken else [genesys.ann]
        media = {"media": "voice"} if "kind" in broken else {}
        chat = genesys.start_chat("Grace Hopper", agents=[genesys.bob], users=users, **media)
        if "live" in broken:  # over, though Genesys has not yet taken everybody out of it
            genesys.conversations[chat].until = genesys.now()
        return chat

    def types(self, broken: Iterable[str]) -> str:
        """The conversation into which Ann's command was to send; what was remembered of her is forgotten."""
        self.arrange(broken)
        self.link(broken)
        self.sandbox.clock.advance(minutes=6)
        chat, slack = self.chat(broken), self.sandbox.slack
        mine, others = ("leads", "others") if "approval" in broken else ("hello", "other")
        key = others if "allowed" in broken else mine
        topic = "" if "variables" in broken else " topic=it"
        command = {
            "command": "/canned",
            "text": f"{chat} {key}{topic}",
            "team_id": slack.team_id,
            "channel_id": slack.channel,
            "user_id": slack.ann,
            "trigger_id": chat,
            "response_url": f"{slack.url}/response/none",
        }
        guessed: Mapping[str, Any] = {"secret": "guessed"} if "signature" in broken else {}
        slack.forge(command, kind="slash_commands", **guessed)
        self.sandbox.drain()
        return chat


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Office:
    return Office(make_sandbox())


def test_of_all_rows_the_one_with_nothing_broken_sends(office: Office) -> None:
    rows = list(chain.from_iterable(combinations(GUARDS, broken) for broken in (0, 1, 2)))
    chats = {office.types(row): row for row in rows}

    assert len(rows) == 56
    assert [chats[sent.conversation_id] for sent in office.sandbox.genesys.received] == [()]
    assert len(office.sandbox.genesys.seen(office.sandbox.post)) == 1  # it is we who said no
    claimed = {chats[receipt.request.conversation_id] for receipt in office.sandbox.receipts()}
    assert claimed == {row for row in rows if not BEFORE.intersection(row)}


@pytest.mark.parametrize("api", ["events"])
def test_what_is_known_of_somebody_who_left_is_said_before_anything_is_written(office: Office) -> None:
    slack = office.sandbox.slack
    office.link(())
    slack.set_user(slack.ann, deleted=True)
    for _ in range(2):  # the first send has to ask Slack, the second finds the answer in memory
        slack.types(slack.ann, f"/canned {office.chat(())} hello topic=it", slack.channel)
        office.sandbox.drain()

    assert len(office.sandbox.receipts()) == 1


def test_what_breaks_between_the_click_and_the_send_is_found_before_it_leaves(office: Office) -> None:
    sandbox, slack, desk = office.sandbox, office.sandbox.slack, office.sandbox.bot.parts.desk
    claimed = {}
    for guard in sorted({*LATER, "allowed", "live", "sender in it", "nothing"}):
        office.arrange(())
        office.link(())
        chat = office.chat(())
        sandbox.clock.advance(minutes=6)
        asked = {"conversation": chat, "response": "hello", "values": {"topic": "it"}, "click": guard}
        try:
            receipt = desk.claim(desk.start_request(slack.ann, slack.channel, **asked))
        except CannedError as exc:
            raise AssertionError(guard) from exc
        sandbox.clock.advance(minutes=4, seconds=59)  # within the five minutes that a click counts
        slack.people[slack.ann].deleted = guard == "active"
        breaks(office, guard, chat)
        claimed[guard] = desk.deliver(receipt).state

    assert {guard for guard, state in claimed.items() if state is State.SENT} == {"nothing"}
    assert len(sandbox.genesys.seen(sandbox.post)) == 1


def breaks(office: Office, guard: str, chat: str) -> None:
    genesys = office.sandbox.genesys
    office.arrange({guard})
    office.link({guard})
    if guard == "allowed":
        office.sandbox.configure({"responses": {"hello": RESPONSES["hello"] | {"expires": "2020-01-31"}}})
    elif guard == "live":
        genesys.conversations[chat].until = genesys.now()
    elif guard == "sender in it":
        genesys.leave(chat, genesys.ann)
