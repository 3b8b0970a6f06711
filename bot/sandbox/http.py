"""
A loopback HTTP server for the simulations: keeps connections alive, remembers requests, fails on demand.

werkzeug's own handler closes every connection after its answer, and then a client could
not show that it keeps them open. So the wire is spoken here, with werkzeug's environ.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from socket import SHUT_RDWR, socket
from typing import Any, ClassVar, Self

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from .faults import Fault, Kind, Seen, request_pattern


class Server:
    """
    A Flask app on 127.0.0.1, started and stopped at will; after `stop` it starts on its old port.

    A `match` names requests as "POST /api/v2/things/{id}": a {wildcard} is one part of
    the path, * is anything, a method alone is any path. `refusal` makes the answer to a
    fault's status, so that it looks like the vendor's own.
    """

    def __init__(
        self,
        app: Flask,
        *,
        refusal: Callable[[int], Response] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app, self._now, self._port = app, now, 0
        self._refusal = refusal or (lambda status: Response(status=status))
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._seen: list[Seen] = []
        self._open: dict[socket, threading.Thread] = {}
        self._stopping = threading.Event()
        self._httpd: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.connections = 0

    def start(self) -> Self:
        handler: type[_Wire] = type("Wire", (_Wire,), {"owner": self})
        self._stopping.clear()
        self._httpd = make_server("127.0.0.1", self._port, self._app, threaded=True, request_handler=handler)
        self._port = self._httpd.port
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Refuse connections from now on and hang up on the open ones; what is held is never done."""
        if self._httpd is None or self._thread is None:
            return
        self._stopping.set()
        self.clear_faults()
        self._httpd.shutdown()
        self._thread.join()
        self._httpd.server_close()
        with self._lock:
            still_open = dict(self._open)
        for connection, thread in still_open.items():
            _hang_up(connection)
            thread.join(5)
        self._httpd = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """http://127.0.0.1:port with no slash at the end. Raises RuntimeError before the first start."""
        if not self._port:
            raise RuntimeError("the server has no address before it was started")
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Seen]:
        with self._lock:
            return list(self._seen)

    def seen(self, match: str) -> list[Seen]:
        """The requests so far that match, oldest first."""
        pattern = request_pattern(match)
        return [each for each in self.requests if pattern.fullmatch(f"{each.method} {each.path}")]

    def forget(self) -> None:
        """Begin the list of requests anew."""
        with self._lock:
            self._seen.clear()

    def fault(
        self,
        match: str,
        kind: Kind,
        *,
        times: int | None = 1,
        status: int = 503,
        seconds: float = 0,
        retry_after: float | str | None = None,
    ) -> Fault:
        """Let requests that match go wrong; with `seconds`, that much later. Earlier faults come first."""
        return self._add(
            Fault(match, kind, times=times, status=status, seconds=seconds, retry_after=retry_after)
        )

    def hold(self, match: str, *, then: Kind = "delay", worked: bool = False) -> Fault:
        """
        Stop the next request that matches, until `release`; go on as `then` says, by default as usual.

        `worked`: hold it after its work is done and before it is answered.
        """
        return self._add(Fault(match, then, hold="after" if worked else "before"))

    def clear_faults(self) -> None:
        """Forget every fault and let go of what they hold."""
        with self._lock:
            faults, self._faults = self._faults, []
        for fault in faults:
            fault.release()

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def _next_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            fault = next((each for each in self._faults if each.matches(method, path)), None)
            if fault and fault.times is not None:
                fault.times -= 1
        return fault

    def _opened(self, connection: socket) -> int:
        with self._lock:
            self._open[connection] = threading.current_thread()
            self.connections += 1
            number = self.connections
        if self._stopping.is_set():
            _hang_up(connection)
        return number

    def _closed(self, connection: socket) -> None:
        with self._lock:
            self._open.pop(connection, None)

    def _answer(self, environ: dict[str, Any], connection: int) -> tuple[Response, bytes] | None:
        """The answer and what of its body goes on the wire; None hangs up."""
        request = Request(environ)
        body = request.get_data()
        fault = self._next_fault(request.method, request.path)
        seen = Seen(
            request.method,
            request.path,
            request.args,
            Headers(request.headers),
            body,
            request.form,
            self._now(),
            connection,
            fault.kind if fault else None,
        )
        with self._lock:
            self._seen.append(seen)
        environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = self._go_wrong(fault, environ) if fault else _whole(self._work(environ))
        seen.status = answer[0].status_code if answer else 0
        return answer

    def _work(self, environ: dict[str, Any]) -> Response:
        return Response.from_app(self._app, environ, buffered=True)

    def _go_wrong(self, fault: Fault, environ: dict[str, Any]) -> tuple[Response, bytes] | None:
        fault.arrived.set()
        self._wait_before(fault)
        if self._stopping.is_set():
            return None
        works = fault.kind not in ("lost_before", "status", "429", "redirect")
        response = self._work(environ) if works else self._instead(fault, environ)
        fault.worked.set()
        if fault.hold == "after":
            fault.released.wait()
        if self._stopping.is_set() or fault.kind in ("lost_before", "lost_after"):
            return None
        if fault.kind == "broken_json":
            response.set_data(_half(response))
        return _whole(response) if fault.kind != "cut_body" else (response, _half(response))

    def _wait_before(self, fault: Fault) -> None:
        if fault.hold == "before":
            fault.released.wait(fault.seconds or None)
        elif fault.seconds:
            self._stopping.wait(fault.seconds)

    def _instead(self, fault: Fault, environ: dict[str, Any]) -> Response:
        if fault.kind == "redirect":
            return Response(status=307, headers={"Location": Request(environ).full_path.rstrip("?")})
        response = self._refusal(fault.status)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        return response


class _Wire(WSGIRequestHandler):
    """One connection, answering until either side hangs up."""

    owner: ClassVar[Server]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # status, headers and body leave together
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._number = self.owner._opened(self.connection)

    def finish(self) -> None:
        self.owner._closed(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        answer = self.owner._answer(self.make_environ(), self._number)
        if answer is None:
            self.close_connection = True
            return
        response, sent = answer
        self.send_response(response.status_code)
        if response.status_code not in (204, 304):
            response.headers["Content-Length"] = str(len(response.get_data()))
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
        self.close_connection = self.close_connection or sent != response.get_data()

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing: `Server.requests` is the log."""


def _whole(response: Response) -> tuple[Response, bytes]:
    return response, response.get_data()


def _half(response: Response) -> bytes:
    data = response.get_data()
    return data[: len(data) // 2] or b"{"


def _hang_up(connection: socket) -> None:
    try:
        connection.shutdown(SHUT_RDWR)
    except OSError:
        return  # the other side was faster
