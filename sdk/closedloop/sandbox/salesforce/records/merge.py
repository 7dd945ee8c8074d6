"""Merging: one record survives, what belonged to the other one moves over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.records import hierarchy
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import SObject

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org


def merge(org: Org, kind: SObject, master: Row, merged: Row, stamps: Mapping[str, Any]) -> None:
    """Moves everything that refers to `merged` over to `master`, and deletes it with a pointer to its master.

    SOAP API Developer Guide, merge(): accounts, contacts and leads only, each within its own kind.
    """
    if "MasterRecordId" not in kind.fields or master["Id"] == merged["Id"]:
        raise Refusal("INVALID_OPERATION", f"these {kind.plural.lower()} cannot be merged", fields=[])
    if master.get("IsConverted") or merged.get("IsConverted"):
        raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
    over = (
        hierarchy.ids_above(org.tables, kind.name, master["Id"])
        if kind.name in {"Account", "Contact"}
        else set()
    )
    for child, field in org.tables.objects.referring(kind):
        if field.derived or field.name == "MasterRecordId":
            continue
        for row in org.tables.where(child.name, field.name, merged["Id"]):
            moved = row | {field.name: master["Id"]} | stamps
            if row["Id"] in over and hierarchy.is_above(field.name, child):
                # It would stand below itself.
                moved = row | {field.name: None} | stamps
            if child.name == "CampaignMember" and _is_member(org, field.name, moved):
                moved = row | {"IsDeleted": True} | stamps
            org.tables.put(child.name, moved)
    gone = {"IsDeleted": True, "MasterRecordId": master["Id"]}
    org.tables.put(kind.name, merged | gone | stamps)
    # It may have been moved as well.
    left = (org.tables.get(kind.name, master["Id"]) or master) | stamps
    org.tables.put(kind.name, left)
    if kind.name == "Lead":
        org.history.happened(kind, left, "leadMerged")


def _is_member(org: Org, field: str, moved: Row) -> bool:
    others = org.tables.where("CampaignMember", field, moved[field])
    return any(other["CampaignId"] == moved["CampaignId"] for other in others)
