"""The describe answers: all objects, or one with its fields. The keys are those of recorded describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.records.tables import Tables
from closedloop.sandbox.salesforce.schema.described_field import field
from closedloop.sandbox.salesforce.schema.objects import Objects
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

MASTER_RECORD_TYPE = "012000000000000AAA"
"""The id of the record type that every object has, where it has no other."""

_STAGES = {
    ("Lead", "Status"): "LeadStatus",
    ("Opportunity", "StageName"): "OpportunityStage",
    ("Task", "Status"): "TaskStatus",
    ("Task", "Priority"): "TaskPriority",
}
# The objects that people work with: they have pages, lists of recent records, and a place in the search.
_WORKED_WITH = frozenset(
    {"Account", "Campaign", "Case", "Contact", "Event", "Lead", "Opportunity", "Pricebook2", "Product2"}
    | {"Task", "User"}
)
_WITHOUT_LAYOUT = frozenset({"CampaignInfluenceModel", "DandBCompany", "Individual", "OperatingHours"})
_WITH_FEED = frozenset(
    {"Account", "Campaign", "Case", "Contact", "Event", "Lead", "Opportunity", "Task", "User"}
)
# Recorded of the two by JupiterOne/graph-salesforce, as the addresses of the first.
_COMPACT = frozenset({"User", "UserRole"})
_UNLISTED = ("describe/approvalLayouts", "listviews")
# Recorded by CumulusCI, `GET_sobjects_Global_describe` and `GET_sobjects_…_describe`.
_WITHOUT_URLS: Mapping[str, Sequence[str]] = {
    "CampaignMember": (*_UNLISTED, "quickActions"),
    "Event": _UNLISTED,
    "OpportunityContactRole": _UNLISTED,
    "User": _UNLISTED,
}
_OWN_URLS: Mapping[str, Mapping[str, str]] = {
    "Case": {
        "caseArticleSuggestions": "suggestedArticles",
        "caseRowArticleSuggestions": "{ID}/suggestedArticles",
    },
    "User": {
        "namedLayouts": "describe/namedLayouts/{LayoutName}",
        "passwordUtilities": "{ID}/password",
    },
}
_WITH_TEAM = frozenset({"Account", "Contact", "Lead", "Opportunity"})


def describe_global(objects: Objects, version: str) -> dict[str, Any]:
    """Every object, in short."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [describe_briefly(s, version) for s in objects],
    }


def describe_briefly(kind: SObject, version: str) -> dict[str, Any]:
    """What describeGlobal says of one object."""
    base = _base(kind, version)
    urls = {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"}
    return _about(kind) | {"urls": urls | _more_urls(kind, base)}


def _more_urls(kind: SObject, base: str) -> dict[str, str]:
    """The addresses of layouts and lists, as far as the object has them (recorded)."""
    if not layoutable(kind):
        return {"compactLayouts": f"{base}/describe/compactLayouts"} if compact(kind) else {}
    names = ["describe/approvalLayouts", "describe/compactLayouts", "describe/layouts"]
    names += ["listviews", "quickActions"]
    without = _WITHOUT_URLS.get(kind.name, ())
    urls = {path.rpartition("/")[2]: f"{base}/{path}" for path in names if path not in without}
    return urls | {name: f"{base}/{path}" for name, path in _OWN_URLS.get(kind.name, {}).items()}


def describe(kind: SObject, version: str, tables: Tables, url: str = "") -> dict[str, Any]:
    """One object, its fields and its child relationships; `url` is where its pages are."""
    brief = describe_briefly(kind, version)
    return brief | {
        "actionOverrides": [],
        "childRelationships": [_child(s, f) for s, f in tables.objects.referring(kind)],
        "compactLayoutable": not kind.setup or compact(kind),
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field(kind, f) | _choices(kind, f, tables) for f in kind.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": record_types(kind, version, tables) if _typed(kind) else [],
        "searchLayoutable": kind.name in _WORKED_WITH,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": _scopes(kind),
        "urls": brief["urls"] | _pages(kind, version, url),
    }


def last_change(kind: SObject, tables: Tables, since: datetime) -> datetime:
    """When the description of the object last became another one."""
    stages = {source for (owner, _), source in _STAGES.items() if owner == kind.name} | {"RecordType"}
    stamps: list[datetime] = [row["SystemModstamp"] for name in stages for row in tables.rows(name)]
    return max([since, *stamps])


def record_types(kind: SObject, version: str, tables: Tables) -> list[dict[str, Any]]:
    """The object's record types; the last is the master, the default where there is no other."""
    rows = [row for row in tables.rows("RecordType") if row["SobjectType"] == kind.name]
    infos = [
        _record_type(kind, version, row["Id"], row["DeveloperName"], row["Name"], active=row["IsActive"])
        for row in rows
    ]
    master = _record_type(kind, version, MASTER_RECORD_TYPE, "Master", "Master", default=not rows)
    return [*infos, master | {"master": True}]


def layoutable(kind: SObject) -> bool:
    """Whether there are pages of its records."""
    worked_with = not kind.setup and kind.can != "" and kind.name not in _WITHOUT_LAYOUT
    return worked_with or kind.name == "User"


def compact(kind: SObject) -> bool:
    """Whether a record of it is shown in short, as records with pages are (recorded)."""
    return layoutable(kind) or kind.name in _COMPACT


def _typed(kind: SObject) -> bool:
    """Whether its records have types: those of the objects that people work with, and custom ones."""
    typed = layoutable(kind) and not kind.setup
    return typed and (kind.custom or kind.name in _WORKED_WITH or kind.name == "CampaignMember")


def _record_type(
    kind: SObject,
    version: str,
    type_id: str,
    developer_name: str,
    name: str,
    *,
    active: bool = True,
    default: bool = False,
) -> dict[str, Any]:
    return {
        "active": active,
        "available": True,
        "defaultRecordTypeMapping": default,
        "developerName": developer_name,
        "master": False,
        "name": name,
        "recordTypeId": type_id,
        "urls": {"layout": f"{_base(kind, version)}/describe/layouts/{type_id}"},
    }


def _base(kind: SObject, version: str) -> str:
    return f"/services/data/v{version}/sobjects/{kind.name}"


def _pages(kind: SObject, version: str, url: str) -> dict[str, str]:
    """The addresses that only the description of one object tells: its pages, and those of an event's series
    (recorded by CumulusCI, `GET_sobjects_Event_describe`)."""
    if not compact(kind):
        return {}
    series = f"{_base(kind, version)}/{{ID}}/fromThisEventOnwards"
    return {
        **({"eventSeriesUpdates": series} if kind.name == "Event" else {}),
        "uiDetailTemplate": f"{url}/{{ID}}",
        "uiEditTemplate": f"{url}/{{ID}}/e",
        "uiNewRecord": f"{url}/{kind.prefix}/e",
    }


def _scopes(kind: SObject) -> list[dict[str, str]]:
    """What `USING SCOPE` takes, in the order of the recordings; custom objects have none there."""
    if kind.custom:
        return []
    plural = kind.plural[0].lower() + kind.plural[1:].lower()
    scopes = [("everything", f"All {plural}")]
    if kind.name in _WORKED_WITH and not kind.setup:
        scopes.append(("mine", f"My {plural}"))
    if kind.name == "Lead":
        scopes.append(("queue_owned", f"Queue owned {plural}"))
    if kind.name in _WITH_TEAM:
        scopes += [("scopingRule", "Filter by scope"), ("team", f"My team's {plural}")]
    if kind.name == "Lead":
        scopes.append(("user_owned", f"User owned {plural}"))
    return [{"label": label, "name": name} for name, label in scopes]


def _about(kind: SObject) -> dict[str, Any]:
    worked_with = kind.name in _WORKED_WITH
    return {
        "activateable": False,
        "associateEntityType": "History" if kind.prefix == "017" else None,
        "associateParentEntity": _history_of(kind),
        "createable": kind.may("create"),
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": kind.name == "Opportunity",
        "deletable": kind.may("delete"),
        "deprecatedAndHidden": False,
        "feedEnabled": kind.name in _WITH_FEED,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": layoutable(kind),
        "mergeable": kind.name in ("Account", "Case", "Contact", "Lead"),
        "mruEnabled": worked_with,
        "name": kind.name,
        "queryable": True,
        "replicateable": kind.replicable,
        "retrieveable": True,
        "searchable": worked_with,
        "triggerable": layoutable(kind),
        "undeletable": kind.may("delete") and kind.recycled and kind.name not in _NOT_UNDELETED,
        "updateable": kind.may("update"),
    }


# Recorded of the contact role; they come back with the record that they belong to.
_NOT_UNDELETED = frozenset({"CampaignMember", "CampaignMemberStatus", "OpportunityContactRole"})


def _history_of(kind: SObject) -> str | None:
    if kind.prefix != "017":
        return None
    return next(f.refers_to[0] for f in kind.fields.values() if f.child_relationship == "Histories")


def _child(kind: SObject, reference: Field) -> dict[str, Any]:
    return {
        "cascadeDelete": reference.cascades,
        "childSObject": kind.name,
        "deprecatedAndHidden": False,
        "field": reference.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": reference.child_relationship,
        "restrictedDelete": reference.restricts,
    }


def _choices(kind: SObject, one: Field, tables: Tables) -> dict[str, Any]:
    """The values of a picklist; those of the stage fields are rows of the org."""
    stages = _STAGES.get((kind.name, one.name))
    if stages is None:
        labels = one.labels or one.values
        pairs = zip(one.values, labels, strict=True)
        return {"picklistValues": [_choice(v, label, default=v == one.default) for v, label in pairs]}
    rows = sorted(tables.rows(stages), key=lambda row: row["SortOrder"] or 0)
    default = next((row["ApiName"] for row in rows if row.get("IsDefault")), None)
    choices = [_choice(row["ApiName"], row["MasterLabel"], default=row.get("IsDefault")) for row in rows]
    return {"picklistValues": choices, "defaultValue": default}


def _choice(value: str, label: str, *, default: bool | None = False) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": bool(default),
        "label": label,
        "validFor": None,
        "value": value,
    }
