"""
The `canned` command: arguments, the environment, exit codes.

The only place that reads the environment and `.env`. Each command imports what it needs
when it runs, so that a look at the help does not load a web server.
"""

from __future__ import annotations

import csv
import errno
import json
import logging
import os
import signal
import sys
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

import click

from bot import tables
from bot.audit_cli import Office, audit
from bot.progress import along
from bot.settings import Settings, SettingsError

if TYPE_CHECKING:
    from bot.app import Parts
    from bot.canned.catalog import Catalog, Team
    from bot.genesys import Check
    from bot.models import Receipt
    from bot.sandbox.genesys import Contract
    from bot.storage import Store

log = logging.getLogger(__name__)

DAY = click.DateTime(["%Y-%m-%d"])
SEND_COLUMNS = (
    *("time", "team", "supervisor", "response", "conversation", "queue", "send_as", "language"),
    *("state", "outcome", "delivery", "edited", "scheduled", "approved_by", "reason", "key"),
)
USED_BY: Mapping[str, Literal["response", "queue", "supervisor"]] = {
    "response": "response",
    "queue": "queue",
    "person": "supervisor",
}
SENT, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3  # exit codes of `canned send`
OPERATOR = "operator"  # who pulled the brake, on record
NEW = "The database was empty until now. If the bot has another one, run this where the bot's .env is."
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def now() -> datetime:
    return datetime.now(UTC)


def environment() -> Mapping[str, str]:
    """
    The process's environment over what `.env` in this folder says.

    Raises SettingsError for one that cannot be read whole: what it says of the database would be missed.
    """
    from dotenv.parser import parse_stream

    try:
        with open(".env", encoding="utf-8-sig") as lines:
            kept = list(parse_stream(lines))
    except FileNotFoundError:
        return os.environ
    except UnicodeDecodeError as exc:
        raise SettingsError([".env is not UTF-8: save it as UTF-8 text"]) from exc
    except OSError as exc:
        fault = f".env cannot be read ({exc.strerror}): it has to be a file of whoever starts the bot"
        raise SettingsError([fault]) from exc
    broken = [each.original.line for each in kept if each.error]
    if broken:
        raise SettingsError([f".env, line {line}: write NAME=value, and close each quote" for line in broken])
    said = {each.key: each.value for each in kept if each.key is not None and each.value is not None}
    return said | dict(os.environ)


def read_settings(*, need_slack: bool = False) -> Settings:
    """What the environment says. Raises SettingsError."""
    from bot.genesys import REGIONS

    return Settings.from_env(environment(), need_slack=need_slack, regions=REGIONS)


class Commands(click.Group):
    """Where what is wrong with the set-up ends in its sentence and exit code 1, never in a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            done = super().invoke(ctx)
            if sys.stdout:
                sys.stdout.flush()  # while it can still be said that the disk is full
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click's own, such as the end of a help
        except OSError as exc:
            if exc.errno not in FULL:
                raise
            _let_go(sys.stdout)
            raise click.ClickException(f"Not all of it could be written: {exc.strerror}.") from exc
        except _faults() as exc:
            raise click.ClickException(str(exc)) from exc
        return done


def _let_go(stream: TextIO) -> None:
    """What `stream` did not take would be tried anew as Python ends, and change the exit code."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _faults() -> tuple[type[Exception], ...]:
    """Imported only once something is wrong: a help needs none of it."""
    from bot.canned.errors import CannedError
    from bot.genesys import GenesysError
    from bot.storage import StorageError

    return SettingsError, CannedError, GenesysError, StorageError


@click.group(cls=Commands)
@click.version_option(package_name="canned")
@click.pass_context
def main(context: click.Context) -> None:
    """Send canned responses from Slack into live Genesys Cloud conversations: once, by the right person."""
    if isinstance(sys.stdout, TextIOWrapper):  # a letter that a terminal cannot show ends nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    context.obj = Office(now, _store, read_settings, _catalog)


main.add_command(audit)


@main.command()
def run() -> None:
    """Run the bot until it is told to stop."""
    from bot.app import serve

    serve(read_settings(need_slack=True), now=now)


@main.command()
@click.option(
    "--once", metavar="COMMAND", help="Type COMMAND as the demo supervisor, show who saw what, and end."
)
@click.option(
    "--api",
    type=click.Choice(["platform", "events"]),
    default="platform",
    show_default=True,
    help="Which of Genesys' two contracts.",
)
def sandbox(once: str | None, api: Contract) -> None:
    """Try it in your browser without any account: simulated Genesys, simulated Slack, the real bot."""
    from bot import logs
    from bot.sandbox import demo

    logs.set_up("ERROR", "text")  # what is refused on purpose is no news here
    if once is not None:
        sys.exit(demo.once(once, api=api, say=click.echo))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop: the same as Ctrl-C
    demo.stay(api=api, say=click.echo)


@main.command()
@click.argument("conversation")
@click.argument("response")
@click.argument("values", nargs=-1, metavar="[name=value …]")
@click.option(
    "--as", "user", required=True, metavar="USER", help="Slack id, Genesys id or e-mail of the supervisor."
)
@click.option("--team", metavar="NAME", help="The team to send for, where the supervisor has several.")
def send(conversation: str, response: str, values: tuple[str, ...], user: str, team: str | None) -> None:
    """Send one canned response from this terminal. Exit code: 0 sent, 1 not sent, 2 usage, 3 unknown."""
    from bot import logs
    from bot.app import operate

    _require_team(team)
    filled = dict(_pair(value) for value in values)
    language = filled.pop("lang", None)
    receipt: Receipt | None = None
    with suppress(KeyboardInterrupt), operate(read_settings(), now=now) as parts:
        what = partial(_send, parts, conversation, response, filled)
        receipt = logs.new_click(partial(what, user=user, team=team, language=language))
    if receipt is None:
        raise click.Abort  # before anything was taken on
    _tell(_sentence(receipt), err=receipt.state != "sent")
    sys.exit({"sent": SENT, "unknown": UNKNOWN, "sending": UNKNOWN}.get(receipt.state, REFUSED))


def _tell(outcome: str, *, err: bool) -> None:
    """Whoever cannot be told goes by the exit code, which must not say otherwise for it."""
    try:
        click.echo(outcome, err=err)
    except OSError:
        _let_go(sys.stdout)
        _let_go(sys.stderr)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="A list of {name, ok, warning, detail, mend}.")
def check(as_json: bool) -> None:
    """Try everything that sending takes, without sending; exit code 1 if something has to be mended."""
    from bot import checks, logs

    logs.set_up("CRITICAL", "text")  # what is refused on purpose is no news here
    found = []
    for finding in _findings():
        found.append(finding)
        if not as_json:
            click.echo(checks.line(finding))
    if as_json:
        click.echo(json.dumps([checks.as_json(finding) for finding in found], indent=2, ensure_ascii=False))
    sys.exit(0 if all(finding.ok for finding in found) else 1)


def _findings() -> Iterator[Check]:
    from bot import checks

    try:
        yield from checks.run(read_settings(), now=now)
    except SettingsError as exc:
        yield from checks.of_settings(exc)


@main.command()
@click.option("--team", metavar="NAME", help="Only what is sent for this team.")
def pause(team: str | None) -> None:
    """Let nothing leave that has not left yet, in any process, until `canned resume`."""
    with _store() as store:
        known = _require_team(team, paused=[pause.team for pause in store.pauses()])
        standing, new = store.pause(team or "", channel=known.channel if known else None, actor=OPERATOR)
    since = f"since {standing.since:%Y-%m-%d %H:%M:%S} UTC"
    click.echo(f"Sending {'is' if new else 'was already'} paused for {standing.whose}, {since}.")
    click.echo(f"`{standing.lifted_by}` lifts that.")


@main.command()
@click.option("--team", metavar="NAME", help="Only the pause of this team.")
def resume(team: str | None) -> None:
    """Lift a pause; what has waited for less than five minutes goes out then."""
    with _store() as store:
        _require_team(team, paused=[pause.team for pause in store.pauses()])
        lifted = store.resume(team or "", actor=OPERATOR)
        left = store.pauses()
    whose = team or "every team"
    click.echo(f"The pause for {whose} is lifted." if lifted else f"There was no pause for {whose}.")
    for each in left:
        click.echo(f"Sending is still paused for {each.whose}: `{each.lifted_by}` lifts that.")


@main.group()
def users() -> None:
    """Who in Slack is who in Genesys."""


@users.command("link")
@click.argument("slack_user")
@click.argument("genesys_user")
def link_user(slack_user: str, genesys_user: str) -> None:
    """Link SLACK_USER (U…) to GENESYS_USER (an id or an e-mail address)."""
    from bot.app import operate

    with operate(read_settings(), now=now) as parts:
        link = parts.link(slack_user, genesys_user)
    click.echo(f"{slack_user} is now {link.name or link.genesys_user} in Genesys.")


@users.command("unlink")
@click.argument("slack_user")
def unlink_user(slack_user: str) -> None:
    """Forget the link of SLACK_USER."""
    with _store() as store:
        known = store.unlink(slack_user)
    click.echo(f"{slack_user} is not linked any more." if known else f"{slack_user} was not linked.")


@users.command("list")
def list_users() -> None:
    """List the links."""
    with _store() as store:
        for link in store.links():
            click.echo("\t".join((link.slack_user, link.genesys_user, link.source, link.name)))


@users.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_users(file: Path) -> None:
    """Link everybody in FILE: a CSV with the columns slack_user and genesys_user."""
    from bot.app import operate

    rows = _rows(file)
    with operate(read_settings(), now=now) as parts:
        failed = sum(not _linked(parts, row) for row in along(rows, "Linking"))
    click.echo(f"{len(rows) - failed} of {len(rows)} linked.")
    sys.exit(1 if failed else 0)


@main.group()
def responses() -> None:
    """The canned responses, in canned.yml and in the teams' Genesys libraries."""


@responses.command("list")
def list_responses() -> None:
    """List keys and titles, and the library of those that are kept in Genesys."""
    found = _all_responses()
    for response in found.catalog.responses.values():
        libraries = [", ".join(sorted(response.source.libraries.values()))] if response.source else []
        click.echo("\t".join((response.key, response.title, *libraries)))
    for fault in found.unread:
        click.echo(fault, err=True)


@responses.command("validate")
def validate_responses() -> None:
    """
    Check canned.yml whole, and the libraries that it names.

    Every fault in the file names its line and what to write instead. Warnings, of what is
    probably not meant so, leave the exit code at 0.
    """
    from bot.canned.reviewing import review

    found = _all_responses()
    seen = review(found.catalog, today=now().date(), complete=not found.unread)
    warnings = [*found.notes, *map(str, seen.warnings)]
    for warning in warnings:
        click.echo(f"Warning: {warning}")
    faults = [*found.unread, *map(str, seen.faults)]
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    count = f"{len(found.catalog.responses)} responses, {len(found.catalog.teams)} teams"
    click.echo(f"Good: {count}{f'; warnings: {len(warnings)}' if warnings else ''}.")


@responses.command("usage")
@click.option("--since", type=DAY, help="Count from this day on (UTC).")
@click.option("--by", type=click.Choice(list(USED_BY)), default="response", show_default=True)
def usage_of_responses(since: datetime | None, by: str) -> None:
    """
    Say what was sent how often, the most used first, and which responses never were.

    "edited" are those of the sent ones that somebody changed before they left, "failed" those
    that Genesys took and did not deliver.
    """
    with _store() as store:
        used = store.usage(USED_BY[by], since=_utc(since))
        known = _sendable(store) if by == "response" else []
    click.echo("\t".join((by, "sent", "edited", "failed", "not sent", "unknown", "last used (UTC)")))
    for each in used:
        counts = (each.sent, each.edited, each.failed, each.not_sent, each.unknown)
        click.echo("\t".join((each.name or "(none)", *map(str, counts), f"{each.last_at:%Y-%m-%d %H:%M}")))
    ever = {each.name for each in used}
    for key in (key for key in known if key not in ever):
        click.echo("\t".join((key, *["0"] * 5, "never")))


@main.group()
def sends() -> None:
    """What was sent, and what was not."""


@sends.command("list")
@click.option("--state", help="Only sends in this state, e.g. unknown.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
def list_sends(state: str | None, limit: int) -> None:
    """List sends, the newest first, without their texts; last who has dealt with an unknown one."""
    from bot.models import State

    if state is not None and state not in set(State):
        raise click.UsageError(f"There is no state {state}; there are {', '.join(State)}.")
    with _store() as store:
        for receipt in store.sends(state=State(state) if state else None, limit=limit):
            click.echo(_row(receipt))


@sends.command("export")
@click.option("--since", type=DAY, help="From this day on (UTC).")
@click.option("--until", type=DAY, help="Up to this day (UTC), which is still in it.")
@click.option("--format", "as_", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
def export_sends(since: datetime | None, until: datetime | None, as_: tables.Format) -> None:
    """Write out every send, the oldest first, with what became of it and without its text."""
    end = min(until, datetime.max - timedelta(days=1)) + timedelta(days=1) if until else None
    with _store() as store:
        lines = store.each_send(since=_utc(since), until=_utc(end))
        tables.write(tables.printed(), SEND_COLUMNS, along(lines, "Writing sends", printing=True), as_=as_)


@main.command()
@click.option("--url", help="The bot's public address, for HTTP instead of Socket Mode.")
def manifest(url: str | None) -> None:
    """Print the Slack app manifest."""
    from bot.slack.manifest import as_yaml

    try:
        click.echo(as_yaml(url), nl=False)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc


@main.command()
@click.option("--folder", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a commented .env and canned.yml to start from; never over existing ones."""
    from importlib.resources import files

    from cryptography.fernet import Fernet

    key = f"CANNED_SECRET_KEY={Fernet.generate_key().decode()}"
    env = (files("bot") / "env.example").read_text(encoding="utf-8").replace("CANNED_SECRET_KEY=", key)
    examples = {".env": env, "canned.yml": (files("bot.canned") / "example.yml").read_text(encoding="utf-8")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in examples.items():
            click.echo(_write_once(folder / name, text))
    except OSError as exc:
        raise click.ClickException(f"Cannot write into {folder}: {exc.strerror}.") from exc


def _require_team(team: str | None, paused: Collection[str] = ()) -> Team | None:
    """A usage error for a team that canned.yml does not have, and that is not `paused` either."""
    if team is None or team in paused:
        return None
    from bot.canned.search import nearest

    teams = {each.name: each for each in _catalog().teams}
    if team not in teams:
        meant = " or ".join(nearest(team, list(teams), 3)) or ", ".join(teams)
        raise click.UsageError(f"There is no team {team!r} in canned.yml. Did you mean {meant}?")
    return teams[team]


def _write_once(path: Path, text: str) -> str:
    if path.exists():
        return f"{path} is there already and stays as it is."
    path.touch(mode=0o600)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        path.unlink()  # the next time it would count as there
        raise
    return f"Wrote {path}."


def _send(
    parts: Parts,
    conversation: str,
    response: str,
    values: dict[str, str],
    *,
    user: str,
    team: str | None,
    language: str | None = None,
) -> Receipt:
    from bot.canned.errors import AskFirst, WhichTeam

    supervisor = parts.supervisor(user)
    if response not in parts.libraries.catalog().responses:
        parts.libraries.refresh()
    try:
        request = parts.desk.start_request(
            supervisor,
            "",
            conversation=conversation,
            response=response,
            values=values,
            language=language,
            team=team,
            click=f"operator:{uuid.uuid4()}",
            by_operator=True,
        )
    except WhichTeam as exc:
        raise click.UsageError(f"{exc} Say --team with one of: {', '.join(exc.teams)}.") from exc
    try:
        receipt = parts.desk.claim(request)
    except AskFirst as exc:
        click.confirm(str(exc), abort=True, err=True)
        receipt = parts.desk.claim(parts.desk.answer(exc.draft, supervisor, request.channel, kind="again"))
    return _deliver(parts, receipt)


def _deliver(parts: Parts, receipt: Receipt) -> Receipt:
    try:
        with suppress(KeyboardInterrupt):
            receipt = parts.desk.deliver(receipt)
        # Exit code 1 says "not sent", so it must not go out later on its own.
        return parts.desk.give_up(receipt) if receipt.state == "pending" else receipt
    except Exception as exc:  # whatever it is: exit code 1 would say that it has not left
        why = "the database is away"
        if not isinstance(exc, _faults()):
            why = f"the bot broke ({type(exc).__name__})"
            log.exception("a send from the terminal broke")
        _tell(
            f"Unknown. It was taken on, but {why} and cannot say how it ended. "
            "Look at `canned sends list` before you send it again.",
            err=True,
        )
        raise click.exceptions.Exit(UNKNOWN) from exc


def _sentence(receipt: Receipt) -> str:
    if receipt.state == "sent":
        return f"Sent. Genesys calls the message {receipt.message_id or '(no id given)'}."
    if receipt.state == "sending":
        return "Unknown. It was interrupted as it left. Look into the conversation before you send it again."
    return f"{receipt.state.word.capitalize()}. {receipt.reason}"


def _row(receipt: Receipt) -> str:
    request = receipt.request
    when = f"{request.requested_at:%Y-%m-%d %H:%M:%S}"
    handled = f"handled by {receipt.handled_by}" if receipt.handled_by else ""
    what = (request.conversation_id, request.response, request.supervisor, receipt.key, handled)
    return "\t".join((when, receipt.state, *what))


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None


def _pair(value: str) -> tuple[str, str]:
    name, equals, rest = value.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{value!r} is not name=value. Put a value with spaces into quotes.")
    if any("\ud800" <= letter <= "\udfff" for letter in value):  # bytes that are no letters here
        encoding = sys.getfilesystemencoding()
        raise click.UsageError(
            f"{value!r} is not in {encoding}: set this terminal to that, and type it again."
        )
    return name, rest


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            read = csv.DictReader(lines, restval="")
            named, rows = set(read.fieldnames or ()), list(read)
    except UnicodeDecodeError as exc:
        raise click.UsageError(f"{file} is not UTF-8: save it as CSV UTF-8.") from exc
    except csv.Error as exc:
        raise click.UsageError(f"{file} is no CSV: look for a quotation mark that is not closed.") from exc
    if not {"slack_user", "genesys_user"} <= named:
        raise click.UsageError(f"{file} needs a first line with the columns slack_user,genesys_user.")
    return rows


def _linked(parts: Parts, row: Mapping[str, Any]) -> bool:
    from bot.app import LINK_FAULTS

    try:
        parts.link(row["slack_user"].strip(), row["genesys_user"].strip())
    except LINK_FAULTS as exc:
        click.echo(f"{row['slack_user']}: {exc}", err=True)
        return False
    return True


def _catalog() -> Catalog:
    from bot.canned.catalog import CatalogFile
    from bot.settings import config

    return CatalogFile(config(environment())).current()


class Found(NamedTuple):
    """Both sources as they are now, notes on those from Genesys, a sentence for each that was not read."""

    catalog: Catalog
    notes: Sequence[str] = ()
    unread: Sequence[str] = ()


def _all_responses() -> Found:
    catalog = _catalog()
    if not any(team.libraries for team in catalog.teams):
        return Found(catalog)
    from bot.app import assemble

    try:
        settings = read_settings()
    except SettingsError as exc:
        return Found(catalog, unread=[f"The Genesys libraries were not looked at. {exc}"])
    parts = assemble(replace(settings, slack=None), now=now)
    try:
        unread = parts.libraries.refresh()
        return Found(parts.libraries.catalog(), parts.libraries.notes(), unread)
    finally:
        parts.close()


def _sendable(store: Store) -> list[str]:
    """The keys that can be sent now, those from Genesys as they were read last."""
    from bot.canned.library import with_kept

    known = with_kept(_catalog(), store.library_responses()).responses.values()
    return [each.key for each in known if each.source is None or each.source.sendable]


@contextmanager
def _store() -> Iterator[Store]:
    from bot.settings import database_url, secret_keys
    from bot.storage import Store

    env = environment()
    url, keys = database_url(env).reveal(), secret_keys(env)
    store = Store(url, now=now, worker=str(uuid.uuid4()), keys=keys)
    try:
        if store.revision() is None:
            click.echo(NEW, err=True)
        store.upgrade()
        yield store
    finally:
        store.close()
