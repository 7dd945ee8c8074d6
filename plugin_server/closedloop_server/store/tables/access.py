"""Who may look."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from closedloop_server.store.tables.columns import Instant, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token; the token itself is not kept
    Column("name", String(100), nullable=False),
    Column("role", String(20), nullable=False),  # viewer | admin
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
