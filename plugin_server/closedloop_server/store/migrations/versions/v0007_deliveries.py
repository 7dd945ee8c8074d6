"""What the CRMs were told, and what people changed there since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Words

revision = "0007"
down_revision = "0006"

_WAITING = sa.text(
    "UPDATE desired SET waits = true WHERE NOT EXISTS (SELECT 1 FROM delivered "
    "WHERE delivered.connection = desired.connection AND delivered.key = desired.key "
    "AND delivered.digest = desired.digest AND delivered.delivery != 'retry')"
)
_ORDER = sa.text(
    "UPDATE desired SET priority = CASE kind WHEN 'person' THEN 0 WHEN 'campaign' THEN 1 ELSE 2 END"
)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds what is known of each telling, and finds what waits to be told."""
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.execute(_WAITING)
    op.execute(_ORDER)
    op.create_index("ix_desired_order", "desired", ["connection", "waits", "priority", "changed_at", "key"])
    op.create_index("ix_delivered_delivery", "delivered", ["connection", "delivery"])
    op.create_index("ix_stale_order", "stale", ["work", "bulk", "connection", "object", "crm_id"])
    for name, parts in _tables().items():
        op.create_table(name, *parts)


def downgrade() -> None:
    """Removes it."""
    for name in _tables():
        op.drop_table(name)
    op.drop_index("ix_stale_order", "stale")
    op.drop_index("ix_delivered_delivery", "delivered")
    op.drop_index("ix_desired_order", "desired")
    for table, columns in _columns().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)


def _columns() -> dict[str, tuple[sa.Column[object], ...]]:
    return {
        "desired": (
            sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0")),
        ),
        "delivered": (
            sa.Column("call", sa.Integer(), nullable=False, server_default=sa.text("0")),
            sa.Column("shown", sa.JSON(), nullable=True),
            sa.Column("shown_digest", sa.String(64), nullable=True),
            sa.Column("shown_at", _TIME, nullable=True),
            sa.Column("before", sa.JSON(), nullable=True),
        ),
        "hints": (sa.Column("again_at", _TIME, nullable=True),),
    }


def _tables() -> dict[str, tuple[sa.Column[object] | sa.Constraint, ...]]:
    def key(*names: str, table: str) -> sa.PrimaryKeyConstraint:
        return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")

    def connection() -> sa.Column[object]:
        return sa.Column("connection", sa.String(64), nullable=False)

    def of_target() -> sa.Column[object]:
        return sa.Column("key", sa.String(250), nullable=False)

    return {
        "tellings": (
            connection(),
            of_target(),
            sa.Column("call", sa.Integer(), nullable=False),
            sa.Column("digest", sa.String(64), nullable=False),
            sa.Column("lease", sa.Integer(), nullable=False),
            sa.Column("until", _TIME, nullable=False),
            key("connection", "key", "call", table="tellings"),
        ),
        "overridden": (
            connection(),
            of_target(),
            sa.Column("call", sa.Integer(), nullable=False),
            sa.Column("shows", sa.JSON(), nullable=False),
            sa.Column("seen_at", _TIME, nullable=False),
            key("connection", "key", table="overridden"),
        ),
        "deliverers": (
            connection(),
            sa.Column("calls", sa.Integer(), nullable=False, server_default=sa.text("0")),
            sa.Column("answered_at", _TIME, nullable=True),
            sa.Column("failing_since", _TIME, nullable=True),
            sa.Column("code", Words(100), nullable=True),
            sa.Column("message", sa.Text(), nullable=True),
            sa.Column("denied", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("bulk_until", _TIME, nullable=True),
            sa.Column("form", sa.String(64), nullable=True),
            sa.Column("form_at", _TIME, nullable=True),
            key("connection", table="deliverers"),
        ),
        "usage": (
            connection(),
            sa.Column("slice", sa.Integer(), nullable=False),
            sa.Column("calls", sa.Integer(), nullable=False),
            key("connection", "slice", table="usage"),
        ),
    }
