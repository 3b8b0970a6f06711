"""How the cost of one warm send, with what the team reads about it, grows with what the bot has to keep."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.sandbox import Sandbox, example_responses
from bot.settings import secret_keys
from bot.storage.chain import Keys

from . import history
from .processes import Authority
from .senders import chat
from .sends import Course, Taken
from .table import Row, median, ms

GROWING = {
    "sends": ("sends on record", (0, 10_000, 100_000)),
    "responses": ("responses", (10, 1_000, 10_000)),
    "chats": ("live conversations", (1, 1_000, 10_000)),
}


@dataclass(frozen=True)
class Kept:
    """What is there before the first send; a live conversation has its thread in Slack."""

    sends: int = 0
    responses: int = 0
    chats: int = 1

    def fill(self, sandbox: Sandbox) -> None:
        store = sandbox.open_store()
        store.upgrade()
        store.close()
        path = sandbox.folder / "canned.db"
        if self.sends:
            history.fill(path, Keys(secret_keys(sandbox.environment())), self.sends)
        for number in range(self.chats):
            sandbox.genesys.start_chat(users=[sandbox.genesys.ann], conversation_id=chat(number))
        database = sqlite3.connect(path)
        history.insert(database, "threads", [_thread(sandbox, number) for number in range(self.chats)])
        database.commit()
        database.close()

    @property
    def catalog(self) -> dict[str, object]:
        example = example_responses()
        more = range(self.responses - len(example))
        return example | {f"more-{number}": {"title": f"More {number}", "text": "…"} for number in more}


def rows(folder: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    for name, (what, sizes) in GROWING.items():
        sizes = sizes[:2] if quick else sizes
        kept = [Kept(**{name: size}) for size in sizes]
        taken = _race(folder / name, authority, kept, rounds=2 if quick else 20)
        cpu, wall = [each.cost for each in taken], [median(each.wall) for each in taken]
        yield Row(
            f"one warm send with {' / '.join(f'{size:,}' for size in sizes)} {what}",
            f"CPU {' / '.join(map(ms, cpu))}, until sent {' / '.join(map(ms, wall))}",
            ratio=f"CPU {cpu[-1] / cpu[0]:.2f}, until sent {wall[-1] / wall[0]:.2f}",
        )


def _race(folder: Path, authority: Authority, sizes: Sequence[Kept], *, rounds: int) -> list[Taken]:
    """In turn, as everything that is compared; the first, cold round does not count."""
    folder.mkdir()
    taken = [Taken() for _ in sizes]
    with ExitStack() as stack:
        courses = [_course(folder / f"{at}", stack, authority, kept) for at, kept in enumerate(sizes)]
        contenders = [
            each.contender("ours+slack", kept.chats) for each, kept in zip(courses, sizes, strict=True)
        ]
        for at in range(rounds + 1):
            for course, contender, each in zip(courses, contenders, taken, strict=True):
                answer = contender.ask(sends=10, threads=1)  # no more than Slack takes at once
                course.clear()
                if at:
                    each.add(answer)
    return taken


def _course(folder: Path, stack: ExitStack, authority: Authority, kept: Kept) -> Course:
    config = {"responses": kept.catalog}
    return Course(folder, stack, authority, round_trip=0.0, config=config, before=kept.fill)


def _thread(sandbox: Sandbox, number: int) -> dict[str, object]:
    return {
        "channel": sandbox.slack.channel,
        "conversation_id": chat(number),
        "ts": f"1780000000.{number:06}",
        "carding": 0,
        "card_due": 0,
        "touched_at": "2026-01-01 00:00:00.000000",
    }
