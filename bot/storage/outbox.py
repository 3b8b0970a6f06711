"""
What is still to be said in Slack, and in which thread.

A thread is worked on by one worker at a time (`take_thread`), its posts in the order in
which they were written down. `posting` and `carding` are set before Slack is called, so
that whoever comes after a crash knows to look before it speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.models import Asked, Post, PostKind, Receipt, SendRequest, Standing, Thread

from .engine import insert
from .rows import STILL_UNKNOWN, chat_of, find, post_of, receipt_of, receipts, thread_of
from .schema import audit, chats, posts, sends, threads
from .workers import Workers, due, free

NEW_POST = posts.insert()
IN_THREAD = (PostKind.REPLY, PostKind.APPROVE, PostKind.APPROVED)
# Written in one transaction, a post and what it tells of have the same time.
TOLD = and_(audit.c.key == posts.c.key, audit.c.at == posts.c.created_at)
RECORD = select(audit.c.mac).where(TOLD).order_by(audit.c.id.desc()).limit(1).scalar_subquery()
ON_A_CARD = 3  # sends that still want somebody's word
A_TURN = 50  # posts; a lease lasts long enough for them at one a second


def _in(table: Any, channel: Any, conversation_id: Any) -> ColumnElement[bool]:
    return and_(table.c.channel == channel, table.c.conversation_id == conversation_id)


def _of(table: Table) -> ColumnElement[bool]:
    """The rows of one thread, named by the parameters of `_here`."""
    return _in(table, bindparam("in_channel"), bindparam("in_conversation"))


# One pass runs most of these, so they are built once; the worker is given as `me`.
OPEN = _in(posts, threads.c.channel, threads.c.conversation_id)
SOMETHING_TO_SAY = or_(threads.c.card_due, select(posts.c.id).where(OPEN, posts.c.done_at.is_(None)).exists())
FREE_THREAD = select(threads).where(_of(threads), SOMETHING_TO_SAY, free(threads))
FREE_THREAD = FREE_THREAD.with_for_update(key_share=True)  # posts for it may be written down meanwhile
HOLD_THREAD = update(threads).where(_of(threads))
LEAVE_THREAD = update(threads).where(_of(threads), threads.c.worker == bindparam("me"))
OPEN_POSTS = (
    select(posts, RECORD.label("record"))
    .where(_of(posts), posts.c.done_at.is_(None))
    .order_by(posts.c.id)
    .limit(A_TURN)
)
THIS_POST = posts.c.id == bindparam("this")
ANOTHERS = select(threads.c.ts).where(OPEN, threads.c.worker != bindparam("me")).exists()
POSTING = (
    update(posts)
    .where(THIS_POST, posts.c.done_at.is_(None), ~ANOTHERS)
    .values(posting=True, attempts=posts.c.attempts + 1)
)
POSTED = update(posts).where(THIS_POST, or_(posts.c.done_at.is_(None), posts.c.ts == bindparam("as")))
TOUCH_CARD = (
    update(threads)
    .where(_of(threads), threads.c.ts.is_not(None))
    .values(card_due=True, touches=threads.c.touches + 1)
)
CARD_SHOWN = update(threads).where(_of(threads), threads.c.touches == bindparam("seen"))
LATEST = receipts().where(_of(sends)).order_by(sends.c.changed_at.desc(), sends.c.id.desc()).limit(1)
ANNOUNCED = select(chats).where(_of(chats))
UNKNOWN = receipts().where(_of(sends), STILL_UNKNOWN).order_by(sends.c.id.desc()).limit(ON_A_CARD)


class Outbox(Workers):
    def threads_due(self, limit: int = 50) -> list[tuple[str, str]]:
        """Channel and conversation of threads with something to say now that nobody works on."""
        due_now = self._speaking().union(self._carding()).subquery()
        mine = _in(threads, due_now.c.channel, due_now.c.conversation_id)
        query = select(threads.c.channel, threads.c.conversation_id).join(due_now, mine)
        query = query.where(free(threads)).order_by(threads.c.touched_at).limit(limit)
        with self._reading() as tx:
            rows = tx.execute(query, self._times())
            return [(row.channel, row.conversation_id) for row in rows]

    def take_thread(self, channel: str, conversation_id: str) -> Thread | None:
        """
        The thread, now this worker's until it leaves it.

        None while another thread or worker has it, or where there is nothing to say and show.
        """
        self._stay_alive()
        here = _here(channel, conversation_id)
        with self._writing(durable=False) as tx:
            row = tx.execute(FREE_THREAD, here | self._times()).first()
            if row is not None:
                tx.execute(HOLD_THREAD, here | self._mine())
            return thread_of(row) if row else None

    def leave_thread(self, channel: str, conversation_id: str) -> None:
        """Let others work on it."""
        with self._writing(durable=False) as tx:
            left = _here(channel, conversation_id) | {"me": self.worker, "worker": None}
            tx.execute(LEAVE_THREAD, left)

    def posts_due(self, channel: str, conversation_id: str) -> list[tuple[Post, Receipt]]:
        """What to say now, in order, with where its send stands; a post that must wait holds up the rest."""
        now = self._now()
        found: list[tuple[Post, Receipt]] = []
        with self._reading() as tx:
            for row in tx.execute(OPEN_POSTS, _here(channel, conversation_id)).all():
                receipt = find(tx, row.key)
                if receipt is None or (row.not_before and row.not_before > now):
                    break
                found.append((post_of(row), receipt))
        return found

    def posting(self, post_id: int) -> bool:
        """
        It may be on its way from now on; False if it is not this worker's to say any more.

        A process that stood still for long was given up for dead, and others have gone on.
        """
        with self._writing() as tx:
            return tx.execute(POSTING, {"this": post_id, "me": self.worker}).rowcount == 1

    def posted(self, post_id: int, ts: str) -> bool:
        """It is there, as Slack's message `ts`; False if another worker's message has its place already."""
        done = {"posting": False, "done_at": self._now(), "ts": ts}
        with self._writing(durable=False) as tx:
            return tx.execute(POSTED, {"this": post_id, "as": ts} | done).rowcount == 1

    def post_later(self, post_id: int, not_before: datetime, *, perhaps_posted: bool = False) -> None:
        """Try again from then on; with `perhaps_posted`, look for it first."""
        self._set_post(post_id, posting=perhaps_posted, not_before=not_before)

    def post_failed(self, post_id: int, reason: str) -> None:
        """Slack will never take it: give it up, so that the next ones get through."""
        self._set_post(post_id, posting=False, done_at=self._now(), failure=reason)

    def carding(self, channel: str, conversation_id: str) -> bool:
        """The parent card may be on its way from now on; False as for `posting`."""
        mine = and_(threads.c.ts.is_(None), threads.c.worker.is_(None) | (threads.c.worker == self.worker))
        with self._writing() as tx:
            here = update(threads).where(_in(threads, channel, conversation_id), mine)
            return tx.execute(here.values(carding=True)).rowcount == 1

    def carded(self, channel: str, conversation_id: str, ts: str) -> bool:
        """The parent card is there, as Slack's message `ts`; False as for `posted`."""
        first = and_(_in(threads, channel, conversation_id), or_(threads.c.ts.is_(None), threads.c.ts == ts))
        with self._writing() as tx:
            return tx.execute(update(threads).where(first).values(carding=False, ts=ts)).rowcount == 1

    def card_later(
        self, channel: str, conversation_id: str, not_before: datetime, *, perhaps_posted: bool = False
    ) -> None:
        """Post or update the card from then on; with `perhaps_posted`, look for it first."""
        self._set_thread(channel, conversation_id, carding=perhaps_posted, card_not_before=not_before)

    def card_shown(self, thread: Thread) -> None:
        """The card shows how things stand since `thread` was taken; touched meanwhile, it stays due."""
        here = _here(thread.channel, thread.conversation_id) | {"seen": thread.touches}
        with self._writing(durable=False) as tx:
            tx.execute(CARD_SHOWN, here | {"card_due": False, "card_not_before": None})

    def card_lost(self, channel: str, conversation_id: str) -> None:
        """Somebody deleted the parent card: a new one is due."""
        self._set_thread(channel, conversation_id, carding=False, card_due=True, ts=None)

    def standing(self, channel: str, conversation_id: str) -> Standing | None:
        """What the card shows; None where there was neither a send nor an announcement."""
        here = _here(channel, conversation_id)
        with self._reading() as tx:
            send, chat = tx.execute(LATEST, here).first(), tx.execute(ANNOUNCED, here).first()
            if send is None and chat is None:
                return None
            unknown = tuple(receipt_of(row) for row in tx.execute(UNKNOWN, here))
            return Standing(receipt_of(send) if send else None, chat_of(chat) if chat else None, unknown)

    def history(self, channel: str, conversation_id: str, limit: int = 10) -> list[Receipt]:
        """The thread's sends, the newest first."""
        here = _in(sends, channel, conversation_id)
        query = receipts().where(here).order_by(sends.c.claimed_at.desc(), sends.c.id.desc()).limit(limit)
        with self._reading() as tx:
            return [receipt_of(row) for row in tx.execute(query)]

    def is_told(self, key: str, ts: str, *, places: Sequence[str]) -> bool:
        """Whether Slack's message `ts`, in one of these channels or to one of these users, tells of it."""
        query = select(posts.c.id).where(posts.c.key == key, posts.c.ts == ts, posts.c.channel.in_(places))
        with self._reading() as tx:
            return tx.execute(query).first() is not None

    def conversation_at(self, channel: str, ts: str) -> str | None:
        """The conversation whose card Slack's message `ts` is."""
        query = select(threads.c.conversation_id).where(threads.c.channel == channel, threads.c.ts == ts)
        with self._reading() as tx:
            return tx.execute(query).scalar()

    def _speaking(self) -> Select[tuple[str, str]]:
        # Threads whose first open post may be said: it goes first, whatever comes behind it.
        first = select(func.min(posts.c.id)).where(posts.c.done_at.is_(None))
        first = first.group_by(posts.c.channel, posts.c.conversation_id)
        query = select(posts.c.channel, posts.c.conversation_id)
        return query.where(posts.c.id.in_(first), due(posts.c.not_before, self._now()))

    def _carding(self) -> Select[tuple[str, str]]:
        query = select(threads.c.channel, threads.c.conversation_id)
        return query.where(threads.c.card_due.is_(True), due(threads.c.card_not_before, self._now()))

    def _set_post(self, post_id: int, **values: Any) -> None:
        with self._writing() as tx:
            tx.execute(update(posts).where(posts.c.id == post_id).values(values))

    def _set_thread(self, channel: str, conversation_id: str, **values: Any) -> None:
        with self._writing() as tx:
            tx.execute(update(threads).where(_in(threads, channel, conversation_id)).values(values))


def touch_card(tx: Connection, request: SendRequest) -> None:
    """The card of this send's thread, where there is one, no longer shows the latest."""
    tx.execute(TOUCH_CARD, _here(request.channel, request.conversation_id))


def tell(
    tx: Connection, receipt: Receipt, kinds: Sequence[PostKind], now: datetime, *, asked: str = ""
) -> None:
    """
    The card of `receipt`'s thread is due, and so is what is to be said about it.

    That is said in its thread, to the supervisor alone, or to an agent: `asked` is the Slack
    user whom an ASK goes to; an ASKED goes to whoever was asked.
    """
    here = (receipt.request.channel, receipt.request.conversation_id)
    places = [_place(tx, receipt, kind, asked) for kind in kinds]
    for place in sorted({here, *places}):  # in one order, or two would wait for each other
        ensure_thread(tx, *place, now, card_due=place == here)
    for kind, (channel, conversation_id) in zip(kinds, places, strict=True):
        tx.execute(
            NEW_POST,
            {
                "key": receipt.key,
                "kind": kind,
                "channel": channel,
                "conversation_id": conversation_id,
                "state": receipt.state,
                "reason": receipt.reason,
                "created_at": now,
                "posting": False,
                "attempts": 0,
                "failure": "",
            },
        )


def _place(tx: Connection, receipt: Receipt, kind: PostKind, asked: str) -> tuple[str, str]:
    if kind in IN_THREAD:
        return receipt.request.channel, receipt.request.conversation_id
    known = asked_of(tx, receipt.key) if kind in (PostKind.ASK, PostKind.ASKED) and not asked else None
    if kind in (PostKind.ASK, PostKind.ASKED):
        return asked or (known.place if known else receipt.request.supervisor), ""
    return receipt.request.supervisor, ""


def asked_of(tx: Connection, key: str, kind: PostKind = PostKind.ASK) -> Asked | None:
    """Where somebody was last asked about this send by a post of this kind."""
    query = select(posts.c.channel, posts.c.ts).where(posts.c.key == key, posts.c.kind == kind)
    row = tx.execute(query.order_by(posts.c.id.desc()).limit(1)).first()
    return Asked(row.channel, row.ts) if row else None


def ensure_thread(
    tx: Connection, channel: str, conversation_id: str, now: datetime, *, card_due: bool = False
) -> None:
    """
    There is a thread for this conversation, and its card is out of date if `card_due`.

    Else nothing is changed where there is one: a supervisor's would have everybody wait who settles.
    """
    row = {"channel": channel, "conversation_id": conversation_id, "touched_at": now}
    new = {"carding": False, "card_due": card_due, "touches": int(card_due)}
    tx.execute(_ensuring(tx.dialect.name, card_due), row | new)


@cache
def _ensuring(dialect: str, card_due: bool) -> sqlite.Insert | postgresql.Insert:
    row = insert(dialect, threads)
    if not card_due:
        return row.on_conflict_do_nothing()
    due_now = {"touched_at": row.excluded.touched_at, "card_due": True, "touches": threads.c.touches + 1}
    return row.on_conflict_do_update(index_elements=["channel", "conversation_id"], set_=due_now)


def _here(channel: str, conversation_id: str) -> dict[str, Any]:
    return {"in_channel": channel, "in_conversation": conversation_id}
