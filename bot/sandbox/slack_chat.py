"""The chat methods of the Web API and the response URLs: everything by which the app says something."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import limits
from .slack_state import (
    RESPONSE_URL_SECONDS,
    RESPONSE_URL_USES,
    Channel,
    Json,
    Refusal,
    ResponseUrl,
    Workspace,
)


def require_sound_message(content: Mapping[str, Any]) -> None:
    """Raises Refusal with everything that is wrong with a message's content."""
    if not (content.get("text") or content.get("blocks")):
        raise Refusal("no_text")
    if limits.block_text(content.get("blocks")) > limits.MESSAGE_BLOCK_TEXT:
        raise Refusal("msg_blocks_too_long")
    wrong = limits.faults({name: value for name, value in content.items() if name != "type"})
    if wrong:
        raise Refusal("invalid_blocks", wrong)


def _content(given: Json) -> Json:
    """What of the arguments is the message itself; checked. Raises Refusal."""
    require_sound_message(given)
    content: Json = {name: given[name] for name in ("text", "blocks") if name in given}
    if "metadata" in given:
        content["metadata"] = _metadata(given["metadata"])
    return content


def _metadata(given: object) -> Json:
    if not isinstance(given, dict) or not isinstance(given.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", str(given.get("event_type", ""))):
        raise Refusal("invalid_metadata_schema")
    return {"event_type": given["event_type"], "event_payload": given["event_payload"]}


def _writable(workspace: Workspace, given: Json) -> Channel:
    """The channel to write to; a user's id stands for the direct messages with them. Raises Refusal."""
    wanted = str(given.get("channel", ""))
    if wanted in workspace.people:
        return workspace.direct_channel(wanted)
    channel = workspace.channels.get(wanted)
    inside = channel is not None and workspace.bot.id in channel.members
    if channel is None or (channel.is_private and not inside):
        raise Refusal("channel_not_found")
    if channel.is_archived:
        raise Refusal("is_archived")
    if not inside and "chat:write.public" not in (workspace.scopes or ()):
        raise Refusal("not_in_channel")
    return channel


def _post_message(workspace: Workspace, given: Json) -> Json:
    channel = _writable(workspace, given)
    content = _content(given)
    parent_ts = given.get("thread_ts")
    if parent_ts is not None:
        parent = channel.post(str(parent_ts))
        if parent is None:
            raise Refusal(workspace.deleted_parent)
        if parent.get("thread_ts", parent["ts"]) != parent["ts"]:
            raise Refusal("cannot_reply_to_message")
        content["thread_ts"] = parent["ts"]
    workspace.take_post(channel)
    message = workspace.message(channel, workspace.bot.id, content)
    channel.posts.append(message)
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def _post_ephemeral(workspace: Workspace, given: Json) -> Json:
    channel = _writable(workspace, given)
    user = str(given.get("user", ""))
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    content = _content(given)
    if given.get("thread_ts"):
        content["thread_ts"] = str(given["thread_ts"])
    return {"message_ts": workspace.note(user, channel, content)["ts"]}


def _update(workspace: Workspace, given: Json) -> Json:
    channel, message = _own_message(workspace, given, "cant_update_message")
    changed = _content({"text": message["text"], **given} if given.get("blocks") else given)
    # What is not given stays, metadata included; Slack has blocks removed by an empty list.
    message |= workspace.message(channel, workspace.bot.id, {**message, **changed})
    message["edited"] = {"user": workspace.bot.id, "ts": workspace.next_ts()}
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}


def _delete(workspace: Workspace, given: Json) -> Json:
    channel, message = _own_message(workspace, given, "cant_delete_message")
    channel.posts.remove(message)
    return {"channel": channel.id, "ts": message["ts"]}


def _own_message(workspace: Workspace, given: Json, refusal: str) -> tuple[Channel, Json]:
    if given.get("channel") in workspace.people:
        raise Refusal("channel_not_found")  # unlike a post, these want the conversation's own id
    channel = _writable(workspace, given)
    message = channel.post(str(given.get("ts")))
    if message is None:
        raise Refusal("message_not_found")
    if message["user"] != workspace.bot.id:
        raise Refusal(refusal)
    return channel, message


CHAT_METHODS: dict[str, tuple[str, Callable[[Workspace, Json], Json]]] = {
    "chat.postMessage": ("chat:write", _post_message),
    "chat.postEphemeral": ("chat:write", _post_ephemeral),
    "chat.update": ("chat:write", _update),
    "chat.delete": ("chat:write", _delete),
}


# -- response URLs


def use_response_url(workspace: Workspace, token: str, content: object) -> tuple[int, str]:
    """Do what the app asks through a response URL; the status and the body of the answer."""
    url = workspace.response_urls.get(token)
    if url is None or (workspace.now() - url.at).total_seconds() > RESPONSE_URL_SECONDS:
        return 404, "expired_url"
    if url.uses >= RESPONSE_URL_USES:
        return 404, "used_url"
    if not isinstance(content, dict):
        return 400, "invalid_payload"
    try:
        if url.early is None:
            show_answer(workspace, url, content)
        else:
            require_sound_message(content)
            url.early.append(content)
    except Refusal as refused:
        workspace.complaints.append(f"response_url: {refused.code} {refused.messages}")
        return 400, refused.code
    url.uses += 1
    return 200, "ok"


def show_answer(workspace: Workspace, url: ResponseUrl, content: Json) -> Json:
    """
    Show an answer to a command or click: to its person alone, or to all with `in_channel`.

    Returns the message. Raises Refusal when Slack would not show it.
    """
    channel = workspace.channels[url.channel]
    require_sound_message(content)
    shown: Json = {name: content[name] for name in ("text", "blocks", "metadata") if name in content}
    if content.get("replace_original") and url.shown is not None:
        kept: Json = {
            name: url.shown[name] for name in ("ts", "thread_ts", "is_ephemeral") if name in url.shown
        }
        replaced = workspace.message(channel, workspace.bot.id, shown) | kept
        url.shown.clear()
        url.shown.update(replaced)
        return url.shown
    if url.thread_ts and content.get("thread_ts", url.thread_ts):
        shown["thread_ts"] = url.thread_ts
    if content.get("response_type") == "in_channel":
        message = workspace.message(channel, workspace.bot.id, shown)
        channel.posts.append(message)
    else:
        message = workspace.note(url.user, channel, shown)
    url.shown = url.shown or message
    return message
