"""
What can go wrong when something is remembered; nothing half-written is left behind.

    StorageError
    ├── DatabaseDown   not reachable, locked, full, damaged
    │   └── Closed     this process has let go of it
    ├── NoSuchSend     nothing was ever claimed under this key
    ├── Repeated       the same response went to the same conversation a moment ago
    ├── OverLimit      a limit is reached, until a known time
    ├── Stopped        a pause stands
    ├── NotUnknown     somebody has settled meanwhile what was to be sent again
    └── LinkTaken      one of the two users is linked to somebody else
"""

from __future__ import annotations

from datetime import datetime

from bot.models import Link, Pause, Receipt


class StorageError(Exception):
    """The base; `str()` is a sentence for a person."""


class DatabaseDown(StorageError):
    """The database took nothing, or (said so in the sentence) its answer to a commit was lost."""


class Closed(DatabaseDown):
    """The store was closed: in this process it does not come back."""

    def __init__(self) -> None:
        super().__init__("The bot is leaving, so nothing was taken on. Try again in a minute.")


class NoSuchSend(StorageError):
    def __init__(self, key: str) -> None:
        super().__init__(f"There is no send {key} on record.")
        self.key = key


class Repeated(StorageError):
    """`receipt` is the earlier send's. Nothing was claimed; ask, then claim with `confirmed`."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__("The same response was sent to this conversation a moment ago. Nothing was sent.")
        self.receipt = receipt


class OverLimit(StorageError):
    """`limit_name` is per_minute or per_conversation; from `until` (UTC) on there is room again."""

    def __init__(self, limit_name: str, until: datetime) -> None:
        super().__init__(f"The limit {limit_name} is reached until {until:%H:%M:%S} UTC. Nothing was sent.")
        self.limit_name = limit_name
        self.until = until


class Stopped(StorageError):
    """`pause` keeps the team from sending. It has not left."""

    def __init__(self, pause: Pause) -> None:
        super().__init__("Sending is paused. Nothing was sent.")
        self.pause = pause


class NotUnknown(StorageError):
    """`receipt` says how the send ended that was to be repeated. Nothing was claimed."""

    def __init__(self, receipt: Receipt | None) -> None:
        super().__init__("That send is not unknown any more. Nothing was sent.")
        self.receipt = receipt


class LinkTaken(StorageError):
    """`link` is the one that stands in the way."""

    def __init__(self, link: Link) -> None:
        super().__init__(
            f"Slack user {link.slack_user} is linked to Genesys user {link.genesys_user} already. "
            f"`canned users unlink {link.slack_user}` frees both."
        )
        self.link = link
