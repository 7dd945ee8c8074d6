"""The files of a Metadata API package: what an admin deploys to an org, as text to be read first.

Inside an element the inherited children come first and the others in the order of the alphabet; anything
else is refused. The tests hold every file against the schema in the Metadata API's WSDL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from closedloop.crm.salesforce.change import Change

API_VERSION = "63.0"
_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_READ = ("Account", "Contact", "Lead", "Opportunity")
"""What the integration user reads besides campaigns; the account comes before what hangs on it."""
_LABEL = 40  # characters in the label of a field

Content = str | Mapping[str, "Content"] | Sequence["Content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """An object whose changes of `fields` an outbound message tells `endpoint`."""

    object: str
    fields: tuple[str, ...]
    endpoint: str
    integration_user: str

    @property
    def name(self) -> str:
        """The API name of the outbound message; the flows' start with it."""
        return f"Closed_Loop_{self.object.removesuffix('__c').replace('__', '_')}"

    @property
    def flows(self) -> Mapping[str, bool]:
        """The flows' API names, and whether they fire on creation: ISCHANGED allows no flow for both."""
        return {f"{self.name}_Created": True, f"{self.name}_Updated": False}


def package_files(changes: Iterable[Change], hooks: Sequence[Hook]) -> dict[str, bytes]:
    """The files of both packages, `deploy/…` and `remove/…`, by their path."""
    wanted = [change for change in changes if (change.name or change.object).endswith("__c")]
    made = {change.object for change in wanted if change.name is None}
    fields = [change for change in wanted if change.name is not None]
    members = _members(fields, made)
    files = {
        "deploy/package.xml": _manifest({**members, **_hook_members(hooks)}),
        **{
            f"deploy/objects/{name}.object": _object(
                name, [field for field in fields if field.object == name], made
            )
            for name in dict.fromkeys(field.object for field in fields)
        },
        "deploy/permissionsets/Closed_Loop_Integration.permissionset": _integration(fields, made),
        "deploy/permissionsets/Closed_Loop_Viewer.permissionset": _viewer(fields, made),
        "remove/package.xml": _manifest({}),
        "remove/destructiveChanges.xml": _manifest(_removed(members, made)),
    }
    for hook in hooks:
        files[f"deploy/workflows/{hook.object}.workflow"] = _workflow(hook)
        for name, created in hook.flows.items():
            files[f"deploy/flows/{name}.flow"] = _flow(hook, name, created=created)
    return files


def _members(fields: Sequence[Change], made: Iterable[str]) -> dict[str, list[str]]:
    return {
        "CustomField": [f"{field.object}.{field.name}" for field in fields],
        "CustomObject": sorted(made),
        "PermissionSet": ["Closed_Loop_Integration", "Closed_Loop_Viewer"],
    }


def _hook_members(hooks: Sequence[Hook]) -> dict[str, list[str]]:
    return {
        "Flow": [name for hook in hooks for name in hook.flows],
        "WorkflowOutboundMessage": [f"{hook.object}.{hook.name}" for hook in hooks],
    }


def _removed(members: Mapping[str, list[str]], made: Iterable[str]) -> dict[str, list[str]]:
    """What a removal names: an object's own fields go with it."""
    fields = [name for name in members["CustomField"] if name.partition(".")[0] not in set(made)]
    return {**members, "CustomField": fields}


def _manifest(members: Mapping[str, Sequence[str]]) -> bytes:
    types: list[Content] = [
        {"members": names, "name": kind} for kind, names in sorted(members.items()) if names
    ]
    return _document("Package", {"types": types, "version": API_VERSION})


def _object(name: str, fields: Sequence[Change], made: Iterable[str]) -> bytes:
    described: list[Content] = [_field(field) for field in fields]
    if name not in made:
        return _document("CustomObject", {"fields": described})
    return _document(
        "CustomObject",
        {
            "deploymentStatus": "Deployed",
            "description": "What sales decided about a campaign's people, and why. Written by Closed Loop.",
            "enableReports": "true",
            "fields": described,
            "label": "Closed Loop Campaign Reason",
            "nameField": {"displayFormat": "CLR-{000000}", "label": "Campaign Reason", "type": "AutoNumber"},
            "pluralLabel": "Closed Loop Campaign Reasons",
            "sharingModel": "ReadWrite",
        },
    )


def _field(field: Change) -> Content:
    """A CustomField; a lookup's row survives its campaign, so that nothing blocks the deletion of one."""
    content: dict[str, Content] = {"fullName": field.name or ""}
    if field.refers_to:
        content |= {"deleteConstraint": "SetNull"}
    content |= {"description": f"{field.help} Written by Closed Loop."}
    if field.external_id:
        content |= {"caseSensitive": "true", "externalId": "true", "unique": "true"}
    content |= {"inlineHelpText": field.help, "label": field.label[:_LABEL], "type": field.type}
    numbers = {"length": field.length, "precision": field.precision, "scale": field.scale}
    content |= {name: str(number) for name, number in numbers.items() if number is not None}
    if field.type == "LongTextArea":
        content |= {"visibleLines": "5"}
    if field.refers_to:
        relation = "Closed_Loop_Campaign_Reasons"
        content |= {
            "referenceTo": field.refers_to,
            "relationshipLabel": relation.replace("_", " "),
            "relationshipName": relation,
        }
    return _ordered(content, "fullName")


def _integration(fields: Sequence[Change], made: Iterable[str]) -> bytes:
    """For the user that Closed Loop signs in as: reads everything it judges, writes its own fields."""
    objects = [
        _access(name, edit=False, everything=True)
        if name in _READ
        else _access(name, edit=True, everything=True)
        for name in (*_READ, "Campaign")
    ]
    return _document(
        "PermissionSet",
        {
            "description": "For the user that Closed Loop signs in as.",
            "fieldPermissions": [_field_access(field, edit=True) for field in fields],
            "label": "Closed Loop Integration",
            "objectPermissions": [
                *objects,
                *(_access(name, edit=True, create=True, everything=True) for name in sorted(made)),
            ],
            "userPermissions": {"enabled": "true", "name": "ApiEnabled"},
        },
    )


def _viewer(fields: Sequence[Change], made: Iterable[str]) -> bytes:
    """For marketers and sales: sees what Closed Loop wrote, changes nothing."""
    return _document(
        "PermissionSet",
        {
            "description": "For those who are to see what Closed Loop writes.",
            "fieldPermissions": [_field_access(field, edit=False) for field in fields],
            "label": "Closed Loop Viewer",
            "objectPermissions": [_access(name, edit=False, everything=False) for name in sorted(made)],
        },
    )


def _field_access(field: Change, *, edit: bool) -> Content:
    return {"editable": _bool(edit), "field": f"{field.object}.{field.name}", "readable": "true"}


def _access(name: str, *, edit: bool, everything: bool, create: bool = False) -> Content:
    return {
        "allowCreate": _bool(create),
        "allowDelete": "false",
        "allowEdit": _bool(edit),
        "allowRead": "true",
        "modifyAllRecords": "false",
        "object": name,
        "viewAllRecords": _bool(everything),
    }


def _workflow(hook: Hook) -> bytes:
    """The outbound message. It carries little: what it says may be old, so the record is read again."""
    return _document(
        "Workflow",
        {
            "outboundMessages": {
                "fullName": hook.name,
                "apiVersion": API_VERSION,
                "endpointUrl": hook.endpoint,
                "fields": ["Id", "SystemModstamp"],
                "includeSessionId": "false",
                "integrationUser": hook.integration_user,
                "name": hook.name,
                "protected": "false",
                "useDeadLetterQueue": "false",
            }
        },
    )


def _flow(hook: Hook, name: str, *, created: bool) -> bytes:
    """A record-triggered flow that sends the message."""
    message = f"{hook.object}.{hook.name}"
    changed = ", ".join(f"ISCHANGED({{!$Record.{field}}})" for field in hook.fields)
    start: dict[str, Content] = {
        "locationX": "50",
        "locationY": "0",
        "connector": {"targetReference": "Send"},
        **({} if created else {"filterFormula": f"OR({changed})"}),
        "object": hook.object,
        "recordTriggerType": "Create" if created else "Update",
        "triggerType": "RecordAfterSave",
    }
    call: dict[str, Content] = {
        "name": "Send",
        "label": "Send",
        "locationX": "176",
        "locationY": "287",
        "actionName": message,
        "actionType": "outboundMessage",
        "flowTransactionModel": "CurrentTransaction",
        "nameSegment": message,
    }
    return _document(
        "Flow",
        {
            "actionCalls": call,
            "apiVersion": API_VERSION,
            "description": "Tells Closed Loop that this record may have changed.",
            "environments": "Default",
            "interviewLabel": f"{name} {{!$Flow.CurrentDateTime}}",
            "label": name.replace("_", " "),
            "processType": "AutoLaunchedFlow",
            "start": start,
            "status": "Active",
        },
    )


def _ordered(content: Mapping[str, Content], *first: str) -> dict[str, Content]:
    """The children as the Metadata API wants them: the inherited `first`, the rest by the alphabet."""
    rest = sorted(name for name in content if name not in first)
    return {name: content[name] for name in (*first, *rest)}


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _document(root: str, content: Mapping[str, Content]) -> bytes:
    default = {None: _NAMESPACE}
    element = etree.Element(f"{{{_NAMESPACE}}}{root}", nsmap=default)  # type: ignore[arg-type]  # a stub's gap
    for child in _children(content):
        element.append(child)
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _children(content: Mapping[str, Content]) -> Iterator[etree._Element]:
    for name, value in content.items():
        for one in [value] if isinstance(value, str | Mapping) else value:
            child = etree.Element(f"{{{_NAMESPACE}}}{name}")
            if isinstance(one, str):
                child.text = one
            elif isinstance(one, Mapping):
                child.extend(_children(one))
            yield child
