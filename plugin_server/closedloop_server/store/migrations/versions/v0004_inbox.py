"""What became of deliveries, and what is kept of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_EMPTIED_BEFORE = sa.text(
    "UPDATE inbox SET emptied = 'privacy', emptied_at = coalesce(read_at, received_at) WHERE length(body) = 0"
)
"""No delivery is ever stored without a body: only erasing a person emptied one."""


def upgrade() -> None:
    """Adds the notes about replays and emptied bodies, and finds those that were emptied before."""
    at = sa.DateTime(timezone=True)
    columns: tuple[sa.Column[object], ...] = (
        sa.Column("replays", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("replayed_at", at, nullable=True),
        sa.Column("emptied_at", at, nullable=True),
        sa.Column("emptied", sa.String(20), nullable=True),
    )
    for column in columns:
        op.add_column("inbox", column)
    op.create_index("ix_inbox_received", "inbox", ["received_at"])
    op.execute(_EMPTIED_BEFORE)


def downgrade() -> None:
    """Removes the notes; what was emptied stays so."""
    op.drop_index("ix_inbox_received", "inbox")
    with op.batch_alter_table("inbox") as inbox:
        for name in ("replays", "replayed_at", "emptied_at", "emptied"):
            inbox.drop_column(name)
