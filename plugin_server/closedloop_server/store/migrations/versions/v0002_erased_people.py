"""Marks the people whom their CRM deleted for their privacy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the mark; nobody was erased before."""
    erased: sa.Column[bool] = sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("records", erased)


def downgrade() -> None:
    """Removes the mark; what was erased stays so."""
    with op.batch_alter_table("records") as records:
        records.drop_column("erased")
