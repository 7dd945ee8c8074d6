"""What sales decided, who is behind it, which campaigns get the credit, and what was known of that before.

`credits` and `touches` hold what holds now. A row that does not hold any more moves, in the same
transaction, to `past_credits` or `past_touches`, where nothing is ever changed: both together are what was
known at any time. A row was known from `learned_at` until before `superseded_at`.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from closedloop_server.store.tables.columns import Exact, Instant, Number, Words, metadata

ledger = Table(
    "ledger",
    metadata,
    # Append-only. The newest entry of a subject is what holds; `reopened` takes the one before back.
    Column("id", Number, primary_key=True),
    Column("connection", String(64), nullable=False),
    Column("object", String(32), nullable=False),  # lead | opportunity
    Column("crm_id", String(100), nullable=False),
    Column("entry", Integer, nullable=False),  # 1, 2, … within the subject
    Column("outcome", String(20), nullable=False),
    Column("reason", String(40)),  # None where the outcome asks for none (accepted, reopened)
    Column("contributing", JSON, nullable=False),  # further codes of a multi-select reason
    Column("raw_reason", Words()),
    Column("note", Words()),
    Column("rule", Words(), nullable=False),  # the line of reasons.yaml that mapped it, "" for none
    Column("stage", Words(200)),
    Column("decided_at", Instant),  # by the CRM
    Column("decided_by", Words(100)),  # the CRM's user id
    Column("amount", Exact),
    Column("currency", Words(3)),
    Column("learned_at", Instant, nullable=False),  # when we knew
    Column("mappings", String(64)),  # the version that decided; None: before versions were kept
    UniqueConstraint("connection", "object", "crm_id", "entry"),
)

standings = Table(
    "standings",
    metadata,
    # One row per subject: which ledger entry holds now. Derived; rebuilt at any time from the ledger.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("ledger_id", Number, ForeignKey("ledger.id"), nullable=False),
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
    Column("ledger_id", Number, ForeignKey("ledger.id"), primary_key=True),
    Column("model", String(20), primary_key=True),
    Column("campaign_connection", String(64), primary_key=True),
    Column("campaign_id", String(100), primary_key=True),
    Column("share", Exact, nullable=False),
    Column("cause", String(40)),
    Column("learned_at", Instant),  # None: with its entry, as far as is known; older than this column
)
Index("ix_credits_campaign", credits_.c.campaign_connection, credits_.c.campaign_id, credits_.c.model)

past_credits = Table(
    "past_credits",
    metadata,
    Column("id", Number, primary_key=True),
    Column("ledger_id", Number, ForeignKey("ledger.id"), nullable=False),
    Column("model", String(20), nullable=False),
    Column("campaign_connection", String(64), nullable=False),
    Column("campaign_id", String(100), nullable=False),
    Column("share", Exact, nullable=False),
    Column("cause", String(40)),
    Column("learned_at", Instant),
    Column("superseded_at", Instant, nullable=False),
)
Index(
    "ix_past_credits_campaign",
    past_credits.c.campaign_connection,
    past_credits.c.campaign_id,
    past_credits.c.model,
)

touches = Table(
    "touches",
    metadata,
    # The touches behind an entry: which people, in which campaigns, when. What the drill-down shows.
    Column("ledger_id", Number, ForeignKey("ledger.id"), primary_key=True),
    Column("campaign_connection", String(64), primary_key=True),
    Column("campaign_id", String(100), primary_key=True),
    Column("member_id", String(100), primary_key=True),
    Column("person_connection", String(64), nullable=False),
    Column("person_object", String(32), nullable=False),
    Column("person_id", String(100), nullable=False),
    Column("touched_at", Instant),
    # How the person was found: "record", "contact_role", "converted", "linked_id" or "email".
    Column("link", String(20), nullable=False),
    Column("learned_at", Instant),  # as in credits
)
Index("ix_touches_campaign", touches.c.campaign_connection, touches.c.campaign_id)

past_touches = Table(
    "past_touches",
    metadata,
    Column("id", Number, primary_key=True),
    Column("ledger_id", Number, ForeignKey("ledger.id"), nullable=False),
    Column("campaign_connection", String(64), nullable=False),
    Column("campaign_id", String(100), nullable=False),
    Column("member_id", String(100), nullable=False),
    Column("person_connection", String(64), nullable=False),
    Column("person_object", String(32), nullable=False),
    Column("person_id", String(100), nullable=False),
    Column("touched_at", Instant),
    Column("link", String(20), nullable=False),
    Column("learned_at", Instant),
    Column("superseded_at", Instant, nullable=False),
)
Index("ix_past_touches_ledger_id", past_touches.c.ledger_id)

mapping_versions = Table(
    "mapping_versions",
    metadata,
    # Every version of the mappings that ever judged anything here, whole: any can be judged by again.
    Column("version", String(64), primary_key=True),  # the digest of the files
    Column("files", JSON, nullable=False),  # the text of each file, by its name
    Column("first_used_at", Instant, nullable=False),
)
