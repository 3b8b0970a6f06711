"""
What becomes of a send whose outcome nobody knows: a supervisor looks, sends again, or says how it ended.

    unknown ──look──▶ sent | not sent | unknown
       ├────send again, asked first, once──▶ a new send; this one is dealt with
       └────a person's mark──▶ not sent │ unknown, dealt with

Only the button on the conversation's own card counts, and only from a supervisor who may
send for that team now. One word settles it; who comes second reads what happened. Where
Genesys turns out to have it, that counts more than somebody's mark.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from bot.genesys import Genesys, GenesysError, NotConnected, NotFound, Refused
from bot.models import PostKind, Receipt, SendRequest, State
from bot.storage import Store

from .cards import send_on_card
from .drafts import Drafts
from .errors import AskFirst, NotAllowed
from .identity import Identity
from .people import People
from .record import on_record
from .sending import Sender

log = logging.getLogger(__name__)

Checked = Callable[[SendRequest, str], SendRequest]


class Settling:
    """Everything here may ask Slack or Genesys, and belongs into a lane."""

    def __init__(
        self,
        store: Store,
        genesys: Genesys,
        identity: Identity,
        people: People,
        sender: Sender,
        *,
        now: Callable[[], datetime],
        changed: Callable[[SendRequest], None],
    ) -> None:
        self._store = store
        self._drafts = Drafts(store, now)
        self._genesys = genesys
        self._identity = identity
        self._people = people
        self._sender = sender
        self._now = now
        self._changed = changed

    @on_record()
    def look(self, key: str, user: str, channel: str, ts: str) -> str:
        """Look once more; the sentence about what was found. Never sends. Raises NotAllowed, SlackDown."""
        unknown = self._require(key, user, channel, ts)
        if not self._genesys.finds_messages:
            raise NotAllowed("The bot cannot look by itself here: look into the conversation in Genesys.")
        since = self._store.looking(key, by=user) or unknown.request.requested_at
        if unknown.text is None:
            return f"{_GONE} So nobody can look for it. {_STILL}"
        try:
            receipt = self._sender.look_again(unknown, since=since)
        except GenesysError as exc:
            log.warning("send %s: no look, %s, correlation %s", key, type(exc).__name__, exc.correlation_id)
            return f"{_no_look(exc)} {_STILL}"
        if receipt.state is State.UNKNOWN and self._store.has_twin(key, since=since):
            return f"The same text was sent twice about then, so whatever is found may be either. {_STILL}"
        if receipt.state is State.UNKNOWN:
            return f"Genesys shows no such message, which does not prove that there is none. {_STILL}"
        return how_it_ended(receipt)

    @on_record()
    def ask_again(self, key: str, user: str, channel: str, ts: str, *, checked: Checked) -> NoReturn:
        """
        Ask before it is sent again. Raises AskFirst with the question, or what speaks against it.

        `checked` says what memory has against a send. The answer claims it like any other
        send, under a key that is the same whoever asks, however often.
        """
        unknown = self._require(key, user, channel, ts)
        if unknown.text is None:
            raise NotAllowed(f"{_GONE} Type the command anew to send it again.")
        again = replace(
            unknown.request,
            key=str(uuid.uuid5(uuid.UUID(key), "again")),
            supervisor=user,
            requested_at=self._now(),
            by_operator=False,
            scheduled=False,
            not_before=None,
            instead_of=key,
            seen=None,  # the card showed nothing of the conversation
        )
        draft = str(uuid.uuid5(uuid.UUID(key), f"asked {user}"))
        self._drafts.keep("again", checked(again, again.team), channel, under=draft)
        raise AskFirst(
            f"The customer may have `{again.response}` already, and get it twice if you send it again. "
            "It would go through all checks anew, in your name. Send it again?",
            draft=draft,
        )

    @on_record()
    def mark_unsent(self, key: str, user: str, channel: str, ts: str) -> str:
        """By this person's word it was not sent; the sentence about that. Raises NotAllowed, SlackDown."""
        unknown = self._require(key, user, channel, ts)
        others = () if unknown.request.supervisor == user else (PostKind.DIRECT,)
        reason = f"{self._name(user)} looked and marked it as not sent."
        self._mark(key, State.UNSENT, user, reason, (PostKind.REPLY, *others))
        return "Marked as not sent, and the thread says so. It can be sent like any other message now."

    @on_record()
    def mark_handled(self, key: str, user: str, channel: str, ts: str) -> str:
        """This person has dealt with it; the sentence about that. Raises NotAllowed, SlackDown."""
        self._require(key, user, channel, ts)
        reason = f"{self._name(user)} marked it as handled."
        self._mark(key, State.UNKNOWN, user, reason, (PostKind.REPLY,))
        return "Marked as handled: it stays unknown, and the card says that you have dealt with it."

    def _mark(self, key: str, state: State, user: str, reason: str, posts: tuple[PostKind, ...]) -> None:
        receipt, moved = self._store.mark(key, state, by=user, reason=reason, posts=posts)
        if not moved:
            raise NotAllowed(how_it_ended(receipt))
        log.info("send %s: marked, %s", key, state)
        self._changed(receipt.request)

    def _require(self, key: str, user: str, channel: str, ts: str) -> Receipt:
        """The unknown send on whose card somebody clicked who may settle it. Raises NotAllowed, SlackDown."""
        receipt = send_on_card(self._store, key, channel, ts)
        self._sender.require_supervisor(user, receipt.request)
        if not receipt.is_open_question:
            raise NotAllowed(how_it_ended(receipt))
        return receipt

    def _name(self, user: str) -> str:
        link = self._identity.known(user)
        return self._people.name(user) or (link.name if link else "") or "A supervisor"


def how_it_ended(receipt: Receipt) -> str:
    """What somebody reads who wanted to settle a send that is settled."""
    known = {State.SENT: "Genesys took the message.", State.UNKNOWN: "Somebody has dealt with it."}
    reason = receipt.reason or known.get(receipt.state, "")
    return f"That is settled: {receipt.state.word}. {reason}".rstrip()


def _no_look(exc: GenesysError) -> str:
    match exc:
        case NotConnected():
            return "Whoever sent it has to sign in to Genesys again first (`/canned connect`)."
        case NotFound():
            return "Genesys does not know the conversation any more, so nobody can look into it."
        case Refused() if exc.retry_after is None:
            return "Genesys does not let whoever sent it read the conversation, so the bot cannot look."
        case _:
            return "Genesys did not let the bot look just now; try again in a minute."


_GONE = "Its text was kept long enough and is gone."
_STILL = "It is still unknown."
