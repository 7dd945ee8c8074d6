"""What admins demand: properties that records must have, always or once another property has a value.

HubSpot holds apps to it from the version of September 2026 on (changelog, "CRM API write validation
enforcement"); through older paths they may leave such properties out. The words of the refusal of a change
are ours; only its status and category are documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from closedloop.sandbox.hubspot.errors import HubSpotError, not_set
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The properties that records of a type must have while those of `when` have these values."""

    kind: ObjectKind
    names: tuple[str, ...]
    when: Mapping[str, str] = field(default_factory=dict)

    def missing(self, values: Mapping[str, str]) -> list[str]:
        """The properties that a record with these values lacks."""
        if any(values.get(name) != value for name, value in self.when.items()):
            return []
        return [name for name in self.names if not values.get(name)]


class Demands:
    """All demands of one portal's admins."""

    def __init__(self) -> None:
        self._all: list[Demand] = []

    def add(self, demand: Demand) -> None:
        """An admin makes a demand."""
        self._all.append(demand)

    def check(self, kind: ObjectKind, record: CrmObject | None, written: Mapping[str, str]) -> None:
        """Refuses a write after which a new record, or a property that it touches, would lack a value."""
        after = {**(record.properties if record else {}), **written}
        for demand in self._all:
            touched = record is None or not written.keys().isdisjoint({*demand.names, *demand.when})
            missing = demand.missing(after) if demand.kind is kind and touched else []
            if missing and record is None:
                raise not_set(kind.singular, missing)
            if missing:
                raise HubSpotError(
                    f"Error updating {kind.singular.upper()}. Some required properties were not set.",
                    context={"properties": missing},
                )
