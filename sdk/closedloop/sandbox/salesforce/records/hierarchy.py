"""Records that stand below others of their own kind: nobody stands below himself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import SObject

# Which field says what stands above.
_ABOVE: Mapping[str, str] = {"Account": "ParentId", "Campaign": "ParentId", "Case": "ParentId"} | {
    "Contact": "ReportsToId",
    "User": "ManagerId",
}


def check(tables: Tables, kind: SObject, row: Row, changed: Mapping[str, Any]) -> None:
    """Refuses to put a record below itself, or below one that stands below it."""
    above = _ABOVE.get(kind.name, "")
    if changed.get(above) is not None and row["Id"] in ids_above(tables, kind.name, row[above]):
        # The code is in the SOAP API's list of status codes; the words are not confirmed.
        message = "attempt to violate hierarchy constraints"
        raise Refusal("CIRCULAR_DEPENDENCY", message, fields=[above])


def is_above(field: str, kind: SObject) -> bool:
    """Whether the field says what stands above a record of the kind."""
    return _ABOVE.get(kind.name) == field


def ids_above(tables: Tables, sobject: str, record_id: str | None) -> set[str]:
    """The id, and those of everything above that record."""
    seen: set[str] = set()
    while record_id is not None and record_id not in seen:
        seen.add(record_id)
        found = tables.get(sobject, record_id)
        record_id = None if found is None else found.get(_ABOVE[sobject])
    return seen


def family(tables: Tables, sobject: str, top: Row) -> Iterator[Row]:
    """The record, and everything below it."""
    waiting, seen = [top], {top["Id"]}
    while waiting:
        row = waiting.pop()
        yield row
        below = tables.where(sobject, _ABOVE[sobject], row["Id"])
        waiting += [child for child in reversed(below) if child["Id"] not in seen]
        seen.update(child["Id"] for child in below)
