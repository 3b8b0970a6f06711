"""
Send one canned response into one live conversation, exactly as it was written down.

    policy → claim │ verify → render → begin → POST → settle
               pending     └▶ ask     sending        sent | refused | unknown
                      approval, agent

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
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from bot import logs
from bot.genesys import (
    Accepted,
    Conversation,
    Delivery,
    Genesys,
    GenesysError,
    Interrupted,
    NotAParticipant,
    NotConnected,
    OutcomeUnknown,
    RateLimited,
    Template,
    Unavailable,
)
from bot.genesys import Sender as GenesysSender
from bot.models import Gate, Outcome, PostKind, Receipt, SendAs, SendRequest, State
from bot.storage import Closed, DatabaseDown, Stopped, StorageError, Store

from .approving import Approving
from .asking import Asking
from .catalog import Catalog, Response, Team
from .connecting import Connecting
from .delivery import FAILED, FIRST_LOOK, undelivered
from .drafts import Drafts
from .errors import CannedError, Changed, ConnectFirst, Later, NotAllowed, NotInIt, Paused, TextRefused
from .guards import require_as_seen, require_open
from .identity import Identity
from .library import Libraries, template_of
from .people import People
from .policy import require_response, require_team, require_template, require_unchanged
from .render import render

log = logging.getLogger(__name__)

GROWN_OLD = timedelta(minutes=5)  # a pending send older than this is reported, not sent
ASKED_AGAIN = 30.0  # seconds after which a send looks whether its sender has signed in; a sign-in wakes it
SETTLE_TRIES = 60  # seconds for which a known outcome waits for a database that is away
TO_BOTH = (PostKind.REPLY, PostKind.DIRECT)


@dataclass(frozen=True)
class Verified:
    """
    A send that has passed every check and knows its exact text; with `template` Genesys makes it.

    `version` is the response's, as it was then.
    """

    conversation: Conversation
    sender: GenesysSender
    text: str = field(repr=False)
    version: str
    template: Template | None = None

    @property
    def queue(self) -> str:
        """What people call the queue that the conversation is in; "" for none."""
        place = self.conversation.in_queue
        return (place.queue or place.queue_id or "") if place else ""


class Sender:
    def __init__(
        self,
        genesys: Genesys,
        store: Store,
        identity: Identity,
        people: People,
        libraries: Libraries,
        asking: Asking,
        approving: Approving,
        connecting: Connecting,
        *,
        catalog: Callable[[], Catalog],
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        changed: Callable[[SendRequest], None],
        offer: Callable[[Receipt], None],
    ) -> None:
        """
        `changed` is called after each change that people should see, with the send's request, `offer`
        with one that was refused and can go another way, where nobody waits for that to be shown.
        """
        self._genesys = genesys
        self._store = store
        self._identity = identity
        self._people = people
        self._libraries = libraries
        self._asking = asking
        self._approving = approving
        self._connecting = connecting
        self._drafts = Drafts(store, now)
        self._catalog = catalog
        self._now = now
        self._sleep = sleep
        self._changed = changed
        self._offer = offer

    def deliver(self, receipt: Receipt, *, late: bool = False) -> Receipt:
        """
        Take a claimed send, which stood at `receipt`, as far as it goes today; return where it stands.

        Behind a gate that is as far as asking, until it is open. Safe to call at any time,
        from any replica: only one call moves a PENDING row, whatever its caller believes.
        With `late` (the window or note that showed the click is gone) the supervisor is
        told any outcome by direct message.
        """
        key, request = receipt.key, receipt.request
        logs.about(key)
        if receipt.state is not State.PENDING:
            return receipt
        if receipt.is_asked:
            asking = self._approving if receipt.awaits_approval else self._asking
            lapsed = asking.lapsed(receipt)
            if lapsed is None:
                return receipt
            until = receipt.gate_until
            return self._settle(request, lapsed, was=State.PENDING, late=True, asked_until=until)
        if receipt.is_scheduled and receipt.not_before and receipt.not_before > self._now():
            return receipt  # nothing is asked or decided of it before its time
        late = late or receipt.opened_by is not None or receipt.approved_by is not None
        if self._now() - (request.not_before or request.requested_at) > GROWN_OLD:
            return self._settle(request, _too_old(receipt), was=State.PENDING, late=late)
        try:
            verified = self._verified(receipt)
            if (asked := self._ask(receipt, verified)) is not None:
                return asked
        except Changed as exc:
            cancelled = Outcome(State.CANCELLED, reason=str(exc))
            return self._drafts.keep_anyway(
                self._settle(request, cancelled, was=State.PENDING, late=late), exc
            )
        except (GenesysError, CannedError) as exc:
            stands = self._settle(request, self._failed(request, exc), was=State.PENDING, late=late)
            stands = replace(stands, ways=exc.ways) if isinstance(exc, NotInIt) else stands
            if late and stands.ways and stands.state is State.REFUSED:
                self._offer(stands)
            return stands

        sender_id, version = verified.sender.user_id, verified.version
        try:
            begun = self._store.begin(
                key, verified.text, sender_id=sender_id, version=version, queue=verified.queue
            )
        except Stopped as exc:
            return self._settle(
                request, self._failed(request, Paused(exc.pause)), was=State.PENDING, late=late
            )
        if not begun:
            return self._store.receipt(key)

        # A bug from here on leaves the row SENDING, and recovery turns that into UNKNOWN,
        # which is the truth. A broad `except` would have to guess.
        try:
            outcome = self._post(request, verified)
        except Interrupted:  # while looking: whoever runs next goes on with that
            return self._store.receipt(key)
        return self._settle_for_sure(request, outcome, late=late)

    def look(self, receipt: Receipt) -> Receipt:
        """
        Settle a send that nobody waits for any more by looking for it in the conversation.

        Never sends. Ends as SENT where the message is found, else as UNKNOWN.
        """
        request = receipt.request
        try:
            found = self._find(receipt, since=receipt.changed_at)
        except Interrupted:
            return receipt
        except GenesysError as exc:
            log.warning(
                "send %s: no look, %s, correlation %s", receipt.key, type(exc).__name__, exc.correlation_id
            )
            found = None
        outcome = _sent(found, request) if found else Outcome(State.UNKNOWN, reason=_INTERRUPTED)
        return self._settle(request, outcome, was=State.SENDING, late=True)

    def look_again(self, unknown: Receipt, *, since: datetime) -> Receipt:
        """
        Look for an unknown send that left at `since` or later; its receipt, changed if it was found.

        Never sends. Raises GenesysError where nobody could look.
        """
        found = self._find(unknown, since=since)
        if found is None:
            return unknown
        return self._settle(unknown.request, _sent(found, unknown.request), was=State.UNKNOWN, late=True)

    def _find(self, receipt: Receipt, *, since: datetime) -> Accepted | None:
        request = receipt.request
        conversation = self._genesys.conversation(request.conversation_id, reader=receipt.sender_id)
        # Who sent it may have left since: then too it is they who are looked for.
        sender = GenesysSender(request.send_as.value, receipt.sender_id)
        return self._find_in(conversation, request.key, sender, receipt.text or "", since=since)

    def _find_in(
        self, conversation: Conversation, key: str, sender: GenesysSender, text: str, *, since: datetime
    ) -> Accepted | None:
        """What is found there of the send `key`, unless it is another send's by now, or may be."""
        known = self._store.message_ids(conversation.id)
        found = self._genesys.look(conversation, sender, text, since=since, known=known)
        if found is None:
            return None
        if self._store.has_twin(key, since=since, text_compared=found.text_compared):
            return None
        return None if found.message_id in self._store.message_ids(conversation.id) else found

    def cancel(self, receipt: Receipt, reason: str, *, actor: str) -> Receipt:
        """`actor` takes back what has not begun to leave; the receipt says whether that was in time."""
        outcome = Outcome(State.CANCELLED, reason=reason)
        return self._settle(receipt.request, outcome, was=State.PENDING, late=False, actor=actor)

    def verify(self, request: SendRequest) -> Verified:
        """
        Everything that must hold at the moment of sending, and the exact text; sends nothing.

        Raises CannedError or GenesysError with the sentence that says what does not hold;
        NotInIt where the supervisor would have to be in the conversation, Changed where it is
        not as they saw it.
        """
        verified = self.fill(request)
        require_sendable(verified.text, self._genesys.max_length(verified.conversation))
        return verified

    def fill(self, request: SendRequest, conversation: Conversation | None = None) -> Verified:
        """As `verify`, whatever the length of the text; in `conversation` if that has just been read."""
        team, response, me = self._allowed(request)
        conversation, sender = self._place(request, team, me, conversation)
        require_as_seen(request.seen, conversation, me)
        return self._filled(request, response, conversation, sender)

    def _place(
        self, request: SendRequest, team: Team, me: str, conversation: Conversation | None = None
    ) -> tuple[Conversation, GenesysSender]:
        """The conversation as the supervisor reads it, and who would write into it."""
        conversation = conversation or self._read(request, me)
        try:
            sender = self._genesys.sender(conversation, request.send_as, me)
        except NotAParticipant as exc:
            if request.send_as is not SendAs.SELF:
                raise
            raise self._asking.outside(request, team, conversation, me, str(exc)) from exc
        if request.send_as is not SendAs.SELF:
            self._asking.require_may_write(team, conversation, me)
        return conversation, sender

    def _read(self, request: SendRequest, reader: str) -> Conversation:
        # What falls due by itself may be many at once: it leaves room for what somebody waits for.
        urgent = not request.scheduled
        return self._genesys.conversation(request.conversation_id, reader=reader, urgent=urgent)

    def _verified(self, receipt: Receipt) -> Verified:
        """What may leave now: rendered, or frozen since somebody agreed to it."""
        if receipt.opened_by and receipt.request.gate is Gate.AGENT:
            return self._agreed(receipt)
        return self._approved(receipt) if receipt.approved_by else self.verify(receipt.request)

    def _ask(self, receipt: Receipt, verified: Verified) -> Receipt | None:
        """Ask whoever has to let it leave and has not; the receipt then."""
        request, to_agent = receipt.request, self._asking.must_ask(receipt)
        if self._approving.must_ask(receipt):
            return self._approving.ask(request, verified.sender, verified.text, then_agent=to_agent)
        return self._asking.ask(request, verified.sender, verified.text) if to_agent else None

    def _approved(self, receipt: Receipt) -> Verified:
        """The same for what was approved: with the requester's rights, and the frozen text."""
        team, response, me = self._allowed(receipt.request)
        conversation, sender = self._place(receipt.request, team, me)
        self._approving.require(receipt, response, me, sender)
        return self._frozen(receipt, response, conversation, sender)

    def _agreed(self, receipt: Receipt) -> Verified:
        """The same for what the agent has let leave: their own token reads, the text is the frozen one."""
        team, response, me = self._allowed(receipt.request)
        agent = self._asking.agent(receipt)
        conversation = self._read(receipt.request, agent.genesys_user)
        sender = self._asking.sender(conversation, agent)
        self._asking.require_may_write(team, conversation, me)
        self._approving.require(receipt, response, me, sender)
        return self._frozen(receipt, response, conversation, sender)

    def _frozen(
        self, receipt: Receipt, response: Response, conversation: Conversation, sender: GenesysSender
    ) -> Verified:
        request, text = receipt.request, receipt.text or ""
        if response.source and response.source.made_there:
            made = self._filled(request, response, conversation, sender)
            if made.text != text:
                raise TextRefused("What Genesys would send has changed since it was agreed to: ask again.")
            return made
        self._require_fits(response, conversation, sender)
        require_sendable(text, self._genesys.max_length(conversation))
        return Verified(conversation, sender, text, response.version)

    def _allowed(self, request: SendRequest) -> tuple[Team, Response, str]:
        """What speaks for this person, team, channel and response now; and who they are in Genesys."""
        team = self.require_supervisor(request.supervisor, request)
        if team.channel != request.channel:
            raise NotAllowed(
                f"{team.name} has another channel by now than the one whose thread tells of this, so nothing "
                "was sent. Send it again."
            )
        response = require_response(self._catalog(), team, request.response, self._now().date())
        return team, response, self._identity.require(request.supervisor).genesys_user

    def require_supervisor(self, user: str, request: SendRequest) -> Team:
        """The request's team, if `user` may send for it now. Asks Slack; raises NotAllowed, SlackDown."""

        def member(group: str) -> bool:
            return self._people.is_member(user, group)

        self._people.require_active(user)
        team = require_team(self._catalog(), user, request.channel, member, name=request.team)
        self._people.require_channel(team.channel)
        return team

    def _filled(
        self, request: SendRequest, response: Response, conversation: Conversation, sender: GenesysSender
    ) -> Verified:
        self._require_fits(response, conversation, sender)
        require_unchanged(response, request)
        customer = conversation.customer
        template = require_template(
            response,
            edited=request.text,
            asked=request.language,
            spoken=customer.language if customer else None,
        )
        filled = partial(
            render,
            own={"CUSTOMER_NAME": customer.name if customer else "", "AGENT_NAME": sender.name},
            values=request.values,
            attributes=customer.attributes if customer else {},
            defaults=response.defaults,
        )
        text = filled(template)
        return Verified(conversation, sender, text, response.version, template_of(response, filled))

    def _require_fits(self, response: Response, conversation: Conversation, sender: GenesysSender) -> None:
        """Raise what the queue or the channel has against this response."""
        self._libraries.require_in_queue(response, conversation.queue_of(sender))
        require_open(response, conversation, self._now())

    def _post(self, request: SendRequest, verified: Verified) -> Outcome:
        started = self._now()

        def waiting(seconds: float) -> None:
            if not seconds:  # the wait is over, and it may have been given up or paused meanwhile
                self._require_going(request)
                return
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
                template=verified.template,
                urgent=not request.scheduled,
                on_wait=waiting,
            )
        except OutcomeUnknown as exc:
            log.warning("send %s: no answer, looking; correlation %s", request.key, exc.correlation_id)
            found = self._look_quietly(request, verified, since=started)
            return _sent(found, request) if found else self._failed(request, exc)
        except (GenesysError, CannedError) as exc:
            return self._failed(request, exc)
        return _sent(accepted, request)

    def _require_going(self, request: SendRequest) -> None:
        """Raise what keeps it from leaving after a wait."""
        try:
            pause, mine = self._store.pause_of(request), self._store.is_sending(request.key)
        except DatabaseDown as exc:
            raise Later(str(exc)) from exc
        if pause is not None:
            raise Paused(pause)
        if not mine:  # people were told that nobody knows, and may have sent it again
            raise Later("Another process has taken it over.")

    def _look_quietly(self, request: SendRequest, verified: Verified, *, since: datetime) -> Accepted | None:
        try:
            sender, text = verified.sender, verified.text
            return self._find_in(verified.conversation, request.key, sender, text, since=since)
        except Interrupted:
            raise
        except (GenesysError, StorageError):
            return None

    def _settle_for_sure(self, request: SendRequest, outcome: Outcome, *, late: bool) -> Receipt:
        """What the POST came to is known here alone, so a database that is away is waited for."""
        for _ in range(SETTLE_TRIES):
            try:
                return self._settle(request, outcome, was=State.SENDING, late=late)
            except Closed:
                raise
            except DatabaseDown:
                log.warning("send %s: %s, which cannot be written down now", request.key, outcome.state)
                self._sleep(1.0)
        return self._settle(request, outcome, was=State.SENDING, late=late)

    def _settle(
        self,
        request: SendRequest,
        outcome: Outcome,
        *,
        was: State,
        late: bool,
        actor: str = "bot",
        asked_until: datetime | None = None,
    ) -> Receipt:
        if outcome.state is State.SENT and self._genesys.tells_delivery:
            outcome = replace(outcome, look_at=self._now() + FIRST_LOOK)
        receipt, moved = self._store.settle(
            request.key,
            outcome,
            was=_from(outcome, was),
            posts=_posts(request, outcome, late=late),
            actor=actor,
            asked_until=asked_until,
        )
        if outcome.state is State.SENT and receipt.state is State.UNSENT and receipt.handled_by:
            known = replace(outcome, reason=f"{_MARKED} {outcome.reason}".rstrip())
            return self._settle(request, known, was=State.UNSENT, late=True)
        if moved:
            log.info("send %s: %s, correlation %s", request.key, outcome.state, outcome.correlation_id)
            self._changed(request)
            self._asking.told(receipt)
        return receipt

    def _failed(self, request: SendRequest, exc: GenesysError | CannedError) -> Outcome:
        log.warning("send %s: %s, correlation %s", request.key, type(exc).__name__, exc.correlation_id)
        state, later, reason = State.REFUSED, None, str(exc)
        if isinstance(exc, NotConnected | ConnectFirst):
            return self._unconnected(request, exc)
        if isinstance(exc, OutcomeUnknown):
            state = State.UNKNOWN
        elif isinstance(exc, Paused):
            state, reason = State.PENDING, exc.standing
        elif isinstance(exc, RateLimited | Unavailable | Later):
            state, later = State.PENDING, self._now() + timedelta(seconds=exc.retry_after)
            if later - (request.not_before or request.requested_at) > GROWN_OLD:
                state, later, reason = State.REFUSED, None, f"{reason} {_TOO_LONG}"
        return Outcome(state, reason=reason, correlation_id=exc.correlation_id, not_before=later)

    def _unconnected(self, request: SendRequest, exc: NotConnected | ConnectFirst) -> Outcome:
        """It has not left, and waits for a sign-in; nobody at a terminal waits for one."""
        if request.by_operator or not self._connecting.is_offered:
            return Outcome(State.REFUSED, reason=str(exc), correlation_id=exc.correlation_id)
        user = exc.user_id if isinstance(exc, NotConnected) else None
        try:
            reason = self._connecting.needed(request, user)
        except DatabaseDown:  # what is known may not be lost for it; who has to is asked the next time
            reason = str(exc)
        later = self._now() + timedelta(seconds=ASKED_AGAIN)
        return Outcome(State.PENDING, reason=reason, correlation_id=exc.correlation_id, not_before=later)


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
    told = outcome.state in (State.SENT, State.CANCELLED) and not late and outcome.landed_in is None
    return (PostKind.REPLY,) if told else TO_BOTH


def _from(outcome: Outcome, was: State) -> tuple[State, ...]:
    # A slow process that was given up for dead may still learn that its message arrived.
    return (was, State.UNKNOWN) if outcome.state is State.SENT else (was,)


def _sent(accepted: Accepted, request: SendRequest) -> Outcome:
    delivery = Delivery(accepted.status)
    taken = Outcome(State.SENT, message_id=accepted.message_id, correlation_id=accepted.correlation_id)
    if delivery.word == FAILED:  # it is in Genesys, and will not reach the customer
        return replace(taken, state=State.UNSENT, reason=undelivered(delivery.error))
    sent = replace(taken, delivery=delivery.word, reason="" if accepted.text_compared else _NOT_COMPARED)
    landed = accepted.conversation_id
    if not landed:
        return replace(sent, reason=_SOMEWHERE)
    if landed.casefold() == request.conversation_id.casefold():
        return sent
    return replace(
        sent,
        landed_in=landed,
        reason=f"Sent, but in another conversation: `{landed}`. An automated message goes to the customer's "
        "address, and Genesys chose where. Look there before you send it again.",
    )


def _too_old(receipt: Receipt) -> Outcome:
    why = f" {receipt.reason}" if receipt.reason else ""
    what = "It waited for more than five minutes and was not sent any more."
    if receipt.request.scheduled:
        what = "Its time was more than five minutes ago before the bot could send it, so it was not sent."
    return Outcome(State.REFUSED, reason=f"{what}{why} Send it again if it still fits.")


_TOO_LONG = "That is more than five minutes away, so it was not sent. Send it again later if it still fits."
_NOT_COMPARED = (
    "Its answer was lost. Genesys shows a new message of the sender from then and does not let them read its "
    "text back, so that it is this one is likely and not certain."
)
_SOMEWHERE = (
    "An automated message goes to the customer's address, and Genesys did not say into which conversation: "
    "look into this one if it has to be certain."
)
_MARKED = "It had been marked as not sent, and Genesys has taken it all the same."
_INTERRUPTED = (
    "The bot was interrupted while it was sending, so nobody knows whether the customer has the message. "
    "Look into the conversation in Genesys before you send it again."
)
