"""Webhook events: the fields that each kind of event has, for each subscription that wants it.

Source of the fields: HubSpot's webhooks documentation. Leads have only the generic `object.*` events, and
campaigns have none at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.records.associations import LinkChange
from closedloop.sandbox.hubspot.records.record import CrmObject, Origin, milliseconds
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind
from closedloop.sandbox.hubspot.webhooks.subscriptions import SubscriptionBook

# HubSpot documents that these never send an event.
_SILENT = frozenset({"hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events"})


class Subscriptions:
    """Turns each change in the portal into the events that the app is to be sent. `sensitive` tells whose
    values are not to be seen."""

    def __init__(self, portal_id: int, app_id: int, sensitive: Callable[[ObjectKind, str], bool]) -> None:
        self.book = SubscriptionBook()
        self._account = {"portalId": portal_id, "appId": app_id}
        self._sensitive = sensitive
        self._event_ids = count(1_000_001)

    @property
    def wanted(self) -> bool:
        """Whether the app wants to hear of anything at all."""
        return self.book.wanted

    def created(self, record: CrmObject, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of a new record."""
        fields = {"objectId": int(record.id), "changeFlag": "NEW"}
        return self._events(record.kind, "creation", fields, at, origin)

    def deleted(self, record: CrmObject, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of an archived record."""
        fields = {"objectId": int(record.id), "changeFlag": "DELETED"}
        return self._events(record.kind, "deletion", fields, at, origin)

    def restored(self, record: CrmObject, at: datetime, origin: Origin) -> list[dict[str, Any]]:
        """The events of a record that came back (the flag's word is not confirmed)."""
        fields = {"objectId": int(record.id), "changeFlag": "RESTORED"}
        return self._events(record.kind, "restore", fields, at, origin)

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
        hidden = self._sensitive(record.kind, name)
        fields = {
            "objectId": int(record.id),
            "propertyName": name,
            "propertyValue": "REDACTED" if hidden else record.properties.get(name, ""),
            **({"isSensitive": True} if hidden else {}),
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
            for wanted in self.book
            if wanted.wants(kind, action, property_name)
        ]
