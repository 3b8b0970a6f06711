"""
Read canned.yml: all its faults at once, again when it changes, the last good one while it is faulty.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from bot.models import SendAs

from .errors import CannedError
from .render import HOW_TO_WRITE, malformed
from .responses import Catalog, Limits, Response, Show, Source, Team, folded
from .search import nearest
from .yaml_nodes import Document, Entry, Fault

__all__ = [
    "Catalog",
    "CatalogError",
    "CatalogFile",
    "Fault",
    "Limits",
    "Response",
    "Show",
    "Source",
    "Team",
    "read",
]

log = logging.getLogger(__name__)

KEY_LIMIT = 75  # characters, as Slack shows of an option
TITLE_LIMIT = 150
TEXT_LIMIT = 2000  # characters that Genesys takes in one message
SMS_LIMIT = 765  # and in one SMS
UNDO_LIMIT = 120  # seconds; what has waited for five minutes is not sent any more

_IDENTITIES = ("operator", "email", "connect")
_TEAM_OPTIONS = (
    "send_as",
    "queues",
    "responses",
    "libraries",
    "show",
    "undo_seconds",
    "limits",
    "announce",
)
_KEY = re.compile(rf"\w[\w./+-]{{0,{KEY_LIMIT - 1}}}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")
_SUPERVISOR = re.compile(r"[UWS][A-Z0-9]+")
_GROUP = re.compile(r"S[A-Z0-9]+")
_CHANNEL_HELP = "Write the channel's id, like C0123ABCD; Slack shows it at the end of the channel's details."
_SUPERVISOR_HELP = (
    "Write a person's member id, like U0123ABCD (in their profile, under the three dots), "
    "or a user group's id, like S0123ABCD."
)
_GROUP_HELP = "Write the id of a user group, like S0123ABCD; Slack shows it in the group's address."

_Stamp = tuple[int, int, int]


class CatalogError(CannedError):
    """canned.yml cannot be used; `faults` are all that was found, in the order of their lines."""

    def __init__(self, faults: Sequence[Fault], name: str = "canned.yml") -> None:
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join((f"{name} has {count}:", *(f"  {fault}" for fault in faults))))
        self.faults = tuple(faults)


class CatalogFile:
    """
    The catalog in the file at `path`. Any thread may ask.

    `faults` are those of the file as it is now: none while it is good.
    """

    def __init__(self, path: Path | str) -> None:
        self.faults: tuple[Fault, ...] = ()
        self._path = Path(path)
        self._lock = Lock()
        self._stamp: _Stamp | None = None
        self._catalog: Catalog | None = None

    def current(self) -> Catalog:
        """
        The catalog as the file has it now, or as it last had it without a fault.

        The same object until the file changes. Raises CatalogError while it was never good.
        """
        with self._lock:
            stamp = self._stamp_now()
            if stamp is None or stamp != self._stamp:
                self._read_again(stamp)
            if self._catalog is None:
                raise CatalogError(self.faults, self._path.name)
            return self._catalog

    def _read_again(self, stamp: _Stamp | None) -> None:
        before, self._stamp = self.faults, stamp
        try:
            self._catalog, self.faults = read(self._text()), ()
        except CatalogError as exc:
            self.faults = exc.faults
            if self._catalog is not None and self.faults != before:
                log.warning("keeping the last good responses: %s", CatalogError(exc.faults, self._path.name))

    def _stamp_now(self) -> _Stamp | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _text(self) -> str:
        try:
            return self._path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError as exc:
            raise _fault(0, f"There is no {self._path}.", "`canned init` writes one to start from.") from exc
        except OSError as exc:
            why = f"{self._path} cannot be read ({exc.strerror})."
            raise _fault(0, why, "Let the bot's account read it.") from exc
        except UnicodeDecodeError as exc:
            line = exc.object.count(b"\n", 0, exc.start) + 1
            raise _fault(line, "This is not UTF-8.", "Save the file as UTF-8.") from exc


def read(text: str) -> Catalog:
    """
    The catalog that `text`, the content of canned.yml, describes.

    Raises CatalogError with all its faults at once; one that is not YAML has just that one.
    """
    document = Document(text)
    catalog = _catalog(document)
    if document.faults:
        raise CatalogError(sorted(document.faults, key=lambda fault: fault.line))
    return catalog


def _catalog(doc: Document) -> Catalog:
    top = doc.fields(doc.top, required=("responses", "teams"), optional=("identity", "retention_days"))
    responses = [_response(doc, entry) for entry in doc.entries(top.get("responses")).values()]
    teams = _teams(doc, top.get("teams"), [response.key for response in responses])
    if not doc.faults and not responses and not any(team.libraries for team in teams):
        doc.fault(top["responses"], "There is no response.", "Write one, or give a team `libraries`.")
    return Catalog(
        responses={response.key: response for response in responses},
        teams=tuple(teams),
        identity=_identity(doc, top.get("identity")),
        retention_days=doc.whole(top.get("retention_days"), 90, at_least=1, at_most=36500),
    )


def _response(doc: Document, entry: Entry) -> Response:
    if not _KEY.fullmatch(entry.name):
        doc.fault(
            entry,
            f"`{entry.name}` cannot be typed as a response.",
            f"Write letters, digits and _ . / + - only, {KEY_LIMIT} at most, a letter or digit first.",
        )
    fields = doc.fields(
        entry, required=("title", "text"), optional=("languages", "editable", "approval", "expires")
    )
    return Response(
        key=entry.name,
        title=doc.text(fields.get("title"), limit=TITLE_LIMIT),
        text=_template(doc, fields.get("text")),
        languages=_languages(doc, fields.get("languages")),
        editable=doc.flag(fields.get("editable"), default=True),
        approval=_id(doc, fields.get("approval"), _GROUP, _GROUP_HELP) or None,
        expires=doc.day(fields.get("expires")),
        line=entry.line,
    )


def _languages(doc: Document, entry: Entry | None) -> dict[str, str]:
    variants = doc.entries(entry)
    seen: dict[str, int] = {}
    for name, inner in variants.items():
        if not _LANGUAGE.fullmatch(name):
            doc.fault(inner, f"`{name}` is not a language.", "Write its tag, like es or pt-BR.")
        _require_once(doc, seen, inner, folded(name), name)
    return {name: _template(doc, inner) for name, inner in variants.items()}


def _template(doc: Document, entry: Entry | None) -> str:
    text = doc.text(entry, limit=TEXT_LIMIT, one_line=False)
    broken = malformed(text)
    if entry is not None and broken is not None:
        doc.fault(entry, f"`{broken}` in `{entry.name}` is not a variable.", HOW_TO_WRITE)
    return text


def _teams(doc: Document, entry: Entry | None, keys: Sequence[str]) -> list[Team]:
    teams: list[Team] = []
    names: dict[str, int] = {}
    channels: dict[str, int] = {}
    for item in doc.items(entry, "[{name: Support, channel: C0123ABCD, supervisors: [U0123ABCD]}]"):
        fields = doc.fields(item, required=("name", "channel", "supervisors"), optional=_TEAM_OPTIONS)
        team = _team(doc, fields, keys, item.line)
        _require_once(doc, names, fields.get("name"), team.name.casefold(), team.name)
        _require_once(doc, channels, fields.get("channel"), team.channel, team.channel)
        teams.append(team)
    return teams


def _team(doc: Document, fields: Mapping[str, Entry], keys: Sequence[str], line: int) -> Team:
    libraries = _texts(doc, fields.get("libraries"), "[Billing]")
    return Team(
        name=doc.text(fields.get("name"), limit=KEY_LIMIT),
        channel=_id(doc, fields.get("channel"), _CHANNEL, _CHANNEL_HELP),
        supervisors=tuple(
            _id(doc, who, _SUPERVISOR, _SUPERVISOR_HELP)
            for who in doc.items(fields.get("supervisors"), "[U0123ABCD, S0123ABCD]")
        ),
        send_as=SendAs(doc.word(fields.get("send_as"), SendAs.SELF, list(SendAs))),
        queues=_texts(doc, fields.get("queues"), "[Support EMEA]"),
        responses=_patterns(doc, fields.get("responses"), None if libraries else keys),
        libraries=libraries,
        show=Show(doc.word(fields.get("show"), Show.TEXT, list(Show))),
        undo_seconds=doc.whole(fields.get("undo_seconds"), 0, at_least=0, at_most=UNDO_LIMIT),
        limits=_limits(doc, fields.get("limits")),
        announce=doc.flag(fields.get("announce"), default=False),
        line=line,
    )


def _texts(doc: Document, entry: Entry | None, example: str) -> tuple[str, ...]:
    items = doc.items(entry, example, may_be_empty=True)
    return tuple(doc.text(item, limit=TITLE_LIMIT) for item in items)


def _patterns(doc: Document, entry: Entry | None, keys: Sequence[str] | None) -> tuple[str, ...]:
    """The keys a team may send; `keys` are all there can be, None if a library may bring more."""
    if entry is None:
        return ("*",)
    items = doc.items(entry, '["*"]')
    patterns = tuple(doc.text(item, limit=TITLE_LIMIT) for item in items)
    for item, pattern in zip(items, patterns, strict=True):
        if keys is not None and pattern and "*" not in pattern and pattern not in keys:
            close = nearest(pattern, keys, 1)
            instead = f"Write `{close[0]}`." if close else "Write a key that stands under `responses:` above."
            doc.fault(item, f"There is no response `{pattern}`.", instead)
    return patterns


def _limits(doc: Document, entry: Entry | None) -> Limits:
    fields = doc.fields(entry, required=(), optional=("per_minute", "per_conversation"))
    return Limits(
        per_minute=doc.whole(fields.get("per_minute"), 60, at_least=1, at_most=1_000_000),
        per_conversation=doc.whole(fields.get("per_conversation"), 10, at_least=1, at_most=1_000_000),
    )


def _identity(doc: Document, entry: Entry | None) -> tuple[str, ...] | None:
    if entry is None:
        return None
    items = doc.items(entry, "[operator, connect]")
    return tuple(dict.fromkeys(doc.word(item, "operator", _IDENTITIES) for item in items))


def _id(doc: Document, entry: Entry | None, pattern: re.Pattern[str], instead: str) -> str:
    value = doc.text(entry, limit=TITLE_LIMIT)
    if entry is not None and value and not pattern.fullmatch(value):
        doc.fault(entry, f"`{value}` in `{entry.name}` is not an id that Slack gives.", instead)
    return value


def _require_once(doc: Document, seen: dict[str, int], entry: Entry | None, value: str, said: str) -> None:
    if entry is None or not value:
        return
    if value in seen:
        doc.fault(entry, f"`{said}` stands here again, first on line {seen[value]}.", "Each may stand once.")
    seen.setdefault(value, entry.line)


def _fault(line: int, what: str, instead: str) -> CatalogError:
    return CatalogError([Fault(line, what, instead)])
