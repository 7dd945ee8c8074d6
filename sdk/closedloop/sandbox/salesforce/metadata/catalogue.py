"""What metadata an org has: what was deployed, and what it had from the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.metadata import kinds
from closedloop.sandbox.salesforce.metadata.component import Component, Sent, bare, in_order
from closedloop.sandbox.salesforce.metadata.described import (
    field_element,
    object_element,
    permission_set_element,
)
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.schema.sobject import SObject
from closedloop.sandbox.salesforce.soap.markup import Element, made

_COMPOSED = frozenset({"CustomObject", "Workflow"})


class Catalogue:
    """The components by kind and full name. Names are compared as they are written, but for objects'.

    The custom fields and the objects of the org are in it, deployed or not.
    """

    def __init__(self, org: Org) -> None:
        self.org = org
        self._kept: dict[str, dict[str, Component]] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self.changes = 0
        """How often something was kept or forgotten."""

    def get(self, kind: str, full_name: str) -> Component | None:
        """The component, with everything in it."""
        if kind == "CustomObject":
            found = self.org.tables.objects.find(full_name)
            return None if found is None else self._object(found)
        if kind == "CustomField":
            return self._field(full_name)
        if kind == "Workflow":
            return self._workflow(full_name)
        if kind == "PermissionSet":
            return self._permission_set(full_name)
        return self._kept.get(kind, {}).get(full_name)

    def names(self, kind: str) -> list[str]:
        """The full names of the kind's components, sorted."""
        return sorted(self._names(kind))

    def all(self, kind: str) -> Iterator[Component]:
        """The kind's components by name."""
        return (found for name in self.names(kind) if (found := self.get(kind, name)))

    def put(self, sent: Sent) -> None:
        """Keeps the component as it was sent."""
        self.changes += 1
        now, by = seconds(self.org.clock()), self.org.integration_user_id
        old = self._kept.get(sent.kind, {}).get(sent.full_name)
        element = bare(sent.element, sent.kind)
        element.children = [c for c in element.children if c.name not in self._parts(sent.kind)]
        self._kept.setdefault(sent.kind, {})[sent.full_name] = Component(
            kind=sent.kind,
            full_name=sent.full_name,
            id=self.id_of(sent.kind, sent.full_name),
            element=element,
            content=sent.content,
            created=old.created if old else now,
            changed=now,
            by=by,
        )

    def drop(self, kind: str, full_name: str) -> None:
        """Forgets the component, and those that are part of it."""
        self.changes += 1
        self._kept.get(kind, {}).pop(full_name, None)
        self._ids.pop((kind, full_name), None)
        for child in (kinds.KINDS[kind].children if kind in kinds.KINDS else {}).values():
            for name in [n for n in self._kept.get(child, {}) if n.startswith(f"{full_name}.")]:
                self.drop(child, name)

    def rename(self, kind: str, old: str, new: str) -> None:
        """Keeps a component under another name."""
        self.changes += 1
        found = self._kept.get(kind, {}).pop(old, None)
        if found is not None:
            self._ids[kind, new] = self._ids.pop((kind, old), found.id)
            self._kept[kind][new] = replace(found, full_name=new)

    def rename_object(self, old: str, new: str) -> None:
        """Keeps an object and its parts under another name."""
        self.rename("CustomObject", old, new)
        for child in kinds.KINDS["CustomObject"].children.values():
            for name in [n for n in self._kept.get(child, {}) if n.startswith(f"{old}.")]:
                self.rename(child, name, f"{new}.{name.partition('.')[2]}")

    def id_of(self, kind: str, full_name: str) -> str:
        """The id that the component has, or will have."""
        known = self._ids.get((kind, full_name))
        if known is None:
            prefix = kinds.PREFIXES.get(kind, kinds.OTHER_PREFIX)
            known = self._ids[kind, full_name] = new_id(prefix, self.org.number())
        return known

    def use_id(self, kind: str, full_name: str, record_id: str) -> None:
        """Gives the component the id of the record that stands for it."""
        self._ids[kind, full_name] = record_id

    def _names(self, kind: str) -> Iterator[str]:
        objects = self.org.tables.objects
        match kind:
            case "CustomObject":
                yield from (found.name for found in objects)
            case "CustomField":
                for found in objects:
                    yield from (f"{found.name}.{name}" for name in found.fields if name.endswith("__c"))
            case "Workflow":
                messages = self._kept.get("WorkflowOutboundMessage", {})
                yield from {name.partition(".")[0] for name in messages} | set(self._kept.get(kind, {}))
            case "PermissionSet":
                rows = self.org.tables.rows("PermissionSet")
                yield from (str(row["Name"]) for row in rows if not row["IsOwnedByProfile"])
            case _:
                yield from self._kept.get(kind, {})

    def _parts(self, kind: str) -> Mapping[str, str]:
        return kinds.KINDS[kind].children if kind in _COMPOSED else {}

    def _object(self, found: SObject) -> Component:
        kept = self._kept.get("CustomObject", {}).get(found.name)
        component = kept or self._standing("CustomObject", found.name, object_element(found))
        names = [name for name in found.fields if name.endswith("__c")]
        parts = [("fields", self.get("CustomField", f"{found.name}.{name}")) for name in names]
        return self._composed(component, [*parts, *self._others(found.name)])

    def _others(self, owner: str) -> Iterator[tuple[str, Component | None]]:
        """What else of an object was sent with its file."""
        for element, kind in kinds.KINDS["CustomObject"].children.items():
            if kind != "CustomField":
                kept = self._kept.get(kind, {})
                yield from ((element, kept[name]) for name in kept if name.startswith(f"{owner}."))

    def _field(self, full_name: str) -> Component | None:
        owner, _, name = full_name.partition(".")
        found = self.org.tables.objects.find(owner)
        field = found.field(name) if found else None
        if found is None or field is None or not field.name.endswith("__c"):
            return None
        proper = f"{found.name}.{field.name}"
        kept = self._kept.get("CustomField", {}).get(proper)
        return kept or self._standing("CustomField", proper, field_element(field))

    def _workflow(self, owner: str) -> Component | None:
        parts: list[tuple[str, Component | None]] = []
        for element, kind in kinds.KINDS["Workflow"].children.items():
            kept = self._kept.get(kind, {})
            parts += [(element, kept[name]) for name in sorted(kept) if name.startswith(f"{owner}.")]
        kept_whole = self._kept.get("Workflow", {}).get(owner)
        if not parts and kept_whole is None:
            return None
        return self._composed(
            kept_whole or self._standing("Workflow", owner, Element(name="Workflow")), parts
        )

    def _permission_set(self, name: str) -> Component | None:
        """What the set's records say; what they cannot say is as it was sent."""
        tables = self.org.tables
        row = next((row for row in tables.rows("PermissionSet") if row["Name"] == name), None)
        if row is None:
            return None
        self._ids["PermissionSet", name] = row["Id"]
        granted = permission_set_element(row, tables)
        kept = self._kept.get("PermissionSet", {}).get(name)
        if kept is None:
            return self._standing("PermissionSet", name, granted)
        told = {child.name for child in granted.children} | {"fieldPermissions", "objectPermissions"}
        rest = [child for child in kept.element.children if child.name not in told]
        whole = Element(name="PermissionSet", children=[*granted.children, *rest])
        return replace(kept, element=in_order(whole, "PermissionSet"))

    def _composed(self, component: Component, parts: list[tuple[str, Component | None]]) -> Component:
        children = [
            replace_name(part.element, element, part.full_name) for element, part in parts if part is not None
        ]
        whole = Element(name=component.kind, children=[*component.element.children, *children])
        return replace(component, element=in_order(whole, component.kind))

    def _standing(self, kind: str, full_name: str, element: Element) -> Component:
        """What was there before anything was deployed."""
        founded = self.org.get("Organization", self.org.organization_id)["CreatedDate"]
        return Component(
            kind=kind,
            full_name=full_name,
            id=full_name
            if kind == "CustomObject" and not full_name.endswith("__c")
            else self.id_of(kind, full_name),
            element=element,
            content=None,
            created=founded,
            changed=founded,
            by=self.org.admin_id,
        )


def replace_name(element: Element, name: str, full_name: str) -> Element:
    """A component as part of another's file: there it has its own name without the owner's."""
    short = made("fullName", full_name.partition(".")[2] or full_name)
    return Element(name=name, children=[short, *element.children])
