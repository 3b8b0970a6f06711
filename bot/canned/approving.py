"""
Responses that somebody else has to approve, before anything of them leaves.

    claimed ──verify, render──▶ asked, the text frozen ──Approve──▶ checked again ──▶ begun
                                  └──Reject, taken back, five minutes──▶ cancelled

Whoever approves is in the group that canned.yml names, an active member of the workspace,
and neither the requester in Slack nor in Genesys. A link is the one proof of the latter:
one Genesys user has one Slack user, so two people with a link each are two. Without a
link nobody can tell, and nobody approves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.genesys import Sender as GenesysSender
from bot.models import Gate, Outcome, PostKind, Receipt, SendRequest, State
from bot.storage import Store

from .errors import BadInput, NotAllowed
from .identity import Identity
from .people import People
from .record import on_record
from .render import clean
from .responses import Catalog, Response

log = logging.getLogger(__name__)

APPROVED_WITHIN = timedelta(minutes=5)  # of the request
REASON = 300  # characters of why something was rejected
TOLD = (PostKind.REPLY, PostKind.DIRECT)


class Approving:
    def __init__(
        self,
        store: Store,
        identity: Identity,
        people: People,
        *,
        catalog: Callable[[], Catalog],
        now: Callable[[], datetime],
        changed: Callable[[SendRequest], None],
    ) -> None:
        """`changed` is called after each change that people should see, with the send's request."""
        self._store = store
        self._identity = identity
        self._people = people
        self._catalog = catalog
        self._now = now
        self._changed = changed

    # -- asking, and what came of it ------------------------------------------------------------

    def must_ask(self, receipt: Receipt) -> bool:
        """Whether somebody has to approve this who has not done so yet."""
        gate = receipt.request.gate
        planned = gate is not None and gate.is_approval
        return receipt.approved_by is None and (planned or self._group(receipt.request) is not None)

    def ask(self, request: SendRequest, sender: GenesysSender, text: str, *, then_agent: bool) -> Receipt:
        """Freeze `text` and ask the group in the thread; the receipt says until when. Raises NotAllowed."""
        group = self._group(request)
        if group is None:
            raise NotAllowed(
                f"`{request.response}` has changed in canned.yml while it was on its way, so nothing was "
                "sent. Send it again."
            )
        require_askable(request)
        until = (request.held_until or request.requested_at) + APPROVED_WITHIN
        receipt, moved = self._store.ask_approval(
            request.key,
            text,
            gate=Gate.BOTH if then_agent else Gate.APPROVAL,
            group=group,
            sender_id=sender.user_id,
            until=until,
            reason=f"It waits for approval until {until:%H:%M} UTC.",
        )
        if moved:
            log.info("send %s: asked for approval", request.key)
            self._changed(request)
        return replace(receipt, request=replace(receipt.request, approval=group))

    def lapsed(self, receipt: Receipt) -> Outcome | None:
        """What becomes of a send that nobody approved in time; None while there is time."""
        if receipt.gate_until is None or self._now() < receipt.gate_until:
            return None
        asked = self._store.asked(receipt.key, PostKind.APPROVE)
        why = "Nobody approved it within five minutes."
        if asked is None or asked.ts is None:
            why = "Slack did not show the question to the group within five minutes."
        return Outcome(State.CANCELLED, reason=f"{why} Send it again if it still fits.")

    def require(self, receipt: Receipt, response: Response, requester: str, sender: GenesysSender) -> None:
        """
        Raise NotAllowed unless this approval still counts: for who gave it, and for this `sender`.

        `requester` is the supervisor's Genesys user. May ask around: raises SlackDown, GenesysError.
        """
        user = receipt.approved_by
        if user is None:
            if response.approval is not None:
                raise NotAllowed(f"`{response.key}` needs an approval now. Nothing was sent; send it again.")
            return
        try:
            self._people.require_active(user)
            twin = user == receipt.request.supervisor
            twin = twin or self._identity.require(user).genesys_user == requester
        except NotAllowed as exc:
            raise NotAllowed(_VOID) from exc
        left = response.approval is not None and not self._people.is_member(user, response.approval)
        if twin or left:
            raise NotAllowed(_VOID)
        if sender.user_id != receipt.sender_id:
            raise NotAllowed(
                "Somebody else would send it now than when it was approved, so nothing was sent. "
                "Send it again, and have that approved."
            )

    # -- what members of the group click ----------------------------------------------------------

    @on_record()
    def question(self, key: str, user: str, channel: str, ts: str) -> Receipt:
        """
        The send that `user` may approve or reject, asked about in Slack's message `ts` in `channel`.

        From memory. Raises NotAllowed for anybody and anything else.
        """
        asked = self._store.asked(key, PostKind.APPROVE)
        if asked is None or (asked.ts is not None and (asked.place, asked.ts) != (channel, ts)):
            raise NotAllowed("This button belongs to nothing that waits for an approval. Nothing was sent.")
        if asked.ts is None:
            raise NotAllowed("Slack has only just shown this question. Press again in a moment.")
        receipt = self._store.receipt(key)
        self._require_approver(receipt, user)
        if not receipt.awaits_approval or self.lapsed(receipt):
            raise NotAllowed(_OVER)
        return receipt

    @on_record()
    def approve(self, key: str, user: str, channel: str, ts: str) -> Receipt:
        """It may leave, for all that the group has to say; raises as `question`."""
        self.question(key, user, channel, ts)
        receipt, moved = self._store.approve(key, by=user, reason=f"{self._name(user)} approved it.")
        if not moved:
            raise NotAllowed(_OVER)
        log.info("send %s: approved", key)
        self._changed(receipt.request)
        return receipt

    @on_record()
    def reject(self, key: str, user: str, channel: str, ts: str, why: str) -> Receipt:
        """It does not leave; requester and thread are told why. Raises as `question`, and BadInput."""
        receipt = self.question(key, user, channel, ts)
        why = " ".join(clean(why).split())
        if not why:
            raise BadInput("Say why: whoever asked reads it.", field="reason")
        outcome = Outcome(State.CANCELLED, reason=f"{self._name(user)} rejected it: {why[:REASON]}")
        settled, moved = self._store.settle(
            key, outcome, was=(State.PENDING,), posts=TOLD, actor=user, asked_until=receipt.gate_until
        )
        if not moved:
            raise NotAllowed(_OVER)
        self._changed(receipt.request)
        return settled

    def _require_approver(self, receipt: Receipt, user: str) -> None:
        request, group = receipt.request, self._group(receipt.request)
        if user == request.supervisor:
            raise NotAllowed("You asked for this yourself, so somebody else of the group has to decide.")
        member = self._people.known_member(user, group) if group else False
        if member is None:
            raise NotAllowed("The bot is still asking Slack who is in that group. Press again in a moment.")
        if not member:
            raise NotAllowed("Only the group that approves this response can decide. Nothing was sent.")
        if refusal := self._people.known_refusal(user, request.channel):
            raise NotAllowed(refusal)
        if self._identity.known(user) is None and not self._identity.may_be_found():
            raise NotAllowed(
                "The bot cannot tell who you are in Genesys, and it must be somebody else than who asked. "
                "Have an operator link you (`canned users link`) or type `/canned connect`, then press again."
            )

    def _group(self, request: SendRequest) -> str | None:
        response = self._catalog().responses.get(request.response)
        return response.approval if response else None

    def _name(self, user: str) -> str:
        link = self._store.link(user)
        return link.name if link and link.name else "Somebody of the group"


def first_approved(gate: Gate | None, response: Response) -> Gate | None:
    """The gate of a send of `response` that would otherwise be behind `gate`."""
    if response.approval is None:
        return gate
    return Gate.BOTH if gate is Gate.AGENT else Gate.APPROVAL


def require_askable(request: SendRequest) -> None:
    """Raise NotAllowed where nobody would be there to hear how an approval went."""
    if request.by_operator:
        raise NotAllowed(
            f"`{request.response}` needs an approval, which is asked for in Slack. Nothing was sent: "
            "have the supervisor send it from there."
        )


_OVER = "This message does not wait for an approval any more: it was decided, taken back, or too late."
_VOID = (
    "Whoever approved this may not do so any more (out of the group, not linked to a Genesys user of their "
    "own, or deactivated), so nothing was sent. Send it again."
)
