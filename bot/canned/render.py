"""
Fill the variables of a canned text, `{{NAME}}` or `{{NAME|fallback}}`, in one pass.

What is filled in is never looked at again: a customer who calls themselves
`{{AGENT_NAME}}` reads just that, and nobody's value can pull in another's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .errors import MissingValues, TextRefused

OWN_NAMES = frozenset(
    {"CUSTOMER_NAME", "AGENT_NAME"}
)  # Genesys' own: no value or attribute stands in for them

# No brace may touch it from outside, or `{{{topic}}}` would leave braces round the value.
_VARIABLE = re.compile(r"(?<!\{)\{\{[ \t]*([\w.-]+)[ \t]*(?:\|([^{}]*))?\}\}(?!\})")


class Variable(NamedTuple):
    """`fallback` is None where a value has to be found."""

    name: str
    fallback: str | None


def variables(template: str) -> tuple[Variable, ...]:
    """The variables of `template`, each once, as they come; one that has no fallback once has none."""
    found: dict[str, str | None] = {}
    for match in _VARIABLE.finditer(template):
        name, fallback = match[1], _fallback(match)
        found[name] = None if fallback is None else found.get(name, fallback)
    return tuple(Variable(name, fallback) for name, fallback in found.items())


def least_length(template: str, values: Mapping[str, str]) -> int:
    """How many characters the text has at least, whatever the variables not in `values` become."""
    return len(_VARIABLE.sub(lambda match: values.get(match[1], ""), template).strip())


def malformed(template: str) -> str | None:
    """The first piece of `template` with double braces that is no variable, at most 30 characters of it."""
    rest = _VARIABLE.sub(lambda match: " " * len(match[0]), template)
    brace = re.search(r"\{\{|\}\}", rest)
    if brace is None:
        return None
    if brace[0] == "{{":
        return template[brace.start() : brace.start() + 30]
    return template[max(0, brace.end() - 30) : brace.end()]


def shortest(template: str) -> str:
    """`template` as short as it can go out: what has no fallback filled in with nothing."""
    return _VARIABLE.sub(lambda match: _fallback(match) or "", template)


def clean(text: str) -> str:
    """`text` without what no channel can carry: control characters and halves of characters."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")


def render(
    template: str,
    *,
    own: Mapping[str, str],
    values: Mapping[str, str],
    attributes: Mapping[str, str],
    defaults: Mapping[str, str],
) -> str:
    """
    The text that the customer will read.

    A variable takes the first of these that is not blank: for OWN_NAMES `own`, for any
    other name `values` and then the customer's `attributes`; then `defaults`, then its
    own fallback, which may be blank.

    Raises MissingValues with every variable that found nothing, TextRefused if there are
    double braces that are no variable.
    """
    if malformed(template) is not None:
        raise TextRefused(
            f"The text has double braces that are no variable, so nothing was sent. {HOW_TO_WRITE}"
        )
    missing: dict[str, None] = {}

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        sources = (own, defaults) if name in OWN_NAMES else (values, attributes, defaults)
        found = _first(name, sources)
        if found is None:
            found = _fallback(match)
        if found is None:
            missing[name] = None
            return ""
        return found

    text = _VARIABLE.sub(filled, template)
    if missing:
        raise MissingValues(tuple(missing), unknown=[name for name in missing if name in OWN_NAMES])
    return text


HOW_TO_WRITE = (
    "A variable is written {{name}} or {{name|fallback}}; a name has letters, digits and _ . - only."
)


def _first(name: str, sources: Sequence[Mapping[str, str]]) -> str | None:
    return next((source[name] for source in sources if source.get(name, "").strip()), None)


def _fallback(match: re.Match[str]) -> str | None:
    return None if match[2] is None else match[2].strip()
