"""What people see: the commands, windows and messages in Slack. It asks the Desk, and nothing below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_bolt import App


def register(app: App) -> None:
    """Add every listener to `app`, whose context has to hold the Desk as `desk`."""
    from . import (
        actions,
        announcing,
        approving,
        asking,
        commands,
        correcting,
        errors,
        later,
        picking,
        shortcuts,
        unknowns,
        views,
    )

    clicks = (actions, later, announcing, asking, approving, correcting, unknowns)
    for module in (commands, picking, shortcuts, *clicks, views, errors):
        module.register(app)
