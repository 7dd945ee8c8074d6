"""Derives a marshmallow schema from each of our dataclasses, so that no field is spelled out twice."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

from closedloop.schema.plain import Custom, Raw

Field = fields.Field[Any]


class ExactDecimal(Field):
    """A Decimal as plain text, exact to the last digit."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002 - marshmallow's signature
        return None if value is None else str(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, str):
            raise ValidationError("expected a decimal number as text, such as '1200.50'")
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise ValidationError("expected a decimal number as text, such as '1200.50'") from None
        if not number.is_finite():
            raise ValidationError("expected a finite number")
        return number


class Instant(Field):
    """An aware datetime as ISO 8601 in UTC."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002 - marshmallow's signature
        return None if value is None else value.astimezone(UTC).isoformat()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:  # noqa: ARG002 - marshmallow's signature
        try:
            instant = datetime.fromisoformat(value)
            if instant.utcoffset() is not None:
                return instant.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise ValidationError("expected ISO 8601 such as '2026-11-20T14:03:00+00:00'") from None
        raise ValidationError("the datetime is naive: give it a time zone, such as '+00:00'")


class Day(Field):
    """A date as ISO 8601."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002 - marshmallow's signature
        return None if value is None else value.isoformat()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:  # noqa: ARG002 - marshmallow's signature
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("expected a day such as '2026-11-20'") from None


class Truth(Field):
    """True or False, and nothing that merely counts as it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, bool):
            raise ValidationError("expected a boolean: true or false")
        return value


class Tuple(Field):
    """A tuple of values of one kind, as a list."""

    def __init__(self, inner: Field, **options: Any) -> None:
        super().__init__(**options)
        self.inner = fields.List(inner)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return self.inner._serialize(value, attr, obj, **kwargs)  # noqa: SLF001 - how marshmallow's own containers do it

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Any, ...]:
        return tuple(self.inner.deserialize(value, attr, data, **kwargs) or ())


class _Built(Schema):
    """Refuses unknown keys, and makes the dataclass."""

    class Meta:
        unknown = RAISE

    value_type: type

    @post_load
    def _make(self, data: Mapping[str, Any], **_: Any) -> Any:
        try:
            return self.value_type(**data)
        except ValueError as exc:
            raise ValidationError(str(exc)) from None


_SCHEMAS: dict[type, Schema] = {}


def schema_of(value_type: type) -> Schema:
    """The schema of a dataclass; its `load` makes the dataclass, its `dump` plain JSON values."""
    if value_type not in _SCHEMAS:
        _SCHEMAS[value_type] = _derive(value_type)()
    return _SCHEMAS[value_type]


def _derive(value_type: type) -> type[Schema]:
    hints = get_type_hints(value_type)
    members: dict[str, Any] = {
        field.name: _field(hints[field.name], field) for field in dataclasses.fields(value_type)
    }
    return type(f"{value_type.__name__}Schema", (_Built,), {**members, "value_type": value_type})


_FIELDS: Mapping[type, type[Field]] = {
    str: fields.String,
    bool: Truth,
    date: Day,
    datetime: Instant,
    Decimal: ExactDecimal,
}


def _field(hint: Any, field: dataclasses.Field[Any]) -> Field:
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    if field.name == "custom":
        return Custom()
    if field.name == "raw":
        return Raw()
    return _of(hint, required=required)


def _of(hint: Any, **options: Any) -> Field:
    inner = get_args(hint)
    if get_origin(hint) in {Union, types.UnionType}:
        return _of(next(arg for arg in inner if arg is not types.NoneType), allow_none=True, **options)
    if get_origin(hint) is tuple:
        return Tuple(_of(inner[0]), **options)
    if inner:  # the one mapping of ours that is neither `custom` nor `raw`: credits by outcome
        return fields.Dict(keys=_of(inner[0]), values=_of(inner[1]), **options)
    return _plain(hint, options)


def _plain(hint: Any, options: dict[str, Any]) -> Field:
    if hint is int:
        return fields.Integer(strict=True, **options)
    if hint in _FIELDS:
        return _FIELDS[hint](**options)
    if issubclass(hint, StrEnum):
        return fields.Enum(hint, by_value=True, **options)
    return fields.Nested(schema_of(hint), **options)
