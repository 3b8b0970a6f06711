"""Whatever prints what we hold shows no secret, and nothing that people say or are called."""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
import re
import traceback
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from pprint import pformat
from types import ModuleType

import pytest

import bot
from bot.settings import Secret, Settings, SettingsError

URLS = ("GENESYS_LOGIN_URL", "GENESYS_API_URL", "SLACK_API_URL", "CANNED_PUBLIC_URL")
KEY, OLD_KEY = "s3cr3t-" + "A" * 36 + "=", "s3cr3t-" + "B" * 36 + "="
SECRET = {
    "SLACK_BOT_TOKEN": "xoxb-s3cr3t-bot",
    "SLACK_SIGNING_SECRET": "s3cr3t-signing",
    "SLACK_APP_TOKEN": "xapp-s3cr3t-app",
    "GENESYS_CLIENT_SECRET": "s3cr3t-genesys",
    "GENESYS_OAUTH_CLIENT_SECRET": "s3cr3t-people",
    "GENESYS_WEBHOOK_SECRET": "s3cr3t-of-the-webhook",
    "DATABASE_URL": "postgresql+psycopg://u:s3cr3t@h/n",
    "CANNED_SECRET_KEY": f"{KEY},{OLD_KEY}",
}
OPEN = {
    "GENESYS_REGION": "mypurecloud.ie",
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_OAUTH_CLIENT_ID": "people",
    "CANNED_PUBLIC_URL": "https://bot.example.com",
}


def test_nothing_that_prints_the_settings_shows_a_secret() -> None:
    settings = Settings.from_env(OPEN | SECRET, need_slack=True)
    with pytest.raises(AttributeError) as caught:
        settings.missing()  # type: ignore[attr-defined]
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = [
        f"{settings!r} {settings} {settings.genesys} {settings.slack}",
        pformat(asdict(settings)),
        json.dumps(asdict(settings), default=str),
        pformat(copy.deepcopy(settings)),
        f"{settings.secret_keys} {settings.database_url!s:>9}",
        "".join(trace.format()),
    ]

    for text in shown:
        assert "s3cr3t" not in text
        assert "***" in text
    assert shown[2].count("***") == len(SECRET) + 1  # two keys


def test_a_url_with_a_password_in_it_is_refused_since_it_would_be_shown() -> None:
    for name in URLS:
        with pytest.raises(SettingsError, match=f"{name} must have no user name or password") as caught:
            Settings.from_env(OPEN | SECRET | {name: "https://u:s3cr3t@proxy.example.com"})
        assert "s3cr3t" not in str(caught.value)


NAMES = re.compile("token|secret|cookie|verifier|access|refresh|password|assertion|text|name|email|customer")
SHOWN = {  # a name of ours, or of a thing
    *("Team.name", "Entry.name", "Finding.name", "Check.name", "_Token.name"),
    *(
        "Library.name",
        "LibraryResponse.name",
        "Queue.name",
        "Receipt.text_hash",
        "Message.from_customer",
        "Accepted.text_compared",
    ),
}


def test_no_noun_shows_a_secret_or_what_people_say_or_are_called_when_it_is_printed() -> None:
    nouns = {noun for module in modules() for noun in vars(module).values() if is_dataclass(noun)}
    shown = {
        f"{noun.__name__}.{each.name}"
        for noun in nouns
        for each in fields(noun)
        if each.repr and NAMES.search(each.name) and "Secret" not in str(each.type)
    }

    assert len(nouns) > 50
    assert shown - SHOWN == set()


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(bot.__path__, "bot."):
        if not re.search(r"sandbox|migrations|__main__", found.name):
            yield importlib.import_module(found.name)


def test_secret_shows_stars_and_is_compared_by_what_it_hides() -> None:
    assert f"{Secret('a')} {Secret('a')!r} {[Secret('a')]}" == "*** *** [***]"
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert (bool(Secret("a")), bool(Secret(""))) == (True, False)
