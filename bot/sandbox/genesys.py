"""A simulated Genesys Cloud on 127.0.0.1: an organisation with an HTTP server in front of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from flask import Flask

from .genesys_api import dress, refusal
from .genesys_events import EventsContract
from .http import Server
from .organisation import Organisation, utc_now

ANN = "demoann1-sup3-4rv1-s0rx-examp1eann01"
BOB = "demobob1-ag3n-4t01-s0rx-examp1ebob01"
CHAT = "demochat-l1v3-4n0w-s0rx-examp1echat1"


class SimulatedGenesys(Organisation, Server):
    """
    Speaks the events contract; `url` is the host for tokens and for the API.

    What happens there is Organisation's to drive, what goes wrong on the way is Server's.
    """

    def __init__(self, *, now: Callable[[], datetime] = utc_now, port: int = 0) -> None:
        app = Flask(__name__, static_folder=None)
        Organisation.__init__(self, now=now)
        Server.__init__(self, app, refusal=refusal, now=now, port=port)
        dress(app)
        app.register_blueprint(EventsContract(self).blueprint())

    @classmethod
    def demo(cls, *, now: Callable[[], datetime] = utc_now, port: int = 0) -> Self:
        """An organisation, not started yet, where Grace Hopper chats with ANN and BOB in CHAT."""
        genesys = cls(now=now, port=port)
        genesys.add_user("Ann Lee", "ann.lee@example.com", user_id=ANN)
        genesys.add_user("Bob Ray", "bob.ray@example.com", user_id=BOB)
        genesys.start_chat("Grace Hopper", agents=[BOB], users=[ANN], conversation_id=CHAT)
        genesys.customer_writes(CHAT, "Hello, my order has not arrived.")
        return genesys
