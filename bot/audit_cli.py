"""`canned audit`: the record of what was done, to be verified, exported, and kept apart from the texts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from bot import tables
from bot.progress import along

if TYPE_CHECKING:
    from bot.canned.catalog import Catalog
    from bot.settings import Settings
    from bot.storage import Store


@dataclass(frozen=True)
class Office:
    """What the commands get from whoever reads the environment."""

    now: Callable[[], datetime]
    store: Callable[[], AbstractContextManager[Store]]
    settings: Callable[..., Settings]
    catalog: Callable[[], Catalog]


def _moment(_: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    """An ISO date or time, UTC where it does not say; as `until` a date is the day's end."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        whole_day = option.name == "until" and len(value) <= len("2026-03-01")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC) + timedelta(days=whole_day)
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(f"{value} is no date or time like 2026-03-01 or 2026-03-01T12:00") from exc


@click.group()
def audit() -> None:
    """The record of what was done: append-only, chained, without customers' texts."""


@audit.command()
@click.option("--slack", is_flag=True, help="Compare with what the bot has said in its threads, too.")
@click.option("--head", metavar="HEAD", help="A head printed earlier: the chain has to pass through it.")
@click.option(
    "--unkeyed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="The first N records are from before CANNED_SECRET_KEY was set.",
)
@click.pass_obj
def verify(office: Office, /, slack: bool, head: str | None, unkeyed: int) -> None:
    """Read the whole record and name whatever was changed, removed, moved, put in or cut off; exit code 1."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    wrong: list[None] = []

    def found(sentence: str) -> None:
        wrong.append(None)
        click.echo(sentence)

    with ProcessPoolExecutor(1, get_context("spawn")) as beside, office.store() as store:
        verdict = store.verify(
            found, published=head, along=partial(along, label="Reading records"), beside=beside
        )
        if verdict.keyed and verdict.loose > unkeyed:
            found(
                f"The first {verdict.loose} records, up to {verdict.loosest}, have no key behind them: "
                "whoever can write the database could have written them anew. If they are from before "
                f"CANNED_SECRET_KEY was set, say --unkeyed {verdict.loose}."
            )
        if slack:
            _compare(office, store, found)
    if not verdict.keyed:
        click.echo(
            "CANNED_SECRET_KEY is not set: whoever can write the database could have written the record "
            "anew. Set it, so that this would be seen."
        )
    whole = f"{len(wrong)} things are wrong" if wrong else "chain whole"
    click.echo(f"{verdict.records} records, {whole}, head {verdict.head}")
    raise SystemExit(1 if wrong else 0)


def _compare(office: Office, store: Store, found: Callable[[str], None]) -> None:
    from bot.canned.auditing import compare
    from bot.slack.reading import ThreadReader

    settings = office.settings(need_slack=True).slack
    assert settings is not None  # noqa: S101 - it was needed
    same, beyond = compare(store, ThreadReader(settings, sleep=time.sleep), found)
    click.echo(f"{same} replies in Slack tell of the records that there are.")
    if beyond:
        click.echo(f"{beyond} replies cannot be compared: the card that they stood below was deleted.")


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", callback=_moment, help="From this date or time on (UTC).")
@click.option("--until", callback=_moment, help="Up to this date, that day included, or time.")
@click.option("--conversation", metavar="ID", help="Sends into this conversation.")
@click.option("--supervisor", metavar="SLACK_USER", help="What this person did, or was done for them.")
@click.option("--key", metavar="SEND", help="One send.")
@click.option("--event", metavar="EVENT", help="Only claimed, begun, settled, linked …")
@click.pass_obj
def export(office: Office, /, form: str, **wanted: Any) -> None:
    """Print the record, oldest first."""
    from bot.canned.auditing import COLUMNS, as_columns, as_json
    from bot.storage import Wanted

    with office.store() as store:
        records = along(store.trail(Wanted(**wanted)), "Writing records", printing=True)
        if form == "csv":
            tables.write(tables.printed(), COLUMNS, map(as_columns, records))
            return
        for record in records:
            sys.stdout.write(as_json(record) + "\n")


@audit.command()
@click.option("--before", callback=_moment, help="Default: retention_days in canned.yml ago.")
@click.pass_obj
def purge(office: Office, /, before: datetime | None) -> None:
    """Delete texts that were kept long enough; hashes, outcomes and the record stay."""
    before = before or office.now() - timedelta(days=office.catalog().retention_days)
    if before > office.now():
        raise click.UsageError(f"{before:%Y-%m-%d %H:%M} UTC is still to come.")
    with office.store() as store:
        gone = store.purge(before, actor="operator")
    click.echo(f"The texts of {gone} sends from before {before:%Y-%m-%d %H:%M} UTC are gone.")
