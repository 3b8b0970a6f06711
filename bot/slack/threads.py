"""
Say in Slack what was written down about each send: in order, and once.

    due ──▶ card there? ──▶ posting ──▶ chat.postMessage ──▶ posted
             │ no             │              │ no answer: the pass ends,
             └─▶ carding ─▶ carded           └ the next one looks for it first

One pass publishes one conversation's thread in one channel, or one person's direct
messages. Slack takes no key against repeating, so every post carries metadata by which it
is found again: `posting` or `carding` left over from a lost answer or a dead process means
*look, then post*. The rows are the record; what is deleted in Slack is only a view of them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NoReturn

from slack_sdk import WebClient

from bot import logs
from bot.canned.catalog import Catalog, Show
from bot.canned.lanes import Lane
from bot.canned.policy import may_edit
from bot.models import Post, PostKind, Receipt, Standing, Thread
from bot.storage import Store

from . import approvals, carding, messages, questions, unknowns
from .blocks import Json, message
from .buckets import Bucket
from .client import Barred, Limited, Refused, SlackFault, Unanswered, call
from .finding import Finder, mark

log = logging.getLogger(__name__)

PER_SECOND, BURST = 1.0, 20  # posts into one channel
UPDATES_PER_SECOND, UPDATES_BURST = 40 / 60, 10  # of cards: at most fifty in any minute
AT_ONCE = 100  # threads that one sweep takes up
LOOKED_THROUGH = 200  # sends of a conversation, for the time its card may be from

_SHUT = frozenset({"not_in_channel", "is_archived", "channel_not_found"})  # and restricted_action…
_ANSWERS = {PostKind.ASKED: PostKind.ASK, PostKind.APPROVED: PostKind.APPROVE}  # each to its question
_NO_CARD = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})


class _Shut(SlackFault):
    """The channel takes nothing until somebody mends it; what is to be said there waits in order."""

    retry_after = 300.0


class _TakenOver(SlackFault):
    """This process stood still, was given up for dead, and another one goes on with the thread."""


class _Pass(Enum):
    """How far this process is with a thread; AGAIN: something came up while it was running."""

    QUEUED = auto()
    RUNNING = auto()
    AGAIN = auto()


@dataclass
class _Place:
    """
    Where one pass speaks: below `card`, which may be there unknown to us if `look` says so.

    `shown` is what the card shows if this pass posted it.
    """

    thread: Thread
    card: str | None
    look: bool
    shown: Standing | None = None

    @property
    def channel(self) -> str:
        return self.thread.channel

    @property
    def key(self) -> tuple[str, str]:
        return self.thread.channel, self.thread.conversation_id

    @property
    def is_direct(self) -> bool:
        return not self.thread.conversation_id


class Threads:
    """
    `posting` must send each request once; `bot_id` is our own (B…), by which own posts are known.

    `name` says what a Slack user is called, empty if that is not known. `unpostable` is told
    each channel (or user) where Slack refuses a post, with Slack's word for the reason; once
    for a channel, until it takes posts again. `page` is
    where Genesys shows a conversation ("": nowhere); `can_look`: it shows messages that were sent.
    """

    def __init__(
        self,
        store: Store,
        lane: Lane,
        *,
        posting: WebClient,
        reading: WebClient,
        bot_id: str,
        catalog: Callable[[], Catalog],
        name: Callable[[str], str],
        unpostable: Callable[[str, str], None],
        page: Callable[[str], str],
        can_look: bool = True,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._lane = lane
        self._posting = posting
        self._reading = reading
        self._finder = Finder(reading, bot_id)
        self._catalog = catalog
        self._name = name
        self._unpostable = unpostable
        self._page = page
        self._can_look = can_look
        self._now = now
        self._lock = threading.Lock()
        self._passes: dict[tuple[str, str], _Pass] = {}
        self._buckets: dict[str, Bucket] = {}
        self._updates = Bucket(UPDATES_PER_SECOND, UPDATES_BURST, now)
        self._shut: set[str] = set()  # channels of which `unpostable` has been told
        self._direct: dict[str, str] = {}  # a user's id → the channel of their direct messages

    # -- when --------------------------------------------------------------------------------

    def publish_soon(self, channel: str, conversation_id: str) -> None:
        """Publish this thread on the lane, and again as long as something is left; never raises."""
        thread = (channel, conversation_id)
        with self._lock:
            before = self._passes.get(thread)
            self._passes[thread] = _Pass.AGAIN if before in (_Pass.RUNNING, _Pass.AGAIN) else _Pass.QUEUED
        if before is None:
            self._lane.submit(self._run, thread)

    def sweep(self) -> None:
        """Take up what is due and nobody publishes: after a restart, or when Slack was away."""
        for channel, conversation_id in self._store.threads_due(AT_ONCE):
            self.publish_soon(channel, conversation_id)

    def publish(self, channel: str, conversation_id: str) -> float | None:
        """
        Publish what is due in this thread now; with no conversation id, `channel` is a user to write to.

        Returns None if nothing is left to do here, else the seconds to wait before the next pass.
        """
        thread = self._store.take_thread(channel, conversation_id)
        if thread is None:
            return None
        try:
            self._publish(_Place(thread, thread.ts, look=thread.carding))
        except (_Shut, _TakenOver):
            return None  # it is written down when it is due again, and `sweep` finds it then
        except SlackFault as exc:
            log.info("what is to be said in %s waits %.0f s: %s", channel, exc.retry_after, exc.error)
            return exc.retry_after
        finally:
            self._store.leave_thread(channel, conversation_id)
        return None

    def _run(self, thread: tuple[str, str]) -> None:
        with self._lock:
            self._passes[thread] = _Pass.RUNNING
        wait: float | None = None
        try:
            wait = self.publish(*thread)
        finally:
            with self._lock:
                if self._passes.pop(thread) is _Pass.AGAIN:
                    wait = wait or 0.0
                if wait is not None:
                    self._passes[thread] = _Pass.QUEUED
            if wait is not None:
                self._lane.later(wait, self._run, thread)

    # -- what --------------------------------------------------------------------------------

    def _publish(self, place: _Place) -> None:
        for post, receipt in self._store.posts_due(*place.key):
            logs.about(post.key)
            self._say(place, post, receipt)
        if place.thread.card_due:
            self._show_latest(place)

    def _say(self, place: _Place, post: Post, receipt: Receipt) -> None:
        try:
            self._on_card(place, lambda: self._put(place, post, receipt))
            log.debug("send %s: its %s is in Slack", post.key, post.kind)
        except Refused as exc:
            if _is_shut(place, exc):
                shut = self._wait_for_mending(place, exc)
                self._store.post_later(post.id, self._then(shut), perhaps_posted=post.posting)
                raise shut from exc
            log.error("post %s of send %s is given up: %s", post.id, post.key, exc.error)  # noqa: TRY400
            self._store.post_failed(post.id, exc.error)
            self._unpostable(place.channel, exc.error)

    def _show_latest(self, place: _Place) -> None:
        standing = self._store.standing(*place.key)
        if standing is None:  # an announcement that was kept long enough
            self._store.card_shown(place.thread)
            return
        if place.shown == standing:
            return
        try:
            self._on_card(place, lambda: self._update(place, standing))
        except Refused as exc:
            if _is_shut(place, exc):
                raise self._wait_for_mending(place, exc) from exc
            log.error("a card in %s is given up: %s", place.channel, exc.error)  # noqa: TRY400
            self._store.card_shown(place.thread)
            self._unpostable(place.channel, exc.error)

    def _wait_for_mending(self, place: _Place, refused: Refused) -> _Shut:
        shut = _Shut(refused.error)
        perhaps = place.look and place.card is None  # by an answer that was lost before
        self._store.card_later(*place.key, self._then(shut), perhaps_posted=perhaps)
        with self._lock:
            told = place.channel in self._shut
            self._shut.add(place.channel)
        if not told:
            self._unpostable(place.channel, refused.error)
        return shut

    def _on_card(self, place: _Place, act: Callable[[], None]) -> None:
        """Do it where the card is; where that turns out to be deleted, on a new one."""
        if place.card is None and not place.is_direct:
            self._make_card(place)
        try:
            act()
        except Refused as exc:
            if exc.error not in _NO_CARD or place.is_direct or place.shown:
                raise
            self._store.card_lost(*place.key)
            place.card, place.look = None, False
            self._make_card(place)
            act()

    def _make_card(self, place: _Place) -> None:
        standing = self._store.standing(*place.key)
        if standing is None:
            raise LookupError("there is no thread without a send or an announcement")
        payload = {"conversation_id": place.thread.conversation_id}
        card = self._finder.find(payload, place.channel, since=self._began(place)) if place.look else None
        if card is None:
            self._spend(place.channel)
            if not self._store.carding(*place.key):
                raise _TakenOver("taken over")
            try:
                card = self._post(place.channel, self._card(standing, place.thread.conversation_id), payload)
            except (Limited, Barred, Unanswered) as exc:
                self._store.card_later(*place.key, self._then(exc), perhaps_posted=_perhaps(exc))
                raise
            place.shown = standing
        if not self._store.carded(*place.key, card):
            self._take_back(place.channel, card)
        place.card = card
        if place.shown:
            self._store.card_shown(place.thread)

    def _update(self, place: _Place, standing: Standing) -> None:
        if place.shown == standing:
            return
        if wait := self._updates.take():
            raise Limited("too many updates", wait)
        try:
            card = self._card(standing, place.thread.conversation_id)
            call(self._posting.chat_update, channel=place.channel, ts=place.card, **card)
        except (Limited, Barred, Unanswered) as exc:
            if isinstance(exc, Limited):
                self._updates.rest(exc.retry_after)
            self._store.card_later(*place.key, self._then(exc))
            raise
        self._store.card_shown(place.thread)

    def _put(self, place: _Place, post: Post, receipt: Receipt) -> None:
        if post.kind in _ANSWERS:
            self._replace(place, post, receipt)
            return
        channel = self._direct_channel(place.channel) if place.is_direct else place.channel
        payload: Json = {"send_id": post.key, "seq": post.id}
        found = None
        if post.posting:
            found = self._finder.find(payload, channel, since=post.created_at, card=place.card)
        if found is None:
            self._spend(channel)
            if not self._store.posting(post.id):
                raise _TakenOver("taken over")
            payload |= {"hash": receipt.text_hash or "", "record": post.record}
            try:
                found = self._post(channel, self._words(post, receipt), payload, thread_ts=place.card)
            except (Limited, Barred, Unanswered) as exc:
                self._store.post_later(post.id, self._then(exc), perhaps_posted=_perhaps(exc))
                raise
        if not self._store.posted(post.id, found):
            self._take_back(channel, found)

    def _take_back(self, channel: str, ts: str) -> NoReturn:
        """Somebody went on in our place while ours was under way: theirs stands."""
        try:
            call(self._posting.chat_delete, channel=channel, ts=ts)
        except SlackFault as exc:
            log.warning("message %s in %s stands there twice: %s", ts, channel, exc.error)
        raise _TakenOver("taken over")

    def _replace(self, place: _Place, post: Post, receipt: Receipt) -> None:
        """Show in the place of the question what became of it; once more does no harm."""
        asked = self._store.asked(post.key, _ANSWERS[post.kind])
        if asked is None or asked.ts is None:
            self._store.post_failed(post.id, "there is no question")
            return
        channel = self._direct_channel(place.channel) if place.is_direct else place.channel
        if wait := self._updates.take():
            raise Limited("too many updates", wait)
        try:
            call(self._posting.chat_update, channel=channel, ts=asked.ts, **self._words(post, receipt))
        except (Limited, Barred, Unanswered) as exc:
            self._store.post_later(post.id, self._then(exc))
            raise
        except Refused as exc:
            if exc.error not in _NO_CARD:
                raise
            self._store.post_failed(post.id, exc.error)  # somebody deleted the question, not the card
            return
        self._store.posted(post.id, asked.ts)

    def _began(self, place: _Place) -> datetime:
        sends = self._store.history(*place.key, LOOKED_THROUGH)
        times = [send.request.requested_at for send in sends]
        standing = self._store.standing(*place.key)
        if standing is not None and standing.chat is not None:
            times.append(standing.chat.started_at)
        return min(times, default=self._now())

    def _then(self, fault: SlackFault) -> datetime:
        return self._now() + timedelta(seconds=fault.retry_after)

    def _post(self, channel: str, message: Json, payload: Json, *, thread_ts: str | None = None) -> str:
        try:
            answer = call(
                self._posting.chat_postMessage,
                channel=channel,
                thread_ts=thread_ts,
                metadata=mark(payload),
                unfurl_links=False,
                unfurl_media=False,
                **message,
            )
        except Limited as exc:
            self._bucket(channel).rest(exc.retry_after)
            raise
        with self._lock:
            self._shut.discard(channel)
        return str(answer["ts"])

    def _spend(self, channel: str) -> None:
        if wait := self._bucket(channel).take():
            raise Limited("too many posts", wait)

    def _bucket(self, channel: str) -> Bucket:
        with self._lock:
            return self._buckets.setdefault(channel, Bucket(PER_SECOND, BURST, self._now))

    def _direct_channel(self, user: str) -> str:
        if user not in self._direct:
            self._direct[user] = call(self._reading.conversations_open, users=user)["channel"]["id"]
        return self._direct[user]

    # -- words -------------------------------------------------------------------------------

    def _card(self, standing: Standing, conversation_id: str) -> Json:
        latest, chat = standing.latest, standing.chat
        sent = messages.card(latest, **self._told(latest)) if latest else {}
        for each in standing.unknown:
            line = messages.line(each, **self._told(each)) if each != latest else None
            sent["blocks"] += unknowns.buttons_for(each, line, can_look=self._can_look)
        card = carding.announced(chat, sent) if chat else sent
        blocks = [*card["blocks"], *carding.row(standing, self._page(conversation_id))]
        return message(messages.conversation(conversation_id), blocks)

    def _words(self, post: Post, receipt: Receipt) -> Json:
        if post.kind is PostKind.DIRECT:
            return messages.direct(post, receipt)
        if post.kind in (PostKind.APPROVE, PostKind.APPROVED):
            return self._approval(receipt)
        if post.kind is not PostKind.REPLY:
            return self._question(receipt)
        return messages.reply(post, receipt, **self._told(receipt), corrects=self._corrected(receipt))

    def _corrected(self, receipt: Receipt) -> datetime | None:
        """When the message left that this one sets right."""
        key = receipt.request.corrects
        return self._store.receipt(key).changed_at if key else None

    def _question(self, receipt: Receipt) -> Json:
        if not receipt.is_asked:
            return questions.answered(receipt)
        return questions.question(receipt, editable=may_edit(self._catalog(), receipt))

    def _approval(self, receipt: Receipt) -> Json:
        response = self._catalog().responses.get(receipt.request.response)
        group = response.approval if response else None
        if not receipt.awaits_approval or group is None:
            return approvals.answered(receipt, **self._told(receipt))
        return approvals.question(receipt, group=group, **self._told(receipt))

    def _told(self, receipt: Receipt) -> Json:
        catalog, request = self._catalog(), receipt.request
        team, response = catalog.team(request.team), catalog.responses.get(request.response)
        return {
            "show": team.show if team else Show.NOTHING,
            "title": response.title if response else "",
            "who": self._name(request.supervisor),
        }


def _is_shut(place: _Place, refused: Refused) -> bool:
    """Whether the channel is what Slack refuses, not what we say there."""
    shut = refused.error in _SHUT or refused.error.startswith("restricted_action")
    return shut and not place.is_direct


def _perhaps(fault: SlackFault) -> bool:
    """Whether what was asked for may have been done."""
    return isinstance(fault, Unanswered)
