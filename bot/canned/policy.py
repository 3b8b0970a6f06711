"""
Who may send what, as pure questions over canned.yml: no I/O, no clock.

Asked twice for each send: when it is claimed, from memory, and when it is about to leave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from bot.models import Receipt, SendRequest

from .catalog import Catalog, Response, Team
from .errors import NotAllowed, TextRefused, UnknownResponse, WhichTeam
from .render import HOW_TO_WRITE, malformed
from .search import nearest

Member = Callable[[str], bool | None]  # a user group's id → whether the supervisor is in it
LONGEST_TAG = 35  # characters of a language tag; RFC 5646, section 4.4.1


def teams_of(catalog: Catalog, user: str, member: Member) -> list[Team]:
    """The teams that list `user`, by name or by a group they are known to be in."""
    return [team for team in catalog.teams if _lists(team, user, member)]


def require_team(
    catalog: Catalog, user: str, channel: str, member: Member, *, name: str | None = None
) -> Team:
    """
    The team in whose name `user` acts: the named one, else the channel's, else their only one.

    Raises NotAllowed if there is none that lists them, WhichTeam if there are several.
    """
    mine = teams_of(catalog, user, member)
    if name is not None and catalog.team(name) is None:
        raise NotAllowed(
            f"There is no team {name} in canned.yml any more, so nothing was sent. "
            "Ask whoever keeps it which one is yours now."
        )
    if name is not None:
        return _only([team for team in mine if team.name == name], f"You are not a supervisor of {name}.")
    here = catalog.team_of_channel(channel)
    if here is not None:
        return _only(
            [team for team in mine if team.name == here.name],
            f"You are not a supervisor of {here.name}, whose channel this is.",
        )
    if len(mine) > 1:
        names = [team.name for team in mine]
        raise WhichTeam("For which team do you want to send?", draft="", teams=names)
    return _only(mine, "You are not a supervisor of any team here.")


def may_be_sent(teams: Sequence[Team], response: Response, today: date) -> bool:
    """Whether one of `teams` offers `response`, and it can be sent today at all."""
    there = response.source is None or response.source.sendable
    return there and not response.has_expired(today) and any(team.offers(response) for team in teams)


def require_response(catalog: Catalog, team: Team, key: str, today: date) -> Response:
    """The response `key`, if this team may send it today; raises UnknownResponse, NotAllowed, TextRefused."""
    response = catalog.responses.get(key)
    if response is None:
        known = [each.key for each in catalog.responses.values() if may_be_sent([team], each, today)]
        raise UnknownResponse(key, nearest(key, known, 3))
    if not team.offers(response):
        raise NotAllowed(
            f"{team.name} does not send `{key}`. `/canned list` shows what you can send here; "
            "whoever keeps canned.yml can allow it."
        )
    if response.source is not None and not response.source.sendable:
        raise TextRefused(
            f"`{key}` is of the kind {response.source.kind} in Genesys, which cannot be sent into a "
            "conversation. Choose another one.",
            field="response",
        )
    if response.has_expired(today):
        raise TextRefused(
            f"`{key}` expired on {response.expires:%d %B %Y} and is not sent any more. "
            "Choose another one, or ask whoever keeps canned.yml to renew it.",
            field="response",
        )
    return response


def require_template(
    response: Response, *, edited: str | None, asked: str | None, spoken: str | None = None
) -> str:
    """
    The template to render: the supervisor's edit where the response allows one, else its own text.

    `asked` is the language the supervisor chose, `spoken` the customer's. Raises TextRefused
    for an edit of a locked text, an empty one, or a chosen language that there is not.
    """
    own, used = response.in_language(asked or spoken)
    if asked and (used is None or len(asked) > LONGEST_TAG):
        has = ", ".join(f"`{tag}`" for tag in response.languages) or "one text for all languages"
        raise TextRefused(f"`{response.key}` has no text in `{asked}`; it has {has}.", field="response")
    if edited is None or edited.strip() == own.strip():
        return own
    if not edited.strip():
        raise TextRefused("There is no text to send. Write one, or choose another response.")
    if (broken := malformed(edited)) is not None:
        raise TextRefused(f"`{broken}` is not a variable. {HOW_TO_WRITE} Mend it in the message.")
    if not response.editable:
        raise TextRefused(f"The text of `{response.key}` is fixed: it can be sent only as it stands.")
    return edited


def require_unchanged(response: Response, request: SendRequest) -> None:
    """Raise TextRefused if the text that the supervisor saw, and left as it was, is not `response`'s now."""
    if request.text is not None and not request.edited and not response.says(request.text):
        raise TextRefused(
            f"The text of `{response.key}` has changed since you saw it, so nothing was sent. "
            "Send it again if the new one fits.",
            field="response",
        )


def may_edit(catalog: Catalog, receipt: Receipt) -> bool:
    """Whether the agent who is asked about this send may change its text."""
    response = catalog.responses.get(receipt.request.response)
    return response is not None and response.editable and not receipt.approved_by


def _lists(team: Team, user: str, member: Member) -> bool:
    return any(who == user or (who.startswith("S") and member(who)) for who in team.supervisors)


def _only(teams: Sequence[Team], otherwise: str) -> Team:
    if not teams:
        raise NotAllowed(f"{otherwise} Whoever keeps canned.yml can add you under `supervisors`.")
    return teams[0]
