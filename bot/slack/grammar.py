"""
What people type behind `/canned`, made typed. Pure.

    <conversation> [<response> [name=value …] [lang=es] [at 15:30]]  |  a word such as help, list, me

Slack sends users and links as typed or escaped (`<@U1|ann>`, `<https://x|x>`), phones turn
quotes into curly ones, and people paste keys with the backticks we show them in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.canned.errors import BadInput

from .blocks import short


class Word(StrEnum):
    """What is typed alone."""

    HELP = "help"
    ME = "me"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    RECENT = "recent"
    UNDO = "undo"
    SCHEDULED = "scheduled"


@dataclass(frozen=True)
class ListResponses:
    """`words` is what to search for; empty for all."""

    words: str = ""


@dataclass(frozen=True)
class OpenModal:
    """`conversation` as typed, empty if nothing was."""

    conversation: str = ""


@dataclass(frozen=True)
class SendTyped:
    """`conversation` as typed: an id, an address, or `@U0123` for a person; `at` what stands behind that."""

    conversation: str
    response: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str | None = None
    at: str = ""


Command = Word | ListResponses | OpenModal | SendTyped


class Nonsense(BadInput):
    """Nothing can be made of it; str() says what to type instead."""


_WORDS = {"?": Word.HELP, **{word.value: word for word in Word}}
_DOUBLE = '"“”„‟«»＂'
_SINGLE = "'‘’‚‛`´"
_LINK = re.compile(r"<([@#!]?)((?:https?://|mailto:)?[^<>|\s]+)(?:\|([^<>]*))?>")
_PERSON = re.compile(r"@[UW][A-Z0-9]+")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_NAME = re.compile(r"[\w.-]+")
_EXAMPLE = '`topic="your order"`'


def parse(text: str) -> Command:
    """
    The command that `text`, all that was typed behind `/canned`, asks for.

    Raises Nonsense for an unclosed quote, something that is not name=value behind a
    response, a name twice, and a lone word with something behind it.
    """
    text = _as_typed(text).strip()
    first, rest = (*text.split(maxsplit=1), "", "")[:2]
    word = _bare(first).casefold()
    if word == "list":
        return ListResponses(" ".join(rest.split()))
    if word in _WORDS:
        return _alone(word, rest)
    tokens = list(_tokens(rest))
    return _send(_bare(first), tokens) if tokens else OpenModal(_bare(first))


def person_in(conversation: str) -> str | None:
    """The Slack id of the person that stands in a conversation's place, or None."""
    return conversation[1:] if _PERSON.fullmatch(conversation) else None


def require_person(conversation: str) -> str | None:
    """The same; raises Nonsense for a name that Slack did not know as somebody's."""
    if conversation.startswith("@") and person_in(conversation) is None:
        raise Nonsense(
            f"I cannot tell who “{short(conversation, 60)}” is. Choose the person from the list that Slack "
            "shows as you type @. Nothing was sent."
        )
    return person_in(conversation)


def _alone(word: str, rest: str) -> Word:
    if rest.strip() and _WORDS[word] is not Word.HELP:
        raise Nonsense(f"`{word}` stands alone: type `/canned {word}`.")
    return _WORDS[word]


def _send(conversation: str, tokens: list[_Token]) -> SendTyped:
    key, pairs = tokens[0], tokens[1:]
    is_time = _is_at(key) and pairs and pairs[0].name is None and not _is_at(pairs[0])
    if key.name is not None or is_time:
        raise Nonsense(
            "The response is missing: type its key behind the conversation and values behind that, "
            f"like `/canned <conversation> greeting {_EXAMPLE.strip('`')}`."
        )
    pairs, at = _until_at(pairs)
    values: dict[str, str] = {}
    for pair in pairs:
        if pair.name is None:
            raise Nonsense(
                f"“{short(pair.value, 60)}” is not name=value. "
                f"Put quotes round a value with spaces: {_EXAMPLE}. Nothing was sent."
            )
        if pair.name in values or (_is_language(pair.name) and any(map(_is_language, values))):
            raise Nonsense(f"`{pair.name}` is there twice, and I cannot know which one you mean.")
        values[pair.name] = pair.value
    language = next((values.pop(name) for name in list(values) if _is_language(name)), None)
    return SendTyped(conversation, _bare(key.value), values, language or None, at)


def _until_at(tokens: list[_Token]) -> tuple[list[_Token], str]:
    """The values, and the time behind a last `at`: that word alone, since `at=…` is a value."""
    here = next((i for i, one in enumerate(tokens) if _is_at(one)), None)
    if here is None:
        return tokens, ""
    time = tokens[here + 1 :]
    if not time or any(one.name is not None for one in time):
        raise Nonsense("`at` and a time come last, like `at 15:30`. Nothing was sent.")
    return tokens[:here], " ".join(one.value for one in time)


def _is_at(token: _Token) -> bool:
    return token.name is None and token.value.casefold() == "at"


def _is_language(name: str) -> bool:
    return name.casefold() == "lang"


# -- tokens ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Token:
    """`name` is None for what is not name=value."""

    name: str | None
    value: str = field(repr=False)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while (at := _skip(text, at)) < len(text):
        name = _NAME.match(text, at)
        if name and text[name.end() : name.end() + 1] == "=":
            value, at = _value(text, name.end() + 1)
            yield _Token(name[0], value)
        else:
            value, at = _value(text, at)
            yield _Token(None, value)


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins at `at`, quoted or not, and where it ends."""
    quotes = next((kind for kind in (_DOUBLE, _SINGLE) if text[at : at + 1] and text[at] in kind), "")
    end = _closing(text, at + 1, quotes) if quotes else -1
    if end >= 0:
        return text[at + 1 : end], end + 1
    if quotes == _DOUBLE:
        raise Nonsense(
            f"The quote before “{short(text[at + 1 :], 40)}” is never closed. Nothing was sent; "
            f"write values like {_EXAMPLE}."
        )
    end = next((i for i in range(at, len(text)) if text[i].isspace()), len(text))
    return text[at:end], end


def _closing(text: str, at: int, quotes: str) -> int:
    """
    Where the quote ends that was opened before `at`, or -1.

    It ends at a quote that a space or the end follows; quotes within words are letters,
    and a quoted part inside, which begins behind a space, ends first.
    """
    inside = 0
    for i in range(at, len(text)):
        if text[i] not in quotes:
            continue
        if not text[i + 1 : i + 2].strip():
            if inside == 0:
                return i
            inside -= 1
        elif i > at and text[i - 1].isspace():
            inside += 1
    return -1


def _skip(text: str, at: int) -> int:
    """Where the next word begins: marks of direction in front of it are nobody's."""
    while at < len(text) and (text[at].isspace() or unicodedata.category(text[at]) == "Cf"):
        at += 1
    return at


# -- what Slack and phones do to text ----------------------------------------------------------


def _as_typed(text: str) -> str:
    """Slack's markup undone: links and mentions first, then `&amp;` and its like, once."""
    text = _LINK.sub(_link_as_typed, text)
    return _ENTITY.sub(lambda match: {"amp": "&", "lt": "<", "gt": ">"}[match[1]], text)


def _link_as_typed(match: re.Match[str]) -> str:
    kind, target, label = match[1], match[2], match[3] or ""
    if kind == "@":
        in_front = _skip(match.string, 0) == match.start()
        return f"@{target}" if in_front else f"@{label or target}"
    if kind == "#":
        return f"#{label or target}"
    if kind == "!":
        return label or f"@{target}"
    bare = re.sub(r"^(https?://|mailto:)", "", target)
    return label if label and label == bare else target


def _bare(word: str) -> str:
    """A conversation or a key without what a paste brings along: quotes, backticks, invisible signs."""
    visible = "".join(sign for sign in word if unicodedata.category(sign) not in ("Cf", "Cc"))
    return visible.strip(_DOUBLE + _SINGLE + "<>")
