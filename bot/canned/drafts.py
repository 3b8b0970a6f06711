"""
Requests that wait for an answer before anything is claimed: again? anyway? which team? which conversation?

They are kept in the database, because a button may be pressed by anybody, anywhere, twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from bot.models import Gate, Receipt, SendAs, SendRequest, State
from bot.storage import Store

from .errors import Changed, NotAllowed

ANYWAY = "anyway"  # the kind that is asked after something has changed, wherever it is shown
_AMONG = "among"  # the conversations that were offered, beside the request


class Drafts:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def keep(
        self,
        kind: str,
        request: SendRequest,
        channel: str,
        *,
        among: Sequence[str] = (),
        under: str | None = None,
    ) -> None:
        """
        Keep `request` until its supervisor answers in `channel` ("": anywhere); `among` are the choices.

        That is under its key, or `under` another where several people may be asked the same.
        """
        kept = asdict(request) | {
            "requested_at": request.requested_at.isoformat(),
            "not_before": request.not_before.isoformat()
            if request.scheduled and request.not_before
            else None,
            _AMONG: list(among),
        }
        self._store.save_draft(
            under or request.key, kind, kept, supervisor=request.supervisor, channel=channel
        )

    def keep_anyway(self, receipt: Receipt, changed: Changed) -> Receipt:
        """
        Keep what was cancelled for an answer: the receipt with the draft that "send anyway" goes by.

        It is another send, under another key, and good for exactly what is so now.
        """
        if receipt.state is not State.CANCELLED:
            return receipt
        key = str(uuid.uuid5(uuid.UUID(receipt.key), ANYWAY))
        self.keep(ANYWAY, replace(receipt.request, key=key, seen=changed.seen, not_before=None), "")
        return replace(receipt, draft=key)

    def answered(
        self, draft: str, user: str, channel: str, *, kind: str, conversation: str | None = None
    ) -> SendRequest:
        """
        The request under `draft`: confirmed if that was the question (`kind` again) and this the
        answer, or with the `conversation` that was chosen among those offered.

        Raises NotAllowed unless this user was asked that, in this channel.
        """
        kept = self._store.draft(draft)
        if kept is None or kept.supervisor != user or kept.channel not in ("", channel):
            raise NotAllowed(_NOT_YOURS)
        among = kept.request[_AMONG]
        if (kept.kind == "conversation") != (conversation is not None) or conversation not in (None, *among):
            raise NotAllowed(_NOT_YOURS)
        if (kept.kind == ANYWAY) != (kind == ANYWAY):
            raise NotAllowed(_NOT_YOURS)
        request = _request_of(kept.request)
        if request.instead_of is not None and kind != "again":
            raise NotAllowed(_NOT_YOURS)
        return replace(
            request,
            conversation_id=conversation or request.conversation_id,
            confirmed=request.confirmed or kept.kind == kind == "again",
            requested_at=self._now(),
        )


def _request_of(kept: Mapping[str, Any]) -> SendRequest:
    request = {name: value for name, value in kept.items() if name != _AMONG}
    request["send_as"] = SendAs(request["send_as"])
    request["gate"] = Gate(request["gate"]) if request.get("gate") else None
    request["requested_at"] = datetime.fromisoformat(request["requested_at"])
    at = request["not_before"]
    request["not_before"] = datetime.fromisoformat(at) if at else None
    return SendRequest(**request)


_NOT_YOURS = "This question was not put to you here. Nothing was sent; type the command again."
