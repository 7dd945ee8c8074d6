"""What Salesforce checks before it writes a record, with the code and the words it refuses with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from closedloop.sandbox.salesforce.ids import of_this_org
from closedloop.sandbox.salesforce.records import hierarchy
from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.records.values import stored
from closedloop.sandbox.salesforce.refusal import (
    Refusal,
    deleted,
    foreign_id,
    malformed_id,
    no_such_record,
    unknown_column,
)
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject


def readable(kind: SObject, given: Mapping[str, Any], *, creating: bool) -> Row:
    """The given fields under their proper names, as values that the org can keep."""
    fields = {name: _known(kind, name) for name in given if name != "attributes"}
    shut = [f.name for f in fields.values() if not (f.createable if creating else f.updateable)]
    if shut:
        message = (
            f"Unable to create/update fields: {', '.join(shut)}. Please check the security settings of this "
            "field and verify that it is read/write for your profile or permission set."
        )
        raise Refusal("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=shut)
    return Row({f.name: stored(f, given[name]) for name, f in fields.items()})


def check(tables: Tables, kind: SObject, row: Row, changed: Mapping[str, Any], *, old: Row | None) -> None:
    """Refuses the row as it would be after the write, of which `changed` are the fields given."""
    if kind.name in _BEFORE:
        _BEFORE[kind.name](tables, row, changed, old)
    missing = [f.name for f in kind.required if row.get(f.name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise Refusal("REQUIRED_FIELD_MISSING", message, fields=missing)
    for name in changed:
        field = kind.fields[name]
        if field.type == "reference" and changed[name] is not None:
            _check_reference(tables, field, changed[name])
        if field.unique and changed[name] is not None:
            _check_unique(tables, kind, field, row)
    hierarchy.check(tables, kind, row, changed)
    if kind.name in _AFTER:
        _AFTER[kind.name](tables, row, changed, old)


def check_restored(tables: Tables, kind: SObject, row: Row) -> None:
    """Refuses to take a row out of the bin without what it belongs to, or beside one that took its place."""
    for field in kind.fields.values():
        value = row.get(field.name)
        if field.cascades and value is not None and not _lives(tables, field, value):
            # That it is refused, and how, is not confirmed.
            raise Refusal("UNDELETE_FAILED", f"{field.label}: the parent is deleted", fields=[])
        if field.unique and value is not None:
            _check_unique(tables, kind, field, row)
    if kind.name == "CampaignMember":
        _check_not_twice(tables, row)


def _lives(tables: Tables, field: Field, record_id: str) -> bool:
    rows = (tables.get(name, record_id) for name in field.refers_to if tables.objects.find(name))
    return any(row is not None and not row.get("IsDeleted") for row in rows)


def check_delete(tables: Tables, kind: SObject, row: Row) -> None:
    """Refuses to delete what others need: a campaign's default member status, or one that members have."""
    for child, field in tables.objects.referring(kind):
        if field.restricts and tables.indexed(child.name, field.name):
            _check_nothing_refers(tables, kind, child, field, row)
    if kind.name != "CampaignMemberStatus":
        return
    members = tables.where("CampaignMember", "CampaignId", row["CampaignId"])
    if row["IsDefault"] or any(m["Status"] == row["Label"] for m in members):
        # Object Reference, CampaignMemberStatus: neither may be deleted. The code is not documented.
        message = "The default status, and a status that members have, cannot be deleted."
        raise Refusal("DELETE_FAILED", message, fields=[])


def _check_nothing_refers(tables: Tables, kind: SObject, child: SObject, field: Field, row: Row) -> None:
    others = tables.where(child.name, field.name, row["Id"])
    if others:
        # The words that the pages show (Help, "Record deletion"); the API's list of records is unverified.
        message = (
            f"Your attempt to delete {row['Name'] or kind.label} could not be completed because it is "
            f"associated with the following {child.plural.lower()}.: {others[0]['Name'] or others[0]['Id']}"
        )
        raise Refusal("DELETE_FAILED", message, fields=[])


def _known(kind: SObject, name: str) -> Field:
    field = kind.field(name)
    if field is None:
        raise unknown_column(name, kind.name)
    return field


def _check_reference(tables: Tables, field: Field, record_id: str) -> None:
    targets = [kind for name in field.refers_to if (kind := tables.objects.find(name))]
    if not any(record_id.startswith(kind.prefix) for kind in targets):
        raise malformed_id(field.label, record_id, field=field.name)
    row = next((found for t in targets if (found := tables.get(t.name, record_id))), None)
    if row is None:
        raise no_such_record(field.name) if of_this_org(record_id) else foreign_id(record_id)
    if row.get("IsDeleted"):
        raise deleted(status=400)


def _check_unique(tables: Tables, kind: SObject, field: Field, row: Row) -> None:
    for other in tables.where(kind.name, field.name, row[field.name]):
        same = other[field.name] == row[field.name] or not field.case_sensitive
        if other["Id"] != row["Id"] and same:
            message = (
                f"duplicate value found: {field.name} duplicates value on record with id: {other['Id'][:15]}"
            )
            raise Refusal("DUPLICATE_VALUE", message, fields=[])


def _lead_is_open(_: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:  # noqa: ARG001
    if old is not None and old["IsConverted"]:
        raise _converted_lead()


def _converted_lead() -> Refusal:
    return Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])


def _event_has_a_time(_: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:  # noqa: ARG001
    # Object Reference, Event: an event of a whole day has a day, any other one a start and a length.
    if row["IsAllDayEvent"]:
        needed = [("ActivityDate", "StartDateTime")]
    else:
        needed = [("DurationInMinutes", "EndDateTime"), ("ActivityDateTime", "StartDateTime")]
    missing = [one for one, other in needed if row.get(one) is None and row.get(other) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise Refusal("REQUIRED_FIELD_MISSING", message, fields=missing)


def _member_is_new(tables: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:
    if old is None:
        _check_member_person(tables, row)
    if "Status" in changed:
        _check_member_status(tables, row)


def _check_member_person(tables: Tables, row: Row) -> None:
    lead = tables.get("Lead", row.get("LeadId") or "")
    if lead and lead["IsConverted"]:
        raise _converted_lead()
    _check_not_twice(tables, row)


def _check_not_twice(tables: Tables, row: Row) -> None:
    for field in ("LeadId", "ContactId"):
        others = tables.where("CampaignMember", field, row[field]) if row.get(field) else []
        if any(o["CampaignId"] == row["CampaignId"] for o in others):
            # Object Reference, CampaignMember: the pair of campaign and person is unique.
            raise Refusal("DUPLICATE_VALUE", "Already a campaign member.", fields=[])


def _member_has_a_person(_: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:  # noqa: ARG001
    # The code for a member without a person is not documented; the fields are called required.
    if old is None and not row.get("LeadId") and not row.get("ContactId"):
        fields = ["LeadId", "ContactId"]
        message = f"Required fields are missing: [{', '.join(fields)}]"
        raise Refusal("REQUIRED_FIELD_MISSING", message, fields=fields)


def _label_is_new(tables: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:  # noqa: ARG001
    # Users who add a status that every campaign has already report these words.
    for other in tables.where("CampaignMemberStatus", "CampaignId", row["CampaignId"]):
        if other["Id"] != row["Id"] and other["Label"] == row["Label"]:
            message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
            raise Refusal("DUPLICATE_VALUE", message, fields=[])


def _check_member_status(tables: Tables, row: Row) -> None:
    # What a real org answers to an unknown label is unverified; the sandbox refuses, to be safe.
    statuses = tables.where("CampaignMemberStatus", "CampaignId", row["CampaignId"])
    if row.get("Status") not in {s["Label"] for s in statuses}:
        message = f"Status: bad value for restricted picklist field: {row.get('Status')}"
        raise Refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=["Status"])


def _assignment_is_new(tables: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:  # noqa: ARG001
    for other in tables.where("PermissionSetAssignment", "PermissionSetId", row["PermissionSetId"]):
        if other["AssigneeId"] == row["AssigneeId"] and other["Id"] != row["Id"]:
            # Recorded in amp-labs/connectors, metadata/write/err-duplicate-permission-assignment.json.
            message = (
                f"Duplicate PermissionSetAssignment.  Assignee: {row['AssigneeId'][:15]}; "
                f"Permission Set: {row['PermissionSetId'][:15]}"
            )
            raise Refusal("DUPLICATE_VALUE", message, fields=["AssigneeId", "PermissionSetId"])


def _grant_is_of_what_there_is(tables: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> None:  # noqa: ARG001
    # Both are restricted picklists of what the org has (Object Reference, FieldPermissions).
    kind = tables.objects.find(str(row["SobjectType"]))
    sobject, _, name = str(row.get("Field") or "").partition(".")
    if kind is None:
        raise _not_offered("SobjectType", row["SobjectType"])
    if row.get("Field") is not None and (sobject != kind.name or kind.field(name) is None):
        raise _not_offered("Field", row["Field"])


def _not_offered(field: str, value: Any) -> Refusal:
    message = f"bad value for restricted picklist field: {value}"
    return Refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=[field])


_Rule = Callable[[Tables, Row, Mapping[str, Any], Row | None], None]
_BEFORE: Mapping[str, _Rule] = {
    "Lead": _lead_is_open,
    "CampaignMember": _member_has_a_person,
    "Event": _event_has_a_time,
}
_AFTER: Mapping[str, _Rule] = {
    "CampaignMember": _member_is_new,
    "CampaignMemberStatus": _label_is_new,
    "FieldPermissions": _grant_is_of_what_there_is,
    "ObjectPermissions": _grant_is_of_what_there_is,
    "PermissionSetAssignment": _assignment_is_new,
}
