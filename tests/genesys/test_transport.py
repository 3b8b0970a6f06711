"""What may be repeated, and what goes out on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from bot.genesys import Genesys, OutcomeUnknown, RateLimited, Unavailable
from bot.genesys.transport import PATIENCE, Bearer, Patience, Transport
from bot.sandbox.genesys import ANN, SimulatedGenesys

NEVER_LEFT: list[Exception] = [
    requests.ConnectTimeout("slow"),
    requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused"))),  # type: ignore[arg-type]
    requests.ConnectionError(MaxRetryError(None, "/", NameResolutionError("h", None, OSError()))),  # type: ignore[arg-type]
]
MAY_HAVE_LEFT: list[Exception] = [
    requests.ReadTimeout("slow"),
    requests.ConnectionError(ProtocolError("hung up")),
    requests.ConnectionError(MaxRetryError(None, "/", ProtocolError("hung up"))),  # type: ignore[arg-type]
    requests.ConnectionError("hung up"),
    requests.ConnectionError(),
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.SSLError("cut"),
    ConnectionResetError("reset"),
]


class Line:
    """A call that fails every time with the same error, and counts."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        raise self.error


@pytest.fixture
def transport() -> Transport:
    return Transport(timeout=(1, 1), now=lambda: datetime.now(UTC), sleep=lambda _: None)


@pytest.mark.parametrize("error", NEVER_LEFT, ids=repr)
def test_send_that_certainly_never_left_is_unavailable_and_not_repeated(
    transport: Transport, error: Exception
) -> None:
    line = Line(error)

    with pytest.raises(Unavailable) as failed:
        transport.send(line, Patience(lambda _: None))

    assert line.calls == 1
    assert failed.value.retry_after > 0
    assert "nothing was sent" in str(failed.value)


@pytest.mark.parametrize("error", MAY_HAVE_LEFT, ids=repr)
def test_send_that_may_have_left_is_unknown_and_not_repeated(transport: Transport, error: Exception) -> None:
    line = Line(error)

    with pytest.raises(OutcomeUnknown, match="may or may not have reached the customer"):
        transport.send(line, Patience(lambda _: None))

    assert line.calls == 1


@pytest.mark.parametrize("error", NEVER_LEFT + MAY_HAVE_LEFT, ids=repr)
def test_reading_is_tried_three_times_and_then_unavailable(transport: Transport, error: Exception) -> None:
    line = Line(error)

    with pytest.raises(Unavailable, match="nothing was sent"):
        transport.read(line, Patience(lambda _: None))

    assert line.calls == 3


def test_patience_ends_at_sixty_seconds_in_all_and_says_each_wait() -> None:
    slept: list[float] = []
    heard: list[float] = []
    patience = Patience(slept.append, heard.append)

    assert [patience.wait(40), patience.wait(21), patience.wait(20), patience.wait(1)] == [
        True,
        False,
        True,
        False,
    ]
    assert slept == [40, 20]
    assert heard == [40, 0, 20, 0]
    assert PATIENCE == 60


def test_token_is_not_replaced_by_a_netrc_entry_for_the_host(
    cloud: SimulatedGenesys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login intruder password intruder\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    far = Transport(
        "https://acme.mypurecloud.com",
        timeout=(1, 1),
        now=lambda: datetime.now(UTC),
        sleep=lambda _: None,
    )

    far.request("GET", f"{cloud.url}/api/v2/users/{ANN}", auth=Bearer("t0"))
    far.close()

    assert cloud.requests[0].headers["Authorization"] == "Bearer t0"


def test_proxy_of_the_environment_is_not_asked_for_a_host_on_this_machine(
    genesys: Genesys, nobody_there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", nobody_there)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert genesys.user(ANN).id == ANN


def test_proxy_of_the_environment_leads_to_hosts_elsewhere(
    cloud: SimulatedGenesys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", cloud.url)
    monkeypatch.delenv("no_proxy", raising=False)
    far = Transport(
        "http://login.elsewhere.test", timeout=(1, 1), now=lambda: datetime.now(UTC), sleep=lambda _: None
    )

    far.request("GET", "http://login.elsewhere.test/api/v2/users/me", auth=Bearer("t0"))
    far.close()

    [asked] = cloud.requests
    assert asked.headers["Host"] == "login.elsewhere.test"


def test_limit_reached_three_times_is_the_last_answer(transport: Transport) -> None:
    line = Line(requests.ConnectionError())
    answer = requests.Response()
    answer.status_code = 429
    answer.headers["Retry-After"] = "7"
    answer.request = requests.Request("GET", "http://localhost/").prepare()

    def limited() -> requests.Response:
        line.calls += 1
        return answer

    with pytest.raises(RateLimited, match="wait 7 seconds") as refused:
        transport.read(limited, Patience(lambda _: None))

    assert line.calls == 3
    assert refused.value.retry_after == 7
