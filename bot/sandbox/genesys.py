"""A simulated Genesys Cloud on 127.0.0.1: an organisation with an HTTP server in front of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal, Self
from urllib.parse import parse_qsl, urlsplit

import requests
from flask import Flask

from .genesys_api import dress, refusal
from .genesys_events import EventsContract, conversation_shown
from .genesys_platform import PlatformContract
from .genesys_webhooks import Announcement, signed
from .http import Server
from .organisation import Organisation, new_id, utc_now
from .organisation_accounts import SERVICE_PERMISSIONS

Contract = Literal["events", "platform"]

# The people and the conversation of the demo on the events contract; `PLATFORM_…` on the platform.
ANN = "demoann1-sup3-4rv1-s0rx-examp1eann01"
BOB = "demobob1-ag3n-4t01-s0rx-examp1ebob01"
CHAT = "demochat-l1v3-4n0w-s0rx-examp1echat1"
PLATFORM_ANN = "a11ee001-0000-4000-8000-0000000000a1"
PLATFORM_BOB = "b0b4a001-0000-4000-8000-0000000000b1"
PLATFORM_CHAT = "c4a70001-0000-4000-8000-0000000000c1"


class SimulatedGenesys(Organisation, Server):
    """
    Speaks one contract over its organisation; `url` is the host for tokens and for the API.

    What happens there is Organisation's to drive, what goes wrong on the way is Server's.
    """

    def __init__(self, *, contract: Contract, now: Callable[[], datetime]) -> None:
        app = Flask(__name__, static_folder=None)
        public = contract == "platform"
        self.contract: Contract = contract
        Organisation.__init__(
            self, now=now, new_id=_uuid if public else new_id, media="message" if public else "chat"
        )
        Server.__init__(self, app, refusal=refusal, now=now)
        dress(app)
        if public:
            self.permissions, self.token_lifetime = SERVICE_PERMISSIONS, 86_400
        spoken = PlatformContract(self) if public else EventsContract(self)
        app.register_blueprint(spoken.blueprint())
        self.ann = self.bob = self.chat = ""

    @classmethod
    def demo(cls, *, contract: Contract = "events", now: Callable[[], datetime] = utc_now) -> Self:
        """An organisation, not started yet, where Grace Hopper chats with `bob` and `ann` in `chat`."""
        genesys = cls(contract=contract, now=now)
        ids = (ANN, BOB, CHAT) if contract == "events" else (PLATFORM_ANN, PLATFORM_BOB, PLATFORM_CHAT)
        genesys.ann, genesys.bob, genesys.chat = ids
        genesys.add_user("Ann Lee", "ann.lee@example.com", user_id=genesys.ann)
        genesys.add_user("Bob Ray", "bob.ray@example.com", user_id=genesys.bob)
        genesys.start_chat(
            "Grace Hopper", agents=[genesys.bob], users=[genesys.ann], conversation_id=genesys.chat
        )
        genesys.customer_writes(genesys.chat, "Hello, my order has not arrived.")
        return genesys

    def log_in(self, authorize_url: str, user_id: str) -> str:
        """
        Do in the log-in page what this user would, and return where the browser is sent then.

        Raises ValueError with the page's words where it sends nobody anywhere.
        """
        return self._answer_page(authorize_url, user_id=user_id, do="log-in")

    def deny(self, authorize_url: str) -> str:
        """The same for somebody who does not let the OAuth client in."""
        return self._answer_page(authorize_url, do="deny")

    def announcement(
        self, conversation: str, url: str, secret: str, *, what: str = "started", event_id: str = ""
    ) -> Announcement:
        """
        The events contract's webhook to `url` that a chat has started or, with `what` "ended", has ended.

        It is signed for this moment; it leaves by its `post`, as often as that is called.
        """
        it = self.conversations[conversation]
        event = {
            "eventType": f"conversation.chat.{what}",
            "id": event_id or self.new_id(),
            "conversationId": it.id,
            "participants": conversation_shown(it, self.users_by)["participants"],
            "queue": next((each.queue for each in it.participants if each.queue), ""),
        }
        return signed(url, event, secret, self.now())

    def _answer_page(self, authorize_url: str, **chosen: str) -> str:
        form = dict(parse_qsl(urlsplit(authorize_url).query)) | chosen
        page = authorize_url.partition("?")[0]
        with requests.Session() as browser:
            browser.trust_env = False
            answer = browser.get(authorize_url, timeout=10)
            if answer.ok:
                answer = browser.post(page, data=form, allow_redirects=False, timeout=10)
        if answer.status_code != 302:
            raise ValueError(answer.text)
        return answer.headers["Location"]


def _uuid() -> str:
    return str(uuid.uuid4())
