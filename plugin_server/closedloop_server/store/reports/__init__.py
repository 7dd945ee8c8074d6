"""What the pages and the API show, read from the tables in a handful of set-based queries per answer.

Every figure is a sum over decisions that stand, under one attribution model, and exact. Credit and
unattributed rest together are the number of decisions that stand: `reconcile` says so, or by how much not.
"""

from closedloop_server.store.reports.campaigns import (
    CampaignReport,
    Cost,
    campaign_keys,
    campaign_reports,
    connections,
)
from closedloop_server.store.reports.decisions import (
    Disposition,
    Position,
    TouchBehind,
    dispositions,
    tally_of,
)
from closedloop_server.store.reports.delivery import Deliveries, DeliveryCount, DeliveryState, Told, told
from closedloop_server.store.reports.ordering import Rank, Sort, ordered, rank
from closedloop_server.store.reports.selection import DecisionFilter, Search
from closedloop_server.store.reports.tally import ZERO, Line, Tally
from closedloop_server.store.reports.totals import (
    Reconciliation,
    UnmappedReason,
    reconcile,
    unmapped_reasons,
)

__all__ = [
    "ZERO",
    "CampaignReport",
    "Cost",
    "DecisionFilter",
    "Deliveries",
    "DeliveryCount",
    "DeliveryState",
    "Disposition",
    "Line",
    "Position",
    "Rank",
    "Reconciliation",
    "Search",
    "Sort",
    "Tally",
    "Told",
    "TouchBehind",
    "UnmappedReason",
    "campaign_keys",
    "campaign_reports",
    "connections",
    "dispositions",
    "ordered",
    "rank",
    "reconcile",
    "tally_of",
    "told",
    "unmapped_reasons",
]
