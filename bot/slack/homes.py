"""
Whose App Home is in use, and showing it again when something has changed there.

Only people who opened theirs within hours are thought of, and each at most every other
second: it is a view of what is on record, and *Refresh* shows it whatever happened here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slack_sdk import WebClient

from bot.canned.errors import CannedError
from bot.canned.glance import Glance
from bot.canned.lanes import Lane

from . import home
from .client import Limited, SlackFault, call

log = logging.getLogger(__name__)

IN_USE = timedelta(hours=4)
EVERY = 2.0  # seconds between two showings of one Home

Look = Callable[[str], Glance]


@dataclass
class _Home:
    """`due` says that a showing is on its way which will see whatever happens until then."""

    look: Look
    opened_at: datetime
    shown_at: datetime
    due: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)


class Homes:
    def __init__(self, client: WebClient, lane: Lane, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._lane = lane
        self._now = now
        self._lock = threading.Lock()
        self._homes: dict[str, _Home] = {}

    def show(self, user: str, look: Look, note: str = "") -> None:
        """Show `user` their Home now, with a sentence of ours above; from now on it is in use."""
        now = self._now()
        with self._lock:
            self._homes = {who: one for who, one in self._homes.items() if now - one.opened_at < IN_USE}
            opened = self._homes.setdefault(user, _Home(look, now, now))
            opened.opened_at = now
        self._show(user, opened, note)

    def changed(self, user: str) -> None:
        """Something about `user` is on record that was not; never raises, and holds nobody up."""
        now = self._now()
        with self._lock:
            opened = self._homes.get(user)
            if opened is None or opened.due or now - opened.opened_at >= IN_USE:
                return
            opened.due = True
        since = (now - opened.shown_at).total_seconds()
        self._lane.later(EVERY - min(EVERY, since), self._again, user, opened)

    def _again(self, user: str, opened: _Home) -> None:
        with self._lock:
            opened.due = False
        self._show(user, opened)

    def _show(self, user: str, opened: _Home, note: str = "") -> None:
        with opened.turn:  # or what was read first could be shown last
            try:
                view = home.view(opened.look(user), note)
            except CannedError as exc:
                view = home.nothing(str(exc))
            opened.shown_at = self._now()
            try:
                call(self._client.views_publish, user_id=user, view=view)
            except Limited as exc:
                self._lane.later(exc.retry_after, self._again, user, opened)
            except SlackFault as exc:
                log.info("no Home was shown: %s", exc.error)
