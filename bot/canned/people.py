"""What canned must know of Slack people, groups and channels, without knowing Slack."""

from __future__ import annotations

from typing import Protocol


class People(Protocol):
    """
    Answers are at most five minutes old. `known_…` answer from memory and may be asked
    before Slack is acknowledged; the others may ask Slack and raise SlackDown.
    """

    def known_member(self, user: str, group: str) -> bool | None:
        """Whether `user` is in the user group; None if that is not in memory."""

    def known_refusal(self, user: str, channel: str) -> str | None:
        """The sentence that speaks against this person or channel, as far as memory goes."""

    def known_zone(self, user: str) -> str | None:
        """The name of this person's time zone; None if it is not in memory, "" if Slack names none."""

    def zone(self, user: str) -> str: ...

    def is_member(self, user: str, group: str) -> bool: ...

    def require_active(self, user: str) -> None:
        """Raise NotAllowed for a deactivated, restricted, foreign or unknown person."""

    def require_channel(self, channel: str) -> None:
        """Raise NotAllowed for a channel that is gone, archived, shared or without the bot."""

    def email(self, user: str) -> str | None: ...

    def name(self, user: str) -> str:
        """What this person is called in Slack; "" where Slack does not say."""


class NoSlack:
    """People for a command line without Slack: the operator answers for whom they name."""

    def known_member(self, user: str, group: str) -> bool | None:
        return False

    def known_refusal(self, user: str, channel: str) -> str | None:
        return None

    def known_zone(self, user: str) -> str | None:
        return ""

    def zone(self, user: str) -> str:
        return ""

    def is_member(self, user: str, group: str) -> bool:
        return False

    def require_active(self, user: str) -> None:
        return

    def require_channel(self, channel: str) -> None:
        return

    def email(self, user: str) -> str | None:
        return None

    def name(self, user: str) -> str:
        return ""
