"""The settings are read whole, from the mapping they are given and nothing else."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import Settings, SettingsError

ROOT = Path(__file__).parents[1]
KEY, OLD_KEY = "s3cr3t-" + "A" * 36 + "=", "s3cr3t-" + "B" * 36 + "="
PLATFORM = {
    "GENESYS_REGION": "mypurecloud.ie",
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_CLIENT_SECRET": "s3cr3t-genesys",
    "GENESYS_OAUTH_CLIENT_ID": "people",
}
WEB = {"CANNED_PUBLIC_URL": "https://bot.example.com", "CANNED_SECRET_KEY": KEY}
GENESYS = PLATFORM | WEB
EVENTS = {
    "GENESYS_API": "events",
    "GENESYS_ORG_ID": "acme-eu",
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_CLIENT_SECRET": "s3cr3t-genesys",
}
REGIONS = {"eu_west_1": "mypurecloud.ie", "us_east_1": "mypurecloud.com"}
SLACK = {"SLACK_BOT_TOKEN": "xoxb-s3cr3t-bot", "SLACK_SIGNING_SECRET": "s3cr3t-signing"}
URLS = ("GENESYS_LOGIN_URL", "GENESYS_API_URL", "SLACK_API_URL", "CANNED_PUBLIC_URL")


class Watched(dict[str, str]):
    """An environment that remembers which variables it was asked for."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.asked: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, default)


def read(*, need_slack: bool = False, **changed: str) -> Settings:
    return Settings.from_env({**GENESYS, **SLACK, **changed}, need_slack=need_slack)


def faults(env: dict[str, str], *, need_slack: bool = True) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env, need_slack=need_slack)
    return caught.value.faults


def named(found: list[str]) -> list[str]:
    return [fault.split()[0] for fault in found]


def known() -> set[str]:
    env = Watched(GENESYS | SLACK)
    Settings.from_env(env, need_slack=True)
    return env.asked


def env_example() -> str:
    return (ROOT / "bot" / "env.example").read_text(encoding="utf-8")


# -- code, env.example and README agree -------------------------------------------------------


def test_env_example_names_every_variable_and_no_other() -> None:
    named_there = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", env_example(), re.MULTILINE)

    assert sorted(named_there) == sorted(known())


def test_readme_has_a_row_for_every_variable_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", readme.partition("### Settings\n")[2], flags=re.MULTILINE)[0]
    firsts = re.findall(r"^\|(.+?)\|", section, re.MULTILINE)
    named_there = [name for first in firsts for name in re.findall(r"`([A-Z0-9_]+)`", first)]

    assert sorted(named_there) == sorted(known())


def test_env_example_as_it_comes_lacks_only_what_nobody_can_guess() -> None:
    filled_in = {name: value or "" for name, value in dotenv_values(stream=StringIO(env_example())).items()}

    assert named(faults(filled_in)) == [*PLATFORM, "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", *WEB]


def test_values_in_env_example_are_the_defaults() -> None:
    every_line = re.sub(r"^#(?=[A-Z])", "", env_example(), flags=re.MULTILINE)
    filled_in = {name: value or "" for name, value in dotenv_values(stream=StringIO(every_line)).items()}

    assert Settings.from_env(filled_in | GENESYS | SLACK) == Settings.from_env(GENESYS | SLACK)


# -- what is read -----------------------------------------------------------------------------


def test_defaults_fill_what_is_not_set() -> None:
    settings = Settings.from_env(GENESYS)

    assert settings.slack is None
    assert settings.genesys.api == "platform"
    assert not settings.genesys.oauth_client_secret
    assert settings.genesys.org_id == ""
    assert settings.genesys.jwt_key_file is None
    assert settings.genesys.system_user_id is None
    assert settings.genesys.login_url is None
    assert settings.genesys.api_url is None
    assert settings.database_url.reveal() == "sqlite:///canned.db"
    assert settings.config == Path("canned.yml")
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert (settings.log_level, settings.log_format) == ("INFO", "text")


def test_every_variable_reaches_its_place(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    settings = read(
        SLACK_APP_TOKEN="xapp-app",
        SLACK_API_URL="https://slack.example.com/api/",
        GENESYS_API="PLATFORM",
        GENESYS_REGION="EU_WEST_1",
        GENESYS_ORG_ID="acme-eu",
        GENESYS_OAUTH_CLIENT_SECRET="s3cr3t-people",
        CANNED_PUBLIC_URL="https://example.com/canned/",
        CANNED_SECRET_KEY=f"{KEY}, {OLD_KEY},",
        GENESYS_JWT_KEY_FILE=str(key),
        GENESYS_SYSTEM_USER_ID="system",
        GENESYS_LOGIN_URL="http://127.0.0.1:81",
        GENESYS_API_URL="http://[::1]:82/",
        DATABASE_URL="postgresql+psycopg://u:p@h/n",
        CANNED_CONFIG="other.yml",
        CANNED_HOST="0.0.0.0",
        CANNED_PORT="0",
        LOG_LEVEL="debug",
        LOG_FORMAT="JSON",
    )

    assert settings.slack is not None
    assert settings.slack.bot_token.reveal() == "xoxb-s3cr3t-bot"
    assert settings.slack.signing_secret.reveal() == "s3cr3t-signing"
    assert settings.slack.app_token.reveal() == "xapp-app"
    assert settings.slack.api_url == "https://slack.example.com/api"
    assert settings.genesys.api == "platform"
    assert settings.genesys.region == "eu_west_1"
    assert settings.genesys.oauth_client_id == "people"
    assert settings.genesys.oauth_client_secret.reveal() == "s3cr3t-people"
    assert settings.public_url == "https://example.com/canned"
    assert [key.reveal() for key in settings.secret_keys] == [KEY, OLD_KEY]
    assert settings.genesys.org_id == "acme-eu"
    assert settings.genesys.client_id == "client"
    assert settings.genesys.client_secret.reveal() == "s3cr3t-genesys"
    assert settings.genesys.jwt_key_file == key
    assert settings.genesys.system_user_id == "system"
    assert settings.genesys.login_url == "http://127.0.0.1:81"
    assert settings.genesys.api_url == "http://[::1]:82"
    assert settings.database_url.reveal() == "postgresql+psycopg://u:p@h/n"
    assert settings.config == Path("other.yml")
    assert (settings.host, settings.port) == ("0.0.0.0", 0)
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_a_webhook_secret_that_can_be_guessed_is_a_fault() -> None:
    assert read(GENESYS_WEBHOOK_SECRET="k" * 16).genesys.webhook_secret.reveal() == "k" * 16
    assert not read().genesys.webhook_secret

    with pytest.raises(SettingsError, match="GENESYS_WEBHOOK_SECRET must have 16 characters") as caught:
        read(GENESYS_WEBHOOK_SECRET="too short")
    assert "too short" not in str(caught.value)


def test_blanks_round_a_value_do_not_count() -> None:
    settings = read(GENESYS_REGION=" acme ", CANNED_PORT=" 80\n", LOG_LEVEL="\tERROR ")

    assert (settings.genesys.region, settings.port, settings.log_level) == ("acme", 80, "ERROR")


def test_blank_variable_counts_as_not_set() -> None:
    blank = dict.fromkeys(known() - GENESYS.keys(), "  ")

    assert Settings.from_env(GENESYS | blank) == Settings.from_env(GENESYS)


# -- what is missing --------------------------------------------------------------------------


def test_everything_missing_is_named_at_once() -> None:
    assert named(faults({})) == [*PLATFORM, "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", *WEB]


def test_the_events_contract_asks_for_its_own_alone() -> None:
    assert named(faults({"GENESYS_API": "events"}, need_slack=False)) == list(EVENTS)[1:]

    settings = Settings.from_env(EVENTS)
    assert (settings.genesys.api, settings.genesys.org_id, settings.genesys.region) == (
        "events",
        "acme-eu",
        "",
    )
    assert (settings.genesys.oauth_client_id, settings.public_url, settings.secret_keys) == (None, None, ())


@pytest.mark.parametrize(
    "region", ["eu_west_1", "eu-west-1", "EU_WEST_1", "mypurecloud.ie", "MyPureCloud.ie"]
)
def test_a_region_goes_by_its_domain_or_its_name(region: str) -> None:
    settings = Settings.from_env({**GENESYS, "GENESYS_REGION": region}, regions=REGIONS)

    assert settings.genesys.region == region.lower()


@pytest.mark.parametrize("region", ["eu_west_9", "login.mypurecloud.ie", "evil.example", "mypurecloud.ie/x"])
def test_a_wrong_region_is_told_the_right_ones(region: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**GENESYS, "GENESYS_REGION": region}, regions=REGIONS)

    [fault] = caught.value.faults
    assert fault.startswith("GENESYS_REGION must be one of these")
    assert "mypurecloud.ie (eu_west_1), mypurecloud.com (us_east_1)" in fault
    assert region not in fault.replace("mypurecloud.ie (", "")


def test_command_line_without_slack_asks_for_genesys_alone() -> None:
    assert named(faults({}, need_slack=False)) == list(GENESYS)


@pytest.mark.parametrize("name", GENESYS)
def test_each_genesys_variable_that_is_missing_is_the_only_one_named(name: str) -> None:
    assert named(faults({**GENESYS, **SLACK, name: ""})) == [name]


def test_signing_secret_is_required_where_there_is_no_app_token() -> None:
    without = {**GENESYS, "SLACK_BOT_TOKEN": "xoxb-1"}

    assert named(faults(without)) == ["SLACK_SIGNING_SECRET"]
    assert Settings.from_env({**without, "SLACK_APP_TOKEN": "xapp-1"}, need_slack=True).slack is not None


def test_command_line_needs_no_signing_secret_since_it_does_not_listen() -> None:
    slack = Settings.from_env({**GENESYS, "SLACK_BOT_TOKEN": "xoxb-1"}).slack

    assert slack is not None
    assert not slack.signing_secret
    assert not slack.app_token


# -- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xapp-not-a-bot"),
        ("SLACK_APP_TOKEN", "xoxb-not-an-app"),
        *(("SLACK_BOT_TOKEN", f"xoxb-{rest}") for rest in ("…", "two\nlines", "with blank")),
        *(("SLACK_APP_TOKEN", f"xapp-{rest}") for rest in ("…", "two\nlines", "with blank")),
        ("GENESYS_API", "platforms"),
        ("GENESYS_JWT_KEY_FILE", "/nowhere/key.pem"),
        ("GENESYS_JWT_KEY_FILE", "/"),
        ("CANNED_PUBLIC_URL", "https://bot.example.com/?a=b"),
        ("CANNED_PUBLIC_URL", "https://bot.example.com/#there"),
        ("CANNED_SECRET_KEY", "guess-me"),
        ("CANNED_SECRET_KEY", f"{KEY},{KEY[:-4]}"),
        ("CANNED_SECRET_KEY", "é" * 44),
        ("CANNED_PORT", "65536"),
        ("CANNED_PORT", "-1"),
        ("CANNED_PORT", "80.0"),
        ("CANNED_PORT", "http"),
        ("LOG_LEVEL", "VERBOSE"),
        ("LOG_FORMAT", "xml"),
        *((name, "http://proxy.example.com") for name in URLS),
        *((name, "ftp://127.0.0.1") for name in URLS),
        *((name, "https:///path") for name in URLS),
        *((name, "https://proxy..example.com") for name in URLS),
        *((name, "https://host.example.com:half") for name in URLS),
        *((name, "https://host.example.com:65536") for name in URLS),
        *((name, "proxy.example.com") for name in URLS),
        ("GENESYS_LOGIN_URL", "http://127.0.0.1@proxy.example.com"),
        ("GENESYS_LOGIN_URL", "http://127.0.0.1.example.com"),
    ],
)
def test_wrong_value_is_named_and_not_shown(name: str, value: str) -> None:
    (fault,) = faults({**GENESYS, **SLACK, name: value})

    assert fault.split()[0] == name
    assert value not in fault


@pytest.mark.parametrize(
    "org", ["acme.evil.com/", "acme@evil", "acme evil", "-acme", "acme-", "ácme", "a/../b"]
)
def test_org_id_that_would_change_the_host_is_refused(org: str) -> None:
    assert named(faults({**EVENTS, **SLACK, "GENESYS_ORG_ID": org})) == ["GENESYS_ORG_ID"]


def test_organisation_longer_than_a_host_names_part_is_named() -> None:
    assert named(faults({**GENESYS, **SLACK, "GENESYS_ORG_ID": "a" * 64})) == ["GENESYS_ORG_ID"]
    assert Settings.from_env({**GENESYS, "GENESYS_ORG_ID": "a" * 63}).genesys.org_id == "a" * 63


def test_address_that_cannot_be_parsed_is_named_like_any_wrong_one() -> None:
    assert named(faults({**GENESYS, **SLACK, "GENESYS_API_URL": "https://[half"})) == ["GENESYS_API_URL"]


def test_private_key_pasted_in_place_of_its_file_is_named_and_not_shown() -> None:
    pasted = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvgIBADANBgkqhkiG9w0BAQEF\n" * 60
    (fault,) = faults({**GENESYS, **SLACK, "GENESYS_JWT_KEY_FILE": pasted})

    assert fault.split()[0] == "GENESYS_JWT_KEY_FILE"
    assert "MIIE" not in fault


def test_several_faults_are_one_error_that_lists_them_all() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"CANNED_PORT": "x", "LOG_LEVEL": "y", "LOG_FORMAT": "z"})

    assert named(caught.value.faults) == [*GENESYS, "CANNED_PORT", "LOG_LEVEL", "LOG_FORMAT"]
    assert all(f"\n  - {fault}" in str(caught.value) for fault in caught.value.faults)


@given(
    st.dictionaries(
        st.deferred(lambda: st.sampled_from(sorted(known()))),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map("q9{}q9".format),
    )
)
def test_no_value_however_wrong_is_shown_in_the_error(env: dict[str, str]) -> None:
    found = faults({"GENESYS_ORG_ID": ".", **env})

    assert not any("q9" in fault for fault in found)
    assert all(re.match(r"[A-Z_]+ (is not set: |must |names no )", fault) for fault in found)
