"""The fields that answers are made of, and how each reads in the OpenAPI document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields

from closedloop.loop.attribution import CampaignKey


def exact(number: Decimal) -> str:
    """A decimal as text: no exponent, no zeros that say nothing."""
    return format(number.normalize(), "f") if number else "0"


def campaign_name(key: CampaignKey) -> str:
    """A campaign's id in the API: `<connection>:<CRM id>`."""
    return f"{key.connection}:{key.id}"


class Exact(fields.String):
    """A decimal as exact text."""

    def __init__(self, **options: Any) -> None:
        told = {"pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["0.3333333333"]}
        super().__init__(metadata=told, **options)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else exact(value)


class Instant(fields.String):
    """A time in UTC, ISO 8601 with a Z."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"format": "date-time", "examples": ["2026-11-20T14:03:00Z"]}, **options)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else value.isoformat().replace("+00:00", "Z")


class CampaignId(fields.String):
    """A campaign's id in the API."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            metadata={
                "description": "`<connection>:<CRM id>`",
                "examples": ["salesforce:701Qy0000000000AAA"],
            },
            **options,
        )

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else campaign_name(value)


class Answer(Schema):
    """A part of an answer: every field is always there, null where the description allows it."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 - marshmallow's signature
        """Tells the OpenAPI document that the field is never left out."""
        field_obj.required = True
