"""
The Slack app manifest: the one place that says what the app is allowed and where Slack reaches it.

`manifest.yml` is what `as_yaml()` prints; without an address the app uses Socket Mode.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .blocks import Json

COMMAND = "/canned"
OPEN = "canned_open"
FROM_MESSAGE = "canned_from_message"
EVENTS_PATH = "/slack/events"

EVENTS = ("app_home_opened",)
SCOPES = (
    "commands",  # the command and both shortcuts
    "chat:write",  # threads, direct messages, notes that follow a closed window
    "users:read",  # deactivated, guest and foreign users are refused
    "users:read.email",  # finds somebody's Genesys user
    "usergroups:read",  # user groups as supervisors
    "channels:read",  # a channel that is archived or shared gets no sends
    "groups:read",
    "channels:history",  # finds a post again whose answer was lost, before it is posted twice
    "groups:history",
    "im:write",
    "im:history",
)


def manifest(url: str | None = None) -> Json:
    """
    The manifest for an app that Slack reaches at `url`, or by Socket Mode if that is None.

    Raises ValueError unless `url` is an https address without a path of its own. Written
    from Slack's manifest schema, major version 1.
    """
    return {
        "display_information": {
            "name": "canned",
            "description": "Send canned responses into live Genesys Cloud conversations, once.",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "canned", "always_online": True},
            "slash_commands": [_command(url)],
            "shortcuts": _shortcuts(),
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": _settings(url),
    }


def as_yaml(url: str | None = None) -> str:
    """The manifest as YAML, as Slack's page for new apps takes it."""
    import yaml

    return yaml.safe_dump(manifest(url), sort_keys=False, allow_unicode=True, width=100)


def _command(url: str | None) -> Json:
    command: Json = {
        "command": COMMAND,
        "description": "Send a canned response to a customer",
        "usage_hint": "[conversation] [response] [name=value …] [at 15:30] | list | help",
        "should_escape": True,
    }
    return command if url is None else {**command, "url": _events(url)}


def _shortcuts() -> list[Json]:
    return [
        {
            "name": "Send a response",
            "type": "global",
            "callback_id": OPEN,
            "description": "Choose a canned response and send it to a customer",
        },
        {
            "name": "Send a canned response",
            "type": "message",
            "callback_id": FROM_MESSAGE,
            "description": "Send one into the conversation that this message names",
        },
    ]


def _settings(url: str | None) -> Json:
    interactivity: Json = {"is_enabled": True}
    if url is not None:
        interactivity |= {"request_url": _events(url), "message_menu_options_url": _events(url)}
    events: Json = {"bot_events": list(EVENTS)}
    if url is not None:
        events |= {"request_url": _events(url)}
    return {
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": False,
        "socket_mode_enabled": url is None,
        "token_rotation_enabled": False,
    }


def _events(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{url} is not an address like https://canned.example.com, which Slack has to reach")
    return f"https://{parts.netloc}{EVENTS_PATH}"
