"""Whose work is whose, and when each connection is polled next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the leases; every connection is polled at once after the upgrade."""
    op.create_table(
        "leases",
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("connection", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holder", Words(100), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "connection", name="pk_leases"),
    )
    next_at: sa.Column[object] = sa.Column("next_at", sa.DateTime(timezone=True), nullable=True)
    asked: sa.Column[int] = sa.Column("asked", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("cursors", next_at)
    op.add_column("cursors", asked)


def downgrade() -> None:
    """Removes both."""
    with op.batch_alter_table("cursors") as cursors:
        cursors.drop_column("asked")
        cursors.drop_column("next_at")
    op.drop_table("leases")
