"""Records, decisions and feedback as plain JSON values, and back, exactly.

Decimals are text, times ISO 8601 in UTC. Unknown keys, naive times and numbers of the wrong kind are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError

from closedloop.errors import NormaliseError
from closedloop.loop.dispositions import Decision
from closedloop.loop.feedback import (
    CampaignFeedback,
    Feedback,
    FeedbackKind,
    PersonFeedback,
    ReasonFeedback,
)
from closedloop.schema import quick
from closedloop.schema.records import RECORDS, Record, Ref
from closedloop.schema.shapes import schema_of
from closedloop.schema.vocabulary import ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """A decision with its place in the ledger: about which record, which of its entries, known since when."""

    subject: Ref
    decision: Decision
    entry: int = 1
    learned_at: datetime | None = None


SCHEMAS: Mapping[ObjectType, Schema] = MappingProxyType(
    {object_type: schema_of(record) for object_type, record in RECORDS.items()}
)
"""The schema of each record type."""

DISPOSITION: Schema = schema_of(Disposition)

_FEEDBACK: Mapping[FeedbackKind, type[Any]] = {
    FeedbackKind.PERSON: PersonFeedback,
    FeedbackKind.CAMPAIGN: CampaignFeedback,
    FeedbackKind.REASON: ReasonFeedback,
}


def dump(record: Record) -> dict[str, Any]:
    """The record as JSON values, `raw` included, under its object's name."""
    try:
        return {"object": record.object.value, **quick.dumped(record)}
    except (ValidationError, AttributeError, TypeError, ValueError):
        return {"object": record.object.value, **_dump(SCHEMAS[record.object], record)}


def load(object_type: ObjectType | str, data: Mapping[str, Any]) -> Record:
    """The record that `dump` made `data` of; NormaliseError names the first field that is wrong."""
    object_ = ObjectType(object_type)
    if isinstance(data, dict) and data.get("object") == object_:
        with suppress(quick.DoubtError, ValidationError):
            quickly: Record = quick.loaded(
                RECORDS[object_], {name: value for name, value in data.items() if name != "object"}
            )
            return quickly
    record: Record = _load(SCHEMAS[object_], "object", object_.value, data)
    return record


def dump_disposition(disposition: Disposition) -> dict[str, Any]:
    """The disposition as JSON values."""
    return _dump(DISPOSITION, disposition)


def load_disposition(data: Mapping[str, Any]) -> Disposition:
    """The disposition that `dump_disposition` made `data` of; NormaliseError when it is not one."""
    disposition: Disposition = _load(DISPOSITION, "", "", data)
    return disposition


def dump_feedback(value: Feedback) -> dict[str, Any]:
    """The feedback as JSON values, under its kind."""
    return {"kind": str(value.kind), **_dump(schema_of(type(value)), value)}


def load_feedback(data: Mapping[str, Any]) -> Feedback:
    """The feedback that `dump_feedback` made `data` of; NormaliseError when it is not one."""
    kind = data.get("kind")
    if kind not in list(FeedbackKind):
        raise NormaliseError(f"expected `kind` to be one of {', '.join(FeedbackKind)}", field="kind")
    feedback: Feedback = _load(schema_of(_FEEDBACK[FeedbackKind(kind)]), "kind", kind, data)
    return feedback


def _dump(schema: Schema, value: Any) -> dict[str, Any]:
    try:
        dumped: dict[str, Any] = schema.dump(value)
    except ValidationError as exc:
        raise _refusal(exc) from exc
    return dumped


def _load(schema: Schema, label: str, expected: str, data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise NormaliseError("expected an object with the record's fields", reason="not_a_record")
    if label and data.get(label, expected) != expected:
        raise NormaliseError(f"`{label}` does not say {expected}: it was dumped as another one", field=label)
    try:
        return schema.load({key: value for key, value in data.items() if not label or key != label})
    except ValidationError as exc:
        raise _refusal(exc) from exc


def _refusal(exc: ValidationError) -> NormaliseError:
    field, message = next(_faults(exc.messages, ()))
    return NormaliseError(f"`{field}`: {message}" if field else message, field=field)


def _faults(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for step, inner in messages.items():
            yield from _faults(inner, path if step == "_schema" else (*path, str(step)))
    elif isinstance(messages, list):
        for message in messages:
            yield from _faults(message, path)
    else:
        yield ".".join(path), str(messages)
