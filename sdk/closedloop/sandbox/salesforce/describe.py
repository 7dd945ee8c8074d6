"""The describe answers: all objects, or one with its fields. The keys are those of recorded describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.objects import Objects
from closedloop.sandbox.salesforce.schema import Field, SObject
from closedloop.sandbox.salesforce.tables import Tables

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
_UNGROUPABLE = frozenset({"double", "currency", "percent", "datetime", "address"})
_STAGES = {("Lead", "Status"): "LeadStatus", ("Opportunity", "StageName"): "OpportunityStage"}
_TEXT_BYTES = 3  # a character takes up to three bytes in describe's byteLength


def describe_global(objects: Objects, version: str) -> dict[str, Any]:
    """Every object, in short."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [describe_briefly(s, version) for s in objects],
    }


def describe_briefly(kind: SObject, version: str) -> dict[str, Any]:
    """What describeGlobal says of one object."""
    base = f"/services/data/v{version}/sobjects/{kind.name}"
    return _about(kind) | {
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"}
    }


def describe(kind: SObject, version: str, tables: Tables) -> dict[str, Any]:
    """One object, its fields and its child relationships."""
    return describe_briefly(kind, version) | {
        "actionOverrides": [],
        "childRelationships": [_child(s, f) for s, f in tables.objects.referring(kind)],
        "compactLayoutable": not kind.setup,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [_field(kind, f) | _choices(kind, f, tables) for f in kind.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": not kind.setup,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {kind.plural.lower()}", "name": "everything"}],
    }


def _about(kind: SObject) -> dict[str, Any]:
    open_to_all = not kind.setup
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": open_to_all,
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": kind.name == "Opportunity",
        "deletable": open_to_all,
        "deprecatedAndHidden": False,
        "feedEnabled": kind.name in ("Account", "Contact", "Lead", "Opportunity", "Campaign"),
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": open_to_all,
        "mergeable": kind.name in ("Account", "Contact", "Lead"),
        "mruEnabled": open_to_all,
        "name": kind.name,
        "queryable": True,
        "replicateable": kind.replicable,
        "retrieveable": True,
        "searchable": open_to_all,
        "triggerable": open_to_all,
        "undeletable": open_to_all,
        "updateable": open_to_all,
    }


def _child(kind: SObject, field: Field) -> dict[str, Any]:
    return {
        "cascadeDelete": field.cascades,
        "childSObject": kind.name,
        "deprecatedAndHidden": False,
        "field": field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": field.child_relationship,
        "restrictedDelete": False,
    }


def _field(kind: SObject, field: Field) -> dict[str, Any]:
    parts = {**_SAME_FOR_ALL, **_about_value(field), **_about_use(kind, field)}
    return dict(sorted(parts.items()))


# What none of our fields is or has.
_SAME_FOR_ALL: Mapping[str, Any] = dict.fromkeys(
    (
        "aiPredictionField",
        "autoNumber",
        "calculated",
        "cascadeDelete",
        "caseSensitive",
        "dependentPicklist",
        "deprecatedAndHidden",
        "displayLocationInDecimal",
        "encrypted",
        "formulaTreatNullNumberAsZero",
        "highScaleNumber",
        "htmlFormatted",
        "restrictedDelete",
        "searchPrefilterable",
        "writeRequiresMasterRead",
    ),
    False,
) | dict.fromkeys(
    (
        "calculatedFormula",
        "controllerName",
        "defaultValueFormula",
        "filteredLookupInfo",
        "inlineHelpText",
        "mask",
        "maskType",
        "referenceTargetField",
        "relationshipOrder",
    )
)


def _about_value(field: Field) -> dict[str, Any]:
    return {
        "byteLength": _byte_length(field),
        "compoundFieldName": field.compound,
        "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None,
        "digits": 8 if field.type == "int" else 0,
        "externalId": field.external_id,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": "N" in field.flags,
        "namePointing": field.polymorphic,
        "nillable": field.nillable,
        "polymorphicForeignKey": field.polymorphic,
        "precision": field.precision,
        "referenceTo": list(field.refers_to),
        "relationshipName": field.relationship,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "type": field.type,
        "unique": field.external_id,
    }


def _about_use(kind: SObject, field: Field) -> dict[str, Any]:
    address = field.type == "address"
    return {
        "aggregatable": not (field.type == "boolean" or address or field.long_text),
        "createable": field.createable and not kind.setup,
        "defaultedOnCreate": field.defaulted,
        "filterable": not field.long_text,
        "groupable": not (field.type in _UNGROUPABLE or field.long_text),
        "idLookup": field.id_lookup,
        "permissionable": field.nillable and (field.createable or field.updateable or field.derived),
        "queryByDistance": address,
        "sortable": not (address or field.long_text),
        "updateable": field.updateable and not kind.setup,
    }


def _byte_length(field: Field) -> int:
    return field.length if field.type in ("id", "reference") else field.length * _TEXT_BYTES


def _choices(kind: SObject, field: Field, tables: Tables) -> dict[str, Any]:
    """The values of a picklist; those of the two stage fields are rows of the org."""
    stages = _STAGES.get((kind.name, field.name))
    if stages is None:
        return {"picklistValues": [_choice(value) for value in field.values]}
    rows = sorted(tables.rows(stages), key=lambda row: row["SortOrder"] or 0)
    default = next((row["ApiName"] for row in rows if row.get("IsDefault")), None)
    choices = [_choice(row["ApiName"], row["MasterLabel"], default=row.get("IsDefault")) for row in rows]
    return {"picklistValues": choices, "defaultValue": default}


def _choice(value: str, label: str | None = None, *, default: bool | None = False) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": bool(default),
        "label": label or value,
        "validFor": None,
        "value": value,
    }
