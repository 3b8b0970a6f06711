"""The package stands alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import genesys
from bot.sandbox.genesys import SimulatedGenesys

ROOT = Path(__file__).parents[2]
README = ROOT / "bot" / "genesys" / "README.md"


def _run(code: str) -> str:
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_it_loads_nothing_of_slack_the_database_the_web_or_the_rest_of_the_bot() -> None:
    loaded = _run("import bot.genesys; print(*sys.modules)").split()

    strangers = {"slack_bolt", "slack_sdk", "sqlalchemy", "alembic", "flask", "yaml", "dotenv", "authlib"}
    ours = {name for name in loaded if name.startswith("bot.") and not name.startswith("bot.genesys")}
    assert not strangers & {name.partition(".")[0] for name in loaded}
    assert not ours


def test_fetching_a_token_loads_only_authlib_beside_requests() -> None:
    loaded = _run("import bot.genesys.grants; print(*sys.modules)").split()

    assert not {"slack_bolt", "sqlalchemy", "flask"} & {name.partition(".")[0] for name in loaded}
    assert not {name for name in loaded if name.startswith("bot.") and not name.startswith("bot.genesys")}


def test_making_a_client_starts_no_thread_and_opens_no_connection() -> None:
    said = _run(
        "import socket, threading\n"
        "def never(*_): raise AssertionError('a connection')\n"
        "socket.socket.connect = never\n"
        "from bot.genesys import Genesys\n"
        "Genesys.events(org_id='acme', client_id='c', client_secret='s')\n"
        "print(threading.active_count())"
    )

    assert said.strip() == "1"


def test_message_without_marks_is_marked_as_the_bots_alone(cloud: SimulatedGenesys, connect: Any) -> None:
    with connect() as client:
        chat = client.conversation(cloud.chat)
        client.send(chat, client.sender(chat, "self", cloud.ann), "Hello.")

    assert cloud.received[0].metadata == {"source": "canned_response_bot"}


def test_type_checkers_read_its_types_as_the_package_says_they_can() -> None:
    assert "Typing :: Typed" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (ROOT / "bot" / "py.typed").is_file()


def test_example_that_needs_no_account_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    _, example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, README.name, "exec"), {})

    assert capsys.readouterr().out == "unknown, and the customer has ['Hello.']\n"


def test_how_to_use_it_names_every_call_and_every_error() -> None:
    text = README.read_text(encoding="utf-8")
    calls = {name for name in vars(genesys.Genesys) if not name.startswith("_")}
    errors = {name for name in genesys.__all__ if name in vars(genesys.errors)}

    assert {name for name in calls | errors if f"`{name}" not in text} <= {"id_shape", "GenesysError"}
