"""The kinds of component: how each is called, and where its files are in a package.

Metadata API Developer Guide, "Metadata Types"; the answer of describeMetadata. Those of `KEPT` are deployed,
listed and retrieved as they were sent, and have no effect in the org.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file. `children` are the kinds of component in it, by the element that holds them."""

    name: str
    directory: str
    suffix: str
    children: Mapping[str, str]
    with_meta: bool = False


_FIELDS = {
    "businessProcesses": "BusinessProcess",
    "compactLayouts": "CompactLayout",
    "fields": "CustomField",
    "fieldSets": "FieldSet",
    "indexes": "Index",
    "listViews": "ListView",
    "recordTypes": "RecordType",
    "sharingReasons": "SharingReason",
    "validationRules": "ValidationRule",
    "webLinks": "WebLink",
}
_WORKFLOW = {
    "alerts": "WorkflowAlert",
    "fieldUpdates": "WorkflowFieldUpdate",
    "knowledgePublishes": "WorkflowKnowledgePublish",
    "outboundMessages": "WorkflowOutboundMessage",
    "rules": "WorkflowRule",
    "send": "WorkflowSend",
    "tasks": "WorkflowTask",
}


def _kind(
    name: str, directory: str, suffix: str, children: Mapping[str, str] | None = None, *, meta: bool = False
) -> Kind:
    return Kind(name=name, directory=directory, suffix=suffix, children=children or {}, with_meta=meta)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("ApexClass", "classes", "cls", meta=True),
        _kind("ApexComponent", "components", "component", meta=True),
        _kind("ApexPage", "pages", "page", meta=True),
        _kind("ApexTrigger", "triggers", "trigger", meta=True),
        _kind("CustomApplication", "applications", "app"),
        _kind("CustomLabels", "labels", "labels", {"labels": "CustomLabel"}),
        _kind("CustomMetadata", "customMetadata", "md"),
        _kind("CustomObject", "objects", "object", _FIELDS),
        _kind("CustomPermission", "customPermissions", "customPermission"),
        _kind("CustomTab", "tabs", "tab"),
        _kind("FlexiPage", "flexipages", "flexipage"),
        _kind("Flow", "flows", "flow"),
        _kind("FlowDefinition", "flowDefinitions", "flowDefinition"),
        _kind("GlobalValueSet", "globalValueSets", "globalValueSet"),
        _kind("Layout", "layouts", "layout"),
        _kind("PermissionSet", "permissionsets", "permissionset"),
        _kind("PermissionSetGroup", "permissionsetgroups", "permissionsetgroup"),
        _kind("Profile", "profiles", "profile"),
        _kind("Queue", "queues", "queue"),
        _kind("RemoteSiteSetting", "remoteSiteSettings", "remoteSite"),
        _kind("Role", "roles", "role"),
        _kind("Settings", "settings", "settings"),
        _kind("StaticResource", "staticresources", "resource", meta=True),
        _kind("Workflow", "workflows", "workflow", _WORKFLOW),
    )
}
PARENTS: Mapping[str, tuple[Kind, str]] = {
    child: (kind, element) for kind in KINDS.values() for element, child in kind.children.items()
}
"""For each kind that is part of another's file: that other, and the element it stands in."""
BY_DIRECTORY: Mapping[str, Kind] = {kind.directory: kind for kind in KINDS.values()}
PREFIXES: Mapping[str, str] = {
    "ApexClass": "01p",
    "ApexTrigger": "01q",
    "CustomField": "00N",
    "CustomObject": "01I",
    "Flow": "301",
    "FlowDefinition": "300",
    "Layout": "00h",
    "PermissionSet": "0PS",
    "Profile": "00e",
    "Queue": "00G",
    "ValidationRule": "03d",
    "WorkflowOutboundMessage": "04k",
    "WorkflowRule": "01Q",
}
"""How the ids of components begin, where that is known; of the others it is made up."""
OTHER_PREFIX = "0MD"


def exists(name: str) -> bool:
    """Whether there is a kind of component of that name here."""
    return name in KINDS or name in PARENTS


def file_of(kind: str, full_name: str) -> str:
    """The file of a package that holds the component."""
    if kind in PARENTS:
        parent = PARENTS[kind][0]
        owner = "CustomLabels" if parent.name == "CustomLabels" else full_name.partition(".")[0]
        return f"{parent.directory}/{owner}.{parent.suffix}"
    return f"{KINDS[kind].directory}/{full_name}.{KINDS[kind].suffix}"
