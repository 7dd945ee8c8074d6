"""The two open parts of a record as JSON: `custom`, whose types survive, and `raw`, which is the CRM's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, fields

from closedloop.schema.records import Money


def _day(value: str) -> date:
    return date.fromisoformat(value)


def _instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.utcoffset() is None:
        raise ValueError("naive")
    return instant.astimezone(UTC)


def _money(value: Mapping[str, Any]) -> Money:
    return Money(amount=Decimal(value["amount"]), currency=value["currency"])


# JSON has no such types: each is an object with the one key that names it.
_LOADERS: Mapping[str, Callable[[Any], Any]] = {
    "decimal": Decimal,
    "date": _day,
    "datetime": _instant,
    "money": _money,
}


def _tagged(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"datetime": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Money):
        return {"money": {"amount": str(value.amount), "currency": value.currency}}
    raise ValidationError(f"a custom field cannot hold a {type(value).__name__}")


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_untagged(item) for item in value)
    if not isinstance(value, Mapping):
        return value
    tag = next(iter(value), "")
    if len(value) != 1 or tag not in _LOADERS:
        raise ValidationError(
            "expected a plain value, or an object with one of " + ", ".join(sorted(_LOADERS))
        )
    try:
        return _LOADERS[tag](value[tag])
    except (TypeError, ValueError, KeyError, InvalidOperation, OverflowError):
        raise ValidationError(f"this is not a {tag} as it is dumped") from None


class Custom(fields.Field[Any]):
    """The fields that a mapping adds, by name, with their types."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return {name: _tagged(item) for name, item in value.items()}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, Mapping):
            raise ValidationError("expected an object: name and value of each custom field")
        return {name: _untagged(item) for name, item in value.items()}


def jsonable(value: Any) -> Any:
    """The value with every part that JSON cannot hold as text: numbers that were read exactly, NaN, …."""
    kind = type(value)
    if kind in _JSON or value is None or isinstance(value, bool | int | str):
        return value
    if kind is dict or isinstance(value, Mapping):
        return {
            key if type(key) is str else str(key): item if type(item) in _JSON else jsonable(item)
            for key, item in value.items()
        }
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return str(value)


_JSON = frozenset({str, int, bool, type(None)})
"""What is nearly everything in a payload, and JSON already."""


class Raw(fields.Field[Any]):
    """The CRM's payload, untouched but for what JSON cannot hold."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return jsonable(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, Mapping):
            raise ValidationError("expected the payload as an object")
        return MappingProxyType(dict(value))
