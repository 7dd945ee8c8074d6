"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Exact, Instant, Number, Words

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes every table."""
    _arrivals()
    _records()
    _stale()
    _decisions()
    _people()
    _credit()
    _feedback()


def downgrade() -> None:
    """Removes every table, with all that is in it."""
    op.drop_table("tokens")
    op.drop_table("delivered")
    op.drop_table("desired")
    op.drop_table("touches")
    op.drop_table("credits")
    op.drop_table("people")
    op.drop_table("standings")
    op.drop_table("ledger")
    op.drop_table("marks")
    op.drop_table("stale")
    op.drop_table("refusals")
    op.drop_table("edges")
    op.drop_table("records")
    op.drop_table("cursors")
    op.drop_table("hints")
    op.drop_table("inbox")


def _arrivals() -> None:
    """What came in."""
    op.create_table(
        "inbox",
        sa.Column("id", Number, nullable=False),
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("content_type", Words(100), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.Column("hints", sa.Integer(), nullable=True),
        sa.Column("ignored", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("connection", "digest", name=op.f("uq_inbox_connection_digest")),
    )
    op.create_index("ix_inbox_waiting", "inbox", ["read_at", "id"], unique=False)
    op.create_table(
        "hints",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("noted", sa.Integer(), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "object", "crm_id", name=op.f("pk_hints")),
    )
    op.create_table(
        "cursors",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("polled_at", Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_cursors")),
    )


def _records() -> None:
    """What the CRMs hold."""
    op.create_table(
        "records",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("other_id", sa.String(length=100), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("updated_at", Instant(), nullable=True),
        sa.Column("read_at", Instant(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "crm_id", name=op.f("pk_records")),
    )
    op.create_index("ix_records_email", "records", ["email"], unique=False)
    op.create_index("ix_records_other_id", "records", ["connection", "object", "other_id"], unique=False)
    op.create_table(
        "edges",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("to_connection", sa.String(length=64), nullable=False),
        sa.Column("to_object", sa.String(length=32), nullable=False),
        sa.Column("to_id", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint(
            "connection",
            "object",
            "crm_id",
            "role",
            "to_connection",
            "to_object",
            "to_id",
            name=op.f("pk_edges"),
        ),
    )
    op.create_index("ix_edges_to", "edges", ["to_connection", "to_object", "to_id", "role"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("reason", Words(64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "crm_id", name=op.f("pk_refusals")),
    )


def _stale() -> None:
    """What has to be looked at again."""
    op.create_table(
        "stale",
        sa.Column("work", sa.String(length=10), nullable=False),
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("noted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("work", "connection", "object", "crm_id", name=op.f("pk_stale")),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )


def _decisions() -> None:
    """What sales decided, and about whom."""
    op.create_table(
        "ledger",
        sa.Column("id", Number, nullable=False),
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("contributing", sa.JSON(), nullable=False),
        sa.Column("raw_reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("stage", Words(200), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", Words(100), nullable=True),
        sa.Column("amount", Exact(), nullable=True),
        sa.Column("currency", Words(3), nullable=True),
        sa.Column("learned_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint(
            "connection", "object", "crm_id", "entry", name=op.f("uq_ledger_connection_object_crm_id_entry")
        ),
    )
    op.create_table(
        "standings",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("ledger_id", Number, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledger.id"], name=op.f("fk_standings_ledger_id")),
        sa.PrimaryKeyConstraint("connection", "object", "crm_id", name=op.f("pk_standings")),
    )
    op.create_index("ix_standings_outcome", "standings", ["outcome", "reason"], unique=False)


def _people() -> None:
    """Who is behind each decision."""
    op.create_table(
        "people",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=32), nullable=False),
        sa.Column("crm_id", sa.String(length=100), nullable=False),
        sa.Column("person_connection", sa.String(length=64), nullable=False),
        sa.Column("person_object", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=100), nullable=False),
        sa.Column("human", sa.Integer(), nullable=False),
        sa.Column("link", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint(
            "connection",
            "object",
            "crm_id",
            "person_connection",
            "person_object",
            "person_id",
            name=op.f("pk_people"),
        ),
    )
    op.create_index(
        "ix_people_person", "people", ["person_connection", "person_object", "person_id"], unique=False
    )


def _credit() -> None:
    """Who gets the credit."""
    op.create_table(
        "credits",
        sa.Column("ledger_id", Number, nullable=False),
        sa.Column("model", sa.String(length=20), nullable=False),
        sa.Column("campaign_connection", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=100), nullable=False),
        sa.Column("share", Exact(), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledger.id"], name=op.f("fk_credits_ledger_id")),
        sa.PrimaryKeyConstraint(
            "ledger_id", "model", "campaign_connection", "campaign_id", name=op.f("pk_credits")
        ),
    )
    op.create_index(
        "ix_credits_campaign", "credits", ["campaign_connection", "campaign_id", "model"], unique=False
    )
    op.create_table(
        "touches",
        sa.Column("ledger_id", Number, nullable=False),
        sa.Column("campaign_connection", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=100), nullable=False),
        sa.Column("member_id", sa.String(length=100), nullable=False),
        sa.Column("person_connection", sa.String(length=64), nullable=False),
        sa.Column("person_object", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=100), nullable=False),
        sa.Column("touched_at", Instant(), nullable=True),
        sa.Column("link", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledger.id"], name=op.f("fk_touches_ledger_id")),
        sa.PrimaryKeyConstraint(
            "ledger_id", "campaign_connection", "campaign_id", "member_id", name=op.f("pk_touches")
        ),
    )
    op.create_index("ix_touches_campaign", "touches", ["campaign_connection", "campaign_id"], unique=False)


def _feedback() -> None:
    """What was told, and who may look."""
    op.create_table(
        "desired",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("campaign_id", sa.String(length=100), nullable=True),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "key", name=op.f("pk_desired")),
    )
    op.create_index("ix_desired_campaign", "desired", ["connection", "campaign_id"], unique=False)
    op.create_table(
        "delivered",
        sa.Column("connection", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("delivery", sa.String(length=20), nullable=False),
        sa.Column("code", Words(100), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "key", name=op.f("pk_delivered")),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tokens")),
    )
