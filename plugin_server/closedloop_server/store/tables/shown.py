"""What the campaigns should show, what they were told, and what people changed there."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, false, text

from closedloop_server.store.tables.columns import Instant, Words, metadata

desired = Table(
    "desired",
    metadata,
    # Written by publish; `digest` is of `state`.
    Column("connection", String(64), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("campaign_id", String(100)),
    Column("state", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("changed_at", Instant, nullable=False),
    # Whether the CRM is still to be told; whoever tells it takes this back.
    Column("waits", Boolean, nullable=False, default=False, server_default=false()),
    # The smallest is told first: see store/priority.py.
    Column("priority", Integer, nullable=False, default=0, server_default=text("0")),
)
Index("ix_desired_campaign", desired.c.connection, desired.c.campaign_id)
Index(
    "ix_desired_order",
    *(desired.c.connection, desired.c.waits, desired.c.priority, desired.c.changed_at, desired.c.key),
)

delivered = Table(
    "delivered",
    metadata,
    # Written by deliver: the digest last accepted or refused by the CRM, and how it went.
    Column("connection", String(64), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("delivery", String(20), nullable=False),  # delivered | refused | retry
    Column("code", Words(100)),
    Column("message", Words()),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Instant),
    Column("at", Instant, nullable=False),
    Column("call", Integer, nullable=False, default=0, server_default=text("0")),  # the number of its end
    # What the CRM accepted last, whatever it refused since, and what it had accepted before that.
    Column("shown", JSON(none_as_null=True)),
    Column("shown_digest", String(64)),
    Column("shown_at", Instant),
    Column("before", JSON(none_as_null=True)),
)
Index("ix_delivered_delivery", delivered.c.connection, delivered.c.delivery)

tellings = Table(
    "tellings",
    metadata,
    # Calls that were begun and of which it is not known that they are over: each may change what the target
    # shows until then. See store/telling.py.
    Column("connection", String(64), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("call", Integer, primary_key=True),  # the number of its beginning
    Column("digest", String(64), nullable=False),
    Column("lease", Integer, nullable=False),  # the number of the worker's lease
    Column("until", Instant, nullable=False),  # when it can no longer arrive
)

overridden = Table(
    "overridden",
    metadata,
    # Values that were told, and that somebody changed in the CRM afterwards. Written by whoever reads.
    Column("connection", String(64), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("call", Integer, nullable=False),  # as in delivered: void when there was a later one
    Column("shows", JSON, nullable=False),  # our field to what stands there now
    Column("seen_at", Instant, nullable=False),
)

deliverers = Table(
    "deliverers",
    metadata,
    # How telling each connection fares.
    Column("connection", String(64), primary_key=True),
    # Counts the beginnings and the ends of calls, so that what was read can be told to be later than either.
    Column("calls", Integer, nullable=False, default=0, server_default=text("0")),
    Column("answered_at", Instant),  # when the CRM last took or refused something
    Column("failing_since", Instant),
    Column("code", Words(100)),
    Column("message", Words()),
    # The CRM does not accept the credentials: no waiting mends that.
    Column("denied", Boolean, nullable=False, default=False, server_default=false()),
    Column("bulk_until", Instant),  # bulk work waits until then: its share of the budget is spent
    Column("form", String(64)),  # what the CRM said of the fields that are written to
    Column("form_at", Instant),
)

usage = Table(
    "usage",
    metadata,
    # The calls of each connection by slices of time. The slice at the beginning of time is only for locking.
    Column("connection", String(64), primary_key=True),
    Column("slice", Integer, primary_key=True),
    Column("calls", Integer, nullable=False),
)
