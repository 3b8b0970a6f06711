"""
Send one canned response into one live conversation, exactly as it was written down.

    policy → claim │ verify → render → begin → POST → settle
               pending                   sending        sent | refused | unknown

`claim` is committed before Slack is answered, so an acknowledged click is never lost.
The rest may be done by any process that finds the row. Before `begin` nothing can have
left: a crash there leaves PENDING, which is safe to go on. `begin` lets one caller
through, so a double click, a redelivery and a second replica end in the same receipt.
Genesys takes no idempotency key: when the line drops mid-send we look, answer UNKNOWN if
that settles nothing, and stop, because a customer forgives late sooner than twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.genesys import (
    Accepted,
    Conversation,
    Genesys,
    GenesysError,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from bot.genesys import Sender as GenesysSender
from bot.models import Outcome, PostKind, Receipt, SendAs, SendRequest, State
from bot.storage import DatabaseDown, StorageError, Store

from .catalog import Catalog
from .errors import CannedError, Later, TextRefused
from .identity import Identity
from .people import People
from .policy import require_response, require_team, require_template
from .render import render

log = logging.getLogger(__name__)

GROWN_OLD = timedelta(minutes=5)  # a pending send older than this is reported, not sent
SETTLE_TRIES = 60  # seconds for which a known outcome waits for a database that is away
TO_BOTH = (PostKind.REPLY, PostKind.DIRECT)


@dataclass(frozen=True)
class Verified:
    """A send that has passed every check and knows its exact text."""

    conversation: Conversation
    sender: GenesysSender
    text: str = field(repr=False)


class Sender:
    def __init__(
        self,
        genesys: Genesys,
        store: Store,
        identity: Identity,
        people: People,
        *,
        catalog: Callable[[], Catalog],
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        changed: Callable[[SendRequest], None],
    ) -> None:
        """`changed` is called after each change that people should see, with the send's request."""
        self._genesys = genesys
        self._store = store
        self._identity = identity
        self._people = people
        self._catalog = catalog
        self._now = now
        self._sleep = sleep
        self._changed = changed

    def deliver(self, key: str, *, late: bool = False) -> Receipt:
        """
        Take the claimed send `key` as far as it goes today; return where it stands.

        Safe to call at any time, from any replica: only one call moves a PENDING row.
        With `late` (the window or note that showed the click is gone) the supervisor is
        told any outcome by direct message.
        """
        receipt = self._store.receipt(key)
        if receipt.state is not State.PENDING:
            return receipt
        request = receipt.request
        if self._now() - (request.not_before or request.requested_at) > GROWN_OLD:
            return self._settle(request, _too_old(receipt), was=State.PENDING, late=late)
        try:
            verified = self.verify(request)
        except (GenesysError, CannedError) as exc:
            return self._settle(request, self._failed(request, exc), was=State.PENDING, late=late)

        if not self._store.begin(key, verified.text, sender_id=verified.sender.user_id):
            return self._store.receipt(key)

        # A bug from here on leaves the row SENDING, and recovery turns that into UNKNOWN,
        # which is the truth. A broad `except` would have to guess.
        outcome = self._post(request, verified)
        return self._settle_for_sure(request, outcome, late=late)

    def look(self, receipt: Receipt) -> Receipt:
        """
        Settle a send that nobody waits for any more by looking for it in the conversation.

        Never sends. Ends as SENT where the message is found, else as UNKNOWN.
        """
        request = receipt.request
        try:
            conversation = self._genesys.conversation(request.conversation_id, reader=receipt.sender_id)
            sender = self._genesys.sender(conversation, SendAs.SELF, receipt.sender_id or "")
            found = self._genesys.look(conversation, sender, receipt.text or "", since=receipt.changed_at)
        except GenesysError as exc:
            log.warning(
                "send %s: no look, %s, correlation %s", receipt.key, type(exc).__name__, exc.correlation_id
            )
            found = None
        outcome = _sent(found) if found else Outcome(State.UNKNOWN, reason=_INTERRUPTED)
        return self._settle(request, outcome, was=State.SENDING, late=True)

    def cancel(self, receipt: Receipt, reason: str) -> Receipt:
        """Take back what has not begun to leave; the receipt says whether that was in time."""
        outcome = Outcome(State.CANCELLED, reason=reason)
        return self._settle(receipt.request, outcome, was=State.PENDING, late=False)

    def verify(self, request: SendRequest) -> Verified:
        """
        Everything that must hold at the moment of sending, and the exact text; sends nothing.

        Raises CannedError or GenesysError with the sentence that says what does not hold.
        """
        catalog = self._catalog()
        user = request.supervisor

        def member(group: str) -> bool:
            return self._people.is_member(user, group)

        self._people.require_active(user)
        team = require_team(catalog, user, request.channel, member, name=request.team)
        self._people.require_channel(team.channel)
        response = require_response(catalog, team, request.response, self._now().date())
        link = self._identity.require(user)
        conversation = self._genesys.conversation(request.conversation_id, reader=link.genesys_user)
        sender = self._genesys.sender(conversation, request.send_as, link.genesys_user)
        customer = conversation.customer
        template = require_template(
            response,
            edited=request.text,
            asked=request.language,
            spoken=customer.language if customer else None,
        )
        text = render(
            template,
            own={"CUSTOMER_NAME": customer.name if customer else "", "AGENT_NAME": sender.name},
            values=request.values,
            attributes=customer.attributes if customer else {},
            defaults=response.defaults,
        )
        require_sendable(text, self._genesys.max_length(conversation))
        return Verified(conversation, sender, text)

    def _post(self, request: SendRequest, verified: Verified) -> Outcome:
        started = self._now()

        def waiting(seconds: float) -> None:
            try:
                self._store.waiting(request.key, self._now() + timedelta(seconds=seconds))
            except StorageError:
                log.warning("send %s: waits, which its card cannot show now", request.key)
            self._changed(request)

        try:
            accepted = self._genesys.send(
                verified.conversation,
                verified.sender,
                verified.text,
                response=request.response,
                send_id=request.key,
                on_wait=waiting,
            )
        except OutcomeUnknown as exc:
            log.warning("send %s: no answer, looking; correlation %s", request.key, exc.correlation_id)
            found = self._look_quietly(verified, since=started)
            return _sent(found) if found else self._failed(request, exc)
        except GenesysError as exc:
            return self._failed(request, exc)
        return _sent(accepted)

    def _look_quietly(self, verified: Verified, *, since: datetime) -> Accepted | None:
        try:
            return self._genesys.look(verified.conversation, verified.sender, verified.text, since=since)
        except GenesysError:
            return None

    def _settle_for_sure(self, request: SendRequest, outcome: Outcome, *, late: bool) -> Receipt:
        """What the POST came to is known here alone, so a database that is away is waited for."""
        for _ in range(SETTLE_TRIES):
            try:
                return self._settle(request, outcome, was=State.SENDING, late=late)
            except DatabaseDown:
                log.warning("send %s: %s, which cannot be written down now", request.key, outcome.state)
                self._sleep(1.0)
        return self._settle(request, outcome, was=State.SENDING, late=late)

    def _settle(self, request: SendRequest, outcome: Outcome, *, was: State, late: bool) -> Receipt:
        receipt, moved = self._store.settle(
            request.key, outcome, was=_from(outcome, was), posts=_posts(request, outcome, late=late)
        )
        if moved:
            log.info("send %s: %s, correlation %s", request.key, outcome.state, outcome.correlation_id)
            self._changed(request)
        return receipt

    def _failed(self, request: SendRequest, exc: GenesysError | CannedError) -> Outcome:
        log.warning("send %s: %s, correlation %s", request.key, type(exc).__name__, exc.correlation_id)
        state, later, reason = State.REFUSED, None, str(exc)
        if isinstance(exc, OutcomeUnknown):
            state = State.UNKNOWN
        elif isinstance(exc, RateLimited | Unavailable | Later):
            state, later = State.PENDING, self._now() + timedelta(seconds=exc.retry_after)
            if later - (request.not_before or request.requested_at) > GROWN_OLD:
                state, later, reason = State.REFUSED, None, f"{reason} {_TOO_LONG}"
        return Outcome(state, reason=reason, correlation_id=exc.correlation_id, not_before=later)


def require_sendable(text: str, limit: int) -> None:
    """Raise TextRefused for a text that is empty or longer than `limit` characters."""
    if not text.strip():
        raise TextRefused("Nothing is left of the text once it is filled in, so nothing was sent.")
    if len(text) > limit:
        raise TextRefused(
            f"The text is {len(text)} characters long and this channel takes {limit}, so nothing was sent. "
            "Shorten it in the window that `/canned` opens."
        )


def _posts(request: SendRequest, outcome: Outcome, *, late: bool) -> tuple[PostKind, ...]:
    if outcome.state.is_open:
        return ()
    told = outcome.state in (State.SENT, State.CANCELLED) and not late
    return (PostKind.REPLY,) if told else TO_BOTH


def _from(outcome: Outcome, was: State) -> tuple[State, ...]:
    # A slow process that was given up for dead may still learn that its message arrived.
    return (was, State.UNKNOWN) if outcome.state is State.SENT else (was,)


def _sent(accepted: Accepted) -> Outcome:
    return Outcome(State.SENT, message_id=accepted.message_id, correlation_id=accepted.correlation_id)


def _too_old(receipt: Receipt) -> Outcome:
    why = f" {receipt.reason}" if receipt.reason else ""
    return Outcome(
        State.REFUSED,
        reason="It waited for more than five minutes and was not sent any more."
        f"{why} Send it again if it still fits.",
    )


_TOO_LONG = "That is more than five minutes away, so it was not sent. Send it again later if it still fits."
_INTERRUPTED = (
    "The bot was interrupted while it was sending, so nobody knows whether the customer has the message. "
    "Look into the conversation in Genesys before you send it again."
)
