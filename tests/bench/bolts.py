"""
The least that Slack can be answered with: a Bolt app that only acks, on the server that ours runs on.

With `insert` as argument it commits one row before each ack, as anybody must who does not
want to lose a click; the database's path comes behind it.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable

from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot import web

SECRET = "0123456789abcdef0123456789abcdef"


def main(write: Callable[[str], None]) -> None:
    logging.disable()
    app = App(
        client=WebClient("xoxb-bench"),
        authorize=lambda enterprise_id, team_id: AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-bench"
        ),
        signing_secret=SECRET,
        process_before_response=True,
    )

    @app.command("/canned")
    def typed(ack: Ack, body: dict[str, str]) -> None:
        write(body["trigger_id"])
        ack("Sending …")

    site = web.build(app, lambda: {}, signing_secret=SECRET)
    listener = web.Listener(site, host="127.0.0.1", port=0)
    threading.Thread(target=listener.serve, daemon=True).start()
    print(listener.port, flush=True)
    sys.stdin.read()
    listener.close()


def nothing(_: str) -> None:
    return


def inserting(path: str) -> Callable[[str], None]:
    """One committed row in a durable SQLite file, one writer at a time."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
        database.execute(statement)
    database.execute("CREATE TABLE clicks (id INTEGER PRIMARY KEY, trigger_id TEXT UNIQUE)")
    turn, numbers = threading.Lock(), itertools.count()

    def write(trigger: str) -> None:
        with turn:
            database.execute("INSERT INTO clicks VALUES (?, ?)", (next(numbers), trigger))

    return write


if __name__ == "__main__":
    main(inserting(sys.argv[2]) if sys.argv[1] == "insert" else nothing)
