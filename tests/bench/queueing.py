"""
A pile of scheduled sends falls due at once, and Genesys takes 300 requests a minute from a token.

Run as `python -m tests.bench.queueing TOKEN` it is what stands beside: the tutorial's retry loop.
Time runs SPEED times as fast for all of them, so that a minute's window passes in less. All
times are told by that clock, on which what this machine has to do takes SPEED times as long;
a round trip is left out for it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import requests

from bot.models import Receipt, State

from .processes import Authority, Process
from .rush import SPEED, Rush, Taken
from .senders import TEXT
from .table import Row, median

THREADS = (1, 8)  # of the tutorial's loop
TRIES = 3
BETWEEN = timedelta(seconds=5)  # typed sends
AT_ONCE = 1.0  # seconds that a typed send may take


def rows(folder: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    many, allowed = (90, 90) if quick else (500, 300)
    with ExitStack() as stack:
        rush = Rush(folder / "queue", stack, authority, many=many, rate_limit=allowed, speed=SPEED)
        pile, typed = _ours(rush)
        ours = rush.taken(pile)
        looks = len(rush.genesys.seen("POST /api/v2/conversations/messages/{id}/messages/bulk"))
        last = max(each.changed_at for each in pile) - rush.began
    loops = _loops(folder, authority, many, allowed)
    yield Row(
        f"{many} sends due at once, {allowed} requests a minute: share of that used, 429s, sends refused",
        f"{ours} ({last / timedelta(minutes=1):.1f} minutes, {looks} requests about delivery)",
        "; ".join(f"tutorial's loop, {of} threads: {loop}" for of, loop in zip(THREADS, loops, strict=True)),
        target=Taken.TARGET,
        met=ours.is_met,
    )
    for who, user in (("somebody else", rush.lee), ("the same person", rush.ann)):
        yield _typed(f"typed meanwhile by {who}", [each for each in typed if each.request.supervisor == user])


def _ours(rush: Rush) -> tuple[list[Receipt], list[Receipt]]:
    """The pile, and what Lee and Ann typed in turn while it lasted."""
    [bot] = rush.bots(1)
    rush.fall_due()
    turns = 0

    def type_one() -> None:
        nonlocal turns
        if rush.clock() - rush.began >= BETWEEN * (turns + 1):
            user, chat = ((rush.lee, rush.lees), (rush.ann, rush.anns[turns]))[turns % 2]
            bot.ask(user=user, channel=rush.channel, conversation=chat)
            turns += 1

    receipts = rush.settle(type_one)
    return tuple([each for each in receipts if each.request.scheduled is it] for it in (True, False))


def _typed(what: str, sends: Sequence[Receipt]) -> Row:
    took = [(each.changed_at - each.request.requested_at).total_seconds() for each in sends]
    met = [each.state is State.SENT and seconds < AT_ONCE for each, seconds in zip(sends, took, strict=True)]
    return Row(
        f"{what}: seconds until sent",
        f"median {median(took):.2f}, at most {max(took):.2f}",
        f"{met.count(False)} of {len(met)} later or not at all",
        target=f"< {AT_ONCE:.0f} s",
        met=all(met),
    )


def _loops(folder: Path, authority: Authority, many: int, allowed: int) -> list[Taken]:
    """The same queue by the tutorial's retry loop with so many THREADS; side by side, as they mostly wait."""
    with ExitStack() as stack:
        rush = Rush(folder / "loops", stack, authority, many=many, rate_limit=allowed, speed=SPEED)
        tokens = [rush.token() for _ in THREADS]
        loops = [Process("tests.bench.queueing", each, variables=authority.trust) for each in tokens]
        pool = stack.enter_context(ThreadPoolExecutor())
        for each in loops:
            stack.enter_context(each)
        rush.begin()
        asked = [
            pool.submit(each.ask, threads=of, addresses=rush.addresses())
            for each, of in zip(loops, THREADS, strict=True)
        ]
        lost = [each.result()["lost"] for each in asked]
        return [rush.taken_by([token], each) for token, each in zip(tokens, lost, strict=True)]


def loop(token: str, threads: int, addresses: Sequence[str]) -> int:
    """Send to all of `addresses` as the tutorial would; how many it gave up."""
    headers = {"Authorization": f"Bearer {token}"}

    def send(address: str) -> bool:
        for _ in range(TRIES):
            answer = requests.post(address, headers=headers, json={"textBody": TEXT}, timeout=60)
            if answer.status_code != 429:
                answer.raise_for_status()
                return True
            time.sleep(int(answer.headers.get("Retry-After", 5)) / SPEED)
        return False

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(send, addresses)).count(False)


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps({"lost": loop(sys.argv[1], **json.loads(line))}), flush=True)
