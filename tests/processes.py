"""
The bot as a process of its own, to be told to stop or killed.

By itself `spawn` starts the command, which takes about a second. A Nursery starts it once, up to
where it would read its settings, and forks as many as are wanted from there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, Self, cast

import requests

from bot.sandbox.ports import Port

if TYPE_CHECKING:
    from bot.sandbox.sandbox import Sandbox

KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
LOG = "bot.log"  # of every process, in the folder of its sandbox


class Child(Protocol):
    """What subprocess.Popen and a fork of ours have in common."""

    pid: int

    def poll(self) -> int | None: ...
    def send_signal(self, sig: int, /) -> None: ...


class Process:
    """
    The bot, listening at `url`; `start` starts it with these variables.

    `struck` are the moments (of the real clock) when it was killed or made to stand still.
    """

    def __init__(self, start: Callable[[Mapping[str, str]], Child], variables: Mapping[str, str]) -> None:
        self._port = Port()
        self.url = self._port.url
        self.struck: list[datetime] = []
        here = {"CANNED_PORT": str(self._port.port), "CANNED_PUBLIC_URL": self.url, "LOG_LEVEL": "DEBUG"}
        self._child = start({**variables, **here})

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        self.struck.append(datetime.now(UTC))
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: it stands still until `resume`."""
        self.struck.append(datetime.now(UTC))
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def terminate(self) -> int:
        """SIGTERM; the exit code once it has left."""
        return self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def wait_until_ready(self) -> Self:
        end = time.monotonic() + 30
        while not self._port.is_served():
            if not self.is_alive or time.monotonic() > end:
                raise RuntimeError(f"the bot did not start, exit code {self._child.poll()}")
            time.sleep(0.01)
        requests.get(f"{self.url}/healthz", timeout=30).raise_for_status()
        return self

    def _end(self, how: signal.Signals) -> int:
        if self.is_alive:
            self._child.send_signal(how)
        end = time.monotonic() + 30
        while (code := self._child.poll()) is None:
            if time.monotonic() > end:
                raise TimeoutError("the bot does not leave")
            time.sleep(0.005)
        self._port.close()
        return code


def spawn(sandbox: Sandbox, nursery: Nursery | None = None) -> Process:
    """
    The bot of `sandbox`, which can be killed; Slack talks to it from now on.

    Without a `nursery` to fork it from it is the command itself.
    """
    start = partial(nursery.fork if nursery else run, folder=sandbox.folder)
    process = Process(start, sandbox.environment())
    sandbox.processes.append(process)
    process.wait_until_ready()
    sandbox.slack.connect(f"{process.url}/slack/events")
    return process


def run(variables: Mapping[str, str], folder: Path) -> Child:
    """`canned run`, as anybody starts it."""
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=folder,
            env={**_environment(), **variables},
            stderr=log,
        )


class Nursery:
    """
    A process that has imported the bot and has one thread, for others to be forked from.

    What is forked does what `canned run` does after it has read its variables.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.processes"],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, variables: Mapping[str, str], folder: Path) -> Child:
        pid = self._ask(variables=variables, folder=str(folder))
        if pid is None:
            raise RuntimeError("nothing was forked")
        return _Forked(pid, self._ask)

    def close(self) -> None:
        """Let it leave; what was forked from it stays."""
        self._parent.communicate()

    def _ask(self, **order: object) -> int | None:
        orders, answers = cast(IO[str], self._parent.stdin), cast(IO[str], self._parent.stdout)
        with self._lock:
            orders.write(json.dumps(order) + "\n")
            orders.flush()
            answer: int | None = json.loads(answers.readline())
            return answer


class _Forked:
    def __init__(self, pid: int, ask: Callable[..., int | None]) -> None:
        self.pid, self._ask = pid, ask
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._ask(poll=self.pid)
        return self._code

    def send_signal(self, sig: int, /) -> None:
        os.kill(self.pid, sig)  # the number is its own until somebody polled it to the end


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path)}


def _main() -> None:
    """The nursery's own process: an order a line, an answer a line."""
    import bot.connect_pages
    import bot.slack.listening
    import bot.slack.workspace
    import bot.web  # noqa: F401 - so that nobody forked has to
    from bot.app import serve
    from bot.settings import Settings

    _warm_up_storage()
    for line in sys.stdin:
        order = json.loads(line)
        if "poll" in order:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif (answer := os.fork()) == 0:
            _leave_behind(Path(order["folder"]))
            serve(Settings.from_env(order["variables"], need_slack=True), now=_now)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _warm_up_storage() -> None:
    """What it imports only once there is a database; PostgreSQL's driver may not be there."""
    from bot.storage import StorageError, Store

    with suppress(StorageError):
        Store("postgresql+psycopg://127.0.0.1/none", now=_now, worker="nursery").close()
    with tempfile.TemporaryDirectory(prefix="canned-") as folder:
        store = Store(f"sqlite:///{folder}/canned.db", now=_now, worker="nursery")
        store.upgrade()
        store.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _leave_behind(folder: Path) -> None:
    """Nothing is shared with the nursery but what it had imported; the log goes into a file."""
    os.chdir(folder)
    nothing, log = os.open(os.devnull, os.O_RDWR), os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for theirs, ours in ((0, nothing), (1, nothing), (2, log)):
        os.dup2(ours, theirs)


if __name__ == "__main__":
    _main()
