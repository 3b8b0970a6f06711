"""Sends for a later time, corrections, approvals, and what the supervisor saw and changed before sending."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for column in (
        sa.Column("scheduled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("seen", sa.JSON()),
        sa.Column("corrects", sa.String(64)),
        sa.Column("edited", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("approved_by", sa.String(64)),
        sa.Column("queue", sa.Text()),
    ):
        op.add_column("sends", column)
    op.create_index("threads_by_ts", "threads", ["channel", "ts"])
