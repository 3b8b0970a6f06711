"""
Which Genesys user a Slack user is, and from whom we know it.

A link comes from an operator, from a sign-in to Genesys that showed the same e-mail, or from
the Slack profile's e-mail when exactly one active Genesys user has that address. In doubt
there is no link, and without one nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from bot.genesys import Genesys
from bot.models import Link
from bot.storage import LinkTaken, Store

from .errors import ConnectFirst, NotLinked
from .people import People


class Identity:
    def __init__(
        self,
        store: Store,
        genesys: Genesys,
        people: People,
        *,
        sources: Callable[[], Collection[str]],
        now: Callable[[], datetime],
        tell: Callable[[Link], None],
    ) -> None:
        """`sources` says which kinds of link count at the moment; `tell` lets a new link's owner know."""
        self._store = store
        self._genesys = genesys
        self._people = people
        self._sources = sources
        self._now = now
        self._tell = tell

    def known(self, user: str) -> Link | None:
        """The link on record for this Slack user, if its source counts; asks nobody."""
        link = self._store.link(user)
        return link if link is not None and link.source in self._sources() else None

    def may_be_found(self) -> bool:
        """Whether somebody without a link may still be found by their e-mail."""
        return "email" in self._sources()

    def may_connect(self) -> bool:
        """Whether somebody without a link gets one by signing in to Genesys."""
        return self._genesys.sign_in is not None and "connect" in self._sources()

    def require(self, user: str) -> Link:
        """
        The live link of this Slack user, found by e-mail and kept if that is allowed.

        May ask Slack and Genesys. Raises NotLinked (ConnectFirst where signing in to Genesys
        makes the link), SlackDown, GenesysError.
        """
        link = self.known(user)
        if link is None:
            return self._found(user)
        if link.source != "operator" and folded(self._people.email(user)) != folded(link.email):
            raise NotLinked(
                "Your e-mail address in Slack is not the one with which you were linked to your Genesys "
                "user, so nothing was sent. Ask an operator to link you again."
            )
        return link

    def save(
        self, user: str, genesys_user: str, *, source: str, name: str, email: str, told: bool = False
    ) -> Link:
        """
        Write a link down and tell its owner of a new one, unless they are `told` otherwise.

        Raises LinkTaken if either side is taken.
        """
        before = self._store.link(user)
        link = Link(user, genesys_user, source, self._now(), name=name, email=email)
        self._store.save_link(link)
        if not told and (before is None or before.genesys_user != genesys_user):
            self._tell(link)
        return link

    def _found(self, user: str) -> Link:
        if not self.may_be_found():
            raise self._nobody(user)
        email = self._people.email(user)
        person = self._genesys.find_user(email) if email else None
        if (email is None or person is None) and self.may_connect():
            raise self._nobody(user)
        if email is None or person is None:
            raise NotLinked(
                "No active Genesys user, or more than one, has the e-mail address of your Slack profile, "
                f"so nothing was sent. {unlinked(user)}"
            )
        try:
            return self.save(user, person.id, source="email", name=person.name, email=email)
        except LinkTaken as exc:
            raise NotLinked(
                "The Genesys user with your e-mail address is linked to another Slack user, "
                "so nothing was sent. Ask an operator to look at `canned users list`."
            ) from exc

    def _nobody(self, user: str) -> NotLinked:
        return ConnectFirst(CONNECT) if self.may_connect() else NotLinked(unlinked(user))


CONNECT = "Connect your Genesys account first: `/canned connect`."


def unlinked(user: str) -> str:
    """The sentence for somebody whom no link names yet."""
    return (
        "I do not know which Genesys user you are. "
        f"Ask an operator to run `canned users link {user} <your Genesys e-mail>`, then try again."
    )


def folded(email: str | None) -> str:
    return (email or "").strip().casefold()
