"""The views methods of the Web API: windows and Home tabs that the app opens and changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from . import limits
from .slack_state import Json, Refusal, Workspace
from .slack_view import View


def _views_open(workspace: Workspace, given: Json) -> Json:
    definition = _view_definition(given, "modal")
    trigger = workspace.fresh_trigger(given.get("trigger_id"))
    trigger.used = True
    return {"view": view_json(workspace, workspace.show(trigger.user, definition))}


def _views_push(workspace: Workspace, given: Json) -> Json:
    definition = _view_definition(given, "modal")
    trigger = workspace.fresh_trigger(given.get("trigger_id"))
    if trigger.view_id not in workspace.views:
        raise Refusal("invalid_trigger_id")  # only what was clicked in an open modal can push
    view = workspace.push(trigger.user, definition)
    trigger.used = True
    return {"view": view_json(workspace, view)}


def _views_update(workspace: Workspace, given: Json) -> Json:
    view = workspace.view_called(given.get("view_id"))
    definition = _view_definition(given, str(view.json["type"]))
    if given.get("hash") not in (None, view.hash):
        raise Refusal("hash_conflict")
    return {"view": view_json(workspace, workspace.change(view, definition))}


def _views_publish(workspace: Workspace, given: Json) -> Json:
    definition = _view_definition(given, "home")
    user = str(given.get("user_id"))
    if user not in workspace.people:
        raise Refusal("user_not_found")
    if not workspace.home_tab:
        raise Refusal("not_enabled")
    home = workspace.homes.get(user)
    if home and given.get("hash") not in (None, home.hash):
        raise Refusal("hash_conflict")
    return {"view": view_json(workspace, workspace.publish(user, definition))}


def _view_definition(given: Json, kind: str) -> Json:
    definition = given.get("view")
    if not isinstance(definition, dict):
        raise Refusal("invalid_arguments", ["view is missing or no object"])
    require_sound_view(definition, kind)
    return definition


def require_sound_view(definition: Mapping[str, Any], kind: str) -> None:
    """Raises Refusal with everything that is wrong with the view; `kind` is modal or home."""
    if len(json.dumps(definition).encode()) > limits.VIEW_BYTES:
        raise Refusal("view_too_large")
    wrong = limits.faults(definition) if definition.get("type") == kind else [f"type: must be {kind}"]
    if wrong:
        raise Refusal("invalid_arguments", wrong)


def view_json(workspace: Workspace, view: View) -> Json:
    """The view as Slack hands it to the app, in answers and payloads."""
    shown: Json = {
        "callback_id": "",
        "private_metadata": "",
        "external_id": "",
        "submit": None,
        "close": None,
    }
    shown |= {"notify_on_close": False, "clear_on_close": False, **view.json}
    return shown | {
        "id": view.id,
        "team_id": workspace.team_id,
        "app_id": workspace.app_id,
        "app_installed_team_id": workspace.team_id,
        "bot_id": "B0CANNED",
        "state": {"values": copy.deepcopy(view.values)},
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
    }


VIEW_METHODS: dict[str, tuple[str, Callable[[Workspace, Json], Json]]] = {
    "views.open": ("", _views_open),
    "views.push": ("", _views_push),
    "views.update": ("", _views_update),
    "views.publish": ("", _views_publish),
}
