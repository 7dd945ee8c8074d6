"""Lead conversion and merging: over Salesforce's APIs there is no other way to them than SOAP (and Apex).

SOAP API Developer Guide, convertLead(), merge().
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.partner.records import record
from closedloop.sandbox.salesforce.partner.writing import errors_of, results
from closedloop.sandbox.salesforce.records.convert import Into
from closedloop.sandbox.salesforce.refusal import Refusal, no_such_record
from closedloop.sandbox.salesforce.rest.writes import Result, type_of
from closedloop.sandbox.salesforce.soap.markup import Element, Markup, tag
from closedloop.sandbox.salesforce.soap.service import Operation

_MOST_LEADS = 100
_MOST_MERGED = 2


def operations() -> Mapping[str, Callable[[Operation], Markup]]:
    """The calls by name."""
    return {"convertLead": _convert, "merge": _merge}


def _convert(operation: Operation) -> Markup:
    wanted = operation.element.all("leadConverts")
    if len(wanted) > _MOST_LEADS:
        message = f"record limit reached. cannot submit more than {_MOST_LEADS} records into this call"
        raise Refusal("EXCEEDED_ID_LIMIT", message)
    found = results(operation, wanted, lambda one: _converted(operation, one))
    parts = []
    for one, result in zip(wanted, found, strict=True):
        values = {
            "accountId": result.get("accountId"),
            "contactId": result.get("contactId"),
            "errors": errors_of(result),
            "leadId": long_id(one.value("leadId") or "") or one.value("leadId"),
            "opportunityId": result.get("opportunityId"),
            "success": result["success"],
        }
        parts.append(tag("result", values))
    return Markup("".join(parts))


def _converted(operation: Operation, one: Element) -> Result:
    org, call = operation.call.org, operation.call
    lead = _id(one, "leadId")
    if lead is None or not lead.startswith("00Q"):
        raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[])
    status = one.value("convertedStatus")
    statuses = [row["MasterLabel"] for row in org.tables.rows("LeadStatus") if row["IsConverted"]]
    if status not in statuses:
        message = f"invalid convertedStatus: {status}"
        raise Refusal("INVALID_STATUS", message, fields=[])
    wanted = not one.flag("doNotCreateOpportunity")
    name = one.value("opportunityName")
    made = org.convert_lead(
        lead,
        opportunity=({"Name": name} if name else {}) if wanted else None,
        into=Into(
            account_id=_id(one, "accountId"),
            contact_id=_id(one, "contactId"),
            opportunity_id=_id(one, "opportunityId"),
            owner_id=_id(one, "ownerId"),
            status=status,
            overwrite_source=one.flag("overwriteLeadSource"),
        ),
        by=call.user,
    )
    ids = {"accountId": made.account_id, "contactId": made.contact_id, "opportunityId": made.opportunity_id}
    return {"success": True, "errors": [], **ids}


def _merge(operation: Operation) -> Markup:
    # jsforce calls the argument `mergeRequests`, the WSDL `request`.
    found = results(operation, operation.element.children, lambda one: _merged(operation, one))
    parts = []
    for result in found:
        values = {
            "errors": errors_of(result),
            "id": result.get("id"),
            "mergedRecordIds": result.get("merged", []),
            "success": result["success"],
            "updatedRelatedIds": result.get("updated", []),
        }
        parts.append(tag("result", values))
    return Markup("".join(parts))


def _merged(operation: Operation, one: Element) -> Result:
    org, master_element = operation.call.org, one.find("masterRecord")
    if master_element is None:
        raise Refusal("REQUIRED_FIELD_MISSING", "masterRecord is required", fields=["masterRecord"])
    given = record(master_element)
    kind, master = org.objects.find(type_of(given)), long_id(given.get("Id"))
    merged = [long_id(text) for text in one.values("recordToMergeIds")]
    if kind is None or master is None or None in merged:
        raise no_such_record()
    if not 1 <= len(merged) <= _MOST_MERGED:
        raise Refusal("INVALID_NUMBER_OF_RECORDS", "one or two records can be merged into another", fields=[])
    changed = {name: value for name, value in given.items() if name not in ("attributes", "Id")}
    with org.transaction():
        for loser in merged:
            org.merge(kind.name, master, str(loser), by=operation.call.user)
        if changed:
            org.update(kind.name, master, changed, by=operation.call.user)
    return {"success": True, "errors": [], "id": master, "merged": merged}


def _id(element: Element, name: str) -> str | None:
    """An id in its long form; one that is none is a refusal."""
    text: Any = element.value(name)
    if not text:
        return None
    found = long_id(text)
    if found is None:
        raise Refusal("MALFORMED_ID", f"malformed id {text}", fields=[name])
    return found
