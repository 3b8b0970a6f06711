"""
Take typed values out of a YAML document and note every fault with its line.

YAML itself forgives too much: it reads `no` as false, `12:30` as 750, keeps the second of
two equal keys and drops what follows ` #`. So a value is taken from the node as it was
written. A fault leaves a stand-in behind, which lets the reading go on to the next one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .render import clean
from .search import nearest

_DEEPEST = 20  # libyaml's composer recurses in C: a file nested a hundred thousand deep ends the process
_TAG = "tag:yaml.org,2002:"
_KINDS = {"bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date"}


@dataclass(frozen=True)
class Fault:
    """What is wrong on `line` (the first is 1; 0 is the file as a whole) and what to write instead."""

    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.what} {self.instead}"


@dataclass(frozen=True)
class Entry:
    """One value of the document, the name people know it by, and the line of that name."""

    name: str
    line: int
    node: Node


class Document:
    """
    A YAML text; `top` is its one value, None if the text is not YAML or empty.

    Every method takes an entry, or None for one that is not there, and returns the value
    or a stand-in; what it had to say against it is in `faults`.
    """

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self._lines = text.splitlines()
        self.top = self._compose(text)

    def fault(self, entry: Entry, what: str, instead: str) -> None:
        self.faults.append(Fault(entry.line, what, instead))

    def entries(self, entry: Entry | None) -> dict[str, Entry]:
        """The values of a group of keys, by key as it was written."""
        if entry is None:
            return {}
        if not isinstance(entry.node, MappingNode):
            below = "below it, two spaces further in" if entry.name else "like `responses:`"
            self._wrong(entry, f"its keys on lines of their own, {below}")
            return {}
        found: dict[str, Entry] = {}
        for key_node, node in entry.node.value:
            inner = Entry(_written(key_node), key_node.start_mark.line + 1, node)
            if not isinstance(key_node, ScalarNode):
                self.fault(
                    inner, f"{_described(key_node)} stands where a key belongs.", "Write `key: value`."
                )
            elif inner.name in found:
                first = found[inner.name].line
                self.fault(inner, f"`{inner.name}` stands here again, first on line {first}.", "Keep one.")
            else:
                found[inner.name] = inner
        return found

    def fields(
        self, entry: Entry | None, *, required: Sequence[str], optional: Sequence[str]
    ) -> dict[str, Entry]:
        """The values of a group whose keys are known beforehand."""
        found = self.entries(entry)
        for inner in found.values():
            if inner.name not in (*required, *optional):
                self.fault(
                    inner,
                    f"`{inner.name}` is not known in {_named(entry)}.",
                    _meant(inner.name, required, optional),
                )
        missing = [f"`{name}:`" for name in required if name not in found]
        if entry is not None and missing and isinstance(entry.node, MappingNode):
            what = f"{' and '.join(missing)} must stand in {_named(entry)}."
            self.fault(entry, what, "Add what is missing below this line.")
        return found

    def items(self, entry: Entry | None, example: str, *, may_be_empty: bool = False) -> list[Entry]:
        """The values of a list; `example` is one, as it would be written."""
        if entry is None:
            return []
        if not isinstance(entry.node, SequenceNode) or not (entry.node.value or may_be_empty):
            self._wrong(entry, f"a list in square brackets, like {example}")
            return []
        return [Entry(entry.name, node.start_mark.line + 1, node) for node in entry.node.value]

    def text(self, entry: Entry | None, *, limit: int, one_line: bool = True) -> str:
        """A text of up to `limit` characters, without white space around it and what no channel carries."""
        if entry is None:
            return ""
        if not self._is(entry, "str"):
            self._not_a_text(entry)
            return ""
        value = clean(str(entry.node.value)).strip()
        if not value:
            self.fault(entry, f"`{entry.name}` is empty.", "Write its text.")
        elif len(value) > limit:
            self.fault(entry, f"`{entry.name}` is {len(value)} characters long.", f"Write at most {limit}.")
        elif one_line and "\n" in value:
            self.fault(entry, f"`{entry.name}` has several lines.", "Write it on one line.")
        elif comment := self._swallowed(entry):
            self.fault(
                entry, f"YAML takes `{comment}` for a comment and drops it.", "Put the whole text in quotes."
            )
        return value

    def word(self, entry: Entry | None, default: str, choices: Sequence[str]) -> str:
        """One of `choices`."""
        if entry is None:
            return default
        value = str(entry.node.value) if self._is(entry, "str") else ""
        if value not in choices:
            self._wrong(entry, " or ".join(choices))
            return default
        return value

    def flag(self, entry: Entry | None, *, default: bool) -> bool:
        if entry is None:
            return default
        if not self._is(entry, "bool"):
            self._wrong(entry, "true or false, without quotes")
            return default
        return str(entry.node.value).lower() in ("true", "yes", "on")

    def whole(self, entry: Entry | None, default: int, *, at_least: int, at_most: int) -> int:
        """A whole number, as people write one: YAML's 0x10, 1_000, 010 and 1:30 are faults."""
        if entry is None:
            return default
        written = str(entry.node.value) if self._is(entry, "int") else ""
        if re.fullmatch(r"0|[1-9][0-9]{0,8}", written) and at_least <= int(written) <= at_most:
            return int(written)
        self._wrong(entry, f"a whole number from {at_least} to {at_most}, without quotes")
        return default

    def day(self, entry: Entry | None) -> date | None:
        if entry is None:
            return None
        written = str(entry.node.value) if self._is(entry, "timestamp", "str") else ""
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
                return date.fromisoformat(written)
        except ValueError:
            pass  # a day that no calendar has, like the 31st of February
        self._wrong(entry, "a day of the calendar as year-month-day, like 2027-01-31")
        return None

    def _compose(self, text: str) -> Entry | None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where PyYAML has libyaml
        try:
            if self._too_deep(text, loader):
                return None
            node = yaml.compose(text, Loader=loader)
        except yaml.YAMLError as exc:
            self.faults.append(self._not_yaml(exc, text))
            return None
        if node is None:
            self.faults.append(Fault(0, "The file is empty.", "`canned init` writes one to start from."))
            return None
        return Entry("", node.start_mark.line + 1, node)

    def _too_deep(self, text: str, loader: type[yaml.SafeLoader]) -> bool:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 0
                self.faults.append(_too_deep_at(line))
                return True
        return False

    def _not_yaml(self, exc: yaml.YAMLError, text: str) -> Fault:
        if not isinstance(exc, yaml.MarkedYAMLError):  # a character that YAML does not have
            line = text.count("\n", 0, getattr(exc, "position", 0)) + 1
            return Fault(line, "There is a control character in this line.", "Type the line anew.")
        problem = exc.problem or ""
        mark = exc.context_mark if "end of stream" in problem else exc.problem_mark
        line = mark.line if mark is not None else 0
        if "nesting depth" in problem:  # libyaml has a limit of its own, and reads ahead of us
            return _too_deep_at(line + 1)
        written = self._lines[line] if line < len(self._lines) else ""
        return Fault(line + 1, f"This is not YAML ({problem}).", _mend(problem, written))

    def _is(self, entry: Entry, *kinds: str) -> bool:
        return isinstance(entry.node, ScalarNode) and entry.node.tag in [_TAG + kind for kind in kinds]

    def _swallowed(self, entry: Entry) -> str:
        """What looks like text, as in `Order #42`, and is a comment to YAML."""
        end = entry.node.end_mark
        rest = self._lines[end.line][end.column :].strip() if end.line < len(self._lines) else ""
        return rest if re.match(r"#[^\s#]", rest) else ""

    def _wrong(self, entry: Entry, wanted: str) -> None:
        name = f"`{entry.name}`" if entry.name else "The file"
        self.fault(entry, f"{name} is {_described(entry.node)}.", f"Write {wanted}.")

    def _not_a_text(self, entry: Entry) -> None:
        readable = isinstance(entry.node, ScalarNode) and not self._is(entry, "null")
        self._wrong(entry, f'"{_short(entry.node.value)}", in quotes' if readable else "one text, in quotes")


def _named(entry: Entry | None) -> str:
    """How a sentence calls it."""
    return f"`{entry.name}`" if entry and entry.name else "the file"


def _written(node: Node) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else ""


def _described(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a group of keys"
    if isinstance(node, SequenceNode):
        return "a list" if node.value else "an empty list"
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return "empty"
    if kind == "str":
        return f'"{_short(node.value)}"'
    return f"`{_short(node.value)}`, which YAML reads as {_KINDS.get(kind, kind)}"


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _meant(name: str, required: Sequence[str], optional: Sequence[str]) -> str:
    known = [*required, *optional]
    close = nearest(name, known, 1)
    if close:
        return f"Write `{close[0]}:`."
    return f"Known here: {', '.join(known)}."


def _mend(problem: str, line: str) -> str:
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return "Indent with spaces, not with tabs."
    if "another document" in problem:
        return "Keep everything in one document: take the line `---` out."
    return (
        "Look at this line and the one before it: a text goes in quotes if it holds `: ` or begins with "
        "one of { [ & * @ % ! or a quote, and keys of one group begin in the same column."
    )


def _too_deep_at(line: int) -> Fault:
    return Fault(line, "This is nested too deeply.", "Indent as the example does.")
