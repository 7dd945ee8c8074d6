"""What an org says of its own schema over SOQL: EntityDefinition and FieldDefinition.

Object Reference, "EntityDefinition" and "FieldDefinition". Their rows follow the schema: they are made anew
when somebody asks after it changed. The Id shown is the DurableId; a real org shows 000000000000000AAA.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from closedloop.sandbox.salesforce.records.indexes import Row
from closedloop.sandbox.salesforce.schema.customising import with_fields
from closedloop.sandbox.salesforce.schema.described_field import field as described
from closedloop.sandbox.salesforce.schema.field_tables import sobject
from closedloop.sandbox.salesforce.schema.objects import Objects
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

_NO_AUDIT = "CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp"

ENTITY = sobject(
    "EntityDefinition",
    "4ie",
    """
DurableId            string(50)   -
MasterLabel          string(80)   -
Label                string(80)   -
PluralLabel          string(80)   -
DeveloperName        string(80)   -
QualifiedApiName     string(70)   N
NamespacePrefix      string(15)   -
KeyPrefix            string(3)    -
InternalSharingModel  string(40)  -
ExternalSharingModel  string(40)  -
IsApexTriggerable    boolean      !D
IsCompactLayoutable  boolean      !D
IsCustomSetting      boolean      !D
IsCustomizable       boolean      !D
IsDeprecatedAndHidden  boolean    !D
IsEverCreatable      boolean      !D
IsEverDeletable      boolean      !D
IsEverUpdatable      boolean      !D
IsFeedEnabled        boolean      !D
IsLayoutable         boolean      !D
IsQueryable          boolean      !D
IsReplicateable      boolean      !D
IsRetrieveable       boolean      !D
IsSearchable         boolean      !D
IsTriggerable        boolean      !D
IsWorkflowEnabled    boolean      !D
""",
    setup=True,
    without=_NO_AUDIT,
)

_FIELD = sobject(
    "FieldDefinition",
    "4fe",
    """
DurableId            string(150)  -
QualifiedApiName     string(70)   N
EntityDefinitionId   string(50)   -
NamespacePrefix      string(15)   -
DeveloperName        string(80)   -
MasterLabel          string(80)   -
Label                string(80)   -
Length               int          -
DataType             string(255)  -
ExtraTypeInfo        string(40)   -
Precision            int          -
Scale                int          -
RelationshipName     string(80)   -
IsApiFilterable      boolean      !D
IsApiGroupable       boolean      !D
IsApiSortable        boolean      !D
IsCalculated         boolean      !D
IsCompactLayoutable  boolean      !D
IsFieldHistoryTracked  boolean    !D
IsHighScaleNumber    boolean      !D
IsHtmlFormatted      boolean      !D
IsIndexed            boolean      !D
IsNameField          boolean      !D
IsNillable           boolean      !D
IsPolymorphicForeignKey  boolean  !D
IsWorkflowFilterable   boolean    !D
""",
    setup=True,
    without=_NO_AUDIT,
)
FIELD = with_fields(
    _FIELD,
    [
        replace(
            _FIELD.fields["EntityDefinitionId"],
            refers_to=("EntityDefinition",),
            relationship="EntityDefinition",
            child_relationship="Fields",
        )
    ],
)

# How the pages call the types of fields (Help, "Custom Field Types"); the other types are called Picklist.
_SHOWN = {
    "address": "Address",
    "anyType": "Any",
    "base64": "File",
    "boolean": "Checkbox",
    "combobox": "Picklist",
    "currency": "Currency({0}, {1})",
    "date": "Date",
    "datetime": "Date/Time",
    "double": "Number({0}, {1})",
    "email": "Email",
    "encryptedstring": "Text (Encrypted)({2})",
    "id": "Id",
    "int": "Number(8, 0)",
    "location": "Geolocation",
    "multipicklist": "Picklist (Multi-Select)",
    "percent": "Percent({0}, {1})",
    "phone": "Phone",
    "string": "Text({2})",
    "textarea": "Text Area({2})",
    "time": "Time",
    "url": "URL({2})",
}


def entities(objects: Objects) -> Iterator[Row]:
    """A row for each object."""
    for kind in objects:
        names = {"Id": kind.name, "DurableId": kind.name, "QualifiedApiName": kind.name}
        yield Row(names) | _about(kind)


def fields(objects: Objects) -> Iterator[Row]:
    """A row for each field of each object."""
    for kind in objects:
        for one in kind.fields.values():
            durable = f"{kind.name}.{one.name}"
            names = {"Id": durable, "DurableId": durable, "EntityDefinitionId": kind.name}
            yield Row(names) | _about_field(kind, one)


def _about(kind: SObject) -> Row:
    open_to_all = not kind.setup
    sharing = "ReadWrite" if open_to_all else "Private"
    return Row(
        MasterLabel=kind.label,
        Label=kind.label,
        PluralLabel=kind.plural,
        DeveloperName=kind.name.removesuffix("__c"),
        KeyPrefix=kind.prefix,
        InternalSharingModel=sharing,
        ExternalSharingModel="Private",
        IsApexTriggerable=open_to_all,
        IsCompactLayoutable=open_to_all,
        IsCustomSetting=False,
        IsCustomizable=open_to_all,
        IsDeprecatedAndHidden=False,
        IsEverCreatable=kind.may("create"),
        IsEverDeletable=kind.may("delete"),
        IsEverUpdatable=kind.may("update"),
        IsFeedEnabled=False,
        IsLayoutable=open_to_all,
        IsQueryable=True,
        IsReplicateable=kind.replicable,
        IsRetrieveable=True,
        IsSearchable=open_to_all,
        IsTriggerable=open_to_all,
        IsWorkflowEnabled=open_to_all,
    )


def _about_field(kind: SObject, one: Field) -> Row:
    said = described(kind, one)
    return Row(
        QualifiedApiName=one.name,
        DeveloperName=one.name.removesuffix("__c"),
        MasterLabel=one.label,
        Label=one.label,
        Length=one.length,
        DataType=_data_type(one),
        ExtraTypeInfo=said["extraTypeInfo"],
        Precision=one.precision,
        Scale=one.scale,
        RelationshipName=one.relationship,
        IsApiFilterable=said["filterable"],
        IsApiGroupable=said["groupable"],
        IsApiSortable=said["sortable"],
        IsCalculated=one.calculated,
        IsCompactLayoutable=not one.long_text,
        IsFieldHistoryTracked=False,
        IsHighScaleNumber=False,
        IsHtmlFormatted=one.html,
        IsIndexed=one.id_lookup or one.type in ("id", "reference"),
        IsNameField=said["nameField"],
        IsNillable=one.nillable,
        IsPolymorphicForeignKey=one.polymorphic,
        IsWorkflowFilterable=said["filterable"],
    )


def _data_type(one: Field) -> str:
    if one.type == "reference":
        kind = "Master-Detail" if one.master_detail else "Lookup"
        return f"{kind}({','.join(one.refers_to)})"
    if one.auto_number:
        return "Auto Number"
    whole = one.precision - one.scale
    return _SHOWN.get(one.type, "Picklist").format(whole, one.scale, one.length)
