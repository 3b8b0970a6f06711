"""An address for a server that comes and goes."""

from __future__ import annotations

import socket


class Port:
    """
    A port kept for a server that starts, stops and starts again.

    Bound and never listening, with SO_REUSEADDR: so does the server bind it beside us, and
    nobody is given it who asks for any.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def is_served(self) -> bool:
        """Whether somebody listens there."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        self._socket.close()
