"""
Slack takes every window and message that the bot can make, whatever people wrote.

The builders are found by what they return, and their arguments by name or type: a new
builder is tried without anybody thinking of it, and one with an argument that is not known
here fails until it is.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import product
from typing import Any

import pytest

from bot import slack
from bot.canned.catalog import Response, Show, Team
from bot.canned.conversations import SHOWN, Choice, Found
from bot.canned.desk import Me
from bot.canned.errors import AskFirst, MissingValues, NotAConversation, TextRefused
from bot.canned.glance import Glance, Used
from bot.canned.previews import Around, Line, Preview
from bot.models import (
    Chat,
    Gate,
    Link,
    Post,
    PostKind,
    Receipt,
    SendAs,
    SendRequest,
    Standing,
    State,
    Way,
)
from bot.sandbox.limits import faults, option_faults, size
from bot.slack import live, messages, modal, previewing
from bot.slack.form import Filled, Looked

Json = dict[str, Any]
Builder = Callable[..., Any]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ID = "a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890"
KEY = "5d1f9a52-7a06-5a3e-8f6a-3a1c6b1c0f00"
TEXT, NAME, TITLE, SENTENCE = 3_000, 80, 150, 1_000  # characters, as long as any of them gets
MESSAGE_TEXT = 4_000  # of the line for notifications, as Slack advises
HOSTILE = {
    "words": "word ",
    "one word": "x",
    "escapes": "&<",
    "markup": "<!channel> *b* `c` ~d~ <@U1> <https://evil.example|bank> {{x}} ",
    "right to left": "שלום\u202e עולם ",
    "astral emoji": "😀",
    "joined emoji": "👩‍👩‍👧",
    "control characters": "a\x00\x1b\r\n\t\x85\u2028",
    "blank": " \n\u00a0",
    "half a character": "half a character: \ud83d ",
}


NOT_SHOWN = {"manifest.manifest", "finding.mark", "finding.pages", "finding.payload_of"}
ONLY = {  # what a builder is never asked for
    "questions.edit": lambda given: size(given["receipt"].text or "") <= TEXT,
    "modal.choices": lambda given: len(given["found"]) <= 100,
    "approvals.review": lambda given: size(given["receipt"].text or "") <= 4 * TEXT,  # no channel takes more
}


def long(hostile: str, length: int) -> str:
    return (hostile * (length // len(hostile) + 1))[:length]


class Given:
    """Everything that a builder may be given, each value as long as it gets and made of `hostile`."""

    def __init__(self, hostile: str) -> None:
        text, name = long(hostile, TEXT), long(hostile, NAME)
        sentence = f"Genesys says: {long(hostile, SENTENCE)}"
        self.response = Response("k" * 75, long(hostile, TITLE), text, {"es": text})
        names = ["𝔳" * 100, "𝔳" * 101, *(f"{'v' * 40}{n}" for n in range(55))]
        asking = replace(self.response, text=" ".join(f"{{{{{each}}}}}" for each in names))
        assert size(asking.text) <= TEXT
        request = SendRequest(
            KEY, "T" * 75, "C0TEAM", "U0ANN", ID, "k" * 75, SendAs.AGENT, NOW, text=text, by_operator=True
        )
        self.requests = [replace(request, not_before=when) for when in (None, NOW + timedelta(seconds=5))]
        later = replace(request, scheduled=True, not_before=NOW + timedelta(days=30))
        self.requests += [later, replace(request, approval="S0LEADS"), replace(later, approval="S0LEADS")]
        ways = (Way(SendAs.AGENT, name), Way(SendAs.SYSTEM))
        ended = Receipt(
            request,
            State.SENT,
            NOW,
            sentence,
            text=text * 7,
            waiting_until=NOW,
            gate_until=NOW,
            delivery="failed",
            delivery_error=text,
            ways=ways,
        )
        self.receipts = [replace(ended, state=state) for state in State]
        self.receipts += [replace(ended, text=short) for short in (None, text, "", " ")]
        self.receipts += [replace(ended, text=None, reason="", request=replace(request, text=None))]
        asked = replace(ended, state=State.PENDING, request=replace(later, gate=Gate.APPROVAL))
        self.receipts += [asked, replace(asked, approved_by="U0BOB", opened_by="U0BOB")]
        post = Post(1, KEY, PostKind.REPLY, "C0TEAM", ID, State.SENT, sentence, NOW)
        choice = Choice(ID, name, name, name, 100_000, is_mine=False, is_waiting=True, page=f"https://x/{ID}")
        found = Found((choice,) * SHOWN, note=sentence)
        seen = {"message": "m" * 36, "agent": "g" * 36, "queue": "q" * 100}
        lines = (Line(name, text, NOW), Line("", text, None)) * 3
        around = Around(name, name, name, name, False, 100_000, lines[:5], sentence, "", 2_000, seen)
        ended_one = Around("", "", "", "", True, None, (), "", text, 2_000, seen)
        filled = Filled(
            "T" * 75,
            "C0TEAM",
            text,
            "k" * 75,
            text,
            dict.fromkeys(names, text),
            tuple(names),
            tuple(names),
            only=ID,
            live=live.listing(found),
            language="es",
            looked=Looked(seen, "", 2_000),
            around=previewing.around(around),
        )
        team = Team(long(hostile, 75), "C0TEAM", ("U0ANN",))
        link = Link("U0ANN", name, "operator", NOW, name=name)
        nobody = Me(None, False, ())
        chats = [Chat("C0TEAM", ID, text, NOW, ended) for ended in (None, NOW)]
        at_a_glance = Glance(
            "U0ANN",
            (team,) * 26,
            link,
            needs_connecting=True,
            waiting=self.receipts * 2,
            scheduled=self.receipts * 2,
            recent=self.receipts * 2,
            used=((self.response, Used("k" * 75, 10**6, 10**6, 10**6, 10**6, 10**6, NOW)),) * 6,
        )
        previews = [
            Preview(text, limit=2_000),
            Preview(long(hostile, 12_000), limit=2_000),
            Preview(missing=tuple(names), note=sentence),
            Preview(note=sentence),
            Preview(text, limit=2_000, around=around),
            Preview(note=sentence, around=ended_one),
        ]
        windows = [modal.notice("x"), modal.window(filled, asking)]
        errors = [
            MissingValues(names),
            TextRefused(sentence),
            NotAConversation(sentence),
            AskFirst(sentence, draft=KEY),
            ValueError(sentence),
        ]
        self.by_name: dict[str, list[Any]] = {
            "sentence": [sentence],
            "draft": [KEY],
            "kind": [modal.AGAIN, modal.ANYWAY],
            "language": [sentence, ""],
            "user": ["U0ANN"],
            "group": ["S0LEADS"],
            "zone": ["", name],
            "corrects": [None, NOW],
            "ts": ["1700000000.000100"],
            "link": [f"https://bot.example/{'x' * 2_900}"],
            "conversation": ["", text],
            "name": [name, ""],
            "page": [f"https://x/{ID}", ""],
            "chosen": ["k" * 75],
            "who": [name, ""],
            "title": [long(hostile, TITLE), ""],
            "words": [text, ""],
            "note": [sentence, ""],
            "names": [[f"{n}{long(hostile, 73)}" for n in range(26)]],
            "teams": [[f"{n}{long(hostile, 73)}" for n in range(26)]],
            "found": [[self.response] * 101, [], [self.response]],
            "preview": [None, *previews],
            "response": [
                None,
                self.response,
                asking,
                replace(self.response, editable=False),
            ],
            "view": windows,
            "line": [None, messages.line(ended, title=text, who=name)],
            "sent": [None, *(messages.card(one, title=text, who=name) for one in self.receipts)],
        }
        self.by_type: dict[str, list[Any]] = {
            "CannedError": errors[:-1],
            "Exception": errors,
            "bool": [True, False],
            "Preview": previews,
            "Around": [around, ended_one],
            "Show": list(Show),
            "Receipt": self.receipts,
            "SendRequest": self.requests,
            "Post": [replace(post, state=state) for state in (State.SENT, State.UNKNOWN, State.UNSENT)],
            "Link": [link],
            "Standing": [Standing(one, chat) for one in (None, self.receipts[0]) for chat in (None, *chats)],
            "Glance": [Glance("U0ANN", ()), at_a_glance, replace(at_a_glance, link=None, is_connected=True)],
            "Chat": chats,
            "Filled": [Filled("T", "C0TEAM"), filled, replace(filled, conversation="", text=None)],
            "Found": [found, Found(note=sentence), Found()],
            "Sequence[Choice]": [[choice] * SHOWN],
            "Sequence[Receipt]": [self.receipts[:10], []],
            "Me": [nobody, Me(link, True, (team,) * 26, connect="https://x"), Me(None, True, ())],
        }

    def calls(self, builder: Builder) -> Iterator[dict[str, Any]]:
        """Every combination of arguments."""
        given = {}
        for name, parameter in inspect.signature(builder).parameters.items():
            values = self.by_type.get(str(parameter.annotation)) or self.by_name.get(name)
            assert values, f"{builder.__qualname__}: what is its {name}: {parameter.annotation}? Say so here."
            given[name] = values
        for values in product(*given.values()):
            yield dict(zip(given, values, strict=True))


def builders() -> dict[str, Builder]:
    """What makes something that Slack is to show, in every module of bot.slack but the parts themselves."""
    found = {}
    for module in pkgutil.iter_modules(slack.__path__):
        if module.name == "blocks":
            continue
        there = vars(import_module(f"bot.slack.{module.name}"))
        for name, it in there.items():
            own = inspect.isfunction(it) and it.__module__ == f"bot.slack.{module.name}"
            shown = own and not name.startswith("_") and f"{module.name}.{name}" not in NOT_SHOWN
            if shown and "Json" in str(inspect.signature(it).return_annotation):
                found[f"{module.name}.{name}"] = it
    return found


def wrong(made: Any) -> list[str]:
    """What Slack has against it, be it a view, a message, an answer to a submission, blocks or options."""
    match made:
        case {"type": "modal" | "home"}:
            return faults(made)
        case {"type": str()}:
            return faults({"text": "x", "blocks": [made]})
        case {"response_action": "update", "view": view}:
            return faults(view)
        case {"response_action": "errors", "errors": errors}:
            return [
                f"error: {size(text)} characters" for text in errors.values() if not 0 < size(text) <= TEXT
            ]
        case {"text": str(text)}:
            beyond = [f"text: {size(text)} characters"] if size(text) > MESSAGE_TEXT else []
            whole = not text.endswith("…")
            unread = [each for each in mrkdwn(made["blocks"]) if whole and each not in text]
            return [*faults(made), *beyond, *unread, *([] if text.strip() else ["text: blank"])]
        case [{"value": _}, *_]:
            return option_faults({"options": made})
        case list() | tuple():
            return faults({"text": "x", "blocks": list(made)})
    raise AssertionError(f"Slack is given {type(made).__name__} {made!r:.80}")


def mrkdwn(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if node.get("type") == "mrkdwn" or (isinstance(node.get("text"), str) and "blocks" in node):
            yield node["text"]
        for inner in node.values():
            yield from mrkdwn(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from mrkdwn(inner)


def test_the_builders_are_found() -> None:
    assert {"messages.outcome", "modal.window", "questions.edit", "live.listing"} <= set(builders())


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", builders())
def test_slack_takes_it_and_nobody_is_called_by_it(name: str, hostile: str) -> None:
    builder = builders()[name]
    for arguments in filter(ONLY.get(name), Given(hostile).calls(builder)):
        made = builder(**arguments)

        assert wrong(made) == []
        assert json.dumps(made).encode()
        assert not [said for said in mrkdwn(made) if "<!channel>" in said or "<https://evil" in said]
