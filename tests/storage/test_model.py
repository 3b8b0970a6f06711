"""The life of a send on the real store, against a model small enough to be obviously right."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot.models import Gate, Outcome, PostKind, SendAs, SendRequest, State
from bot.storage import Store

WORKERS = ("one", "two", "three")
LATER = timedelta(seconds=40)
SETTLED = (State.SENT, State.REFUSED, State.UNKNOWN)
TEXT, EDITED = "Thank you for your patience.", "In my own words."
SETTLES = {  # where a send may be moved to from where, besides begin
    State.PENDING: {State.PENDING, State.REFUSED, State.CANCELLED},
    State.SENDING: {State.PENDING, State.SENT, State.REFUSED, State.UNKNOWN},
    State.UNKNOWN: {State.SENT, State.UNSENT},
}


@dataclass
class Send:
    """What the model knows of one send: no more than anybody could keep on a slip of paper."""

    state: State = State.PENDING
    gate: Gate | None = None
    asked: bool = False
    agreed: str | None = None  # the text that the agent let leave
    frozen: str | None = None
    not_before: datetime | None = None
    until: datetime | None = None
    holder: str | None = None
    held_since: datetime | None = None
    told: list[str] = field(default_factory=list)  # audit events, settled ones by their state
    replies: int = 0

    @property
    def is_open(self) -> bool:
        return self.gate is None or self.agreed is not None


class Sends(RuleBasedStateMachine):
    keys = Bundle("keys")
    workers = st.sampled_from(WORKERS)

    def __init__(self, empty: Path) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="canned-model-")
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        url = f"sqlite:///{shutil.copy(empty, self._folder.name)}"
        self.stores = {name: Store(url, now=lambda: self.now, worker=name) for name in WORKERS}
        self.seen = dict.fromkeys(WORKERS, self.now - timedelta(days=1))
        self.sends: dict[str, Send] = {}

    def teardown(self) -> None:
        for store in self.stores.values():
            store.close()
        self._folder.cleanup()

    @contextmanager
    def _by(self, worker: str) -> Iterator[Store]:
        """What a worker does keeps it alive, as the heart of its process would."""
        self.stores[worker].beat()
        self.seen[worker] = self.now
        yield self.stores[worker]

    # -- what happens -------------------------------------------------------------------------

    @rule(target=keys, worker=workers, gate=st.sampled_from([None, None, Gate.AGENT]), held=st.booleans())
    def claim(self, worker: str, gate: Gate | None, held: bool) -> str:
        key = f"key-{len(self.sends)}"
        later = self.now + LATER if held else None
        with self._by(worker) as store:
            receipt = store.claim(self._request(key, gate, later), per_minute=1000, per_conversation=1000)
        assert receipt.state is State.PENDING
        self.sends[key] = Send(gate=gate, not_before=later, told=["claimed"])
        self._hold(self.sends[key], None if held else worker)
        return key

    @rule(key=keys, worker=workers)
    def claim_again(self, key: str, worker: str) -> None:
        with self._by(worker) as store:
            receipt = store.claim(self._request(key, None, None), per_minute=1000, per_conversation=1000)
        assert receipt.state is self.sends[key].state

    @rule(key=keys, worker=workers, text=st.sampled_from([TEXT, TEXT, EDITED]))
    def begin(self, key: str, worker: str, text: str) -> None:
        send = self.sends[key]
        may = send.state is State.PENDING and self._due(send) and send.is_open
        may = may and send.agreed in (None, text)
        with self._by(worker) as store:
            assert store.begin(key, text, sender_id="g1") is may
        if may:
            send.state, send.not_before = State.SENDING, None
            self._hold(send, worker)
            send.told.append("begun")

    @rule(
        key=keys,
        worker=workers,
        to=st.sampled_from(SETTLED),
        was=st.sampled_from([State.PENDING, State.SENDING]),
    )
    def settle(self, key: str, worker: str, to: State, was: State) -> None:
        """As a sender does: sent and unknown are only known of what was sending, sent also of unknown."""
        was = was if to is State.REFUSED else State.SENDING
        states = (was, State.UNKNOWN) if to is State.SENT else (was,)
        self._settle(key, worker, Outcome(to, message_id="m1" if to is State.SENT else None), states)

    @rule(key=keys, worker=workers)
    def never_left(self, key: str, worker: str) -> None:
        outcome = Outcome(State.PENDING, not_before=self.now + LATER)
        self._settle(key, worker, outcome, (State.SENDING,))

    @rule(key=keys, worker=workers)
    def take_back(self, key: str, worker: str) -> None:
        self._settle(key, worker, Outcome(State.CANCELLED), (State.PENDING,))

    @rule(key=keys, worker=workers)
    def find_out_that_it_failed(self, key: str, worker: str) -> None:
        self._settle(key, worker, Outcome(State.UNSENT), (State.UNKNOWN,))

    @rule(key=keys, worker=workers)
    def ask(self, key: str, worker: str) -> None:
        send = self.sends[key]
        may = send.state is State.PENDING and not send.asked and send.gate is not None and self._due(send)
        if send.gate is None:
            return  # nobody asks about those
        until = self.now + timedelta(minutes=5)
        with self._by(worker) as store:
            asked = store.ask(key, TEXT, agent="g2", user="U0BOB", until=until, reason="")[1]
        assert asked is may
        if may:
            send.asked, send.frozen, send.until, send.not_before = True, TEXT, until, until
            self._hold(send, None)
            send.told.append("asked")
            send.replies += 1

    @rule(key=keys, worker=workers, edited=st.sampled_from([None, EDITED]))
    def open_gate(self, key: str, worker: str, edited: str | None) -> None:
        send = self.sends[key]
        may = send.state is State.PENDING and send.asked and send.agreed is None
        may = may and send.until is not None and self.now < send.until
        with self._by(worker) as store:
            assert store.open_gate(key, by="U0BOB", edited=edited, reason="")[1] is may
        if may:
            send.agreed, send.not_before = edited or send.frozen, None
            self._hold(send, worker)
            send.told.append("opened")
            send.replies += edited is not None

    @rule(worker=workers)
    def leave(self, worker: str) -> None:
        with self._by(worker) as store:
            store.release()
        for send in self.sends.values():
            if send.holder == worker and send.state is State.PENDING:
                self._hold(send, None)

    @rule(worker=workers)
    def take_over(self, worker: str) -> None:
        with self._by(worker) as store:
            taken = {receipt.key for receipt in store.take_abandoned(limit=1000)}
            for key, send in self.sends.items():
                ready = send.state is State.SENDING or (send.state is State.PENDING and self._due(send))
                assert (key in taken) == (ready and self._is_free(send)), send
                if key in taken:
                    self._hold(send, worker)

    @rule(seconds=st.sampled_from([1, 16, 41, 301]))
    def pass_time(self, seconds: int) -> None:
        """Whoever did nothing for more than fifteen seconds counts as dead."""
        self.now += timedelta(seconds=seconds)

    # -- what must be true at any moment --------------------------------------------------------

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        store = self.stores["one"]
        for key, send in self.sends.items():
            receipt = store.receipt(key)
            assert receipt.state is send.state
            assert receipt.not_before == send.not_before
            told = [line.detail.get("state", line.event) for line in store.audit(key)]
            assert told == send.told
            replies = [post for post, _ in store.posts_due("C0TEAM", key) if post.kind is PostKind.REPLY]
            assert len(replies) == send.replies

    @invariant()
    def nothing_begins_twice_and_every_move_is_allowed(self) -> None:
        for key in self.sends:
            state = None
            for line in self.stores["one"].audit(key):
                if line.event == "settled":
                    assert state is not None
                    assert State(line.detail["state"]) in SETTLES[state]
                    state = State(line.detail["state"])
                elif line.event == "begun":
                    assert state is State.PENDING
                    state = State.SENDING
                else:
                    assert state is (None if line.event == "claimed" else State.PENDING)
                    state = State.PENDING

    # -- the model's own words ------------------------------------------------------------------

    def _settle(self, key: str, worker: str, outcome: Outcome, was: tuple[State, ...]) -> None:
        send = self.sends[key]
        may = send.state in was
        posts = () if outcome.state is State.PENDING else (PostKind.REPLY,)
        with self._by(worker) as store:
            assert store.settle(key, outcome, was=was, posts=posts)[1] is may
        if may:
            send.state, send.not_before = outcome.state, outcome.not_before
            send.told.append(outcome.state.value)
            send.replies += len(posts)
            if outcome.state is State.PENDING:
                self._hold(send, None)

    def _request(self, key: str, gate: Gate | None, not_before: datetime | None) -> SendRequest:
        return SendRequest(
            key=key,
            team="Support",
            channel="C0TEAM",
            supervisor="U0ANN",
            conversation_id=key,
            response="escalation",
            send_as=SendAs.SELF,
            requested_at=self.now,
            gate=gate,
            not_before=not_before,
        )

    def _due(self, send: Send) -> bool:
        return send.not_before is None or send.not_before <= self.now

    def _hold(self, send: Send, worker: str | None) -> None:
        send.holder, send.held_since = worker, self.now

    def _is_free(self, send: Send) -> bool:
        if send.holder is None or send.held_since is None:
            return True
        dead = self.seen[send.holder] <= self.now - timedelta(seconds=15)
        return dead or send.held_since <= self.now - timedelta(minutes=5)


def test_a_send_lives_as_the_model_says_whoever_works_on_it(migrated_sqlite: Path) -> None:
    # Derandomized and without a memory: it plays the same lives everywhere, and prints the one that failed.
    same = settings(max_examples=20, stateful_step_count=30, derandomize=True, deadline=None, database=None)
    run_state_machine_as_test(lambda: Sends(migrated_sqlite), settings=same)
