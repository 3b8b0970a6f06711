"""
Pick up what a process left that is no longer there; runs every few seconds in each one.

A process is alive while it beats. What it held is free 15 seconds after its last beat:
pending rows go on where they stood, sending rows count as *no answer* and are looked up.
"""

from __future__ import annotations

import logging

from bot import logs
from bot.models import Receipt, State
from bot.storage import DatabaseDown, Store

from .lanes import Lane
from .sending import GROWN_OLD, Sender

log = logging.getLogger(__name__)

AT_ONCE = 64  # sends on the lane; what is more is left to another process, or to the next time
A_FEW = 8  # are taken even so: what is set for later counts too
AGAIN_AFTER = 5.0  # seconds until a database that was away is tried again


class Recovery:
    def __init__(self, store: Store, sender: Sender, lane: Lane) -> None:
        self._store = store
        self._sender = sender
        self._lane = lane
        self._paused: set[str] = set()

    def sweep(self) -> int:
        """Beat, then take over what is abandoned or due; return how many. Raises DatabaseDown."""
        self._store.beat()
        self._notice_brake()
        room = max(AT_ONCE - self._lane.depth, A_FEW)
        taken = self._store.take_abandoned(grown_old=GROWN_OLD, limit=room)
        for receipt in taken:
            self._lane.submit(self._go_on, receipt)
        return len(taken)

    def _notice_brake(self) -> None:
        paused = {pause.team for pause in self._store.pauses()}
        for team in sorted(paused - self._paused):
            log.warning("sending is paused for %s", team or "every team")
        for team in sorted(self._paused - paused):
            log.warning("the pause for %s is lifted", team or "every team")
        self._paused = paused

    def _go_on(self, receipt: Receipt) -> None:
        logs.about(receipt.key)
        log.info("send %s: picked up while %s", receipt.key, receipt.state)
        try:
            if receipt.state is State.SENDING:
                self._sender.look(receipt)
            else:
                self._sender.deliver(receipt, late=True)
        except DatabaseDown:
            self._lane.later(AGAIN_AFTER, self._go_on, receipt)
