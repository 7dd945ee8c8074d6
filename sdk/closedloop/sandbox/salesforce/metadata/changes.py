"""Changes of an org's metadata: checked one after the other, and then made, or not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from closedloop.sandbox.salesforce.metadata import kinds
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Effects, Problem, Sent
from closedloop.sandbox.salesforce.metadata.custom_fields import CustomFields
from closedloop.sandbox.salesforce.metadata.custom_objects import CustomObjects
from closedloop.sandbox.salesforce.metadata.flows import FlowDefinitions, Flows
from closedloop.sandbox.salesforce.metadata.kept import Kept
from closedloop.sandbox.salesforce.metadata.messages import OutboundMessages
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.metadata.permission_sets import PermissionSets
from closedloop.sandbox.salesforce.metadata.triggers import Triggers


class Changer:
    """Knows what each kind of component does in the org."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        triggers = Triggers(catalogue)
        self._effects: Mapping[str, Effects] = {
            "CustomField": CustomFields(catalogue),
            "CustomObject": CustomObjects(catalogue),
            "Flow": Flows(catalogue, triggers),
            "FlowDefinition": FlowDefinitions(catalogue, triggers),
            "PermissionSet": PermissionSets(catalogue),
            "WorkflowOutboundMessage": OutboundMessages(catalogue, triggers),
        }

    def begin(self) -> Changes:
        """Changes that start from what the org has now."""
        return Changes(self)

    def effects(self, kind: str) -> Effects:
        """What the kind does."""
        return self._effects.get(kind) or Kept(self.catalogue, kind)


class Changes:
    """A list of changes, each checked against what will be there once those before it are made."""

    def __init__(self, changer: Changer) -> None:
        self._changer = changer
        self._todo: list[tuple[str, Sent | str]] = []
        self.outlook = Outlook(changer.catalogue)

    def save(self, sent: Sent) -> list[Problem]:
        """Plans to save a component; the first thing wrong with it, in which case it is not planned."""
        problems = list(islice(self._changer.effects(sent.kind).problems(sent, self.outlook), 1))
        if not problems:
            self._todo.append((sent.kind, sent))
            self.outlook.add(sent)
        return problems

    def remove(self, kind: str, full_name: str) -> list[Problem]:
        """Plans to remove a component that is there."""
        problems = list(self._changer.effects(kind).obstacles(full_name, self.outlook))
        if not problems:
            self._todo.append((kind, full_name))
            proper = Flows.proper(full_name) if kind == "Flow" else full_name
            self.outlook.remove(kind, proper)
        return problems

    def make(self) -> None:
        """Makes everything that was planned, in order."""
        for kind, what in self._todo:
            effects = self._changer.effects(kind)
            if isinstance(what, Sent):
                effects.apply(what)
            elif self._changer.catalogue.get(kind, Flows.proper(what) if kind == "Flow" else what):
                effects.remove(what)


def in_turn(kind: str) -> int:
    """When a kind is saved: what others refer to goes first."""
    order = ("CustomObject", "CustomField", "WorkflowOutboundMessage", "Flow", "FlowDefinition")
    if kind in order:
        return order.index(kind)
    return len(order) + (1 if kind in kinds.PARENTS else 2 if kind == "PermissionSet" else 0)
