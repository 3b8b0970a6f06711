"""
The contenders of a send: each is a process that sends on command and tells what that took.

    tutorial   a connection for each request, as the tutorial's script has it
    bare       one pooled requests.Session and nothing else
    sdk        Genesys' own client for Python, where it is installed (PureCloudPlatformClientV2)
    ours       the whole bot below Slack: check, claim, verify, render, begin, POST, settle
    ours+slack the same, and what the team reads about it posted

Commands come as JSON lines, `{"sends": 20, "threads": 1}`; the answer has `wall` (seconds of
each send), `took` (seconds for all) and `cpu` (seconds, user and system, of this process).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle, repeat
from typing import Any

import requests
from requests.adapters import HTTPAdapter

SDK = "PureCloudPlatformClientV2"
TEXT = "Thank you for your patience. Your request has been escalated to our specialist team."
Send = Callable[[], object]
Settled = Callable[[], object]


def main(contender: str, given: dict[str, Any]) -> None:
    send, settled = CONTENDERS[contender](given)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(measured(send, settled, **json.loads(line))), flush=True)


def measured(send: Send, settled: Settled, *, sends: int, threads: int) -> dict[str, Any]:
    def timed(_: int) -> float:
        started = time.perf_counter()
        send()
        return time.perf_counter() - started

    before, started = cpu(), time.perf_counter()
    if threads == 1:
        wall = [timed(at) for at in range(sends)]
    else:
        with ThreadPoolExecutor(threads) as pool:
            wall = list(pool.map(timed, range(sends)))
    took = time.perf_counter() - started
    settled()
    return {"wall": wall, "took": took, "cpu": cpu() - before, "resident": resident()}


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident() -> int:
    """Kilobytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as figures:
        return int(figures.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


# -- contenders ------------------------------------------------------------------------------


def tutorial(given: dict[str, Any]) -> tuple[Send, Settled]:
    return over(requests, given), nothing


def bare(given: dict[str, Any]) -> tuple[Send, Settled]:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=64))
    return over(session, given), nothing


def over(http: Any, given: dict[str, Any]) -> Send:
    """Check, then send: two requests with the token that is there."""
    headers = {"Authorization": f"Bearer {given['token']}", "Content-Type": "application/json"}

    def send() -> None:
        conversation = http.get(given["read"], headers=headers)
        conversation.raise_for_status()
        if not any(who.get("userId") == given["user"] for who in conversation.json()["participants"]):
            raise PermissionError(given["user"])
        http.post(given["send"], headers=headers, json={"textBody": TEXT}).raise_for_status()

    return send


def has_sdk() -> bool:
    return find_spec(SDK) is not None


def sdk(given: dict[str, Any]) -> tuple[Send, Settled]:
    """The same two requests, by one client for all threads."""
    vendor = import_module(SDK)
    vendor.Configuration().ssl_ca_cert = os.environ["SSL_CERT_FILE"]
    client = vendor.ApiClient(host=given["url"])
    client.access_token = given["token"]
    conversations = vendor.ConversationsApi(client)

    def send() -> None:
        found = conversations.get_conversation(given["conversation"])
        if not any(who.user_id == given["user"] for who in found.participants):
            raise PermissionError(given["user"])
        message = vendor.AdditionalMessage()
        message.text_body = TEXT
        conversations.post_conversations_message_communication_messages(
            given["conversation"], given["line"], message
        )

    return send, nothing


def ours(given: dict[str, Any]) -> tuple[Send, Settled]:
    return bot(given, lambda: datetime.now(UTC))


def ours_with_slack(given: dict[str, Any]) -> tuple[Send, Settled]:
    """Between its rounds time leaps: how many posts a second Slack allows is not what is measured."""
    ahead = timedelta()

    def leap() -> None:
        nonlocal ahead
        settled()
        ahead += timedelta(minutes=2)

    send, settled = bot(given, lambda: datetime.now(UTC) + ahead)
    return send, leap


def bot(given: dict[str, Any], now: Callable[[], datetime]) -> tuple[Send, Settled]:
    from bot.app import assemble
    from bot.models import State
    from bot.settings import Settings

    parts = assemble(Settings.from_env(os.environ, need_slack=False), now=now)
    channel = parts.catalog().teams[0].channel
    chats = cycle(map(chat, range(given["chats"]))) if given["chats"] else repeat(given["conversation"])

    def send() -> None:
        request = parts.desk.start_request(
            given["supervisor"],
            channel,
            conversation=next(chats),
            response="escalation",
            values={},
            click=f"command:{uuid.uuid4()}",
            confirmed=True,
        )
        receipt = parts.desk.deliver(parts.desk.claim(request))
        if receipt.state is not State.SENT:
            raise RuntimeError(receipt.reason)

    def settled() -> None:
        if not parts.lanes.posts.wait_idle(timedelta(minutes=5).total_seconds()):
            raise TimeoutError("what the team should read is not said yet")

    return send, settled


def chat(number: int) -> str:
    """The id of one of many conversations, where `given` says how many `chats` there are."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def nothing() -> None:
    return


CONTENDERS = {"tutorial": tutorial, "bare": bare, "sdk": sdk, "ours": ours, "ours+slack": ours_with_slack}

if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
