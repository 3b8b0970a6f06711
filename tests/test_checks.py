"""`canned check` against the sandbox: all well, and each thing broken in turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot import checks
from bot.sandbox.sandbox import Sandbox
from bot.settings import Settings


@pytest.fixture(params=["platform", "events"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return make_sandbox().open()


def findings(office: Sandbox, **variables: str) -> dict[str, checks.Finding]:
    settings = Settings.from_env(office.environment() | variables)
    return {finding.name: finding for finding in checks.run(settings, now=office.clock)}


def failed(found: dict[str, checks.Finding]) -> list[str]:
    return [name for name, finding in found.items() if not finding.ok]


def test_a_set_up_that_works_has_no_failure_and_sends_nothing(office: Sandbox) -> None:
    found = findings(office)

    assert failed(found) == []
    assert {"config", "database", "slack", "people", "channel of Support EMEA"} <= found.keys()
    assert office.genesys.received == []


def test_a_supervisor_without_a_link_is_a_warning(office: Sandbox) -> None:
    missing = findings(office)["people"]
    office.link()

    assert (missing.ok, office.slack.ann in missing.detail, bool(missing.mend)) == (True, True, True)
    assert findings(office)["people"].mend == ""


def test_a_wrong_slack_token_is_named_and_nothing_else(office: Sandbox) -> None:
    found = findings(office, SLACK_BOT_TOKEN="xoxb-wrong")

    assert failed(found) == ["slack"]
    assert "SLACK_BOT_TOKEN" in found["slack"].mend


@pytest.mark.parametrize("flag", [{"bot": False}, {"is_archived": True}, {"is_ext_shared": True}])
def test_a_channel_that_takes_no_record_is_named_and_nothing_else(
    office: Sandbox, flag: dict[str, bool]
) -> None:
    office.slack.set_channel(office.slack.channel, **flag)

    assert failed(findings(office)) == ["channel of Support EMEA"]


def test_a_wrong_genesys_secret_is_named_and_nothing_else(office: Sandbox) -> None:
    assert failed(findings(office, GENESYS_CLIENT_SECRET="wrong")) == ["genesys sign-in"]


def test_a_faulty_config_is_named_and_hides_nothing_else(office: Sandbox) -> None:
    (office.folder / "canned.yml").write_text("responses: 1\n", encoding="utf-8")

    found = findings(office)
    assert failed(found) == ["config"]
    assert found["database"].ok


def test_a_database_that_is_none_is_named_and_nothing_else(office: Sandbox) -> None:
    (office.folder / "no.db").write_bytes(b"this is no database" * 100)

    assert failed(findings(office, DATABASE_URL=f"sqlite:///{office.folder}/no.db")) == ["database"]
