"""The portal's property definitions and groups: what came with it and what was added since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from closedloop.sandbox.hubspot.definitions import Option, PropertyDefinition
from closedloop.sandbox.hubspot.errors import HubSpotError, Invalid, invalid_values, not_found
from closedloop.sandbox.hubspot.kinds import CONTACTS, KINDS, ObjectKind
from closedloop.sandbox.hubspot.pipelines import stage_options, stage_properties
from closedloop.sandbox.hubspot.property_tables import BUILT_IN, GROUPS
from closedloop.sandbox.hubspot.values import clean, not_an_option

_CHANGEABLE = {
    "label": "label",
    "description": "description",
    "groupName": "group",
    "type": "type",
    "fieldType": "field_type",
}
_TYPES = frozenset({"string", "number", "date", "datetime", "enumeration", "bool"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A heading under which properties stand."""

    name: str
    label: str
    display_order: int

    def to_wire(self) -> dict[str, Any]:
        """The group as the properties API shows it (recorded)."""
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.display_order,
            "archived": False,
        }


class Catalogue:
    """Definitions and groups by object type; raises HubSpot's own refusals."""

    def __init__(self) -> None:
        self._properties = {
            kind: {p.name: p for p in (*BUILT_IN[kind], *_stage_times(kind))} for kind in KINDS
        }
        self._unique = {kind: ["email"] if kind is CONTACTS else [] for kind in KINDS}
        self._groups = {
            kind: {
                name: Group(name=name, label=label, display_order=order)
                for order, (name, label) in enumerate(GROUPS[kind])
            }
            for kind in KINDS
        }

    def all(self, kind: ObjectKind) -> list[PropertyDefinition]:
        """Every property of an object type."""
        return list(self._properties[kind].values())

    def knows(self, kind: ObjectKind, name: str) -> bool:
        """Whether the object type has the property."""
        return name in self._properties[kind]

    def get(self, kind: ObjectKind, name: str) -> PropertyDefinition:
        """The definition; 404 when there is none."""
        found = self._properties[kind].get(name)
        if found is None:
            raise not_found()
        return found

    def unique(self, kind: ObjectKind) -> Sequence[str]:
        """The properties that hold no value twice; the record's own id aside."""
        return self._unique[kind]

    def groups(self, kind: ObjectKind) -> list[Group]:
        """Every group of an object type."""
        return list(self._groups[kind].values())

    def group(self, kind: ObjectKind, name: str) -> Group | None:
        """The group, if there is one."""
        return self._groups[kind].get(name)

    def add_group(self, kind: ObjectKind, body: Mapping[str, Any]) -> Group:
        """Makes a group; 409 when the name is taken."""
        name = required(body, "name")
        if name in self._groups[kind]:
            raise HubSpotError(f"Property group '{name}' already exists", status=409, category="CONFLICT")
        place = _order(body, len(self._groups[kind]))
        self._groups[kind][name] = Group(name=name, label=required(body, "label"), display_order=place)
        return self._groups[kind][name]

    def add(self, kind: ObjectKind, body: Mapping[str, Any], at: str) -> PropertyDefinition:
        """Makes a custom property; 409 when the name is taken."""
        name = required(body, "name")
        if name in self._properties[kind]:
            raise property_exists(name)
        made = _from_wire(body, at)
        if made.group not in self._groups[kind]:
            raise HubSpotError(f"Property group '{made.group}' does not exist")
        self._properties[kind][name] = made
        if made.unique:
            self._unique[kind].append(name)
        return made

    def change(self, kind: ObjectKind, name: str, body: Mapping[str, Any], at: str) -> PropertyDefinition:
        """Changes a definition's label, description, group, form or options."""
        old = self.get(kind, name)
        texts = {field: str(body[word]) for word, field in _CHANGEABLE.items() if body.get(word) is not None}
        options = _options(body["options"]) if "options" in body else old.options
        changes: dict[str, Any] = {**texts, "options": options, "updated_at": at}
        self._properties[kind][name] = replace(old, **changes)
        return self._properties[kind][name]

    def remove(self, kind: ObjectKind, name: str) -> None:
        """Archives a custom property: it can be neither read nor written any more."""
        if self.get(kind, name).built_in:
            raise HubSpotError(f"Property '{name}' is defined by HubSpot and cannot be deleted")
        if self._properties[kind].pop(name).unique:
            self._unique[kind].remove(name)

    def check(self, kind: ObjectKind, raw: Mapping[str, Any], *, by_api: bool) -> dict[str, str]:
        """The values in the form that HubSpot keeps them; 400 naming every one that it does not take."""
        judged = {name: self._judge(kind, name, value, by_api=by_api) for name, value in raw.items()}
        refused = [value for value in judged.values() if isinstance(value, Invalid)]
        if refused:
            raise invalid_values(refused)
        return {name: value for name, value in judged.items() if isinstance(value, str)}

    def known(self, kind: ObjectKind, names: Iterable[str]) -> list[str]:
        """The names that are properties: asking for others is no error, they are ignored."""
        return [name for name in dict.fromkeys(names) if self.knows(kind, name)]

    def _judge(self, kind: ObjectKind, name: str, raw: Any, *, by_api: bool) -> str | Invalid:
        definition = self._properties[kind].get(name)
        if definition is None:
            message = f'Property "{name}" does not exist'
            return Invalid(name=name, code="PROPERTY_DOESNT_EXIST", message=message)
        if by_api and definition.read_only:
            # The words for calculated ones: pull request 8785 of mautic/mautic.
            sort = "calculated" if definition.calculated else "read only"
            message = f'"{name}" is a {sort} property; its value cannot be set.'
            return Invalid(name=name, code="READ_ONLY_VALUE", message=message)
        return _placed(kind, definition, clean(definition, raw))


def _placed(kind: ObjectKind, definition: PropertyDefinition, value: str | Invalid) -> str | Invalid:
    """The value, unless it names a pipeline or stage that does not exist: their options live elsewhere."""
    allowed = stage_options(kind, definition.name)
    if allowed is None or not value or isinstance(value, Invalid) or value in allowed:
        return value
    return not_an_option(definition.name, value, allowed)


def required(body: Mapping[str, Any], name: str) -> str:
    """The text that a body has to hold under a name; 400 when it does not (the words are ours)."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise HubSpotError(f"Some required fields were not set: [{name}]")
    return value


def property_exists(name: str) -> HubSpotError:
    """The refusal of a property whose name is taken."""
    return HubSpotError(
        f"A property named '{name}' already exists.",
        status=409,
        category="OBJECT_ALREADY_EXISTS",
        sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
        context={"name": [name]},
    )


def _stage_times(kind: ObjectKind) -> list[PropertyDefinition]:
    group = GROUPS[kind][0][0]
    return [p.in_group(group) for p in stage_properties(kind)]


def _from_wire(body: Mapping[str, Any], at: str) -> PropertyDefinition:
    kind_of_value = required(body, "type")
    if kind_of_value not in _TYPES:
        raise HubSpotError(f"Invalid property type: {kind_of_value}")
    return PropertyDefinition(
        name=required(body, "name"),
        label=required(body, "label"),
        type=kind_of_value,
        field_type=required(body, "fieldType"),
        group=required(body, "groupName"),
        description=str(body.get("description") or ""),
        options=_options(body.get("options") or []),
        display_order=_order(body, -1),
        unique=bool(body.get("hasUniqueValue")),
        hidden=bool(body.get("hidden")),
        form_field=bool(body.get("formField")),
        built_in=False,
        created_at=at,
        updated_at=at,
    )


def _order(body: Mapping[str, Any], default: int) -> int:
    order = body.get("displayOrder")
    return order if isinstance(order, int) else default


def _options(rows: Any) -> tuple[Option, ...]:
    """The options of a definition; one that names no place in the order comes last (recorded)."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HubSpotError("Invalid input JSON: options has to be a list of objects")
    last = max((_order(row, -1) for row in rows), default=-1)
    return tuple(
        Option(
            label=required(row, "label"),
            value=required(row, "value"),
            description=str(row["description"]) if row.get("description") is not None else None,
            display_order=_order(row, last + 1),
            hidden=bool(row.get("hidden")),
        )
        for row in rows
    )
