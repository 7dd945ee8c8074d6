"""What describe says of one field. The keys, and the rules of the types, are those of recorded describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

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
    "time": "xsd:time",
    "base64": "xsd:base64Binary",
    "anyType": "xsd:anyType",
    "address": "urn:address",
    "location": "urn:location",
}
_COMPOUND = frozenset({"address", "location"})
_TEXT_BYTES = 3  # a character takes up to three bytes in describe's byteLength
_BYTES_ARE_LENGTH = frozenset({"id", "reference", "multipicklist", "base64", "anyType"})


def field(kind: SObject, one: Field) -> dict[str, Any]:
    """The field, but for its picklist values."""
    parts = {**_SAME_FOR_ALL, **_about_value(one), **_about_use(kind, one), **_about_definition(one)}
    return dict(sorted(parts.items()))


# What none of our fields is or has.
_SAME_FOR_ALL: Mapping[str, Any] = dict.fromkeys(
    (
        "aiPredictionField",
        "dependentPicklist",
        "deprecatedAndHidden",
        "formulaTreatNullNumberAsZero",
        "highScaleNumber",
    ),
    False,
) | dict.fromkeys(("controllerName", "defaultValueFormula", "filteredLookupInfo", "referenceTargetField"))


def _about_value(one: Field) -> dict[str, Any]:
    return {
        "byteLength": _byte_length(one),
        "compoundFieldName": one.compound,
        "custom": one.custom,
        "defaultValue": _default(one),
        "digits": 8 if one.type == "int" else 0,
        "externalId": one.external_id,
        "extraTypeInfo": _extra(one),
        "label": one.label,
        "length": one.length,
        "name": one.name,
        "nameField": "N" in one.flags,
        "namePointing": one.polymorphic,
        "nillable": one.nillable,
        "polymorphicForeignKey": one.polymorphic,
        "precision": one.precision,
        "searchPrefilterable": "s" in one.flags,
        "referenceTo": list(one.refers_to),
        "relationshipName": one.relationship,
        "restrictedPicklist": one.restricted,
        "scale": one.scale,
        "soapType": _SOAP_TYPES.get(one.type, "xsd:string"),
        "type": one.type,
        "unique": one.unique,
    }


def _about_use(kind: SObject, one: Field) -> dict[str, Any]:
    return {
        "aggregatable": one.aggregatable,
        "createable": one.createable and kind.may("create"),
        "defaultedOnCreate": one.defaulted,
        "filterable": one.filterable,
        "groupable": one.groupable,
        "idLookup": one.id_lookup,
        "permissionable": _permissionable(kind, one),
        "queryByDistance": one.type in _COMPOUND,
        "sortable": one.sortable,
        "updateable": one.updateable and kind.may("update"),
    }


def _about_definition(one: Field) -> dict[str, Any]:
    encrypted = one.type == "encryptedstring"
    return {
        "autoNumber": one.auto_number,
        "calculated": one.calculated,
        "calculatedFormula": one.formula,
        "cascadeDelete": one.master_detail,
        "caseSensitive": one.case_sensitive,
        "displayLocationInDecimal": one.type == "location",
        "encrypted": encrypted,
        "htmlFormatted": one.html,
        "inlineHelpText": one.help_text,
        "mask": "*" if encrypted else None,
        "maskType": "all" if encrypted else None,
        "relationshipOrder": one.order,
        "restrictedDelete": one.restricts,
        "writeRequiresMasterRead": False,
    }


def _default(one: Field) -> Any:
    return False if one.type == "boolean" and one.default is None and not one.switch else one.default


def _permissionable(kind: SObject, one: Field) -> bool:
    """Whether a permission can hide it: as recorded, what is nillable and not Salesforce's own affair, which
    all standard fields of the administrator's objects are (JupiterOne/graph-salesforce)."""
    if "p" in one.flags or one.master_detail or (kind.setup and not one.custom):
        return False
    grantable = one.createable or one.updateable or one.derived or one.calculated or one.auto_number
    return "P" in one.flags or (one.nillable and grantable) or (one.custom and one.type == "boolean")


def _extra(one: Field) -> str | None:
    if "n" in one.flags or "i" in one.flags:
        return "personname" if "n" in one.flags else "imageurl"
    if one.type == "textarea":
        return "richtextarea" if one.html else "plaintextarea"
    return None


def _byte_length(one: Field) -> int:
    return one.length if one.type in _BYTES_ARE_LENGTH or "b" in one.flags else one.length * _TEXT_BYTES
