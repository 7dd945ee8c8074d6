"""How far the first reading of each CRM has come, who paused it, and what waits only because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Words

revision = "0005"
down_revision = "0004"

_NEW = ("organisation", "started_at", "complete_at", "page_at", "done", "expected", "paused_at", "paused_by")


def upgrade() -> None:
    """Adds the columns; a connection that reached the end of a poll before has read everything once."""
    for column in _columns():
        op.add_column("cursors", column)
    op.execute("UPDATE cursors SET started_at = polled_at, complete_at = polled_at")
    bulk: sa.Column[bool] = sa.Column("bulk", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("stale", bulk)


def downgrade() -> None:
    """Removes them."""
    with op.batch_alter_table("stale") as stale:
        stale.drop_column("bulk")
    with op.batch_alter_table("cursors") as cursors:
        for name in ("round", *_NEW):
            cursors.drop_column(name)


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("organisation", Words(100), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.JSON(), nullable=True),
        sa.Column("expected", sa.JSON(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.String(100), nullable=True),
    )
