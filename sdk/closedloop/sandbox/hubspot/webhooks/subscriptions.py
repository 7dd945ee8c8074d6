"""What the app subscribed to: the webhook subscriptions and their settings, as the webhooks API keeps them.

Source: HubSpot documentation, "Webhooks API", and its OpenAPI description of 21 August 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.settings.kinds import (
    CAMPAIGNS,
    COMPANIES,
    CONTACTS,
    DEALS,
    LINE_ITEMS,
    PRODUCTS,
    TICKETS,
    ObjectKind,
)

# HubSpot documentation, "Webhooks API": the most subscriptions of one app.
_MOST = 1000
_DIGITS = 10
_ACTIONS = ("associationChange", "creation", "deletion", "merge", "propertyChange", "restore")
_CLASSIC = {kind.singular: kind for kind in (COMPANIES, CONTACTS, DEALS, LINE_ITEMS, PRODUCTS, TICKETS)}
_CLASSIC |= {"line_item": LINE_ITEMS}
# These can be subscribed to; nothing in the portal ever causes one.
_UNSEEN = frozenset(
    {
        *("conversation.creation", "conversation.deletion", "conversation.newMessage"),
        *("conversation.privacyDeletion", "conversation.propertyChange", "event.completed"),
    }
)
_PRIVACY = "contact.privacyDeletion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One event type that the app wants to hear of, for one property where it is a property change."""

    id: int
    type: str
    kind: ObjectKind | None
    created_at: str
    updated_at: str
    property_name: str | None = None
    active: bool = True

    @property
    def generic(self) -> bool:
        """Whether it is an `object.*` subscription, whose events name their object type."""
        return self.type.startswith("object.")

    def wants(self, kind: ObjectKind, action: str, property_name: str | None) -> bool:
        """Whether it takes such an event."""
        named = self.property_name in {None, property_name}
        return self.active and self.kind is kind and self.type.endswith(f".{action}") and named

    def to_wire(self) -> dict[str, Any]:
        """The subscription as the webhooks API shows it."""
        optional = {
            "propertyName": self.property_name,
            "objectTypeId": self.kind.type_id if self.generic and self.kind else None,
        }
        return {
            "id": str(self.id),
            "eventType": self.type,
            "active": self.active,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        } | {name: value for name, value in optional.items() if value is not None}


class SubscriptionBook:
    """The app's subscriptions. Ids are given once and never again."""

    def __init__(self) -> None:
        self._subscriptions: dict[int, Subscription] = {}
        self._ids = count(1)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._subscriptions.values())

    @property
    def wanted(self) -> bool:
        """Whether the app wants to hear of anything at all."""
        return any(subscription.active for subscription in self)

    def add(
        self,
        subscription_type: str,
        kind: ObjectKind | None,
        property_name: str | None,
        at: str,
        *,
        active: bool,
    ) -> Subscription:
        """Subscribes; refuses what HubSpot does not offer."""
        target = _target(subscription_type, kind)
        if len(self._subscriptions) >= _MOST:
            raise HubSpotError(f"An app can have at most {_MOST} webhook subscriptions")
        made = Subscription(
            id=next(self._ids),
            type=subscription_type,
            kind=target,
            property_name=property_name,
            created_at=at,
            updated_at=at,
            active=active,
        )
        self._subscriptions[made.id] = made
        return made

    def get(self, number: str) -> Subscription | None:
        """The subscription with this id."""
        plain = number.isascii() and number.isdigit() and len(number) <= _DIGITS
        return self._subscriptions.get(int(number)) if plain else None

    def switch(self, subscription: Subscription, at: str, *, active: bool) -> Subscription:
        """Lets a subscription pause or go on."""
        self._subscriptions[subscription.id] = replace(subscription, active=active, updated_at=at)
        return self._subscriptions[subscription.id]

    def remove(self, subscription: Subscription) -> None:
        """Ends a subscription."""
        del self._subscriptions[subscription.id]


def _target(subscription_type: str, kind: ObjectKind | None) -> ObjectKind | None:
    prefix, _, action = subscription_type.partition(".")
    target = kind if prefix == "object" else _CLASSIC.get(prefix)
    offered = subscription_type == _PRIVACY or (action in _ACTIONS and not _unassociated(prefix, action))
    if subscription_type in _UNSEEN:
        return None
    if target is None or target is CAMPAIGNS or not offered:
        raise HubSpotError(f"HubSpot has no webhook subscription {subscription_type} for this object")
    return target


def _unassociated(prefix: str, action: str) -> bool:
    """Products have no associations to hear of."""
    return prefix == "product" and action == "associationChange"
