"""What Salesforce notes about changes: stages of opportunities always, other fields where they are tracked.

Object Reference, "OpportunityHistory", "LeadHistory" and its like, "Field History Tracking". A change of a
lookup is called as its relationship (Owner), and has two rows: one with the names, one with the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.records.derive import value
from closedloop.sandbox.salesforce.records.indexes import Row, compact
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.records.records import Records

_OBJECTS = {
    "Account": "AccountHistory",
    "Campaign": "CampaignHistory",
    "Contact": "ContactHistory",
    "Lead": "LeadHistory",
    "Opportunity": "OpportunityFieldHistory",
}
_STAGE_FIELDS = ("StageName", "Amount", "Probability", "CloseDate", "ForecastCategoryName")
# Object Reference, OpportunityFieldHistory: DataType.
_DATA_TYPES = {
    "boolean": "Boolean",
    "currency": "Currency",
    "date": "DateOnly",
    "datetime": "DateTime",
    "double": "Double",
    "int": "Double",
    "percent": "Double",
    "phone": "Phone",
    "picklist": "DynamicEnum",
    "reference": "EntityId",
    "url": "Url",
}


class History:
    """Which fields are tracked, and what is noted of them."""

    def __init__(self, org: Records) -> None:
        self._org = org
        self._tracked: dict[str, tuple[str, ...]] = {}

    def track(self, kind: SObject, fields: Iterable[Field]) -> None:
        """Notes every change of the fields from now on, and what happens to the records."""
        if kind.name not in _OBJECTS:
            raise ValueError(f"the sandbox keeps no history of {kind.name}: only of {', '.join(_OBJECTS)}")
        known = self._tracked.get(kind.name, ())
        self._tracked[kind.name] = tuple(dict.fromkeys([*known, *(field.name for field in fields)]))

    def note(self, kind: SObject, old: Row | None, new: Row) -> None:
        """Notes what a write changed; the row of an opportunity learns which notes were its last."""
        if kind.name == "Opportunity":
            self._note_stage(old, new)
        tracked = self._tracked.get(kind.name)
        if tracked is None:
            return
        if old is None:
            self._add(kind, new, "created", "Text")
            return
        for name in tracked:
            if old[name] != new[name]:
                self._note_field(kind, kind.fields[name], old[name], new)

    def happened(self, kind: SObject, row: Row, what: str) -> None:
        """Notes what is no change of a field: leadConverted, leadMerged."""
        if kind.name in self._tracked:
            self._add(kind, row, what, "Text")

    def _note_stage(self, old: Row | None, new: Row) -> None:
        if old is not None and all(old[name] == new[name] for name in _STAGE_FIELDS):
            return
        row = Row(_stage_row(self._org, old, new)) | {"Id": self._id("OpportunityHistory")}
        self._org.tables.put("OpportunityHistory", row)
        last = {"LastAmountChangedHistoryId": "Amount", "LastCloseDateChangedHistoryId": "CloseDate"}
        changed = {name: row["Id"] for name, field in last.items() if old and old[field] != new[field]}
        if changed:
            self._org.tables.put("Opportunity", new | changed)

    def _note_field(self, kind: SObject, field: Field, before: Any, new: Row) -> None:
        after = new[field.name]
        if field.type != "reference":
            shown = _DATA_TYPES.get(field.type, "Text")
            values = {} if field.long_text else {"OldValue": before, "NewValue": after}
            self._add(kind, new, field.name, shown, **values)
            return
        name = field.name.removesuffix("Id") if not field.custom else field.name
        names = {"OldValue": self._name(field, before), "NewValue": self._name(field, after)}
        self._add(kind, new, name, "Text", **names)
        self._add(kind, new, name, "EntityId", OldValue=before, NewValue=after)

    def _name(self, field: Field, record_id: str | None) -> str | None:
        tables = self._org.tables
        for target in filter(None, map(tables.objects.find, field.refers_to)):
            row = tables.get(target.name, record_id or "")
            if row is not None and "Name" in target.fields:
                return str(value(tables, target.name, row, "Name"))
        return None

    def _add(self, kind: SObject, row: Row, field: str, data_type: str, **values: Any) -> None:
        name = _OBJECTS[kind.name]
        noted = {"Id": self._id(name), f"{kind.name}Id": row["Id"], "Field": field, "DataType": data_type}
        stamps = {"CreatedDate": row["LastModifiedDate"], "CreatedById": row["LastModifiedById"]}
        whole = {**noted, **stamps, "SystemModstamp": row["SystemModstamp"], "IsDeleted": False, **values}
        self._org.tables.put(name, whole)

    def _id(self, sobject: str) -> str:
        return new_id(self._org.tables.objects[sobject].prefix, self._org.number())


def first_stage(org: Records, row: Row) -> Row:
    """The note of a new opportunity, for those who fill an org."""
    return compact({**dict(_stage_row(org, None, row)), "Id": new_id("008", org.number())})


def _stage_row(org: Records, old: Row | None, new: Row) -> Iterator[tuple[str, Any]]:
    for name in ("StageName", "Amount", "CloseDate", "Probability"):
        yield name, new[name]
    for name in ("ExpectedRevenue", "ForecastCategory"):
        yield name, value(org.tables, "Opportunity", new, name)
    if old is not None:
        yield "PrevAmount", old["Amount"]
        yield "PrevCloseDate", old["CloseDate"]
    yield "OpportunityId", new["Id"]
    yield "CreatedDate", new["LastModifiedDate"]
    yield "CreatedById", new["LastModifiedById"]
    yield "SystemModstamp", new["SystemModstamp"]
    yield "IsDeleted", False
