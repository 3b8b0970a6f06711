"""Turn Slack's mrkdwn into HTML, where people's words stay words: all is escaped before it is marked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from markupsafe import Markup, escape

EMOJI = {
    "hourglass_flowing_sand": "⏳",
    "white_check_mark": "✅",
    "no_entry": "⛔",
    "warning": "⚠️",
    "leftwards_arrow_with_hook": "↩️",
    "eyes": "👀",
    "speech_balloon": "💬",
    "checkered_flag": "🏁",
    "raised_hand": "✋",
    "clock3": "🕒",
}
_DATES = {
    "date_num": "%Y-%m-%d",
    "date_short": "%b %-d, %Y",
    "date": "%B %-d, %Y",
    "date_long": "%A, %B %-d, %Y",
    "time": "%H:%M",
    "time_secs": "%H:%M:%S",
}
# Stand for a piece that is HTML already; nobody's text has them when it is looked at.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PARTS = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_REFERENCE = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_MARKS = {"*": "strong", "_": "em", "~": "s"}


def mrkdwn(text: str, names: Mapping[str, str], now: datetime) -> Markup:
    """`names` are what ids of people, channels and groups are called."""
    text = text.replace(_OPEN, "").replace(_CLOSE, "")
    return Markup("").join(
        _code(part, names, now) if at % 2 else _prose(part, names, now)
        for at, part in enumerate(_PARTS.split(text))
    )


def plain(text: str) -> Markup:
    """Text that Slack shows as it stands."""
    return Markup("<br>").join(text.split("\n"))


def _code(part: str, names: Mapping[str, str], now: datetime) -> Markup:
    block = part.startswith("```")
    inner = _with_references(part.strip("`").strip("\n") if block else part[1:-1], names, now, str)
    return (Markup("<pre>{}</pre>") if block else Markup("<code>{}</code>")).format(inner)


def _prose(part: str, names: Mapping[str, str], now: datetime) -> Markup:
    return _with_references(part, names, now, _marked)


def _with_references(
    part: str, names: Mapping[str, str], now: datetime, marked: Callable[[str], str]
) -> Markup:
    """The escaped text, through `marked`, with mentions, links and dates in it."""
    pieces: list[Markup] = []

    def keep(found: re.Match[str]) -> str:
        pieces.append(_reference(found[1], found[2], names, now))
        return f"{_OPEN}{len(pieces) - 1}{_CLOSE}"

    text = str(escape(_unescaped(_REFERENCE.sub(keep, part))))
    return Markup(re.sub(f"{_OPEN}(\\d+){_CLOSE}", lambda found: pieces[int(found[1])], marked(text)))  # noqa: S704


def _marked(text: str) -> str:
    """Escaped text with Slack's marks as tags."""
    for sign, tag in _MARKS.items():
        mark = re.escape(sign)
        whole = rf"(?<![\w{mark}]){mark}(\S(?:[^\n{mark}]*\S)?){mark}(?![\w{mark}])"
        text = re.sub(whole, rf"<{tag}>\1</{tag}>", text)
    text = re.sub(r"^&gt; ?(.*)$", r"<q>\1</q>", text, flags=re.MULTILINE)
    text = re.sub(r":([a-z0-9_+-]+):", lambda found: EMOJI.get(found[1], found[0]), text)
    return text.replace("\n", "<br>")


def _unescaped(text: str) -> str:
    """The three signs that Slack has escaped, as they were."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _reference(target: str, label: str | None, names: Mapping[str, str], now: datetime) -> Markup:
    target, label = _unescaped(target), _unescaped(label or "")
    kind, _, rest = target.partition("^")
    if kind == "!date":
        return Markup("<time>{}</time>").format(_date(rest, label, now))
    if kind == "!subteam" or target[0] in "@#!":
        id_ = rest if kind == "!subteam" else target[1:]
        sign = "#" if target[0] == "#" else "@"
        return Markup('<span class="mention">{}{}</span>').format(sign, names.get(id_, label or id_))
    if re.match(r"(https?://|mailto:)", target):
        return Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(target, label or target)
    return escape(label or target)


def _date(rest: str, fallback: str, now: datetime) -> str:
    stamp, _, pattern = rest.partition("^")
    if not stamp.isdecimal():
        return fallback
    try:
        at = datetime.fromtimestamp(int(stamp)).astimezone()
    except (ValueError, OverflowError, OSError):  # beyond what a calendar has
        return fallback
    days = {now.astimezone().date() - timedelta(days=off): word for off, word in _DAYS.items()}

    def shown(found: re.Match[str]) -> str:
        name, pretty = found[1].removesuffix("_pretty"), found[1].endswith("_pretty")
        if pretty and at.date() in days:
            return days[at.date()]
        return at.strftime(_DATES[name]) if name in _DATES else found[0]

    return re.sub(r"\{(\w+)\}", shown, pattern.partition("^")[0])


_DAYS = {1: "yesterday", 0: "today", -1: "tomorrow"}
