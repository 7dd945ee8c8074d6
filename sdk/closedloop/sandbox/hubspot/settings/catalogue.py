"""The portal's property definitions and groups: what came with it and what was added since."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, Invalid, invalid_values, not_found
from closedloop.sandbox.hubspot.records.values import clean, not_an_option
from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS, KINDS, ObjectKind
from closedloop.sandbox.hubspot.settings.pipelines import Pipelines
from closedloop.sandbox.hubspot.settings.property_forms import (
    changed_definition,
    definition_from,
    order_of,
    required,
)
from closedloop.sandbox.hubspot.settings.property_tables import BUILT_IN, GROUPS

# HubSpot documentation, "Properties": unique properties of one object type.
_MOST_UNIQUE = 10
_WORD = re.compile(r"\w+")


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

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines
        self._properties: dict[ObjectKind, dict[str, PropertyDefinition]] = {}
        self._archived: dict[ObjectKind, dict[str, PropertyDefinition]] = {}
        self._unique: dict[ObjectKind, list[str]] = {}
        self._groups: dict[ObjectKind, dict[str, Group]] = {}
        for kind in KINDS:
            self.adopt(kind, BUILT_IN[kind], GROUPS[kind])
            self.add_stage_times(kind)
        self._unique[CONTACTS] = ["email"]

    def adopt(
        self, kind: ObjectKind, properties: Iterable[PropertyDefinition], groups: Iterable[tuple[str, str]]
    ) -> None:
        """Takes an object type in, with the properties and groups (name, label) that come with it."""
        self._properties[kind] = {definition.name: definition for definition in properties}
        self._archived[kind] = {}
        self._unique[kind] = []
        self._groups[kind] = {
            name: Group(name=name, label=label, display_order=order)
            for order, (name, label) in enumerate(groups)
        }

    def add_stage_times(self, kind: ObjectKind) -> None:
        """Adds the properties that hold when a record entered and left each stage, where they lack."""
        group = next(iter(self._groups[kind]))
        for definition in self._pipelines.stage_properties(kind):
            self._properties[kind].setdefault(definition.name, definition.in_group(group))

    def all(self, kind: ObjectKind, *, archived: bool = False) -> list[PropertyDefinition]:
        """Every property of an object type, or every archived one."""
        return list((self._archived if archived else self._properties)[kind].values())

    def knows(self, kind: ObjectKind, name: str) -> bool:
        """Whether the object type has the property."""
        return name in self._properties[kind]

    def get(self, kind: ObjectKind, name: str, *, archived: bool = False) -> PropertyDefinition:
        """The definition; 404 when there is none."""
        found = (self._archived if archived else self._properties)[kind].get(name)
        if found is None:
            raise not_found()
        return found

    def is_sensitive(self, kind: ObjectKind, name: str) -> bool:
        """Whether a property's values are kept from webhooks."""
        found = self._properties[kind].get(name)
        return found is not None and found.sensitive

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
        name, label = required(body, "name"), required(body, "label")
        if name in self._groups[kind]:
            raise HubSpotError(
                f"A property group named '{name}' already exists.",
                status=409,
                category="OBJECT_ALREADY_EXISTS",
                context={"name": [name]},
            )
        place = order_of(body, len(self._groups[kind]))
        self._groups[kind][name] = Group(name=name, label=label, display_order=place)
        return self._groups[kind][name]

    def change_group(self, kind: ObjectKind, name: str, body: Mapping[str, Any]) -> Group:
        """Changes a group's label or place; its name stays."""
        old = self._group(kind, name)
        label = old.label if body.get("label") is None else required(body, "label")
        changed = replace(old, label=label, display_order=order_of(body, old.display_order))
        self._groups[kind][name] = changed
        return changed

    def remove_group(self, kind: ObjectKind, name: str) -> None:
        """Archives a group, which cannot be had back; one that holds properties is refused."""
        self._group(kind, name)
        if any(definition.group == name for definition in self._properties[kind].values()):
            raise GroupInUseError
        del self._groups[kind][name]

    def add(self, kind: ObjectKind, body: Mapping[str, Any], at: str) -> PropertyDefinition:
        """Makes a custom property; 409 when the name is taken. An archived one of that name comes back, with
        the definition that was sent and its old date."""
        if (name := required(body, "name")) in self._properties[kind]:
            raise property_exists(name)
        made = definition_from(body, at)
        self._check_place(kind, made)
        if made.unique and len(self._unique[kind]) >= _MOST_UNIQUE:
            raise HubSpotError(f"{kind.name} can have at most {_MOST_UNIQUE} properties with unique values")
        old = self._archived[kind].pop(name, None)
        self._properties[kind][name] = replace(made, created_at=old.created_at) if old else made
        if made.unique:
            self._unique[kind].append(name)
        return self._properties[kind][name]

    def change(self, kind: ObjectKind, name: str, body: Mapping[str, Any], at: str) -> PropertyDefinition:
        """Changes a definition. Records keep values that are no options any more."""
        changed = changed_definition(self.get(kind, name), body, at)
        self._check_place(kind, changed)
        self._properties[kind][name] = changed
        return changed

    def remove(self, kind: ObjectKind, name: str, at: str) -> None:
        """Archives a custom property: it is neither read nor written any more; records keep its values."""
        if (old := self.get(kind, name)).built_in:
            raise HubSpotError(f"Property '{name}' is defined by HubSpot and cannot be deleted")
        self._refuse_used(kind, name)
        del self._properties[kind][name]
        self._archived[kind][name] = replace(old, archived_at=at, updated_at=at)
        if old.unique:
            self._unique[kind].remove(name)

    def _group(self, kind: ObjectKind, name: str) -> Group:
        found = self._groups[kind].get(name)
        if found is None:
            raise not_found()
        return found

    def _check_place(self, kind: ObjectKind, made: PropertyDefinition) -> None:
        """Refuses a group that is not there."""
        if made.group not in self._groups[kind]:
            raise HubSpotError(f"Property group '{made.group}' does not exist")

    def _refuse_used(self, kind: ObjectKind, name: str) -> None:
        """Refuses to archive a property that a formula uses, naming each use."""
        users = [p.name for p in self._properties[kind].values() if name in _formula(p)]
        if not users:
            return
        raise HubSpotError(
            f"Property: {name} of object type {kind.type_id} is currently used in {len(users)} places "
            "and cannot be deleted",
            sub_category="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
            context={"usageCount": [str(len(users))]},
            errors=[
                {
                    "message": f"{user} uses the property",
                    "subCategory": "PropertyValidationError.PROPERTY_USAGE",
                    "context": {
                        "parentType": ["CALCULATED_PROPERTY"],
                        "parentName": [f"{kind.type_id}/{user}"],
                    },
                }
                for user in users
            ],
        )

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
        return self._placed(kind, definition, clean(definition, raw))

    def _placed(
        self, kind: ObjectKind, definition: PropertyDefinition, value: str | Invalid
    ) -> str | Invalid:
        """The value, unless it names a pipeline or stage that there is not: their options live elsewhere."""
        allowed = self._pipelines.options(kind, definition.name)
        if allowed is None or not value or isinstance(value, Invalid) or value in allowed:
            return value
        return not_an_option(definition.name, value, allowed)


class GroupInUseError(HubSpotError):
    """The refusal to archive a group that holds properties: its message holds the whole refusal as JSON."""

    def __init__(self) -> None:
        super().__init__(
            "Can't delete or purge a group with active properties",
            sub_category="PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
        )

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        nested = json.dumps(super().body(correlation_id), separators=(",", ":"))
        return {"status": "error", "message": nested, "correlationId": correlation_id}


def property_exists(name: str) -> HubSpotError:
    """The refusal of a property whose name is taken."""
    return HubSpotError(
        f"A property named '{name}' already exists.",
        status=409,
        category="OBJECT_ALREADY_EXISTS",
        sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
        context={"name": [name]},
    )


def _formula(definition: PropertyDefinition) -> set[str]:
    """The words of a calculated property's formula."""
    return set(_WORD.findall(str(dict(definition.more).get("calculationFormula", ""))))
