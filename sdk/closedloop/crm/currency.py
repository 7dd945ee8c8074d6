"""Money of an organisation with a single currency: neither CRM names it on the records of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from closedloop.schema.records import Money, Record
from closedloop.schema.vocabulary import ObjectType

_MONEY: Mapping[ObjectType, tuple[str, ...]] = MappingProxyType(
    {
        ObjectType.ACCOUNT: ("annual_revenue",),
        ObjectType.OPPORTUNITY: ("amount",),
        ObjectType.CAMPAIGN: ("budgeted_cost", "actual_cost"),
    }
)


def priced(record: Record, currency: Callable[[], str | None]) -> Record:
    """The record, its money in the organisation's own currency where the CRM named none."""
    changes: dict[str, Any] = {}
    for name in _MONEY.get(record.object, ()):
        money: Money | None = getattr(record, name)
        if money is not None and money.currency is None:
            changes[name] = Money(amount=money.amount, currency=currency())
    return replace(record, **changes) if changes else record
