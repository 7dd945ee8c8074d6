"""What the portal stores: a record with its values and their history, and who changed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from closedloop.sandbox.hubspot.settings.kinds import ObjectKind


@lru_cache(maxsize=10_000)
def stamp(moment: datetime) -> str:
    """A time as HubSpot writes it: `2025-11-03T23:36:13.632Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def milliseconds(moment: datetime) -> int:
    """A time as milliseconds since 1970, as webhooks and filters have it."""
    return int(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who changed something: a person in HubSpot's pages, an app, HubSpot itself."""

    type: str
    id: str | None = None
    label: str | None = None
    user_id: int | None = None

    @staticmethod
    @lru_cache(maxsize=10_000)
    def person(user_id: int) -> Origin:
        """Somebody who works in HubSpot's pages."""
        return Origin(type="CRM_UI", id=f"userId:{user_id}", user_id=user_id)

    @staticmethod
    @lru_cache(maxsize=100)
    def app(app_id: int) -> Origin:
        """A call to the API."""
        return Origin(type="INTEGRATION", id=str(app_id), label="INTEGRATION")


AUTOMATION = Origin(type="AUTOMATION_PLATFORM")
CALCULATED = Origin(type="CALCULATED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One value that a property had, from a time on."""

    value: str
    at: datetime
    origin: Origin

    def to_wire(self) -> dict[str, Any]:
        """The version as `propertiesWithHistory` shows it; what is not known is left out."""
        known = {
            "sourceId": self.origin.id,
            "sourceLabel": self.origin.label,
            "updatedByUserId": self.origin.user_id,
        }
        wire = {"value": self.value, "timestamp": stamp(self.at), "sourceType": self.origin.type}
        return wire | {name: value for name, value in known.items() if value is not None}


class Change(NamedTuple):
    """Values that were set together. A record has many: names are shared between those of equal shape."""

    at: datetime
    origin: Origin
    names: tuple[str, ...]
    values: tuple[str, ...]


class End(NamedTuple):
    """One record as an end of an association."""

    kind: ObjectKind
    id: str


@lru_cache(maxsize=10_000)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """The one tuple that stands for all equal ones: a portal holds many changes and few shapes of them."""
    return names


@dataclass(slots=True, kw_only=True, eq=False)
class CrmObject:
    """One record of the portal. `properties` holds only what has a value; `guid` is a campaign's other id;
    `number` is the id as a number, `changes` is what was ever set, in the order in which it was."""

    kind: ObjectKind
    number: int
    id: str
    created_at: datetime
    updated_at: datetime
    guid: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    archived_at: datetime | None = None

    @property
    def end(self) -> End:
        """The record as an end of an association."""
        return End(self.kind, self.id)

    def to_wire(self) -> dict[str, Any]:
        """The record with all its values, in the shape of the objects API."""
        return {
            "id": self.id,
            "properties": dict(self.properties),
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at),
            "archived": self.archived_at is not None,
        }

    def versions(self, name: str) -> list[Version]:
        """The values that a property had, newest first."""
        found = [
            Version(value=change.values[change.names.index(name)], at=change.at, origin=change.origin)
            for change in reversed(self.changes)
            if name in change.names
        ]
        found.sort(key=lambda version: version.at, reverse=True)
        return found

    def put(self, values: Mapping[str, str], at: datetime, origin: Origin) -> dict[str, str]:
        """Takes the values over ("" clears); returns those that changed, as they were before."""
        held, old = self.properties, {}
        for name, value in values.items():
            before = held.get(name, "")
            if before != value:
                old[name] = before
                if value:
                    held[name] = value
                else:
                    del held[name]
        if not old:
            return old
        names = _shared(tuple(old))
        self.changes.append(Change(at, origin, names, tuple([values[name] for name in names])))
        self.updated_at = max(self.updated_at, at)
        held[self.kind.modified] = stamp(self.updated_at)
        return old
