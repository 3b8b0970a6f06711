"""The bot's side of one Slack workspace, wired: whom it serves, how it asks, speaks and listens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from slack_bolt import App

from bot.canned.catalog import Catalog
from bot.canned.errors import NotAllowed, SlackDown
from bot.canned.lanes import Lane
from bot.models import Link, Receipt, SendRequest
from bot.settings import SlackSettings
from bot.storage import Store

from . import messages
from .blocks import Json
from .client import Limited, SlackFault, Unanswered, call, posting_client, reading_client, trusted
from .homes import Homes
from .people import Directory
from .socket import Socket
from .threads import Threads

log = logging.getLogger(__name__)

WINDOW_TIMEOUT = 3  # seconds; a window's trigger does not live longer
LONGEST_PAUSE = 64.0  # seconds between two tries to tell of a link


class Workspace:
    """`id` is the Grid organisation's where there is one, else the workspace's."""

    def __init__(
        self,
        settings: SlackSettings,
        store: Store,
        lane: Lane,
        bulk: Lane,
        catalog: Callable[[], Catalog],
        *,
        page: Callable[[str], str] = lambda _: "",
        can_look: bool = True,
        now: Callable[[], datetime],
    ) -> None:
        """
        What people wait for is said on `lane`, what can wait on `bulk`.

        Asks Slack who we are; raises SlackDown, and NotAllowed if it refuses the token.
        """
        token, url = settings.bot_token.reveal(), settings.api_url
        base = f"{url}/" if url else None
        trust = trusted(base)
        reading = reading_client(token, base, trust)
        self._app_token = settings.app_token.reveal()
        self._posting = posting_client(token, base, trust)
        self.window_client = posting_client(token, base, trust, timeout=WINDOW_TIMEOUT)
        self._catalog = catalog
        self._lane = lane
        bot = who_are_we(reading.auth_test)
        self.id: str = bot.get("enterprise_id") or bot["team_id"]
        org_wide = bool(bot.get("is_enterprise_install"))
        self.people = Directory(reading, workspace=self.id, now=now, org_wide=org_wide)
        self.threads = Threads(
            store,
            lane,
            posting=self._posting,
            reading=reading,
            bot_id=bot["bot_id"],
            catalog=catalog,
            name=self.people.name,
            unpostable=self._unpostable,
            page=page,
            can_look=can_look,
            now=now,
        )
        self.homes = Homes(self.window_client, bulk, now=now)

    def socket(self, app: App, connected: Callable[[int], None], acked: Callable[[float], None]) -> Socket:
        return Socket(app, self._app_token, self.window_client, connected=connected, acked=acked)

    def answers(self) -> bool:
        """Whether Slack takes our token now."""
        try:
            call(self.window_client.auth_test)
        except SlackFault:
            return False
        return True

    def publish_soon(self, request: SendRequest) -> None:
        """Say what was written down about this send: in its thread, and to its supervisor."""
        self.threads.publish_soon(request.channel, request.conversation_id)
        self.threads.publish_soon(request.supervisor, "")
        self.homes.changed(request.supervisor)

    def tell_soon(self, user: str) -> None:
        """Say to this person alone what was written down for them."""
        self.threads.publish_soon(user, "")

    def tell_link(self, link: Link) -> None:
        """Let the owner of a new link know of it: nobody should be linked behind their back."""
        self._lane.submit(self._tell, link.slack_user, messages.linked(link))

    def tell_connected(self, user: str, name: str) -> None:
        """Say to somebody who they are in Genesys from now on."""
        self._lane.submit(self._tell, user, messages.connected(name))
        self.homes.changed(user)

    def offer_connect(self, user: str, sentence: str, link: str) -> None:
        """Put a link to connect their Genesys account before somebody."""
        self._lane.submit(self._tell, user, messages.connect(sentence, link))

    def offer_ways(self, refused: Receipt) -> None:
        """Let a supervisor send another way what was refused when they looked no more."""
        self._lane.submit(self._tell, refused.request.supervisor, messages.other_ways(refused))

    def refresh(self) -> None:
        """Ask Slack about the groups and channels in use, where memory is missing or old; never raises."""
        self.people.refresh(self._catalog().groups, {team.channel for team in self._catalog().teams})

    def _unpostable(self, place: str, reason: str) -> None:
        self.people.forget_channel(place)  # memory may still say that all is well there
        log.error("Slack takes no posts in %s (%s): invite the bot again, or mend canned.yml", place, reason)

    def _tell(self, user: str, message: Json, pause: float = 1.0) -> None:
        # Not written down, so it is repeated for two minutes only; told twice is better than not at all.
        try:
            call(self._posting.chat_postMessage, channel=user, **message)
        except Limited as exc:
            self._lane.later(exc.retry_after, self._tell, user, message, pause)
        except SlackFault as exc:
            if isinstance(exc, Unanswered) and pause <= LONGEST_PAUSE:
                self._lane.later(pause, self._tell, user, message, 2 * pause)
                return
            log.warning("could not tell %s what is not written down: %s", user, exc.error)


def who_are_we(auth_test: Callable[..., object]) -> dict[str, str]:
    """What Slack calls us; raises SlackDown, and NotAllowed if it refuses the token."""
    try:
        return call(auth_test)  # type: ignore[arg-type]
    except (Limited, Unanswered) as exc:
        raise SlackDown("Slack does not answer. Start the bot again in a moment.") from exc
    except SlackFault as exc:
        raise NotAllowed(
            f"Slack refuses SLACK_BOT_TOKEN (`{exc.error}`). Copy it again from OAuth & Permissions."
        ) from exc
