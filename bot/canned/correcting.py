"""
Corrections: another message that sets a sent one right, since Genesys cannot take one back.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.models import Receipt, State
from bot.storage import Store

from .errors import NotAllowed
from .record import on_record
from .responses import Team


class Correcting:
    def __init__(self, store: Store, team_for: Callable[[str, str, str], Team]) -> None:
        """`team_for(user, channel, name)` raises NotAllowed for somebody who may not send for that team."""
        self._store = store
        self._team_for = team_for

    @on_record()
    def sent(self, key: str, user: str, *, channel: str, ts: str) -> tuple[Receipt, Team]:
        """
        The sent message that `user` wants to correct, by the button in Slack's message `ts`.

        `ts` is empty for what only one person was shown. Raises NotAllowed unless this message
        tells of that send, and `user` may send for its team.
        """
        receipt = self._store.find(key)
        if receipt is None or not self._is_told_in(receipt, user, channel, ts):
            raise NotAllowed("This button belongs to no message that was sent. Nothing more was sent.")
        if receipt.state is not State.SENT:
            raise NotAllowed("That message was not sent, so there is nothing to correct.")
        request = receipt.request
        return receipt, self._team_for(user, request.channel, request.team)

    def corrected(self, key: str | None, conversation_id: str) -> str | None:
        """`key` if that send went to this conversation: elsewhere a message corrects nothing."""
        receipt = self._store.find(key) if key else None
        return key if receipt and receipt.request.conversation_id == conversation_id else None

    def _is_told_in(self, receipt: Receipt, user: str, channel: str, ts: str) -> bool:
        if not ts:
            return receipt.request.supervisor == user
        return self._store.is_told(receipt.key, ts, places=(channel, user))
