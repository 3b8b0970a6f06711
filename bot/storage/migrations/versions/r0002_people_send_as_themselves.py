"""People's own tokens and log-ins, gates and deliveries of sends, Genesys' libraries, announced chats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("gate", sa.String(16)),
        sa.Column("gate_until", _time()),
        sa.Column("opened_by", sa.String(64)),
        sa.Column("delivery", sa.String(16)),
        sa.Column("delivery_error", sa.Text()),
        sa.Column("landed_in", sa.String(64)),
        sa.Column("look_at", _time()),
        sa.Column("looks", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("sends", column)
    op.create_index(
        "sends_to_look_at",
        "sends",
        ["look_at"],
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "grants",
        sa.Column("genesys_user", sa.String(64), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("refresh", sa.Text()),
        sa.Column("expires_at", _time(), nullable=False),
        sa.Column("changed_at", _time(), nullable=False),
        sa.Column("worker", sa.String(64)),
        sa.Column("held_since", _time()),
        sa.PrimaryKeyConstraint("genesys_user", name="grants_pkey"),
    )
    op.create_table(
        "connects",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("slack_user", sa.String(64), nullable=False),
        sa.Column("send_key", sa.String(64)),
        sa.Column("verifier", sa.Text()),
        sa.Column("cookie_hash", sa.String(64)),
        sa.Column("created_at", _time(), nullable=False),
        sa.Column("used_at", _time()),
        sa.PrimaryKeyConstraint("id", name="connects_pkey"),
    )
    op.create_table(
        "library_responses",
        sa.Column("library", sa.Text(), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("read_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="library_responses_pkey"),
    )
    op.create_table(
        "chats",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("started_at", _time(), nullable=False),
        sa.Column("ended_at", _time()),
        sa.PrimaryKeyConstraint("channel", "conversation_id", name="chats_pkey"),
    )
    op.create_table(
        "hooks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="hooks_pkey"),
    )


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)
