"""Computed fields of products, prices, cases, attachments and campaign influence."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from closedloop.sandbox.salesforce.records.tables import Row, Tables

Derivation = Callable[[Tables, Row], Any]


def _of(sobject: str, reference: str, field: str) -> Derivation:
    def value(tables: Tables, row: Row) -> Any:
        found = tables.get(sobject, row[reference] or "")
        return found[field] if found else None

    return value


def _line_name(tables: Tables, row: Row) -> str | None:
    names = [_of("Opportunity", "OpportunityId", "Name")(tables, row), _product(tables, row)["Name"]]
    return " ".join(name for name in names if name) or None


def _product(tables: Tables, row: Row) -> Row:
    entry = tables.get("PricebookEntry", row["PricebookEntryId"] or "") or Row()
    return tables.get("Product2", row["Product2Id"] or entry["Product2Id"] or "") or Row()


def _total(_: Tables, row: Row) -> Decimal | None:
    price, quantity = row["UnitPrice"], row["Quantity"]
    return None if price is None or quantity is None else price * quantity


def _body_length(_: Tables, row: Row) -> int:
    return len(content(row))


def content(row: Row) -> bytes:
    """The file in an attachment; nothing where what was sent is no base64."""
    try:
        return base64.b64decode(row["Body"] or "")
    except binascii.Error:
        return b""


def _revenue_share(tables: Tables, row: Row) -> Decimal | None:
    amount = _of("Opportunity", "OpportunityId", "Amount")(tables, row)
    return None if amount is None or row["Influence"] is None else amount * row["Influence"] / 100


CATALOGUE: Mapping[str, Mapping[str, Derivation]] = {
    "Attachment": {"BodyLength": _body_length},
    "CampaignInfluence": {"RevenueShare": _revenue_share},
    "Case": {"IsClosed": lambda _, row: row["Status"] == "Closed"},
    "OpportunityLineItem": {
        "ProductCode": lambda tables, row: _product(tables, row)["ProductCode"],
        "Name": _line_name,
        "TotalPrice": _total,
        "ListPrice": _of("PricebookEntry", "PricebookEntryId", "UnitPrice"),
    },
    "PricebookEntry": {
        "Name": _of("Product2", "Product2Id", "Name"),
        "ProductCode": _of("Product2", "Product2Id", "ProductCode"),
    },
}
"""For each object, how its derived fields are computed."""
