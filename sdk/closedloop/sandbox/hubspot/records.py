"""What the portal stores: a record with its values and their history, and who changed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from closedloop.sandbox.hubspot.kinds import ObjectKind


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

    @classmethod
    def person(cls, user_id: int) -> Origin:
        """Somebody who works in HubSpot's pages."""
        return cls(type="CRM_UI", id=f"userId:{user_id}", user_id=user_id)

    @classmethod
    def app(cls, app_id: int) -> Origin:
        """A call to the API."""
        return cls(type="INTEGRATION", id=str(app_id), label="INTEGRATION")


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


class End(NamedTuple):
    """One record as an end of an association."""

    kind: ObjectKind
    id: str


@dataclass(slots=True, kw_only=True, eq=False)
class CrmObject:
    """One record of the portal. `properties` holds only what has a value; `guid` is a campaign's other id."""

    kind: ObjectKind
    id: str
    created_at: datetime
    updated_at: datetime
    guid: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[Version]] = field(default_factory=dict)
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

    def put(self, values: Mapping[str, str], at: datetime, origin: Origin) -> list[str]:
        """Takes the values over ("" clears) and returns the names of those that changed."""
        changed = [name for name, value in values.items() if self.properties.get(name, "") != value]
        for name in changed:
            self._put(name, Version(value=values[name], at=at, origin=origin))
        if changed:
            self.updated_at = max(self.updated_at, at)
            self.properties[self.kind.modified] = stamp(self.updated_at)
        return changed

    def _put(self, name: str, version: Version) -> None:
        if version.value:
            self.properties[name] = version.value
        else:
            del self.properties[name]
        versions = self.history.setdefault(name, [])
        versions.insert(0, version)
        if len(versions) > 1 and version.at < versions[1].at:
            versions.sort(key=lambda each: each.at, reverse=True)
