"""
The front of what canned does: what a Slack handler or the command line may ask for.

    start_request ──▶ claim │ ack │ deliver_soon ──▶ receipt
      from memory    commit │     │ own lane

Everything up to `claim` reads memory and the database only, so it fits in front of Slack's
ack; `preview` and `deliver` may wait for Genesys and belong into a lane.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

from bot import logs
from bot.genesys import Genesys
from bot.models import Gate, Link, Receipt, SendAs, SendRequest, State
from bot.storage import DatabaseDown, NotUnknown, Repeated, Stopped, Store
from bot.storage import OverLimit as StoredOverLimit

from .approving import Approving, first_approved, require_askable
from .asking import Asking
from .cards import Cards
from .catalog import Catalog, Response, Team
from .connecting import Connected, Connecting
from .conversations import Choice, Conversations
from .correcting import Correcting
from .drafts import ANYWAY, Drafts
from .errors import (
    AskFirst,
    NotAConversation,
    NotAllowed,
    NotLinked,
    OverLimit,
    Paused,
    TextRefused,
    WhichTeam,
)
from .glance import Glances
from .identity import Identity, unlinked
from .lanes import Lanes
from .library import Libraries
from .people import People
from .policy import may_be_sent, require_response, require_team, require_template, teams_of
from .previews import Preview, Previews
from .record import on_record
from .recovery import AGAIN_AFTER
from .render import clean
from .search import Search
from .sending import Sender
from .settling import Settling, how_it_ended
from .times import Times, require_ahead

log = logging.getLogger(__name__)

ASK_AFTER = timedelta(minutes=1)
PREVIEW = "preview"  # no click, and nothing that could be claimed
OFFERED = 100  # responses at a time, which is what Slack takes
RECENT = 10  # sends that somebody is shown of their own
_SOMEBODY_ELSE = "Somebody else has sent it again already; the thread shows how that ends."
_CLICKS = uuid.UUID("6f0c2d7e-6f0b-4d7e-9c53-2f0a4b1f7c11")  # namespace of our keys; never changes


@dataclass(frozen=True)
class Me:
    """What the bot knows of one supervisor; `connect` is where they connect to Genesys, if they have to."""

    link: Link | None
    may_be_found: bool
    teams: tuple[Team, ...]
    connect: str | None = field(default=None, repr=False)


class Desk:
    def __init__(
        self,
        *,
        store: Store,
        genesys: Genesys,
        people: People,
        identity: Identity,
        sender: Sender,
        asking: Asking,
        approving: Approving,
        conversations: Conversations,
        connecting: Connecting,
        libraries: Libraries,
        previews: Previews,
        settling: Settling,
        lanes: Lanes,
        catalog: Callable[[], Catalog],
        changed: Callable[[SendRequest], None],
        now: Callable[[], datetime],
        workspace: str,
    ) -> None:
        """`workspace` is the Slack workspace or Grid organisation that this deployment serves."""
        self.approving = approving
        self.asking = asking
        self.cards = Cards(store, self.team_for)
        self.correcting = Correcting(store, self.team_for)
        self.glances = Glances(
            store, identity, connecting, teams_for=self.teams_for, catalog=catalog, now=now
        )
        self.times = Times(people, now)
        self.connecting = connecting
        self.conversations = conversations
        self.settling = settling
        self.windows, self.previews = lanes.windows, lanes.previews
        self._store = store
        self._drafts = Drafts(store, now)
        self._genesys = genesys
        self._people = people
        self._identity = identity
        self._sender = sender
        self._libraries = libraries
        self._previews = previews
        self._lanes = lanes
        self._catalog = catalog
        self._changed = changed
        self._now = now
        self._workspace = workspace
        self._search: tuple[Catalog, Search] | None = None

    # -- before the ack: memory and database only ------------------------------------------

    def team_for(self, user: str, channel: str, team: str | None = None) -> Team:
        """The team in whose name `user` acts in `channel`; raises NotAllowed, WhichTeam."""
        found = require_team(self._catalog(), user, channel, self._knows(user), name=team)
        refusal = self._people.known_refusal(user, found.channel)
        if refusal is not None:
            raise NotAllowed(refusal)
        return found

    def teams_for(self, user: str) -> list[Team]:
        return teams_of(self._catalog(), user, self._knows(user))

    def conversation_id(self, text: str) -> str | None:
        """The conversation id in `text` (an id, or any Genesys URL with one), or None."""
        return self._genesys.conversation_id(text)

    def response(self, key: str, team: Team) -> Response:
        """The response, if `team` may send it today; raises UnknownResponse, NotAllowed, TextRefused."""
        return require_response(self._catalog(), team, key, self._now().date())

    def search(self, user: str, team: str | None, words: str, *, limit: int = 100) -> list[Response]:
        """
        Responses that `user` may send (in `team`, or in any of theirs), the best match first.

        No words: all of them, as canned.yml orders them.
        """
        catalog = self._catalog()
        teams = [t for t in self.teams_for(user) if team is None or t.name == team]

        allowed = partial(may_be_sent, teams, today=self._now().date())
        return self._search_in(catalog).find(words, allowed=allowed, limit=limit)

    def offered(self, user: str, team: str, words: str, *, queue: str = "") -> list[Response]:
        """
        As `search` in `team`, less what the queue with that id is known not to allow.

        Without words, what this supervisor sent lately comes first. Asks nobody: people wait for it.
        """
        catalog, teams = self._catalog(), [t for t in self.teams_for(user) if t.name == team]
        today = self._now().date()

        def allowed(response: Response) -> bool:
            return may_be_sent(teams, response, today) and self._libraries.may_go_through(response, queue)

        found = self._search_in(catalog).find(words, allowed=allowed)
        if words.strip():
            return found
        lately = (catalog.responses.get(key) for key in self._sent_lately(user))
        first = [each for each in lately if each is not None and allowed(each)]
        return list({each.key: each for each in (*first, *found)}.values())[:OFFERED]

    @on_record()
    def me(self, user: str) -> Me:
        link = self._identity.known(user)
        connect = self.connecting.link(user) if self.connecting.is_due(link) else None
        return Me(link, self._identity.may_be_found(), tuple(self.teams_for(user)), connect)

    @on_record()
    def start_request(
        self,
        user: str,
        channel: str,
        *,
        conversation: str,
        response: str,
        values: Mapping[str, str],
        click: str,
        language: str | None = None,
        text: str | None = None,
        team: str | None = None,
        version: str | None = None,
        spoken: str | None = None,
        seen: Mapping[str, str] | None = None,
        at: datetime | None = None,
        corrects: str | None = None,
        confirmed: bool = False,
        by_operator: bool = False,
    ) -> SendRequest:
        """
        Everything that memory can say against this send; the request to claim if that is nothing.

        `click` is what Slack says identifies the click, e.g. `view:V0123`; the same click
        gives the same key on every replica. `version` is the response's as it was seen:
        another one by now is refused. `spoken` is the customer's language where the window knew it:
        the text it showed then is what leaves, or none. `seen` is what the window showed of the conversation,
        with which it is compared before anything leaves; hours later it says nothing any more.
        `at` is when it is to leave, `corrects` the key of a send that it sets right. Raises
        CannedError; on WhichTeam the request waits under its `draft` for `answer`.
        """
        key = self._key(click)
        if click != PREVIEW:
            logs.about(key)
        conversation_id = self._require_conversation(conversation)
        request = SendRequest(
            key=key,
            team=team or "",
            channel=channel,
            supervisor=user,
            conversation_id=conversation_id,
            response=response,
            send_as=SendAs.SELF,
            requested_at=self._now(),
            values={name: clean(value) for name, value in values.items()},
            text=clean(text) if text is not None else None,
            language=language,
            confirmed=confirmed,
            by_operator=by_operator,
            seen=seen if at is None else None,
            not_before=at,
            scheduled=at is not None,
            corrects=self.correcting.corrected(corrects, conversation_id),
        )
        return self._checked(request, team, version, spoken)

    @on_record()
    def claim(self, request: SendRequest, *, asked_in: str | None = None) -> Receipt:
        """
        Write the request down, once for each click; the receipt kept under its key.

        Raises AskFirst (the same response went to this conversation within a minute; the
        request waits under its `draft` for an answer in the channel `asked_in`),
        OverLimit, Paused, NotAllowed (what it is instead of was settled meanwhile), NotWritten;
        then nothing is written.
        """
        logs.about(request.key)
        limits = self._team(request.team).limits
        try:
            receipt = self._store.claim(
                request,
                asks_after=ASK_AFTER,
                per_minute=limits.per_minute,
                per_conversation=limits.per_conversation,
            )
        except Repeated as exc:
            self._drafts.keep("again", request, asked_in or request.channel)
            raise AskFirst(self._again(request, exc.receipt), draft=request.key) from exc
        except StoredOverLimit as exc:
            raise OverLimit(_limit_sentence(exc)) from exc
        except Stopped as exc:
            raise Paused(exc.pause) from exc
        except NotUnknown as exc:
            raise NotAllowed(how_it_ended(exc.receipt) if exc.receipt else str(exc)) from exc
        log.info("send %s: on record, %s", receipt.key, receipt.state)
        if receipt.request.supervisor != request.supervisor:
            raise NotAllowed(_SOMEBODY_ELSE)
        return receipt

    def ask_again(self, key: str, user: str, channel: str, ts: str) -> NoReturn:
        """Ask before the unknown send `key` is sent again: raises AskFirst, or why it cannot be."""
        self.settling.ask_again(key, user, channel, ts, checked=self._checked)

    @on_record()
    def ask_conversation(
        self,
        user: str,
        channel: str,
        among: Sequence[Choice],
        *,
        response: str,
        values: Mapping[str, str],
        language: str | None,
        click: str,
        at: datetime | None = None,
    ) -> str:
        """Keep a send until `user` chooses its conversation in `channel`; the key of the draft."""
        request = SendRequest(
            key=self._key(click),
            team="",
            channel=channel,
            supervisor=user,
            conversation_id="",
            response=response,
            send_as=SendAs.SELF,
            requested_at=self._now(),
            values={name: clean(value) for name, value in values.items()},
            language=language,
            not_before=at,
            scheduled=at is not None,
        )
        self._drafts.keep("conversation", request, channel, among=[choice.id for choice in among])
        return request.key

    @on_record()
    def answer(
        self,
        draft: str,
        user: str,
        channel: str,
        *,
        kind: str,
        team: str | None = None,
        conversation: str | None = None,
    ) -> SendRequest:
        """
        The request that waited under `draft`: `kind` "again" confirms it, "anyway" too, "team"
        says for which `team`, "conversation" into which `conversation`.

        Raises NotAllowed unless this user was asked that, in this channel.
        """
        request = self._drafts.answered(draft, user, channel, kind=kind, conversation=conversation)
        checked = self._checked(request, team or request.team or None)
        if kind == ANYWAY:  # it had got so far that there may have been a choice of whom it comes from
            return replace(checked, send_as=request.send_as, gate=request.gate)
        return checked

    @on_record()
    def leave(self, draft: str, user: str, channel: str) -> Receipt | None:
        """
        The other answer to "again?". None: nothing went out again.

        Else `user` had said yes before, and takes that back; the receipt says whether it was in time.
        Raises NotAllowed as `answer` does, and where somebody else has said yes.
        """
        key = self._drafts.answered(draft, user, channel, kind="again").key
        receipt = self._store.find(key)
        if receipt is not None and receipt.request.supervisor != user:
            raise NotAllowed(_SOMEBODY_ELSE)
        return self.undo(user, key) if receipt else None

    @on_record()
    def other_way(self, key: str, user: str, send_as: SendAs) -> SendRequest:
        """
        The request to claim for a refused send that goes another way now; one way for each.

        Raises NotAllowed unless it was this user's, and what speaks against a send from memory.
        """
        refused, request = self.asking.other_way(key, user, send_as)
        team = self.team_for(user, refused.request.channel, refused.request.team)
        response = self.response(request.response, team)
        gate = first_approved(request.gate, response)
        return replace(request, key=self._key(f"way:{key}"), gate=gate, approval=response.approval)

    # -- after the ack: may wait ------------------------------------------------------------

    def deliver_soon(self, claimed: Receipt, then: Callable[[Receipt], None] | None = None) -> None:
        """
        Deliver the `claimed` send on the lane of single sends, then call `then` with where it stands.

        Never raises: it comes after the ack.
        """
        self._lanes.sends.submit(self._deliver, claimed.key, then, claimed)

    def come_back(self, state: str, cookie: str, code: str) -> Connected:
        """The way back from Genesys' log-in; what waited for it goes on. Raises as Connecting's does."""
        connected = self.connecting.come_back(state, cookie, code)
        for key in connected.waiting:
            self._lanes.sends.submit(self._go_on, key)
        return connected

    def _go_on(self, key: str) -> None:
        self._sender.deliver(self._store.receipt(key), late=True)

    def deliver(self, claimed: Receipt) -> Receipt:
        """Deliver the claimed send now, in this thread."""
        return self._sender.deliver(claimed)

    def preview(
        self,
        user: str,
        team: Team,
        *,
        conversation: str,
        response: Response | None,
        text: str | None = None,
        values: Mapping[str, str] | None = None,
        language: str | None = None,
    ) -> Preview:
        """What this send would say, and into which conversation; asks Genesys, claims nothing."""

        def request(key: str) -> SendRequest:
            return self.start_request(
                user,
                team.channel,
                conversation=conversation,
                response=key,
                values={name: value for name, value in (values or {}).items() if value},
                language=language,
                text=text,
                team=team.name,
                click=PREVIEW,
            )

        made = partial(request, response.key) if response else None
        return self._previews.look(user, self._require_conversation(conversation), made)

    @on_record()
    def give_up(self, receipt: Receipt) -> Receipt:
        """Take back what could not leave now, where nobody is told of it later; it may be too late."""
        reason = f"{receipt.reason} It was taken back, and does not go out by itself.".lstrip()
        return self._sender.cancel(receipt, reason, actor=receipt.request.actor)

    @on_record()
    def undo(self, user: str, key: str | None = None) -> Receipt:
        """
        Take back `key`, or this supervisor's newest send that has not left yet.

        What is scheduled counts only if nothing was sent since: who has just sent something means that.
        Raises NotAllowed if there is none, or it is not theirs; the receipt says whether it was in time.
        """
        receipt = self._store.find(key) if key is not None else self._newest_waiting(user)
        if receipt is None or receipt.request.supervisor != user:
            raise NotAllowed("There is nothing to take back: no message of yours is waiting to leave.")
        return self._sender.cancel(receipt, "The supervisor took it back before it left.", actor=user)

    def _newest_waiting(self, user: str) -> Receipt | None:
        newest = next(iter(self._store.sends(supervisor=user, limit=1)), None)
        if newest is not None and newest.state is State.PENDING:
            return newest
        waiting = self._waiting(user)
        found = next((r for r in waiting if not r.request.scheduled), None)
        if waiting and found is None:
            raise NotAllowed(
                "There is nothing to take back: of your messages only scheduled ones are waiting to leave. "
                "`/canned scheduled` shows them and cancels them."
            )
        return found

    def _waiting(self, user: str) -> list[Receipt]:
        return self._store.sends(state=State.PENDING, supervisor=user, limit=1000)

    @on_record()
    def scheduled(self, user: str) -> list[Receipt]:
        """This supervisor's sends for a later time, the next one first."""
        scheduled = (r for r in self._waiting(user) if r.request.scheduled)
        return sorted(scheduled, key=lambda r: r.request.not_before or r.changed_at)

    @on_record()
    def recent(self, user: str) -> list[Receipt]:
        """This supervisor's newest sends first."""
        return self._store.sends(supervisor=user, limit=RECENT)

    # -- inside -----------------------------------------------------------------------------

    def _checked(
        self,
        request: SendRequest,
        team_name: str | None,
        version: str | None = None,
        spoken: str | None = None,
    ) -> SendRequest:
        try:
            team = self.team_for(request.supervisor, request.channel, team_name)
        except WhichTeam as exc:
            self._drafts.keep("team", request, request.channel)
            raise WhichTeam(str(exc), draft=request.key, teams=exc.teams) from exc
        response = self.response(request.response, team)
        if version is not None and version != response.version:
            raise TextRefused(
                f"The text of `{response.key}` has changed since you saw it here, so nothing was sent. "
                "Press “Refresh” to see the new one.",
                field="response",
            )
        if request.text is None and version is not None and spoken is not None:
            shown, used = response.in_language(request.language or spoken)
            request = replace(request, text=shown, language=request.language or used)
        require_template(response, edited=request.text, asked=request.language)
        if not self._may_have_link(request.supervisor):
            raise NotLinked(unlinked(request.supervisor))
        if response.approval:
            require_askable(request)
        again = request.instead_of is not None
        send_as = request.send_as if again else team.send_as
        asks_agent = again and request.gate is not None and request.gate.asks_agent
        gate = Gate.AGENT if asks_agent else self.asking.gate_of(send_as)
        return replace(
            request,
            team=team.name,
            channel=team.channel,
            send_as=send_as,
            gate=first_approved(gate, response),
            approval=response.approval,
            not_before=self._held_until(request, team, response),
            edited=request.text is not None and not response.says(request.text),
        )

    def _held_until(self, request: SendRequest, team: Team, response: Response) -> datetime | None:
        if request.scheduled and request.not_before is not None:
            require_ahead(request.not_before, self._now())
            return request.not_before
        # Nobody at a terminal waits for an undo window, and an approval takes time enough to undo.
        held = timedelta(seconds=0 if request.by_operator or response.approval else team.undo_seconds)
        return self._now() + held if held else None

    def _may_have_link(self, user: str) -> bool:
        """Whether there is a link, or a way to one until the send leaves."""
        identity = self._identity
        return identity.may_be_found() or identity.may_connect() or identity.known(user) is not None

    def _deliver(
        self, key: str, then: Callable[[Receipt], None] | None, stands: Receipt | None = None
    ) -> None:
        try:
            stands = stands or self._store.receipt(key)
            held = stands.request.held_until
            if stands.is_scheduled:
                self._changed(stands.request)
                return  # whoever is there when it is due sends it
            if held is not None and held > self._now():
                self._changed(stands.request)
                self._lanes.sends.later((held - self._now()).total_seconds(), self._deliver, key, then)
                return
            receipt = self._sender.deliver(stands)
        except DatabaseDown:  # it is claimed, so it is not given up
            self._lanes.sends.later(AGAIN_AFTER, self._deliver, key, then)
            return
        if then is not None:
            then(receipt)

    def _key(self, click: str) -> str:
        return str(uuid.uuid5(_CLICKS, f"{self._workspace}:{click}"))

    def _require_conversation(self, text: str) -> str:
        found = self.conversation_id(text)
        if found is None:
            raise NotAConversation(
                f"“{text.strip()[:40]}” is not a conversation, so nothing was sent. Paste its id, like "
                "`a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890`, or its address in Genesys, which contains it."
            )
        return found

    def _knows(self, user: str) -> Callable[[str], bool | None]:
        return lambda group: self._people.known_member(user, group)

    def _team(self, name: str) -> Team:
        team = self._catalog().team(name)
        if team is None:
            raise NotAllowed(f"There is no team {name} any more. Nothing was sent.")
        return team

    def _sent_lately(self, user: str) -> list[str]:
        try:
            return self._store.sent_lately(user)
        except DatabaseDown:  # it is only about the order
            return []

    def _search_in(self, catalog: Catalog) -> Search:
        if self._search is None or self._search[0] is not catalog:
            self._search = (catalog, Search(list(catalog.responses.values())))
        return self._search[1]

    def _again(self, request: SendRequest, earlier: Receipt) -> str:
        if earlier.is_scheduled:
            return (
                f"`{request.response}` is scheduled for this conversation within a minute of that. Send both?"
            )
        since = earlier.request.requested_at if earlier.state.is_open else earlier.changed_at
        ago = f"{max(1, int((self._now() - since).total_seconds()))} s ago"
        how = {
            State.PENDING: f"was asked for {ago} and still waits to leave for this conversation",
            State.SENDING: f"was asked for {ago} and is on its way to this conversation",
            State.UNKNOWN: f"may have reached this conversation {ago}",
        }.get(earlier.state, f"was sent to this conversation {ago}")
        return f"`{request.response}` {how}. Send it again?"


def _limit_sentence(exc: StoredOverLimit) -> str:
    what = "to this conversation" if exc.limit_name == "per_conversation" else "from you"
    return (
        f"That is more than the team's limit of messages {what}, so nothing was sent. "
        f"From {exc.until:%H:%M:%S} UTC on it goes again."
    )
