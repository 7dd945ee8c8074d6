"""What sales decided, who is behind it, and which campaigns get the credit."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from closedloop_server.store.tables.columns import Exact, Instant, metadata

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
