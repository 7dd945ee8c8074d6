"""Whose work is whose."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, text

from closedloop_server.store.tables.columns import Instant, Words, metadata

leases = Table(
    "leases",
    metadata,
    # The worker with the newest number has the work; one with an older number may not write any more.
    Column("kind", String(10), primary_key=True),
    Column("connection", String(64), primary_key=True),  # "" for work that concerns all
    Column("number", Integer, nullable=False),
    Column("holder", Words(100), nullable=False),
    Column("taken_at", Instant, nullable=False),
    # How the work fares: turns that failed in a row, why the last did, when the next one is taken.
    Column("failures", Integer, nullable=False, default=0, server_default=text("0")),
    Column("error", Words()),
    Column("held_until", Instant),
)
