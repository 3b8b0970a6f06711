"""
Mark every post of ours so that it can be found again, and find it.

Slack takes no key against repeating a post and gives none back when its answer is lost.
What it keeps is metadata, which anybody in the workspace can read: ids only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from .blocks import Json
from .client import call

EVENT = "canned_audit"
LOOKED_BACK = timedelta(hours=1)  # before it was written down, since clocks differ
PAGE = 200  # messages in one answer


def mark(payload: Mapping[str, object]) -> Json:
    """The metadata of a post that `payload` tells from all others."""
    return {"event_type": EVENT, "event_payload": dict(payload)}


class Finder:
    """`bot_id` is our own (B…): what somebody else marked like us is not ours."""

    def __init__(self, client: WebClient, bot_id: str) -> None:
        self._client = client
        self._bot_id = bot_id

    def find(
        self, payload: Mapping[str, object], channel: str, *, since: datetime, card: str | None = None
    ) -> str | None:
        """
        The ts of our post marked with all of `payload`, written down not before `since`.

        Looks below `card`, without one in the channel itself. Raises SlackFault.
        """
        read: Callable[..., SlackResponse] = self._client.conversations_history
        where: Json = {"channel": channel, "oldest": f"{(since - LOOKED_BACK).timestamp():.6f}"}
        if card is not None:
            read, where["ts"] = self._client.conversations_replies, card
        for message in pages(read, where):
            if message.get("bot_id") == self._bot_id and payload.items() <= payload_of(message).items():
                return str(message["ts"])
        return None


def pages(
    read: Callable[..., SlackResponse], where: Json, *, ask: Callable[..., Json] = call
) -> Iterator[Json]:
    """All messages that `read` gives, page by page; `ask` is how it is called."""
    cursor: str | None = None
    while cursor != "":
        answer = ask(read, cursor=cursor, include_all_metadata=True, limit=PAGE, **where)
        yield from answer["messages"]
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""


def payload_of(message: Json) -> Json:
    """What `mark` put into it."""
    metadata = message.get("metadata") or {}
    return metadata.get("event_payload") or {} if metadata.get("event_type") == EVENT else {}
