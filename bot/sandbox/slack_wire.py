"""How what people do reaches the app: payloads as Slack builds and signs them, and its 3 seconds."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import requests

from .slack_state import Json, Workspace
from .slack_view import View
from .slack_views import view_json

NO_ANSWER, BAD_ANSWER = "operation_timeout", "dispatch_failed"

Kind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True)
class Ack:
    """
    How the app answered, `seconds` after the click.

    `status` is 0 when nothing came within 3 seconds or Slack sent nothing at all. `text`
    is what the person then reads; `error` is Slack's own word for a failure, else empty.
    """

    status: int
    seconds: float
    body: str = ""
    error: str = ""
    text: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        return not self.error

    @property
    def json(self) -> Json:
        """The body's object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Delivery:
    """What the app was told at a time, by the payload's type, and its answer's status (0: none in time)."""

    at: datetime
    what: str
    status: int


class Wire(Protocol):
    """A way to the app: signed HTTP, or one of its sockets."""

    def deliver(self, kind: Kind, payload: Json, retry: Mapping[str, str]) -> Ack:
        """Hand the payload over and wait at most 3 seconds for the answer; `retry`: num and reason."""

    def replay(self) -> Ack:
        """Hand over the very last delivery again, byte for byte."""


@dataclass(frozen=True)
class Signed:
    """A request's body and the headers that go with it."""

    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


class HttpWire:
    """Signed requests to `url`, the app's one Request URL."""

    def __init__(self, url: str, workspace: Workspace, *, last: Signed | None = None) -> None:
        self.url = url
        self._workspace = workspace
        self.last = last

    def deliver(self, kind: Kind, payload: Json, retry: Mapping[str, str]) -> Ack:
        signed = self.sign(*encoded(kind, payload))
        more = {f"X-Slack-Retry-{name.title()}": value for name, value in retry.items()}
        self.last = Signed(signed.body, {**signed.headers, **more})
        return self.post(self.last)

    def replay(self) -> Ack:
        if self.last is None:
            raise LookupError("nothing was delivered yet")
        return self.post(self.last)

    def sign(
        self,
        body: bytes,
        content_type: str,
        *,
        secret: str | None = None,
        timestamp: object = None,
        signature: str | None = None,
    ) -> Signed:
        """`body` with Slack's headers; secret, timestamp and signature can be given for a forgery."""
        stamp = str(int(self._workspace.now().timestamp()) if timestamp is None else timestamp)
        key = (self._workspace.signing_secret if secret is None else secret).encode()
        proof = hmac.new(key, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={proof}" if signature is None else signature,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        return Signed(body, headers)

    def post(self, signed: Signed) -> Ack:
        started = time.monotonic()
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    self.url,
                    data=signed.body,
                    headers={name: value for name, value in signed.headers.items() if value},
                    timeout=self._workspace.ack_seconds,
                    allow_redirects=False,
                )
        except requests.Timeout:
            return Ack(0, time.monotonic() - started, error=NO_ANSWER)
        except requests.RequestException:
            return Ack(0, time.monotonic() - started, error=BAD_ANSWER)
        seconds = time.monotonic() - started
        if seconds > self._workspace.ack_seconds:
            return Ack(answer.status_code, seconds, answer.text, error=NO_ANSWER)
        error = "" if answer.status_code == 200 else BAD_ANSWER
        return Ack(answer.status_code, seconds, answer.text, error=error)


def encoded(kind: Kind, payload: Json) -> tuple[bytes, str]:
    """The body and the content type that Slack uses for this kind of payload."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


class Payloads:
    """Builds what Slack sends, from what a person did."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def command(self, user: str, command: str, text: str, channel: str, response_url: str) -> Json:
        slack = self._workspace
        return {
            "token": "sandbox",
            "team_id": slack.team_id,
            "team_domain": slack.team_domain,
            "channel_id": channel,
            "channel_name": "directmessage"
            if slack.channels[channel].is_im
            else slack.channels[channel].name,
            "user_id": user,
            "user_name": slack.people[user].name,
            "command": command,
            "text": text,
            "api_app_id": slack.app_id,
            "is_enterprise_install": "true" if slack.enterprise_id else "false",
            "response_url": response_url,
            "trigger_id": slack.new_trigger(user),
        } | ({"enterprise_id": slack.enterprise_id} if slack.enterprise_id else {})

    def interaction(self, kind: str, user: str, **more: Any) -> Json:
        """An interaction of `kind` with what all of them have but a trigger."""
        slack, person = self._workspace, self._workspace.people[user]
        return {
            "type": kind,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "team": None if slack.enterprise_id else {"id": slack.team_id, "domain": slack.team_domain},
            "api_app_id": slack.app_id,
            "token": "sandbox",
            "enterprise": {"id": slack.enterprise_id, "name": "Acme"} if slack.enterprise_id else None,
            "is_enterprise_install": bool(slack.enterprise_id),
            **more,
        }

    def in_view(self, view: View) -> Json:
        """Where something happened: in a view."""
        container = {"type": "view", "view_id": view.id}
        return {"container": container, "view": view_json(self._workspace, view)}

    def on_message(self, message: Json, response_url: str) -> Json:
        """Where something happened: on a message; Slack leaves an ephemeral one itself out."""
        channel = self._workspace.channels[message["channel"]]
        ephemeral = bool(message.get("is_ephemeral"))
        container = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
        container |= {"is_ephemeral": ephemeral}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        where: Json = {
            "container": container,
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
            "response_url": response_url,
        }
        return where if ephemeral else {**where, "message": without_channel(message)}

    def event(self, event: Json) -> Json:
        slack = self._workspace
        grid = slack.enterprise_id or None
        bot = {"enterprise_id": grid, "team_id": slack.team_id, "user_id": slack.bot.id, "is_bot": True}
        return {
            "token": "sandbox",
            "team_id": slack.team_id,
            "api_app_id": slack.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{secrets.token_hex(5).upper()}",
            "event_time": int(slack.now().timestamp()),
            "authorizations": [{**bot, "is_enterprise_install": bool(grid)}],
            "is_ext_shared_channel": False,
        }


def without_channel(message: Json) -> Json:
    """A message as it stands in payloads: the channel is told beside it."""
    return {name: value for name, value in message.items() if name not in ("channel", "metadata")}
