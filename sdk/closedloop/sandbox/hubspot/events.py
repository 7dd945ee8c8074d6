"""Webhook events: which subscription wants what, and the fields that each kind of event has.

Source of the fields: HubSpot's webhooks documentation. Leads have only the generic `object.*` events, and
campaigns have none at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.associations import LinkChange
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.kinds import CAMPAIGNS, COMPANIES, CONTACTS, DEALS, ObjectKind
from closedloop.sandbox.hubspot.records import CrmObject, Origin, milliseconds

_ACTIONS = frozenset({"creation", "deletion", "merge", "propertyChange", "associationChange"})
_CLASSIC = {kind.singular: kind for kind in (CONTACTS, COMPANIES, DEALS)}
# HubSpot documents that these never send an event.
_SILENT = frozenset({"hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One event type that the app wants to hear of, for one property where it is a property change."""

    id: int
    type: str
    kind: ObjectKind
    property_name: str | None = None

    @property
    def generic(self) -> bool:
        """Whether it is an `object.*` subscription, whose events name their object type."""
        return self.type.startswith("object.")

    def wants(self, kind: ObjectKind, action: str, property_name: str | None) -> bool:
        """Whether it takes such an event."""
        named = self.property_name in {None, property_name}
        return self.kind is kind and self.type.endswith(f".{action}") and named


class Subscriptions:
    """What the app subscribed to; turns each change in the portal into the events to be sent."""

    def __init__(self, portal_id: int, app_id: int) -> None:
        self._account = {"portalId": portal_id, "appId": app_id}
        self._subscriptions: list[Subscription] = []
        self._event_ids = count(1_000_001)

    def add(self, subscription_type: str, kind: ObjectKind | None, property_name: str | None) -> None:
        """Subscribes; refuses what HubSpot does not offer."""
        prefix, _, action = subscription_type.partition(".")
        target = kind if prefix == "object" else _CLASSIC.get(prefix)
        offered = action in _ACTIONS or subscription_type == "contact.privacyDeletion"
        if target is None or target is CAMPAIGNS or not offered:
            raise HubSpotError(f"HubSpot has no webhook subscription {subscription_type} for this object")
        number = len(self._subscriptions) + 1
        self._subscriptions.append(
            Subscription(id=number, type=subscription_type, kind=target, property_name=property_name)
        )

    @property
    def wanted(self) -> bool:
        """Whether the app subscribed to anything at all."""
        return bool(self._subscriptions)

    def created(self, record: CrmObject, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of a new record."""
        fields = {"objectId": int(record.id), "changeFlag": "NEW"}
        return self._events(record.kind, "creation", fields, at, origin)

    def deleted(self, record: CrmObject, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of an archived record."""
        fields = {"objectId": int(record.id), "changeFlag": "DELETED"}
        return self._events(record.kind, "deletion", fields, at, origin)

    def forgotten(self, contact: CrmObject, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of a privacy deletion, which sends an ordinary deletion as well."""
        fields = {"objectId": int(contact.id), "changeFlag": "DELETED"}
        erased = self._events(contact.kind, "privacyDeletion", fields, at, origin)
        return erased + self.deleted(contact, at, origin)

    def changed(
        self, record: CrmObject, names: Sequence[str], at: datetime, origin: Origin
    ) -> list[dict[str, Any]]:
        """One event per changed property and subscription."""
        return [
            event
            for name in names
            if name not in _SILENT
            for event in self._property_change(record, name, at, origin)
        ]

    def merged(
        self, survivor: CrmObject, at: datetime, origin: Origin, *, primary: str, merged: str, moved: int
    ) -> list[dict[str, Any]]:
        """The events of a merge; `primary` and `merged` are the ids of the two records that it began with."""
        fields = {
            "objectId": int(survivor.id),
            "primaryObjectId": int(primary),
            "mergedObjectIds": [int(merged)],
            "newObjectId": int(survivor.id),
            "numberOfPropertiesMoved": moved,
            "changeFlag": "MERGED",
        }
        return self._events(survivor.kind, "merge", fields, at, origin)

    def linked(self, change: LinkChange, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of an association, from one side; they have no objectId."""
        left, right = change.left, change.right
        fields = {
            "associationType": f"{left.kind.singular}_to_{right.kind.singular}".upper(),
            "fromObjectId": int(left.id),
            "toObjectId": int(right.id),
            "associationRemoved": change.removed,
            "isPrimaryAssociation": change.type.primary,
        }
        return self._events(left.kind, "associationChange", fields, at, origin)

    def _property_change(
        self, record: CrmObject, name: str, at: datetime, origin: Origin
    ) -> list[dict[str, Any]]:
        fields = {
            "objectId": int(record.id),
            "propertyName": name,
            "propertyValue": record.properties.get(name, ""),
        }
        return self._events(record.kind, "propertyChange", fields, at, origin, property_name=name)

    def _events(
        self,
        kind: ObjectKind,
        action: str,
        fields: Mapping[str, Any],
        at: datetime,
        origin: Origin,
        *,
        property_name: str | None = None,
    ) -> list[dict[str, Any]]:
        return [
            {
                "eventId": next(self._event_ids),
                "subscriptionId": wanted.id,
                **self._account,
                "occurredAt": milliseconds(at),
                "subscriptionType": wanted.type,
                "attemptNumber": 0,
                "changeSource": origin.type,
                **({"sourceId": origin.id} if origin.id else {}),
                **fields,
                **({"objectTypeId": kind.type_id} if wanted.generic else {}),
            }
            for wanted in self._subscriptions
            if wanted.wants(kind, action, property_name)
        ]
