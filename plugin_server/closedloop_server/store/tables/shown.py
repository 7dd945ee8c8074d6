"""What the campaigns should show, and what they were told."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from closedloop_server.store.tables.columns import Instant, metadata

desired = Table(
    "desired",
    metadata,
    # Written only by publish; `digest` is of `state`.
    Column("connection", String(64), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("campaign_id", String(100)),
    Column("state", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("changed_at", Instant, nullable=False),
)
Index("ix_desired_campaign", desired.c.connection, desired.c.campaign_id)

delivered = Table(
    "delivered",
    metadata,
    # Written only by deliver: the digest last accepted or refused by the CRM, and how it went.
    Column("connection", String(64), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("delivery", String(20), nullable=False),  # delivered | refused | retry
    Column("code", String(100)),
    Column("message", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Instant),
    Column("at", Instant, nullable=False),
)
