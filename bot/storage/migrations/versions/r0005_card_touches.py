"""How often a thread's card fell due, by which a card that changed while it was shown is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("threads", sa.Column("touches", sa.Integer(), nullable=False, server_default="0"))
