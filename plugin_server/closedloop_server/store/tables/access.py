"""Who may look, who did what, who was erased, and the secrets that the CRMs change by themselves."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text

from closedloop_server.store.tables.columns import ENCRYPTED, Instant, Number, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token; the token itself is not kept
    Column("name", String(100), nullable=False),
    Column("role", String(20), nullable=False),  # viewer | admin: for tokens older than scopes
    Column("scopes", String(100)),  # with blanks between them; None: all that the role had
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),  # to the hour: every request writing it would be a write too many
    Column("revoked_at", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    # Who is signed in to the pages. The cookie holds the secret of which this is the SHA-256 digest.
    Column("digest", String(64), primary_key=True),
    Column("token", String(64), ForeignKey("tokens.digest"), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # to the minute
)
Index("ix_sessions_token", sessions.c.token)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    # Links that open the pages once, in place of typing the token in.
    Column("digest", String(64), primary_key=True),
    Column("token", String(64), ForeignKey("tokens.digest"), nullable=False),
    Column("expires_at", Instant, nullable=False),
)

failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    # Counted over a short time, in all web processes together, to slow down whoever guesses.
    Column("id", Number, primary_key=True),
    Column("client", String(64), nullable=False),  # a keyed digest of the network address
    Column("at", Instant, nullable=False),
)
Index("ix_failed_sign_ins_at", failed_sign_ins.c.at, failed_sign_ins.c.client)

audit = Table(
    "audit",
    metadata,
    # Append-only. No personal data of the CRMs and no secrets: ids, names of tokens and of connections.
    Column("id", Number, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", String(100), nullable=False),  # the name of a token, or "command line"
    Column("action", String(60), nullable=False),
    Column("target", String(250), nullable=False),
    Column("details", JSON, nullable=False),
)
Index("ix_audit_at", audit.c.at)

credentials = Table(
    "credentials",
    metadata,
    # The newest refresh token of a connection whose CRM changes it with every use. It counts as long as
    # `given`, the digest of the settings' own one, is still that: a new one in the settings comes first.
    Column("connection", String(64), primary_key=True),
    Column("given", String(64)),
    Column("refresh_token", Text, info=ENCRYPTED),  # None: the CRM has not changed it yet
    Column("changed_at", Instant),
    # Who is using it: two at once would look like a theft to the CRM. Void after `held_until`.
    Column("holder", String(40)),
    Column("held_until", Instant),
)

erasures = Table(
    "erasures",
    metadata,
    # The people who were erased, by id: what a CRM still says about them is not taken in.
    Column("connection", String(64), primary_key=True),
    Column("object", String(32), primary_key=True),
    Column("crm_id", String(100), primary_key=True),
    Column("erased_at", Instant, nullable=False),
)
