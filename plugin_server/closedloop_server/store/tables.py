"""The tables: what came in, what the CRMs hold, what sales decided, and what the campaigns should show.

Times are stored as aware UTC datetimes, money and credit as exact decimal text. Every table that holds
CRM data names its connection; a CRM id alone identifies nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite itself keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is not None and value.utcoffset() is None:
            raise ValueError("a naive datetime names no instant: give it a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """A Decimal kept as text: SQLite has no exact numbers."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else Decimal(value)


# What came in ---------------------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String(64), nullable=False),
    # The same delivery sent again has the same digest and is answered, but not stored, a second time.
    Column("digest", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("read_at", Instant),  # None: waits to be read into hints
    Column("hints", Integer),  # how many objects it pointed at
    Column("ignored", JSON),  # [{"reason", "count"}]: what in it needed no work, and why
    Column("error", Text),  # why it could not be read at all
    UniqueConstraint("connection", "digest"),
)
Index("ix_inbox_waiting", inbox.c.read_at, inbox.c.id)

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
    Column("error", Text),
)

cursors = Table(
    "cursors",
    metadata,
    Column("connection", String(64), primary_key=True),
    Column("cursor", Text),
    Column("polled_at", Instant),
    Column("error", Text),
)

# What the CRMs hold ---------------------------------------------------------------------------

records = Table(
    "records",
    metadata,
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("other_id", String(100)),
    Column("name", Text),
    Column("email", String(320)),  # lower case
    Column("updated_at", Instant),  # by the CRM's clock
    Column("read_at", Instant, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    # The CRM deleted this person for their privacy: nothing is kept but the ids, so that the counts stay.
    Column("erased", Boolean, nullable=False, default=False, server_default=false()),
    Column("data", JSON, nullable=False),  # the record, dumped by its marshmallow schema, `raw` included
)
Index("ix_records_email", records.c.email)
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
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
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
)

marks = Table(
    "marks",
    metadata,
    # What the derived tables were made with: the mappings' version, the attribution model.
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

# What sales decided ---------------------------------------------------------------------------

ledger = Table(
    "ledger",
    metadata,
    # Append-only. The newest entry of a subject is what holds; `reopened` takes the one before back.
    Column("id", Integer, primary_key=True),
    Column("connection", String(64), nullable=False),
    Column("object", String(32), nullable=False),  # lead | opportunity
    Column("crm_id", String(100), nullable=False),
    Column("entry", Integer, nullable=False),  # 1, 2, … within the subject
    Column("outcome", String(20), nullable=False),
    Column("reason", String(40)),  # None where the outcome asks for none (accepted, reopened)
    Column("contributing", JSON, nullable=False),  # further codes of a multi-select reason
    Column("raw_reason", Text),
    Column("note", Text),
    Column("rule", Text, nullable=False),  # the line of reasons.yaml that mapped it, "" for none
    Column("stage", String(200)),
    Column("decided_at", Instant),  # by the CRM
    Column("decided_by", String(100)),  # the CRM's user id
    Column("amount", Exact),
    Column("currency", String(3)),
    Column("learned_at", Instant, nullable=False),  # when we knew
    UniqueConstraint("connection", "object", "crm_id", "entry"),
)

standings = Table(
    "standings",
    metadata,
    # One row per subject: which ledger entry holds now. Derived; rebuilt at any time from the ledger.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("ledger_id", Integer, ForeignKey("ledger.id"), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(40)),
)
Index("ix_standings_outcome", standings.c.outcome, standings.c.reason)

people = Table(
    "people",
    metadata,
    # Who is behind each lead and opportunity, in every connection. Derived; rebuilt at any time.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("person_connection", String(64), primary_key=True),
    Column("person_object", String(32), primary_key=True),
    Column("person_id", String(100), primary_key=True),
    # Rows of one subject with the same number are the same human being.
    Column("human", Integer, nullable=False),
    Column("link", String(20), nullable=False),  # as in touches
)
Index("ix_people_person", people.c.person_connection, people.c.person_object, people.c.person_id)

credits_ = Table(
    "credits",
    metadata,
    # Who gets the credit of the entry that holds, per model. Per entry and model the shares sum to 1;
    # campaign_id "" is the unattributed part, and `cause` says why.
    Column("ledger_id", Integer, ForeignKey("ledger.id"), primary_key=True),
    Column("model", String(20), primary_key=True),
    Column("campaign_connection", String(64), primary_key=True),
    Column("campaign_id", String(100), primary_key=True),
    Column("share", Exact, nullable=False),
    Column("cause", String(40)),
)
Index("ix_credits_campaign", credits_.c.campaign_connection, credits_.c.campaign_id, credits_.c.model)

touches = Table(
    "touches",
    metadata,
    # The touches behind an entry: which people, in which campaigns, when. What the drill-down shows.
    Column("ledger_id", Integer, ForeignKey("ledger.id"), primary_key=True),
    Column("campaign_connection", String(64), primary_key=True),
    Column("campaign_id", String(100), primary_key=True),
    Column("member_id", String(100), primary_key=True),
    Column("person_connection", String(64), nullable=False),
    Column("person_object", String(32), nullable=False),
    Column("person_id", String(100), nullable=False),
    Column("touched_at", Instant),
    # How the person was found: "record", "contact_role", "converted", "linked_id" or "email".
    Column("link", String(20), nullable=False),
)
Index("ix_touches_campaign", touches.c.campaign_connection, touches.c.campaign_id)

# What the campaigns should show, and what they were told ----------------------------------------

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

# Who may look -----------------------------------------------------------------------------------

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token; the token itself is not kept
    Column("name", String(100), nullable=False),
    Column("role", String(20), nullable=False),  # viewer | admin
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
