"""Conversations' cards in the teams' channels: which thread is whose, and what a click on a card may do."""

from __future__ import annotations

from collections.abc import Callable

from bot.models import Receipt
from bot.storage import DatabaseDown, Store

from .errors import NotAllowed
from .record import on_record
from .responses import Team


class Cards:
    def __init__(self, store: Store, team_for: Callable[[str, str, str], Team]) -> None:
        """`team_for(user, channel, name)` raises NotAllowed for somebody who may not send for that team."""
        self._store = store
        self._team_for = team_for

    def conversation(self, channel: str, ts: str) -> str:
        """The conversation whose card is Slack's message `ts`; "" if it is none, or nobody can say."""
        try:
            return self._store.conversation_at(channel, ts) or ""
        except DatabaseDown:  # it only fills in what can be typed as well
            return ""

    @on_record()
    def require_open(self, conversation_id: str, channel: str, ts: str) -> None:
        """Raise NotAllowed unless Slack's message `ts` is its card, or if the chat is known to be over."""
        _require_card(self._store, conversation_id, channel, ts)
        standing = self._store.standing(channel, conversation_id)
        if standing is not None and standing.chat is not None and standing.chat.ended_at is not None:
            raise NotAllowed("This chat has ended, so nothing can be sent into it any more.")

    @on_record()
    def require_own(self, key: str, user: str, channel: str, ts: str) -> Receipt:
        """The send of `user` on whose card they clicked. Raises NotAllowed."""
        receipt = send_on_card(self._store, key, channel, ts)
        self._team_for(user, channel, receipt.request.team)
        if receipt.request.supervisor != user:
            raise NotAllowed("That message is another supervisor's, and only they can take it back.")
        return receipt


def send_on_card(store: Store, key: str, channel: str, ts: str) -> Receipt:
    """The send `key`, if Slack's message `ts` is the card of its conversation. Raises NotAllowed."""
    receipt = store.find(key)
    if receipt is None or receipt.request.channel != channel:
        raise NotAllowed(_NOT_ITS_CARD)
    _require_card(store, receipt.request.conversation_id, channel, ts)
    return receipt


def _require_card(store: Store, conversation_id: str, channel: str, ts: str) -> None:
    if not ts or store.card(channel, conversation_id) != ts:
        raise NotAllowed(_NOT_ITS_CARD)


_NOT_ITS_CARD = "This button is not on the card of that conversation, so nothing was done."
