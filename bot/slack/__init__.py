"""
What people see: the commands, windows and messages in Slack.

It asks the Desk, and nothing below it; `threads` alone reads the store, for what is to be said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_bolt import App


def register(app: App) -> None:
    """Add every listener to `app`, whose context has to hold `desk` and `homes`."""
    from . import (
        actions,
        approving,
        asking,
        carding,
        commands,
        correcting,
        errors,
        home,
        later,
        picking,
        shortcuts,
        unknowns,
        views,
    )

    clicks = (actions, later, carding, asking, approving, correcting, unknowns, home)
    for module in (commands, picking, shortcuts, *clicks, views, errors):
        module.register(app)
