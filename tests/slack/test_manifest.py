from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt import App
from slack_sdk import WebClient

import bot.slack
from bot.slack import register
from bot.slack.manifest import SCOPES, as_yaml, manifest

ROOT = Path(bot.slack.__file__).parents[2]
URL = "https://canned.example.com"
BOTH = pytest.mark.parametrize("made", [manifest(), manifest(URL)], ids=["socket mode", "http"])

# What each Web API method asks for, where the bot uses it: in public and private channels,
# and in its direct messages. `auth.test` and `apps.connections.open` ask for none of the bot's.
NEEDED: dict[str, frozenset[str]] = {
    "auth_test": frozenset(),
    "auth_teams_list": frozenset(),
    "apps_connections_open": frozenset(),
    "views_open": frozenset(),
    "views_push": frozenset(),
    "views_update": frozenset(),
    "views_publish": frozenset(),
    "chat_postMessage": frozenset({"chat:write"}),
    "chat_postEphemeral": frozenset({"chat:write"}),
    "chat_update": frozenset({"chat:write"}),
    "chat_delete": frozenset({"chat:write"}),
    "users_info": frozenset({"users:read", "users:read.email"}),
    "usergroups_users_list": frozenset({"usergroups:read"}),
    "conversations_info": frozenset({"channels:read", "groups:read"}),
    "conversations_history": frozenset({"channels:history", "groups:history", "im:history"}),
    "conversations_replies": frozenset({"channels:history", "groups:history", "im:history"}),
    "conversations_open": frozenset({"im:write"}),
}


def test_the_file_is_what_the_command_prints() -> None:
    assert (ROOT / "manifest.yml").read_text(encoding="utf-8") == as_yaml()


@BOTH
def test_the_yaml_says_what_the_manifest_says(made: dict[str, Any]) -> None:
    url = URL if not made["settings"]["socket_mode_enabled"] else None

    assert yaml.safe_load(as_yaml(url)) == made


@BOTH
def test_words_fit_where_slack_shows_them(made: dict[str, Any]) -> None:
    about, features = made["display_information"], made["features"]

    assert 1 <= len(about["name"]) <= 35
    assert 1 <= len(about["description"]) <= 140
    assert 1 <= len(features["bot_user"]["display_name"]) <= 80
    for command in features["slash_commands"]:
        assert command["command"].startswith("/")
        assert command["command"] == command["command"].lower().strip()
        assert len(command["command"]) <= 32
        assert 1 <= len(command["description"]) <= 2000
        assert 1 <= len(command["usage_hint"]) <= 1000
    for shortcut in features["shortcuts"]:
        assert shortcut["type"] in ("global", "message")
        assert 1 <= len(shortcut["name"]) <= 24
        assert 1 <= len(shortcut["description"]) <= 150


@BOTH
def test_nothing_is_there_twice(made: dict[str, Any]) -> None:
    features = made["features"]
    commands = [command["command"] for command in features["slash_commands"]]
    shortcuts = [shortcut["callback_id"] for shortcut in features["shortcuts"]]
    scopes = made["oauth_config"]["scopes"]["bot"]

    assert sorted(set(commands)) == sorted(commands)
    assert sorted(set(shortcuts)) == sorted(shortcuts)
    assert sorted(set(scopes)) == sorted(scopes)


def test_a_command_has_its_scope() -> None:
    assert manifest()["features"]["slash_commands"]
    assert "commands" in SCOPES


def test_socket_mode_goes_without_addresses() -> None:
    made = manifest()

    assert made["settings"]["socket_mode_enabled"] is True
    assert [text for text in _strings(made) if "://" in text] == []


def test_http_names_the_same_https_address_everywhere() -> None:
    made = manifest(URL)

    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["interactivity"]["message_menu_options_url"] == f"{URL}/slack/events"
    assert [text for text in _strings(made) if "://" in text] == [f"{URL}/slack/events"] * 4


def test_a_slash_behind_the_address_changes_nothing() -> None:
    assert manifest(f"{URL}/") == manifest(URL)


@pytest.mark.parametrize(
    "url", ["", "http://canned.example.com", "canned.example.com", f"{URL}/slack", f"{URL}?a=1"]
)
def test_an_address_that_slack_could_not_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address like https://"):
        manifest(url)


# -- agreements ------------------------------------------------------------------------------


def test_every_command_and_shortcut_has_a_listener_and_the_reverse() -> None:
    features = manifest()["features"]
    ours = [command["command"] for command in features["slash_commands"]]
    ours += [shortcut["callback_id"] for shortcut in features["shortcuts"]]

    assert sorted(_Heard().names) == sorted(ours)


def test_the_manifest_subscribes_to_events_exactly_where_there_are_listeners() -> None:
    assert _Heard().events == manifest()["settings"].get("event_subscriptions", {}).get("bot_events", [])


def test_every_method_in_use_has_its_scopes_and_every_scope_its_use() -> None:
    used = set(_methods_in_use())

    assert used <= NEEDED.keys()
    assert {"commands"}.union(*(NEEDED[method] for method in used)) == set(SCOPES)


class _Heard(App):
    """Bolt's app with our listeners, which writes down for what they were registered."""

    def __init__(self) -> None:
        super().__init__(token="xoxb-1", signing_secret="s", token_verification_enabled=False)
        self.names: list[str] = []
        self.events: list[str] = []
        register(self)

    def command(self, command: Any, *_: Any, **__: Any) -> Any:
        self.names.append(command)
        return super().command(command)

    def global_shortcut(self, callback_id: Any, *_: Any, **__: Any) -> Any:
        self.names.append(callback_id)
        return super().global_shortcut(callback_id)

    def message_shortcut(self, callback_id: Any, *_: Any, **__: Any) -> Any:
        self.names.append(callback_id)
        return super().message_shortcut(callback_id)

    def event(self, event: Any, *_: Any, **__: Any) -> Any:
        self.events.append(event)
        return super().event(event)


def _methods_in_use() -> Iterator[str]:
    """The Web API methods that our code names: called, or handed on to be called."""
    families = (
        "chat_",
        "views_",
        "users_",
        "usergroups_",
        "conversations_",
        "auth_",
        "apps_",
        "bots_",
        "team_",
    )
    for path in [*(ROOT / "bot" / "slack").glob("*.py"), ROOT / "bot" / "app.py", ROOT / "bot" / "web.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and node.attr.startswith(families)
                and hasattr(WebClient, node.attr)
            ):
                yield node.attr


def _strings(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for inner in node.values() for text in _strings(inner)]
    if isinstance(node, list):
        return [text for inner in node for text in _strings(inner)]
    return [node] if isinstance(node, str) else []
