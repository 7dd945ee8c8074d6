"""Fills an org with many records, quickly: without the checks of single inserts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.records import effects
from closedloop.sandbox.salesforce.records.history import first_stage
from closedloop.sandbox.salesforce.records.indexes import Row, compact
from closedloop.sandbox.salesforce.records.values import prepared
from closedloop.sandbox.salesforce.refusal import unknown_column
from closedloop.sandbox.salesforce.schema.sobject import SObject

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.records.records import Records

# What is defaulted by the record that a row belongs to, or by its own id, is defaulted row by row.
_ONE_BY_ONE = frozenset({"CampaignMember", "OpportunityContactRole"})


def fill(
    org: Records, kind: SObject, rows: Iterable[Mapping[str, Any]], *, at: datetime, by: str
) -> list[str]:
    """Makes a record of each row; returns their ids. Callers hold the org's lock."""
    known = cache(lambda name: _reader(kind, name))
    whole = _defaulting(org, kind, by)
    followed = kind.name in effects.FOLLOWED
    made = []
    for given in rows:
        row = whole(_stamped(_read(given, known), at, by))
        row["Id"] = new_id(kind.prefix, org.number())
        row = effects.complete(org.tables, kind, row, given, old=None)
        org.tables.add(kind.name, compact(row) if None in row.values() else row)
        if kind.name == "Opportunity":
            org.tables.add("OpportunityHistory", first_stage(org, row))
        if followed:
            _along(org, kind, row, given)
        made.append(row["Id"])
    return made


_Reader = tuple[str, Callable[[Any], Any]]


def _reader(kind: SObject, name: str) -> _Reader:
    """The proper name, and how values of the field are read."""
    field = kind.field(name)
    if field is None:
        raise unknown_column(name, kind.name)
    return field.name, prepared(field)


def _read(given: Mapping[str, Any], known: Callable[[str], _Reader]) -> Row:
    row = Row()
    for name, value in given.items():
        proper, read = known(name)
        if (kept := read(value)) is not None:
            row[proper] = kept
    return row


def _stamped(row: Row, at: datetime, by: str) -> Row:
    created = row.setdefault("CreatedDate", at)
    author = row.setdefault("CreatedById", by)
    changed = row.setdefault("LastModifiedDate", created)
    row.setdefault("LastModifiedById", author)
    row.setdefault("SystemModstamp", changed)
    return row


def _defaulting(org: Records, kind: SObject, by: str) -> Callable[[Row], Row]:
    """How a row gets its defaults: from a template, where they are the same for every row."""
    if kind.name in _ONE_BY_ONE or kind.custom:
        return lambda row: effects.with_defaults(org.tables, kind, row, by=by)
    template = compact(effects.with_defaults(org.tables, kind, Row(), by=by))
    return lambda row: template | row


def _along(org: Records, kind: SObject, row: Row, given: Mapping[str, Any]) -> None:
    """Makes what Salesforce makes along with the record."""
    effects.after_write(
        org.tables,
        kind.name,
        row,
        Row(given),
        lambda name, more: fill(org, org.known(name), [_dated(more, row)], at=row["CreatedDate"], by="")[0],
    )


def _dated(more: Mapping[str, Any], row: Row) -> Row:
    return Row(more) | {"CreatedDate": row["CreatedDate"], "CreatedById": row["CreatedById"]}
