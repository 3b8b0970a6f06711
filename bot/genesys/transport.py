"""
One pool of connections to Genesys Cloud, and the one rule for when a request may be repeated.

                never left    429              5xx, reset, time-out, unreadable answer
    reading     repeat        wait, repeat     repeat, then Unavailable
    sending     Unavailable   wait, repeat     OutcomeUnknown, never repeated

Three tries at most, and at most 60 seconds of waiting in place. What requests, urllib3
and Authlib raise ends here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import select_proxy

from .answers import Answer
from .errors import OutcomeUnknown, RateLimited, Unavailable
from .pace import Need, Pace, Room, limited

log = logging.getLogger(__name__)

OnWait = Callable[[float], None]
# A request's path, and its answer's status if there was one; "" for a path where an answer broke off.
OnAnswer = Callable[[str, int | None], None]

TRIES = 3
PATIENCE = 60.0
FIRST_PAUSE = 0.3
MOMENT = (1.5, 1.5)  # seconds to connect, and between bytes, where only somebody watches

UNCONFIRMED = (
    "Genesys did not confirm the message: it may or may not have reached the customer. "
    "Look at the conversation in Genesys before sending it again."
)

# All that requests raises itself is an OSError. A redirect's address, which it reads though it does
# not go there, can be a ValueError, and so can one of urllib3's own.
_FROM_BELOW = (OSError, ValueError, urllib3.exceptions.HTTPError)

_dice = random.SystemRandom()

_UNREACHABLE = (
    "Genesys could not be reached, so nothing was sent. Try again in a minute; if it stays like this, "
    "tell the operator."
)
_NO_ANSWER = (
    "Genesys gave no usable answer, and nothing was sent. Try again in a minute; if it stays like this, "
    "tell the operator."
)


class Bearer(AuthBase):
    """A token for `auth=`; an `Authorization` header set by hand would give way to a `.netrc` entry."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass
class Patience:
    """
    How long one call may still wait in place for a 429.

    `on_wait` hears of each wait (seconds), and of its end (0); of one in line behind other requests or
    for a token, which is quiet, only that it is over. `need` is how much it matters.
    """

    sleep: Callable[[float], None]
    on_wait: OnWait | None = None
    left: float = PATIENCE
    need: Need = Need.NOW

    def wait(self, seconds: float, *, quietly: bool = False) -> bool:
        """Wait that long, or say False if that would be too long."""
        if seconds > self.left:
            return False
        self.left -= seconds
        if self.on_wait and not quietly:
            self.on_wait(seconds)
        self.sleep(seconds)
        if not quietly:
            self.over()
        return True

    def over(self) -> None:
        """Say that a wait is over."""
        if self.on_wait:
            self.on_wait(0)


class Transport:
    """
    The connections. `timeout` is (to connect, between bytes of the answer), in seconds.

    Thread-safe: nothing on the session changes after it is made, so it keeps no cookies.
    """

    def __init__(
        self,
        *hosts: str,
        timeout: tuple[float, float],
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        on_answer: OnAnswer | None = None,
    ) -> None:
        self.timeout = timeout
        self._on_answer = on_answer
        self._now = now
        self._sleep = sleep
        self._pace = Pace(now)
        self.session = requests.Session()
        self.session.headers.update({"Accept": "application/json", "User-Agent": "canned"})
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        _read_surroundings(self.session, hosts)
        self.session.mount("https://", HTTPAdapter(pool_maxsize=64))
        self.session.mount("http://", HTTPAdapter(pool_maxsize=64))

    def close(self) -> None:
        self.session.close()

    def request(self, method: str, url: str, *, auth: AuthBase, body: object = None) -> requests.Response:
        """One request, followed nowhere: a redirect would repeat a POST at an address nobody chose."""
        return self.session.request(
            method, url, auth=auth, json=body, timeout=self.timeout, allow_redirects=False
        )

    def reaches(self, url: str) -> bool:
        """Whether something that is not broken answers there, within a moment."""
        try:
            answer = self.session.get(url, timeout=MOMENT, allow_redirects=False)
        except _FROM_BELOW:
            return False
        return answer.status_code < 500

    def read(
        self, call: Callable[[], requests.Response], patience: Patience, *, token: str | None = None
    ) -> Answer:
        """
        The clear answer (a 2xx with a JSON object, or a 4xx) to a request that changes nothing.

        `token` is the one whose rate it counts against. Raises RateLimited, or Unavailable
        after the last try.
        """
        room = self._pace.of(token)
        for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE):
            try:
                return self._once(call, room, patience)
            except RateLimited as exc:
                if exc.retry_after > patience.left:
                    raise
            except (Unavailable, OutcomeUnknown):
                self._sleep(pause * _dice.uniform(0.5, 1.5))
        try:
            return self._once(call, room, patience)
        except OutcomeUnknown as exc:
            raise Unavailable(_NO_ANSWER, correlation_id=exc.correlation_id) from exc

    def send(
        self, call: Callable[[], requests.Response], patience: Patience, *, token: str | None = None
    ) -> Answer:
        """
        The clear answer to a request that must not be made twice.

        Raises RateLimited and Unavailable where it was certainly not taken, else OutcomeUnknown.
        """
        room = self._pace.of(token)
        for _ in range(TRIES - 1):
            try:
                return self._once(call, room, patience)
            except RateLimited as exc:
                if exc.retry_after > patience.left:
                    raise
        return self._once(call, room, patience)

    def _once(self, call: Callable[[], requests.Response], room: Room, patience: Patience) -> Answer:
        room.enter(patience)
        answer, path = None, ""
        try:
            response = call()
            answer = Answer.of(response, self._now())
        except _FROM_BELOW as exc:
            path = _path_of(getattr(exc, "request", None))
            log.warning("genesys: no answer, %s", type(exc).__name__)
            if _never_left(exc):
                raise Unavailable(_UNREACHABLE) from exc
            raise OutcomeUnknown(UNCONFIRMED) from exc
        finally:
            if answer is None:
                room.leave()
                self._tell(path, None)
        self._tell(_path_of(response.request), answer.status)
        over = answer.status == 429
        room.leave(response.headers, rest=answer.retry_after if over else None)
        if not answer.ok:
            _log(response, answer)
        if over:
            raise limited(answer.retry_after, answer.correlation_id)
        if not answer.is_clear:
            raise OutcomeUnknown(UNCONFIRMED, correlation_id=answer.correlation_id)
        return answer

    def _tell(self, path: str, status: int | None) -> None:
        if self._on_answer is not None:
            self._on_answer(path, status)


def _read_surroundings(session: requests.Session, hosts: Iterable[str]) -> None:
    """Proxies and roots as the environment names them: read once, since each request would else search it."""
    for host in hosts:
        found = session.merge_environment_settings(host, {}, None, None, None)
        session.verify = found["verify"]
        proxy = select_proxy(host, found["proxies"])
        if proxy and not is_loopback(host):  # no proxy leads to this machine
            session.proxies[f"{urlsplit(host).scheme}://{urlsplit(host).hostname}"] = proxy
    session.trust_env = False


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _never_left(exc: Exception) -> bool:
    """Whether it is certain that no byte of the request went out; when in doubt, it is not."""
    if isinstance(exc, requests.ConnectTimeout):
        return True
    cause: Any = exc.args[0] if isinstance(exc, requests.ConnectionError) and exc.args else None
    return isinstance(cause, urllib3.exceptions.MaxRetryError) and isinstance(
        cause.reason, urllib3.exceptions.NewConnectionError
    )


def _path_of(request: requests.PreparedRequest | None) -> str:
    return urlsplit(request.url or "").path if request else ""


def _log(response: requests.Response, answer: Answer) -> None:
    refused = answer.is_clear and answer.status not in (401, 403)  # often just somebody's slip
    log.log(
        logging.INFO if refused else logging.WARNING,
        "genesys: %s %s answered %s %s, correlation %s",
        response.request.method,
        _path_of(response.request),
        answer.status,
        answer.code or "-",
        answer.correlation_id or "-",
    )
