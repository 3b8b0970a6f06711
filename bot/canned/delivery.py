"""
Follow a message after Genesys took it: queued, sent, delivered, read, or failed, and why.

A few looks in five minutes, then no more: what comes later is not worth anybody's quota.
They are the bot's least work, and leave Genesys' rate to the rest. None is repeated, and one
that fails is simply over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby

from bot import logs
from bot.genesys import Conversation, Delivery, Genesys, GenesysError, Sender
from bot.models import PostKind, Receipt, SendRequest
from bot.storage import Store

from .lanes import Lane

log = logging.getLogger(__name__)

FIRST_LOOK = timedelta(seconds=5)  # after it was sent
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (15, 40, 240))  # between one look and the next
MESSAGES = 100  # that one look asks about
SENDS = 200  # that one sweep takes up
REASON = 300  # characters of what Genesys says
FAILED = "failed"


class Following:
    """`changed` is called with a send's request when its message has got further."""

    def __init__(
        self, genesys: Genesys, store: Store, lane: Lane, *, changed: Callable[[SendRequest], None]
    ) -> None:
        self._genesys = genesys
        self._store = store
        self._lane = lane
        self._changed = changed

    def sweep(self) -> None:
        """Look at what is due, one request for each conversation and sender. Raises DatabaseDown."""
        if not self._genesys.tells_delivery:
            return
        due = sorted(self._store.take_looks(PAUSES, limit=SENDS), key=_place)
        for _, together in groupby(due, key=_place):
            sent = list(together)
            for at in range(0, len(sent), MESSAGES):
                self._lane.submit(self._look, sent[at : at + MESSAGES])

    def _look(self, sent: Sequence[Receipt]) -> None:
        first = sent[0]
        for each in sent:
            if each.message_id is None:
                self._name(each)
        named = {each.message_id: each for each in sent if each.message_id}
        if not named:
            return
        try:
            found = self._genesys.delivery(_where(first), list(named), reader=first.sender_id)
        except GenesysError as exc:
            log.info("no look at %s sends: %s", len(sent), type(exc).__name__)
            return
        for message_id, each in named.items():
            if message_id in found:
                self._keep(each, message_id, found[message_id])

    def _name(self, sent: Receipt) -> None:
        """Find the message that Genesys took without giving its id, and keep what is seen of it."""
        logs.about(sent.key)
        sender = Sender(sent.request.send_as, sent.sender_id)
        unread = Conversation(_where(sent), "message", live=True)
        known = self._store.message_ids(_where(sent))
        try:
            found = self._genesys.look(
                unread, sender, sent.text or "", since=sent.changed_at, known=known, urgent=False
            )
        except GenesysError as exc:
            log.info("send %s: no look for its message: %s", sent.key, type(exc).__name__)
            return
        if found and found.message_id and found.text_compared:
            self._keep(sent, found.message_id, Delivery(found.status))

    def _keep(self, sent: Receipt, message_id: str, delivery: Delivery) -> None:
        logs.about(sent.key)
        failed = delivery.word == FAILED
        moved = self._store.delivered(
            sent.key,
            delivery.word,
            message_id=message_id,
            error=delivery.error[:REASON],
            reason=undelivered(delivery.error) if failed else "",
            posts=(PostKind.REPLY, PostKind.DIRECT) if failed else (),
        )
        if moved:
            log.info("send %s: %s", sent.key, delivery.word)
            self._changed(sent.request)


def undelivered(error: str) -> str:
    """The sentence for a message that Genesys took and could not deliver, as `error` says why."""
    why = f": {error[:REASON].rstrip('. ')}" if error else ""
    return (
        f"Genesys took it and could not deliver it{why}. The customer did not get it; "
        "write again if it is still needed, another way perhaps."
    )


def _where(sent: Receipt) -> str:
    return sent.landed_in or sent.request.conversation_id


def _place(sent: Receipt) -> tuple[str, str]:
    return _where(sent), sent.sender_id or ""
