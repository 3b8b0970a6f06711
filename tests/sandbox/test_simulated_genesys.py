"""The simulated Genesys Cloud, called with plain requests by somebody who read the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from bot.sandbox.genesys import ANN, BOB, CHAT, SimulatedGenesys
from tests.clocks import Clock

SEND = f"/api/v2/conversations/{CHAT}/events"
READ = f"/api/v2/conversations/{CHAT}"
ESCALATION = {"eventType": "chat", "from": {"id": ANN}, "text": "A specialist will be with you soon."}


class Caller:
    """A script like the ones people write: fetch a token, then call with it."""

    def __init__(self, genesys: SimulatedGenesys, session: requests.Session) -> None:
        self._genesys, self._session = genesys, session
        self.token = self.login().json()["access_token"]

    def login(self, **changed: str) -> requests.Response:
        known = {"client_id": self._genesys.client_id, "client_secret": self._genesys.client_secret}
        form = {"grant_type": "client_credentials", **known, **changed}
        return self._session.post(f"{self._genesys.url}/oauth/token", data=form, timeout=5)

    def __call__(
        self, method: str, path: str, body: object = None, *, token: str = "", **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}", **more.pop("headers", {})}
        url = self._genesys.url + path
        return self._session.request(method, url, json=body, headers=headers, timeout=5, **more)

    def send(self, **changed: object) -> requests.Response:
        return self("POST", SEND, ESCALATION | changed)

    def read(self) -> dict[str, Any]:
        response = self("GET", READ)
        response.raise_for_status()
        return dict(response.json())

    def search(self, *criteria: object, **paging: object) -> requests.Response:
        return self("POST", "/api/v2/users/search", {"query": list(criteria), **paging})


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 22, 10, 0, tzinfo=UTC))


@pytest.fixture
def genesys(clock: Clock) -> Iterator[SimulatedGenesys]:
    genesys = SimulatedGenesys.demo(now=clock)
    with genesys:
        yield genesys


@pytest.fixture
def call(genesys: SimulatedGenesys, session: requests.Session) -> Caller:
    return Caller(genesys, session)


def assert_refused(response: requests.Response, status: int, code: str, field: str = "") -> None:
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["message"]
    assert body["contextId"] == response.headers["ININ-Correlation-Id"]
    assert [each["fieldName"] for each in body["details"]] == ([field] if field else [])


# The way of the tutorial: token, look, send


def test_a_verified_participant_sends_once_and_the_customer_sees_it(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    conversation = call.read()
    assert conversation["type"] == "chat"
    assert ANN in [each["id"] for each in conversation["participants"]]

    response = call.send(metadata={"source": "canned_response_bot"})

    assert response.status_code == 201
    [sent] = genesys.received
    assert response.json()["id"] == sent.id
    assert (sent.conversation_id, sent.text, sent.from_id) == (CHAT, ESCALATION["text"], ANN)
    assert sent.metadata == {"source": "canned_response_bot"}
    assert genesys.customer_sees(CHAT) == [ESCALATION["text"]]
    assert genesys.conversations[CHAT].lines[-1] == ("Ann Lee", ESCALATION["text"])


def test_the_agent_or_a_system_user_in_the_conversation_may_be_named_as_sender(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    genesys.join(CHAT, genesys.system_user_id, purpose="user")

    statuses = [call.send(**{"from": {"id": who}}).status_code for who in (BOB, genesys.system_user_id)]

    assert statuses == [201, 201]
    assert [each.from_id for each in genesys.received] == [BOB, genesys.system_user_id]


def test_text_reaches_the_customer_character_for_character(genesys: SimulatedGenesys, call: Caller) -> None:
    text = " ¿Qué tal? 👋🏽 {{NAME}}\n<b>&amp; "
    call.send(text=text)
    assert genesys.customer_sees(CHAT) == [text]


def test_equal_sends_are_two_messages_because_nothing_makes_them_one(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    first, second = call.send(), call.send()
    assert first.json()["id"] != second.json()["id"]
    assert len(genesys.received) == 2


# Tokens


def test_a_token_answer_says_how_long_it_lives(genesys: SimulatedGenesys, call: Caller) -> None:
    genesys.token_lifetime = 120
    response = call.login()
    assert (response.status_code, response.json()["expires_in"]) == (200, 120)
    assert response.headers["ININ-Correlation-Id"]


@pytest.mark.parametrize("wrong", ["client_id", "client_secret"])
def test_a_wrong_client_is_401_in_the_token_errors_own_shape(call: Caller, wrong: str) -> None:
    response = call.login(**{wrong: "wrong"})
    assert response.status_code == 401
    assert response.json() == {
        "error": "invalid_client",
        "description": "authentication failed",
        "error_description": "authentication failed",
    }


def test_credentials_outside_the_form_are_not_looked_at(
    genesys: SimulatedGenesys, session: requests.Session
) -> None:
    basic = (genesys.client_id, genesys.client_secret)
    form = {"grant_type": "client_credentials"}
    response = session.post(f"{genesys.url}/oauth/token", data=form, auth=basic, timeout=5)
    assert response.status_code == 401


def test_an_unknown_grant_is_refused(call: Caller) -> None:
    response = call.login(grant_type="password")
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


def test_a_call_without_a_token_is_401(genesys: SimulatedGenesys, session: requests.Session) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        response = session.get(genesys.url + READ, headers=headers, timeout=5)
        assert_refused(response, 401, "authentication.required")


def test_an_expired_a_revoked_and_an_invented_token_are_401(
    genesys: SimulatedGenesys, call: Caller, clock: Clock
) -> None:
    clock.advance(seconds=3599)
    assert call.send().status_code == 201
    clock.advance(seconds=1)
    assert_refused(call.send(), 401, "bad.credentials")

    call.token = call.login().json()["access_token"]
    assert call.send().status_code == 201
    genesys.revoke_tokens()
    assert_refused(call.send(), 401, "bad.credentials")
    assert_refused(call("GET", READ, token="invented"), 401, "bad.credentials")
    assert len(genesys.received) == 2


def test_scopes_are_those_the_client_had_when_the_token_was_made(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    genesys.scopes = frozenset({"conversation:write", "user:read"})
    assert call.send().status_code == 201

    call.token = call.login().json()["access_token"]
    assert call("GET", READ).ok
    assert_refused(call.send(), 403, "app.not.authorized.for.scope")

    genesys.scopes = frozenset()
    call.token = call.login().json()["access_token"]
    assert_refused(call("GET", READ), 401, "bad.credentials")
    assert_refused(call.send(), 401, "bad.credentials")
    assert_refused(call("GET", f"/api/v2/users/{ANN}"), 403, "app.not.authorized.for.scope")


# A person's token, by a signed assertion


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture
def as_person(genesys: SimulatedGenesys, call: Caller, key: RSAKey) -> Callable[..., requests.Response]:
    genesys.jwt_public_key = key.as_pem(private=False).decode()

    def login(signed_by: RSAKey = key, algorithm: str = "RS256", **changed: object) -> requests.Response:
        ends = genesys.now() + timedelta(minutes=5)
        usual = {"iss": genesys.client_id, "sub": ANN, "aud": f"{genesys.url}/oauth/token"}
        claims: dict[str, Any] = usual | {"exp": int(ends.timestamp())} | changed
        claims = {name: value for name, value in claims.items() if value is not None}
        assertion = jwt.encode({"alg": algorithm}, claims, signed_by, algorithms=[algorithm])
        return call.login(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion)

    return login


def test_a_persons_token_sends_as_that_person_and_nobody_else(
    genesys: SimulatedGenesys, call: Caller, as_person: Callable[..., requests.Response]
) -> None:
    call.token = as_person().json()["access_token"]

    assert call.send().status_code == 201
    assert_refused(call.send(**{"from": {"id": BOB}}), 403, "not.authorized")
    assert [each.from_id for each in genesys.received] == [ANN]


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "somebody"},
        {"sub": "nobody"},
        {"sub": None},
        {"aud": "https://elsewhere.example/oauth/token"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": int(datetime(2026, 11, 22, 10, 5, 1, tzinfo=UTC).timestamp())},
        {"exp": int(datetime(2026, 11, 22, 10, 0, tzinfo=UTC).timestamp())},
        {"algorithm": "RS384"},
        {"signed_by": RSAKey.generate_key(2048)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_assertion_that_is_not_as_agreed_is_refused(
    as_person: Callable[..., requests.Response], wrong: dict[str, Any]
) -> None:
    response = as_person(**wrong)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_an_assertion_for_an_inactive_user_is_refused(
    genesys: SimulatedGenesys, as_person: Callable[..., requests.Response]
) -> None:
    genesys.users[ANN].state = "inactive"
    assert as_person().json()["error"] == "invalid_grant"


def test_an_assertion_needs_a_registered_key(
    genesys: SimulatedGenesys, as_person: Callable[..., requests.Response]
) -> None:
    genesys.jwt_public_key = None
    assert as_person().json()["error"] == "unauthorized_client"


# What a send may be refused for


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("eventType", "Chat"),
        ("eventType", None),
        ("text", ""),
        ("text", None),
        ("text", ["a"]),
        ("from", ANN),
        ("from", {}),
        ("from", {"id": 7}),
        ("from", {"id": ANN, "name": "Ann"}),
        ("timestamp", "yesterday"),
        ("timestamp", 20261122),
        ("metadata", "canned"),
        ("colour", "red"),
    ],
)
def test_a_malformed_event_is_400_and_names_the_field(
    genesys: SimulatedGenesys, call: Caller, field: str, value: object
) -> None:
    assert_refused(call.send(**{field: value}), 400, "bad.request", field)
    assert genesys.received == []


@pytest.mark.parametrize("missing", ["eventType", "from", "text"])
def test_each_required_field_is_required(call: Caller, missing: str) -> None:
    event = {name: value for name, value in ESCALATION.items() if name != missing}
    assert_refused(call("POST", SEND, event), 400, "bad.request", missing)


def test_a_body_that_is_no_json_object_is_refused(call: Caller) -> None:
    json_type = {"Content-Type": "application/json"}
    assert_refused(call("POST", SEND, data="{", headers=json_type), 400, "bad.request")
    assert_refused(call("POST", SEND, ["chat"]), 400, "bad.request")
    assert_refused(call("POST", SEND, data={"eventType": "chat"}), 415, "unsupported.media.type")
    assert_refused(call.send(text="x" * 512_000), 413, "request.entity.too.large")


def test_a_sender_outside_the_conversation_is_403_or_400_as_set(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    outsider = {"from": {"id": genesys.add_user("Out Sider", "out@example.com")}}
    assert_refused(call.send(**outsider), 403, "not.authorized")
    assert_refused(call.send(**{"from": {"id": "nobody"}}), 403, "not.authorized")

    genesys.outsider_status = 400
    assert_refused(call.send(**outsider), 400, "bad.request")
    assert genesys.received == []


def test_the_customer_is_no_sender(genesys: SimulatedGenesys, call: Caller) -> None:
    customer = next(each["id"] for each in call.read()["participants"] if each["purpose"] == "customer")
    assert_refused(call.send(**{"from": {"id": customer}}), 403, "not.authorized")


def test_an_inactive_sender_is_403(genesys: SimulatedGenesys, call: Caller) -> None:
    genesys.users[ANN].state = "inactive"
    assert_refused(call.send(), 403, "not.authorized")


@pytest.mark.parametrize("media", ["voice", "callback", "email", "message"])
def test_text_into_another_media_is_403_and_the_conversation_says_its_type(
    genesys: SimulatedGenesys, call: Caller, media: str
) -> None:
    other = genesys.start_chat(agents=[ANN], media=media)

    assert call("GET", f"/api/v2/conversations/{other}").json()["type"] == media
    assert_refused(call("POST", f"/api/v2/conversations/{other}/events", ESCALATION), 403, "not.authorized")


def test_an_unknown_conversation_is_404(call: Caller) -> None:
    nowhere = "/api/v2/conversations/a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"
    assert_refused(call("GET", nowhere), 404, "not.found")
    assert_refused(call("POST", f"{nowhere}/events", ESCALATION), 404, "not.found")
    assert_refused(call("GET", "/api/v2/nothing"), 404, "not.found")


def test_another_organisations_host_is_404(genesys: SimulatedGenesys, call: Caller) -> None:
    right, wrong = {"Host": f"{genesys.org_id}.mypurecloud.com"}, {"Host": "other.mypurecloud.com"}
    assert call("GET", READ, headers=right).ok
    assert_refused(call("GET", READ, headers=wrong), 404, "not.found")


# Conversations change while one looks


def test_a_conversation_shows_who_is_who(genesys: SimulatedGenesys, call: Caller) -> None:
    chat = genesys.start_chat(
        "Bob Miller", agents=[BOB], attributes={"order": "42"}, language="es", queue="Billing"
    )
    shown = call("GET", f"/api/v2/conversations/{chat}").json()

    customer, queue, agent = shown["participants"]
    assert (customer["purpose"], customer["name"], customer["locale"]) == ("customer", "Bob Miller", "es")
    assert customer["attributes"] == {"order": "42"}
    assert (queue["purpose"], queue["state"]) == ("acd", "disconnected")
    assert (agent["id"], agent["purpose"], agent["name"]) == (BOB, "agent", "Bob Ray")
    assert (agent["queueName"], agent["state"], "endTime" in agent) == ("Billing", "connected", False)
    assert (shown["id"], shown["state"], shown["startTime"]) == (
        chat,
        "connected",
        "2026-11-22T10:00:00.000Z",
    )


def test_a_participant_can_name_its_user_apart_from_itself(genesys: SimulatedGenesys, call: Caller) -> None:
    genesys.users_by = "userId"

    shown = call.read()["participants"]

    assert [each["userId"] for each in shown if "userId" in each] == [BOB, ANN]
    assert ANN not in [each["id"] for each in shown]
    assert call.send().status_code == 201


def test_who_left_may_not_send_until_they_are_back(genesys: SimulatedGenesys, call: Caller) -> None:
    genesys.leave(CHAT, ANN)
    [gone] = [each for each in call.read()["participants"] if each["id"] == ANN]
    assert (gone["state"], "endTime" in gone) == ("disconnected", True)
    assert_refused(call.send(), 403, "not.authorized")
    with pytest.raises(ValueError, match=CHAT):
        genesys.leave(CHAT, ANN)

    genesys.join(CHAT, ANN)
    states = [each["state"] for each in call.read()["participants"] if each["id"] == ANN]
    assert states == ["disconnected", "connected"]
    assert call.send().status_code == 201


def test_an_ended_conversation_is_readable_but_closed_and_an_archived_one_is_gone(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    call.send()
    genesys.end(CHAT)
    over = call.read()
    assert (over["state"], over["endTime"]) == ("disconnected", "2026-11-22T10:00:00.000Z")
    assert_refused(call.send(), 403, "not.authorized")

    genesys.archive(CHAT)
    assert_refused(call("GET", READ), 404, "not.found")
    assert_refused(call.send(), 404, "not.found")
    assert genesys.customer_sees(CHAT) == [ESCALATION["text"]]


def test_ids_are_like_uuids_that_no_uuid_parser_reads(genesys: SimulatedGenesys) -> None:
    for each in (genesys.start_chat(), genesys.add_user("A", "a@example.com"), ANN, BOB, CHAT):
        assert [len(group) for group in each.split("-")] == [8, 4, 4, 4, 12]
        assert each.replace("-", "").isalnum()
        with pytest.raises(ValueError, match="invalid literal"):
            int(each.replace("-", ""), 16)


# Users


def test_a_user_is_found_by_e_mail_whatever_its_case(genesys: SimulatedGenesys, call: Caller) -> None:
    former = genesys.add_user("Ann Former", "ann.lee@example.com", active=False)
    by_email = {"type": "EXACT", "fields": ["email"], "value": "Ann.Lee@Example.com"}
    active = {"type": "EXACT", "fields": ["state"], "values": ["active"]}

    answer = call.search(by_email, active).json()
    assert (answer["total"], answer["types"]) == (1, ["users"])
    assert {"id": ANN, "name": "Ann Lee", "state": "active"}.items() <= answer["results"][0].items()

    assert {each["id"] for each in call.search(by_email).json()["results"]} == {ANN, former}
    assert call.search(by_email | {"value": "nobody@example.com"}).json()["results"] == []


def test_search_comes_in_pages(genesys: SimulatedGenesys, call: Caller) -> None:
    same = {"type": "EXACT", "fields": ["email"], "value": "agents@example.com"}
    for number in range(5):
        genesys.add_user(f"Agent {number}", "agents@example.com")

    last = call.search(same, pageSize=2, pageNumber=3).json()

    assert (last["total"], last["pageCount"], [each["name"] for each in last["results"]]) == (
        5,
        3,
        ["Agent 4"],
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"type": "FUZZY"}, "type"),
        ({"operator": "OR"}, "operator"),
        ({"fields": ["shoe size"]}, "fields"),
        ({"fields": [["email"]]}, "fields"),
        ({"fields": "email"}, "fields"),
        ({"value": 7}, "value"),
        ({"values": "active"}, "value"),
        ({"colour": "red"}, "query"),
    ],
)
def test_a_criterion_that_is_not_understood_is_400(call: Caller, wrong: dict[str, Any], field: str) -> None:
    criterion = {"type": "EXACT", "fields": ["email"], "value": "a@example.com"} | wrong
    assert_refused(call.search(criterion), 400, "bad.request", field)


def test_paging_out_of_bounds_is_400(call: Caller) -> None:
    assert_refused(call.search(pageSize=101), 400, "bad.request", "pageSize")
    assert_refused(call.search(pageNumber=0), 400, "bad.request", "pageNumber")
    assert_refused(call("POST", "/api/v2/users/search", {"query": {}}), 400, "bad.request", "query")


def test_searching_needs_a_permission_that_reading_one_user_does_not(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    genesys.permissions = frozenset()

    response = call.search()

    assert_refused(response, 403, "missing.permissions")
    assert "directory:user:view" in response.json()["message"]
    assert call("GET", f"/api/v2/users/{BOB}").json()["email"] == "bob.ray@example.com"
    assert_refused(call("GET", "/api/v2/users/nobody"), 404, "general.resource.not.found")


# Limits and faults


def test_the_rate_limit_counts_by_token_and_ends_with_the_minute(
    genesys: SimulatedGenesys, call: Caller, clock: Clock
) -> None:
    genesys.rate_limit = 2
    clock.advance(seconds=18)
    assert call("GET", READ).headers["inin-ratelimit-count"] == "1"
    assert call.send().headers["inin-ratelimit-allowed"] == "2"

    over = call.send()
    assert_refused(over, 429, "too.many.requests.retry.after")
    assert over.headers["Retry-After"] == over.headers["inin-ratelimit-reset"] == "42"
    assert "[42] seconds" in over.json()["message"]
    assert call("GET", READ, token=call.login().json()["access_token"]).ok

    clock.advance(seconds=42)
    assert call.send().status_code == 201
    assert len(genesys.received) == 2


def test_the_rate_limit_can_be_switched_off(genesys: SimulatedGenesys, call: Caller) -> None:
    assert call("GET", READ).headers["inin-ratelimit-allowed"] == "300"
    genesys.rate_limit = None
    assert "inin-ratelimit-count" not in call("GET", READ).headers


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "bad.credentials"),
        (408, "client.timeout"),
        (500, "internal.server.error"),
        (502, "status.502"),
        (503, "service.unavailable"),
        (504, "request.timeout"),
    ],
)
def test_a_fault_answers_in_the_vendors_words_and_nothing_is_sent(
    genesys: SimulatedGenesys, call: Caller, status: int, code: str
) -> None:
    genesys.fault("POST /api/v2/conversations/{id}/events", "status", status=status)
    assert_refused(call.send(), status, code)
    assert genesys.received == []


def test_a_429_may_say_when_or_leave_it_out(genesys: SimulatedGenesys, call: Caller) -> None:
    genesys.fault("POST", "429", retry_after=3)
    genesys.fault("POST", "429")
    first, second = call.send(), call.send()
    assert_refused(first, 429, "too.many.requests")
    assert (first.headers["Retry-After"], second.headers.get("Retry-After")) == ("3", None)


def test_a_lost_answer_leaves_the_message_with_the_customer(genesys: SimulatedGenesys, call: Caller) -> None:
    genesys.fault("POST /api/v2/conversations/{id}/events", "lost_after")
    with pytest.raises(requests.ConnectionError):
        call.send()
    assert genesys.customer_sees(CHAT) == [ESCALATION["text"]]


def test_secrets_and_customers_words_stay_out_of_what_a_failing_test_prints(
    genesys: SimulatedGenesys, call: Caller
) -> None:
    call.send()
    for seen in genesys.requests:
        assert call.token not in repr(seen)
        assert genesys.client_secret not in repr(seen)
        assert "specialist" not in repr(seen)
