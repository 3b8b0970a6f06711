"""One seeded run: set up, let it rage, let it settle, and count what was not kept."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bot.models import Receipt
from bot.sandbox.genesys import Contract
from bot.sandbox.sandbox import Sandbox
from tests.processes import Nursery
from tests.promise import Broken, look

from .clicks import RESPONSES, Supervisor
from .faults import Trouble

SETTLES_WITHIN = 300.0  # seconds
HANGS_FROM = 30.0  # seconds a run has to last for hangs that outlast the bot's patience


@dataclass
class Report:
    seed: int
    clicks: int
    outcomes: Counter[str]
    trouble: Counter[str]
    repeated: Counter[str]
    broken: Broken
    missing: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    @property
    def is_broken(self) -> bool:
        return bool(self.broken or self.missing or self.twice)

    def __str__(self) -> str:
        duplicates = self.twice + self.broken.duplicates
        losses, untrue = self.missing + self.broken.losses, self.broken.untrue
        ends = ", ".join(f"{self.outcomes[word]} {word}" for word in ("sent", "not sent", "unknown"))
        faults = sum(self.trouble.values())
        return "\n".join(
            [
                f"seed {self.seed}: {self.clicks} clicks, {sum(self.outcomes.values())} on record: {ends}",
                f"repeated: {_listed(self.repeated)}",
                f"{faults} faults: {_listed(self.trouble)}",
                f"{len(duplicates)} duplicates, {len(losses)} losses, {len(untrue)} untrue outcomes",
                *(f"  {each}" for each in [*duplicates, *losses, *untrue][:40]),
            ]
        )


def run(
    folder: Path,
    nursery: Nursery,
    *,
    database_url: str | None,
    api: Contract,
    seconds: float,
    seed: int,
    supervisors: int,
) -> Report:
    """`database_url` None: a SQLite file. The seed gives the dice; threads and machines add theirs."""
    sandbox = Sandbox(folder, api=api, variables={"DATABASE_URL": database_url} if database_url else None)
    sandbox.open()
    try:
        people = [Supervisor(sandbox, number, seed) for number in range(supervisors)]
        _prepare(sandbox, people)
        trouble = Trouble(sandbox, nursery, seed, hangs=seconds >= HANGS_FROM)
        _rage(people, trouble, seconds)
        trouble.settle()
        _settle(sandbox)
        return _report(sandbox, people, trouble, seed)
    finally:
        sandbox.stop()


def _prepare(sandbox: Sandbox, people: list[Supervisor]) -> None:
    limits = {"per_minute": 10_000, "per_conversation": 10_000}
    notes = {
        f"note{n}": {"title": f"Note {n}", "text": f"Note {n} about {{{{topic}}}}."} for n in range(RESPONSES)
    }
    teams = [
        {"name": each.user, "channel": each.channel, "supervisors": [each.user], "limits": limits}
        for each in people
    ]
    sandbox.configure({"responses": notes, "teams": teams})
    for each in people:
        sandbox.link_user(each.user, each.genesys_user)


def _rage(people: list[Supervisor], trouble: Trouble, seconds: float) -> None:
    ended = threading.Event()
    with ThreadPoolExecutor(len(people) + 1) as pool:
        jobs = [pool.submit(trouble.work, ended)]
        jobs += [pool.submit(each.work, ended, trouble) for each in people]
        time.sleep(seconds)
        ended.set()
        for job in jobs:
            job.result()


def _settle(sandbox: Sandbox) -> None:
    """Whoever runs next settles what is left; waits for Slack's buckets pass on the clock."""
    sandbox.clock.advance(seconds=30)  # the dead processes' last beats are old by now
    sandbox.start_bot()
    end = time.monotonic() + SETTLES_WITHIN
    while True:
        try:
            return sandbox.drain(3)
        except TimeoutError:
            if time.monotonic() > end:
                return
            sandbox.clock.advance(seconds=10)


def _report(sandbox: Sandbox, people: list[Supervisor], trouble: Trouble, seed: int) -> Report:
    receipts = sandbox.receipts()
    hit = Counter(seen.fault for seen in sandbox.genesys.requests + sandbox.slack.requests if seen.fault)
    clicks = [click for each in people for click in each.clicks]
    known = {_mark(receipt) for receipt in receipts}
    return Report(
        seed=seed,
        clicks=len(clicks),
        outcomes=Counter(receipt.state.word for receipt in receipts),
        trouble=trouble.made + Counter({str(kind): count for kind, count in hit.items()}),
        repeated=Counter(
            replays=sum(each.replays for each in people), pressed=sum(each.pressed for each in people)
        ),
        broken=look(sandbox),
        missing=[
            f"{click.mark} was acknowledged and is not on record"
            for click in clicks
            if click.claimed and click.mark not in known
        ],
        twice=_twice(sandbox),
    )


def _twice(sandbox: Sandbox) -> list[str]:
    """No text has the same mark as another, so the same text is the same click."""
    texts = Counter(sent.text.partition(" about ")[2] for sent in sandbox.genesys.received)
    return [f"a customer has {text} {count} times" for text, count in texts.items() if count > 1]


def _mark(receipt: Receipt) -> str:
    return receipt.request.values.get("topic", "")


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counted.items()))
