"""How a query would be found: the plans that `query?explain=…` answers with.

REST API Developer Guide, "Get Feedback on Query Performance". The keys are those of its example; how
Salesforce weighs plans is not public, so the figures are rough.
"""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql import query
from closedloop.sandbox.salesforce.soql.planning import indexed_fields

_SCAN_COST = 0.65
# A filter is selective that leaves fewer than this part of the rows (Apex Developer Guide, "More Efficient
# SOQL Queries"); the cost of 1 stands for it.
_SELECTIVE = 0.3


def plans(org: Org, text: str) -> dict[str, Any]:
    """The plans for the query, the best first, and the query."""
    if not text.strip():
        raise Refusal("MALFORMED_QUERY", "A query string has to be specified")
    asked, scope, found = query.rows(org, text, deleted=False, check=lambda _: None)
    name, every = scope.kind.name, org.tables.count(scope.kind.name)
    fields = indexed_fields(asked.where, scope)
    shown = {"notes": _notes(name), "sobjectCardinality": every, "sobjectType": name}
    scan = {
        "cardinality": len(found),
        "fields": [],
        "leadingOperationType": "TableScan",
        "relativeCost": _SCAN_COST,
    }
    if not fields:
        return {"plans": [_sorted(scan | shown)], "sourceQuery": text}
    cost = len(found) / (every * _SELECTIVE) if every else 0.0
    index = {
        "cardinality": len(found),
        "fields": fields,
        "leadingOperationType": "Index",
        "relativeCost": cost,
    }
    ranked = sorted((index, scan), key=lambda plan: float(str(plan["relativeCost"])))
    return {"plans": [_sorted(plan | shown) for plan in ranked], "sourceQuery": text}


def _notes(name: str) -> list[dict[str, Any]]:
    why = "Not considering filter for optimization because unindexed"
    return [{"description": why, "fields": ["IsDeleted"], "tableEnumOrId": name}]


def _sorted(plan: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(plan.items()))
