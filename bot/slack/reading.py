"""Read back what the bot has said in its threads, as far as it marks its own posts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_sdk.web import SlackResponse

from bot.canned.auditing import Said, Unreadable
from bot.canned.errors import NotAllowed, SlackDown
from bot.settings import SlackSettings

from .client import Limited, Refused, SlackFault, Unanswered, call, posting_client, trusted
from .finding import pages, payload_of
from .workspace import who_are_we

GONE = ("thread_not_found", "message_not_found")


class ThreadReader:
    def __init__(self, settings: SlackSettings, *, sleep: Callable[[float], None]) -> None:
        """Asks Slack who we are; raises SlackDown, and NotAllowed if it refuses the token."""
        base = f"{settings.api_url}/" if settings.api_url else None
        self._client = posting_client(settings.bot_token.reveal(), base, trusted(base))
        self._sleep = sleep
        self._bot_id = who_are_we(self._client.auth_test)["bot_id"]

    def said(self, channel: str, card: str) -> list[Said] | None:
        """Our replies below that card, None if the card is gone. Raises Unreadable, SlackDown, NotAllowed."""
        where = {"channel": channel, "ts": card}
        try:
            messages = list(pages(self._client.conversations_replies, where, ask=self._ask))
        except Refused as exc:
            if exc.error in GONE:
                return None
            raise Unreadable(exc.error) from exc
        except Unanswered as exc:
            raise SlackDown("Slack does not answer. Try again in a moment.") from exc
        except SlackFault as exc:
            raise NotAllowed(f"Slack does not let the bot read its threads (`{exc.error}`).") from exc
        ours = [(each, payload_of(each)) for each in messages if each.get("bot_id") == self._bot_id]
        return [
            Said(str(each["ts"]), str(said["send_id"]), int(said["seq"]), str(said.get("record", "")))
            for each, said in ours
            if "send_id" in said
        ]

    def _ask(self, method: Callable[..., SlackResponse], **arguments: Any) -> dict[str, Any]:
        while True:
            try:
                return call(method, **arguments)
            except Limited as exc:
                self._sleep(exc.retry_after)
