"""
What a supervisor who is not in the conversation can do: ask the agent, or send as automated.

    refused, with the ways open ──click──▶ claimed behind a gate ──▶ asked ──Send, Edit──▶ opened ──▶ begun
                                                                       └──Decline, five minutes──▶ cancelled

The agent is asked with the exact text, frozen, and it leaves in their name after their own
click alone. Where people act under their own sign-in, nobody writes into a chat that they
are not in but in their team's own queues.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.genesys import Conversation, Genesys, NotAParticipant, Refused
from bot.genesys import Sender as GenesysSender
from bot.models import Gate, Link, Outcome, PostKind, Receipt, SendAs, SendRequest, State, Way
from bot.storage import Store

from .errors import NotAllowed, NotInIt, TextRefused
from .identity import Identity
from .people import People
from .policy import may_edit
from .record import on_record
from .render import clean, malformed, variables
from .responses import Catalog, Team

log = logging.getLogger(__name__)

ANSWERS_WITHIN = timedelta(minutes=5)
TOLD = (PostKind.REPLY, PostKind.DIRECT)


class Asking:
    def __init__(
        self,
        store: Store,
        genesys: Genesys,
        identity: Identity,
        people: People,
        *,
        catalog: Callable[[], Catalog],
        now: Callable[[], datetime],
        changed: Callable[[SendRequest], None],
        told: Callable[[str], None],
    ) -> None:
        """`told` is called with a Slack user for whom there is something new to read."""
        self._store = store
        self._genesys = genesys
        self._identity = identity
        self._people = people
        self._catalog = catalog
        self._now = now
        self._changed = changed
        self._told = told

    # -- what may be done -------------------------------------------------------------------

    def gate_of(self, send_as: SendAs) -> Gate | None:
        """The gate that a message of this kind is always behind."""
        own = self._genesys.people_act_themselves
        return Gate.AGENT if send_as is SendAs.AGENT and own else None

    def must_ask(self, receipt: Receipt) -> bool:
        """Whether an agent has to let it leave who has not done so yet."""
        request = receipt.request
        gate = request.gate or self.gate_of(request.send_as)
        return receipt.opened_by is None and gate is not None and gate.asks_agent

    def require_may_write(self, team: Team, conversation: Conversation, user_id: str) -> None:
        """Raise NotAllowed for a supervisor who is not in this chat, if it is in no queue of the team."""
        if not self._genesys.people_act_themselves or self._is_in(conversation, user_id):
            return
        if not team.queues:
            raise NotAllowed(
                f"You are not in this conversation, and {team.name} has no `queues` in canned.yml whose "
                "chats it may write into from outside. Nothing was sent."
            )
        if not self._is_in_queue_of(team, conversation):
            raise NotAllowed(
                f"You are not in this conversation, and it is in no queue of {team.name}, "
                "so nothing was sent."
            )

    def outside(
        self, request: SendRequest, team: Team, conversation: Conversation, user_id: str, said: str
    ) -> NotInIt:
        """The refusal of a supervisor who is not in it: what Genesys `said`, and the ways open to them."""
        try:
            self.require_may_write(team, conversation, user_id)
        except NotAllowed as exc:
            return NotInIt(f"{said} {exc}")
        ways, note = self._ways(conversation, user_id)
        return NotInIt(f"{said}{note}", () if request.by_operator else ways)

    def _ways(self, conversation: Conversation, user_id: str) -> tuple[list[Way], str]:
        ways, note = [], ""
        agent = self._possible(conversation, SendAs.AGENT, user_id)
        if agent is not None and self._linked(agent.user_id) is not None:
            ways.append(Way(SendAs.AGENT, agent.name))
        elif agent is not None:
            note = (
                f" {agent.name or 'The agent'} can be asked here once an operator has linked them to Slack "
                "(`canned users link`)."
            )
        if self._possible(conversation, SendAs.SYSTEM, user_id) is not None:
            ways.append(Way(SendAs.SYSTEM))
        return ways, note

    def _possible(self, conversation: Conversation, send_as: SendAs, user_id: str) -> GenesysSender | None:
        try:
            return self._genesys.sender(conversation, send_as, user_id)
        except Refused:
            return None

    def _is_in(self, conversation: Conversation, user_id: str) -> bool:
        try:
            self._genesys.sender(conversation, SendAs.SELF, user_id)
        except NotAParticipant:
            return False
        except Refused:
            return True  # in it, and not able to write now
        return True

    def _is_in_queue_of(self, team: Team, conversation: Conversation) -> bool:
        place = conversation.in_queue
        if place is None:
            return False
        if place.queue:
            return place.queue.casefold() in {name.casefold() for name in team.queues}
        return place.queue_id in self._genesys.queues(team.queues).values()

    def _linked(self, user_id: str | None) -> Link | None:
        link = self._store.link_of(user_id) if user_id else None
        return self._identity.known(link.slack_user) if link else None

    # -- asking -----------------------------------------------------------------------------

    def ask(self, request: SendRequest, sender: GenesysSender, text: str) -> Receipt:
        """
        Freeze `text` and ask the agent who is to be its `sender`; the receipt says until when.

        Raises NotAllowed where nobody in Slack is known to be that agent, or nobody waits for the answer.
        """
        if request.by_operator:
            raise NotAllowed(
                "It would come from the agent, and the agent is asked in Slack. Nothing was sent: have the "
                "supervisor send it from there."
            )
        link = self._linked(sender.user_id)
        name = sender.name or "the agent"
        if link is None:
            raise NotAllowed(
                f"Nobody in Slack is linked to {name} in Genesys, so they cannot be asked and nothing was "
                "sent. An operator can link them with `canned users link`."
            )
        self._require_active(link, name)
        until = self._now() + ANSWERS_WITHIN
        receipt, moved = self._store.ask(
            request.key,
            text,
            agent=link.genesys_user,
            user=link.slack_user,
            until=until,
            reason=f"{_upper(name)} was asked to send it, and can until {until:%H:%M} UTC.",
        )
        if moved:
            log.info("send %s: asked the agent", request.key)
            self._said(request, link.slack_user)
        return receipt

    def lapsed(self, receipt: Receipt) -> Outcome | None:
        """What becomes of a send that nobody let leave in time; None while there is time."""
        if receipt.gate_until is None or self._now() < receipt.gate_until:
            return None
        name, asked = self._name(receipt), self._store.asked(receipt.key)
        why = f"{_upper(name)} did not answer within five minutes."
        if asked is None or asked.ts is None:
            why = f"Slack did not show {name} the question within five minutes."
        return Outcome(State.CANCELLED, reason=f"{why} Send it again if it still fits.")

    def agent(self, receipt: Receipt) -> Link:
        """Who let this send leave, if they still are who was asked. Raises NotAllowed, SlackDown."""
        link = self._identity.known(receipt.opened_by or "")
        if link is None or link.genesys_user != receipt.sender_id:
            raise NotAllowed(
                "Whoever agreed to this message is not linked to the agent any more. Nothing was sent."
            )
        self._require_active(link, link.name or "the agent")
        return link

    def sender(self, conversation: Conversation, agent: Link) -> GenesysSender:
        """The agent's own place in the conversation now. Raises Refused if they cannot write any more."""
        try:
            found = self._genesys.sender(conversation, SendAs.SELF, agent.genesys_user)
        except NotAParticipant as exc:
            name = _upper(agent.name or "the agent")
            raise NotAllowed(f"{name} is not in the conversation any more, so nothing was sent.") from exc
        return replace(found, send_as=SendAs.AGENT.value)

    def told(self, receipt: Receipt) -> None:
        """Let the agent who was asked read what became of it."""
        link = self._store.link_of(receipt.sender_id) if receipt.gate_until and receipt.sender_id else None
        if link is not None:
            self._told(link.slack_user)

    def _require_active(self, link: Link, name: str) -> None:
        try:
            self._people.require_active(link.slack_user)
        except NotAllowed as exc:
            raise NotAllowed(
                f"{_upper(name)} may not use this bot in Slack (a guest, say, or deactivated), "
                "so nothing was sent."
            ) from exc

    # -- what the supervisor and the agent click -----------------------------------------------

    def other_way(self, key: str, user: str, send_as: SendAs) -> tuple[Receipt, SendRequest]:
        """
        The refused send behind the button, and its request made anew for the way that was chosen.

        Raises NotAllowed unless it was this user's, and refused.
        """
        refused = self._store.find(key)
        if refused is None or refused.request.supervisor != user:
            raise NotAllowed("This button is not yours. Nothing was sent; type the command again.")
        if refused.state is not State.REFUSED:
            raise NotAllowed("That send is not waiting for another way. Nothing more was sent.")
        gate = Gate.AGENT if send_as is SendAs.AGENT else None
        return refused, replace(
            refused.request,
            send_as=send_as,
            gate=gate,
            confirmed=True,
            requested_at=self._now(),
            scheduled=False,
            not_before=None,
        )

    @on_record()
    def question(self, key: str, user: str, ts: str) -> Receipt:
        """
        The send that this user is asked about in Slack's message `ts`, and that still waits for them.

        Raises NotAllowed for anybody and anything else.
        """
        asked = self._store.asked(key)
        link = self._identity.known(user)
        receipt = self._store.receipt(key) if asked else None
        if receipt is None or asked is None or link is None or link.genesys_user != receipt.sender_id:
            raise NotAllowed("This question was not put to you. Nothing was sent.")
        if asked.ts is None:
            raise NotAllowed("Slack has only just shown this question. Press again in a moment.")
        if (asked.place, asked.ts) != (user, ts):
            raise NotAllowed("This question is not the one that was put to you. Nothing was sent.")
        if not receipt.is_asked or self.lapsed(receipt):
            raise NotAllowed(_OVER)
        return receipt

    @on_record()
    def agree(self, key: str, user: str, ts: str, *, text: str | None = None) -> Receipt:
        """
        The agent lets it leave, as frozen or as `text`; the receipt is open now.

        Raises NotAllowed as `question` does, TextRefused for a text that cannot go out.
        """
        receipt = self.question(key, user, ts)
        if text is not None and not may_edit(self._catalog(), receipt):
            how = "was approved as it stands" if receipt.approved_by else "is fixed"
            raise TextRefused(f"The text of `{receipt.request.response}` {how}. Send it so, or decline.")
        text = clean(text) if text is not None else None
        edited = text if text is not None and text.strip() != (receipt.text or "").strip() else None
        if edited is not None:
            _require_plain(edited, frozen=receipt.text or "")
        name = _upper(self._name(receipt))
        reason = f"{name} agreed to send it." if edited is None else f"{name} sends it in other words."
        opened, moved = self._store.open_gate(key, by=user, edited=edited, reason=reason)
        if not moved:
            raise NotAllowed(_OVER)
        self._said(opened.request, user)
        return opened

    @on_record()
    def decline(self, key: str, user: str, ts: str) -> Receipt:
        """The agent does not want it sent; the supervisor and the thread are told. Raises as `question`."""
        receipt = self.question(key, user, ts)
        outcome = Outcome(State.CANCELLED, reason=f"{_upper(self._name(receipt))} declined to send it.")
        settled, moved = self._store.settle(
            key, outcome, was=(State.PENDING,), posts=TOLD, actor=user, asked_until=receipt.gate_until
        )
        if not moved:
            raise NotAllowed(_OVER)
        self._said(receipt.request, user)
        return settled

    def _name(self, receipt: Receipt) -> str:
        link = self._store.link_of(receipt.sender_id) if receipt.sender_id else None
        return link.name if link and link.name else "the agent"

    def _said(self, request: SendRequest, agent: str) -> None:
        self._changed(request)
        self._told(agent)


def _require_plain(text: str, *, frozen: str) -> None:
    """Raise TextRefused for an edit that is empty, or that would show the customer a placeholder."""
    if not text.strip():
        raise TextRefused("There is no text to send. Write one, or close this window and decline.")
    there = {variable.name for variable in variables(frozen)}
    names = (f"{{{{{one.name}}}}}" for one in variables(text) if one.name not in there)
    broken = next(names, None) or (malformed(text) if malformed(frozen) is None else None)
    if broken:
        raise TextRefused(f"Nothing fills in `{broken}` any more: write what it should say.")


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


_OVER = "This message does not wait for you any more: it was answered, or too late."
