"""The README leaves nothing out that a person can type, set, or ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest

from bot import web
from bot.cli import main
from bot.connect_pages import ConnectPages

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Command, *above: str) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield (*above, name)


@pytest.mark.parametrize("command", list(commands(main)), ids=" ".join)
def test_every_command_has_its_place_in_the_table(readme: str, command: tuple[str, ...]) -> None:
    rows = [line.split(" | ")[0] for line in readme.splitlines() if line.startswith("| `canned ")]
    named = [row for row in rows if f"`canned {command[0]}" in row]

    # `canned users link …`, `unlink …`, `list`: the group is said once.
    assert any(re.search(rf"[ `]{re.escape(command[-1])}[ `]", row) for row in named), command


def test_every_key_of_canned_yml_is_in_the_example(readme: str) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "canned").glob("*.py"))
    asked = re.findall(r"(?:\b(?:required|optional)=|_OPTIONS = )\(([^)]*)\)", source)
    keys = {key for each in asked for key in re.findall(r'"(\w+)"', each)}
    section = readme.partition("### canned.yml\n")[2].partition("\n### ")[0]

    assert {"responses", "supervisors", "retention_days", "per_minute"} <= keys
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}:", section)] == []


def test_every_path_of_the_web_part_is_told(readme: str) -> None:
    desk = SimpleNamespace(connecting=SimpleNamespace(public_url="https://bot.example.com"))
    site = cast(
        "Any",
        web.build(
            cast("Any", object()),
            dict,
            signing_secret="s",
            metrics=lambda: (b"", ""),
            announced=lambda _body, _signature: None,
            pages=[ConnectPages(cast("Any", desk)).blueprint()],
        ),
    )
    paths = {*site.mounts, *(rule.rule for rule in site.app.url_map.iter_rules())} - {
        "/static/<path:filename>"
    }

    assert {"/slack/events", "/healthz", "/metrics", "/genesys/callback"} <= paths
    assert [path for path in sorted(paths) if path not in readme] == []


def test_the_test_that_contributing_runs_is_there() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [(folder, word)] = re.findall(r"pytest (tests\S*) -k (\w+)`", text)
    named = re.compile(rf"^def test_\w*{word}", re.MULTILINE)

    assert any(named.search(path.read_text(encoding="utf-8")) for path in (ROOT / folder).glob("test_*.py"))
