"""
One Slack post, by the client that the bot keeps and by others.

Run as `python -m tests.bench.posting KIND URL` it is one of the contenders: it posts on command.
"""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import requests
from slack_sdk import WebClient

from bot.slack.client import posting_client

from . import senders
from .processes import Authority, Front, Process
from .table import Row, ms

TOKEN = "xoxb-bench"
KINDS = ("ours", "as it comes", "context kept", "pooled")


def rows(_: Path, authority: Authority, *, quick: bool) -> Iterator[Row]:
    with ExitStack() as stack:
        front = stack.enter_context(Front(authority, answer='{"ok":true,"ts":"1.1"}'))
        posters = {
            kind: stack.enter_context(
                Process("tests.bench.posting", kind, f"{front.url}/api/", variables=authority.trust)
            )
            for kind in KINDS
        }
        spent = dict.fromkeys(KINDS, 0.0)
        rounds = 2 if quick else 6
        for at in range(rounds + 1):
            for kind, poster in posters.items():
                answer = poster.ask(sends=20, threads=1)
                spent[kind] += answer["cpu"] / 20 / rounds if at else 0.0
    kept = spent["ours"] / spent["context kept"]
    comes = spent["ours"] / spent["as it comes"]
    yield Row(
        "CPU of one Slack post",
        ms(spent["ours"]),
        ", ".join(f"{kind} {ms(spent[kind])}" for kind in KINDS[1:]),
        f"{kept:.2f} × kept, {comes:.2f} × as it comes",
        "≤ 1.1 × kept, ≤ 0.1 × as it comes",
        kept <= 1.1 and comes <= 0.1,
    )


def poster(kind: str, url: str) -> Callable[[], object]:
    if kind == "pooled":
        session = requests.Session()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return lambda: session.post(
            f"{url}chat.postMessage", headers=headers, data={"channel": "C1", "text": "Sent"}
        )
    client = {
        "ours": lambda: posting_client(TOKEN, url, ssl.create_default_context()),
        "as it comes": lambda: WebClient(TOKEN, url),
        "context kept": lambda: WebClient(TOKEN, url, ssl=ssl.create_default_context()),
    }[kind]()
    return lambda: client.chat_postMessage(channel="C1", text="Sent")


if __name__ == "__main__":
    post = poster(*sys.argv[1:3])
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(senders.measured(post, senders.nothing, **json.loads(line))), flush=True)
