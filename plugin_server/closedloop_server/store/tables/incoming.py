"""What came in: deliveries, what may have changed, how far each CRM was read."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from closedloop_server.store.tables.columns import Instant, Number, Words, metadata

inbox = Table(
    "inbox",
    metadata,
    Column("id", Number, primary_key=True),
    Column("connection", String(64), nullable=False),
    # The same delivery sent again has the same digest and is answered, but not stored, a second time.
    Column("digest", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("content_type", Words(100), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("read_at", Instant),  # None: waits to be read into hints
    Column("hints", Integer),  # how many objects it pointed at
    Column("ignored", JSON),  # [{"reason", "count"}]: what in it needed no work, and why
    Column("error", Words()),  # why it could not be read at all
    # How often, and when last, somebody had it read again.
    Column("replays", Integer, nullable=False, default=0, server_default=text("0")),
    Column("replayed_at", Instant),
    Column("emptied_at", Instant),  # when its body was emptied, and why: privacy | retention
    Column("emptied", String(20)),
    UniqueConstraint("connection", "digest"),
)
Index("ix_inbox_waiting", inbox.c.read_at, inbox.c.id)
Index("ix_inbox_received", inbox.c.received_at)

hints = Table(
    "hints",
    metadata,
    # One row per object that may have changed, however many webhooks said so. `noted` grows with each,
    # so that a refresh removes only what it has seen.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("noted", Integer, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Instant),
    Column("error", Words()),
    # Not a webhook's: what was read could not be compared with what we had told, and can from then on.
    Column("again_at", Instant),
)

cursors = Table(
    "cursors",
    metadata,
    # How far each CRM was read. The first reading is the back-fill: it goes from the beginning to the end.
    Column("connection", String(64), primary_key=True),
    Column("cursor", Words()),
    Column("organisation", Words(100)),  # whose records these are, by the CRM's own id
    # Grows when the reading begins anew: a poll that was under way by then keeps its place no more.
    Column("round", Integer, nullable=False, default=0, server_default=text("0")),
    Column("started_at", Instant),  # when the reading from the beginning started
    Column("complete_at", Instant),  # when that reached its end; None: not yet
    Column("page_at", Instant),  # when a page last came in
    Column("done", JSON),  # {object: how many of them the reading from the beginning has brought}
    Column("expected", JSON),  # {object: how many there were when it started}, where the CRM can count
    Column("polled_at", Instant),
    Column("next_at", Instant),  # when the next poll is due; None: at once
    # Grows when a poll is asked for: one that was under way by then may have missed something.
    Column("asked", Integer, nullable=False, default=0, server_default=text("0")),
    Column("paused_at", Instant),  # None: not paused
    Column("paused_by", String(100)),
    Column("error", Words()),
)
