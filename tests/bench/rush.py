"""Many scheduled sends that fall due at once, and one or more bots that send them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from sqlalchemy import create_engine, update

from bot.models import Receipt, SendAs, SendRequest, State
from bot.sandbox.genesys import SimulatedGenesys
from bot.sandbox.sandbox import Sandbox
from bot.storage import Store
from bot.storage.engine import read_url
from bot.storage.schema import sends

from .processes import Authority, Front, Process
from .replica import RESPONSE, FastClock
from .sends import PLENTY, SLACK

SPEED = 4.0  # of the clock where there is a rate limit
TEAM = "Bench"
WINDOW = timedelta(minutes=1)  # for which Genesys counts a token's requests
PATIENCE = 300.0  # real seconds for what is due to be settled


@dataclass(frozen=True)
class Taken:
    """
    How a rush went: `limited` are its 429s, `lost` the sends that were refused or given up.

    `share` is how much of the rate that Genesys allows its token was used, 1 for all of it,
    until the token's last minute began, which is not a full one.
    """

    TARGET: ClassVar = "≥ 95 %, 0, 0"
    share: float
    limited: int
    lost: int

    @property
    def is_met(self) -> bool:
        return self.share >= 0.95 and not self.limited and not self.lost

    def __str__(self) -> str:
        return f"{self.share:.1%}, {self.limited}, {self.lost}"


class Rush:
    """
    An organisation where Ann has a live conversation for each of `many` sends, and Lee one.

    Its clock, which is the bots' too, runs `speed` times as fast as time does. Genesys takes
    `rate_limit` requests a minute and token, and is `round_trip` real seconds away.
    """

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        authority: Authority,
        *,
        many: int,
        rate_limit: int | None,
        speed: float = 1.0,
        round_trip: float = 0.0,
        database_url: str = "",
    ) -> None:
        folder.mkdir()
        self._stack, self._trust = stack, authority.trust
        self.clock = FastClock(datetime.now(UTC), speed)
        self.sandbox = Sandbox(folder, variables={"DATABASE_URL": database_url} if database_url else {})
        self.sandbox.clock = self.clock
        self.genesys = self.sandbox.genesys = SimulatedGenesys.demo(contract="platform", now=self.clock)
        self.genesys.rate_limit = rate_limit
        slack = self.sandbox.slack
        self.ann, self.lee, self.channel = slack.ann, slack.lee, slack.channel
        limits = {"per_minute": PLENTY, "per_conversation": PLENTY}
        team = {
            "name": TEAM,
            "channel": slack.channel,
            "supervisors": [slack.ann, slack.lee],
            "limits": limits,
        }
        self.sandbox.configure({"teams": [team]})
        stack.callback(self.sandbox.stop)
        self.sandbox.open().link()
        lee = self.genesys.add_user("Lee Fox", "lee.fox@example.com")
        self.sandbox.link_user(slack.lee, lee)
        self.anns = [self.genesys.start_chat(users=[self.genesys.ann]) for _ in range(many)]
        self.lees = self.genesys.start_chat(users=[lee])
        port = int(self.genesys.url.rpartition(":")[2])
        self.url = stack.enter_context(Front(authority, seconds=round_trip, upstream=port)).url
        # What the bots leave on the way when they end has arrived before the fronts end.
        stack.callback(time.sleep, 0.5)
        self._slack_url = stack.enter_context(Front(authority, answer=json.dumps(SLACK))).url

    def bots(self, count: int) -> list[Process]:
        bot = self.sandbox.environment() | {
            "GENESYS_LOGIN_URL": self.url,
            "GENESYS_API_URL": self.url,
            "SLACK_API_URL": f"{self._slack_url}/api",
            "CANNED_PORT": "0",
        }
        at = (self.clock.began.isoformat(), str(self.clock.speed))
        started = (Process("tests.bench.replica", *at, variables=bot | self._trust) for _ in range(count))
        return [self._stack.enter_context(each) for each in started]

    def fall_due(self) -> None:
        """Write one scheduled send into each of Ann's conversations down, and let all of them be due now."""
        store = self.sandbox.open_store()
        try:
            for conversation in self.anns:
                self._schedule(store, conversation)
        finally:
            store.close()
        engine = create_engine(read_url(self.sandbox.database_url))
        with engine.begin() as tx:
            now = self.clock()
            tx.execute(update(sends).values(not_before=now, asked_not_before=now))
        engine.dispose()
        self.begin()

    def _schedule(self, store: Store, conversation: str) -> None:
        now = self.clock()
        request = SendRequest(
            key=str(uuid.uuid4()),
            team=TEAM,
            channel=self.channel,
            supervisor=self.ann,
            conversation_id=conversation,
            response=RESPONSE,
            send_as=SendAs.SELF,
            requested_at=now,
            not_before=now + timedelta(days=1),
            scheduled=True,
        )
        store.claim(request, asks_after=None, per_minute=PLENTY, per_conversation=PLENTY)

    def begin(self) -> None:
        """Everything is counted from now on, and every token's minute begins."""
        self.began = self.clock()
        self.genesys.forget()
        for token in self.genesys.tokens.values():
            token.window, token.count = self.began, 0

    def settle(self, meanwhile: Callable[[], object] = lambda: None) -> list[Receipt]:
        """Every send on record once all are settled; `meanwhile` is done again and again until then."""
        end = time.monotonic() + PATIENCE
        store = self.sandbox.open_store()
        try:
            while store.backlog().oldest is not None:
                if time.monotonic() > end:
                    raise TimeoutError(f"{len(store.sends(State.PENDING, limit=PLENTY))} sends still wait")
                meanwhile()
                self.genesys.advance_delivery()
                time.sleep(0.1)
            return store.sends(limit=PLENTY)
        finally:
            store.close()

    def addresses(self) -> list[str]:
        """Where a message of Ann into each of her conversations is posted."""
        root, chats = f"{self.url}/api/v2/conversations/messages", self.genesys.conversations
        lines = {chat: chats[chat].present(self.genesys.ann) for chat in self.anns}
        return [
            f"{root}/{chat}/communications/{line.communication_id}/messages" for chat, line in lines.items()
        ]

    def token(self) -> str:
        """One more of Ann's."""
        return self.genesys.issue_token(self.genesys.ann, scopes=self.genesys.oauth_scopes).value

    def taken(self, pile: Sequence[Receipt]) -> Taken:
        """How it went for the bots, all of which have the same token of Ann."""
        anns = [each.value for each in self.genesys.tokens.values() if each.user_id == self.genesys.ann]
        return self.taken_by(anns, sum(each.state is not State.SENT for each in pile))

    def taken_by(self, tokens: Collection[str], lost: int) -> Taken:
        bearers = {f"Bearer {each}" for each in tokens}
        requests = [each for each in self.genesys.requests if each.headers.get("Authorization") in bearers]
        last = self.began
        for each in requests:
            last = each.at if each.at - last >= WINDOW else last
        taken = [each for each in requests if each.status != 429]
        allowed = (self.genesys.rate_limit or 0) * ((last - self.began) / WINDOW)
        share = sum(each.at < last for each in taken) / allowed if allowed else 0.0
        return Taken(share, len(requests) - len(taken), lost)
