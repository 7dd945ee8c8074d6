"""What the CRMs hold, how their records point at each other, and what has to be looked at again."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text, false

from closedloop_server.store.tables.columns import Instant, Words, metadata

records = Table(
    "records",
    metadata,
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("other_id", String(100)),
    Column("name", Words()),
    Column("email", String(320)),  # lower case
    Column("updated_at", Instant),  # by the CRM's clock
    Column("read_at", Instant, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    # The CRM deleted this person for their privacy: nothing is kept but the ids, so that the counts stay.
    Column("erased", Boolean, nullable=False, default=False, server_default=false()),
    # When the words of a record that the CRM deleted were taken out; None: they are there.
    Column("emptied_at", Instant),
    Column("data", JSON, nullable=False),  # the record, dumped by its marshmallow schema, `raw` included
)
Index("ix_records_email", records.c.email)
Index("ix_records_deleted", records.c.deleted, records.c.read_at)
Index("ix_records_other_id", records.c.connection, records.c.object, records.c.other_id)

edges = Table(
    "edges",
    metadata,
    # How records point at each other: "campaign", "lead", "contact", "opportunity", "converted_contact",
    # "same_person" (a linked id that the CRMs' own sync wrote; to_connection is then the other CRM's).
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("role", String(32), primary_key=True),
    Column("to_connection", String(64), primary_key=True),
    Column("to_object", String(32), primary_key=True),
    Column("to_id", String(100), primary_key=True),
)
Index("ix_edges_to", edges.c.to_connection, edges.c.to_object, edges.c.to_id, edges.c.role)

refusals = Table(
    "refusals",
    metadata,
    # CRM payloads that could not become records: seen, kept, explained.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("reason", Words(64), nullable=False),
    Column("message", Words(), nullable=False),
    Column("seen_at", Instant, nullable=False),
)

stale = Table(
    "stale",
    metadata,
    # What has to be looked at again, written in the transaction that made it so: a crash loses nothing.
    # `noted` grows with each change, so that a step strikes off only what it has seen.
    Column("work", String(10), primary_key=True),  # changed | subject | publish
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("noted", Integer, nullable=False),
    # It waits only because of a reading of everything: what just happened goes first.
    Column("bulk", Boolean, nullable=False, default=False, server_default=false()),
)

Index("ix_stale_order", stale.c.work, stale.c.bulk, stale.c.connection, stale.c.object, stale.c.crm_id)

marks = Table(
    "marks",
    metadata,
    # What the derived tables were made with: the mappings' version, the attribution model.
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
