"""The command line: what an operator types, reads, and gets as an exit code."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from bot.canned.catalog import read as read_catalog
from bot.cli import main
from bot.sandbox import demo
from bot.sandbox.genesys import ANN, BOB
from bot.sandbox.sandbox import TEAM, Sandbox
from bot.storage import Store
from tests.processes import spawn

ROOT = Path(__file__).parents[1]
ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
SEND = "POST /api/v2/conversations/{id}/events"
READ = "GET /api/v2/conversations/{id}"
VARIABLES = re.findall(
    r"^#?([A-Z][A-Z_]+)=", (ROOT / "bot" / "env.example").read_text(encoding="utf-8"), re.MULTILINE
)

Canned = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the operator stands: empty, and not where the sandbox keeps its files."""
    here = tmp_path / "here"
    here.mkdir()
    return here


@pytest.fixture
def canned(folder: Path, log_as_before: None) -> Canned:
    """Runs `canned …` in `folder`; of this machine's settings it sees none."""

    def run(*args: object, env: dict[str, str] | None = None, typed: str | None = None) -> Result:
        alone = {**dict.fromkeys(VARIABLES), **(env or {})}
        with chdir(folder):
            result = CliRunner().invoke(main, [str(arg) for arg in args], env=alone, input=typed)
        trace = result.exception if not isinstance(result.exception, SystemExit) else None
        assert trace is None, f"ended in a trace: {trace!r}"
        return result

    return run


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Simulated Genesys and Slack with no bot running: the command line does it alone."""
    return opened(make_sandbox())


def opened(sandbox: Sandbox) -> Sandbox:
    sandbox.genesys.start()
    sandbox.slack.start()
    return sandbox


@pytest.fixture
def send(canned: Canned, office: Sandbox) -> Canned:
    """Runs `canned send` into the demo's conversation, as Ann unless told otherwise."""

    def run(*args: str, as_: str = office.slack.ann, typed: str | None = None, **env: str) -> Result:
        words = ("send", office.conversation, *args, "--as", as_)
        return canned(*words, env=office.environment() | env, typed=typed)

    return run


def alone(office: Sandbox) -> dict[str, str]:
    """The settings of an operator without Slack."""
    return office.environment() | {"SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": ""}


def states(office: Sandbox) -> list[str]:
    return [receipt.state for receipt in office.receipts()]


def team(**fields: Any) -> dict[str, Any]:
    return {"name": TEAM, "channel": "C0NONE", "supervisors": ["U0NONE"], **fields}


# -- manifest ---------------------------------------------------------------------------------


def test_manifest_is_what_stands_in_manifest_yml(canned: Canned) -> None:
    result = canned("manifest")

    assert result.exit_code == 0
    assert result.stdout == (ROOT / "manifest.yml").read_text(encoding="utf-8")


def test_manifest_for_a_public_address_names_it_and_leaves_socket_mode(canned: Canned) -> None:
    made = yaml.safe_load(canned("manifest", "--url", "https://bot.example.com").stdout)

    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["interactivity"]["request_url"] == "https://bot.example.com/slack/events"


@pytest.mark.parametrize("url", ["http://bot.example.com", "bot.example.com", "https://bot.example.com/x"])
def test_manifest_for_an_address_slack_cannot_use_is_a_usage_error(canned: Canned, url: str) -> None:
    result = canned("manifest", "--url", url)

    assert result.exit_code == 2
    assert "is not an address like https://" in result.stderr
    assert result.stdout == ""


# -- init -------------------------------------------------------------------------------------


def test_init_writes_env_and_canned_yml_readable_by_their_owner_alone(canned: Canned, folder: Path) -> None:
    result = canned("init")

    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == [".env", "canned.yml"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600, 0o600]
    env, key = re.subn(
        "(?m)^CANNED_SECRET_KEY=.{44}$", "CANNED_SECRET_KEY=", (folder / ".env").read_text("utf-8")
    )
    assert (env, key) == ((ROOT / "bot" / "env.example").read_text("utf-8"), 1)
    assert (folder / "canned.yml").read_bytes() == (ROOT / "bot" / "canned" / "example.yml").read_bytes()


@pytest.mark.parametrize(("kept", "written"), [(".env", "canned.yml"), ("canned.yml", ".env")])
def test_init_never_writes_over_what_is_there(canned: Canned, folder: Path, kept: str, written: str) -> None:
    (folder / kept).write_text("mine")
    result = canned("init")

    assert result.exit_code == 0
    assert (folder / kept).read_text() == "mine"
    assert (folder / written).stat().st_size > 100
    assert f"{kept} is there already and stays as it is." in result.stdout
    assert f"Wrote {written}." in result.stdout


def test_init_makes_the_folder_it_is_told(canned: Canned, folder: Path) -> None:
    assert canned("init", "--folder", "new/bot").exit_code == 0
    assert (folder / "new" / "bot" / ".env").is_file()


def test_init_that_may_not_write_says_so(canned: Canned, folder: Path) -> None:
    (folder / "file").touch()
    result = canned("init", "--folder", "file/bot")

    assert result.exit_code == 1
    assert "file/bot" in result.stderr


def test_init_leaves_no_half_of_a_file_on_a_full_disk(canned: Canned, folder: Path) -> None:
    full = ["bash", "-c", f"ulimit -f 1; exec {sys.executable} -m bot init"]  # files of 1,024 bytes at most
    done = subprocess.run(
        full,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "Error: Cannot write into .: File too large.\n")
    assert list(folder.iterdir()) == []
    assert canned("init").stdout == "Wrote .env.\nWrote canned.yml.\n"


def test_canned_yml_from_init_has_no_fault(canned: Canned) -> None:
    canned("init")
    result = canned("responses", "validate")

    assert result.exit_code == 0
    assert result.stdout.startswith("Good: ")


def test_canned_yml_from_init_gives_supervisors_five_seconds_to_take_a_send_back(
    canned: Canned, folder: Path
) -> None:
    canned("init")

    assert [t.undo_seconds for t in read_catalog((folder / "canned.yml").read_text("utf-8")).teams] == [5]


def test_run_after_init_names_what_has_to_be_filled_in(canned: Canned) -> None:
    canned("init")
    result = canned("run")

    assert result.exit_code == 1
    assert re.findall(r"- (\w+) is not set", result.stderr) == [
        "GENESYS_REGION",
        "GENESYS_CLIENT_ID",
        "GENESYS_CLIENT_SECRET",
        "GENESYS_OAUTH_CLIENT_ID",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "CANNED_PUBLIC_URL",
    ]


def test_every_init_makes_a_key_of_its_own(canned: Canned, folder: Path) -> None:
    for name in ("one", "two"):
        canned("init", "--folder", name)

    assert (folder / "one/.env").read_text("utf-8") != (folder / "two/.env").read_text("utf-8")


def test_a_region_that_there_is_not_lists_those_that_there_are(canned: Canned) -> None:
    result = canned("run", env={"GENESYS_REGION": "eu_west_9"})

    assert result.exit_code == 1
    assert "GENESYS_REGION must be one of these" in result.stderr
    assert "mypurecloud.ie (eu_west_1)" in result.stderr
    assert "eu_west_9" not in result.stderr


# -- the environment --------------------------------------------------------------------------


def responses_file(folder: Path, name: str, key: str) -> None:
    catalog = {"responses": {key: {"title": "Title", "text": "Text."}}, "teams": [team()]}
    (folder / name).write_text(yaml.safe_dump(catalog))


def test_dotenv_in_the_folder_is_read_and_the_environment_comes_before_it(
    canned: Canned, folder: Path
) -> None:
    responses_file(folder, "one.yml", "one")
    responses_file(folder, "two.yml", "two")
    (folder / ".env").write_text("CANNED_CONFIG=one.yml\n")

    assert canned("responses", "list").stdout == "one\tTitle\n"
    assert canned("responses", "list", env={"CANNED_CONFIG": "two.yml"}).stdout == "two\tTitle\n"


def test_blanks_round_a_value_count_for_no_command(canned: Canned, folder: Path) -> None:
    responses_file(folder, "one.yml", "one")

    assert canned("responses", "list", env={"CANNED_CONFIG": " one.yml "}).stdout == "one\tTitle\n"
    assert canned("pause", env={"DATABASE_URL": " sqlite:///one.db "}).exit_code == 0
    assert canned("responses", "list", env={"CANNED_CONFIG": " "}).exit_code == 1
    assert sorted(path.name for path in folder.glob("*.db*")) == ["one.db"]


def test_dotenv_of_a_folder_above_is_not_read(canned: Canned, folder: Path) -> None:
    responses_file(folder, "canned.yml", "mine")
    (folder.parent / ".env").write_text("CANNED_CONFIG=nowhere.yml\n")

    assert canned("responses", "list").stdout == "mine\tTitle\n"


def test_dollar_in_dotenv_stays_a_dollar(canned: Canned, folder: Path) -> None:
    responses_file(folder, "${HOME}.yml", "one")
    (folder / ".env").write_text("CANNED_CONFIG=${HOME}.yml\nLOG_LEVEL\n")

    assert canned("responses", "list").stdout == "one\tTitle\n"


def test_dotenv_that_begins_with_a_byte_order_mark_is_read_whole(canned: Canned, folder: Path) -> None:
    responses_file(folder, "one.yml", "one")
    (folder / ".env").write_text("CANNED_CONFIG=one.yml\n", encoding="utf-8-sig")

    assert canned("responses", "list").stdout == "one\tTitle\n"


def test_dotenv_that_is_not_utf8_is_told_in_a_sentence(canned: Canned, folder: Path) -> None:
    (folder / ".env").write_text("# Schlüssel\n", encoding="latin-1")
    result = canned("responses", "list")

    assert result.exit_code == 1
    assert ".env" in result.stderr


@pytest.mark.parametrize("words", [("check",), ("users", "list"), ("responses", "list")])
@pytest.mark.parametrize("kept", ["/proc/self/mem", "/proc"], ids=["read by nobody, not even root", "folder"])
def test_dotenv_that_may_not_be_read_is_told_in_a_sentence(
    canned: Canned, folder: Path, kept: str, words: tuple[str, ...]
) -> None:
    (folder / ".env").symlink_to(kept)
    result = canned(*words)

    assert result.exit_code == 1
    assert ".env cannot be read" in result.output


def test_nothing_is_done_by_a_dotenv_of_which_a_part_cannot_be_read(canned: Canned, folder: Path) -> None:
    (folder / ".env").write_text(
        'GENESYS_REGION="mypurecloud.ie\nDATABASE_URL=sqlite:///bots.db\ns3cr3t half\n'
    )
    result = canned("pause")

    assert result.exit_code == 1
    assert re.findall(r"\.env, line (\d)", result.stderr) == ["1", "3"]
    assert "s3cr3t" not in result.output
    assert [path.name for path in folder.iterdir()] == [".env"]


@pytest.mark.parametrize("words", [("send", "c", "r", "--as", "U1"), ("users", "link", "U1", "u")])
def test_missing_and_wrong_settings_are_all_named_at_once(canned: Canned, words: tuple[str, ...]) -> None:
    result = canned(*words, env={"CANNED_PORT": "s3cr3t"})

    assert result.exit_code == 1
    assert re.findall(r"^  - (\w+)", result.stderr, re.MULTILINE) == [
        "GENESYS_REGION",
        "GENESYS_CLIENT_ID",
        "GENESYS_CLIENT_SECRET",
        "GENESYS_OAUTH_CLIENT_ID",
        "CANNED_PUBLIC_URL",
        "CANNED_SECRET_KEY",
        "CANNED_PORT",
    ]
    assert "s3cr3t" not in result.output


def test_database_url_of_no_use_is_told_without_its_password(canned: Canned) -> None:
    wrong = (
        "mysql://u:s3cr3t@h/n",
        "s3cr3t",
        "postgresql+s3cr3t://u@h/n",
        "postgresql://u:s3cr3t",
        "sqlite://",
    )
    for url in wrong:
        result = canned("users", "list", env={"DATABASE_URL": url})

        assert result.exit_code == 1
        assert "DATABASE_URL is sqlite:///" in result.stderr
        assert "s3cr3t" not in result.output


def test_database_that_cannot_be_opened_is_told_in_a_sentence(canned: Canned) -> None:
    result = canned("users", "list", env={"DATABASE_URL": "sqlite:////nowhere/canned.db"})

    assert result.exit_code == 1
    assert "The database does not answer" in result.stderr


@pytest.mark.parametrize("words", [("pause",), ("audit", "verify"), ("users", "list")], ids=" ".join)
def test_command_in_a_folder_that_no_bot_uses_says_that_the_database_was_empty(
    canned: Canned, words: tuple[str, ...]
) -> None:
    first, second = canned(*words), canned(*words)

    assert "The database was empty until now." in first.stderr
    assert (first.exit_code, second.stderr) == (0, "")


# -- responses --------------------------------------------------------------------------------


def test_responses_are_listed_by_key_and_title(canned: Canned) -> None:
    canned("init")

    assert canned("responses", "list").stdout.splitlines() == [
        "escalation\tEscalated to a specialist",
        "greeting\tGreeting by name",
    ]


def test_good_canned_yml_is_counted(canned: Canned, folder: Path) -> None:
    responses_file(folder, "canned.yml", "one")

    assert canned("responses", "validate").stdout == "Good: 1 responses, 1 teams.\n"


def test_what_is_probably_not_meant_is_a_warning_and_no_fault(canned: Canned, folder: Path) -> None:
    (folder / "canned.yml").write_text(
        "responses:\n"
        "  one: {title: One, text: 'Hello {{customer_name}}'}\n"
        "teams:\n"
        "  - {name: A, channel: C0A, supervisors: [U0ANN]}\n"
    )
    result = canned("responses", "validate")

    assert result.exit_code == 0
    assert result.stdout.startswith("Warning: line 2: `one` asks for `{{customer_name}}`")
    assert result.stdout.endswith("Good: 1 responses, 1 teams; warnings: 1.\n")


@pytest.mark.parametrize("word", ["list", "validate"])
def test_every_fault_of_canned_yml_is_told_with_its_line(canned: Canned, folder: Path, word: str) -> None:
    (folder / "canned.yml").write_text(
        "responses:\n"
        "  one: {title: One, text: 'Hello {{name'}\n"
        "teams:\n"
        "  - {name: A, channel: general, supervisors: [U0ANN], undo_seconds: soon}\n"
    )
    result = canned("responses", word)

    assert result.exit_code == 1
    assert "canned.yml has 3 faults" in result.stderr
    assert re.findall(r"line (\d+): ", result.stderr) == ["2", "4", "4"]
    assert result.stdout == ""


def test_missing_canned_yml_is_told_with_how_to_get_one(canned: Canned) -> None:
    result = canned("responses", "validate")

    assert result.exit_code == 1
    assert "There is no canned.yml. `canned init` writes one" in result.stderr


# -- users ------------------------------------------------------------------------------------


def test_user_is_linked_by_genesys_email_and_listed(canned: Canned, office: Sandbox) -> None:
    result = canned("users", "link", office.slack.ann, "Ann.Lee@Example.com", env=alone(office))

    assert result.exit_code == 0
    assert result.stdout == f"{office.slack.ann} is now Ann Lee in Genesys.\n"
    listed = canned("users", "list", env=alone(office))
    assert listed.stdout == f"{office.slack.ann}\t{ANN}\toperator\tAnn Lee\n"


def test_user_is_linked_by_genesys_id(canned: Canned, office: Sandbox) -> None:
    canned("users", "link", office.slack.bob, BOB, env=alone(office))

    assert canned("users", "list", env=alone(office)).stdout.split("\t")[:2] == [office.slack.bob, BOB]


def test_new_link_is_told_to_its_owner(canned: Canned, office: Sandbox) -> None:
    canned("users", "link", office.slack.ann, ANN, env=office.environment())

    (told,) = office.slack.direct_messages(office.slack.ann)
    assert "Ann Lee" in told.said


@pytest.mark.parametrize(
    ("slack_user", "genesys_user", "says"),
    [
        ("ann", ANN, "ann is not a Slack user's id"),
        ("C0123ABCD", ANN, "C0123ABCD is not a Slack user's id"),
        ("u0ann", ANN, "u0ann is not a Slack user's id"),
        ("U0ANN", "nobody@example.com", "Not exactly one active Genesys user has the address"),
        ("U0ANN", "gone@example.com", "Not exactly one active Genesys user has the address"),
        ("U0ANN", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", "not"),
        ("U0ANN", "../../oauth/token", "not"),
    ],
)
def test_link_that_cannot_be_is_refused_and_not_written(
    canned: Canned, office: Sandbox, slack_user: str, genesys_user: str, says: str
) -> None:
    office.genesys.add_user("Gone", "gone@example.com", active=False)
    result = canned("users", "link", slack_user, genesys_user, env=alone(office))

    assert result.exit_code == 1
    assert says in result.stderr
    assert canned("users", "list", env=alone(office)).stdout == ""


def test_deactivated_genesys_user_is_not_linked(canned: Canned, office: Sandbox) -> None:
    gone = office.genesys.add_user("Gone", "gone@example.com", active=False)
    result = canned("users", "link", "U0ANN", gone, env=alone(office))

    assert result.exit_code == 1
    assert canned("users", "list", env=alone(office)).stdout == ""


@pytest.mark.parametrize(("slack_user", "genesys_user"), [("U0OTHER", ANN), ("U0ANN", BOB)])
def test_one_slack_user_is_one_genesys_user_and_the_reverse(
    canned: Canned, office: Sandbox, slack_user: str, genesys_user: str
) -> None:
    canned("users", "link", "U0ANN", ANN, env=alone(office))
    result = canned("users", "link", slack_user, genesys_user, env=alone(office))

    assert result.exit_code == 1
    assert "`canned users unlink U0ANN`" in result.stderr
    assert canned("users", "list", env=alone(office)).stdout.split("\t")[:2] == ["U0ANN", ANN]


def test_nothing_goes_on_with_a_sealed_record_without_its_key(canned: Canned, office: Sandbox) -> None:
    sealed = alone(office) | {"CANNED_SECRET_KEY": Fernet.generate_key().decode()}
    assert canned("users", "link", "U0ANN", ANN, env=sealed).exit_code == 0

    send = ("send", office.conversation, "escalation", "--as", "U0ANN")
    for words in (("users", "unlink", "U0ANN"), ("users", "link", "U0BOB", BOB), send):
        result = canned(*words, env=alone(office))
        assert (result.exit_code, result.stdout) == (1, "")
        assert "CANNED_SECRET_KEY" in result.stderr
    assert "CANNED_SECRET_KEY is not set" in result.stderr  # nothing was even begun
    assert canned("audit", "verify", env=sealed).exit_code == 0
    assert canned("users", "list", env=alone(office)).stdout.startswith("U0ANN\t")


def test_unlinked_user_is_free_for_another(canned: Canned, office: Sandbox) -> None:
    canned("users", "link", "U0ANN", ANN, env=alone(office))

    assert canned("users", "unlink", "U0ANN", env=alone(office)).stdout == "U0ANN is not linked any more.\n"
    assert canned("users", "unlink", "U0ANN", env=alone(office)).stdout == "U0ANN was not linked.\n"
    assert canned("users", "link", "U0OTHER", ANN, env=alone(office)).exit_code == 0


def test_listing_and_unlinking_need_no_settings_but_the_database(canned: Canned, folder: Path) -> None:
    assert canned("users", "list").exit_code == 0
    assert canned("users", "unlink", "U0ANN").exit_code == 0
    assert canned("sends", "list").exit_code == 0
    assert (folder / "canned.db").is_file()


def test_import_links_everybody_in_the_file(canned: Canned, office: Sandbox, folder: Path) -> None:
    lines = f"slack_user,genesys_user\r\nU0ANN,ann.lee@example.com\r\nU0BOB,{BOB}\r\n"
    (folder / "people.csv").write_text(lines, encoding="utf-8-sig", newline="")
    result = canned("users", "import", "people.csv", env=alone(office))

    assert (result.exit_code, result.stdout) == (0, "2 of 2 linked.\n")
    assert len(canned("users", "list", env=alone(office)).stdout.splitlines()) == 2


def test_import_twice_is_the_same_as_once(canned: Canned, office: Sandbox, folder: Path) -> None:
    (folder / "people.csv").write_text(f"slack_user,genesys_user\nU0ANN,{ANN}\n")
    canned("users", "import", "people.csv", env=alone(office))

    assert canned("users", "import", "people.csv", env=alone(office)).exit_code == 0
    assert len(canned("users", "list", env=alone(office)).stdout.splitlines()) == 1


def test_import_goes_on_after_a_line_that_cannot_be_and_names_it(
    canned: Canned, office: Sandbox, folder: Path
) -> None:
    (folder / "people.csv").write_text(
        f"team,genesys_user,slack_user\nA,nobody@example.com,U0LEE\nA,{ANN},ann\nA,{BOB},U0BOB\n"
    )
    result = canned("users", "import", "people.csv", env=alone(office))

    assert (result.exit_code, result.stdout) == (1, "1 of 3 linked.\n")
    assert re.findall(r"^(\w+): ", result.stderr, re.MULTILINE) == ["U0LEE", "ann"]
    assert canned("users", "list", env=alone(office)).stdout.split("\t")[0] == "U0BOB"


def test_import_takes_blanks_round_a_field_for_nothing(canned: Canned, office: Sandbox, folder: Path) -> None:
    (folder / "people.csv").write_text("slack_user,genesys_user\n U0ANN , ann.lee@example.com\n")

    assert canned("users", "import", "people.csv", env=alone(office)).exit_code == 0


def test_import_names_a_line_that_is_cut_short(canned: Canned, office: Sandbox, folder: Path) -> None:
    (folder / "people.csv").write_text(f"slack_user,genesys_user\nU0LEE\nU0BOB,{BOB}\n")
    result = canned("users", "import", "people.csv", env=alone(office))

    assert (result.exit_code, result.stdout) == (1, "1 of 2 linked.\n")
    assert "U0LEE: " in result.stderr


@pytest.mark.parametrize(
    "lines", ["slack,genesys\nU0ANN,x\n", "slack_user;genesys_user\nU0ANN;x\n", "U0ANN,x\nU,y", "U0ANN,x", ""]
)
def test_import_of_a_file_without_the_two_columns_is_a_usage_error(
    canned: Canned, office: Sandbox, folder: Path, lines: str
) -> None:
    (folder / "people.csv").write_text(lines)
    result = canned("users", "import", "people.csv", env=alone(office))

    assert result.exit_code == 2
    assert "slack_user,genesys_user" in result.stderr


def test_import_of_a_file_that_is_not_utf8_is_told_in_a_sentence(
    canned: Canned, office: Sandbox, folder: Path
) -> None:
    (folder / "people.csv").write_text("slack_user,genesys_user\nU0ANN,zoë@example.com\n", encoding="latin-1")
    result = canned("users", "import", "people.csv", env=alone(office))

    assert result.exit_code in (1, 2)
    assert "UTF-8" in result.stderr


def test_import_of_a_file_that_is_no_csv_is_a_usage_error(
    canned: Canned, office: Sandbox, folder: Path
) -> None:
    lines = f"U0BOB,{BOB}\n" * 5000
    (folder / "people.csv").write_text(f'slack_user,genesys_user\nU0ANN,"{ANN}\n{lines}')
    result = canned("users", "import", "people.csv", env=alone(office))

    assert result.exit_code == 2
    assert "people.csv is no CSV: look for a quotation mark that is not closed." in result.stderr


def test_import_of_no_file_is_a_usage_error(canned: Canned) -> None:
    assert canned("users", "import", "nowhere.csv").exit_code == 2


# -- send: 0 ----------------------------------------------------------------------------------


def test_sent_is_exit_code_0_and_the_customer_has_the_text_once(send: Canned, office: Sandbox) -> None:
    result = send("escalation")

    (sent,) = office.genesys.received
    assert (sent.text, sent.from_id) == (ESCALATION, ANN)
    assert (result.exit_code, result.stdout) == (0, f"Sent. Genesys calls the message {sent.id}.\n")
    assert states(office) == ["sent"]


def test_send_from_a_terminal_is_told_to_the_team_before_the_command_ends(
    send: Canned, office: Sandbox
) -> None:
    send("escalation")

    (card,) = office.slack.messages(office.slack.channel)
    (reply,) = office.slack.thread(office.slack.channel, card.ts)
    assert ESCALATION in reply.said
    assert "operator for" in reply.said


def test_team_is_told_before_the_command_ends_even_if_slack_asks_to_wait(
    send: Canned, canned: Canned, office: Sandbox
) -> None:
    canned("users", "link", office.slack.ann, ANN, env=alone(office))
    office.slack.fault("POST /api/chat.postMessage", "429", retry_after=1)

    assert send("escalation").exit_code == 0
    (card,) = office.slack.messages(office.slack.channel)
    assert len(office.slack.thread(office.slack.channel, card.ts)) == 1


def test_send_from_a_terminal_beside_a_running_bot_is_told_to_the_team_once(
    canned: Canned, sandbox: Sandbox
) -> None:
    words = ("send", sandbox.conversation, "escalation", "--as", sandbox.slack.ann)

    assert canned(*words, env=sandbox.environment()).exit_code == 0
    sandbox.drain()
    (card,) = sandbox.slack.messages(sandbox.slack.channel)
    assert len(sandbox.slack.thread(sandbox.slack.channel, card.ts)) == 1
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_send_from_a_terminal_is_on_record_as_the_operators_for_a_user(send: Canned, office: Sandbox) -> None:
    send("escalation")

    with closing(Store(office.database_url, now=office.clock, worker="test")) as store:
        claimed = [line.actor for line in store.audit() if line.event == "claimed"]
    assert claimed == [f"operator for {office.slack.ann}"]


def test_send_works_without_slack(canned: Canned, office: Sandbox) -> None:
    canned("users", "link", office.slack.ann, ANN, env=alone(office))
    result = canned("send", office.conversation, "escalation", "--as", office.slack.ann, env=alone(office))

    assert result.exit_code == 0
    assert office.genesys.customer_sees(office.conversation) == [ESCALATION]


def test_values_fill_the_text(send: Canned, office: Sandbox) -> None:
    result = send("greeting", "topic=a = b & 'c'")

    assert result.exit_code == 0
    assert office.genesys.customer_sees(office.conversation) == [
        "Hello Grace Hopper, I am Ann Lee. How can I help with a = b & 'c'?"
    ]


@pytest.mark.parametrize("user", [ANN, "ann.lee@example.com"])
def test_supervisor_may_be_named_by_genesys_id_or_email(
    send: Canned, canned: Canned, office: Sandbox, user: str
) -> None:
    canned("users", "link", office.slack.ann, ANN, env=alone(office))

    assert send("escalation", as_=user).exit_code == 0
    assert [receipt.request.supervisor for receipt in office.receipts()] == [office.slack.ann]


def test_supervisor_listed_by_their_user_group_may_send(
    canned: Canned, make_sandbox: Callable[..., Sandbox]
) -> None:
    office = make_sandbox()
    office.configure({"teams": [team(channel=office.slack.channel, supervisors=["S0LEADS"])]})
    opened(office)
    words = ("send", office.conversation, "escalation", "--as")

    assert canned(*words, office.slack.ann, env=office.environment()).exit_code == 0
    assert canned(*words, office.slack.bob, env=office.environment()).exit_code == 1
    assert len(office.genesys.received) == 1


def test_undo_window_does_not_keep_a_send_from_a_terminal_waiting(
    canned: Canned, make_sandbox: Callable[..., Sandbox]
) -> None:
    office = make_sandbox()
    teams = [team(channel=office.slack.channel, supervisors=[office.slack.ann], undo_seconds=2)]
    office.configure({"teams": teams})
    opened(office)
    words = ("send", office.conversation, "escalation", "--as", office.slack.ann)

    assert canned(*words, env=office.environment()).exit_code == 0
    assert office.genesys.customer_sees(office.conversation) == [ESCALATION]
    assert states(office) == ["sent"]


def test_what_needs_an_approval_is_not_sent_from_a_terminal(
    canned: Canned, make_sandbox: Callable[..., Sandbox]
) -> None:
    office = make_sandbox()
    office.configure({"responses": {"refund": {"title": "Refund", "text": "Here.", "approval": "S0LEADS"}}})
    opened(office)
    words = ("send", office.conversation, "refund", "--as", office.slack.ann)
    result = canned(*words, env=office.environment())

    assert result.exit_code == 1
    assert "needs an approval, which is asked for in Slack" in result.output
    assert office.genesys.received == []
    assert states(office) == []


def test_same_response_within_a_minute_is_asked_about_and_sent_again_on_yes(
    send: Canned, office: Sandbox
) -> None:
    send("escalation")
    result = send("escalation", typed="y\n")

    assert result.exit_code == 0
    assert "Send it again?" in result.stderr
    assert office.genesys.customer_sees(office.conversation) == [ESCALATION, ESCALATION]


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_same_response_within_a_minute_is_not_sent_again_without_a_yes(
    send: Canned, office: Sandbox, typed: str
) -> None:
    send("escalation")

    assert send("escalation", typed=typed).exit_code == 1
    assert len(office.genesys.received) == 1


# -- send: 1 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("escalaton",), "Did you mean `escalation`?"),
        (("greeting",), "The text still needs `topic`"),
    ],
)
def test_not_sent_is_exit_code_1_and_says_what_to_do(
    send: Canned, office: Sandbox, words: tuple[str, ...], says: str
) -> None:
    result = send(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert office.genesys.received == []


def test_conversation_that_is_none_is_refused_before_anything_is_asked(
    canned: Canned, office: Sandbox
) -> None:
    words = ("send", "../users", "escalation", "--as", office.slack.ann)
    result = canned(*words, env=office.environment())

    assert result.exit_code == 1
    assert "“../users” is not a conversation, so nothing was sent." in result.stderr
    assert office.genesys.requests == []


def test_conversation_that_has_ended_gets_nothing(send: Canned, office: Sandbox) -> None:
    office.genesys.end(office.conversation)
    result = send("escalation")

    assert result.exit_code == 1
    assert result.stderr.strip().splitlines()[-1].startswith("Not sent. ")
    assert office.genesys.received == []
    assert states(office) == ["refused"]


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ("U0NOBODY", "You are not a supervisor"),
        ("nobody@example.com", "No Slack user is linked to nobody@example.com"),
        (BOB, "No Slack user is linked to"),
        ("ann", "No Slack user is linked to ann"),
    ],
)
def test_somebody_who_may_not_send_cannot_be_sent_for(
    send: Canned, office: Sandbox, user: str, says: str
) -> None:
    result = send("escalation", as_=user)

    assert result.exit_code == 1
    assert says in result.stderr
    assert office.genesys.received == []


def test_supervisor_nobody_has_linked_cannot_be_sent_for_without_slack(
    canned: Canned, office: Sandbox
) -> None:
    result = canned("send", office.conversation, "escalation", "--as", office.slack.ann, env=alone(office))

    assert result.exit_code == 1
    assert "canned users link" in result.stderr
    assert office.genesys.received == []


def test_not_sent_because_genesys_is_away_is_never_sent_later(send: Canned, office: Sandbox) -> None:
    office.genesys.fault(READ, "status", times=None)
    result = send("escalation")
    office.genesys.clear_faults()

    assert result.exit_code == 1
    assert "Not sent. " in result.stderr
    assert not [state for state in states(office) if state in ("pending", "sending")]


def test_what_could_go_out_later_is_said_to_be_taken_back(send: Canned, office: Sandbox) -> None:
    office.genesys.fault(READ, "429", times=None, retry_after=120)
    result = send("escalation")

    assert result.exit_code == 1
    assert "it may go out after that. It was taken back, and does not go out by itself." in result.stderr
    assert states(office) == ["cancelled"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENESYS_CLIENT_SECRET", "s3cr3t-wrong"),
        ("SLACK_BOT_TOKEN", "xoxb-s3cr3t-wrong"),
        ("SLACK_API_URL", "http://127.0.0.1:9"),
        ("GENESYS_LOGIN_URL", "http://127.0.0.1:9"),
        ("CANNED_CONFIG", "nowhere.yml"),
    ],
)
def test_set_up_that_does_not_work_ends_in_a_sentence(
    send: Canned, office: Sandbox, name: str, value: str
) -> None:
    result = send("escalation", **{name: value})

    assert result.exit_code == 1
    assert result.stderr
    assert "s3cr3t" not in result.output
    assert "Traceback" not in result.output
    assert office.genesys.received == []


@pytest.mark.parametrize("key", [b"not a key", b"\x30\x82\xff\xfe", b""], ids=["text", "bytes", "empty"])
def test_private_key_that_is_none_ends_in_a_sentence(
    send: Canned, office: Sandbox, folder: Path, key: bytes
) -> None:
    (folder / "key.pem").write_bytes(key)
    result = send("escalation", GENESYS_JWT_KEY_FILE=str(folder / "key.pem"))

    assert result.exit_code == 1
    assert "key" in result.stderr.casefold()
    assert office.genesys.received == []


def test_private_key_that_may_not_be_read_is_not_called_a_wrong_one(send: Canned) -> None:
    result = send("escalation", GENESYS_JWT_KEY_FILE="/proc/self/mem")  # opens, and refuses even root to read

    assert result.exit_code == 1
    assert "GENESYS_JWT_KEY_FILE cannot be read" in result.stderr


# -- check ------------------------------------------------------------------------------------


def test_check_says_of_each_thing_whether_it_works_and_ends_with_1_if_one_does_not(
    canned: Canned, office: Sandbox
) -> None:
    good = canned("check", "--json", env=office.environment())
    office.slack.set_channel(office.slack.channel, bot=False)
    bad = canned("check", env=office.environment())

    found = json.loads(good.stdout)
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert {frozenset(each) for each in found} == {frozenset(("name", "ok", "warning", "detail", "mend"))}
    assert {"name": "people", "ok": True, "warning": True}.items() <= found[-1].items()  # nobody is yet
    assert f"FAIL  channel of {TEAM}" in bad.stdout
    assert f"Invite the bot into {office.slack.channel}" in bad.stdout


def test_check_names_each_setting_that_is_missing(canned: Canned) -> None:
    found = json.loads(canned("check", "--json").stdout)

    assert {"GENESYS_REGION", "GENESYS_CLIENT_ID"} <= {each["detail"].split()[0] for each in found}
    assert not any(each["ok"] for each in found)


# -- send: 2 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("c", "escalation"),
        ("c", "--as", "U0ANN"),
        ("c", "escalation", "topic", "--as", "U0ANN"),
        ("c", "escalation", "=refund", "--as", "U0ANN"),
        ("c", "escalation", "--as"),
        ("c", "escalation", "--as", "U0ANN", "--now"),
    ],
)
def test_command_that_is_not_one_is_exit_code_2(canned: Canned, words: tuple[str, ...]) -> None:
    result = canned("send", *words)

    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_supervisor_of_several_teams_has_to_name_one(
    canned: Canned, make_sandbox: Callable[..., Sandbox]
) -> None:
    office = make_sandbox()
    channel = office.slack.add_channel("billing", [office.slack.ann])
    teams = [
        team(channel=office.slack.channel, supervisors=[office.slack.ann]),
        team(channel=channel, supervisors=[office.slack.ann], name="Billing"),
    ]
    office.configure({"teams": teams})
    opened(office)
    words = ("send", office.conversation, "escalation", "--as", office.slack.ann)
    result = canned(*words, env=office.environment())

    assert result.exit_code == 2
    assert "--team with one of: Support EMEA, Billing." in result.stderr
    assert canned(*words, "--team", "Billing", env=office.environment()).exit_code == 0
    assert [receipt.request.channel for receipt in office.receipts()] == [channel]


def test_team_that_canned_yml_does_not_have_is_a_usage_error(send: Canned, office: Sandbox) -> None:
    result = send("escalation", "--team", "Suport EMEA")

    assert result.exit_code == 2
    assert "There is no team 'Suport EMEA' in canned.yml. Did you mean Support EMEA?" in result.stderr
    assert states(office) == []


# -- send: 3 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "arrived"), [("lost_before", []), ("lost_after", [ESCALATION])])
def test_unknown_is_exit_code_3_and_nothing_is_repeated(
    send: Canned, office: Sandbox, lost: Any, arrived: list[str]
) -> None:
    office.genesys.fault(SEND, lost)
    result = send("escalation")

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.strip().splitlines()[-1].startswith("Unknown. ")
    assert office.genesys.customer_sees(office.conversation) == arrived
    assert len(office.genesys.seen(SEND)) == 1
    assert states(office) == ["unknown"]


def test_bug_after_it_was_taken_on_is_unknown_and_not_exit_code_1(send: Canned, office: Sandbox) -> None:
    with closing(sqlite3.connect(office.folder / "canned.db")) as database, database:
        refused = "BEFORE UPDATE ON sends WHEN NEW.state = 'sent' BEGIN SELECT RAISE(ABORT, 's3cr3t'); END"
        database.execute(f"CREATE TRIGGER broken {refused}")
    result = send("escalation")

    assert (result.exit_code, len(office.genesys.received)) == (3, 1)
    assert "Unknown. It was taken on, but the bot broke (IntegrityError)" in result.stderr
    assert "s3cr3t" not in result.output


# -- run --------------------------------------------------------------------------------------


def test_run_listens_until_it_is_told_to_stop_and_leaves_in_peace(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    office = opened(make_sandbox())
    running = spawn(office)

    assert requests.get(f"{running.url}/healthz", timeout=10).status_code == 200
    assert running.terminate() == 0


def test_run_leaves_however_often_and_early_it_is_told_to(make_sandbox: Callable[..., Sandbox]) -> None:
    office = opened(make_sandbox())
    running = spawn(office)
    for _ in range(5000):
        os.kill(running.pid, signal.SIGTERM)

    assert running.terminate() == 0


# -- sends ------------------------------------------------------------------------------------


def test_sends_are_listed_newest_first_without_their_texts(
    send: Canned, canned: Canned, office: Sandbox
) -> None:
    send("greeting", "topic=s3cr3t")
    office.genesys.fault(SEND, "lost_after")
    send("escalation")
    result = canned("sends", "list", env={"DATABASE_URL": office.database_url})

    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[1:5] for row in rows] == [
        ["unknown", office.conversation, "escalation", office.slack.ann],
        ["sent", office.conversation, "greeting", office.slack.ann],
    ]
    assert [row[5:] for row in rows] == [[receipt.key, ""] for receipt in office.receipts()]
    assert "s3cr3t" not in result.stdout
    assert "Grace" not in result.stdout


def test_sends_are_listed_by_state_and_up_to_a_limit(send: Canned, canned: Canned, office: Sandbox) -> None:
    send("escalation")
    send("greeting", "topic=x")
    env = {"DATABASE_URL": office.database_url}

    assert len(canned("sends", "list", "--state", "sent", env=env).stdout.splitlines()) == 2
    assert canned("sends", "list", "--state", "unknown", env=env).stdout == ""
    (newest,) = canned("sends", "list", "--limit", "1", env=env).stdout.splitlines()
    assert "\tgreeting\t" in newest


def test_sends_are_exported_oldest_first_as_csv_and_as_json(
    send: Canned, canned: Canned, office: Sandbox
) -> None:
    send("greeting", "topic=s3cr3t")
    office.genesys.fault(SEND, "lost_after")
    send("escalation")
    env = {"DATABASE_URL": office.database_url}
    written = canned("sends", "export", env=env).stdout
    lines = canned("sends", "export", "--format", "jsonl", env=env).stdout.splitlines()

    heading, first, second = csv.reader(written.splitlines())
    assert heading == list(json.loads(lines[0]))
    assert first[1:6] == [TEAM, office.slack.ann, "greeting", office.conversation, "Support EMEA"]
    assert first[6:10] == ["self", "", "sent", "sent"]
    assert first[11:15] == ["no", "no", "", ""]
    assert second[8:10] == ["unknown", "unknown"]
    assert [row[15] for row in (second, first)] == [receipt.key for receipt in office.receipts()]
    assert not re.search("s3cr3t|Grace", written + "".join(lines))


def test_export_takes_whole_days(send: Canned, canned: Canned, office: Sandbox) -> None:
    send("escalation")
    env, today = {"DATABASE_URL": office.database_url}, office.receipts()[0].request.requested_at
    yesterday, tomorrow = (f"{today + timedelta(days=days):%Y-%m-%d}" for days in (-1, 1))

    def rows(*words: str) -> int:
        return len(canned("sends", "export", *words, env=env).stdout.splitlines()) - 1

    assert rows("--since", f"{today:%Y-%m-%d}", "--until", f"{today:%Y-%m-%d}") == 1
    assert (rows("--since", tomorrow), rows("--until", yesterday)) == (0, 0)
    assert rows("--until", "9999-12-31") == 1
    assert canned("sends", "export", "--since", "Monday").exit_code == 2


def test_usage_is_told_by_response_with_those_never_used_and_by_person(
    send: Canned, canned: Canned, office: Sandbox
) -> None:
    send("escalation")
    send("escalation", typed="y\n")
    send("missing")
    by_response = canned("responses", "usage", env=alone(office)).stdout.splitlines()
    by_person = canned("responses", "usage", "--by", "person", env=alone(office)).stdout.splitlines()

    assert by_response[0] == "response\tsent\tedited\tfailed\tnot sent\tunknown\tlast used (UTC)"
    assert re.fullmatch(r"escalation\t2\t0\t0\t0\t0\t20[0-9-]+ [0-9:]+", by_response[1])
    assert by_response[2] == "greeting\t0\t0\t0\t0\t0\tnever"
    assert by_person[1].startswith(f"{office.slack.ann}\t2\t0\t0\t0\t0\t")
    assert len(by_person) == 2


def test_state_that_there_is_not_is_a_usage_error_that_lists_those_there_are(canned: Canned) -> None:
    result = canned("sends", "list", "--state", "lost")

    assert result.exit_code == 2
    assert "There is no state lost; there are pending, sending, sent" in result.stderr


@pytest.mark.parametrize("limit", ["0", "-1", "x", f"{2**63}"])
def test_limit_that_is_no_number_of_sends_is_a_usage_error(canned: Canned, limit: str) -> None:
    assert canned("sends", "list", "--limit", limit).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("export", "--since"),
        ("export", "--until"),
        ("purge", "--before"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("moment", ["0001-01-01T00:00+14:00", "10000-01-01", "03/01/2026"])
def test_time_that_there_is_not_is_a_usage_error(canned: Canned, words: tuple[str, ...], moment: str) -> None:
    result = canned("audit", *words, moment)

    assert result.exit_code == 2
    assert f"{moment} is no date or time like 2026-03-01" in result.stderr


# -- sandbox ----------------------------------------------------------------------------------


def test_sandbox_plays_one_command_and_shows_what_each_side_saw(canned: Canned, folder: Path) -> None:
    (folder / ".env").write_text("GENESYS_API_URL=http://127.0.0.1:9\nDATABASE_URL=sqlite:///mine.db\n")
    result = canned("sandbox", "--once", "/canned {conversation} escalation", "--api", "events")

    assert result.exit_code == 0
    assert ESCALATION in result.stdout
    assert "The customer got the text exactly once" in result.stdout
    assert [path.name for path in folder.iterdir()] == [".env"]


def test_sandbox_fails_where_the_customer_got_nothing(canned: Canned) -> None:
    result = canned("sandbox", "--once", "/canned {conversation} escalaton")

    assert result.exit_code == 1
    assert "Did you mean" in result.stdout


def test_sandbox_says_what_a_command_looks_like_to_whoever_types_none(canned: Canned) -> None:
    result = canned("sandbox", "--once", "escalation")

    assert result.exit_code == 1
    assert "A command begins with /canned: /canned {conversation} escalation" in result.stdout
    assert "Unhandled request" not in result.stderr


def test_sandbox_takes_commands_line_by_line(log_as_before: None) -> None:
    said: list[str] = []
    demo.stay(api="platform", say=said.append, lines=["", "/canned list", "/canned help"])

    assert any("Escalated to a specialist" in line for line in said)
    assert [line for line in said if "▸" in line] == ["  ▸ /canned list", "  ▸ /canned help"]


# -- as a process of its own ------------------------------------------------------------------


def process(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    found = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "bot", *args],
        cwd=folder,
        env=found | env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def started(office: Sandbox, folder: Path, *args: str | bytes, **where: Any) -> subprocess.Popen[str]:
    """`canned …` with the office's settings, which goes on beside us."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **office.environment()}
    where = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | where
    return subprocess.Popen([sys.executable, "-m", "bot", *args], cwd=folder, env=env, text=True, **where)


def test_module_is_the_command_and_its_exit_code_the_processs(office: Sandbox, folder: Path) -> None:
    lines = [f"{name}={value}" for name, value in office.environment().items()]
    (folder / ".env").write_text("\n".join(lines))
    words = ("send", office.conversation, "escalation", "--as", office.slack.ann)
    office.genesys.fault(SEND, "lost_after")
    done = process(folder, *words)

    assert (done.returncode, done.stdout) == (3, "")
    assert "\nUnknown. " in done.stderr
    assert office.genesys.customer_sees(office.conversation) == [ESCALATION]
    assert not re.search("Grace|Ann Lee|patience", done.stderr)


@pytest.mark.parametrize(
    "words",
    [("audit", "export"), ("audit", "export", "--format", "csv"), ("sends", "export"), ("sends", "list")],
    ids=" ".join,
)
def test_output_that_a_full_disk_cuts_short_is_said_to_be(
    send: Canned, office: Sandbox, folder: Path, words: tuple[str, ...]
) -> None:
    send("escalation")
    with open("/dev/full", "wb") as full:
        done = started(office, folder, *words, stdout=full)
        _, told = done.communicate(timeout=60)

    assert (done.returncode, told) == (1, "Error: Not all of it could be written: No space left on device.\n")


@pytest.mark.parametrize("gone", [True, False], ids=["nobody reads", "full disk"])
@pytest.mark.parametrize(("lost", "code"), [(False, 0), (True, 3)])
def test_exit_code_says_how_it_ended_even_where_no_sentence_can(
    office: Sandbox, folder: Path, gone: bool, lost: bool, code: int
) -> None:
    if lost:
        office.genesys.fault(SEND, "lost_after")
    words = ("send", office.conversation, "escalation", "--as", office.slack.ann)
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb") as pipe, open("/dev/full", "wb") as full:
        to = pipe if gone else full
        done = started(office, folder, *words, stdout=to, stderr=to)

        assert done.wait(60) == code
    assert len(office.genesys.received) == 1


@pytest.mark.parametrize(
    ("when", "code", "says", "ends"),
    [(READ, 1, "Not sent. It was taken back", "cancelled"), (SEND, 3, "Unknown. ", "sending")],
    ids=["before it left", "as it left"],
)
def test_send_that_is_interrupted_says_what_became_of_it(
    office: Sandbox, folder: Path, when: str, code: int, says: str, ends: str
) -> None:
    held = office.genesys.hold(when)
    done = started(office, folder, "send", office.conversation, "escalation", "--as", office.slack.ann)
    assert held.arrived.wait(30)
    done.send_signal(signal.SIGINT)
    told = done.communicate(timeout=60)[1]
    held.release()

    assert (done.returncode, states(office)) == (code, [ends])
    assert says in told.splitlines()[-1]


def test_value_in_the_letters_of_another_terminal_is_a_usage_error_and_not_sent_in_signs(
    office: Sandbox, folder: Path
) -> None:
    words = ("send", office.conversation, "greeting", "topic=für".encode("latin-1"))
    done = started(office, folder, *words, "--as", office.slack.ann)

    assert "set this terminal to that" in done.communicate(timeout=60)[1]
    assert done.returncode == 2
    assert office.genesys.received == []


def test_postgresql_without_its_driver_is_told_what_the_readme_says_of_it(folder: Path) -> None:
    code = "import sys\nsys.modules['psycopg'] = None\nfrom bot.cli import main\nmain(['users', 'list'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "DATABASE_URL": "postgresql://user@host/name"},
        capture_output=True,
        text=True,
        check=False,
    )
    [extra] = re.findall(r"pip install ('\S+')", done.stderr)

    assert done.returncode == 1
    assert f"(add `{extra}` for PostgreSQL)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_sandbox_prints_one_address_serves_it_and_leaves_cleanly(folder: Path) -> None:
    told = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox"],
        cwd=folder,
        env=told,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        address = next(line.strip() for line in running.stdout if "http://" in line)
        status = requests.get(address, timeout=10).status_code
        running.send_signal(signal.SIGINT)
        _, trace = running.communicate(timeout=30)

    assert (status, running.returncode, trace) == (200, 0, "")
    assert list(folder.iterdir()) == []


def test_help_names_every_command_and_loads_no_server_and_no_database(folder: Path) -> None:
    code = (
        "import sys\nfrom bot.cli import main\n"
        "try: main(['--help'])\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}

    assert all(f"\n  {name} " in done.stdout for name in main.commands)
    assert not loaded & {
        "slack_bolt",
        "slack_sdk",
        "flask",
        "waitress",
        "sqlalchemy",
        "alembic",
        "authlib",
        "yaml",
    }


# -- letters that a terminal does not have ----------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shown"),
    [("sends export", "サポート".encode()), ("responses usage --by queue", rb"\u30b5\u30dd\u30fc\u30c8")],
)
def test_letter_that_the_output_cannot_hold_ends_no_command(
    send: Canned, office: Sandbox, folder: Path, words: str, shown: bytes
) -> None:
    send("escalation")
    with closing(sqlite3.connect(office.folder / "canned.db")) as database, database:
        database.execute("UPDATE sends SET queue = 'サポート'")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **office.environment()}
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words.split()],
        cwd=folder,
        env=env | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=True,
    )

    assert shown in done.stdout


# -- progress ---------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [True, False])
def test_long_work_shows_how_far_it_is_on_a_terminal_alone(
    office: Sandbox, folder: Path, terminal: bool
) -> None:
    (folder / "people.csv").write_text(f"slack_user,genesys_user\n{office.slack.ann},{office.genesys.ann}\n")
    ours, theirs = os.openpty() if terminal else os.pipe()
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **office.environment()}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "users", "import", "people.csv"],
        cwd=folder,
        env=env | {"LOG_LEVEL": "ERROR"},
        stdout=subprocess.PIPE,
        stderr=theirs if terminal else subprocess.PIPE,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65536) if terminal else done.stderr
    os.close(ours)

    assert done.stdout == b"1 of 1 linked.\n"
    assert (b"Linking" in shown, b"1/1" in shown) == (terminal, terminal)
    assert terminal or shown == b""
