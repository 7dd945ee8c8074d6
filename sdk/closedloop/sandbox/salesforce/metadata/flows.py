"""Flows: what makes one wrong, how one is switched on and off, and how it is removed.

Metadata API Developer Guide, "Flow" and "FlowDefinition"; that an active flow cannot be removed:
sfdx-git-delta issue 366, forcedotcom/cli issue 3401 ("insufficient access rights on cross-reference id").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.entry import condition_of
from closedloop.sandbox.salesforce.metadata.formulas import FormulaError
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.metadata.references import calls, fields_used, foreign_namespace
from closedloop.sandbox.salesforce.metadata.triggers import Triggers, reached
from closedloop.sandbox.salesforce.soap.markup import Element, made

_VERSION = re.compile(r"(?P<name>\w+)-(?P<number>\d+)")
_WRONG = "FIELD_INTEGRITY_EXCEPTION"


class Flows:
    """The flows; each keeps its last version, which is the active one if its status is Active."""

    def __init__(self, catalogue: Catalogue, triggers: Triggers) -> None:
        self._catalogue = catalogue
        self._triggers = triggers

    def problems(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        """Why the flow cannot be saved."""
        yield from foreign_namespace(sent)
        flow = sent.element
        names = {node.value("name") for node in flow.children}
        for node in flow.children:
            target = node.value("connector", "targetReference")
            if target is not None and target not in names:
                yield Problem(message=f"invalid flow element {target}", code=_WRONG, at=node)
        for name in calls(flow):
            if not outlook.has("WorkflowOutboundMessage", name):
                message = f"In field: actionName - no WorkflowOutboundMessage named {name} found"
                yield Problem(message=message, at=flow.find("actionCalls"))
        yield from _wrong_start(flow, outlook)

    def apply(self, sent: Sent) -> None:
        """Keeps the flow; an active one runs from now on."""
        self._catalogue.put(sent)
        self._triggers.renew()

    def obstacles(self, full_name: str, outlook: Outlook) -> Iterator[Problem]:
        """An active flow stays."""
        flow = outlook.element("Flow", self.proper(full_name))
        if flow is not None and flow.value("status") == "Active":
            message = "insufficient access rights on cross-reference id"
            yield Problem(message=message, code="INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")

    def remove(self, full_name: str) -> None:
        """Removes the flow."""
        self._catalogue.drop("Flow", self.proper(full_name))
        self._triggers.renew()

    @staticmethod
    def proper(full_name: str) -> str:
        """The flow's name; a version's number may stand behind it."""
        found = _VERSION.fullmatch(full_name)
        return found["name"] if found else full_name


class FlowDefinitions:
    """What version of a flow is active; 0 is none, which is how a flow is switched off."""

    def __init__(self, catalogue: Catalogue, triggers: Triggers) -> None:
        self._catalogue = catalogue
        self._triggers = triggers

    def problems(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        """Only the definition of a flow that there is can be changed."""
        number = sent.element.value("activeVersionNumber") or "0"
        if not outlook.has("Flow", sent.full_name):
            yield Problem(
                message="You can't create a flow definition directly through the API", at=sent.element
            )
        elif number not in ("0", "1"):
            yield Problem(message=f"Invalid version number: {number}", code=_WRONG, at=sent.element)

    def apply(self, sent: Sent) -> None:
        """Switches the flow on or off."""
        flow = self._catalogue.get("Flow", sent.full_name)
        if flow is None:
            return
        active = (sent.element.value("activeVersionNumber") or "0") != "0"
        kept = [child for child in flow.element.children if child.name != "status"]
        status = made("status", "Active" if active else "Obsolete")
        element = Element(name="Flow", children=[*kept, status])
        self._catalogue.put(Sent(kind="Flow", full_name=sent.full_name, element=element))
        self._triggers.renew()

    def obstacles(self, _: str, __: Outlook) -> Iterator[Problem]:
        """A definition goes with the last version of its flow, never alone."""
        message = "insufficient access rights on cross-reference id"
        yield Problem(message=message, code="INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")

    def remove(self, _: str) -> None:
        """Does nothing: it is never removed alone."""


def _wrong_start(flow: Element, outlook: Outlook) -> Iterator[Problem]:
    start = flow.find("start")
    if start is None:
        return
    sobject = start.value("object")
    if sobject and not outlook.has("CustomObject", sobject):
        yield Problem(message=f"In field: object - no CustomObject named {sobject} found", at=start)
        return
    for name in sorted(fields_used(flow)) if sobject else ():
        if outlook.field(sobject or "", name) is None:
            yield Problem(message=f"Field {name} does not exist. Check spelling.", code=_WRONG, at=start)
    # Of a flow that sends nothing the conditions are not needed, and may be such as are not known here.
    if any(reached(flow)):
        try:
            condition_of(start)
        except FormulaError as error:
            yield Problem(message=f"The formula expression is invalid: {error}", code=_WRONG, at=start)
