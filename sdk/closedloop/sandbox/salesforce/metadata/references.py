"""What components say of each other: names of other namespaces, and who uses what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.soap.markup import Element

_NAMESPACED = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)__(?!c$|mdt$|e$|b$|x$)\w+")
_LABELS = {
    "CustomField": "custom field",
    "CustomObject": "custom object definition",
    "WorkflowOutboundMessage": "workflow outbound message",
}
_ACTION = "outboundMessage"


def foreign_namespace(sent: Sent) -> Iterator[Problem]:
    """Two underscores within a name part a namespace from it, and this org has none."""
    found = _NAMESPACED.fullmatch(sent.short)
    if found is not None:
        message = (
            f"Cannot create a new component with the namespace: {found[1]}.  "
            "Only components in the same namespace as the organization can be created through the API"
        )
        yield Problem(message=message, code="INVALID_CROSS_REFERENCE_KEY", at=sent.element)


def users_of(kind: str, full_name: str, outlook: Outlook, catalogue: Catalogue) -> Iterator[Problem]:
    """The refusal to remove what is still used (reported of fields that flows and Apex use)."""
    users = [f"Flow Version - {catalogue.id_of('Flow', flow)}" for flow in _flows(kind, full_name, outlook)]
    if kind == "CustomField":
        messages = "WorkflowOutboundMessage"
        owner, _, name = full_name.partition(".")
        users += [
            f"Workflow Outbound Message - {catalogue.id_of(messages, one)}"
            for one in outlook.names(messages)
            if one.startswith(f"{owner}.") and name in _values(outlook.element(messages, one), "fields")
        ]
    if users:
        message = f"This {_LABELS[kind]} is referenced elsewhere in salesforce.com. : {', '.join(users)}"
        yield Problem(message=message, code="DEPENDENCY_EXISTS")


def calls(flow: Element) -> list[str]:
    """The outbound messages that a flow calls, by their full names."""
    actions = [call for call in flow.all("actionCalls") if call.value("actionType") == _ACTION]
    return [call.value("actionName") or "" for call in actions]


def fields_used(flow: Element) -> set[str]:
    """The fields of its record that a flow's start reads."""
    start = flow.find("start")
    if start is None:
        return set()
    formula = start.value("filterFormula") or ""
    named = {one.value("field") or "" for one in start.all("filters")}
    return named | set(re.findall(r"\$Record(?:__Prior)?\.(\w+)", formula))


def _flows(kind: str, full_name: str, outlook: Outlook) -> Iterator[str]:
    owner, _, name = full_name.partition(".")
    for flow in outlook.names("Flow"):
        element = outlook.element("Flow", flow)
        if element is None:
            continue
        about = element.value("start", "object")
        if kind == "WorkflowOutboundMessage":
            used = full_name in calls(element)
        else:
            used = about == owner and (not name or name in fields_used(element))
        if used:
            yield flow


def _values(element: Element | None, name: str) -> list[str]:
    return [] if element is None else element.values(name)
