"""Killed, unanswered, refused, hung up on at every request of a send: what was promised is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest

from bot.models import State
from bot.sandbox.faults import Fault, Kind
from bot.sandbox.http import Server
from bot.sandbox.sandbox import Sandbox
from tests.processes import Nursery, spawn
from tests.promise import assert_kept_promise

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
READ = "GET /api/v2/conversations/{id}"
PLATFORM_POST = "POST /api/v2/conversations/messages/{id}/communications/{line}/messages"
EVENTS_POST = "POST /api/v2/conversations/{id}/events"
TOKEN = "POST /oauth/token"
SEARCH = "POST /api/v2/users/search"
LOOK = "POST /api/v2/conversations/messages/{id}/messages/bulk"
USER = "POST /api/users.info"
ANSWER = "POST /response/{token}"
SAY = "POST /api/chat.postMessage"
UPDATE = "POST /api/chat.update"
DIRECT = "POST /api/conversations.open"
EVERY = [READ, PLATFORM_POST, EVENTS_POST, TOKEN, SEARCH, LOOK, USER, ANSWER, SAY, UPDATE, DIRECT]

# What a fresh process asks of either side for one send, as it was recorded: the first one, one into
# a conversation that has its thread already, one whose answer is lost. A test below holds it true.
ASKED = {
    ("platform", "first"): [READ, PLATFORM_POST, USER, ANSWER, SAY, SAY],
    ("platform", "next"): [READ, PLATFORM_POST, ANSWER, SAY, UPDATE],
    ("platform", "lost"): [READ, PLATFORM_POST, READ, LOOK, USER, ANSWER, SAY, SAY],
    ("events", "first"): [TOKEN, SEARCH, READ, EVENTS_POST, USER, SAY, ANSWER, SAY, SAY],
    ("events", "next"): [READ, EVENTS_POST, ANSWER, SAY, UPDATE],
    ("events", "lost"): [TOKEN, SEARCH, READ, EVENTS_POST, USER, SAY, ANSWER, SAY, DIRECT, SAY, SAY],
}
WRITES = {PLATFORM_POST, EVENTS_POST, ANSWER, SAY, UPDATE}
ENGINES = {"platform": "postgresql", "events": "sqlite"}


@pytest.fixture
def api() -> str:
    """Each case names its own."""
    return "platform"


@pytest.fixture
def make(
    make_sandbox: Callable[..., Sandbox], request: pytest.FixtureRequest
) -> Callable[[str, str], Sandbox]:
    """A sandbox without a bot; on the platform its database is a PostgreSQL, else a SQLite file."""

    def make(api: str, engine: str) -> Sandbox:
        new = request.getfixturevalue("postgres_url") if engine == "postgresql" else None
        sandbox = make_sandbox(api=api, variables={"DATABASE_URL": new()} if new else {}).open()
        return sandbox.link() if api == "platform" else sandbox

    return make


def types(sandbox: Sandbox, what: str = "escalation") -> bool:
    slack = sandbox.slack
    return slack.types(slack.ann, f"/canned {sandbox.conversation} {what}", slack.channel).ok


def prepare(sandbox: Sandbox, which: str) -> str:
    """Bring about where `which` send begins; what to type for it."""
    if which == "next":
        types(sandbox)
        sandbox.drain()
    if which == "lost":
        sandbox.genesys.fault(sandbox.post, "lost_after")
    return "greeting topic=tea" if which == "next" else "escalation"


def side(sandbox: Sandbox, asked: str) -> Server:
    return sandbox.slack if "/api/v2/" not in asked and asked != TOKEN else sandbox.genesys


def nth(sandbox: Sandbox, asked: str, number: int, put: Callable[[Server], Fault]) -> Fault:
    """Let the `number`th request of this kind go wrong; those before it go well."""
    server = side(sandbox, asked)
    for _ in range(number - 1):
        server.fault(asked, "delay")
    return put(server)


def numbered(which: tuple[str, str]) -> list[tuple[str, str, str, int]]:
    """The contract, the send, the request, and which one of its kind."""
    return [(*which, asked, ASKED[which][: at + 1].count(asked)) for at, asked in enumerate(ASKED[which])]


def fresh(api: str) -> list[tuple[str, str, str, int]]:
    """Each request of a contract's sends where it comes first, since what comes before is the same."""
    first = numbered((api, "first"))
    later = [case for which in ("next", "lost") for case in numbered((api, which))]
    return first + [c for c in later if c[2:] not in [known[2:] for known in first]]


CASES = fresh("platform") + fresh("events")
KILLS = [(*case, worked) for case in CASES for worked in (False, True) if not worked or case[2] in WRITES]


def told(case: Any) -> str:
    return str(case[2] if isinstance(case, tuple) else case)


@pytest.mark.parametrize("which", ASKED)
def test_every_request_of_a_send_is_among_those_that_go_wrong_here(
    make: Callable[..., Sandbox], which: tuple[str, str]
) -> None:
    sandbox = make(which[0], "sqlite").start_bot()
    typed = prepare(sandbox, which[1])
    for server in (sandbox.genesys, sandbox.slack):
        server.forget()
    types(sandbox, typed)
    sandbox.drain()

    seen = Counter({asked: len(side(sandbox, asked).seen(asked)) for asked in set(EVERY)})
    assert +seen == Counter(ASKED[which])
    everything = len(sandbox.genesys.requests) + len(sandbox.slack.requests)
    assert everything == sum(seen.values()), "a request that is in none of the lists"


@pytest.mark.parametrize(("api_", "which", "asked", "number", "worked"), KILLS)
def test_killed_at_any_request_the_promise_is_kept(
    make: Callable[..., Sandbox],
    nursery: Nursery,
    api_: str,
    which: str,
    asked: str,
    number: int,
    worked: bool,
) -> None:
    sandbox = make(api_, ENGINES[api_])
    process = spawn(sandbox, nursery)
    typed = prepare(sandbox, which)
    then: Kind = "delay" if worked else "lost_before"
    held = nth(sandbox, asked, number, lambda server: server.hold(asked, then=then, worked=worked))
    assert types(sandbox, typed)
    assert held.arrived.wait(20)
    assert not worked or held.worked.wait(20)
    process.kill()
    held.release()
    sandbox.clock.advance(seconds=30)  # the dead process's last beat is old by now
    sandbox.start_bot().drain()

    assert_kept_promise(sandbox, sends=2 if which == "next" else 1)


@pytest.mark.parametrize("api_", ENGINES)
def test_a_message_that_arrives_after_the_look_for_it_is_unknown_and_not_sent_again(
    make: Callable[..., Sandbox], nursery: Nursery, api_: str
) -> None:
    sandbox = make(api_, "sqlite")
    process = spawn(sandbox, nursery)
    held = sandbox.genesys.hold(sandbox.post)
    types(sandbox)
    assert held.arrived.wait(20)
    process.kill()
    sandbox.clock.advance(seconds=30)
    sandbox.start_bot().drain()
    held.release()
    assert held.worked.wait(20)

    assert [receipt.state for receipt in sandbox.receipts()] == [State.UNKNOWN]
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert_kept_promise(sandbox)


def go_wrong(server: Server, asked: str, kind: str) -> Fault:
    """Both kinds of a hang end without an answer: nothing is done, or it is done and nobody told."""
    if kind.startswith("hang"):
        return server.hold(asked, then="lost_before", worked=kind == "hang, done")
    return server.fault(asked, kind, status=500, retry_after=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("api_", "kind"),
    [
        *product(ENGINES, ("lost_after", "status", "429")),
        ("platform", "lost_before"),
        ("platform", "hang"),
        ("events", "broken_json"),
        ("events", "hang, done"),
    ],
)
def test_whatever_one_request_comes_to_the_promise_is_kept(
    make: Callable[..., Sandbox], api_: str, kind: str
) -> None:
    """One sandbox for each request, side by side, since most of it is waiting."""
    cases = [case for case in CASES if case[0] == api_]
    places = [make(api_, "sqlite").start_bot() for _ in cases]

    def play(sandbox: Sandbox, case: tuple[str, str, str, int]) -> State:
        _, which, asked, number = case
        typed = prepare(sandbox, which)
        fault = nth(sandbox, asked, number, lambda server: go_wrong(server, asked, kind))
        types(sandbox, typed)
        sandbox.drain(90)
        fault.release()
        assert fault.arrived.is_set(), case
        assert_kept_promise(sandbox, sends=2 if which == "next" else 1)
        return sandbox.receipts()[0].state

    with ThreadPoolExecutor(len(cases)) as pool:
        ended = list(zip(cases, pool.map(play, places, cases), strict=True))

    lost = [case for case, state in ended if state is not State.SENT]
    assert all(case[2] in (PLATFORM_POST, EVENTS_POST) or case[1] == "lost" for case in lost), lost


@pytest.mark.parametrize("api_", ENGINES)
def test_two_replicas_that_are_both_given_every_payload_four_times_send_once(
    make: Callable[..., Sandbox], nursery: Nursery, api_: str
) -> None:
    sandbox = make(api_, ENGINES[api_])
    other = spawn(sandbox, nursery)
    slack = sandbox.start_bot().slack
    types(sandbox)
    replicas = ("", f"{other.url}/slack/events")
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda to: slack.replay(4, at_once=True, to=to), replicas))
    sandbox.drain()

    assert all(ack.ok for acks in again for ack in acks)
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]
    assert_kept_promise(sandbox)
