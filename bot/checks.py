"""
`canned check`: try everything that sending takes, without sending, and say of each thing what mends it.

Each part is tried by itself, so that one broken thing does not hide the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING

from bot.app import connect
from bot.canned.catalog import Catalog, CatalogError, CatalogFile, Team
from bot.canned.errors import CannedError
from bot.canned.lanes import Lane
from bot.settings import Settings
from bot.storage import StorageError, Store

if TYPE_CHECKING:
    from bot.slack.workspace import Workspace

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `ok` with a `mend` is a warning."""

    name: str
    ok: bool
    detail: str
    mend: str = ""

    @property
    def line(self) -> str:
        sign = "FAIL" if not self.ok else "warn" if self.mend else "ok"
        return f"{sign:4}  {self.name}: {self.detail}" + (f"\n      {self.mend}" if self.mend else "")


def run(settings: Settings, *, now: Clock) -> Iterator[Finding]:
    """Every finding as it is made; raises SettingsError for settings that fit nothing at all."""
    catalog, config = _config(settings)
    yield config
    url, keys = settings.database_url.reveal(), settings.secret_keys
    store = Store(url, now=now, worker="check", keys=keys)
    try:
        yield _database(store)
        yield from _brake(store)
        yield from _genesys(settings, now)
        yield from _slack(settings, store, catalog, now)
        yield from _mapping(store, catalog)
    finally:
        store.close()


def _config(settings: Settings) -> tuple[Catalog | None, Finding]:
    try:
        catalog = CatalogFile(settings.config).current()
    except CatalogError as exc:
        return None, Finding("config", False, str(exc), "`canned responses validate` shows it again.")
    said = f"{len(catalog.responses)} responses, {len(catalog.teams)} teams in {settings.config}"
    return catalog, Finding("config", True, said)


def _database(store: Store) -> Finding:
    try:
        store.upgrade()
    except StorageError as exc:
        return Finding("database", False, str(exc), "Look at DATABASE_URL and at the database itself.")
    return Finding("database", True, "there, and up to date")


def _brake(store: Store) -> Iterator[Finding]:
    try:
        pauses = store.pauses()
    except StorageError:
        return  # said above
    for pause in pauses:
        said = f"sending is paused for {pause.whose} since {pause.since:%Y-%m-%d %H:%M} UTC"
        yield Finding("brake", True, said, f"`{pause.lifted_by}` lifts that.")


def _genesys(settings: Settings, now: Clock) -> Iterator[Finding]:
    genesys = connect(settings.genesys, None, now=now, sleep=sleep)
    try:
        for check in genesys.check():
            yield Finding(check.name, check.ok, check.detail, check.mend)
    finally:
        genesys.close()


def _slack(settings: Settings, store: Store, catalog: Catalog | None, now: Clock) -> Iterator[Finding]:
    mend = "Install the app again from `canned manifest` and copy its bot token to SLACK_BOT_TOKEN."
    if settings.slack is None:
        yield Finding("slack", False, "SLACK_BOT_TOKEN is not set", mend)
        return
    from bot.slack.workspace import Workspace

    lane = Lane("check", 1)
    try:
        workspace = Workspace(settings.slack, store, lane, lambda: catalog or _nothing(), now=now)
        yield Finding("slack", True, f"signed in to {workspace.id}")
        yield from _channels(workspace, catalog)
    except CannedError as exc:
        yield Finding("slack", False, str(exc), mend)
    finally:
        lane.close(0)


def _channels(workspace: Workspace, catalog: Catalog | None) -> Iterator[Finding]:
    for team in catalog.teams if catalog else ():
        name = f"channel of {team.name}"
        try:
            workspace.people.require_channel(team.channel)
        except CannedError as exc:
            yield Finding(name, False, str(exc), f"Invite the bot into {team.channel}, or name another one.")
        else:
            yield Finding(name, True, f"{team.channel} takes the team's threads")


def _mapping(store: Store, catalog: Catalog | None) -> Iterator[Finding]:
    try:
        linked = {link.slack_user for link in store.links()}
    except StorageError:
        return  # said above
    people = _people(catalog.teams if catalog else ())
    missing = sorted(people - linked)
    if missing:
        said = f"of {len(people)} supervisors nobody in Genesys is linked to {', '.join(missing)}"
        yield Finding("people", True, said, "They connect by themselves, or `canned users link` links them.")
    else:
        yield Finding("people", True, f"all {len(people)} supervisors named in canned.yml are linked")


def _people(teams: Iterable[Team]) -> set[str]:
    return {who for team in teams for who in team.supervisors if not who.startswith("S")}


def _nothing() -> Catalog:
    return Catalog({}, ())
