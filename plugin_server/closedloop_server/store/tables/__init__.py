"""The tables: what came in, what the CRMs hold, what sales decided, and what the campaigns should show.

Times are stored as aware UTC datetimes, money and credit as exact decimal text. Every table that holds
CRM data names its connection; a CRM id alone identifies nothing.
"""

from closedloop_server.store.tables.access import tokens
from closedloop_server.store.tables.columns import metadata
from closedloop_server.store.tables.decided import credits_, ledger, people, standings, touches
from closedloop_server.store.tables.held import edges, marks, records, refusals, stale
from closedloop_server.store.tables.incoming import cursors, hints, inbox
from closedloop_server.store.tables.shown import delivered, desired
from closedloop_server.store.tables.work import leases

__all__ = [
    "credits_",
    "cursors",
    "delivered",
    "desired",
    "edges",
    "hints",
    "inbox",
    "leases",
    "ledger",
    "marks",
    "metadata",
    "people",
    "records",
    "refusals",
    "stale",
    "standings",
    "tokens",
    "touches",
]
