"""Who is who: one Genesys user for each Slack user, and the reverse."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, or_, select

from bot.models import Link

from .audit import note
from .engine import Database, exclusively, insert
from .errors import LinkTaken
from .schema import grants, links

BY_SLACK_USER = select(links).where(links.c.slack_user == bindparam("whose"))
BY_GENESYS_USER = select(links).where(links.c.genesys_user == bindparam("whose"))


class Identities(Database):
    def link(self, slack_user: str) -> Link | None:
        """The link of this Slack user."""
        with self._reading() as tx:
            return _first(tx, BY_SLACK_USER, slack_user)

    def link_of(self, genesys_user: str) -> Link | None:
        """The link of this Genesys user."""
        with self._reading() as tx:
            return _first(tx, BY_GENESYS_USER, genesys_user)

    def links(self) -> list[Link]:
        """All of them, by Slack user."""
        with self._reading() as tx:
            return [Link(**row._mapping) for row in tx.execute(select(links).order_by(links.c.slack_user))]

    def save_link(self, link: Link) -> None:
        """
        Write the link down; the same two users again only renews it.

        Raises LinkTaken if either of them is linked to somebody else.
        """
        either = or_(links.c.slack_user == link.slack_user, links.c.genesys_user == link.genesys_user)
        with self._writing() as tx:
            exclusively(tx, "links")
            for row in tx.execute(select(links).where(either)):
                if (row.slack_user, row.genesys_user) != (link.slack_user, link.genesys_user):
                    raise LinkTaken(Link(**row._mapping))
            values = asdict(link)
            renewed = insert(self._dialect, links).values(values)
            tx.execute(renewed.on_conflict_do_update(index_elements=["slack_user"], set_=values))
            note(
                tx,
                self._now(),
                "linked",
                actor={"operator": "operator", "connect": link.slack_user}.get(link.source, "bot"),
                slack_user=link.slack_user,
                genesys_user=link.genesys_user,
                source=link.source,
            )

    def unlink(self, slack_user: str, *, actor: str = "operator") -> bool:
        """Forget the link of this Slack user, and with it the tokens; whether there was one."""
        with self._writing() as tx:
            gone = delete(links).where(links.c.slack_user == slack_user).returning(links.c.genesys_user)
            genesys_user = tx.execute(gone).scalar()
            if genesys_user is not None:
                tx.execute(delete(grants).where(grants.c.genesys_user == genesys_user))
                whose = {"slack_user": slack_user, "genesys_user": genesys_user}
                note(tx, self._now(), "unlinked", actor=actor, **whose)
            return genesys_user is not None


def _first(tx: Connection, which: Select[Any], whose: str) -> Link | None:
    row = tx.execute(which, {"whose": whose}).first()
    return Link(**row._mapping) if row else None
