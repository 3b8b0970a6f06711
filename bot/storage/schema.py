"""The tables, as they are at the newest migration."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)

HEAD = "0006"  # the newest migration: a database that is there already need not load Alembic


class UTCDateTime(TypeDecorator[datetime]):
    """Aware times in, aware times in UTC out; SQLite keeps no zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Line(TypeDecorator[str]):
    """Any text can be written: U+FFFD stands where no database can keep a character."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Words(Line):
    """The same, as long as it may be."""

    impl = Text
    cache_ok = True


UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps no NUL, UTF-8 no half a surrogate pair


def storable(text: str) -> str:
    """`text` as it will be kept."""
    if text.isascii() and "\0" not in text:
        return text
    return UNSTORABLE.sub("\ufffd", text)


def _serial() -> Column[int]:
    # SQLite counts by itself only in a column of exactly the type INTEGER.
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Column("id", kind, primary_key=True, autoincrement=True)


# Every constraint has a name, or a later migration could not speak of it.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)

workers = Table(
    "workers",
    metadata,
    Column("id", Line(64), primary_key=True),
    Column("seen_at", UTCDateTime, nullable=False),
)

sends = Table(
    "sends",
    metadata,
    _serial(),
    Column("key", Line(64), nullable=False, unique=True),
    Column("team", Words, nullable=False),
    Column("channel", Line(64), nullable=False),
    Column("supervisor", Line(64), nullable=False),
    Column("conversation_id", Line(64), nullable=False),
    Column("response", Words, nullable=False),
    Column("send_as", Line(16), nullable=False),
    Column("requested_at", UTCDateTime, nullable=False),
    Column("language", Line(64)),
    Column("by_operator", Boolean, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("asked_not_before", UTCDateTime),
    Column("claimed_at", UTCDateTime, nullable=False),
    Column("state", Line(16), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("reason", Words, nullable=False),
    Column("message_id", Words),
    Column("correlation_id", Words, nullable=False),
    Column("sender_id", Line(64)),
    Column("text_hash", Line(64)),
    Column("not_before", UTCDateTime),
    Column("waiting_until", UTCDateTime),
    Column("worker", Line(64)),
    Column("held_since", UTCDateTime),
    # Who has to open it before it may leave ("agent"), until when, and who did.
    Column("gate", Line(16)),
    Column("gate_until", UTCDateTime),
    Column("opened_by", Line(64)),
    # Who said of an unknown one that it is dealt with.
    Column("handled_by", Line(64)),
    # What Genesys says of the message afterwards, and when to ask it again.
    Column("delivery", Line(16)),
    Column("delivery_error", Words),
    Column("landed_in", Line(64)),
    Column("look_at", UTCDateTime),
    Column("looks", Integer, nullable=False, server_default="0"),
    # Meant for a later time; what its window showed of the conversation; the send that it corrects;
    # whether the supervisor changed the text, and who approved it.
    Column("scheduled", Boolean, nullable=False, server_default=false()),
    Column("seen", JSON),
    Column("corrects", Line(64)),
    Column("edited", Boolean, nullable=False, server_default=false()),
    Column("approved_by", Line(64)),
    # The queue that the conversation was in when it left, by name or else by id.
    Column("queue", Words),
    Index("sends_in_time", "claimed_at", "id"),
    Index("sends_by_state", "state", "claimed_at", "id"),
    Index("sends_by_supervisor", "supervisor", "claimed_at", "id"),
    Index("sends_by_conversation", "conversation_id", "claimed_at", "id"),
)

Index(
    "sends_to_look_at",
    sends.c.look_at,
    sqlite_where=sends.c.look_at.is_not(None),
    postgresql_where=sends.c.look_at.is_not(None),
)

# What customers read and supervisors typed, apart: it is purged, the record of the send stays.
texts = Table(
    "texts",
    metadata,
    Column("key", Line(64), ForeignKey("sends.key"), primary_key=True),
    Column("typed", JSON, nullable=False),
    Column("template", Words),
    Column("final", Words),
)

threads = Table(
    "threads",
    metadata,
    Column("channel", Line(64), primary_key=True),
    Column("conversation_id", Line(64), primary_key=True),
    Column("ts", Line(64)),
    Column("carding", Boolean, nullable=False),
    Column("card_due", Boolean, nullable=False),
    Column("card_not_before", UTCDateTime),
    Column("touched_at", UTCDateTime, nullable=False),
    Column("worker", Line(64)),
    Column("held_since", UTCDateTime),
    # Counts how often the card fell due, so that whoever shows it knows whether it has since.
    Column("touches", Integer, nullable=False, server_default="0"),
)
Index("threads_by_ts", threads.c.channel, threads.c.ts)
Index(
    "threads_with_card_due",
    threads.c.touched_at,
    sqlite_where=threads.c.card_due.is_(True),
    postgresql_where=threads.c.card_due.is_(True),
)

posts = Table(
    "posts",
    metadata,
    _serial(),
    Column("key", Line(64), ForeignKey("sends.key"), nullable=False),
    Column("kind", Line(16), nullable=False),
    Column("channel", Line(64), nullable=False),
    Column("conversation_id", Line(64), nullable=False),
    Column("state", Line(16), nullable=False),
    Column("reason", Words, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("posting", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UTCDateTime),
    Column("done_at", UTCDateTime),
    Column("ts", Line(64)),
    Column("failure", Words, nullable=False),
    ForeignKeyConstraint(["channel", "conversation_id"], ["threads.channel", "threads.conversation_id"]),
)
Index(
    "posts_open",
    posts.c.channel,
    posts.c.conversation_id,
    posts.c.id,
    sqlite_where=posts.c.done_at.is_(None),
    postgresql_where=posts.c.done_at.is_(None),
)

links = Table(
    "links",
    metadata,
    Column("slack_user", Line(64), primary_key=True),
    Column("genesys_user", Line(64), nullable=False, unique=True),
    Column("source", Line(16), nullable=False),
    Column("linked_at", UTCDateTime, nullable=False),
    Column("name", Words, nullable=False),
    Column("email", Words, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("key", Line(64), primary_key=True),
    Column("kind", Line(16), nullable=False),
    Column("request", JSON, nullable=False),
    Column("supervisor", Line(64), nullable=False),
    Column("channel", Line(64), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)

# People's own Genesys tokens, sealed; `worker` refreshes them at the moment.
grants = Table(
    "grants",
    metadata,
    Column("genesys_user", Line(64), primary_key=True),
    Column("access", Words, nullable=False),
    Column("refresh", Words),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("worker", Line(64)),
    Column("held_since", UTCDateTime),
)

# A log-in under way: which Slack user began it, and what its callback has to bring along.
connects = Table(
    "connects",
    metadata,
    Column("id", Line(64), primary_key=True),
    Column("slack_user", Line(64), nullable=False),
    Column("send_key", Line(64)),
    Column("verifier", Words),
    Column("cookie_hash", Line(64)),
    Column("created_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
)

# Genesys' own canned responses as they were read last, for when Genesys is away.
library_responses = Table(
    "library_responses",
    metadata,
    Column("library", Words, primary_key=True),
    Column("id", Line(64), primary_key=True),
    Column("content", JSON, nullable=False),
    Column("read_at", UTCDateTime, nullable=False),
)

# Chats that a webhook announced, in the channels that asked for it.
chats = Table(
    "chats",
    metadata,
    Column("channel", Line(64), primary_key=True),
    Column("conversation_id", Line(64), primary_key=True),
    Column("queue", Words, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
)

hooks = Table(
    "hooks",
    metadata,
    Column("id", Line(64), primary_key=True),
    Column("at", UTCDateTime, nullable=False),
)

# While a row is here nothing leaves for that team or into its channel; the team "" is all of them.
pauses = Table(
    "pauses",
    metadata,
    Column("team", Words, primary_key=True),
    Column("since", UTCDateTime, nullable=False),
    Column("actor", Words, nullable=False),
    Column("channel", Line(64)),
)

# Append-only: the first migration puts triggers on it that refuse UPDATE and DELETE.
# `mac` chains a record to the one before it; records from before there was a chain have none.
audit = Table(
    "audit",
    metadata,
    _serial(),
    Column("at", UTCDateTime, nullable=False),
    Column("key", Line(64)),
    Column("event", Line(32), nullable=False),
    Column("actor", Words, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("mac", Line(64)),
    Column("key_id", Line(16)),
    Index("audit_by_key", "key", "id"),
)

# Its one row says where the chain ends, so that a cut-off end is seen; whoever adds a record locks it.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("records", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("mac", Line(64), nullable=False),
    Column("key_id", Line(16), nullable=False),
    Column("seal", Line(64), nullable=False),
)
