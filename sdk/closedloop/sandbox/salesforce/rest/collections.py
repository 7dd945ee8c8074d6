"""sObject Collections: up to 200 records in one request, each with its own result, in order.

REST API Developer Guide, "sObject Collections"; bodies as recorded (reference: Error and result bodies).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeGuard

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest import writes
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.lookups import lookup_field
from closedloop.sandbox.salesforce.rest.sobjects import chosen
from closedloop.sandbox.salesforce.rest.writes import Result, type_of
from closedloop.sandbox.salesforce.schema.sobject import SObject

_MOST_RECORDS = 200
_MOST_CHUNKS = 10
_MOST_RETRIEVED = 2000

_Work = Callable[[Any], Result]


def write(call: Call) -> Answer:
    """POST creates, PATCH updates, DELETE deletes."""
    if call.method == "DELETE":
        return _delete(call)
    body = call.body()
    records = _records(body)
    several = writes.repeated(records, "Id")

    def work(record: Any) -> Result:
        return writes.create(call, record) if call.method == "POST" else writes.update(call, record, several)

    return _each(call.org, records, work, all_or_none=body.get("allOrNone"))


def upsert(call: Call) -> Answer:
    """PATCH of records found by an external id, or made."""
    kind = call.kind()
    field = lookup_field(kind, call.path["field"])
    body = call.body()
    records = _records(body)
    several = writes.repeated(records, field.name)
    return _each(
        call.org,
        records,
        lambda record: writes.upsert(call, kind, field, record, several),
        all_or_none=body.get("allOrNone"),
    )


def retrieve(call: Call) -> Answer:
    """The records with these ids, in order, null where there is none."""
    kind = call.kind()
    body: Mapping[str, Any] = call.body() if call.method == "POST" else _from_query(call)
    ids, fields = body.get("ids"), body.get("fields")
    if not _are_texts(ids) or not _are_texts(fields) or not fields:
        raise Refusal("JSON_PARSER_ERROR", "ids and fields are required to be lists of strings.")
    _check_size(ids, _MOST_RETRIEVED)
    return Answer(body=[_retrieved(call, kind, i, fields) for i in ids])


def _retrieved(call: Call, kind: SObject, given: Any, fields: Sequence[str]) -> Any:
    record_id = long_id(given)
    if record_id is None:
        raise Refusal("MALFORMED_ID", f"malformed id {given}")
    row = call.org.tables.get(kind.name, record_id)
    if row is None or row.get("IsDeleted"):
        return None
    return chosen(call.org, kind, row, fields, call.version)


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _from_query(call: Call) -> Mapping[str, Any]:
    return {name: (call.argument(name) or "").split(",") for name in ("ids", "fields")}


def _records(body: Mapping[str, Any]) -> list[Any]:
    records = body.get("records")
    if not isinstance(records, list) or not records:
        raise Refusal("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    _check_size(records, _MOST_RECORDS)
    if len(list(groupby(records, key=type_of))) > _MOST_CHUNKS:
        # The message is Salesforce's; the code that comes with it over REST is unverified.
        message = (
            f"Cannot have more than {_MOST_CHUNKS} chunks in a single operation. "
            "Please rearrange the data to reduce chunking."
        )
        raise Refusal("LIMIT_EXCEEDED", message)
    return records


def _check_size(records: Sequence[Any], most: int) -> None:
    if len(records) > most:
        message = f"record limit reached. cannot submit more than {most} records into this call"
        raise Refusal("EXCEEDED_ID_LIMIT", message)


def _each(org: Org, subjects: Sequence[Any], work: _Work, *, all_or_none: Any) -> Answer:
    return Answer(body=results_of(org, subjects, work, all_or_none=bool(all_or_none)))


def results_of(org: Org, subjects: Sequence[Any], work: _Work, *, all_or_none: bool) -> list[Result]:
    """The result of each piece of work; with `all_or_none` one failure undoes them all."""
    results: list[Result] = []
    try:
        with org.transaction():
            results.extend(_result(org, work, subject) for subject in subjects)
            if all_or_none:
                _check_all(results)
    except _RolledBackError:
        results = [_rolled_back() if r["success"] else r for r in results]
    return results


class _RolledBackError(Exception):
    """One record failed and the caller wanted all or none."""


def _check_all(results: list[Result]) -> None:
    if not all(r["success"] for r in results):
        raise _RolledBackError


def _result(org: Org, work: _Work, subject: Any) -> Result:
    try:
        with org.transaction():
            return work(subject)
    except Refusal as refusal:
        return refusal.as_result()


def _rolled_back() -> Result:
    message = (
        "Record rolled back because not all records were valid and the request was using AllOrNone header"
    )
    return Refusal("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).as_result()


def _delete(call: Call) -> Answer:
    ids = [i for i in (call.argument("ids") or "").split(",") if i]
    if not ids:
        raise Refusal("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    _check_size(ids, _MOST_RECORDS)
    all_or_none = call.argument("allOrNone") == "true"
    return _each(call.org, ids, lambda given: writes.delete(call, given), all_or_none=all_or_none)
