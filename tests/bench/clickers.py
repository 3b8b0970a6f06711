"""
Fifty people at once: signs commands as Slack does and tells how long each ack took.

A process of its own, so that the server's figures are the server's. Commands come as JSON
lines, `{"port", "secret", "at_once", "commands": […]}`, each command a form's fields.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": burst(**json.loads(line))}), flush=True)


def burst(*, port: int, secret: str, commands: list[dict[str, str]]) -> list[float]:
    """Seconds from the click to the whole ack, for each command; raises where one is not acked."""
    signed = [sign(urlencode(command).encode(), secret) for command in commands]
    start = threading.Barrier(len(signed))

    def click(request: tuple[bytes, dict[str, str]]) -> float:
        start.wait()
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/slack/events", *request)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} is no ack")
        return time.perf_counter() - began

    with ThreadPoolExecutor(len(signed)) as pool:
        return list(pool.map(click, signed))


def sign(body: bytes, secret: str) -> tuple[bytes, dict[str, Any]]:
    stamp = str(int(time.time()))
    proof = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={proof}",
    }


if __name__ == "__main__":
    main()
