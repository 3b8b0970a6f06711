"""What can be sent: the canned responses, and the teams that may send them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from bot.models import SendAs


class Show(StrEnum):
    """What a team's thread shows of a message."""

    TEXT = "text"
    TITLE = "title"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Source:
    """
    Where in Genesys a response is kept: its id, and the names of its libraries by their ids.

    `kind` is standard, or template or form (then Genesys makes the text out of `parameters`),
    or Genesys' own name of a kind that cannot be sent into a conversation.
    """

    id: str
    version: int
    libraries: Mapping[str, str]
    kind: str = "standard"
    parameters: tuple[str, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """What a team may call its libraries by, as it is compared: their names, and their ids."""
        return frozenset(text.casefold() for both in self.libraries.items() for text in both)

    @property
    def first_library(self) -> str:
        return min(self.libraries.values(), default="")

    @property
    def sendable(self) -> bool:
        return self.kind == "standard" or self.made_there

    @property
    def made_there(self) -> bool:
        """Whether Genesys makes the text, and is only told which response and what to fill in."""
        return self.kind in ("template", "form")


@dataclass(frozen=True)
class Response:
    """
    A canned text under the key that people type.

    `languages` are its variants by language tag, `approval` the Slack user group that has to
    agree, `expires` the last day on which it may be sent. `defaults` fill variables; those
    that come from canned.yml have none, since there a fallback does it, and no `source`;
    `line` is where they stand in it, 0 for all others.
    """

    key: str
    title: str
    text: str = field(repr=False)
    languages: Mapping[str, str] = field(default_factory=dict, repr=False)
    editable: bool = True
    approval: str | None = None
    expires: date | None = None
    defaults: Mapping[str, str] = field(default_factory=dict, repr=False)
    source: Source | None = None
    line: int = field(default=0, compare=False)

    @property
    def place(self) -> str:
        """What a sentence to whoever keeps the responses calls it."""
        if self.source is None:
            return f"`{self.key}`"
        return f"“{self.title}” in the library {self.source.first_library}"

    @cached_property
    def version(self) -> str:
        """Twelve characters that change with anything that a supervisor or an approver decides on."""
        said = [self.key, self.title, self.text, self.editable, self.approval, str(self.expires)]
        said += [sorted(self.languages.items()), sorted(self.defaults.items())]
        if self.source is not None:
            said += [self.source.id, self.source.version, self.source.kind]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]

    def has_expired(self, today: date) -> bool:
        return self.expires is not None and today > self.expires

    def says(self, text: str) -> bool:
        """Whether `text` is one of its own, whichever the language."""
        return any(_unbroken(own) == _unbroken(text) for own in (self.text, *self.languages.values()))

    def in_language(self, tag: str | None) -> tuple[str, str | None]:
        """
        The text for a language tag and the variant it is: `es-MX` takes `es-MX`, else `es`.

        Case does not count, nor does `_` for `-`. The second is None for the text that
        belongs to no language, which is also what an unknown tag gets.
        """
        wanted = folded(tag or "")
        variants = {folded(name): name for name in self.languages}
        found = variants.get(wanted) or variants.get(wanted.partition("-")[0])
        return (self.languages[found], found) if found else (self.text, None)


@dataclass(frozen=True)
class Limits:
    """Messages per supervisor in a minute, and per conversation in ten."""

    per_minute: int = 60
    per_conversation: int = 10


@dataclass(frozen=True)
class Team:
    """
    Who may send what where: `supervisors` are ids of Slack users and user groups, `responses`
    keys with `*` for anything; `line` is where it stands in canned.yml.
    """

    name: str
    channel: str
    supervisors: tuple[str, ...]
    send_as: SendAs = SendAs.SELF
    queues: tuple[str, ...] = ()
    responses: tuple[str, ...] = ("*",)
    libraries: tuple[str, ...] = ()
    show: Show = Show.TEXT
    undo_seconds: int = 0
    limits: Limits = Limits()
    announce: bool = False
    line: int = field(default=0, compare=False)

    @property
    def groups(self) -> tuple[str, ...]:
        """The user groups among the supervisors."""
        return tuple(who for who in self.supervisors if who.startswith("S"))

    def allows(self, key: str) -> bool:
        """Whether this team may send a response of this key."""
        return self._allowed.fullmatch(key) is not None

    def offers(self, response: Response) -> bool:
        """Whether this team may send `response`: by its key and, if it is kept in Genesys, by its library."""
        kept = response.source
        return self.allows(response.key) and (kept is None or not self._libraries.isdisjoint(kept.names))

    @cached_property
    def _libraries(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.libraries)

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        return re.compile("|".join(_glob(pattern) for pattern in self.responses))


@dataclass(frozen=True)
class Catalog:
    """`identity` is None where canned.yml leaves it to the Genesys contract in use."""

    responses: Mapping[str, Response]
    teams: tuple[Team, ...]
    identity: tuple[str, ...] | None = None
    retention_days: int = 90

    @cached_property
    def groups(self) -> frozenset[str]:
        """The user groups that supervise or approve."""
        approving = {response.approval for response in self.responses.values() if response.approval}
        return frozenset(approving.union(*(team.groups for team in self.teams)))

    def team(self, name: str) -> Team | None:
        return next((team for team in self.teams if team.name == name), None)

    def team_of_channel(self, channel: str) -> Team | None:
        return next((team for team in self.teams if team.channel == channel), None)


def folded(tag: str) -> str:
    """A language tag as it is compared."""
    return tag.strip().casefold().replace("_", "-")


def _unbroken(text: str) -> str:
    return text.replace("\r", "").strip()


def _glob(pattern: str) -> str:
    return ".*".join(re.escape(piece) for piece in pattern.split("*"))
