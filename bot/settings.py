"""Every environment variable the bot knows, typed; read once, by the command line."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_CONFIG = "canned.yml"
DEFAULT_DATABASE = "sqlite:///canned.db"
PLATFORM, EVENTS = "platform", "events"
SHORTEST_SECRET = 16  # characters
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
    """`region` and the `oauth_…` client, which people sign in with, are platform's; `org_id` is events'."""

    api: str
    region: str
    org_id: str
    client_id: str
    client_secret: Secret
    oauth_client_id: str | None
    oauth_client_secret: Secret
    jwt_key_file: Path | None
    system_user_id: str | None
    webhook_secret: Secret
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
    `public_url` has no slash at its end; `secret_keys` seal people's tokens, the first one new ones.
    """

    genesys: GenesysSettings
    slack: SlackSettings | None
    public_url: str | None
    secret_keys: tuple[Secret, ...]
    database_url: Secret
    config: Path
    host: str
    port: int
    log_level: str
    log_format: str

    @classmethod
    def from_env(
        cls, env: Mapping[str, str], *, need_slack: bool = False, regions: Mapping[str, str] | None = None
    ) -> Settings:
        """
        Read all variables; raises SettingsError that names every missing or wrong one.

        `regions` are the domains that there are, by name; without them the region is not looked at.
        """
        read = _Reader(env)
        genesys = _genesys(read, regions)
        people_sign_in = genesys.api == PLATFORM
        settings = cls(
            genesys=genesys,
            slack=_slack(read, required=need_slack),
            public_url=_public_url(read, required=people_sign_in),
            secret_keys=_secret_keys(read, required=people_sign_in),
            database_url=database_url(env),
            config=config(env),
            host=read.text("CANNED_HOST", "127.0.0.1"),
            port=read.number("CANNED_PORT", 3000),
            log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_format=read.choice("LOG_FORMAT", "text", ("text", "json")),
        )
        if read.faults:
            raise SettingsError(read.faults)
        return settings


def secret_keys(env: Mapping[str, str]) -> tuple[Secret, ...]:
    """CANNED_SECRET_KEY alone, for what needs no other setting; raises SettingsError."""
    read = _Reader(env)
    keys = _secret_keys(read, required=False)
    if read.faults:
        raise SettingsError(read.faults)
    return keys


def database_url(env: Mapping[str, str]) -> Secret:
    """DATABASE_URL alone, for what needs no other setting."""
    return Secret(_Reader(env).text("DATABASE_URL", DEFAULT_DATABASE))


def config(env: Mapping[str, str]) -> Path:
    """CANNED_CONFIG alone, for what needs no other setting."""
    return Path(_Reader(env).text("CANNED_CONFIG", DEFAULT_CONFIG))


class _Reader:
    """Collects faults instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def required(self, name: str, why: str, *, here: bool = True) -> str:
        """Not `here`, it may be missing."""
        value = self.text(name)
        if here and not value:
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
        if not _is_safe(value):
            self.faults.append(f"{name} must start with https:// (http:// only for this machine itself)")
        elif not _has_good_port(value):
            self.faults.append(f"{name} must end its host with a port number up to 65535, or with none")
        elif "@" in urlsplit(value).netloc:
            self.faults.append(f"{name} must have no user name or password in it: addresses are shown")
        else:
            return value.rstrip("/")
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
        (parts.hostname or "").encode("idna")
    except ValueError:  # brackets left open, a dot too many
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def _has_good_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _genesys(read: _Reader, regions: Mapping[str, str] | None) -> GenesysSettings:
    api = read.choice("GENESYS_API", PLATFORM, (PLATFORM, EVENTS))
    return GenesysSettings(
        api=api,
        region=_region(read, regions, required=api == PLATFORM),
        org_id=_org_id(read, required=api == EVENTS),
        client_id=read.required("GENESYS_CLIENT_ID", "the OAuth client's id, from Genesys' admin pages"),
        client_secret=Secret(read.required("GENESYS_CLIENT_SECRET", "the OAuth client's secret")),
        oauth_client_id=read.required("GENESYS_OAUTH_CLIENT_ID", _WHY_OAUTH, here=api == PLATFORM) or None,
        oauth_client_secret=Secret(read.text("GENESYS_OAUTH_CLIENT_SECRET")),
        jwt_key_file=read.file("GENESYS_JWT_KEY_FILE"),
        system_user_id=read.text("GENESYS_SYSTEM_USER_ID") or None,
        webhook_secret=_webhook_secret(read),
        login_url=read.url("GENESYS_LOGIN_URL"),
        api_url=read.url("GENESYS_API_URL"),
    )


_WHY_OAUTH = "people sign in to Genesys with an OAuth client of the grant type code"


def _webhook_secret(read: _Reader) -> Secret:
    value = read.text("GENESYS_WEBHOOK_SECRET")
    if value and len(value) < SHORTEST_SECRET:
        read.faults.append(f"GENESYS_WEBHOOK_SECRET must have {SHORTEST_SECRET} characters or more")
    return Secret(value)


def _region(read: _Reader, regions: Mapping[str, str] | None, *, required: bool) -> str:
    why = "where the organisation lives, like mypurecloud.ie or eu_west_1"
    value = read.required("GENESYS_REGION", why, here=required).lower()
    known = None if regions is None else {*regions, *regions.values()}
    if value and known is not None and {value, value.replace("-", "_")}.isdisjoint(known):
        listed = ", ".join(f"{domain} ({name})" for name, domain in (regions or {}).items())
        read.faults.append(f"GENESYS_REGION must be one of these, by domain or by name: {listed}")
    return value


def _public_url(read: _Reader, *, required: bool) -> str | None:
    url = read.url("CANNED_PUBLIC_URL")
    read.required(
        "CANNED_PUBLIC_URL", "people's browsers come back to it from Genesys' log-in", here=required
    )
    if url is not None and (urlsplit(url).query or urlsplit(url).fragment):
        read.faults.append("CANNED_PUBLIC_URL must be an address alone, without ? or #")
    return url


def _secret_keys(read: _Reader, *, required: bool) -> tuple[Secret, ...]:
    keys = [key.strip() for key in read.text("CANNED_SECRET_KEY").split(",") if key.strip()]
    if not keys and required:
        read.faults.append(
            "CANNED_SECRET_KEY is not set: it seals people's Genesys tokens; `canned init` makes one"
        )
    if not all(_is_fernet_key(key) for key in keys):
        read.faults.append(
            "CANNED_SECRET_KEY must be Fernet keys (32 bytes in URL-safe base64) with commas between them"
        )
    return tuple(Secret(key) for key in keys)


def _is_fernet_key(key: str) -> bool:
    try:
        return len(urlsafe_b64decode(key.encode("ascii"))) == 32
    except (binascii.Error, UnicodeEncodeError):
        return False


def _org_id(read: _Reader, *, required: bool) -> str:
    why = "the organisation's name in https://<name>.mypurecloud.com"
    value = read.required("GENESYS_ORG_ID", why, here=required)
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
    if bot_token and not re.fullmatch(r"xoxb-[!-~]+", bot_token):
        read.faults.append("SLACK_BOT_TOKEN must be a bot token, which starts with xoxb-, as Slack shows it")
    if app_token and not re.fullmatch(r"xapp-[!-~]+", app_token):
        read.faults.append(
            "SLACK_APP_TOKEN must be an app-level token, which starts with xapp-, as Slack shows it"
        )
    if required and not app_token and not signing_secret:
        read.faults.append(
            "SLACK_SIGNING_SECRET is not set: without it nobody can tell Slack from a stranger "
            "(or set SLACK_APP_TOKEN for Socket Mode)"
        )
    return SlackSettings(
        Secret(bot_token), Secret(signing_secret), Secret(app_token), read.url("SLACK_API_URL")
    )
