"""
`canned check`: try everything that sending takes, without sending, and say of each thing what mends it.

Each part is tried by itself, so that one broken thing does not hide the next; what cannot
be tried because of another thing that is broken is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from time import sleep
from typing import Any

import requests

from bot.app import connect
from bot.canned.catalog import Catalog, CatalogError, CatalogFile, Team
from bot.canned.keyring import SealedKeyring
from bot.genesys import Check, Genesys, GenesysError
from bot.models import SendAs
from bot.settings import EVENTS, Settings, SettingsError
from bot.storage import HEAD, DatabaseDown, StorageError, Store

Clock = Callable[[], datetime]
Members = Mapping[str, frozenset[str]]  # of user groups, by the group's id

TIMEOUT = 5  # seconds
_AWAY = (
    "it does not answer: no such host, database, user or folder, a wrong password, no right to write there, "
    "or it is locked, full or damaged"
)
_DATABASE = "Look at DATABASE_URL and at the database itself; README says how to restore one from a backup."


def line(check: Check) -> str:
    """One thing for a person to read, with what mends it below."""
    sign = "FAIL" if not check.ok else "warn" if check.mend else "ok"
    return f"{sign:4}  {check.name}: {check.detail}" + (f"\n      {check.mend}" if check.mend else "")


def as_json(check: Check) -> dict[str, Any]:
    warning = check.ok and bool(check.mend)
    said = {"detail": check.detail, "mend": check.mend}
    return {"name": check.name, "ok": check.ok, "warning": warning, **said}


def of_settings(exc: SettingsError) -> Iterator[Check]:
    """Each of its faults."""
    for fault in exc.faults:
        yield Check("settings", False, fault, "Set it in .env; README says where it comes from.")


def run(settings: Settings, *, now: Clock) -> Iterator[Check]:
    """Each thing as it is found out."""
    catalog, config = _config(settings)
    yield config
    store, database = _open(settings, now)
    try:
        yield database
        if store:
            yield _keys(settings, store)
            yield from _brake(store)
        yield from _genesys(settings, catalog.teams, now)
        members = yield from _slack(settings, catalog)
        if settings.public_url or not (settings.slack and settings.slack.app_token):
            yield _public(settings)
        if store:
            yield _mapping(store, catalog.teams, members)
    finally:
        if store:
            store.close()


def _config(settings: Settings) -> tuple[Catalog, Check]:
    try:
        catalog = CatalogFile(settings.config).current()
    except CatalogError as exc:
        mend = "Mend it; `canned responses validate` shows it again."
        return Catalog({}, ()), Check("config", False, str(exc), mend)
    said = f"{len(catalog.responses)} responses, {len(catalog.teams)} teams in {settings.config}"
    return catalog, Check("config", True, said)


def _open(settings: Settings, now: Clock) -> tuple[Store | None, Check]:
    """The store, None where nothing can be asked of it."""
    url, keys = settings.database_url.reveal(), settings.secret_keys
    try:
        store = Store(url, now=now, worker="check", keys=keys)
    except StorageError as exc:
        return None, Check("database", False, str(exc), _DATABASE)
    database = _database(store)
    if database.ok:
        return store, database
    store.close()
    return None, database


def _database(store: Store) -> Check:
    try:
        before = store.revision()
        store.upgrade()
        store.require_whole()
    except DatabaseDown:
        return Check("database", False, _AWAY, _DATABASE)
    except StorageError as exc:
        return Check("database", False, str(exc), _DATABASE)
    if before == HEAD:
        return Check("database", True, f"there, at revision {HEAD}, the newest")
    was = f"it was at revision {before}" if before else "it was empty"
    return Check("database", True, f"there; {was}, and is at {HEAD} now, the newest")


def _keys(settings: Settings, store: Store) -> Check:
    known = store.has_its_key()
    if not settings.secret_keys and known:
        mend = "Set CANNED_SECRET_KEY; `canned init` makes one."
        return Check("secret key", True, "none is set, so nothing seals the record of sends", mend)
    if not settings.secret_keys:
        said = "none is set, and the record of sends is sealed with one"
        return Check("secret key", False, said, "Set CANNED_SECRET_KEY as it was.")
    keyring = SealedKeyring(store, settings.secret_keys, sleep=sleep)
    users = store.signed_in()
    shut = [user for user in users if keyring.load(user) is None]
    if shut:
        said = f"CANNED_SECRET_KEY does not open the sign-ins of {len(shut)} of {len(users)} people"
        mend = "Put the key that sealed them behind the new one, with a comma, or they sign in again."
        return Check("secret key", False, said, mend)
    if not known:
        said = "the record of sends was sealed with another one, without which it cannot be verified"
        return Check("secret key", True, said, "Put that key behind the new one, with a comma.")
    return Check("secret key", True, f"opens the sign-ins that are kept ({len(users)})")


def _brake(store: Store) -> Iterator[Check]:
    for pause in store.pauses():
        said = f"sending is paused for {pause.whose} since {pause.since:%Y-%m-%d %H:%M} UTC"
        yield Check("brake", True, said, f"`{pause.lifted_by}` lifts that.")


def _genesys(settings: Settings, teams: Sequence[Team], now: Clock) -> Iterator[Check]:
    try:
        genesys = connect(settings.genesys, None, now=now, sleep=sleep)
    except SettingsError as exc:
        yield from of_settings(exc)
        return
    try:
        yield from genesys.check(automated=any(team.send_as is SendAs.SYSTEM for team in teams))
        yield from _queues(genesys, {name for team in teams for name in team.queues})
    finally:
        genesys.close()


def _queues(genesys: Genesys, names: set[str]) -> Iterator[Check]:
    if not genesys.people_act_themselves:
        return  # queues there are no matter of sending
    try:
        unknown = sorted(names - genesys.queues(names).keys())
    except GenesysError:
        return  # said above
    if unknown:
        mend = "Write them under `queues` in canned.yml as Genesys has them."
        yield Check("queues", False, f"Genesys has no queue of this name: {', '.join(unknown)}", mend)


def _slack(settings: Settings, catalog: Catalog) -> Generator[Check, None, Members]:
    if settings.slack is None:
        mend = "Install the app from `canned manifest` and copy its bot token to SLACK_BOT_TOKEN."
        yield Check("slack", False, "SLACK_BOT_TOKEN is not set", mend)
        return {}
    from bot.slack import checks

    return (yield from checks.run(settings.slack, catalog))


def _public(settings: Settings) -> Check:
    """From here it can only be seen that it works: the bot may be stopped, or not reachable from here."""
    name, url = "public address", settings.public_url
    if not url:
        mend = "Slack needs one without SLACK_APP_TOKEN: set CANNED_PUBLIC_URL to have it looked at here."
        return Check(name, True, "not known, since CANNED_PUBLIC_URL is not set", mend)
    back = "" if settings.genesys.api == EVENTS else f"; people sign in by way of {url}/genesys/callback"
    try:
        answer = requests.get(f"{url}/healthz", timeout=TIMEOUT, allow_redirects=False)
        alive = answer.ok and answer.json() == {"alive": True}
    except (OSError, ValueError):
        alive = False
    if alive:
        return Check(name, True, f"the bot answers at {url}{back}")
    mend = "That is so while the bot is stopped. If it runs, look at the proxy that leads to it."
    return Check(name, True, f"the bot does not answer at {url}/healthz, seen from here{back}", mend)


def _mapping(store: Store, teams: Iterable[Team], members: Members) -> Check:
    linked = {link.slack_user for link in store.links()}
    named = {who for team in teams for who in team.supervisors}
    people = {who for who in named if not who.startswith("S")}.union(*members.values())
    missing = sorted(people - linked)
    if not missing:
        return Check("people", True, f"all {len(people)} supervisors that are known are linked")
    said = f"of {len(people)} supervisors nobody in Genesys is linked to {', '.join(missing)}"
    return Check("people", True, said, "They connect by themselves, or `canned users link` links them.")
