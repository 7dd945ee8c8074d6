"""Property definitions: what a property is called, what it may hold, and how the properties API shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

# The definitions that come with a portal carry the dates of HubSpot's own roll-out.
BUILT_IN_AT = "2020-06-30T15:57:38.191Z"
NON_SENSITIVE = "non_sensitive"
# What a definition says besides, of values that HubSpot sets itself, and of those that it works out.
SET_BY_HUBSPOT = {"read_only": True}
CALCULATED = {"read_only": True, "calculated": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice of an enumeration: records hold `value`, people see `label`."""

    label: str
    value: str
    description: str | None = None
    display_order: int = -1
    hidden: bool = False

    def to_wire(self) -> dict[str, Any]:
        """The option as the properties API shows it."""
        described = {} if self.description is None else {"description": self.description}
        return {
            "label": self.label,
            "value": self.value,
            **described,
            "displayOrder": self.display_order,
            "hidden": self.hidden,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyDefinition:
    """One property of an object type."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = ""
    description: str = ""
    options: tuple[Option, ...] = ()
    display_order: int = -1
    calculated: bool = False
    external_options: bool = False
    unique: bool = False
    hidden: bool = False
    built_in: bool = True
    read_only: bool = False
    form_field: bool = False
    sensitivity: str = NON_SENSITIVE
    # What else the definition says, in the API's own words: hints on how to show a value, a formula.
    more: tuple[tuple[str, Any], ...] = ()
    created_at: str = BUILT_IN_AT
    updated_at: str = BUILT_IN_AT
    archived_at: str | None = None

    @property
    def sensitive(self) -> bool:
        """Whether its values are kept from webhooks."""
        return self.sensitivity != NON_SENSITIVE

    def takes(self, value: str) -> bool:
        """Whether an enumeration has this option; the options of pipelines and owners live elsewhere."""
        return self.external_options or any(option.value == value for option in self.options)

    def in_group(self, group: str) -> PropertyDefinition:
        """The same property in a group."""
        return replace(self, group=group)

    def core_to_wire(self) -> dict[str, Any]:
        """The part of the definition that a batch create answers with (recorded)."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [option.to_wire() for option in self.options],
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": self.built_in,
                "readOnlyValue": self.read_only,
            },
            "formField": self.form_field,
            "dataSensitivity": self.sensitivity,
            **dict(self.more),
        }

    def to_wire(self) -> dict[str, Any]:
        """The definition as a read answers it. HubSpot's own say so and not whether they are archived;
        custom ones the other way round (docs/hubspot-behaviour.md of scopiousdigital/kalup)."""
        archived = {} if self.archived_at is None else {"archivedAt": self.archived_at}
        origin = {"hubspotDefined": True} if self.built_in else {"archived": bool(archived)}
        dates = {"updatedAt": self.updated_at, "createdAt": self.created_at}
        return dates | self.core_to_wire() | origin | archived


_YES_OR_NO = (
    Option(label="Yes", value="true", display_order=0),
    Option(label="No", value="false", display_order=1),
)


def text(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A single-line text property."""
    return PropertyDefinition(name=name, label=label, **more)


def long_text(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A multi-line text property."""
    return PropertyDefinition(name=name, label=label, field_type="textarea", **more)


def number(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A number property."""
    return PropertyDefinition(name=name, label=label, type="number", field_type="number", **more)


def moment(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A date-and-time property."""
    return PropertyDefinition(name=name, label=label, type="datetime", field_type="date", **more)


def day(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A date property."""
    return PropertyDefinition(name=name, label=label, type="date", field_type="date", **more)


def flag(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A yes/no property: it holds "true" or "false", and says so in its options (recorded)."""
    return PropertyDefinition(
        name=name, label=label, type="bool", field_type="booleancheckbox", options=_YES_OR_NO, **more
    )


def choice(name: str, label: str, *options: str, **more: Any) -> PropertyDefinition:
    """A drop-down property; an option is "value" or "value=label"."""
    rows = tuple(
        Option(value=value, label=shown or value, display_order=order)
        for order, (value, _, shown) in enumerate(option.partition("=") for option in options)
    )
    more.setdefault("field_type", "select")
    return PropertyDefinition(name=name, label=label, type="enumeration", options=rows, **more)


def outside(name: str, label: str, **more: Any) -> PropertyDefinition:
    """A drop-down whose options live elsewhere (pipelines, owners): `options` is empty (recorded)."""
    return choice(name, label, external_options=True, **more)
