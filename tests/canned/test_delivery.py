"""Messages followed in a simulated organisation after they were sent, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.canned.delivery import FIRST_LOOK, Following, undelivered
from bot.canned.lanes import Lane
from bot.genesys import Genesys
from bot.models import Outcome, Receipt, SendAs, SendRequest, State
from bot.sandbox.genesys import SimulatedGenesys
from bot.storage import Store
from tests.clocks import Clock

BACK = "https://canned.example/genesys/callback"
NUMBER = "The number is not in service."


class Bench:
    """An organisation that Ann has signed in to, a database, and what follows between them."""

    def __init__(self, folder: Path, cloud: SimulatedGenesys, clock: Clock) -> None:
        self.cloud, self.clock = cloud, clock
        self.genesys = Genesys.platform(
            region="mypurecloud.ie",
            client_id=cloud.client_id,
            client_secret=cloud.client_secret,
            oauth_client_id=cloud.oauth_client_id,
            oauth_client_secret=cloud.oauth_client_secret,
            login_url=cloud.url,
            api_url=cloud.url,
            now=clock,
            sleep=clock.advance,
        )
        self.store = Store(f"sqlite:///{folder / 'canned.db'}", now=clock, worker="one")
        self.store.upgrade()
        self.lane = Lane("bulk", 2)
        self.changed: list[str] = []
        self.following = Following(
            self.genesys, self.store, self.lane, changed=lambda request: self.changed.append(request.key)
        )
        self._count = 0

    def sign_in(self) -> None:
        assert self.genesys.sign_in is not None
        url, verifier = self.genesys.sign_in.start(BACK, "state")
        code = parse_qs(urlsplit(self.cloud.log_in(url, self.cloud.ann)).query)["code"][0]
        user, grant = self.genesys.sign_in.finish(code, verifier, BACK)
        self.genesys.sign_in.keep(user.id, grant)

    def send(self, text: str = "Thank you.", *, send_as: SendAs = SendAs.SELF) -> str:
        """Send for Ann and write it down as the bot does; the key."""
        self._count += 1
        key = f"send-{self._count}"
        request = SendRequest(
            key=key,
            team="T",
            channel="C0TEAM",
            supervisor="U0ANN",
            conversation_id=self.cloud.chat,
            response="thanks",
            send_as=send_as,
            requested_at=self.clock(),
        )
        self.store.claim(request, asks_after=None, per_minute=100, per_conversation=100)
        conversation = self.genesys.conversation(self.cloud.chat, reader=self.cloud.ann)
        sender = self.genesys.sender(conversation, send_as, self.cloud.ann)
        self.store.begin(key, text, sender_id=sender.user_id)
        taken = self.genesys.send(conversation, sender, text, response="thanks", send_id=key)
        outcome = Outcome(State.SENT, message_id=taken.message_id, look_at=self.clock() + FIRST_LOOK)
        self.store.settle(key, outcome, was=[State.SENDING])
        return key

    def look(self, seconds: float) -> None:
        """Let time pass, and look at what is due then."""
        self.clock.advance(seconds)
        self.following.sweep()
        assert self.lane.wait_idle(10)

    def receipt(self, key: str) -> Receipt:
        return self.store.receipt(key)

    def bulk_reads(self) -> list[list[str]]:
        return [sorted(each.json) for each in self.cloud.requests if each.path.endswith("/messages/bulk")]

    def close(self) -> None:
        self.lane.close(5)
        self.genesys.close()
        self.store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(tmp_path: Path, clock: Clock) -> Iterator[Bench]:
    with SimulatedGenesys.demo(contract="platform", now=clock) as cloud:
        bench = Bench(tmp_path, cloud, clock)
        bench.sign_in()
        yield bench
        bench.close()


def test_a_message_is_followed_until_the_customer_has_it_and_reads_it(bench: Bench) -> None:
    key = bench.send()
    seen = []
    for seconds, happens in [
        (5, bench.cloud.advance_delivery),
        (15, bench.cloud.advance_delivery),
        (40, lambda: bench.cloud.read_messages(bench.cloud.chat)),
        (240, bench.cloud.advance_delivery),
    ]:
        bench.look(seconds)
        seen.append(bench.receipt(key).delivery)
        happens()

    assert seen == ["queued", "sent", "delivered", "read"]
    assert bench.changed == [key] * 4


def test_after_four_looks_in_five_minutes_nobody_asks_any_more(bench: Bench) -> None:
    bench.send()
    for _ in range(200):
        bench.look(5)

    assert len(bench.bulk_reads()) == 4


def test_what_was_read_is_not_looked_at_again(bench: Bench) -> None:
    bench.send()
    bench.cloud.read_messages(bench.cloud.chat)
    for _ in range(10):
        bench.look(30)

    assert len(bench.bulk_reads()) == 1


def test_one_read_asks_about_all_messages_of_a_conversation(bench: Bench) -> None:
    keys = [bench.send(f"Message {number}.") for number in range(3)]
    bench.look(5)

    assert bench.bulk_reads() == [sorted(str(bench.receipt(key).message_id) for key in keys)]


def test_a_failure_is_told_with_its_reason(bench: Bench) -> None:
    key = bench.send()
    bench.cloud.fail_delivery(str(bench.receipt(key).message_id), reason=NUMBER)
    for _ in range(2):
        bench.cloud.advance_delivery()
    bench.look(5)

    receipt = bench.receipt(key)
    assert (receipt.state, receipt.delivery, receipt.delivery_error) == (State.SENT, "failed", NUMBER)
    [(reply, _)] = bench.store.posts_due("C0TEAM", bench.cloud.chat)
    [(direct, _)] = bench.store.posts_due("U0ANN", "")
    assert reply.reason == direct.reason == undelivered(NUMBER)
    assert NUMBER.rstrip(".") in reply.reason


def test_a_message_that_was_taken_without_an_id_is_found_and_followed(bench: Bench) -> None:
    bench.cloud.empty_answers = True
    first, second = bench.send(), bench.send()
    assert bench.receipt(first).message_id is None
    bench.cloud.advance_delivery()
    bench.look(5)

    receipts = [bench.receipt(key) for key in (first, second)]
    assert [receipt.delivery for receipt in receipts] == ["sent", "sent"]
    assert {receipt.message_id for receipt in receipts} == {sent.id for sent in bench.cloud.received}


def test_what_the_person_wrote_by_hand_is_not_taken_for_one_without_an_id(bench: Bench) -> None:
    bench.cloud.empty_answers = True
    bench.cloud.users[bench.cloud.ann].permissions -= {"conversation:message:view"}
    key = bench.send()
    bench.clock.advance(1)
    bench.cloud.say(bench.cloud.chat, bench.cloud.ann, "Something else.", {})
    bench.look(5)

    assert (bench.receipt(key).message_id, bench.receipt(key).delivery) == (None, "")


@pytest.mark.parametrize("kind", ["status", "lost_after", "broken_json"])
def test_a_look_that_fails_is_over_and_the_next_one_comes(bench: Bench, kind: str) -> None:
    key = bench.send()
    bench.cloud.advance_delivery()
    bench.cloud.fault("POST /api/v2/conversations/messages/{id}/messages/bulk", kind, times=5)
    bench.look(5)
    assert bench.receipt(key).delivery == ""
    bench.cloud.clear_faults()
    bench.look(15)

    assert bench.receipt(key).delivery == "sent"
    assert bench.receipt(key).state is State.SENT


def test_somebody_who_has_signed_out_is_not_asked_for(bench: Bench) -> None:
    key = bench.send()
    assert bench.genesys.sign_in is not None
    bench.genesys.sign_in.forget(bench.cloud.ann)
    bench.look(5)

    assert bench.bulk_reads() == []
    assert bench.receipt(key).state is State.SENT


def test_an_automated_message_is_read_by_the_service(bench: Bench) -> None:
    bench.cloud.permissions = bench.cloud.permissions | {
        "conversation:message:create",
        "conversation:message:view",
    }
    key = bench.send(send_as=SendAs.SYSTEM)
    bench.cloud.advance_delivery()
    bench.look(5)

    assert bench.receipt(key).delivery == "sent"


def test_where_genesys_tells_nothing_nobody_asks(tmp_path: Path, clock: Clock) -> None:
    store = Store(f"sqlite:///{tmp_path / 'canned.db'}", now=clock, worker="one")
    genesys = Genesys.events(org_id="acme", client_id="client", client_secret="secret", now=clock)
    lane = Lane("bulk", 1)

    Following(genesys, store, lane, changed=lambda _: None).sweep()  # the database has no tables yet

    lane.close(5)
    genesys.close()
    store.close()
