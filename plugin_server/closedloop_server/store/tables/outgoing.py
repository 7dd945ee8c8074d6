"""What others are told about: events, who subscribes to them, and how telling each went; service levels."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from closedloop_server.store.tables.columns import ENCRYPTED, Instant, Number, Words, metadata

events = Table(
    "events",
    metadata,
    # What happened, written once, in the transaction that learned it. The id says what it is about, so that
    # the same news cannot become two events. Without an object, crm_id is the subscription that it is about,
    # or "".
    Column("id", String(40), primary_key=True),
    Column("type", String(40), nullable=False),
    Column("connection", String(64), nullable=False),
    Column("object", String(32), nullable=False),
    Column("crm_id", String(100), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("learned_at", Instant, nullable=False),
    Column("payload", JSON, nullable=False),
)
Index("ix_events_learned", events.c.learned_at, events.c.id)

subscriptions = Table(
    "subscriptions",
    metadata,
    # `types` and `connections` are lists; an empty one means all.
    Column("id", String(40), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("description", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", JSON, nullable=False),
    Column("connections", JSON, nullable=False),
    Column("state", String(10), nullable=False),  # active | paused | disabled | removed
    Column("why", Words(), nullable=False),
    Column("state_since", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since", Instant),  # the first of them
    Column("held_until", Instant),  # nothing is sent before
)

subscription_secrets = Table(
    "subscription_secrets",
    metadata,
    # Several during a rotation: each signs until it ends.
    Column("id", Number, primary_key=True),
    Column("subscription_id", String(40), ForeignKey("subscriptions.id"), nullable=False),
    Column("secret", Text, nullable=False, info=ENCRYPTED),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant),
)
Index("ix_subscription_secrets_subscription", subscription_secrets.c.subscription_id)

sendings = Table(
    "sendings",
    metadata,
    # One event for one subscription. An attempt is counted, and the next one set, before the call.
    Column("event_id", String(40), ForeignKey("events.id"), primary_key=True),
    Column("subscription_id", String(40), ForeignKey("subscriptions.id"), primary_key=True),
    Column("state", String(10), nullable=False),  # waiting | sent | failed
    Column("attempts", Integer, nullable=False),  # since it was last asked for
    Column("asked_at", Instant, nullable=False),
    Column("next_at", Instant),  # None: not by itself
    Column("status", Integer),  # the last answer's, None without one
    Column("error", Words(), nullable=False),
)
Index("ix_sendings_waiting", sendings.c.subscription_id, sendings.c.state, sendings.c.next_at)

attempts = Table(
    "attempts",
    metadata,
    # Every call, noted before it is made; one without a duration ended with the process.
    Column("id", Number, primary_key=True),
    Column("event_id", String(40), ForeignKey("events.id"), nullable=False),
    Column("subscription_id", String(40), ForeignKey("subscriptions.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("duration_ms", Integer),
    Column("status", Integer),
    Column("error", Words(), nullable=False),
    Column("answer", Words(), nullable=False),  # how the answer's body began
)
Index("ix_attempts_subscription", attempts.c.subscription_id, attempts.c.id)
Index("ix_attempts_event", attempts.c.event_id)

deadlines = Table(
    "deadlines",
    metadata,
    # By when a lead has to be attended to under each service level, and when it was. Written by the loop.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("level", String(64), primary_key=True),
    Column("started_at", Instant, primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("breached_at", Instant),  # when it was noticed that it was due and not ended
)
Index("ix_deadlines_due", deadlines.c.ended_at, deadlines.c.breached_at, deadlines.c.due_at)

troubles = Table(
    "troubles",
    metadata,
    # The connections that cannot be told what they should show, and since when.
    Column("connection", String(64), primary_key=True),
    Column("began_at", Instant, primary_key=True),
    Column("reason", Words(), nullable=False),
    Column("ended_at", Instant),
)
