"""The first tables, and an audit record that the database itself keeps append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _serial(), autoincrement=True, nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.Column("key", sa.String(64)),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_pkey"),
    )
    op.create_index("audit_by_key", "audit", ["key", "id"])

    op.create_table(
        "drafts",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("supervisor", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("created_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="drafts_pkey"),
    )

    op.create_table(
        "links",
        sa.Column("slack_user", sa.String(64), nullable=False),
        sa.Column("genesys_user", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("linked_at", _time(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slack_user", name="links_pkey"),
        sa.UniqueConstraint("genesys_user", name="links_genesys_user_key"),
    )

    op.create_table(
        "sends",
        sa.Column("id", _serial(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("supervisor", sa.String(64), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("send_as", sa.String(16), nullable=False),
        sa.Column("requested_at", _time(), nullable=False),
        sa.Column("language", sa.String(64)),
        sa.Column("by_operator", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("asked_not_before", _time()),
        sa.Column("claimed_at", _time(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("changed_at", _time(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.String(64)),
        sa.Column("text_hash", sa.String(64)),
        sa.Column("not_before", _time()),
        sa.Column("waiting_until", _time()),
        sa.Column("worker", sa.String(64)),
        sa.Column("held_since", _time()),
        sa.PrimaryKeyConstraint("id", name="sends_pkey"),
        sa.UniqueConstraint("key", name="sends_key_key"),
    )
    op.create_index("sends_by_conversation", "sends", ["conversation_id", "claimed_at", "id"])
    op.create_index("sends_by_state", "sends", ["state", "claimed_at", "id"])
    op.create_index("sends_by_supervisor", "sends", ["supervisor", "claimed_at", "id"])
    op.create_index("sends_in_time", "sends", ["claimed_at", "id"])

    op.create_table(
        "threads",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("ts", sa.String(64)),
        sa.Column("carding", sa.Boolean(), nullable=False),
        sa.Column("card_due", sa.Boolean(), nullable=False),
        sa.Column("card_not_before", _time()),
        sa.Column("touched_at", _time(), nullable=False),
        sa.Column("worker", sa.String(64)),
        sa.Column("held_since", _time()),
        sa.PrimaryKeyConstraint("channel", "conversation_id", name="threads_pkey"),
    )
    op.create_index(
        "threads_with_card_due",
        "threads",
        ["touched_at"],
        sqlite_where=sa.text("card_due IS 1"),
        postgresql_where=sa.text("card_due IS true"),
    )

    op.create_table(
        "workers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("seen_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="workers_pkey"),
    )

    op.create_table(
        "posts",
        sa.Column("id", _serial(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", _time(), nullable=False),
        sa.Column("posting", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", _time()),
        sa.Column("done_at", _time()),
        sa.Column("ts", sa.String(64)),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel", "conversation_id"],
            ["threads.channel", "threads.conversation_id"],
            name="posts_channel_fkey",
        ),
        sa.ForeignKeyConstraint(["key"], ["sends.key"], name="posts_key_fkey"),
        sa.PrimaryKeyConstraint("id", name="posts_pkey"),
    )
    op.create_index(
        "posts_open",
        "posts",
        ["channel", "conversation_id", "id"],
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )

    op.create_table(
        "texts",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("template", sa.Text()),
        sa.Column("final", sa.Text()),
        sa.ForeignKeyConstraint(["key"], ["sends.key"], name="texts_key_fkey"),
        sa.PrimaryKeyConstraint("key", name="texts_pkey"),
    )
    _keep_append_only()


def _keep_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{event.lower()} BEFORE {event} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _serial() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
