"""
What canned promises of every send on record, checked against what the customer, Slack and the audit hold.

At most one message, an outcome that is true, and that outcome told once in the thread, on
the card, in the audit record and to the supervisor. It judges by what the simulations saw.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from bot.models import Receipt, State
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from bot.storage import AuditRecord, Store

WORDS = {State.SENT: "Sent", State.UNKNOWN: "Unknown"}  # all others: Not sent
ON_CARD = {"Sent": ("Sent", "Delivered", "Read", "Failed")}
A_SECOND = timedelta(seconds=1)


@dataclass
class Broken:
    """Sentences about what was not kept, by kind."""

    duplicates: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.duplicates or self.untrue or self.losses)


def assert_kept_promise(sandbox: Sandbox, *, sends: int = 1) -> None:
    """So many sends are on record, and all that is promised of them is kept."""
    receipts = sandbox.receipts()
    broken = look(sandbox)
    assert not broken, broken
    assert len(receipts) == sends, receipts


def look(sandbox: Sandbox) -> Broken:
    """Everything that is broken. Sends into one conversation are told apart by their values, or texts."""
    found, seen = Broken(), _Seen(sandbox)
    for receipt in sandbox.receipts():
        here = f"send {receipt.key} ({receipt.state}): "
        found.duplicates += [here + said for said in seen.duplicates(receipt)]
        found.untrue += [here + said for said in seen.untrue(receipt)]
        found.losses += [here + said for said in seen.losses(receipt)]
    found.duplicates += seen.doubled_cards()
    return found


class _Seen:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._receipts = sandbox.receipts()
        self._posts = sandbox.genesys.seen(sandbox.post)
        slack = sandbox.slack
        channels = {receipt.request.channel for receipt in self._receipts}
        cards = [card for each in channels for card in slack.messages(each)]
        self._cards = {_about(card): card for card in cards}
        self._about = Counter(_about(card) for card in cards)
        self._latest: dict[tuple[str, object], Receipt] = {}
        for receipt in sorted(reversed(self._receipts), key=lambda each: each.changed_at):
            self._latest[_place(receipt)] = receipt
        self._replies = _by_send(reply for card in cards for reply in slack.thread(card.channel, card.ts))
        people = {receipt.request.supervisor for receipt in self._receipts}
        self._direct = _by_send(said for each in people for said in slack.direct_messages(each))
        self._aside = {each: slack.ephemerals(each) for each in people}
        self._audit = _audit(sandbox)

    def duplicates(self, receipt: Receipt) -> Iterator[str]:
        texts = self._arrived(receipt)
        if len(texts) > 1:
            yield f"the customer has it {len(texts)} times"
        said = [
            _payload(reply).get("seq") for reply in self._replies[receipt.key] + self._direct[receipt.key]
        ]
        if len(said) != len(set(said)):
            yield "a post about it stands in Slack twice"

    def untrue(self, receipt: Receipt) -> Iterator[str]:
        texts = self._arrived(receipt)
        if receipt.state.is_open and not receipt.is_asked:
            yield "it has no outcome"
        elif receipt.state is State.SENT and texts != [receipt.text]:
            yield f"the customer has {texts}"
        elif receipt.state not in (State.SENT, State.UNKNOWN) and texts:
            yield "the customer has it"
        elif receipt.state is State.UNKNOWN and not self._may_be_unknown(receipt):
            yield "Genesys answered it, and no process was struck meanwhile"

    def losses(self, receipt: Receipt) -> Iterator[str]:
        yield from _faults_of(self._audit.get(receipt.key, []), receipt)
        word = WORDS.get(receipt.state, "Not sent")
        replies = self._replies[receipt.key]
        if sum(_tells(reply, word) for reply in replies) != 1:
            yield f"its thread says {[reply.said for reply in replies]}"
        card, is_latest = self._cards.get(_place(receipt)), self._latest[_place(receipt)] == receipt
        if card is None or (is_latest and not _tells_one_of(card, ON_CARD.get(word, (word,)))):
            yield f"its card says {card.said if card else None}"
        if receipt.state is not State.SENT and not self._told(receipt, word):
            yield "its supervisor was not told"

    def doubled_cards(self) -> list[str]:
        return [f"a conversation has {n} cards: {each}" for each, n in self._about.items() if n > 1]

    def _arrived(self, receipt: Receipt) -> list[str]:
        values = receipt.request.values.values()
        texts = self._sandbox.genesys.customer_sees(receipt.request.conversation_id)
        return [
            text for text in texts if all(value in text for value in values) and receipt.text in (None, text)
        ]

    def _may_be_unknown(self, receipt: Receipt) -> bool:
        """The answer to its last POST was lost, or a process was struck between begin and settle."""
        left = [post for post in self._posts if receipt.text in post.json.values()]
        return bool(left and left[-1].fault) or self._was_struck(receipt)

    def _was_struck(self, receipt: Receipt) -> bool:
        begun = [line.at for line in self._audit.get(receipt.key, []) if line.event == "begun"]
        struck = [at for process in self._sandbox.processes for at in process.struck]
        return bool(begun) and any(begun[-1] - A_SECOND <= at <= receipt.changed_at for at in struck)

    def _told(self, receipt: Receipt, word: str) -> bool:
        direct = self._direct[receipt.key]
        aside = self._aside[receipt.request.supervisor]
        return sum(_tells(said, word) for said in direct) == 1 or (
            receipt.state is State.CANCELLED and any(_tells(said, word) for said in aside)
        )


def _faults_of(lines: list[AuditRecord], receipt: Receipt) -> Iterator[str]:
    """What is wrong with the audit lines of one send."""
    events = [line.event for line in lines if line.event in ("claimed", "begun", "settled")]
    if events[:1] != ["claimed"] or events.count("claimed") != 1:
        yield f"its audit lines begin with {events[:2]}"
    last = [line.detail["state"] for line in lines if line.event == "settled"]
    if last[-1:] != [receipt.state.value] and not receipt.state.is_open:
        yield f"its audit lines end in {last[-1:]}"
    if receipt.state in (State.SENT, State.UNKNOWN) and "begun" not in events:
        yield "no audit line tells that it left"
    settled = "pending"
    for line in lines:
        if line.event == "begun" and settled != "pending":
            yield f"it was begun after it was {settled}"
        settled = {"begun": "sending", "settled": str(line.detail.get("state"))}.get(line.event, settled)


def _by_send(messages: Iterable[Message]) -> dict[object, list[Message]]:
    found: dict[object, list[Message]] = defaultdict(list)
    for message in messages:
        found[_payload(message).get("send_id")].append(message)
    return found


def _tells(message: Message, word: str) -> bool:
    return _tells_one_of(message, (word,))


def _tells_one_of(message: Message, words: tuple[str, ...]) -> bool:
    """Whether one of its lines is headed by one of these words, behind its sign."""
    head = rf"^(?:@\S+ )?:\w+: (?:{'|'.join(words)})(?: \(\w+\))?[:,.]"
    return re.search(head, message.said, re.MULTILINE) is not None


def _place(receipt: Receipt) -> tuple[str, object]:
    return receipt.request.channel, receipt.request.conversation_id


def _about(card: Message) -> tuple[str, object]:
    return card.channel, _payload(card).get("conversation_id")


def _payload(message: Message) -> dict[str, object]:
    payload: dict[str, object] = (message.metadata or {}).get("event_payload") or {}
    return payload


def _audit(sandbox: Sandbox) -> dict[str, list[AuditRecord]]:
    store = Store(sandbox.database_url, now=sandbox.clock, worker="judge")
    lines: dict[str, list[AuditRecord]] = {}
    try:
        after = 0
        while page := store.audit(after_id=after):
            after = page[-1].id
            for line in page:
                lines.setdefault(line.key or "", []).append(line)
    finally:
        store.close()
    return lines
