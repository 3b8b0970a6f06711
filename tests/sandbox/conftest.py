"""A simulated organisation on the platform contract, and callers who have read its reference."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from bot.sandbox.genesys import SimulatedGenesys
from tests.clocks import Clock

BACK = "https://canned.example/genesys/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0"


class PlatformCaller:
    """Calls with one token, by plain requests."""

    def __init__(self, cloud: SimulatedGenesys, session: requests.Session, token: str = "") -> None:
        self.cloud, self.session, self.token = cloud, session, token

    def __call__(self, method: str, path: str, body: object = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        url = path if path.startswith("http") else self.cloud.url + path
        return self.session.request(
            method, url, json=body, headers=headers, timeout=5, allow_redirects=False, **more
        )

    def form(self, *, client: tuple[str, str] | None = None, **form: str) -> requests.Response:
        return self("POST", "/oauth/token", data=form, auth=client)

    def authorize_url(self, **changed: str | None) -> str:
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        usual = {
            "response_type": "code",
            "client_id": self.cloud.oauth_client_id,
            "redirect_uri": BACK,
            "state": "s1",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        asked = {name: value for name, value in (usual | changed).items() if value is not None}
        return f"{self.cloud.url}/oauth/authorize?{urlencode(asked)}"

    def code(self, user: str, **changed: str | None) -> str:
        back = self.cloud.log_in(self.authorize_url(**changed), user)
        return parse_qs(urlsplit(back).query)["code"][0]

    def exchange(self, code: str, **changed: str | None) -> requests.Response:
        usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        form = usual | {"code_verifier": VERIFIER} | changed
        return self.form(
            client=self.people, **{name: each for name, each in form.items() if each is not None}
        )

    def refresh(self, token: str) -> requests.Response:
        return self.form(client=self.people, grant_type="refresh_token", refresh_token=token)

    @property
    def people(self) -> tuple[str, str] | None:
        """The OAuth client that people log in with, as it names itself."""
        secret = self.cloud.oauth_client_secret
        return (self.cloud.oauth_client_id, secret) if secret else None

    @property
    def service(self) -> tuple[str, str]:
        return self.cloud.client_id, self.cloud.client_secret

    def as_person(self, user: str) -> PlatformCaller:
        token = self.exchange(self.code(user)).json()["access_token"]
        return PlatformCaller(self.cloud, self.session, token)

    def as_service(self) -> PlatformCaller:
        token = self.form(client=self.service, grant_type="client_credentials").json()["access_token"]
        return PlatformCaller(self.cloud, self.session, token)

    def conversation(self, conversation: str = "") -> dict[str, Any]:
        answer = self("GET", f"/api/v2/conversations/{conversation or self.cloud.chat}")
        answer.raise_for_status()
        return dict(answer.json())

    def communication(self, user: str, conversation: str = "") -> str:
        """The id of the user's last communication, as the reference chooses it."""
        shown = self.conversation(conversation)["participants"]
        last = [each for each in shown if each.get("userId") == user][-1]
        return str(last["messages"][0]["id"])

    def send(
        self, user: str, text: object = "Thank you.", conversation: str = "", **body: object
    ) -> requests.Response:
        conversation = conversation or self.cloud.chat
        communication = self.communication(user, conversation)
        return self.post(conversation, communication, body or {"textBody": text})

    def post(self, conversation: str, communication: str, body: object) -> requests.Response:
        messages = f"/api/v2/conversations/messages/{conversation}/communications/{communication}/messages"
        return self("POST", messages, body)

    def bulk(self, *ids: str, conversation: str = "") -> requests.Response:
        of = conversation or self.cloud.chat
        return self("POST", f"/api/v2/conversations/messages/{of}/messages/bulk", list(ids))


def assert_platform_refused(response: requests.Response, status: int, code: str, field: str = "") -> None:
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["message"]
    assert body["contextId"] == response.headers["ININ-Correlation-Id"]
    if field:
        assert [each["fieldName"] for each in body["details"]] == [field]


@pytest.fixture
def refused() -> Any:
    return assert_platform_refused


@pytest.fixture
def time() -> Clock:
    return Clock(datetime(2026, 11, 22, 10, 0, tzinfo=UTC))


@pytest.fixture
def cloud(time: Clock) -> Iterator[SimulatedGenesys]:
    with SimulatedGenesys.demo(contract="platform", now=time) as cloud:
        yield cloud


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def anybody(cloud: SimulatedGenesys, session: requests.Session) -> PlatformCaller:
    return PlatformCaller(cloud, session)


@pytest.fixture
def service(anybody: PlatformCaller) -> PlatformCaller:
    return anybody.as_service()


@pytest.fixture
def ann(anybody: PlatformCaller, cloud: SimulatedGenesys) -> PlatformCaller:
    return anybody.as_person(cloud.ann)


@pytest.fixture
def bob(anybody: PlatformCaller, cloud: SimulatedGenesys) -> PlatformCaller:
    return anybody.as_person(cloud.bob)
