"""A supervisor types into the list of ten thousand responses, and opens the window."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.canned.responses import Response
from bot.canned.search import Search
from bot.sandbox.sandbox import Sandbox

from .processes import Authority
from .table import Row, ms, percentile

WORDS = (
    *("refund", "delivery", "invoice", "order", "payment", "account", "password", "cancel", "change"),
    *("address", "late", "damaged", "missing", "return", "exchange", "warranty", "shipping", "customs"),
    *("voucher", "discount", "subscription", "upgrade", "renewal", "contract", "greeting", "goodbye"),
    *("apology", "escalation", "callback", "survey", "language", "opening", "holiday", "repair"),
)
MANY = 10_000
SLIPS = ("swap", "drop", "double")


def rows(folder: Path, _: Authority, *, quick: bool) -> Iterator[Row]:
    chance = random.Random(5)  # the same library and slips in each run
    library = [_response(chance, number) for number in range(MANY)]
    typed = [_typed(chance, slips) for slips in (0, 0, 1, 2) for _ in range(20 if quick else 100)]
    search = Search(library)
    search.find("refnud", allowed=lambda _: True)  # RapidFuzz and the vocabulary are there from here on
    ours = [_seconds(search, words) for words in typed]
    texts = [f"{each.key} {each.title} {each.text}".casefold() for each in library]
    beside = [_scan(texts, words) for words in typed]
    worst = percentile(ours, 0.99)
    yield Row(
        f"search over {MANY:,} responses, p99 (half of it misspelt)",
        ms(worst),
        f"substring scan {ms(percentile(beside, 0.99))}",
        f"{worst / percentile(beside, 0.99):.1f}",
        "< 10 ms",
        worst < 0.01,
    )
    yield _opening(folder / "window")


def _opening(folder: Path) -> Row:
    """The window opens from memory: what was asked of Slack until it is there."""
    folder.mkdir()
    with Sandbox(folder) as sandbox:
        sandbox.genesys.fault("* /api/v2/.*", "delay", times=None, seconds=600)
        sandbox.slack.forget()
        sandbox.slack.types(sandbox.slack.ann, "/canned", sandbox.slack.channel)
        sandbox.bot.parts.lanes.windows.wait_idle(5)
        asked = [each.path for each in sandbox.slack.requests]
        sandbox.genesys.clear_faults()
    first = asked[: asked.index("/api/views.open") + 1]
    return Row(
        "Slack calls until the window is open, Genesys hanging",
        str(len(first)),
        target="1",
        met=len(first) == 1,
    )


def _response(chance: random.Random, number: int) -> Response:
    words = chance.sample(WORDS, 4)
    return Response(f"{words[0]}-{number}", " ".join(words).capitalize(), f"About your {' '.join(words)}: …")


def _typed(chance: random.Random, slips: int) -> str:
    words = chance.sample(WORDS, 2)
    return " ".join(_slip(chance, word) if at < slips else word for at, word in enumerate(words))


def _slip(chance: random.Random, word: str) -> str:
    at = chance.randrange(1, len(word) - 1)
    match chance.choice(SLIPS):
        case "swap":
            return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
        case "drop":
            return word[:at] + word[at + 1 :]
        case _:
            return word[:at] + word[at] + word[at:]


def _seconds(search: Search, words: str) -> float:
    started = time.perf_counter()
    search.find(words, allowed=lambda _: True)
    return time.perf_counter() - started


def _scan(texts: Sequence[str], words: str) -> float:
    started = time.perf_counter()
    [at for at, text in enumerate(texts) if words in text]
    return time.perf_counter() - started
