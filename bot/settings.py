"""Every environment variable the bot knows, typed; read once, by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_CONFIG = "canned.yml"
DEFAULT_DATABASE = "sqlite:///canned.db"
LONGEST_LABEL = 63  # RFC 1035, 2.3.4
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """Some variables are missing or wrong; `faults` names each, never its value."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The settings are not complete:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class Secret:
    """A string that shows stars wherever it is printed; `reveal` at the moment of use."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True)
class GenesysSettings:
    api: str
    org_id: str
    client_id: str
    client_secret: Secret
    jwt_key_file: Path | None
    system_user_id: str | None
    login_url: str | None
    api_url: str | None


@dataclass(frozen=True)
class SlackSettings:
    """`app_token` set: Socket Mode; else HTTP, and the signing secret is required."""

    bot_token: Secret
    signing_secret: Secret
    app_token: Secret
    api_url: str | None


@dataclass(frozen=True)
class Settings:
    """
    What the environment says, checked whole.

    `slack` is None where no bot token is set: the command line works without, the bot does not.
    """

    genesys: GenesysSettings
    slack: SlackSettings | None
    database_url: str = field(repr=False)
    config: Path
    host: str
    port: int
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, need_slack: bool = False) -> Settings:
        """Read all variables; raises SettingsError that names every missing or wrong one."""
        read = _Reader(env)
        settings = cls(
            genesys=_genesys(read),
            slack=_slack(read, required=need_slack),
            database_url=read.text("DATABASE_URL", DEFAULT_DATABASE),
            config=Path(read.text("CANNED_CONFIG", DEFAULT_CONFIG)),
            host=read.text("CANNED_HOST", "127.0.0.1"),
            port=read.number("CANNED_PORT", 3000),
            log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_format=read.choice("LOG_FORMAT", "text", ("text", "json")),
        )
        if read.faults:
            raise SettingsError(read.faults)
        return settings


class _Reader:
    """Collects faults instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def required(self, name: str, why: str) -> str:
        value = self.text(name)
        if not value:
            self.faults.append(f"{name} is not set: {why}")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if value.isdecimal() and 0 <= int(value) <= 65535:
            return int(value)
        self.faults.append(f"{name} must be a port number from 0 to 65535")
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        found = next((choice for choice in choices if choice.casefold() == value.casefold()), None)
        if found is None:
            self.faults.append(f"{name} must be one of {', '.join(choices)}")
        return found or default

    def url(self, name: str) -> str | None:
        """An override of a vendor's host: https, or plain http to this machine."""
        value = self.text(name)
        if not value:
            return None
        if _is_safe(value):
            return value.rstrip("/")
        self.faults.append(f"{name} must start with https:// (http:// only for this machine itself)")
        return None

    def file(self, name: str) -> Path | None:
        value = self.text(name)
        if not value:
            return None
        try:
            found = Path(value).is_file()
        except OSError:  # too long for a name: the file's content, perhaps
            found = False
        if not found:
            self.faults.append(f"{name} names no file that can be read")
        return Path(value)


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def _genesys(read: _Reader) -> GenesysSettings:
    return GenesysSettings(
        api=read.choice("GENESYS_API", "events", ("events",)),
        org_id=_org_id(read),
        client_id=read.required("GENESYS_CLIENT_ID", "the OAuth client's id, from Genesys' admin pages"),
        client_secret=Secret(read.required("GENESYS_CLIENT_SECRET", "the OAuth client's secret")),
        jwt_key_file=read.file("GENESYS_JWT_KEY_FILE"),
        system_user_id=read.text("GENESYS_SYSTEM_USER_ID") or None,
        login_url=read.url("GENESYS_LOGIN_URL"),
        api_url=read.url("GENESYS_API_URL"),
    )


def _org_id(read: _Reader) -> str:
    value = read.required("GENESYS_ORG_ID", "the organisation's name in https://<name>.mypurecloud.com")
    if value and not all(part.isalnum() and part.isascii() for part in value.split("-")):
        read.faults.append("GENESYS_ORG_ID must be letters, digits and hyphens only: it becomes a host name")
    if len(value) > LONGEST_LABEL:
        read.faults.append(f"GENESYS_ORG_ID must not be longer than {LONGEST_LABEL} characters")
    return value


def _slack(read: _Reader, *, required: bool) -> SlackSettings | None:
    if not required and not read.text("SLACK_BOT_TOKEN"):
        return None
    bot_token = read.required("SLACK_BOT_TOKEN", "the bot user's token, which starts with xoxb-")
    app_token = read.text("SLACK_APP_TOKEN")
    signing_secret = read.text("SLACK_SIGNING_SECRET")
    if bot_token and not bot_token.startswith("xoxb-"):
        read.faults.append("SLACK_BOT_TOKEN must be a bot token, which starts with xoxb-")
    if app_token and not app_token.startswith("xapp-"):
        read.faults.append("SLACK_APP_TOKEN must be an app-level token, which starts with xapp-")
    if required and not app_token and not signing_secret:
        read.faults.append(
            "SLACK_SIGNING_SECRET is not set: without it nobody can tell Slack from a stranger "
            "(or set SLACK_APP_TOKEN for Socket Mode)"
        )
    return SlackSettings(
        Secret(bot_token), Secret(signing_secret), Secret(app_token), read.url("SLACK_API_URL")
    )
