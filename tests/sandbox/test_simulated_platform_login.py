"""The platform's log-in host, called with plain requests: who gets which token, and for how long."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.sandbox.genesys import SimulatedGenesys

BACK = "https://canned.example/genesys/callback"
ME = "/api/v2/users/me"


def assert_no_token(response: Any, status: int, error: str) -> None:
    body = response.json()
    assert (response.status_code, body["error"]) == (status, error)
    assert body["description"] == body["error_description"] != ""


# People


def test_a_person_logs_in_with_a_code_and_its_verifier(cloud: SimulatedGenesys, anybody: Any) -> None:
    answer = anybody.exchange(anybody.code(cloud.ann))

    body = answer.json()
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86_400)
    assert answer.headers["Cache-Control"] == "no-store"
    anybody.token = body["access_token"]
    assert anybody("GET", ME).json()["email"] == "ann.lee@example.com"


def test_the_log_in_page_is_one_that_a_browser_can_fill_in(cloud: SimulatedGenesys, anybody: Any) -> None:
    cloud.add_user("<b>Eve", "eve@example.com", active=False)
    page = anybody("GET", anybody.authorize_url(state='"><script>'))

    assert page.headers["Content-Type"].startswith("text/html")
    assert "ann.lee@example.com" in page.text
    assert "eve@example.com" not in page.text
    assert "<script>" not in page.text


def test_the_browser_goes_back_with_the_code_and_the_state(cloud: SimulatedGenesys, anybody: Any) -> None:
    back = urlsplit(cloud.log_in(anybody.authorize_url(redirect_uri=f"{BACK}?a=1"), cloud.ann))
    query = parse_qs(back.query)
    assert (back.netloc, back.path) == ("canned.example", "/genesys/callback")
    assert (query["a"], query["state"], len(query["code"])) == (["1"], ["s1"], 1)


def test_somebody_may_decline(cloud: SimulatedGenesys, anybody: Any) -> None:
    back = parse_qs(urlsplit(cloud.deny(anybody.authorize_url())).query)
    assert back == {"error": ["access_denied"], "state": ["s1"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "somebody"},
        {"redirect_uri": "http://canned.example/callback"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_wrong_request_to_log_in_leads_nowhere(
    cloud: SimulatedGenesys, anybody: Any, wrong: dict[str, str | None]
) -> None:
    page = anybody("GET", anybody.authorize_url(**wrong))

    assert (page.status_code, "Location" in page.headers) == (400, False)
    with pytest.raises(ValueError, match="cannot go on"):
        cloud.log_in(anybody.authorize_url(**wrong), cloud.ann)
    assert cloud.logins == {}


def test_only_registered_addresses_are_led_back_to(cloud: SimulatedGenesys, anybody: Any) -> None:
    cloud.redirect_uris = [BACK]
    assert anybody.code(cloud.ann)
    with pytest.raises(ValueError, match="redirect URI"):
        anybody.code(cloud.ann, redirect_uri=f"{BACK}/")


def test_an_inactive_user_cannot_log_in(cloud: SimulatedGenesys, anybody: Any) -> None:
    code, token = anybody.code(cloud.ann), anybody.exchange(anybody.code(cloud.ann)).json()
    cloud.users[cloud.ann].state = "inactive"

    with pytest.raises(ValueError, match="not active"):
        anybody.code(cloud.ann)
    assert_no_token(anybody.exchange(code), 400, "invalid_grant")
    assert_no_token(anybody.refresh(token["refresh_token"]), 400, "invalid_grant")


def test_a_code_works_once(cloud: SimulatedGenesys, anybody: Any) -> None:
    code = anybody.code(cloud.ann)
    assert anybody.exchange(code).ok
    assert_no_token(anybody.exchange(code), 400, "invalid_grant")


def test_a_code_grows_too_old(cloud: SimulatedGenesys, anybody: Any, time: Any) -> None:
    code = anybody.code(cloud.ann)
    time.advance(minutes=5, seconds=1)
    assert_no_token(anybody.exchange(code), 400, "invalid_grant")


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": f"{BACK}/other"},
        {"redirect_uri": None},
        {"code_verifier": "another-verifier-of-at-least-forty-three-chars"},
        {"code_verifier": "short"},
        {"code_verifier": None},
    ],
    ids=str,
)
def test_a_code_needs_its_own_address_and_verifier(
    cloud: SimulatedGenesys, anybody: Any, wrong: dict[str, str | None]
) -> None:
    code = anybody.code(cloud.ann)
    assert_no_token(anybody.exchange(code, **wrong), 400, "invalid_grant")
    assert_no_token(anybody.exchange(code), 400, "invalid_grant")


def test_without_a_challenge_there_is_no_verifier(cloud: SimulatedGenesys, anybody: Any) -> None:
    unchallenged = {"code_challenge": None, "code_challenge_method": None}
    assert anybody.exchange(anybody.code(cloud.ann, **unchallenged), code_verifier=None).ok
    assert_no_token(anybody.exchange(anybody.code(cloud.ann, **unchallenged)), 400, "invalid_grant")


def test_a_refresh_token_works_once_and_brings_the_next(cloud: SimulatedGenesys, anybody: Any) -> None:
    first = anybody.exchange(anybody.code(cloud.ann)).json()
    second = anybody.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]

    assert_no_token(anybody.refresh(first["refresh_token"]), 400, "invalid_grant")
    assert anybody.refresh(second["refresh_token"]).ok


def test_log_out_ends_all_of_one_persons_tokens(cloud: SimulatedGenesys, anybody: Any, bob: Any) -> None:
    token = anybody.exchange(anybody.code(cloud.ann)).json()
    cloud.log_out(cloud.ann)

    anybody.token = token["access_token"]
    assert anybody("GET", ME).status_code == 401
    assert_no_token(anybody.refresh(token["refresh_token"]), 400, "invalid_grant")
    assert bob("GET", ME).ok


def test_an_inactivity_time_out_means_no_refresh_token_and_counts_calls(
    cloud: SimulatedGenesys, anybody: Any, time: Any
) -> None:
    cloud.inactivity_timeout = 900
    token = anybody.exchange(anybody.code(cloud.ann)).json()
    assert "refresh_token" not in token
    anybody.token = token["access_token"]

    for _ in range(2):
        time.advance(seconds=899)
        assert anybody("GET", ME).ok
    time.advance(seconds=900)
    assert anybody("GET", ME).status_code == 401
    assert anybody("GET", ME).status_code == 401


def test_a_public_client_has_no_secret_needs_a_challenge_and_gets_no_refresh_token(
    cloud: SimulatedGenesys, anybody: Any
) -> None:
    cloud.oauth_client_secret = None
    token = anybody.exchange(anybody.code(cloud.ann), client_id=cloud.oauth_client_id)

    assert (token.status_code, "refresh_token" in token.json()) == (200, False)
    assert_no_token(anybody.exchange(anybody.code(cloud.ann)), 401, "invalid_client")
    with pytest.raises(ValueError, match="public client"):
        anybody.code(cloud.ann, code_challenge=None, code_challenge_method=None)


# The service


def test_the_service_names_itself_by_basic_authentication(cloud: SimulatedGenesys, anybody: Any) -> None:
    grant = {"grant_type": "client_credentials"}
    answer = anybody.form(client=anybody.service, **grant)
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}

    in_form = {"client_id": cloud.client_id, "client_secret": cloud.client_secret}
    for wrong in (
        anybody.form(**grant, **in_form),
        anybody.form(client=(cloud.client_id, "wrong"), **grant),
        anybody.form(client=("wrong", cloud.client_secret), **grant),
    ):
        assert_no_token(wrong, 401, "invalid_client")


def test_each_client_has_its_own_grants(cloud: SimulatedGenesys, anybody: Any) -> None:
    people, service = anybody.people, anybody.service
    assert_no_token(anybody.form(client=people, grant_type="client_credentials"), 400, "unauthorized_client")
    for form in (
        {"grant_type": "authorization_code", "code": anybody.code(cloud.ann), "redirect_uri": BACK},
        {"grant_type": "refresh_token", "refresh_token": "r"},
    ):
        assert_no_token(anybody.form(client=service, **form), 400, "unauthorized_client")
        assert_no_token(anybody.form(client=(cloud.oauth_client_id, "wrong"), **form), 401, "invalid_client")
    jwt = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert_no_token(anybody.form(client=service, grant_type=jwt), 400, "unsupported_grant_type")


# What a token opens


def test_a_token_says_whose_it_is(cloud: SimulatedGenesys, ann: Any, service: Any, refused: Any) -> None:
    of_ann, of_service = (each("GET", "/api/v2/tokens/me").json() for each in (ann, service))
    assert of_ann["organization"]["id"] == of_service["organization"]["id"] == cloud.org_id
    assert (of_ann["OAuthClient"]["id"], of_ann["OAuthClient"]["authorizedGrantType"]) == (
        cloud.oauth_client_id,
        "CODE",
    )
    assert (of_service["OAuthClient"]["id"], of_service["authorizedScope"]) == (cloud.client_id, [])
    assert "conversations" in of_ann["authorizedScope"]
    refused(service("GET", ME), 400, "not.a.user")


def test_bad_old_and_missing_tokens_are_401(
    cloud: SimulatedGenesys, anybody: Any, ann: Any, time: Any, refused: Any
) -> None:
    refused(anybody("GET", ME), 401, "authentication.required")
    anybody.token = "invented"
    refused(anybody("GET", ME), 401, "bad.credentials")
    time.advance(seconds=86_399)
    assert ann("GET", ME).ok
    cloud.users[cloud.ann].state = "inactive"
    refused(ann("GET", ME), 401, "bad.credentials")
    cloud.users[cloud.ann].state = "active"
    time.advance(seconds=1)
    refused(ann("GET", ME), 401, "bad.credentials")


def test_scopes_bind_people_and_not_the_service(
    cloud: SimulatedGenesys, anybody: Any, service: Any, refused: Any
) -> None:
    cloud.oauth_scopes = frozenset({"conversations:readonly"})
    ann = anybody.as_person(cloud.ann)

    assert ann.conversation()["id"] == cloud.chat
    refused(ann.send(cloud.ann), 403, "app.not.authorized.for.scope")
    refused(ann("GET", ME), 403, "app.not.authorized.for.scope")
    assert service.conversation()["id"] == cloud.chat
    cloud.enforce_scopes = False
    assert ann.send(cloud.ann).ok


def test_users_are_found_and_read(cloud: SimulatedGenesys, ann: Any, service: Any, refused: Any) -> None:
    by_email = {"type": "EXACT", "fields": ["email"], "value": "BOB.RAY@example.com"}
    active = {"type": "EXACT", "fields": ["state"], "values": ["active"]}
    asked = {"pageSize": 25, "pageNumber": 1, "query": [by_email, active]}
    assert [each["id"] for each in service("POST", "/api/v2/users/search", asked).json()["results"]] == [
        cloud.bob
    ]
    assert ann("GET", f"/api/v2/users/{cloud.bob}").json()["name"] == "Bob Ray"
    refused(service("GET", "/api/v2/users/nobody"), 404, "general.resource.not.found")

    cloud.permissions = cloud.permissions - {"directory:user:view"}
    refused(service("POST", "/api/v2/users/search", asked), 403, "missing.permissions")
    assert ann("POST", "/api/v2/users/search", asked).ok


def test_every_token_has_its_own_300_requests_a_minute(
    cloud: SimulatedGenesys, ann: Any, bob: Any, time: Any, refused: Any
) -> None:
    for _ in range(300):
        last = ann("GET", ME)
    assert (last.headers["inin-ratelimit-count"], last.headers["inin-ratelimit-allowed"]) == ("300", "300")
    time.advance(seconds=20)

    over = ann("GET", ME)

    refused(over, 429, "too.many.requests.retry.after")
    assert over.headers["Retry-After"] == "40"
    assert bob("GET", ME).ok
    time.advance(seconds=40)
    assert ann("GET", ME).ok
