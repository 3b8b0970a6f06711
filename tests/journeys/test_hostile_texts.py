"""Words of people, in both directions: nothing in them is read as markup, as a variable or as an order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.sandbox.sandbox import Sandbox
from tests.hands import chooses

PINGS = "<!channel> <!here> <@U0EVIL> <#C0EVIL> <!subteam^S0EVIL> <https://evil.example|click> @channel"
FILLS = "{{AGENT_NAME}} {{topic|x}} {operator} ${HOME} $& \\1 %s {0} &lt;!channel&gt; &amp;amp;"
HIDDEN = "\u202eabc\u2066def\u200b\u200d\ufeff\u200f *b* `c` ~s~ _i_ > q"
WORDS = f"{PINGS} {FILLS} {HIDDEN}"
QUEUE = "<!channel> *Q* \u202e <https://evil.example|q>"
LIVE = re.compile(r"<[!#]\w|<!subteam|<@U0EVIL|<(https?|mailto):[^>]*evil|[\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Everybody has such a name: customer, agent and supervisor, in Genesys and in Slack, and the queue."""
    sandbox = make_sandbox()
    slack, genesys = sandbox.slack, sandbox.genesys
    team = {"name": "T *b*", "channel": slack.channel, "supervisors": [slack.ann], "queues": [QUEUE]}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    for slack_user, genesys_user in ((slack.ann, genesys.ann), (slack.bob, genesys.bob)):
        genesys.users[genesys_user].name = f"{genesys_user[-2:]} {WORDS}"
        slack.set_user(slack_user, real_name=f"{slack_user} {WORDS}")
        sandbox.link_user(slack_user, genesys_user)
    return sandbox


def chat(sandbox: Sandbox, *, ann: bool = True) -> str:
    genesys = sandbox.genesys
    users = [genesys.ann] if ann else []
    return genesys.start_chat(
        f"C {WORDS}", agents=[genesys.bob], users=users, attributes={"topic": f"t {WORDS}"}, queue=QUEUE
    )


def types(sandbox: Sandbox, text: str) -> None:
    sandbox.slack.types(sandbox.slack.ann, f"/canned {text}", sandbox.slack.channel)
    sandbox.drain()


def test_names_from_genesys_ping_nobody_link_nowhere_and_turn_nothing_round(hostile: Sandbox) -> None:
    slack = hostile.slack
    inside, outside = chat(hostile), chat(hostile, ann=False)
    hostile.genesys.archive(hostile.conversation)
    for text in ("me", f"{inside} greeting", f"{inside}", "", f"<@{slack.bob}> escalation", "recent"):
        types(hostile, text)
    types(hostile, f"{outside} escalation")
    refusal = slack.ephemerals(slack.ann)[-1]
    [ask, *_] = (
        each["text"]["text"] for each in elements(refusal.blocks) if "canned_way" in each["action_id"]
    )
    slack.press(slack.ann, ask, refusal)
    hostile.drain()
    asked = next(each for each in slack.direct_messages(slack.bob) if "you to send" in each.said)
    slack.press(slack.bob, "Decline", asked)
    hostile.drain()

    [text] = hostile.genesys.customer_sees(inside)
    assert text == (
        f"Hello C {WORDS}, I am {hostile.genesys.users[hostile.genesys.ann].name}. "
        f"How can I help with t {WORDS}?"
    )
    shown = [*slack_got(hostile)]
    assert sum("evil.example" in each["text"] for each in shown) > 5  # it was there to be read
    assert [each for each in shown if LIVE.search(unmentioned(each["text"]))] == []
    assert [each for each in shown if "evil.example" in each["text"] and not each.get("verbatim", True)] == []
    assert slack.complaints == []


def elements(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for block in blocks if block["type"] == "actions" for each in block["elements"]]


def slack_got(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """Every text that Slack was given to read as markup, by whatever way."""
    for seen in sandbox.slack.requests:
        given = (
            seen.json if seen.headers.get("Content-Type", "").startswith("application/json") else seen.form
        )
        for part in dict(given).values():
            yield from marked(json.loads(part) if isinstance(part, str) and part[:1] in "[{" else part)
        yield {"text": str(dict(given).get("text", ""))}
    for _, note in sandbox.slack.notes:
        yield from marked(note)
        yield {"text": str(note["text"])}


def marked(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if part.get("type") == "mrkdwn":
            yield {"verbatim": False, **part}
        for each in part.values():
            yield from marked(each)
    elif isinstance(part, list):
        for each in part:
            yield from marked(each)


def unmentioned(text: str) -> str:
    """Without what we write as markup ourselves: times, our people, our channel, pages of Genesys."""
    return re.sub(
        r"<(!date\^[^<>]*|@U0(ANN|BOB)|#C0SUPPORT|https://apps\.[^<>|]*\|Open in Genesys)>", "", text
    )


@pytest.mark.parametrize("ends", ["", "\r\nsecond line\r\n\tand a tab"], ids=["a line", "lines"])
def test_a_text_edited_in_the_window_reaches_the_customer_byte_for_byte(sandbox: Sandbox, ends: str) -> None:
    slack, written = sandbox.slack, f"Dear 👩‍👩‍👧 {PINGS} {HIDDEN} {{operator}} $& &amp; &lt;b&gt;{ends}"
    chooses(sandbox)
    slack.fill(slack.ann, "Message", f"\0\x07{written}\x1b\x9f")
    slack.submit(slack.ann)
    sandbox.drain()

    assert sandbox.genesys.customer_sees(sandbox.conversation) == [written.replace("\r", "")]


def test_a_value_that_was_typed_reaches_the_customer_as_typed(sandbox: Sandbox) -> None:
    """Slack escapes & < > on the way, and knows nobody of these; control characters go, nothing else does."""
    typed = "@channel #evil a<b && c>d &lt;b&gt; {{AGENT_NAME}} {operator} $& \u202eabc\u200b 👩‍👩‍👧 \x07"
    slack = sandbox.slack
    slack.types(slack.ann, f'/canned {sandbox.conversation} greeting topic="{typed}"', slack.channel)
    sandbox.drain()

    [text] = sandbox.genesys.customer_sees(sandbox.conversation)
    assert text.endswith(f"How can I help with {typed.strip(chr(7))}?")


def test_an_agents_own_words_lose_their_control_characters_alone(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    sandbox = make_sandbox()
    slack, genesys = sandbox.slack, sandbox.genesys
    team = {"name": "T", "channel": slack.channel, "supervisors": [slack.ann], "queues": ["Support EMEA"]}
    sandbox.configure({"teams": [team]})
    sandbox.start()
    sandbox.link_user(slack.ann, genesys.ann)
    sandbox.link_user(slack.bob, genesys.bob)
    genesys.leave(sandbox.conversation, genesys.ann)
    types(sandbox, f"{sandbox.conversation} escalation")
    slack.press(slack.ann, "Ask Bob Ray", slack.ephemerals(slack.ann)[-1])
    sandbox.drain()
    asked = next(each for each in slack.direct_messages(slack.bob) if "you to send" in each.said)
    slack.press(slack.bob, "Edit", asked)
    sandbox.drain()
    slack.fill(slack.bob, "Message", f"\0{PINGS} {HIDDEN}\x07\ud800")
    slack.submit(slack.bob)
    sandbox.drain()

    assert genesys.customer_sees(sandbox.conversation) == [f"{PINGS} {HIDDEN}\ufffd"]
