"""Refuses what no table can keep, before it fails a whole batch: one record must not hold up the others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache

from closedloop.crm.base import Batch, Refusal
from closedloop.errors import NormaliseError
from closedloop.schema.records import RECORDS, Money, Record, Ref
from closedloop_server.store.tables.columns import storable

LONGEST_ID = 100
"""Characters of an id, as wide as the columns of the keys. The CRMs' own have 18 and about 12."""

_TEXTS = {
    object_: tuple(field.name for field in fields(kind) if str(field.type) in {"str", "str | None"})
    for object_, kind in RECORDS.items()
}


def only_storable(batch: Batch) -> Batch:
    """The batch with a refusal in place of every record that cannot be kept."""
    good: list[Record] = []
    bad: list[Refusal] = []
    for record in batch.records:
        fault = _fault(record)
        if fault is None:
            good.append(record)
        else:
            bad.append(Refusal(ref=record.ref, error=fault))
    gone = tuple(ref for ref in batch.gone if _is_id(ref.id))  # nothing is stored under the others
    refused = tuple(_named(refusal) for refusal in (*batch.refused, *bad))
    return replace(batch, records=tuple(good), gone=gone, refused=refused)


def _fault(record: Record) -> NormaliseError | None:
    for name in _TEXTS[record.object]:
        value = getattr(record, name)
        if type(value) is not str:
            continue
        if not _is_text(value):
            return NormaliseError(
                f"{name} holds a NUL character or half of a surrogate pair, which no database keeps",
                field=name,
                reason="unstorable_text",
            )
        if len(value) > LONGEST_ID and _holds_id(name):
            return _too_long(name, value)
    return next((_too_long(name, id_) for name, id_ in _others(record) if not _is_id(id_)), None)


def _too_long(name: str, id_: str) -> NormaliseError:
    return NormaliseError(
        f"{name} is no id: it has {len(id_)} characters, at most {LONGEST_ID} were expected",
        field=name,
        reason="unstorable_id",
    )


def _others(record: Record) -> Iterator[tuple[str, str]]:
    """What goes into columns from within another value."""
    for link in getattr(record, "linked_ids", ()):
        yield "linked_ids", link.id
    amount = getattr(record, "amount", None)
    if isinstance(amount, Money) and amount.currency:
        yield "amount", amount.currency


@cache
def _holds_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _is_id(text: str) -> bool:
    return len(text) <= LONGEST_ID and _is_text(text)


def _is_text(text: str) -> bool:
    return (text.isascii() and "\0" not in text) or storable(text) == text


def _named(refusal: Refusal) -> Refusal:
    """The refusal under an id that can be kept: what is left of another is told apart by its digest."""
    id_ = refusal.ref.id
    if _is_id(id_):
        return refusal
    digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return replace(refusal, ref=Ref(refusal.ref.object, f"{storable(id_[:60])}… {digest}"))
