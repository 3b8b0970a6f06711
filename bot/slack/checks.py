"""What Slack lets the bot do: found out thing by thing, by reading alone."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence

from slack_sdk import WebClient

from bot.canned.catalog import Catalog, Team
from bot.canned.errors import NotAllowed, SlackDown
from bot.genesys import Check
from bot.settings import SlackSettings

from .client import Limited, SlackFault, Unanswered, answer, call, header, reading_client, trusted
from .manifest import SCOPES
from .people import MOST_TEAMS, NO_CHANNEL, NO_GROUP, against_channel
from .socket import address

_INSTALL = (
    "Copy the Bot User OAuth Token again (api.slack.com/apps, OAuth & Permissions) into SLACK_BOT_TOKEN; "
    "if it is the same, install the app again there."
)
_SCOPES = "Paste what `canned manifest` prints into the app's manifest (App Manifest), then install it again."
_SOCKET = (
    "Make an app-level token with connections:write (Basic Information), put it into SLACK_APP_TOKEN, and "
    "switch Socket Mode on."
)
_GROUP = "Copy its id again into canned.yml: it starts with S."
_AGAIN = "Try again in a minute."
_LISTEN = "Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for a public address."

Members = Mapping[str, frozenset[str]]  # of user groups, by the group's id


def run(settings: SlackSettings, catalog: Catalog) -> Generator[Check, None, Members]:
    """Each thing as it is found out; returns who is in the user groups of canned.yml."""
    base = f"{settings.api_url}/" if settings.api_url else None
    client = reading_client(settings.bot_token.reveal(), base, trusted(base))
    try:
        me = answer(client.auth_test)
    except SlackFault as exc:
        mend = _AGAIN if isinstance(exc, Limited | Unanswered) else _INSTALL
        yield Check("slack", False, f"Slack does not take SLACK_BOT_TOKEN ({exc.error})", mend)
        return {}
    yield Check("slack", True, f"signed in to {me.get('enterprise_id') or me['team_id']}")
    yield _scopes(header(me.headers, "x-oauth-scopes"))
    yield _way_in(settings, client)
    for team in catalog.teams:
        yield from _channel(client, team)
    supervisors = {group for team in catalog.teams for group in team.groups}
    teams = _teams(client) if me.get("is_enterprise_install") else [None]
    members = yield from _groups(client, catalog.groups, teams)
    return {group: members.get(group, frozenset()) for group in supervisors}


def _scopes(said: str) -> Check:
    granted = {scope.strip() for scope in said.split(",")} - {""}
    missing, more = [each for each in SCOPES if each not in granted], sorted(granted - set(SCOPES))
    if not granted:
        return Check("slack scopes", True, "Slack did not say which there are", "Look at them in the app.")
    if missing:
        return Check("slack scopes", False, f"missing: {', '.join(missing)}", _SCOPES)
    if more:
        mend = f"Take them away, unless they are there for something else. {_SCOPES}"
        return Check("slack scopes", True, f"more than the bot needs: {', '.join(more)}", mend)
    return Check("slack scopes", True, f"the {len(SCOPES)} that the bot needs, and no other")


def _way_in(settings: SlackSettings, client: WebClient) -> Check:
    """How what people do in Slack comes to the bot. An address for Socket Mode is no connection yet."""
    if not settings.app_token:
        said = "over HTTP, as signed by SLACK_SIGNING_SECRET"
        if settings.signing_secret:
            return Check("slack way in", True, said)
        return Check("slack way in", False, "neither an app-level token nor a signing secret is set", _LISTEN)
    try:
        address(client, settings.app_token.reveal())
    except SlackDown:
        return Check("slack way in", False, "Slack gives no address for Socket Mode", _AGAIN)
    except NotAllowed as exc:
        return Check("slack way in", False, str(exc), _SOCKET)
    return Check("slack way in", True, "by Socket Mode")


def _channel(client: WebClient, team: Team) -> Generator[Check, None, None]:
    name = f"channel of {team.name}"
    try:
        channel = call(client.conversations_info, channel=team.channel)["channel"]
    except SlackFault as exc:
        if exc.error == "missing_scope":
            return  # said above
        if exc.error not in NO_CHANNEL:
            yield Check(name, False, f"Slack does not say ({exc.error})", _AGAIN)
            return
        channel = None
    if refusal := against_channel(channel):
        mend = f"Invite the bot into {team.channel}, or name another channel in canned.yml."
        yield Check(name, False, refusal, mend)
    else:
        yield Check(name, True, f"{team.channel} takes the team's threads")


def _teams(client: WebClient) -> list[str | None]:
    """The workspaces of our Grid organisation."""
    try:
        return [team["id"] for team in call(client.auth_teams_list, limit=MOST_TEAMS)["teams"]]
    except SlackFault:
        return [None]  # then each group says why it is not known


def _members(client: WebClient, group: str, teams: Sequence[str | None]) -> frozenset[str]:
    for team in teams[:-1]:
        try:
            return frozenset(call(client.usergroups_users_list, usergroup=group, team_id=team)["users"])
        except SlackFault as exc:
            if exc.error not in NO_GROUP:
                raise
    return frozenset(call(client.usergroups_users_list, usergroup=group, team_id=teams[-1])["users"])


def _groups(
    client: WebClient, groups: Iterable[str], teams: Sequence[str | None]
) -> Generator[Check, None, Members]:
    members: dict[str, frozenset[str]] = {}
    for group in sorted(groups):
        name = f"user group {group}"
        try:
            members[group] = _members(client, group, teams)
        except SlackFault as exc:
            if exc.error == "missing_scope":
                break  # said above
            gone = exc.error in NO_GROUP
            said = "there is none" if gone else f"Slack does not say ({exc.error})"
            yield Check(name, False, said, _GROUP if gone else _AGAIN)
        else:
            empty = "" if members[group] else "Put the supervisors into it in Slack."
            yield Check(name, True, f"{len(members[group])} people", empty)
    return members
