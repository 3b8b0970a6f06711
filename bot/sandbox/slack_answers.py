"""What the app's answers do to the screens of the people who clicked. The caller holds the lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import slack_forms as forms
from .slack_chat import show_answer
from .slack_said import Message
from .slack_state import Refusal, ResponseUrl, Workspace
from .slack_view import View
from .slack_views import require_sound_view
from .slack_wire import Ack

TROUBLE = "We had some trouble connecting. Try again?"


def to_command(workspace: Workspace, url: ResponseUrl, ack: Ack) -> str:
    """Show the answer to a command; what its person then reads, empty for nothing."""
    content = ack.json or ({"text": ack.body} if ack.body else {})
    if not content:
        return ""
    try:
        message = show_answer(workspace, url, content)
    except Refusal as refused:
        workspace.complaints.append(f"answer to a command: {refused.code} {refused.messages}")
        return ""
    return Message.of(message, workspace.names).said


def that_came_early(workspace: Workspace, url: ResponseUrl) -> None:
    """Show what the app said through the response URL while its answer to the command was on its way."""
    early, url.early = url.early or [], None
    for content in early:
        show_answer(workspace, url, content)


def to_submission(workspace: Workspace, view: View, ack: Ack) -> None:
    """Let the answer close or change the window that was submitted, or leave it there with errors in it."""
    if view.id not in workspace.views:
        return
    try:
        _apply(workspace, view, ack)
    except Refusal as refused:
        workspace.complaints.append(f"answer to a submission: {refused.code} {refused.messages}")
        view.errors = {"": TROUBLE}


def _apply(workspace: Workspace, view: View, ack: Ack) -> None:
    answer = ack.json
    action = answer.get("response_action")
    if ack.error or (ack.body.strip() and not answer):
        raise Refusal(ack.error or "invalid_answer")
    if action == "errors":
        view.errors = _below_inputs(view, answer.get("errors") or {})
    elif action == "update":
        definition = answer.get("view") or {}
        require_sound_view(definition, "modal")
        workspace.change(view, definition)
    elif answer:
        raise Refusal("unknown_response_action")
    else:
        workspace.close_top(view.user)


def _below_inputs(view: View, errors: Mapping[str, Any]) -> dict[str, str]:
    """The errors by label. Raises Refusal where one has no input block to stand below."""
    labels = {f.block["block_id"]: f.label for f in forms.fields(view.blocks) if f.is_input}
    strange = set(errors) - set(labels)
    if strange or not errors:
        raise Refusal("invalid_errors", [f"no input block `{each}`" for each in sorted(strange)])
    return {labels[block_id]: str(text) for block_id, text in errors.items()}
