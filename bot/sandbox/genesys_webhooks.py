"""The events contract's webhooks: a signed POST when a chat starts or ends, repeatable to the byte."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import requests

_TIMEOUT = (3.05, 10)  # seconds


@dataclass(frozen=True)
class Announcement:
    """One webhook as it leaves. `post` delivers it; a second `post` is a replay of the first."""

    url: str
    body: bytes = field(repr=False)
    signature: str

    def post(self) -> requests.Response:
        headers = {"Content-Type": "application/json", "X-Canned-Signature": self.signature}
        with requests.Session() as session:
            session.trust_env = False
            return session.post(self.url, data=self.body, headers=headers, timeout=_TIMEOUT)


def signed(url: str, event: Mapping[str, object], secret: str, at: datetime) -> Announcement:
    """`event` signed for the moment `at`: HMAC-SHA256 of "<unix seconds>.<raw body>"."""
    body, seconds = json.dumps(event).encode(), int(at.timestamp())
    code = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return Announcement(url, body, f"t={seconds},v1={code.hexdigest()}")
