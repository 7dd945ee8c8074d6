"""The recycle bin: taking a record out of it, or removing it for good.

SOAP API Developer Guide, undelete(), emptyRecycleBin().
"""

from __future__ import annotations

from contextlib import suppress

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records import rules
from closedloop.sandbox.salesforce.records.effects import stamps
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.refusal import Refusal, no_such_record
from closedloop.sandbox.salesforce.schema.sobject import SObject


def undelete(org: Org, given: str) -> str:
    """Takes the record out of the bin with those that went with it; its id."""
    kind, row = _binned(org, given, "UNDELETE_FAILED", "Entity is not in the recycle bin")
    with org.transaction():
        _restore(org, kind, row)
    return str(row["Id"])


def purge(org: Org, given: str) -> str:
    """Removes a record in the bin for good; its id."""
    kind, row = _binned(org, given, "INVALID_ID_FIELD", "Entity is not in the recycle bin")
    org.tables.drop(kind.name, row["Id"])
    return str(row["Id"])


def _binned(org: Org, given: str, code: str, message: str) -> tuple[SObject, Row]:
    record_id = long_id(given)
    if record_id is None:
        raise Refusal("MALFORMED_ID", f"malformed id {given}", fields=["Id"])
    kind = org.objects.of_id(record_id)
    row = None if kind is None else org.tables.get(kind.name, record_id)
    if kind is None or row is None:
        raise no_such_record()
    if not row.get("IsDeleted"):
        raise Refusal(code, message, fields=[])
    return kind, row


def _restore(org: Org, kind: SObject, row: Row) -> None:
    stamp = stamps(seconds(org.clock()), org.integration_user_id)
    rules.check_restored(org.tables, kind, row)
    # What lost a merge is a record of its own again.
    alone = {"MasterRecordId": None} if row.get("MasterRecordId") else {}
    org.tables.put(kind.name, row | {"IsDeleted": False} | alone | stamp)
    for child, field in org.tables.objects.referring(kind):
        if not field.cascades or not org.tables.indexed(child.name, field.name):
            continue
        for one in org.tables.where(child.name, field.name, row["Id"], deleted=True):
            # What went with it has its stamp.
            if one.get("IsDeleted") and one["SystemModstamp"] == row["SystemModstamp"]:
                # What cannot come back, since another parent is gone, stays where it is.
                with suppress(Refusal), org.transaction():
                    _restore(org, child, one)
