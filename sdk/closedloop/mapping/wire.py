"""A value of ours as the CRM's API takes it. What is written so is read back as the same value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from closedloop.schema.vocabulary import CrmName


def to_wire(crm: CrmName, value: Any) -> Any:
    """The value as `crm` takes it; money is its amount, None clears the field."""
    return _WIRES[crm](value)


def instant(value: datetime) -> str:
    """The time in UTC to the millisecond, as HubSpot keeps it; Salesforce keeps whole seconds."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _salesforce(value: Any) -> Any:
    """A JSON value; a Decimal stays one, the client writes it as a number to the last digit."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return ";".join(value) if isinstance(value, tuple) else _plain(value)


def _hubspot(value: Any) -> str:
    """HubSpot's properties are texts, all of them; an empty one clears the property."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(Decimal(value), "f")
    return str(_salesforce(value))


def _plain(value: Any) -> Any:
    """A word of our own vocabularies as mere text."""
    return str(value) if isinstance(value, str) else value


_WIRES: Mapping[CrmName, Callable[[Any], Any]] = {CrmName.SALESFORCE: _salesforce, CrmName.HUBSPOT: _hubspot}
