"""Webhooks that tell others: events, subscriptions, how telling each went; service levels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Number

revision = "0008"
down_revision = "0007"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the tables; nobody subscribes yet."""
    _events()
    _subscriptions()
    _sendings()
    _levels()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("connection", sa.String(64), nullable=False),
        sa.Column("object", sa.String(32), nullable=False),
        sa.Column("crm_id", sa.String(100), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("learned_at", INSTANT, nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_learned", "events", ["learned_at", "id"])


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("connections", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("held_until", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
    )
    op.create_table(
        "subscription_secrets",
        sa.Column("id", Number, nullable=False),
        sa.Column("subscription_id", sa.String(40), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscription_secrets"),
        _of_subscription("subscription_secrets"),
    )
    op.create_index("ix_subscription_secrets_subscription", "subscription_secrets", ["subscription_id"])


def _sendings() -> None:
    op.create_table(
        "sendings",
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("subscription_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "subscription_id", name="pk_sendings"),
        _of_event("sendings"),
        _of_subscription("sendings"),
    )
    op.create_index("ix_sendings_waiting", "sendings", ["subscription_id", "state", "next_at"])
    op.create_table(
        "attempts",
        sa.Column("id", Number, nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("subscription_id", sa.String(40), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        _of_event("attempts"),
        _of_subscription("attempts"),
    )
    op.create_index("ix_attempts_subscription", "attempts", ["subscription_id", "id"])
    op.create_index("ix_attempts_event", "attempts", ["event_id"])


def _levels() -> None:
    op.create_table(
        "deadlines",
        sa.Column("connection", sa.String(64), nullable=False),
        sa.Column("object", sa.String(32), nullable=False),
        sa.Column("crm_id", sa.String(100), nullable=False),
        sa.Column("level", sa.String(64), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("breached_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("connection", "object", "crm_id", "level", "started_at", name="pk_deadlines"),
    )
    op.create_index("ix_deadlines_due", "deadlines", ["ended_at", "breached_at", "due_at"])
    op.create_table(
        "troubles",
        sa.Column("connection", sa.String(64), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("connection", "began_at", name="pk_troubles"),
    )


def _of_event(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=f"fk_{table}_event_id")


def _of_subscription(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["subscription_id"], ["subscriptions.id"], name=f"fk_{table}_subscription_id"
    )


def downgrade() -> None:
    """Removes all of it."""
    for table in (
        "troubles",
        "deadlines",
        "attempts",
        "sendings",
        "subscription_secrets",
        "subscriptions",
        "events",
    ):
        op.drop_table(table)
