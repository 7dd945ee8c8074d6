"""Objects, fields and permission sets that nobody deployed, in the words of the Metadata API."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from closedloop.sandbox.salesforce.records.tables import Tables
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject
from closedloop.sandbox.salesforce.soap.markup import Element, made

_TYPES = {
    "boolean": "Checkbox",
    "currency": "Currency",
    "date": "Date",
    "datetime": "DateTime",
    "double": "Number",
    "email": "Email",
    "encryptedstring": "EncryptedText",
    "int": "Number",
    "location": "Location",
    "multipicklist": "MultiselectPicklist",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "Picklist",
    "reference": "Lookup",
    "string": "Text",
    "time": "Time",
    "url": "Url",
}
_LONG = 255
OBJECT_PERMISSIONS: Mapping[str, str] = {
    "PermissionsCreate": "allowCreate",
    "PermissionsDelete": "allowDelete",
    "PermissionsEdit": "allowEdit",
    "PermissionsRead": "allowRead",
    "PermissionsModifyAllRecords": "modifyAllRecords",
    "PermissionsViewAllRecords": "viewAllRecords",
}
"""The fields of ObjectPermissions, and what the Metadata API calls them."""


def field_element(field: Field) -> Element:
    """A custom field, as readMetadata shows it."""
    return made("CustomField", {"externalId": field.external_id, **_parts(field)})


def object_element(kind: SObject) -> Element:
    """An object without its fields. A standard one says less: it has no name field that could be changed."""
    if not kind.custom:
        return made("CustomObject", {"enableFeeds": False, "label": kind.label, "pluralLabel": kind.plural})
    name = kind.fields["Name"]
    return made(
        "CustomObject",
        {
            "deploymentStatus": "Deployed",
            "label": kind.label,
            "nameField": {"label": name.label, "type": "AutoNumber" if name.auto_number else "Text"},
            "pluralLabel": kind.plural,
            "sharingModel": "ReadWrite" if "OwnerId" in kind.fields else "ControlledByParent",
        },
    )


def permission_set_element(row: Mapping[str, Any], tables: Tables) -> Element:
    """A permission set and what it grants, from its records."""
    fields = sorted(tables.where("FieldPermissions", "ParentId", row["Id"]), key=itemgetter("Field"))
    objects = sorted(tables.where("ObjectPermissions", "ParentId", row["Id"]), key=itemgetter("SobjectType"))
    return made(
        "PermissionSet",
        {
            "description": row["Description"],
            "fieldPermissions": [
                {
                    "editable": one["PermissionsEdit"],
                    "field": one["Field"],
                    "readable": one["PermissionsRead"],
                }
                for one in fields
            ],
            "hasActivationRequired": bool(row["HasActivationRequired"]),
            "label": row["Label"],
            "objectPermissions": [
                {
                    **{ours: bool(one[theirs]) for theirs, ours in OBJECT_PERMISSIONS.items()},
                    "object": one["SobjectType"],
                }
                for one in objects
            ],
        },
    )


def type_of(field: Field) -> str:
    """The Metadata API's name of the field's type."""
    if field.auto_number:
        return "AutoNumber"
    if field.master_detail:
        return "MasterDetail"
    if field.type == "textarea":
        return "Html" if "h" in field.flags else "LongTextArea" if field.length > _LONG else "TextArea"
    return _TYPES.get(field.type, "Text")


def _parts(field: Field) -> dict[str, object]:
    kind = type_of(field)
    parts: dict[str, object] = {
        "formula": field.formula,
        "inlineHelpText": field.help_text,
        "label": field.label,
        "required": not field.nillable and kind not in ("Checkbox", "AutoNumber", "MasterDetail"),
        "type": kind,
    }
    if kind in ("Text", "LongTextArea", "Html"):
        parts["length"] = field.length
    if kind in ("Number", "Currency", "Percent"):
        parts |= {"precision": field.precision or 18, "scale": field.scale}
    if kind in ("Text", "Number"):
        parts["unique"] = field.unique
    if kind == "Checkbox":
        parts["defaultValue"] = bool(field.default)
    if field.refers_to:
        children = (field.child_relationship or "").removesuffix("__r") or None
        parts |= {"referenceTo": field.refers_to[0], "relationshipName": children}
    if field.values:
        labels = field.labels or field.values
        values = [
            {"fullName": value, "default": value == field.default, "label": label or value}
            for value, label in zip(field.values, labels, strict=True)
        ]
        definition = {"sorted": False, "value": values}
        parts["valueSet"] = {"restricted": field.restricted, "valueSetDefinition": definition}
    return parts
