"""Who may do what, and who did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from closedloop_server.store.tables.columns import Number

revision = "0009"
down_revision = "0008"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds scopes and ends to the tokens, sessions, the audit, changed credentials, and who was erased.

    Tokens keep what they allowed. Whoever is signed in to the pages signs in again: sessions are rows now.
    """
    scopes: sa.Column[str] = sa.Column("scopes", sa.String(100), nullable=True)
    op.add_column("tokens", scopes)
    for name in ("expires_at", "last_used_at"):
        added: sa.Column[object] = sa.Column(name, _INSTANT, nullable=True)
        op.add_column("tokens", added)
    _sign_ins()
    op.create_table(
        "audit",
        sa.Column("id", Number, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("target", sa.String(250), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "credentials",
        sa.Column("connection", sa.String(64), nullable=False),
        sa.Column("given", sa.String(64), nullable=True),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("changed_at", _INSTANT, nullable=True),
        sa.Column("holder", sa.String(40), nullable=True),
        sa.Column("held_until", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("connection", name="pk_credentials"),
    )
    op.create_table(
        "erasures",
        sa.Column("connection", sa.String(64), nullable=False),
        sa.Column("object", sa.String(32), nullable=False),
        sa.Column("crm_id", sa.String(100), nullable=False),
        sa.Column("erased_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "crm_id", name="pk_erasures"),
    )
    op.execute(_ALREADY_ERASED)
    emptied: sa.Column[object] = sa.Column("emptied_at", _INSTANT, nullable=True)
    op.add_column("records", emptied)
    op.create_index("ix_records_deleted", "records", ["deleted", "read_at"])


_ALREADY_ERASED = """
    INSERT INTO erasures (connection, object, crm_id, erased_at)
    SELECT connection, object, crm_id, read_at FROM records WHERE erased
"""


def _sign_ins() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.ForeignKeyConstraint(["token"], ["tokens.digest"], name="fk_sessions_token"),
    )
    op.create_index("ix_sessions_token", "sessions", ["token"])
    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in_links"),
        sa.ForeignKeyConstraint(["token"], ["tokens.digest"], name="fk_sign_in_links_token"),
    )
    op.create_table(
        "failed_sign_ins",
        sa.Column("id", Number, nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failed_sign_ins"),
    )
    op.create_index("ix_failed_sign_ins_at", "failed_sign_ins", ["at", "client"])


def downgrade() -> None:
    """Removes them. A token with fewer scopes than its role keeps the role."""
    op.drop_index("ix_records_deleted", "records")
    with op.batch_alter_table("records") as records:
        records.drop_column("emptied_at")
    for table in ("erasures", "credentials", "audit", "failed_sign_ins", "sign_in_links", "sessions"):
        op.drop_table(table)
    with op.batch_alter_table("tokens") as tokens:
        for name in ("last_used_at", "expires_at", "scopes"):
            tokens.drop_column(name)
