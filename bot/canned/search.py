"""Find canned responses by a few typed words, forgiving slips of the finger."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .responses import Response

_MOST_WORDS = 8  # each one costs a pass over everything; nobody types more
_SAME_WORD = 70  # out of 100: `refnud` is 83 to `refund`
_WORD = re.compile(r"[^\W_]+")


class Search:
    """
    An index over `responses`, whose order decides between equals.

    RapidFuzz is imported by the first search that finds nothing as it was typed. It compares
    words, not whole titles: against a long title one misspelt word scores no better than noise.
    """

    def __init__(self, responses: Sequence[Response]) -> None:
        self._responses = tuple(responses)
        self._names = [f"{r.key} {r.title}".casefold() for r in self._responses]
        self._all = [
            "\n".join((name, r.text, *r.languages.values())).casefold()
            for name, r in zip(self._names, self._responses, strict=True)
        ]

    def find(self, words: str, *, allowed: Callable[[Response], bool], limit: int = 100) -> list[Response]:
        """
        At most `limit` of the allowed responses, the best first; without words, the first ones.

        A match holds every word: keys that begin as typed come first, then keys and titles,
        then texts. Only if there is none, words of keys and titles are guessed.
        """
        wanted = words.casefold().split()[:_MOST_WORDS]
        found = self._take(self._holding(wanted), allowed, limit)
        if found or not wanted:
            return found
        return self._take(self._alike(wanted), allowed, limit)

    def _take(
        self, indexes: Iterable[int], allowed: Callable[[Response], bool], limit: int
    ) -> list[Response]:
        each_once = _unique(indexes)
        return list(islice((r for i in each_once if allowed(r := self._responses[i])), limit))

    def _holding(self, wanted: Sequence[str]) -> Iterator[int]:
        named = _with_all(wanted, self._names)
        typed = " ".join(wanted)
        yield from [i for i in named if self._names[i].startswith(typed)]
        yield from named
        yield from _with_all(wanted, self._all)

    def _alike(self, wanted: Sequence[str]) -> Iterator[int]:
        """Those that share half of the words or more, each word or else the most similar one there is."""
        words = _WORD.findall(" ".join(wanted))
        shared: Counter[int] = Counter()
        for word in dict.fromkeys(words):
            shared.update(_with_all([word], self._names) or self._with_similar(word))
        for count in range(len(words), (len(words) - 1) // 2, -1):
            yield from sorted(i for i, shares in shared.items() if shares == count)

    def _with_similar(self, word: str) -> Sequence[int]:
        from rapidfuzz import fuzz, process

        best = process.extractOne(word, self._vocabulary, scorer=fuzz.ratio, score_cutoff=_SAME_WORD)
        return _with_all([best[0]], self._names) if best else ()

    @cached_property
    def _vocabulary(self) -> list[str]:
        return list(dict.fromkeys(word for name in self._names for word in _WORD.findall(name)))


def matching(words: str, names: Sequence[str]) -> Sequence[int]:
    """Where in `names` all the words stand; if they do so nowhere, where each has one like it."""
    wanted, places = words.casefold().split()[:_MOST_WORDS], [name.casefold() for name in names]
    return _with_all(wanted, places) or [
        at for at, place in enumerate(places) if all(_is_like(word, place.split()) for word in wanted)
    ]


def _is_like(word: str, others: Sequence[str]) -> bool:
    from rapidfuzz import fuzz, process

    return process.extractOne(word, others, scorer=fuzz.ratio, score_cutoff=_SAME_WORD) is not None


def nearest(key: str, keys: Iterable[str], count: int) -> list[str]:
    """
    At most `count` of `keys` that somebody who typed `key` may have meant, the likeliest first.

    Those that contain it come first; one that has little in common with it never comes.
    """
    from rapidfuzz import fuzz, process

    typed, known = key.casefold(), list(keys)
    inside = sorted((k for k in known if len(typed) > 1 and typed in k.casefold()), key=len)
    similar = process.extract(
        typed, known, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=60, limit=count
    )
    return list(dict.fromkeys([*inside, *(match[0] for match in similar)]))[:count]


def _with_all(words: Iterable[str], places: Sequence[str]) -> Sequence[int]:
    hits: Sequence[int] = range(len(places))
    for word in words:
        hits = [i for i in hits if word in places[i]]
    return hits


def _unique(indexes: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for index in indexes:
        if index not in seen:
            seen.add(index)
            yield index
