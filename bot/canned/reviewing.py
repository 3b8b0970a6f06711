"""
What `canned responses validate` finds where nothing keeps the bot from starting. Pure.

A fault is what can never be sent, or a name that means nothing. A warning is what somebody
probably did not mean: it can be sent, but not by everybody or not to every customer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from .catalog import SMS_LIMIT, TEXT_LIMIT, Catalog, Fault
from .render import HOW_TO_WRITE, OWN_NAMES, malformed, shortest, variables
from .responses import Response, Team, folded
from .search import nearest

_SLIPS = 2  # letters that may differ where somebody meant one of Genesys' own names
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Review:
    """Both in the order of their lines; what Genesys keeps has line 0 and is called by its library."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def review(catalog: Catalog, *, today: date, complete: bool) -> Review:
    """
    Everything that can be said of `catalog`, both sources in it.

    `complete`: all libraries were read, so a name that matches nothing there is a mistake.
    """
    responses = [r for r in catalog.responses.values() if r.source is None or r.source.sendable]
    own = [r for r in responses if r.source is None]
    faults = [fault for r in responses for fault in _never_sendable(r)]
    warnings = [*_without_language(own), *_twice(responses)]
    warnings += [warning for r in own for warning in _by_nobody(r, catalog.teams, today)]
    warnings += [warning for r in responses for warning in _doubtful(r)]
    for team in catalog.teams:
        if complete or not team.libraries:
            for pattern, fault in _unmatched(team, responses):
                (warnings if "*" in pattern else faults).append(fault)
    return Review(_sorted(faults), _sorted(warnings))


def _never_sendable(response: Response) -> Iterator[Fault]:
    """What canned.yml's reader has refused already in a text of its own, so these are from Genesys."""
    for text in _texts(response):
        broken = malformed(text)
        if broken is not None:
            yield _of(response, f"has `{broken}`, which is not a variable.", f"{HOW_TO_WRITE} Mend it there.")
        if not text.strip():
            yield _of(response, "has no text.", "Write one there, or take it out of the library.")
        if len(shortest(text)) > TEXT_LIMIT:
            what = f"has {len(text):,} characters, which no channel takes."
            yield _of(response, what, f"Shorten it there to {TEXT_LIMIT:,} at most.")


def _doubtful(response: Response) -> Iterator[Fault]:
    names = dict.fromkeys(variable.name for text in _texts(response) for variable in variables(text))
    for name in names:
        meant = _own_name(name)
        if meant:
            what = f"asks for `{{{{{name}}}}}`, which Genesys does not know."
            yield _of(response, what, f"Write `{{{{{meant}}}}}`, if that is meant.")
    longest = max(len(shortest(text)) for text in _texts(response))
    if SMS_LIMIT < longest <= TEXT_LIMIT:
        what = f"has {longest:,} characters, which an SMS does not take."
        yield _of(response, what, f"Shorten it to {SMS_LIMIT} at most, if customers write by SMS.")


def _by_nobody(response: Response, teams: Sequence[Team], today: date) -> Iterator[Fault]:
    if not any(team.offers(response) for team in teams):
        instead = "Add it to the `responses` of a team, or take it out."
        yield _of(response, "belongs to no team, so nobody can send it.", instead)
    if response.has_expired(today):
        what = f"expired on {response.expires:%d %B %Y} and is not sent any more."
        yield _of(response, what, "Give it a later day under `expires`, or take it out.")


def _without_language(own: Sequence[Response]) -> Iterator[Fault]:
    tags = list(dict.fromkeys(folded(tag) for response in own for tag in response.languages))
    for response in own:
        missing = [tag for tag in tags if response.in_language(tag)[1] is None]
        if missing:
            what = f"has no text in {', '.join(missing)}, which other responses have."
            yield _of(response, what, "Add it under `languages`; until then its `text` goes to everybody.")


def _twice(responses: Sequence[Response]) -> Iterator[Fault]:
    def title(response: Response) -> str | None:
        # Of two libraries' responses with one name the library's notes tell already.
        return response.title.casefold() if response.source is None else None

    def text(response: Response) -> str | None:
        made_there = response.source is not None and response.source.made_there
        return None if made_there else " ".join(response.text.split())

    yield from _same("title", title, responses)
    yield from _same("text", text, responses)


def _same(
    called: str, said: Callable[[Response], str | None], responses: Iterable[Response]
) -> Iterator[Fault]:
    seen: dict[str, Response] = {}
    for response in responses:
        value = said(response)
        first = seen.setdefault(value, response) if value else response
        if first is not response:
            line = f" on line {first.line}" if first.line else ""
            what = f"has the same {called} as {first.place}{line}."
            yield _of(response, what, "Keep one of them, or say how they differ.")


def _unmatched(team: Team, responses: Sequence[Response]) -> Iterator[tuple[str, Fault]]:
    for pattern in team.responses:
        alone = replace(team, responses=(pattern,))
        if pattern == "*" or any(alone.offers(response) for response in responses):
            continue
        everything = replace(team, responses=("*",))
        close = nearest(pattern, [r.key for r in responses if everything.offers(r)], 1)
        instead = f"Write `{close[0]}`." if close else "`canned responses list` shows the keys there are."
        yield pattern, Fault(team.line, f"{team.name} has no response `{pattern}`.", instead)


def _own_name(name: str) -> str | None:
    """The name of Genesys' own that `name` looks like without being it."""
    from rapidfuzz.distance import OSA

    if name in OWN_NAMES:
        return None
    plain = {_NO_LETTER.sub("", own).casefold(): own for own in sorted(OWN_NAMES)}
    typed = _NO_LETTER.sub("", name).casefold()
    return next((own for each, own in plain.items() if OSA.distance(typed, each) <= _SLIPS), None)


def _texts(response: Response) -> tuple[str, ...]:
    return (response.text, *response.languages.values())


def _of(response: Response, what: str, instead: str) -> Fault:
    return Fault(response.line, f"{response.place} {what}", instead)


def _sorted(found: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(found, key=lambda fault: fault.line))
