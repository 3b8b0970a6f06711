"""Several bots on one PostgreSQL: work is shared, nothing is sent twice, and one may leave at any time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.models import State
from bot.sandbox.sandbox import Sandbox
from bot.settings import Settings
from tests.databases import ask
from tests.processes import spawn
from tests.waiting import until

RESPONSE = "escalation"


@pytest.fixture
def shared(make_sandbox: Callable[..., Sandbox], postgres_url: Callable[[], str]) -> Callable[..., Sandbox]:
    """A sandbox on PostgreSQL, open for bots to start in."""

    def make(**options: object) -> Sandbox:
        return make_sandbox(variables={"DATABASE_URL": postgres_url()}, **options).open().link()

    return make


@pytest.fixture
def start() -> Iterator[Callable[..., Bot]]:
    """Starts one more bot in a sandbox, which stays to the end."""
    started: list[Bot] = []

    def start(sandbox: Sandbox, sleep: Callable[[float], None] | None = None) -> Bot:
        started.append(another(sandbox, sleep))
        return started[-1]

    yield start
    for bot in started:
        bot.stop(5)


def another(sandbox: Sandbox, sleep: Callable[[float], None] | None = None, **variables: str) -> Bot:
    """One more bot, which waits in real time if no `sleep` is given; to be stopped."""
    environment = sandbox.environment() | {"CANNED_PORT": "0"} | variables
    bot = Bot(Settings.from_env(environment, need_slack=True), now=sandbox.clock, sleep=sleep)
    bot.start()
    return bot


def together(sandbox: Sandbox) -> Callable[[float], None]:
    """A sleep in which time passes on the clock, once for all who sleep at the same time."""
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        end = sandbox.clock() + timedelta(seconds=seconds)
        time.sleep(min(seconds, 0.05))
        with lock:
            sandbox.clock.advance(seconds=max(0.0, (end - sandbox.clock()).total_seconds()))

    return sleep


def claim(bot: Bot, sandbox: Sandbox, conversation: str) -> None:
    """A click that this bot has taken on and works at."""
    desk, slack = bot.parts.desk, sandbox.slack
    request = desk.start_request(
        slack.ann,
        slack.channel,
        conversation=conversation,
        response=RESPONSE,
        values={},
        click=conversation,
    )
    desk.deliver_soon(desk.claim(request))


@pytest.mark.parametrize("api", ["platform"], indirect=True)
def test_two_bots_with_more_to_send_than_genesys_takes_meet_no_limit_and_send_each_once(
    shared: Callable[..., Sandbox], start: Callable[..., Bot]
) -> None:
    sandbox = shared()
    limits = {"per_minute": 1000, "per_conversation": 10}
    team = {"name": "Support", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
    sandbox.configure({"teams": [{**team, "limits": limits}]})
    genesys = sandbox.genesys
    genesys.rate_limit = 25
    sleep = together(sandbox)
    bots = [start(sandbox, sleep) for _ in range(2)]
    chats = [genesys.start_chat(f"Customer {number}", users=[genesys.ann]) for number in range(20)]

    for number, chat in enumerate(chats):
        claim(bots[number % 2], sandbox, chat)

    def all_settled() -> bool:
        for bot in bots:
            bot.sweep()
        return not any(receipt.state.is_open for receipt in sandbox.receipts())

    until(all_settled)
    assert {receipt.state for receipt in sandbox.receipts()} == {State.SENT}
    assert sorted(sent.conversation_id for sent in genesys.received) == sorted(chats)
    assert genesys.over_rate <= 2


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_told_to_stop_while_a_send_waits_in_place_it_goes_back_at_once_and_another_bot_sends_it(
    shared: Callable[..., Sandbox],
) -> None:
    sandbox = shared()
    process = spawn(sandbox)
    sandbox.genesys.fault(sandbox.post, "429", retry_after=45)
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} {RESPONSE}", slack.channel)
    until(lambda: sandbox.receipts()[0].waiting_until)

    assert process.terminate() == 0

    assert sandbox.genesys.received == []
    assert ask(sandbox.database_url, "SELECT state, worker FROM sends") == [("pending", None)]
    sandbox.clock.advance(seconds=46)
    sandbox.start_bot().drain()
    assert [receipt.state for receipt in sandbox.receipts()] == [State.SENT]
    assert len(sandbox.genesys.received) == 1


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_send_that_others_have_given_up_while_it_waited_in_place_does_not_leave_any_more(
    shared: Callable[..., Sandbox], start: Callable[..., Bot]
) -> None:
    sandbox = shared()
    waits, over = threading.Event(), threading.Event()

    def sleep(_seconds: float) -> None:
        waits.set()
        over.wait(40)

    sandbox.genesys.fault(sandbox.post, "429", retry_after=45)
    still, other = start(sandbox, sleep), start(sandbox)
    claim(still, sandbox, sandbox.conversation)
    assert waits.wait(20)

    def given_up() -> bool:
        sandbox.clock.advance(seconds=20)  # in which it did not say that it is alive
        other.sweep()
        return sandbox.receipts()[0].state is State.UNKNOWN

    until(given_up)
    over.set()
    until(lambda: not still.parts.lanes.sends.depth)

    assert sandbox.genesys.received == []
    assert [receipt.state for receipt in sandbox.receipts()] == [State.UNKNOWN]


@pytest.mark.parametrize("api", ["platform"], indirect=True)
def test_message_under_way_when_the_time_is_up_is_looked_for_by_the_next_bot(
    shared: Callable[..., Sandbox], start: Callable[..., Bot]
) -> None:
    sandbox = shared()
    leaving, staying = sandbox.start_bot().bot, start(sandbox)
    held = sandbox.genesys.hold(sandbox.post, then="lost_after", worked=True)
    claim(leaving, sandbox, sandbox.conversation)
    assert held.arrived.wait(20)

    assert not sandbox.stop_bot(timeout=0.1)

    assert sandbox.receipts()[0].state is State.SENDING
    sandbox.clock.advance(seconds=30)
    until(lambda: staying.sweep() or sandbox.receipts()[0].state is State.SENT)
    held.release()
    assert len(sandbox.genesys.seen(sandbox.post)) == 1


@pytest.mark.parametrize("api", ["platform"], indirect=True)
def test_look_for_a_lost_answer_that_is_cut_short_by_leaving_makes_no_unknown(
    shared: Callable[..., Sandbox], start: Callable[..., Bot]
) -> None:
    sandbox = shared()
    sandbox.genesys.fault(sandbox.post, "lost_after")
    sandbox.genesys.messages_show_after = 3600
    leaving = another(sandbox)
    claim(leaving, sandbox, sandbox.conversation)
    until(lambda: len(sandbox.genesys.seen("GET /api/v2/conversations/{id}")) >= 2)

    assert leaving.stop(10)

    assert sandbox.receipts()[0].state is State.SENDING
    sandbox.genesys.messages_show_after = 0
    sandbox.clock.advance(seconds=30)
    start(sandbox)
    until(lambda: sandbox.receipts()[0].state is State.SENT)
    assert len(sandbox.genesys.seen(sandbox.post)) == 1


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_commands_reach_one_of_two_bots_in_socket_mode_and_the_other_when_it_has_left(
    shared: Callable[..., Sandbox],
    start: Callable[..., Bot],
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox = shared(socket_mode=True)
    slack = sandbox.slack
    sandbox.start_bot()
    staying = start(sandbox)
    chats = [sandbox.conversation, sandbox.genesys.start_chat("Ada", users=[sandbox.genesys.ann])]

    until(lambda: slack.sockets.count == 2)
    for chat in chats:
        assert slack.types(slack.ann, f"/canned {chat} {RESPONSE}", slack.channel).ok
    until(lambda: len(sandbox.genesys.received) == 2)
    workers = ask(sandbox.database_url, "SELECT DISTINCT worker FROM sends")
    assert len(workers) == 2

    slack.sockets.refresh()
    assert slack.types(slack.ann, "/canned help", slack.channel).ok

    sandbox.stop_bot()
    with ThreadPoolExecutor(3) as pool:
        typed = [pool.submit(slack.types, slack.ann, "/canned help", slack.channel) for _ in range(3)]
    assert all(each.result().ok for each in typed)
    assert "takes a part of the commands away" not in caplog.text
    assert staying.ready()["slack"]


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_bot_on_another_database_that_takes_commands_away_is_noticed(
    shared: Callable[..., Sandbox], start: Callable[..., Bot], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = shared(socket_mode=True)
    start(sandbox)
    other = another(sandbox, DATABASE_URL=f"sqlite:///{sandbox.folder}/old.db")

    until(lambda: "2 connections of this app and 1 processes" in caplog.text)
    other.stop(5)
