"""`canned check` against the sandbox: all well, and each thing broken in turn."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot import checks
from bot.genesys import Check
from bot.sandbox.sandbox import TEAM, Sandbox
from bot.settings import Settings
from bot.slack.manifest import SCOPES
from tests.databases import ask


@pytest.fixture(params=["platform", "events"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox], api: str) -> Sandbox:
    """All is well: the bot is stopped, the demo supervisor is linked and leads her group."""
    key = {"CANNED_SECRET_KEY": Fernet.generate_key().decode()} if api == "events" else {}
    office = make_sandbox(variables=key).open()
    team = {"name": TEAM, "channel": office.slack.channel, "supervisors": [office.slack.ann, "S0LEADS"]}
    office.configure({"teams": [team]})
    return office.link()


def findings(office: Sandbox, **variables: str) -> dict[str, Check]:
    settings = Settings.from_env(office.environment() | variables)
    return {each.name: each for each in checks.run(settings, now=office.clock)}


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, each in found.items() if not each.ok]


def warned(found: dict[str, Check]) -> list[str]:
    return [name for name, each in found.items() if each.ok and each.mend]


def test_a_set_up_that_works_has_no_failure_and_sends_nothing(office: Sandbox) -> None:
    found = findings(office)

    assert failed(found) == []
    assert warned(found) == ["public address"]  # the bot is stopped
    assert {"config", "database", "secret key", "slack", "slack scopes", "slack way in"} <= found.keys()
    assert {"people", "channel of Support EMEA", "user group S0LEADS"} <= found.keys()
    assert office.genesys.received == []
    assert {each.path for each in office.slack.requests}.isdisjoint({"/api/chat.postMessage"})


@pytest.mark.parametrize("api", ["platform"], indirect=True)
def test_a_bot_that_runs_is_seen_at_its_public_address(make_sandbox: Callable[..., Sandbox]) -> None:
    public = make_sandbox().start()
    found = findings(public)["public address"]

    assert found.mend == ""
    assert f"{public.environment()['CANNED_PUBLIC_URL']}/genesys/callback" in found.detail


# -- each thing broken in turn -----------------------------------------------------------------


@dataclass
class Broken:
    """`by` breaks it, or `variables` do: on that contract, where it matters. `says` is what is told of it."""

    name: str
    says: str
    by: Callable[[Sandbox], object] = field(default=lambda office: None)
    variables: dict[str, str] = field(default_factory=dict)
    only: str = "events"
    warns: bool = False


def without_scope(scope: str) -> Callable[[Sandbox], None]:
    def take(office: Sandbox) -> None:
        office.slack.scopes = set(SCOPES) - {scope}

    return take


def without_permission(permission: str) -> Callable[[Sandbox], None]:
    def take(office: Sandbox) -> None:
        office.genesys.permissions -= {permission}

    return take


def without_genesys_scope(scope: str) -> Callable[[Sandbox], None]:
    def take(office: Sandbox) -> None:
        office.genesys.scopes = frozenset(office.genesys.scopes) - {scope}

    return take


def channel(**flags: bool) -> Callable[[Sandbox], None]:
    return lambda office: office.slack.set_channel(office.slack.channel, **flags)


def altered(statement: str) -> Callable[[Sandbox], None]:
    def alter(office: Sandbox) -> None:
        findings(office)  # brings the database up to date
        with closing(sqlite3.connect(office.folder / "canned.db")) as database:
            database.executescript(f"PRAGMA foreign_keys = OFF; {statement}")

    return alter


def paused(office: Sandbox) -> None:
    with closing(office.open_store()) as store:
        store.pause("", actor="operator")


def tables() -> list[str]:
    from bot.storage.schema import metadata

    return sorted(metadata.tables)


GROUP = {"teams": [{"name": TEAM, "channel": "C0SUPPORT", "supervisors": ["U0ANN", "S0NOBODY"]}]}
MISSPELT = {"name": TEAM, "channel": "C0SUPPORT", "supervisors": ["U0ANN"], "queues": ["Suport EMEA"]}
AUTOMATED = {"name": TEAM, "channel": "C0SUPPORT", "supervisors": ["U0ANN"], "send_as": "system"}
APPROVED = {"responses": {"escalation": {"title": "x", "text": "x", "approval": "S0GONE"}}}
NOWHERE = "http://127.0.0.1:9"
BROKEN = [
    Broken("config", "line 1", lambda it: (it.folder / "canned.yml").write_text("responses: 1\n")),
    Broken("config", "canned init", variables={"CANNED_CONFIG": "nowhere.yml"}),
    *(Broken("database", table, altered(f"DROP TABLE {table}")) for table in tables()),
    Broken("database", "sends", altered("ALTER TABLE sends DROP COLUMN opened_by")),
    Broken("database", "newer", altered("UPDATE alembic_version SET version_num = '9999'")),
    Broken("database", "does not answer", variables={"DATABASE_URL": "sqlite:////nowhere/canned.db"}),
    Broken("database", "DATABASE_URL", variables={"DATABASE_URL": "postgresql+psycopg://x@127.0.0.1:9/x"}),
    Broken("database", "DATABASE_URL is sqlite:", variables={"DATABASE_URL": "mysql://x@127.0.0.1/x"}),
    Broken(
        "secret key",
        "1 of 1",
        only="platform",
        variables={"CANNED_SECRET_KEY": Fernet.generate_key().decode()},
    ),
    Broken("secret key", "is sealed with one", variables={"CANNED_SECRET_KEY": ""}),
    Broken(
        "secret key",
        "sealed with another one",
        variables={"CANNED_SECRET_KEY": Fernet.generate_key().decode()},
        warns=True,
    ),
    Broken("slack", "is not set", variables={"SLACK_BOT_TOKEN": ""}),
    Broken("slack", "invalid_auth", variables={"SLACK_BOT_TOKEN": "xoxb-wrong"}),
    Broken("slack", "Try again", lambda it: it.slack.stop()),
    *(Broken("slack scopes", scope, without_scope(scope)) for scope in SCOPES),
    Broken(
        "slack scopes",
        "files:write",
        lambda it: setattr(it.slack, "scopes", {*SCOPES, "files:write"}),
        warns=True,
    ),
    Broken("slack way in", "SLACK_APP_TOKEN", variables={"SLACK_APP_TOKEN": "xapp-wrong"}),
    Broken("slack way in", "signing secret", variables={"SLACK_SIGNING_SECRET": ""}),
    Broken("channel of Support EMEA", "not in the team's channel", channel(bot=False)),
    Broken("channel of Support EMEA", "archived", channel(is_archived=True)),
    Broken("channel of Support EMEA", "another company", channel(is_ext_shared=True)),
    Broken("channel of Support EMEA", "gone", lambda it: it.slack.channels.pop("C0SUPPORT")),
    Broken("user group S0NOBODY", "there is none", lambda it: it.configure(GROUP)),
    Broken("user group S0GONE", "there is none", lambda it: it.configure(APPROVED)),
    Broken("brake", "for every team", paused, warns=True),
    Broken("user group S0LEADS", "there is none", lambda it: setattr(it.slack, "paid_plan", False)),
    Broken(
        "user group S0LEADS", "0 people", lambda it: it.slack.groups["S0LEADS"].members.clear(), warns=True
    ),
    Broken("people", "U0BOB", lambda it: it.slack.groups["S0LEADS"].members.append("U0BOB"), warns=True),
    *(
        Broken("genesys sign-in", "sign", variables={name: "wrong"}, only=api)
        for name in ("GENESYS_CLIENT_SECRET", "GENESYS_CLIENT_ID")
        for api in ("platform", "events")
    ),
    Broken("genesys sign-in", "reached", variables={"GENESYS_LOGIN_URL": NOWHERE}),
    *(
        Broken(f"genesys {name}", permission, without_permission(permission), only="platform")
        for permission, name in {
            "conversation:communication:view": "conversations",
            "directory:user:view": "users",
            "responses:library:view": "libraries",
            "responses:response:view": "responses",
            "routing:queue:view": "queues",
        }.items()
    ),
    Broken(
        "genesys sending",
        "take conversation:message:create from",
        lambda it: setattr(
            it.genesys, "permissions", it.genesys.permissions | {"conversation:message:create"}
        ),
        only="platform",
        warns=True,
    ),
    Broken("queues", "Suport EMEA", lambda it: it.configure({"teams": [MISSPELT]}), only="platform"),
    Broken(
        "genesys sending",
        "conversation:message:create",
        lambda it: it.configure({"teams": [AUTOMATED]}),
        only="platform",
    ),
    Broken(
        "genesys system user",
        "No system user is set",
        lambda it: it.configure({"teams": [AUTOMATED]}),
        variables={"GENESYS_SYSTEM_USER_ID": ""},
    ),
    Broken("genesys people", "OAuth", only="platform", variables={"GENESYS_OAUTH_CLIENT_ID": "wrong"}),
    Broken("genesys people", "secret", only="platform", variables={"GENESYS_OAUTH_CLIENT_SECRET": "wrong"}),
    Broken(
        "genesys sending",
        "conversation:chat:write",
        without_genesys_scope("conversation:chat:write"),
    ),
    Broken(
        "genesys users",
        "user:read",
        without_genesys_scope("user:read"),
        variables={"GENESYS_SYSTEM_USER_ID": ""},  # nobody can be looked up
    ),
    Broken("settings", "GENESYS_JWT_KEY_FILE", variables={"GENESYS_JWT_KEY_FILE": "/proc/self/mem"}),
    Broken("genesys system user", "system user", variables={"GENESYS_SYSTEM_USER_ID": "x"}),
]


@pytest.mark.parametrize(
    ("api", "broken"),
    [(it.only, it) for it in BROKEN],
    ids=[f"{it.name}: {it.says} ({it.only})" for it in BROKEN],
    indirect=["api"],
)
def test_what_is_broken_is_named_with_its_mend_and_nothing_else_is(office: Sandbox, broken: Broken) -> None:
    broken.by(office)
    found = findings(office, **broken.variables)

    told = warned(found) if broken.warns else failed(found)
    assert [name for name in told if name != "public address"] == [broken.name]
    assert failed(found) == ([] if broken.warns else [broken.name])
    assert found[broken.name].mend
    assert "slack" in found
    assert broken.says in checks.line(found[broken.name])


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_a_table_that_is_gone_is_named_on_postgresql_too(
    make_sandbox: Callable[..., Sandbox], postgres_url: Callable[[], str]
) -> None:
    url = postgres_url()
    office = make_sandbox(variables={"DATABASE_URL": url}).open()
    assert "it was empty" in findings(office)["database"].detail
    assert "the newest" in findings(office)["database"].detail
    ask(url, "DROP TABLE posts CASCADE")

    found = findings(office)
    assert failed(found) == ["database"]
    assert "posts" in found["database"].detail


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_a_record_that_nothing_seals_yet_is_warned_of(make_sandbox: Callable[..., Sandbox]) -> None:
    found = findings(make_sandbox().open().link())["secret key"]

    assert found.ok
    assert "none is set" in checks.line(found)


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_what_the_readme_asks_for_on_the_events_contract_is_enough(office: Sandbox) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    asked = readme.partition("For the events contract set")[2].partition("\n4. ")[0]
    office.genesys.scopes = office.genesys.permissions = frozenset(re.findall(r"`(\w+:[\w:]+)`", asked))

    assert failed(findings(office)) == []


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_a_database_that_does_not_answer_is_not_told_to_run_this_very_check(office: Sandbox) -> None:
    found = findings(office, DATABASE_URL="sqlite:////nowhere/canned.db")["database"]

    assert "canned check" not in checks.line(found)


@pytest.mark.parametrize("api", ["events"], indirect=True)
def test_an_older_database_is_told_of_before_it_is_brought_up_to_date(office: Sandbox) -> None:
    (office.folder / "canned.db").unlink()

    assert "it was empty" in findings(office)["database"].detail
    assert "it was" not in findings(office)["database"].detail
