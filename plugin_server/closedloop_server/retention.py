"""How long what is kept: the table [retention]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """Days. `delivery_bodies`: what a CRM sent, word by word; `deliveries`: that it sent something;
    `deleted_records`: the words of what a CRM deleted; `audit`: who did what here."""

    delivery_bodies_days: int = 14
    deliveries_days: int = 90
    deleted_records_days: int = 90
    audit_days: int = 730


def _days(least: int) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=least, max=3650))


class RetentionForm(Schema):
    """The table as the file has it."""

    class Meta:
        unknown = RAISE

    # Both CRMs send again for a day what was not answered: a delivery must be known for longer.
    delivery_bodies_days = _days(2)
    deliveries_days = _days(2)
    deleted_records_days = _days(1)
    audit_days = _days(30)

    @post_load
    def _settings(self, told: dict[str, Any], **_: Any) -> RetentionSettings:
        return RetentionSettings(**told)
