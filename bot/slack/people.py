"""
Whom Slack knows: people, user groups and channels, as canned asks about them.

Answers are kept for five minutes at most. `refresh` renews the ones that have to be in
memory before they get too old, so that nobody waits for Slack in front of an ack.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.canned.errors import NotAllowed, SlackDown

from .client import Limited, Refused, SlackFault, Unanswered, call

log = logging.getLogger(__name__)

KEPT = timedelta(minutes=5)
RENEWED = timedelta(minutes=4)  # what is older is renewed by `refresh`
RETRIED = timedelta(seconds=30)  # between two tries of `refresh` for the same thing

MOST_TEAMS = 1000  # workspaces of an organisation; more are not told at once

Json = Mapping[str, Any]
T = TypeVar("T")

_NOBODY = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found", "plan_upgrade_required"})
NO_CHANNEL = frozenset({"channel_not_found"})


class Directory:
    """`workspace` is the id of our own workspace, or of the Grid organisation that it belongs to."""

    def __init__(
        self, client: WebClient, *, workspace: str, now: Callable[[], datetime], org_wide: bool = False
    ) -> None:
        """`org_wide`: the app is installed in the whole organisation, so it must name the one it asks."""
        self._client = client
        self._workspace = workspace
        self._org_wide = org_wide
        self._users: _Kept[Json | None] = _Kept(self._read_user, now)
        self._groups: _Kept[frozenset[str]] = _Kept(self._read_group, now)
        self._teams: _Kept[list[str]] = _Kept(self._read_teams, now)
        self._channels: _Kept[Json | None] = _Kept(self._read_channel, now)

    # -- from memory -------------------------------------------------------------------------

    def known_member(self, user: str, group: str) -> bool | None:
        """Whether `user` is in the user group; None if that is not in memory."""
        known = self._groups.known(group)
        return user in known.value if known else None

    def known_refusal(self, user: str, channel: str) -> str | None:
        """The sentence that speaks against this person or channel, as far as memory goes."""
        person, place = self._users.known(user), self._channels.known(channel)
        refusal = self._against_user(person.value) if person else None
        return refusal or (against_channel(place.value) if place else None)

    def known_zone(self, user: str) -> str | None:
        """The name of this person's time zone; None if it is not in memory, "" if Slack names none."""
        person = self._users.known(user)
        return _zone(person.value) if person else None

    # -- may ask Slack ------------------------------------------------------------------------

    def is_member(self, user: str, group: str) -> bool:
        """Whether `user` is in the user group; one that does not exist has no members. Raises SlackDown."""
        return user in self._groups.get(group)

    def require_active(self, user: str) -> None:
        """
        Raise NotAllowed unless `user` is a full, living member of our own workspace.

        Raises SlackDown where Slack does not say.
        """
        if refusal := self._against_user(self._users.get(user)):
            raise NotAllowed(refusal)

    def require_channel(self, channel: str) -> None:
        """
        Raise NotAllowed for a channel that is gone, archived, shared outside or without the bot.

        Raises SlackDown where Slack does not say.
        """
        if refusal := against_channel(self._channels.get(channel)):
            raise NotAllowed(refusal)

    def zone(self, user: str) -> str:
        """The same, asked of Slack where need be; raises SlackDown."""
        return _zone(self._users.get(user))

    def email(self, user: str) -> str | None:
        """The e-mail address of the person's profile, if Slack shows it; raises SlackDown."""
        return _profile(self._users.get(user)).get("email") or None

    def name(self, user: str) -> str:
        """What this person is called in Slack; empty where Slack does not say."""
        try:
            profile = _profile(self._users.get(user))
        except (SlackDown, NotAllowed):
            return ""
        return str(profile.get("real_name") or profile.get("display_name") or "")

    def refresh(self, groups: Iterable[str], channels: Iterable[str] = ()) -> None:
        """Ask about these again where the answer in memory is missing or soon too old; never raises."""
        self._groups.renew(groups)
        self._channels.renew(channels)

    def forget_channel(self, channel: str) -> None:
        """Ask about the channel again before anything else is said of it."""
        self._channels.forget(channel)

    # -- inside -------------------------------------------------------------------------------

    def _read_user(self, user: str) -> Json | None:
        answer = _ask(self._client.users_info, gone=_NOBODY, user=user)
        return answer["user"] if answer else None

    def _read_group(self, group: str) -> frozenset[str]:
        for team in self._teams.get("") if self._org_wide else [None]:
            answer = _ask(self._client.usergroups_users_list, gone=NO_GROUP, usergroup=group, team_id=team)
            if answer:
                return frozenset(answer["users"])
        return frozenset()

    def _read_teams(self, _: str) -> list[str]:
        answer = _ask(self._client.auth_teams_list, gone=(), limit=MOST_TEAMS) or {}
        return [team["id"] for team in answer.get("teams", ())]

    def _read_channel(self, channel: str) -> Json | None:
        answer = _ask(self._client.conversations_info, gone=NO_CHANNEL, channel=channel)
        return answer["channel"] if answer else None

    def _against_user(self, user: Json | None) -> str | None:
        if user is None:
            return "Slack does not know who you are, so you cannot send."
        if user.get("deleted"):
            return "Your Slack account is deactivated, so you cannot send."
        if user.get("is_bot"):
            return "Only people can send."
        if user.get("is_stranger") or self._workspace not in _homes(user):
            return "Your Slack account belongs to another workspace, so you cannot send from here."
        if user.get("is_restricted") or user.get("is_ultra_restricted"):
            return "You are a guest in this Slack workspace, and guests cannot send."
        return None


@dataclass(frozen=True)
class _Answer(Generic[T]):
    at: datetime
    value: T = field(repr=False)


class _Kept(Generic[T]):
    """Answers by id, as `read` gives them. Two threads may ask the same at once; both get an answer."""

    def __init__(self, read: Callable[[str], T], now: Callable[[], datetime]) -> None:
        self._read = read
        self._now = now
        self._lock = threading.Lock()
        self._answers: dict[str, _Answer[T]] = {}
        self._tried: dict[str, datetime] = {}

    def known(self, id_: str, age: timedelta = KEPT) -> _Answer[T] | None:
        """The answer in memory, if it is younger than `age`."""
        with self._lock:
            answer = self._answers.get(id_)
        return answer if answer is not None and self._now() - answer.at < age else None

    def get(self, id_: str) -> T:
        return (self.known(id_) or self._ask(id_)).value

    def forget(self, id_: str) -> None:
        with self._lock:
            self._answers.pop(id_, None)
            self._tried.pop(id_, None)

    def renew(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            if self.known(id_, RENEWED) is None and self._may_try(id_):
                try:
                    self._ask(id_)
                except (SlackDown, NotAllowed) as exc:
                    log.warning("%s could not be renewed: %s", id_, type(exc).__name__)

    def _ask(self, id_: str) -> _Answer[T]:
        asked_at = self._now()
        answer = _Answer(asked_at, self._read(id_))
        with self._lock:
            self._answers[id_] = answer
        return answer

    def _may_try(self, id_: str) -> bool:
        with self._lock:
            last, self._tried[id_] = self._tried.get(id_), self._now()
            if last is not None and self._tried[id_] - last < RETRIED:
                self._tried[id_] = last
                return False
        return True


def _ask(method: Callable[..., SlackResponse], *, gone: Collection[str], **arguments: Any) -> Json | None:
    """Slack's answer, or None if it is one of `gone`."""
    try:
        return call(method, **arguments)
    except (Limited, Unanswered) as exc:
        log.warning("Slack left a question open: %s", exc.error)
        raise SlackDown(
            "Slack did not answer the bot, so it could not check who may send here. Nothing was sent.",
            retry_after=exc.retry_after,
        ) from exc
    except SlackFault as exc:
        if isinstance(exc, Refused) and exc.error in gone:
            return None
        log.error("Slack refuses a question: %s", exc.error)  # noqa: TRY400 - the word says it all
        raise NotAllowed(
            f"Slack does not let the bot check who may send here (`{exc.error}`), so nothing was sent. "
            "An operator can mend that: `canned check` says how."
        ) from exc


def against_channel(channel: Json | None) -> str | None:
    """The sentence that speaks against posting there; `channel` is None where Slack knows of none."""
    if channel is None:
        return f"The team's channel is gone, or private and without the bot. {_MEND_CHANNEL}"
    if channel.get("is_archived"):
        return f"The team's channel is archived. {_MEND_CHANNEL}"
    if channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"):
        return f"The team's channel is shared with another company. {_MEND_CHANNEL}"
    if not channel.get("is_member"):
        return f"The bot is not in the team's channel; `/invite` it there. {_MEND_CHANNEL}"
    return None


_MEND_CHANNEL = (
    "Until that is mended nothing is sent for this team, since nobody could read the record of it."
)


def _homes(user: Json) -> set[object]:
    return {user.get("team_id"), (user.get("enterprise_user") or {}).get("enterprise_id")}


def _zone(user: Json | None) -> str:
    return str((user or {}).get("tz") or "")


def _profile(user: Json | None) -> Json:
    profile: Json = (user or {}).get("profile") or {}
    return profile
