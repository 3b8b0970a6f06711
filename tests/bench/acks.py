"""How soon Slack is answered when fifty people press at once while Genesys hangs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bot.sandbox.sandbox import Sandbox
from tests.processes import spawn

from . import bolts
from .processes import Authority, Process
from .sends import PLENTY
from .table import Row, median, ms, percentile

AT_ONCE = 50
WARM = 3  # bursts that do not count: so many a bot in service has behind it


def rows(folder: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {"ours": [], "insert": [], "bare": []}
    with ExitStack() as stack:
        sandbox = _hanging(folder / "acks", stack)
        port = int(spawn(sandbox).url.rpartition(":")[2])
        bare = stack.enter_context(Process("tests.bench.bolts", "bare"))
        insert = stack.enter_context(Process("tests.bench.bolts", "insert", str(folder / "clicks.db")))
        clickers = stack.enter_context(Process("tests.bench.clickers"))
        servers = {
            "ours": (port, sandbox.slack.signing_secret),
            "insert": (int(insert.first), bolts.SECRET),
            "bare": (int(bare.first), bolts.SECRET),
        }
        for at in range(WARM + (2 if quick else 40)):
            for name, (server, secret) in servers.items():
                commands = [_command(sandbox) for _ in range(AT_ONCE)]
                answer = clickers.ask(port=server, secret=secret, commands=commands)
                if at >= WARM:
                    seconds[name] += answer["seconds"]
    worst = {name: percentile(each, 0.99) for name, each in seconds.items()}
    ratio = worst["ours"] / worst["insert"]
    yield Row(
        f"ack p99, {AT_ONCE} commands at once, claim committed, Genesys hanging",
        f"{ms(worst['ours'])} (p50 {ms(median(seconds['ours']))})",
        f"Bolt with an insert {ms(worst['insert'])}, bare Bolt {ms(worst['bare'])}",
        f"{ratio:.2f} × the insert",
        "≤ 1.3 ×, < 150 ms",
        ratio <= 1.3 and worst["ours"] < 0.15,
    )


def _hanging(folder: Path, stack: ExitStack) -> Sandbox:
    folder.mkdir()
    sandbox = Sandbox(folder)
    stack.callback(sandbox.stop)
    limits = {"per_minute": PLENTY, "per_conversation": PLENTY}
    slack = sandbox.slack
    team = {"name": "Bench", "channel": slack.channel, "supervisors": [slack.ann], "limits": limits}
    sandbox.configure({"teams": [team]})
    sandbox.open().link()
    sandbox.genesys.fault("GET /api/v2/conversations/{id}", "delay", times=None, seconds=600)
    return sandbox


def _command(sandbox: Sandbox) -> dict[str, str]:
    slack = sandbox.slack
    return {
        "command": "/canned",
        "text": f"{uuid.uuid4()} escalation",
        "team_id": slack.team_id,
        "channel_id": slack.channel,
        "user_id": slack.ann,
        "trigger_id": f"{uuid.uuid4()}",
        "response_url": f"{slack.url}/nowhere",
    }
