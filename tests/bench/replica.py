"""
The whole bot as a process of its own, on a clock that may run faster than time does.

Commands come as JSON lines, `{"user": …, "channel": …, "conversation": …}`: what that supervisor
types there. The answer has the `key` of the send, whose row tells how long it took.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import uuid
from datetime import UTC, datetime

from bot import app
from bot.settings import Settings

RESPONSE = "escalation"


class FastClock:
    """`speed` times as fast as the real time since `began`; all that are given the same agree."""

    def __init__(self, began: datetime, speed: float) -> None:
        self.began, self.speed = began, speed

    def __call__(self) -> datetime:
        return self.began + self.speed * (datetime.now(UTC) - self.began)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


def main(clock: FastClock) -> None:
    logging.disable(logging.WARNING)  # that a send waits is what is measured, and no news
    app.SWEEP_EVERY /= clock.speed  # what the bot does every few seconds goes by its clock too
    bot = app.Bot(Settings.from_env(os.environ, need_slack=True), now=clock, sleep=clock.sleep)
    bot.start()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps({"key": types(bot, **json.loads(line))}), flush=True)
    os._exit(0)  # as if killed: nobody waits for what is still to be posted


def types(bot: app.Bot, user: str, channel: str, conversation: str) -> str:
    desk = bot.parts.desk
    click = f"command:{uuid.uuid4()}"
    request = desk.start_request(
        user, channel, conversation=conversation, response=RESPONSE, values={}, click=click, confirmed=True
    )
    desk.deliver_soon(desk.claim(request))
    return request.key


if __name__ == "__main__":
    main(FastClock(datetime.fromisoformat(sys.argv[1]), float(sys.argv[2])))
