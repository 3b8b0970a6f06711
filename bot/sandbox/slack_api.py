"""
The Web API of the simulated workspace: tokens, scopes, arguments, people, channels. Others: chat, views.

A method gets the arguments, decoded, and returns what goes beside `ok: true`, or raises
Refusal. Codes and rules are those of Slack's API reference.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, jsonify, request
from werkzeug.wrappers import Response

from .slack_chat import CHAT_METHODS, use_response_url
from .slack_state import Channel, Json, Person, Refusal, Workspace
from .slack_views import VIEW_METHODS

Method = Callable[[Workspace, Json], Json]

_ILL_FORMED = {"invalid_blocks", "msg_blocks_too_long", "no_text", "invalid_arguments", "view_too_large"}


def install(slack: Flask, workspace: Workspace) -> None:
    @slack.route("/api/<method>", methods=["GET", "POST"])
    def call(method: str) -> Response:
        try:
            with workspace.lock:
                answer: Response = jsonify({"ok": True, **_called(workspace, method)})
        except Refusal as refused:
            if refused.code in _ILL_FORMED:
                workspace.complaints.append(f"{method}: {refused.code} {refused.messages}")
            answer = refused_with(refused)
        if _token() == workspace.bot_token and workspace.scopes is not None:
            answer.headers["X-OAuth-Scopes"] = ",".join(sorted(workspace.scopes))
        return answer

    @slack.post("/response/<token>")
    def respond(token: str) -> Response:
        with workspace.lock:
            status, said = use_response_url(workspace, token, request.get_json(silent=True))
        return Response(said, status=status)


def refused_with(refused: Refusal) -> Response:
    """The answer that goes with a refusal: 200, but 429 for one that comes too soon."""
    more = dict(refused.more)
    wait = more.pop("retry_after", None)
    body: Json = {"ok": False, "error": refused.code, **more}
    if refused.messages:
        body["response_metadata"] = {"messages": [f"[ERROR] {each}" for each in refused.messages]}
    answer = jsonify(body)
    if wait is not None:
        answer.status_code = 429
        answer.headers["Retry-After"] = wait
    return answer


def fault_answer(status: int) -> Response:
    """What Slack sends with an HTTP status that is not 200."""
    said = {429: '{"ok":false,"error":"ratelimited"}', 503: '{"ok":false,"error":"fatal_error"}'}
    return Response(said.get(status, "upstream error"), status=status, mimetype="application/json")


def _called(workspace: Workspace, method: str) -> Json:
    arguments = _arguments()
    if method not in METHODS:
        raise Refusal("unknown_method")
    scope, function = METHODS[method]
    _require_token(workspace, scope)
    return function(workspace, arguments)


def _arguments() -> Json:
    given: Json = {**request.args, **request.form}
    if request.is_json and request.get_data():
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise Refusal("invalid_json")
        given |= body
    return {name: value for name, value in given.items() if value is not None}


def _token() -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _require_token(workspace: Workspace, scope: str) -> None:
    token = _token()
    if not token:
        raise Refusal("not_authed")
    if scope == "connections:write":
        if token != workspace.app_token:
            raise Refusal("not_allowed_token_type" if token == workspace.bot_token else "invalid_auth")
    elif token != workspace.bot_token:
        raise Refusal("not_allowed_token_type" if token == workspace.app_token else "invalid_auth")
    elif scope:
        require_scope(workspace, scope)


def require_scope(workspace: Workspace, scope: str) -> None:
    """Raises Refusal missing_scope unless the bot token was granted `scope`."""
    if workspace.scopes is not None and scope not in workspace.scopes:
        raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(workspace.scopes)))


# -- who is who


def _auth_test(workspace: Workspace, _: Json) -> Json:
    return {
        "url": f"https://{workspace.team_domain}.slack.com/",
        "team": "Canned Sandbox",
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "bot_id": "B0CANNED",
        "is_enterprise_install": bool(workspace.enterprise_id),
    } | ({"enterprise_id": workspace.enterprise_id} if workspace.enterprise_id else {})


def _auth_teams_list(workspace: Workspace, _: Json) -> Json:
    ids = [*workspace.other_teams, workspace.team_id] if workspace.enterprise_id else [workspace.team_id]
    teams = [{"id": each, "name": each.lower()} for each in ids]
    return {"teams": teams, "response_metadata": {"next_cursor": ""}}


def _users_info(workspace: Workspace, given: Json) -> Json:
    person = workspace.people.get(str(given.get("user")))
    if person is None:
        raise Refusal("user_not_found")
    return {"user": _profile(workspace, person)}


def _profile(workspace: Workspace, person: Person) -> Json:
    with_email = workspace.scopes is None or "users:read.email" in workspace.scopes
    shown = {"real_name": person.real_name or person.name, "display_name": person.name}
    if with_email and person.email:
        shown["email"] = person.email
    user: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": shown["real_name"],
        "tz": "Europe/Berlin",
        "profile": shown,
        "is_bot": person.is_bot,
    }
    if workspace.enterprise_id and not person.is_stranger:
        user["enterprise_user"] = {"id": person.id, "enterprise_id": workspace.enterprise_id}
    if not person.deleted:
        user |= {"is_restricted": person.is_restricted, "is_ultra_restricted": person.is_ultra_restricted}
    # Slack leaves is_stranger out for people of the own workspace.
    return user | ({"is_stranger": True} if person.is_stranger else {})


def _usergroup_users(workspace: Workspace, given: Json) -> Json:
    if not workspace.paid_plan:
        raise Refusal("plan_upgrade_required")
    if workspace.enterprise_id and not given.get("team_id"):
        raise Refusal("missing_argument", ["missing required field: team_id"])
    group = workspace.groups.get(str(given.get("usergroup")))
    if workspace.enterprise_id and given["team_id"] != workspace.team_id:
        group = None
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": list(group.members)}


# -- conversations


def _conversations_info(workspace: Workspace, given: Json) -> Json:
    channel = _readable(workspace, given, "read")
    return {
        "channel": {
            "id": channel.id,
            "name": channel.name,
            "is_channel": not channel.is_private and not channel.is_im,
            "is_private": channel.is_private,
            "is_im": channel.is_im,
            "is_archived": channel.is_archived,
            "is_member": workspace.bot.id in channel.members,
            "is_shared": channel.is_ext_shared,
            "is_ext_shared": channel.is_ext_shared,
            "is_pending_ext_shared": channel.is_pending_ext_shared,
        }
    }


def _conversations_open(workspace: Workspace, given: Json) -> Json:
    user = str(given.get("users", ""))
    if user not in workspace.people:
        raise Refusal("user_not_found")
    if workspace.people[user].deleted:
        raise Refusal("user_disabled")
    return {"channel": {"id": workspace.direct_channel(user).id}}


def _conversations_history(workspace: Workspace, given: Json) -> Json:
    channel = _member_of(workspace, given)
    tops = [post for post in channel.posts if post.get("thread_ts", post["ts"]) == post["ts"]]
    return _page(channel, [post for post in reversed(tops) if _in_time(post, given)], given)


def _conversations_replies(workspace: Workspace, given: Json) -> Json:
    channel = _member_of(workspace, given)
    parent = channel.post(str(given.get("ts")))
    if parent is None:
        raise Refusal("thread_not_found")
    replies = [post for post in channel.replies(parent["ts"]) if _in_time(post, given)]
    return _page(channel, [parent, *replies], given)


def _page(channel: Channel, posts: list[Json], given: Json) -> Json:
    start = int(given.get("cursor") or 0)
    end = start + min(int(given.get("limit") or 100), 1000)
    answer: Json = {"messages": [_shown(channel, post, given) for post in posts[start:end]]}
    answer["has_more"] = len(posts) > end
    if answer["has_more"]:
        answer["response_metadata"] = {"next_cursor": str(end)}
    return answer


def _shown(channel: Channel, post: Json, given: Json) -> Json:
    hidden = {"channel"} if _is_true(given.get("include_all_metadata")) else {"channel", "metadata"}
    shown = {name: value for name, value in post.items() if name not in hidden}
    replies = channel.replies(post["ts"])
    if replies:
        shown |= {"thread_ts": post["ts"], "reply_count": len(replies), "latest_reply": replies[-1]["ts"]}
    return shown


def _in_time(post: Json, given: Json) -> bool:
    ts, inclusive = float(post["ts"]), _is_true(given.get("inclusive"))
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    return oldest <= ts <= latest if inclusive else oldest < ts < latest


def _is_true(given: object) -> bool:
    return str(given).lower() in ("true", "1")


def _readable(workspace: Workspace, given: Json, what: str) -> Channel:
    """A channel that the bot can see: public, or private and inside. `what` is read or history."""
    channel = workspace.channels.get(str(given.get("channel")))
    if channel is None or (channel.is_private and workspace.bot.id not in channel.members):
        raise Refusal("channel_not_found")
    kind = "im" if channel.is_im else "groups" if channel.is_private else "channels"
    require_scope(workspace, f"{kind}:{what}")
    return channel


def _member_of(workspace: Workspace, given: Json) -> Channel:
    channel = _readable(workspace, given, "history")
    if workspace.bot.id not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _connections_open(workspace: Workspace, _: Json) -> Json:
    return {"url": workspace.socket_url()}


METHODS: dict[str, tuple[str, Method]] = {
    **CHAT_METHODS,
    **VIEW_METHODS,
    "auth.test": ("", _auth_test),
    "auth.teams.list": ("", _auth_teams_list),
    "users.info": ("users:read", _users_info),
    "usergroups.users.list": ("usergroups:read", _usergroup_users),
    # The scope of these depends on the kind of channel.
    "conversations.info": ("", _conversations_info),
    "conversations.history": ("", _conversations_history),
    "conversations.replies": ("", _conversations_replies),
    "conversations.open": ("im:write", _conversations_open),
    "apps.connections.open": ("connections:write", _connections_open),
}
