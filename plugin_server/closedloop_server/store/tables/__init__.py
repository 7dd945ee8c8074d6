"""The tables: what came in, what the CRMs hold, what sales decided, and what the campaigns should show.

Times are stored as aware UTC datetimes, money and credit as exact decimal text. Every table that holds
CRM data names its connection; a CRM id alone identifies nothing.
"""

from closedloop_server.store.tables.access import (
    audit,
    credentials,
    erasures,
    failed_sign_ins,
    sessions,
    sign_in_links,
    tokens,
)
from closedloop_server.store.tables.columns import metadata
from closedloop_server.store.tables.decided import (
    credits_,
    ledger,
    mapping_versions,
    past_credits,
    past_touches,
    people,
    standings,
    touches,
)
from closedloop_server.store.tables.held import edges, marks, records, refusals, stale
from closedloop_server.store.tables.incoming import cursors, hints, inbox
from closedloop_server.store.tables.outgoing import (
    attempts,
    deadlines,
    events,
    sendings,
    subscription_secrets,
    subscriptions,
    troubles,
)
from closedloop_server.store.tables.shown import (
    delivered,
    deliverers,
    desired,
    overridden,
    tellings,
    usage,
)
from closedloop_server.store.tables.work import leases

__all__ = [
    "attempts",
    "audit",
    "credentials",
    "credits_",
    "cursors",
    "deadlines",
    "delivered",
    "deliverers",
    "desired",
    "edges",
    "erasures",
    "events",
    "failed_sign_ins",
    "hints",
    "inbox",
    "leases",
    "ledger",
    "mapping_versions",
    "marks",
    "metadata",
    "overridden",
    "past_credits",
    "past_touches",
    "people",
    "records",
    "refusals",
    "sendings",
    "sessions",
    "sign_in_links",
    "stale",
    "standings",
    "subscription_secrets",
    "subscriptions",
    "tellings",
    "tokens",
    "touches",
    "troubles",
    "usage",
]
