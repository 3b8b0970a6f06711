"""
The composition root: settings in, running parts out. The one place that knows every part.

    operate   the parts for one command of an operator, Slack or no Slack
    Bot       the whole bot, as `serve`, the sandbox and the tests start and stop it
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from bot import logs
from bot.canned.announcing import Announcing
from bot.canned.approving import Approving
from bot.canned.asking import Asking
from bot.canned.catalog import Catalog, CatalogFile
from bot.canned.connecting import Connecting
from bot.canned.conversations import Conversations
from bot.canned.delivery import Following
from bot.canned.desk import Desk
from bot.canned.errors import CannedError, NotAllowed
from bot.canned.identity import Identity
from bot.canned.keyring import SealedKeyring
from bot.canned.lanes import Lanes
from bot.canned.library import Libraries
from bot.canned.people import NoSlack, People
from bot.canned.previews import Previews
from bot.canned.recovery import Recovery
from bot.canned.sending import Sender
from bot.canned.settling import Settling
from bot.genesys import REGIONS, Genesys, GenesysError, Interrupted, Keyring, OnAnswer
from bot.metrics import Metrics
from bot.models import Link, Receipt, SendRequest
from bot.ready import Ready
from bot.settings import EVENTS, GenesysSettings, Settings, SettingsError
from bot.storage import StorageError, Store

if TYPE_CHECKING:
    from bot.slack.workspace import Workspace

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]
LINK_FAULTS = (CannedError, GenesysError, StorageError)
SWEEP_EVERY = 5.0  # seconds
PURGE_EVERY = timedelta(hours=1)
LEAVE_WITHIN = 15.0  # seconds for what runs when the bot is told to stop; five more to say goodbye
LINKS_THAT_COUNT = ("operator", "connect")  # where canned.yml does not say
LINKS_THAT_COUNT_ON_EVENTS = (*LINKS_THAT_COUNT, "email")  # where nobody signs in to show who they are


@dataclass(frozen=True)
class Parts:
    """What every entry point needs, wired; `workspace` is None where Slack is not configured."""

    catalog: Callable[[], Catalog]
    store: Store
    genesys: Genesys
    identity: Identity
    sender: Sender
    desk: Desk
    lanes: Lanes
    libraries: Libraries
    workspace: Workspace | None
    waits: Waits

    def link(self, slack_user: str, genesys_user: str) -> Link:
        """Link by an operator's word; `genesys_user` is an id or an e-mail. Raises one of LINK_FAULTS."""
        if not _is_slack_id(slack_user):
            raise NotAllowed(
                f"{slack_user} is not a Slack user's id: it starts with U, and profiles show it."
            )
        if "@" in genesys_user:
            person = self.genesys.find_user(genesys_user)
            if person is None:
                raise NotAllowed(f"Not exactly one active Genesys user has the address {genesys_user}.")
        else:
            person = self.genesys.user(genesys_user)
        if not person.active:
            raise NotAllowed(f"{person.name or genesys_user} is deactivated in Genesys and cannot be linked.")
        return self.identity.save(
            slack_user, person.id, source="operator", name=person.name, email=person.email
        )

    def supervisor(self, user: str) -> str:
        """The Slack user meant by a Slack id, a Genesys id or an e-mail; raises one of LINK_FAULTS."""
        if _is_slack_id(user):
            return user
        person = self.genesys.find_user(user) if "@" in user else None
        link = self.store.link_of(person.id if person else user)
        if link is None:
            raise NotAllowed(f"No Slack user is linked to {user}: see `canned users list`.")
        return link.slack_user

    def close(self, timeout: float = LEAVE_WITHIN) -> bool:
        """Finish what runs, hand back the rest, let go of everything; False if something still runs."""
        self.waits.end()
        finished = self.lanes.close(timeout)
        try:
            self.store.release()
        except StorageError:
            log.warning("could not hand back what is pending; it is picked up once this process is missed")
        self.genesys.close()
        self.store.close()
        return finished


class Waits:
    """
    What Genesys is waited by: the `sleep` given, or real time, until the bot has to leave.

    From then on every wait ends at once in Interrupted, and what has not left goes back.
    """

    def __init__(self, sleep: Sleep | None) -> None:
        self._ended = threading.Event()
        self._sleep: Callable[[float], object] = sleep or self._ended.wait

    def __call__(self, seconds: float) -> None:
        if not self._ended.is_set():
            self._sleep(seconds)
        if self._ended.is_set():
            raise Interrupted(retry_after=seconds)

    def end(self) -> None:
        self._ended.set()


def assemble(
    settings: Settings, *, now: Clock, sleep: Sleep | None = None, metrics: Metrics | None = None
) -> Parts:
    """
    Wire everything; the database is brought up to date, and Slack is asked who we are.

    `sleep` stands in for the waits in the room, in tests. `metrics` counts what happens.

    Raises CatalogError, DatabaseDown, SlackDown, NotAllowed (Slack refuses the token).
    """
    with ExitStack() as undo:
        parts = _wire(settings, undo, now=now, sleep=sleep, metrics=metrics)
        undo.pop_all()
        return parts


def _wire(
    settings: Settings, undo: ExitStack, *, now: Clock, sleep: Sleep | None, metrics: Metrics | None
) -> Parts:
    waits = Waits(sleep)
    catalog = CatalogFile(settings.config)
    catalog.current()
    url, keys = settings.database_url.reveal(), settings.secret_keys
    settled = metrics.settled if metrics else _nobody
    store = Store(url, now=now, worker=str(uuid.uuid4()), keys=keys, settled=settled)
    undo.callback(store.close)
    store.upgrade()
    if not keys and not store.has_its_key():
        raise SettingsError(
            ["CANNED_SECRET_KEY is not set: the audit record is chained with it, so set it as it was"]
        )
    keyring = _keyring(settings, store, waits)
    on_answer = metrics.answered if metrics else None
    genesys = connect(settings.genesys, keyring, now=now, sleep=waits, on_answer=on_answer)
    undo.callback(genesys.close)
    lanes = Lanes()
    libraries = Libraries(genesys, store, catalog.current, now=now)
    libraries.load()
    workspace = _workspace(settings, store, lanes, libraries.catalog, genesys, now=now)
    people: People = workspace.people if workspace else NoSlack()
    if workspace:
        workspace.refresh()  # who is in which group has to be in memory before anybody types
    usual_sources = LINKS_THAT_COUNT_ON_EVENTS if settings.genesys.api == EVENTS else LINKS_THAT_COUNT
    identity = Identity(
        store,
        genesys,
        people,
        sources=lambda: catalog.current().identity or usual_sources,
        now=now,
        tell=workspace.tell_link if workspace else _nobody,
    )
    changed = workspace.publish_soon if workspace else _nobody
    connecting = Connecting(
        store,
        genesys,
        identity,
        people,
        keyring=keyring,
        keys=settings.secret_keys,
        public_url=settings.public_url,
        now=now,
        offer=workspace.offer_connect if workspace else _nobody,
        tell=workspace.tell_connected if workspace else _nobody,
    )
    asking = Asking(
        store,
        genesys,
        identity,
        people,
        catalog=libraries.catalog,
        now=now,
        changed=changed,
        told=workspace.tell_soon if workspace else _nobody,
    )
    approving = Approving(store, identity, people, catalog=libraries.catalog, now=now, changed=changed)
    sender = Sender(
        genesys,
        store,
        identity,
        people,
        libraries,
        asking,
        approving,
        connecting,
        catalog=libraries.catalog,
        now=now,
        sleep=sleep or time.sleep,
        changed=changed,
        offer=workspace.offer_ways if workspace else _nobody,
    )
    settling = Settling(store, genesys, identity, people, sender, now=now, changed=changed)
    desk = Desk(
        store=store,
        genesys=genesys,
        people=people,
        identity=identity,
        sender=sender,
        asking=asking,
        approving=approving,
        conversations=Conversations(genesys, identity, now=now),
        connecting=connecting,
        libraries=libraries,
        previews=Previews(genesys, identity, people, libraries, sender, now=now),
        settling=settling,
        lanes=lanes,
        catalog=libraries.catalog,
        changed=changed,
        now=now,
        workspace=workspace.id if workspace else "",
    )
    parts = (libraries.catalog, store, genesys, identity, sender, desk, lanes, libraries, workspace)
    return Parts(*parts, waits)


def _keyring(settings: Settings, store: Store, sleep: Callable[[float], None]) -> SealedKeyring | None:
    return SealedKeyring(store, settings.secret_keys, sleep=sleep) if settings.secret_keys else None


def connect(
    settings: GenesysSettings,
    keyring: Keyring | None,
    *,
    now: Clock,
    sleep: Callable[[float], None],
    on_answer: OnAnswer | None = None,
) -> Genesys:
    """The Genesys organisation of these settings; nothing is asked of it yet. Raises SettingsError."""
    return (_events if settings.api == EVENTS else partial(_platform, keyring=keyring))(
        settings, now=now, sleep=sleep, on_answer=on_answer
    )


def _platform(settings: GenesysSettings, *, keyring: Keyring | None, **common: Any) -> Genesys:
    try:
        return Genesys.platform(
            region=settings.region,
            client_id=settings.client_id,
            client_secret=settings.client_secret.reveal(),
            oauth_client_id=settings.oauth_client_id,
            oauth_client_secret=settings.oauth_client_secret.reveal() or None,
            keyring=keyring,
            login_url=settings.login_url,
            api_url=settings.api_url,
            **common,
        )
    except ValueError as exc:
        known = ", ".join(f"{domain} ({name})" for name, domain in REGIONS.items())
        raise SettingsError([f"GENESYS_REGION must be one of these, by domain or by name: {known}"]) from exc


def _events(settings: GenesysSettings, **common: Any) -> Genesys:
    try:
        key = settings.jwt_key_file.read_text(encoding="ascii") if settings.jwt_key_file else None
    except OSError as exc:
        raise SettingsError([f"GENESYS_JWT_KEY_FILE cannot be read ({exc.strerror})"]) from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(["GENESYS_JWT_KEY_FILE is not a private key in PEM form"]) from exc
    return Genesys.events(
        org_id=settings.org_id,
        client_id=settings.client_id,
        client_secret=settings.client_secret.reveal(),
        jwt_key=key,
        system_user_id=settings.system_user_id,
        login_url=settings.login_url,
        api_url=settings.api_url,
        **common,
    )


@contextmanager
def operate(settings: Settings, *, now: Clock, beat_every: float = SWEEP_EVERY) -> Iterator[Parts]:
    """The parts for one command of an operator; what it has to say in Slack is said before it ends."""
    logs.set_up(settings.log_level, settings.log_format)
    parts = assemble(settings, now=now)
    heart = Regular("heart", beat_every, parts.store.beat)
    heart.start()
    try:
        yield parts
        parts.lanes.posts.wait_idle(LEAVE_WITHIN)
    finally:
        heart.stop()
        parts.close()


class Regular:
    """Do `job` every `seconds` in a thread of its own; what it raises is logged, and it goes on."""

    def __init__(self, name: str, seconds: float, job: Callable[[], object]) -> None:
        self._seconds = seconds
        self._job = job
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"canned-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell(self) -> None:
        """Begin no more."""
        self._ended.set()

    def stop(self, timeout: float = 5) -> None:
        self.tell()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self._job()
            except Exception as exc:  # noqa: BLE001 - the edge of a thread that must go on
                log.error("%s failed: %s", self._thread.name, type(exc).__name__)  # noqa: TRY400 - no words of others


class Bot:
    """The whole bot. `start` listens, `stop` leaves without making unknowns."""

    def __init__(self, settings: Settings, *, now: Clock, sleep: Sleep | None = None) -> None:
        from bot import web
        from bot.connect_pages import ConnectPages
        from bot.slack import listening

        if settings.slack is None:
            raise ValueError("read the settings with need_slack=True")
        self.metrics = Metrics()
        self.parts = assemble(settings, now=now, sleep=sleep, metrics=self.metrics)
        self.metrics.watch(self.parts.lanes, self.parts.store.backlog, now)
        workspace = self.parts.workspace
        assert workspace is not None  # noqa: S101 - settings.slack is there, so it is too
        self.workspace = workspace
        self.recovery = Recovery(self.parts.store, self.parts.sender, self.parts.lanes.due)
        self.following = Following(
            self.parts.genesys, self.parts.store, self.parts.lanes.bulk, changed=workspace.publish_soon
        )
        with ExitStack() as undo:
            undo.callback(self.parts.close, 0)
            app = listening.build(settings.slack, workspace, self.parts.desk)
            sockets = settings.slack.app_token
            self._socket = workspace.socket(app, self._connected, self.metrics.acked) if sockets else None
            self.ready = Ready(self._neighbours(), now=now)
            connecting = self.parts.desk.connecting
            site = web.build(
                None if self._socket else app,
                self.ready,
                signing_secret=settings.slack.signing_secret.reveal(),
                metrics=self.metrics.page,
                acked=self.metrics.acked,
                announced=self._announced(settings, now),
                pages=[ConnectPages(self.parts.desk).blueprint()] if connecting.is_offered else [],
            )
            self.listener = web.Listener(site, host=settings.host, port=settings.port)
            undo.pop_all()
        self._now = now
        self._purged_at: datetime | None = None
        self._serving = threading.Thread(target=self.listener.serve, name="canned-web", daemon=True)
        # Apart, since a hanging Slack must not stop the beat that says "alive" to other replicas.
        self._regular = (
            Regular("heart", SWEEP_EVERY, self.parts.store.beat),
            Regular("sweep", SWEEP_EVERY, self.sweep),
            Regular("directory", SWEEP_EVERY, workspace.refresh),
        )

    def _announced(self, settings: Settings, now: Clock) -> Callable[[bytes, str], None] | None:
        if not settings.genesys.webhook_secret:
            return None
        announcing = Announcing(
            self.parts.store,
            self.workspace.people,
            secret=settings.genesys.webhook_secret.reveal(),
            catalog=self.parts.catalog,
            conversation_id=self.parts.genesys.conversation_id,
            changed=self.workspace.threads.publish_soon,
            now=now,
        )
        return announcing.receive

    def _connected(self, connections: int) -> None:
        """Slack gives each command to one of the app's connections, also to a bot that somebody forgot."""
        self.metrics.connected(connections)
        try:
            alive = self.parts.store.alive()
        except StorageError:
            return
        if connections > alive:
            log.warning(
                "Slack has %s connections of this app and %s processes share this database: another one, "
                "perhaps forgotten, takes a part of the commands away",
                connections,
                alive,
            )

    def start(self) -> None:
        self.sweep()
        self._serving.start()
        for regular in self._regular:
            regular.start()
        if self._socket:
            self._socket.connect()

    def stop(self, timeout: float = LEAVE_WITHIN) -> bool:
        """
        Take no more, finish what runs within `timeout` seconds in all; False if some of it still does.

        What only waits goes back at once. A message under way has the time that there is,
        and else its row says so to whoever runs next.
        """
        end = time.monotonic() + timeout
        self.parts.waits.end()
        heart, *others = self._regular
        for regular in others:
            regular.tell()
        silent = not self._socket or self._socket.close()
        self.listener.close(max(0.0, end - time.monotonic()))
        self.parts.lanes.close(max(0.0, end - time.monotonic()))
        for thread in (*others, heart):  # the heart last: until now this process was at work
            thread.stop(max(0.0, end - time.monotonic()))
        self._serving.join(max(0.0, end - time.monotonic()))
        return self.parts.close(0) and silent

    def sweep(self) -> None:
        """Pick up what is due or abandoned, here and in Slack, and forget what was kept long enough."""
        try:
            self.recovery.sweep()
            self.following.sweep()
            self.workspace.threads.sweep()
            self.parts.libraries.refresh_soon(self.parts.lanes.bulk)
            self._purge()
        except StorageError as exc:
            log.warning("no sweep: %s", type(exc).__name__)

    def _purge(self) -> None:
        now = self._now()
        if self._purged_at is None or now - self._purged_at >= PURGE_EVERY:
            kept = timedelta(days=self.parts.catalog().retention_days)
            gone = self.parts.store.purge(now - kept)
            self._purged_at = now
            log.info("the texts of %s sends were kept long enough and are gone", gone)

    def _neighbours(self) -> Mapping[str, Callable[[], bool]]:
        return {
            "database": self.parts.store.ping,
            "slack": self._socket.is_healthy if self._socket else self.workspace.answers,
            "genesys": self.parts.genesys.reachable,
        }


def serve(settings: Settings, *, now: Clock) -> NoReturn:
    """Run until SIGTERM or SIGINT, then end the process."""
    logs.set_up(settings.log_level, settings.log_format)
    told = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)  # for every thread: it is waited for instead, below
    bot = Bot(settings, now=now)
    bot.start()
    log.info("ready, listening on %s:%s", bot.listener.host, bot.listener.port)
    signal.sigwait(told)
    if not bot.stop():
        log.warning("leaving with work under way; whoever runs next settles it")
    logging.shutdown()
    os._exit(0)  # Python would wait for its threads for ever. Their rows say how far they got.


def _workspace(
    settings: Settings,
    store: Store,
    lanes: Lanes,
    catalog: Callable[[], Catalog],
    genesys: Genesys,
    *,
    now: Clock,
) -> Workspace | None:
    if settings.slack is None:
        return None
    from bot.slack.workspace import Workspace

    return Workspace(
        settings.slack,
        store,
        lanes.posts,
        lanes.bulk,
        catalog,
        page=genesys.page,
        can_look=genesys.finds_messages,
        now=now,
    )


def _nobody(*_: Link | SendRequest | Receipt | str) -> None:
    return


def _is_slack_id(user: str) -> bool:
    return user[:1] in ("U", "W") and user.isalnum() and user.isupper()
