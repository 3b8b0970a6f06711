"""
What is counted, for Prometheus, in a registry of its own: no globals, no ids, no names of people.

Counters are this process's; what is told of the database is the same in every process on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.canned.lanes import Lane
from bot.models import Receipt, State
from bot.storage import Backlog, StorageError

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

ACK = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 3.0)  # seconds; Slack waits three
SEND = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
TOKEN = "/oauth/token"  # noqa: S105 - the end of a path


class Metrics:
    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = own = CollectorRegistry()
        self._sends = Counter("canned_sends", "Sends that came to this outcome", ["outcome"], registry=own)
        self._send_seconds = Histogram(
            "canned_send_seconds",
            "From the moment a send was to leave until its outcome",
            buckets=SEND,
            registry=own,
        )
        self._ack_seconds = Histogram(
            "canned_ack_seconds", "From Slack's request until its answer", buckets=ACK, registry=own
        )
        self._genesys = Counter(
            "canned_genesys_requests", "By status: 2xx, 3xx, 4xx, 429, 5xx, none", ["status"], registry=own
        )
        self._tokens = Counter(
            "canned_genesys_token_requests", "Tokens fetched and renewed", ["status"], registry=own
        )
        self._sockets = Gauge(
            "canned_socket_connections",
            "Socket Mode connections of the app, as Slack last said",
            registry=own,
        )
        for state in State:  # from the start, so that the first one is a rise
            if not state.is_open:
                self._sends.labels(state.value)
        self._genesys.labels("429")

    # -- told where it happens ---------------------------------------------------------------

    def settled(self, receipt: Receipt) -> None:
        """A send has moved; only an outcome counts."""
        if receipt.state.is_open:
            return
        request = receipt.request
        self._sends.labels(receipt.state.value).inc()
        agreed = receipt.gate_until is None or receipt.opened_by is not None
        if receipt.handled_by is not None or not agreed:
            return  # how long people took to look or to agree says nothing about sending
        meant = request.not_before or request.requested_at
        self._send_seconds.observe(max(0.0, (receipt.changed_at - meant).total_seconds()))

    def acked(self, seconds: float) -> None:
        """A request of Slack's was answered."""
        self._ack_seconds.observe(seconds)

    def answered(self, path: str, status: int | None) -> None:
        """Genesys has answered a request, or (None) has not."""
        kind = "none" if status is None else "429" if status == 429 else f"{status // 100}xx"
        (self._tokens if path.endswith(TOKEN) else self._genesys).labels(kind).inc()

    def connected(self, connections: int) -> None:
        self._sockets.set(connections)

    # -- asked at each scrape ----------------------------------------------------------------

    def watch(
        self, lanes: Iterable[Lane], backlog: Callable[[], Backlog], now: Callable[[], datetime]
    ) -> None:
        """Show these at each scrape, too."""
        self._registry.register(_Watched(lanes, backlog, now))

    def page(self) -> tuple[bytes, str]:
        """What is known now, as Prometheus reads it, and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Watched:
    def __init__(
        self, lanes: Iterable[Lane], backlog: Callable[[], Backlog], now: Callable[[], datetime]
    ) -> None:
        self._lanes, self._backlog, self._now = lanes, backlog, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from prometheus_client.core import GaugeMetricFamily

        depth = GaugeMetricFamily(
            "canned_lane_depth", "Jobs queued, running or set for later", labels=["lane"]
        )
        for lane in self._lanes:
            depth.add_metric([lane.name], lane.depth)
        yield depth
        try:
            backlog = self._backlog()
        except StorageError:
            return  # /readyz says so
        age = (self._now() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        yield _gauge("canned_posts_due", "Posts that Slack should have by now", backlog.posts)
        yield _gauge("canned_sends_unknown", "Unknown sends nobody has dealt with", backlog.unknown)
        yield _gauge(
            "canned_oldest_send_seconds", "How long the oldest unfinished send has waited", max(0.0, age)
        )


def _gauge(name: str, said: str, value: Any) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, said, value=value)
