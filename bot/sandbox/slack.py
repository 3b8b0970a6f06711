"""
A simulated Slack workspace on 127.0.0.1, and the hands of the people in it.

People type, fill in, choose, press and read; the app hears of it as it would from Slack -
signed, within 3 seconds, over HTTP or Socket Mode - and speaks through the Web API. Users
and channels are named by id or by name.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from flask import Flask

from . import limits, slack_answers
from . import slack_forms as forms
from .http import Server
from .slack_api import fault_answer, install
from .slack_people import PeopledWorkspace
from .slack_said import Message
from .slack_state import Channel, Json, ResponseUrl, Workspace
from .slack_view import View
from .slack_views import view_json
from .slack_wire import Ack, Delivery, HttpWire, Kind, Payloads, Wire, encoded, without_channel

if TYPE_CHECKING:
    from .slack_socket import SocketWire


class SimulatedSlack(PeopledWorkspace, Server):
    """
    `url` + "/api/" is where the Web API is; `connect` says where the app listens.

    Settable: `ack_lag`, the seconds from the whole answer until Slack applies the view in it.
    """

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        Workspace.__init__(self, now=now)
        app = Flask(__name__, static_folder=None)
        Server.__init__(self, app, refusal=fault_answer, now=now)
        install(app, self)
        self.ack_lag = 0.05
        self.deliveries: list[Delivery] = []
        self._payloads = Payloads(self)
        self._wire: Wire | None = None
        self._sockets: SocketWire | None = None

    def stop(self) -> None:
        """Be gone, as Slack is when it is down; what the workspace holds stays for the next start."""
        if self._sockets is not None:
            self._sockets.stop()
            self._sockets = None
        super().stop()

    # -- the app's side of the line

    def connect(self, events_url: str) -> None:
        """From now on the app is reached at this Request URL."""
        self._wire = HttpWire(events_url, self)

    @property
    def sockets(self) -> SocketWire:
        """
        The app's Socket Mode connections, to `refresh` or `drop`.

        The first time it is asked for, by apps.connections.open, they become the way to the app.
        """
        from .slack_socket import SocketWire  # websockets is needed for Socket Mode alone

        with self.lock:
            if self._sockets is None:
                self._sockets = self._wire = SocketWire(self).start()
            return self._sockets

    def socket_url(self) -> str:
        return self.sockets.ticket()

    def replay(self, times: int = 1, *, at_once: bool = False, to: str = "") -> list[Ack]:
        """
        Deliver the last payload `times` more, byte for byte; `at_once` in as many threads.

        Over HTTP it may go `to` another Request URL, as of a second replica.
        """
        line = self._line()
        if to and isinstance(line, HttpWire):
            line = HttpWire(to, self, last=line.last)
        with ThreadPoolExecutor(times if at_once else 1) as pool:
            return [done.result() for done in [pool.submit(line.replay) for _ in range(times)]]

    def forge(
        self,
        payload: Json | bytes | None = None,
        *,
        kind: Kind = "interactive",
        secret: str | None = None,
        signature: str | None = None,
        timestamp: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Ack:
        """
        Post what Slack never sent: `payload` (None: the last body), signed unless told otherwise.

        `secret` signs with another secret, `signature` replaces the signature, `timestamp`
        (seconds, or anything) the time; `headers` come on top, an empty one is left out.
        """
        wire = self._line()
        if not isinstance(wire, HttpWire):
            raise TypeError("only HTTP can be forged")
        body, content_type = encoded(kind, payload if isinstance(payload, dict) else {})
        if not isinstance(payload, dict):
            body = payload if payload is not None else wire.last.body if wire.last else b""
        signed = wire.sign(body, content_type, secret=secret, timestamp=timestamp, signature=signature)
        return wire.post(replace(signed, headers={**signed.headers, **(headers or {})}))

    def _line(self) -> Wire:
        if self._wire is None:
            raise RuntimeError("the app is not connected: call connect(events_url) first")
        return self._wire

    def _deliver(self, kind: Kind, payload: Json, **retry: str) -> Ack:
        at, ack = self.now(), self._line().deliver(kind, payload, retry)
        self.deliveries.append(Delivery(at, str(payload.get("type", "command")), ack.status))
        return ack

    # -- commands and shortcuts

    def types(self, user: str, line: str, channel: str) -> Ack:
        """`user` types a slash command in `channel`; `text` of the answer is what they alone then read."""
        user, place = self._user(user), self._inside(user, channel)
        command, _, text = line.partition(" ")
        response_url, token = self._response_url(user, place)
        payload = self._payloads.command(user, command, self._escaped(text.strip()), place.id, response_url)
        url = self.response_urls[token]
        url.early = []
        ack = self._deliver("slash_commands", payload)
        with self.lock:
            if ack.error:
                read = f'{command} failed with the error "{ack.error}"'
            else:
                read = slack_answers.to_command(self, url, ack)
            slack_answers.that_came_early(self, url)
        return replace(ack, text=read)

    def shortcut(self, user: str, callback_id: str) -> Ack:
        """`user` picks a global shortcut."""
        user = self._user(user)
        payload = self._payloads.interaction(
            "shortcut",
            user,
            callback_id=callback_id,
            trigger_id=self.new_trigger(user),
            action_ts=self.next_ts(),
        )
        return self._deliver("interactive", payload)

    def message_shortcut(self, user: str, callback_id: str, message: Message) -> Ack:
        """`user` picks a shortcut from the menu of `message`."""
        user = self._user(user)
        raw, place = self._raw(message, user), self._inside(user, message.channel)
        payload = self._payloads.interaction(
            "message_action",
            user,
            callback_id=callback_id,
            trigger_id=self.new_trigger(user),
            action_ts=self.next_ts(),
            message_ts=message.ts,
            message=without_channel(raw),
            channel={"id": place.id, "name": place.name},
            response_url=self._response_url(user, place, shown=raw)[0],
        )
        return self._deliver("interactive", payload)

    def opens_home(self, user: str, tab: str = "home") -> Ack:
        """`user` opens the app's Home; an event that fails comes once more, marked as a retry."""
        user = self._user(user)
        event: Json = {"type": "app_home_opened", "user": user, "tab": tab}
        event |= {"channel": self.direct_channel(user).id, "event_ts": self.next_ts()}
        if user in self.homes:
            event["view"] = view_json(self, self.homes[user])
        payload = self._payloads.event(event)
        ack = self._deliver("events_api", payload)
        if ack.ok:
            return ack
        reason = "http_timeout" if ack.status == 0 else "http_error"
        return self._deliver("events_api", payload, num="1", reason=reason)

    # -- windows

    def fill(self, user: str, label: str, text: str, *, enter: bool = False) -> Ack | None:
        """`user` types `text` instead of what is there and, if told, Enter; the answer if the field acts."""
        view = self._view(user)
        field = forms.find(view.blocks, label)
        if len(text) > field.element.get("max_length", 3000):
            raise ValueError(f"{label} takes at most {field.element.get('max_length', 3000)} characters")
        self._hold(view, field, text or None)
        typed = field.acts_when("on_character_entered")
        if typed or (enter and field.acts_when("on_enter_pressed")):
            return self._act(view.user, field, {"value": text}, self._payloads.in_view(view), view)
        return None

    def search(self, user: str, label: str, typed: str, *, in_: Message | None = None) -> list[forms.Option]:
        """What an external select offers `user` for what they typed; nothing while that is too short."""
        user = self._user(user)
        blocks, where, view = self._place(user, in_)
        field = forms.find(blocks, label)
        if len(typed) < field.element.get("min_query_length", 3):
            return []
        ids = {"action_id": field.element["action_id"], "block_id": field.block["block_id"], "value": typed}
        ack = self._deliver(
            "interactive", self._payloads.interaction("block_suggestion", user, **ids, **where)
        )
        wrong = limits.option_faults(ack.json) if ack.ok else [ack.error]
        if wrong:
            self.complaints.append(f"options for {label}: {wrong}")
            return []
        options = forms.options_in(ack.json)
        if view is not None:
            view.found[field.label] = options
        return options

    def choose(self, user: str, label: str, wanted: str, *, in_: Message | None = None) -> Ack | None:
        """
        `user` chooses an option by text or value, "" to empty it; the answer if the element acts on it.

        In an external select they type `wanted` first, unless a search has found it.
        Raises LookupError when it is not offered.
        """
        user = self._user(user)
        blocks, where, view = self._place(user, in_)
        field = forms.find(blocks, label)
        entry = field.entry(self._offered(user, field, wanted, view, in_) if wanted else None)
        if view is not None:
            with self.lock:
                view.values[field.block["block_id"]][field.element["action_id"]] = entry
            where = self._payloads.in_view(view)
        return self._act(user, field, entry, where, view) if field.acts_on_change else None

    def _offered(
        self, user: str, field: forms.Field, wanted: str, view: View | None, in_: Message | None
    ) -> object:
        if field.kind == "datetimepicker":
            return int(wanted)  # unix seconds
        options = field.own_options or (view.found.get(field.label, []) if view else [])
        option = forms.pick(options, wanted)
        if option is None and "external" in field.kind:
            option = forms.pick(self.search(user, field.label, wanted, in_=in_), wanted)
        if option is None:
            raise LookupError(f"{field.label} does not offer {wanted!r}")
        return option.json

    def press(self, user: str, button: str, in_: Message | View | None = None) -> Ack:
        """
        `user` presses a button of a message, of the Home tab or (None) of the open modal.

        A message may be an old picture: what is pressed is what it showed then.
        """
        user = self._user(user)
        blocks, where, view = self._place(user, in_)
        field = forms.find_button(blocks, button)
        pressed: Json = {
            name: field.element[name] for name in ("text", "value", "style") if name in field.element
        }
        return self._act(user, field, pressed, where, view)

    def submit(self, user: str) -> Ack:
        """
        `user` presses the modal's submit button; when this returns its answer has been applied.

        Where a required field is empty Slack says so itself, in `errors`, and sends nothing.
        """
        view = self._view(user)
        if not view.submit:
            raise LookupError(f"the window {view.title!r} has no submit button")
        view.errors = forms.missing(view.blocks, view.values)
        if view.errors:
            return Ack(0, 0.0, error="not_sent")
        payload = self._payloads.interaction(
            "view_submission",
            view.user,
            trigger_id=self.new_trigger(view.user, view.id),
            view=view_json(self, view),
            response_urls=[],
        )
        ack = self._deliver("interactive", payload)
        time.sleep(self.ack_lag)
        with self.lock:
            slack_answers.to_submission(self, view, ack)
        return ack

    def close(self, user: str) -> None:
        """`user` closes the modal."""
        view = self._view(user)
        with self.lock:
            self.close_top(view.user)

    def _act(self, user: str, field: forms.Field, what: Json, where: Json, view: View | None) -> Ack:
        action = {
            "type": field.kind,
            "action_id": field.element["action_id"],
            "block_id": field.block["block_id"],
            "action_ts": self.next_ts(),
        }
        payload = self._payloads.interaction(
            "block_actions",
            user,
            trigger_id=self.new_trigger(user, view.id if view else None),
            actions=[{**what, **action}],
            **where,
        )
        return self._deliver("interactive", payload)

    def _hold(self, view: View, field: forms.Field, value: object) -> None:
        with self.lock:
            view.values[field.block["block_id"]][field.element["action_id"]] = field.entry(value)

    def _place(self, user: str, in_: Message | View | None) -> tuple[list[Json], Json, View | None]:
        """The blocks at hand, what payloads say of the place, and the view if it is one."""
        if isinstance(in_, Message):
            place = self._inside(user, in_.channel)
            raw = self._raw(in_, user)
            url = self._response_url(user, place, shown=raw)[0]
            return in_.blocks, self._payloads.on_message(raw, url), None
        view = self.views[in_.id] if in_ is not None else self._view(user)
        return view.blocks, self._payloads.in_view(view), view

    def _view(self, user: str) -> View:
        view = self.top(self._user(user))
        if view is None:
            raise LookupError(f"{user} has no window open")
        return view

    def _response_url(self, user: str, place: Channel, shown: Json | None = None) -> tuple[str, str]:
        token = secrets.token_urlsafe(12)
        thread_ts = shown.get("thread_ts") if shown else None
        self.response_urls[token] = ResponseUrl(user, place.id, self.now(), shown, thread_ts)
        return f"{self.url}/response/{token}", token

    # -- a workspace to try things in

    ann, bob, lee, channel = "U0ANN", "U0BOB", "U0LEE", "C0SUPPORT"

    @classmethod
    def demo(cls, **settings: Any) -> Self:
        """
        A workspace, not started yet: supervisor ann and agent bob and outsider lee in #support-emea.

        ann leads, in the group @leads (S0LEADS). `settings` are the constructor's.
        """
        slack = cls(**settings)
        slack.add_user("ann", "ann.lee@example.com", user_id=cls.ann, real_name="Ann Lee")
        slack.add_user("bob", "bob.ray@example.com", user_id=cls.bob, real_name="Bob Ray")
        slack.add_user("lee", "lee.fox@example.com", user_id=cls.lee, real_name="Lee Fox")
        slack.add_channel("support-emea", [cls.ann, cls.bob, cls.lee], channel_id=cls.channel)
        slack.add_group("leads", [cls.ann], group_id="S0LEADS")
        return slack
