"""What can be said of the container files without an engine: they fit this tree and these settings."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Group

from bot.cli import main

ROOT = Path(__file__).parents[1]
HERE = ROOT / ".container"
SETTINGS = set(
    re.findall(
        r"^#?([A-Z][A-Z_]+)=", (ROOT / "bot" / "env.example").read_text(encoding="utf-8"), re.MULTILINE
    )
)


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The Containerfile's instructions."""
    text = re.sub(r"\\\n\s*", "", (HERE / "Containerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((HERE / "compose.yml").read_text(encoding="utf-8"))["services"])


def test_what_is_copied_is_there_and_not_ignored(steps: list[tuple[str, str]]) -> None:
    copied = [rest.split()[:-1] for word, rest in steps if word == "COPY" and "--from" not in rest]
    kept = re.findall(
        r"^!(.+)$", (HERE / "Containerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert sorted(each for files in copied for each in files) == sorted(kept)
    assert all((ROOT / each).exists() for each in kept)


def test_it_runs_the_bot_as_nobody_special(steps: list[tuple[str, str]]) -> None:
    last = dict(steps)
    program, command = json.loads(last["CMD"])

    assert isinstance(main, Group)
    assert (program, command in main.commands) == ("canned", True)
    assert last["USER"] not in ("root", "0")


def test_whoever_compose_runs_it_as_can_enter_the_folder_with_the_settings(
    steps: list[tuple[str, str]], services: dict[str, Any]
) -> None:
    last = dict(steps)

    assert services["bot"]["user"].startswith("${RUN_AS")
    assert last["WORKDIR"] == "/home/canned"
    assert "--key HOME_MODE=0755 canned" in last["RUN"]


def test_each_variable_is_one_that_the_bot_knows(
    steps: list[tuple[str, str]], services: dict[str, Any]
) -> None:
    pairs = [pair for word, rest in steps if word == "ENV" for pair in shlex.split(rest)]
    image = {pair.partition("=")[0] for pair in pairs} - {"PATH", "PYTHONUNBUFFERED"}

    assert image | services["bot"]["environment"].keys() <= SETTINGS


def test_two_bots_share_one_database_and_may_take_their_time_to_leave(services: dict[str, Any]) -> None:
    bot = services["bot"]

    assert bot["deploy"]["replicas"] == 2
    assert bot["environment"]["DATABASE_URL"].startswith("postgresql+psycopg://")
    assert bot["stop_grace_period"] == "20s"
    assert (HERE / bot["build"]["context"] / bot["build"]["dockerfile"]).samefile(HERE / "Containerfile")
    assert "/healthz" in bot["healthcheck"]["test"][-1]
    mounted = {Path(volume.split(":")[0]).name for volume in bot["volumes"]}
    assert mounted == {".env", "canned.yml"}
