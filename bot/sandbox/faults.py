"""What a simulation's HTTP server remembers of a request, and what can be made to go wrong with one."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from werkzeug.datastructures import Headers, MultiDict

Kind = Literal[
    "lost_before",  # hang up, nothing was done
    "lost_after",  # do the work, then hang up without an answer
    "cut_body",  # do the work, hang up in the middle of the answer's body
    "broken_json",  # do the work, answer half of its JSON as if it were whole
    "status",  # answer `status`, nothing was done
    "429",  # the same with 429 and, if given, Retry-After
    "redirect",  # answer 307 back to the same place: a client that follows it repeats its request
    "delay",  # do the work after `seconds`
    "hang",  # do the work once released, or after `seconds`
]


@dataclass
class Seen:
    """
    One request as it arrived, and the fault that it ran into.

    `connection` numbers the TCP connections from 1; `status` is what it was answered with, None
    while it is not, 0 where nobody answered.
    """

    method: str
    path: str
    query: MultiDict[str, str]
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    form: MultiDict[str, str] = field(repr=False)
    at: datetime
    connection: int
    fault: Kind | None = None
    status: int | None = None

    @property
    def json(self) -> Any:
        """The body's JSON. Raises ValueError if it is none."""
        return json.loads(self.body)


class Fault:
    """
    Something to go wrong with the requests that match, `times` times (None: always).

    `arrived` is set as soon as a request has run into it, `worked` once its work is done;
    `release` lets held ones go on.
    """

    def __init__(
        self,
        match: str,
        kind: Kind,
        *,
        times: int | None = 1,
        status: int = 503,
        seconds: float = 0,
        retry_after: float | str | None = None,
        hold: Literal["", "before", "after"] = "",
    ) -> None:
        if kind not in get_args(Kind):
            raise ValueError(f"no such fault: {kind}; there are {', '.join(get_args(Kind))}")
        self.kind, self.times, self.seconds, self.retry_after = kind, times, seconds, retry_after
        self.status = 429 if kind == "429" else status
        self.hold = "before" if kind == "hang" else hold
        self.arrived = threading.Event()
        self.worked = threading.Event()
        self.released = threading.Event()
        self._pattern = request_pattern(match)

    def release(self) -> None:
        self.released.set()

    def matches(self, method: str, path: str) -> bool:
        return self.times != 0 and self._pattern.fullmatch(f"{method} {path}") is not None


def request_pattern(match: str) -> re.Pattern[str]:
    """What fully matches "METHOD /path" where `match` does; Server says how one is written."""
    if match != "*" and " " not in match:
        match += " *"
    wild = re.escape(match).replace(r"\*", ".*")
    return re.compile(re.sub(r"\\{[^/{}]+\\}", "[^/ ]+", wild), re.DOTALL)
