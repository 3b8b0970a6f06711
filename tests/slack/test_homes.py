"""When App Homes are shown again: for whom, how often, and what stands there while nothing can be said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.canned.errors import NotWritten
from bot.canned.glance import Glance
from bot.canned.lanes import Lane
from bot.sandbox.slack import SimulatedSlack
from bot.slack.client import posting_client
from bot.slack.homes import IN_USE, Homes

PUBLISH = "POST /api/views.publish"


class Bench:
    """Homes on a simulated Slack, with a clock that stands still."""

    def __init__(self, slack: SimulatedSlack) -> None:
        self.slack = slack
        self.time = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.lane = Lane("bulk", 2)
        client = posting_client(slack.bot_token, f"{slack.url}/api/", None)
        self.homes = Homes(client, self.lane, now=lambda: self.time)

    def shown(self) -> int:
        assert self.lane.wait_idle(10)
        return len(self.slack.seen(PUBLISH))


@pytest.fixture
def bench() -> Iterator[Bench]:
    slack = SimulatedSlack.demo()
    slack.start()
    bench = Bench(slack)
    yield bench
    bench.lane.close(5)
    slack.stop()


def nothing_known(user: str) -> Glance:
    return Glance(user, ())


def test_many_changes_are_shown_once(bench: Bench) -> None:
    bench.homes.show("U0ANN", nothing_known)
    bench.time += timedelta(seconds=1.8)
    for _ in range(50):
        bench.homes.changed("U0ANN")

    assert bench.shown() == 2


def test_who_has_not_opened_theirs_for_hours_is_not_thought_of(bench: Bench) -> None:
    bench.homes.changed("U0ANN")
    bench.homes.show("U0ANN", nothing_known)
    bench.time += IN_USE
    bench.homes.changed("U0ANN")

    assert bench.shown() == 1


def test_while_the_database_is_away_it_says_so_and_offers_to_look_again(bench: Bench) -> None:
    def lost(_: str) -> Glance:
        raise NotWritten("The database does not answer.")

    bench.homes.show("U0ANN", lost)
    home = bench.slack.home("ann")

    assert home is not None
    assert "The database does not answer." in home.text
    assert "[Refresh]" in home.text


def test_a_slack_without_the_home_tab_harms_nobody(bench: Bench) -> None:
    bench.slack.home_tab = False
    bench.homes.show("U0ANN", nothing_known)

    assert bench.slack.home("ann") is None
