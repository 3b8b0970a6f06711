"""The channel of a team that is paused, by which it stays so under another name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("pauses", sa.Column("channel", sa.String(64)))
