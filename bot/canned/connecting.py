"""
How a supervisor connects their own Genesys account, so that they send as themselves.

    link ──▶ page ──click──▶ Genesys log-in ──▶ back with a code ──▶ connected
    signed    names the       code + PKCE        same browser,        link, sealed tokens,
    state     Slack account                      once, 10 minutes     what waited goes on

A link can be forwarded, and whoever follows it would lend their account to the person it
was made for. So the page says for whom it is, the way back counts only in the browser that
was clicked in, and the Genesys user's e-mail has to be the Slack user's, unless an
operator has linked these very two. In doubt nothing is connected.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from bot.genesys import AuthError, Genesys, GenesysError, Grant, Keyring, SignIn, User
from bot.models import Link, SendRequest
from bot.settings import Secret
from bot.storage import Connect, LinkTaken, StorageError, Store

from .errors import CannedError, Later, NotAllowed, NotConnectedHere
from .identity import Identity, folded
from .people import People
from .record import on_record

log = logging.getLogger(__name__)

LIVES = timedelta(minutes=10)
PAGE, CALLBACK = "/genesys/connect", "/genesys/callback"
_PAGE_SALT, _STATE_SALT = "connect page", "connect state"

NOTHING = "Nothing was connected."
_STALE = f"This link is used up, or older than ten minutes. {NOTHING} Type `/canned connect` for a new one."
_ELSEWHERE = (
    "This sign-in was begun in another browser, or another one was begun here since, or it was used before, "
    f"or begun more than ten minutes ago. {NOTHING} "
    "Type `/canned connect` and follow the new link in one and the same browser."
)


@dataclass(frozen=True)
class Asking:
    """What the page says: whose Slack account it is that Genesys would be connected to."""

    name: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True)
class Away:
    """Where the browser goes next, and the cookie that it has to come back with."""

    url: str = field(repr=False)
    cookie: str = field(repr=False)


@dataclass(frozen=True)
class Connected:
    """Who somebody is in Genesys now, and the keys of the sends that waited for it."""

    slack_user: str
    name: str = field(repr=False)
    waiting: tuple[str, ...] = ()


class Connecting:
    def __init__(
        self,
        store: Store,
        genesys: Genesys,
        identity: Identity,
        people: People,
        *,
        keyring: Keyring | None,
        keys: Sequence[Secret],
        public_url: str | None,
        now: Callable[[], datetime],
        offer: Callable[[str, str, str], None],
        tell: Callable[[str, str], None],
    ) -> None:
        """
        `keys` sign links and states; the first one signs, all of them count.

        `offer(slack user, sentence, link)` puts a link before somebody whose send waits for it,
        `tell(slack user, name)` says who they are connected as.
        """
        self._store = store
        self._genesys = genesys
        self._identity = identity
        self._people = people
        self._keyring = keyring
        self._keys = [key.reveal() for key in reversed(keys)]  # itsdangerous signs with the last
        self.public_url = public_url or ""
        self._now = now
        self._offer = offer
        self._tell = tell

    @property
    def is_offered(self) -> bool:
        """Whether people sign in to Genesys themselves, here."""
        return self._genesys.sign_in is not None and bool(self._keys) and bool(self.public_url)

    def is_connected(self, genesys_user: str) -> bool:
        """Whether tokens are kept for this person; only using them shows that they are still good."""
        return self._keyring is not None and self._keyring.load(genesys_user) is not None

    def is_due(self, link: Link | None) -> bool:
        """Whether to offer a sign-in to somebody with this `link`: they have not signed in, and may."""
        if not self.is_offered or (link and self.is_connected(link.genesys_user)):
            return False
        return link is not None or self._identity.may_connect()

    # -- from Slack ---------------------------------------------------------------------------

    @on_record()
    def link(self, user: str) -> str:
        """A fresh link for this Slack user alone. Raises NotAllowed where there is nothing to connect."""
        self._sign_in()
        if self._identity.known(user) is None and not self._identity.may_connect():
            raise NotAllowed(
                "An operator says who is who here: have them run "
                f"`canned users link {user} <your Genesys e-mail>`, then type `/canned connect` again."
            )
        id_ = secrets.token_urlsafe(24)
        self._store.begin_connect(id_, user)
        return self._address(id_)

    def needed(self, request: SendRequest, genesys_user: str | None) -> str:
        """
        Say what this send waits for, and put a link before whoever has to sign in, once for each send.

        `genesys_user` is who is meant to sign in, None the supervisor, whoever they are.
        """
        link = self._store.link_of(genesys_user) if genesys_user else self._store.link(request.supervisor)
        user = link.slack_user if link else request.supervisor
        who = (link.name if link else self._people.name(user)) or "The supervisor"
        id_ = secrets.token_urlsafe(24)
        if self._store.begin_connect(id_, user, request.key):
            sentence = (
                f"A message waits for you: {request.response}. Sign in to Genesys first. After that it goes "
                "out by itself; it waits for five minutes at most."
            )
            self._offer(user, sentence, self._address(id_))
        # It is read in the team's channel, too, and when it was too late.
        return f"{who} has to sign in to Genesys first: the bot has sent them a button for that."

    @on_record()
    def disconnect(self, user: str) -> str:
        """
        Forget this person's tokens, here and as far as possible at Genesys; the sentence about it.

        Raises NotAllowed where there is nothing to disconnect, Later.
        """
        sign_in, link = self._sign_in(), self.require_linked(user)
        try:
            sign_in.forget(link.genesys_user)
        except GenesysError as exc:
            raise Later(f"You may still be connected: {exc}") from exc
        log.info("%s disconnected", user)
        name = link.name or "your Genesys user"
        if link.source != "connect":
            return f"Your tokens for {name} are gone. The link to that user stays: {link.source} made it."
        self._store.unlink(user, actor=user)
        return f"You are not connected to {name} any more, and your tokens are gone."

    @on_record()
    def require_linked(self, user: str) -> Link:
        """The link that `disconnect` is about; raises NotAllowed."""
        if not self.is_offered:
            raise NotAllowed(
                "There is nothing to disconnect here: an operator links people to their Genesys user and can "
                "undo that. `/canned me` shows who you are."
            )
        link = self._store.link(user)
        if link is None:
            raise NotAllowed("There is nothing to disconnect: you have not connected a Genesys account.")
        return link

    # -- from the browser -----------------------------------------------------------------------

    def page(self, signed: str) -> Asking:
        """For whom this link was made. Raises NotConnectedHere for one that is not good (any more)."""
        connect = self._fresh(self._id(signed, _PAGE_SALT))
        return Asking(self._people.name(connect.slack_user), self._people.email(connect.slack_user) or "")

    def go(self, signed: str) -> Away:
        """The click on the page: off to Genesys' log-in. Raises NotConnectedHere."""
        id_ = self._fresh(self._id(signed, _PAGE_SALT)).id
        state = self._signer(_STATE_SALT).dumps(id_)
        url, verifier = self._sign_in().start(self._callback, str(state))
        cookie = secrets.token_urlsafe(32)
        opened = self._store.open_connect(
            id_, verifier=verifier, cookie_hash=_hash(cookie), since=self._now() - LIVES
        )
        if not opened:
            raise NotConnectedHere(_STALE)
        return Away(url, cookie)

    def come_back(self, state: str, cookie: str, code: str) -> Connected:
        """
        The way back from Genesys, with a code, or with "" where it gave none.

        Raises CannedError, GenesysError and StorageError with the sentence for the page; then
        nothing is connected.
        """
        connect = self._store.use_connect(
            self._id(state, _STATE_SALT), cookie_hash=_hash(cookie), since=self._now() - LIVES
        )
        if connect is None or connect.verifier is None:
            raise NotConnectedHere(_ELSEWHERE)
        if not code:
            raise NotConnectedHere(f"Genesys did not let you in, or you said no there. {NOTHING}")
        sign_in = self._sign_in()
        person, grant = sign_in.finish(code, connect.verifier, self._callback)
        try:
            self._accept(connect.slack_user, person)
            self._keep(sign_in, person, grant)
        except (CannedError, GenesysError, StorageError):
            sign_in.revoke(grant)
            raise
        log.info("%s connected", connect.slack_user)
        self._tell(connect.slack_user, person.name)
        return Connected(connect.slack_user, person.name, tuple(self._store.wake(connect.slack_user)))

    # -- inside -----------------------------------------------------------------------------------

    def _accept(self, user: str, person: User) -> None:
        """Raise unless this Slack user is that Genesys user; from now on, linked, if they were not."""
        self._people.require_active(user)
        if not person.active:
            raise NotAllowed(f"That Genesys user is deactivated. {NOTHING}")
        link = self._identity.known(user)
        same = link is not None and link.genesys_user == person.id
        if not (same and link is not None and link.source == "operator"):
            self._require_same_email(user, person)
        if same:
            return
        if not self._identity.may_connect():
            raise NotAllowed(f"An operator says who is who here, and has not linked these two. {NOTHING}")
        self._link(user, person)

    def _require_same_email(self, user: str, person: User) -> None:
        email = folded(self._people.email(user))
        if not email or email != folded(person.email):
            raise NotAllowed(
                f"That Genesys user has another e-mail address than this Slack account. {NOTHING} Sign in "
                "to Genesys as yourself, or have an operator link the two: `canned users link`."
            )

    def _link(self, user: str, person: User) -> None:
        try:
            self._identity.save(
                user, person.id, source="connect", name=person.name, email=person.email, told=True
            )
        except LinkTaken as exc:
            raise NotAllowed(
                "This Slack account is linked to another Genesys user already, or that Genesys user to "
                f"another Slack account. {NOTHING} Ask an operator to look at `canned users list`."
            ) from exc

    def _keep(self, sign_in: SignIn, person: User, grant: Grant) -> None:
        if self._keyring is None:
            raise AuthError("There is nowhere to keep a sign-in.")
        with self._keyring.locked(person.id):
            sign_in.keep(person.id, grant)

    def _sign_in(self) -> SignIn:
        sign_in = self._genesys.sign_in
        if sign_in is None or not self.is_offered:
            raise NotAllowed(
                "There is nothing to connect here: an operator links people to their Genesys user. "
                "`/canned me` shows who you are."
            )
        return sign_in

    def _fresh(self, id_: str) -> Connect:
        connect = self._store.connect(id_)
        if connect is None or connect.cookie_hash is not None or connect.created_at <= self._now() - LIVES:
            raise NotConnectedHere(_STALE)
        return connect

    @property
    def _callback(self) -> str:
        return f"{self.public_url}{CALLBACK}"

    def _address(self, id_: str) -> str:
        return f"{self.public_url}{PAGE}?{urlencode({'for': self._signer(_PAGE_SALT).dumps(id_)})}"

    def _id(self, signed: str, salt: str) -> str:
        if not self.is_offered:
            raise NotConnectedHere(_STALE)
        try:
            return str(self._signer(salt).loads(signed))
        except BadData as exc:
            raise NotConnectedHere(
                f"This link is not one of ours, or only a part of it. {NOTHING} Type `/canned connect`."
            ) from exc

    def _signer(self, salt: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._keys, salt=salt)


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
