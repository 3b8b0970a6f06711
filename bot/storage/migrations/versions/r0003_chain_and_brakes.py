"""The audit record becomes a chain with a known end; pauses; unknown sends that somebody has dealt with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("sends", sa.Column("handled_by", sa.String(64)))
    op.create_table(
        "pauses",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team", name="pauses_pkey"),
    )
    # ADD COLUMN rebuilds no table, so the triggers that keep the record append-only stay.
    op.add_column("audit", sa.Column("mac", sa.String(64)))
    op.add_column("audit", sa.Column("key_id", sa.String(16)))
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_head_pkey"),
    )
