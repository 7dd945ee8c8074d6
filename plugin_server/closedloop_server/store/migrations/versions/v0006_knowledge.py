"""What was known when: since when credits and touches hold, those that held before, and by which mappings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Exact, Number

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the columns, empty for what is there already, and the tables of the past."""
    version: sa.Column[str] = sa.Column("mappings", sa.String(64), nullable=True)
    op.add_column("ledger", version)
    for table in ("credits", "touches"):
        since: sa.Column[object] = sa.Column("learned_at", sa.DateTime(timezone=True), nullable=True)
        op.add_column(table, since)
    _past_credits()
    _past_touches()
    op.create_table(
        "mapping_versions",
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_mapping_versions"),
    )


def downgrade() -> None:
    """Removes them, with what was known of the past; what holds now stays."""
    op.drop_table("mapping_versions")
    op.drop_table("past_touches")
    op.drop_table("past_credits")
    for table in ("touches", "credits"):
        with op.batch_alter_table(table) as altered:
            altered.drop_column("learned_at")
    with op.batch_alter_table("ledger") as ledger:
        ledger.drop_column("mappings")


def _past_credits() -> None:
    op.create_table(
        "past_credits",
        sa.Column("id", Number, nullable=False),
        sa.Column("ledger_id", Number, nullable=False),
        sa.Column("model", sa.String(20), nullable=False),
        sa.Column("campaign_connection", sa.String(64), nullable=False),
        sa.Column("campaign_id", sa.String(100), nullable=False),
        sa.Column("share", Exact(), nullable=False),
        sa.Column("cause", sa.String(40), nullable=True),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledger.id"], name="fk_past_credits_ledger_id"),
        sa.PrimaryKeyConstraint("id", name="pk_past_credits"),
    )
    op.create_index(
        "ix_past_credits_campaign", "past_credits", ["campaign_connection", "campaign_id", "model"]
    )


def _past_touches() -> None:
    op.create_table(
        "past_touches",
        sa.Column("id", Number, nullable=False),
        sa.Column("ledger_id", Number, nullable=False),
        sa.Column("campaign_connection", sa.String(64), nullable=False),
        sa.Column("campaign_id", sa.String(100), nullable=False),
        sa.Column("member_id", sa.String(100), nullable=False),
        sa.Column("person_connection", sa.String(64), nullable=False),
        sa.Column("person_object", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(100), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link", sa.String(20), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledger.id"], name="fk_past_touches_ledger_id"),
        sa.PrimaryKeyConstraint("id", name="pk_past_touches"),
    )
    op.create_index("ix_past_touches_ledger_id", "past_touches", ["ledger_id"])
