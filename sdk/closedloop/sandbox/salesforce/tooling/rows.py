"""The rows of the Tooling API's objects, made of what the org has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Component
from closedloop.sandbox.salesforce.schema import definitions
from closedloop.sandbox.salesforce.schema.sobject import SObject

Rows = Iterator[tuple[str, dict[str, Any]]]
_SETTINGS = "000000000000000AAA"
_STATE = {"ManageableState": "unmanaged", "NamespacePrefix": None}


def rows(catalogue: Catalogue) -> Rows:
    """Every row with its object's name."""
    objects = catalogue.org.objects
    for row in definitions.entities(objects):
        yield "EntityDefinition", row
    for row in definitions.fields(objects):
        field = objects[row["EntityDefinitionId"]].fields[row["QualifiedApiName"]]
        yield "FieldDefinition", row | {"ReferenceTo": "|".join(field.refers_to) or None}
    yield from _record_types(catalogue)
    yield "ChatterSettings", {"Id": _SETTINGS, "IsChatterEnabled": True}
    yield "EnhancedNotesSettings", {"Id": _SETTINGS, "IsEnhancedNotesEnabled": True}
    for name, make in _OF_COMPONENTS.items():
        for component in catalogue.all(name):
            yield from make(catalogue, component)


def _record_types(catalogue: Catalogue) -> Rows:
    for row in catalogue.org.tables.rows("RecordType"):
        shown = {name: row[name] for name in ("Id", "Name", "SobjectType", "IsActive", "Description")}
        full_name = f"{row['SobjectType']}.{row['DeveloperName']}"
        yield "RecordType", {**shown, **_STATE, "FullName": full_name}


def _table(catalogue: Catalogue, kind: SObject) -> str:
    """What a field names as its object: a standard one's name, a custom one's id."""
    return catalogue.id_of("CustomObject", kind.name)[:15] if kind.custom else kind.name


def _stamps(component: Component) -> dict[str, Any]:
    return {
        "Id": component.id,
        "CreatedDate": component.created,
        "CreatedById": component.by,
        "LastModifiedDate": component.changed,
        "LastModifiedById": component.by,
        **_STATE,
    }


def _number(component: Component, name: str) -> int | None:
    text = component.element.value(name)
    return int(text) if text else None


def _custom_field(catalogue: Catalogue, component: Component) -> Rows:
    owner, _, name = component.full_name.partition(".")
    kind = catalogue.org.tables.objects[owner]
    element = component.element
    yield (
        "CustomField",
        {
            **_stamps(component),
            "DeveloperName": name.removesuffix("__c"),
            "TableEnumOrId": _table(catalogue, kind),
            "EntityDefinitionId": kind.name,
            "FullName": component.full_name,
            "Description": element.value("description"),
            "InlineHelpText": element.value("inlineHelpText"),
            "Length": _number(component, "length"),
            "Precision": _number(component, "precision"),
            "Scale": _number(component, "scale"),
            "RelationshipLabel": element.value("relationshipLabel"),
            "SummaryOperation": element.value("summaryOperation"),
        },
    )


def _custom_object(_: Catalogue, component: Component) -> Rows:
    if component.full_name.endswith("__c"):
        own = {
            "DeveloperName": component.full_name.removesuffix("__c"),
            "Description": component.element.value("description"),
        }
        yield "CustomObject", {**_stamps(component), **own}


def _flow(catalogue: Catalogue, component: Component) -> Rows:
    element = component.element
    definition = catalogue.id_of("FlowDefinition", component.full_name)
    label, about = element.value("label"), element.value("description")
    active = element.value("status") == "Active"
    yield (
        "Flow",
        {
            **_stamps(component),
            "DefinitionId": definition,
            "MasterLabel": label,
            "FullName": f"{component.full_name}-1",
            "VersionNumber": 1,
            "Status": element.value("status") or "Draft",
            "Description": about,
            "ProcessType": element.value("processType"),
            "ApiVersion": float(element.value("apiVersion") or 0) or None,
            "RunInMode": element.value("runInMode"),
            "Environments": element.value("environments"),
            "IsTemplate": False,
        },
    )
    yield (
        "FlowDefinition",
        {
            **_stamps(component),
            "Id": definition,
            "DeveloperName": component.full_name,
            "MasterLabel": label,
            "FullName": component.full_name,
            "Description": about,
            "ActiveVersionId": component.id if active else None,
            "LatestVersionId": component.id,
        },
    )


def _apex(_: Catalogue, component: Component) -> Rows:
    body = (component.content or b"").decode(errors="replace")
    row = {
        **_stamps(component),
        "Name": component.full_name,
        "ApiVersion": float(component.element.value("apiVersion") or 0),
        "Status": component.element.value("status") or "Active",
        "IsValid": False,
        "Body": body,
        "LengthWithoutComments": len(body),
    }
    if component.kind == "ApexClass":
        row["FullName"] = component.full_name
    yield component.kind, row


def _rule(_: Catalogue, component: Component) -> Rows:
    owner, __, name = component.full_name.partition(".")
    element = component.element
    yield (
        "ValidationRule",
        {
            **_stamps(component),
            "ValidationName": name,
            "EntityDefinitionId": owner,
            "FullName": component.full_name,
            "Active": element.flag("active"),
            "Description": element.value("description"),
            "ErrorDisplayField": element.value("errorDisplayField"),
            "ErrorMessage": element.value("errorMessage"),
        },
    )


def _message(catalogue: Catalogue, component: Component) -> Rows:
    owner, _, name = component.full_name.partition(".")
    element = component.element
    users = catalogue.org.tables.rows("User")
    user = element.value("integrationUser")
    yield (
        "WorkflowOutboundMessage",
        {
            **_stamps(component),
            "Name": name,
            "EntityDefinitionId": owner,
            "FullName": component.full_name,
            "ApiVersion": float(element.value("apiVersion") or 0) or None,
            "EndpointUrl": element.value("endpointUrl"),
            "IncludeSessionId": element.flag("includeSessionId"),
            "IntegrationUserId": next((row["Id"] for row in users if row["Username"] == user), None),
        },
    )


_OF_COMPONENTS = {
    "ApexClass": _apex,
    "ApexTrigger": _apex,
    "CustomField": _custom_field,
    "CustomObject": _custom_object,
    "Flow": _flow,
    "ValidationRule": _rule,
    "WorkflowOutboundMessage": _message,
}
