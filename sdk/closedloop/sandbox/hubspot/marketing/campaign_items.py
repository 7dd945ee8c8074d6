"""What campaigns were to cost and what they cost: budget and spend items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.values import NotOfItsTypeError, as_text, parse_number

_FIRST_ID = 301
_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignItem:
    """One sum of money; times are milliseconds since 1970."""

    id: str
    name: str
    amount: Decimal
    order: int
    created_at: int
    updated_at: int
    description: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The item as the campaigns API shows it."""
        described = {} if self.description is None else {"description": self.description}
        return {
            "id": self.id,
            "name": self.name,
            "amount": as_number(self.amount),
            "order": self.order,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            **described,
        }


class CampaignItems:
    """The budget items of all campaigns, or their spend items. Campaigns are known by their GUID."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, CampaignItem]] = {}
        self._ids = count(_FIRST_ID)

    def of(self, campaign: str) -> list[CampaignItem]:
        """The items of a campaign, in their order."""
        return sorted(self._items.get(campaign, {}).values(), key=lambda item: item.order)

    def get(self, campaign: str, item: str) -> CampaignItem | None:
        """The item with this id."""
        return self._items.get(campaign, {}).get(item)

    def total(self, campaign: str) -> Decimal:
        """The sum of a campaign's items."""
        return sum((item.amount for item in self._items.get(campaign, {}).values()), Decimal(0))

    def add(self, campaign: str, body: Mapping[str, Any], at: int) -> CampaignItem:
        """Makes an item."""
        made = CampaignItem(id=str(next(self._ids)), created_at=at, updated_at=at, **_read(body))
        self._items.setdefault(campaign, {})[made.id] = made
        return made

    def replace(self, campaign: str, old: CampaignItem, body: Mapping[str, Any], at: int) -> CampaignItem:
        """Puts other values in the place of an item's."""
        changed = replace(old, updated_at=at, **_read(body))
        self._items[campaign][old.id] = changed
        return changed

    def remove(self, campaign: str, item: str) -> None:
        """Takes an item out; one that is not there is no error."""
        self._items.get(campaign, {}).pop(item, None)


def as_number(amount: Decimal) -> float | int:
    """The amount as a JSON number."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an item: name, amount and order are required (OpenAPI description; the words are those of
    other missing fields)."""
    lacking = [name for name in ("amount", "name", "order") if body.get(name) is None]
    if lacking:
        raise HubSpotError(
            "Invalid input JSON on line 1, column 1: Some required fields were not set: "
            f"[{', '.join(lacking)}]"
        )
    order = body["order"]
    if isinstance(order, bool) or not isinstance(order, int):
        raise _invalid("order")
    description = body.get("description")
    return {
        "name": as_text(body["name"]),
        "amount": _amount(body["amount"]),
        "order": order,
        "description": None if description is None else as_text(description),
    }


def _amount(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise _invalid("amount")
    try:
        amount = parse_number(str(raw))
    except NotOfItsTypeError:
        raise _invalid("amount") from None
    if amount < 0 or amount.adjusted() >= _DIGITS:
        raise _invalid("amount")
    return amount


def _invalid(name: str) -> HubSpotError:
    return HubSpotError(f"Invalid input JSON on line 1, column 1: {name} is not a valid number")
