"""sObject Collections: up to 200 records in one request, each with its own result, in order.

REST API Developer Guide, "sObject Collections"; bodies as recorded (reference: Error and result bodies).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeGuard

from closedloop.sandbox.salesforce.call import Answer, Call, writeable
from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal, no_such_record
from closedloop.sandbox.salesforce.schema import Field, SObject
from closedloop.sandbox.salesforce.sobjects import chosen, lookup_field, matching

_MOST_RECORDS = 200
_MOST_CHUNKS = 10
_MOST_RETRIEVED = 2000

_Result = dict[str, Any]
_Work = Callable[[Any], _Result]


def write(call: Call) -> Answer:
    """POST creates, PATCH updates, DELETE deletes."""
    if call.method == "DELETE":
        return _delete(call)
    body = call.body()
    records = _records(body)
    work = _create if call.method == "POST" else _update
    return _each(call.org, records, lambda record: work(call, record), all_or_none=body.get("allOrNone"))


def upsert(call: Call) -> Answer:
    """PATCH of records found by an external id, or made."""
    kind = call.kind()
    field = lookup_field(kind, call.path["field"])
    body = call.body()
    records = _records(body)
    seen: set[str] = set()
    return _each(
        call.org,
        records,
        lambda record: _upsert(call, kind, field, record, seen),
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
    if len(list(groupby(records, key=_type))) > _MOST_CHUNKS:
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
    results: list[_Result] = []
    try:
        with org.transaction():
            results.extend(_result(org, work, subject) for subject in subjects)
            if all_or_none:
                _check_all(results)
    except _RolledBackError:
        results = [_rolled_back() if r["success"] else r for r in results]
    return Answer(body=results)


class _RolledBackError(Exception):
    """One record failed and the caller wanted all or none."""


def _check_all(results: list[_Result]) -> None:
    if not all(r["success"] for r in results):
        raise _RolledBackError


def _result(org: Org, work: _Work, subject: Any) -> _Result:
    try:
        with org.transaction():
            return work(subject)
    except Refusal as refusal:
        return refusal.as_result()


def _rolled_back() -> _Result:
    message = (
        "Record rolled back because not all records were valid and the request was using AllOrNone header"
    )
    return Refusal("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).as_result()


def _create(call: Call, record: Any) -> _Result:
    kind, fields = _parts(call, record)
    writeable(kind, "create")
    if fields.pop("Id", None) is not None:
        raise Refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields=["Id"])
    return _good(call.org.insert(kind.name, fields, by=call.user))


def _update(call: Call, record: Any) -> _Result:
    kind, fields = _parts(call, record)
    writeable(kind, "update")
    given = fields.pop("Id", None) or fields.pop("id", None)
    if given is None:
        raise Refusal("MISSING_ARGUMENT", "Id not specified in an update call")
    record_id = _record_id(given, kind)
    call.org.update(kind.name, record_id, fields, by=call.user)
    return _good(record_id)


def _upsert(call: Call, kind: SObject, field: Field, record: Any, seen: set[str]) -> _Result:
    given, fields = _parts(call, record)
    if given is not kind:
        raise Refusal("INVALID_TYPE", f"The records are not all of type {kind.name}.")
    writeable(kind, "upsert")
    key = next((fields.pop(name) for name in list(fields) if name.lower() == field.name.lower()), None)
    if key in (None, ""):
        # Upserting by Id without one makes a record (recorded); by another field the key is missing.
        if field.name != "Id":
            raise Refusal("MISSING_ARGUMENT", f"{field.name} not specified")
        return _good(call.org.insert(kind.name, fields, by=call.user)) | {"created": True}
    if str(key).casefold() in seen:
        raise Refusal("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", fields=[field.name])
    seen.add(str(key).casefold())
    return _upsert_one(call, kind, field, str(key), fields)


def _upsert_one(call: Call, kind: SObject, field: Field, key: str, fields: dict[str, Any]) -> _Result:
    matches = matching(call.org, kind, field, key)
    if len(matches) > 1:
        message = (
            f"{field.name}: more than one record found for external id field: {[r['Id'] for r in matches]}"
        )
        raise Refusal("DUPLICATE_EXTERNAL_ID", message)
    if matches:
        call.org.update(kind.name, matches[0]["Id"], fields, by=call.user)
        return _good(matches[0]["Id"]) | {"created": False}
    if field.name == "Id":
        raise no_such_record()
    record_id = call.org.insert(kind.name, {**fields, field.name: key}, by=call.user)
    return _good(record_id) | {"created": True}


def _delete(call: Call) -> Answer:
    ids = [i for i in (call.argument("ids") or "").split(",") if i]
    if not ids:
        raise Refusal("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    _check_size(ids, _MOST_RECORDS)

    def work(given: str) -> _Result:
        record_id = _record_id(given, None)
        kind = _owner(call.org, record_id)
        writeable(kind, "delete")
        call.org.delete(kind.name, record_id, by=call.user)
        return _good(record_id)

    return _each(call.org, ids, work, all_or_none=call.argument("allOrNone") == "true")


def _owner(org: Org, record_id: str) -> SObject:
    kind = next((s for s in org.objects if org.tables.get(s.name, record_id)), None)
    if kind is None:
        raise no_such_record()
    return kind


def _record_id(given: Any, kind: SObject | None) -> str:
    record_id = long_id(given)
    if record_id is None or (kind and not record_id.startswith(kind.prefix)):
        raise Refusal("MALFORMED_ID", f"malformed id {given}", fields=["Id"])
    return record_id


def _type(record: Any) -> str:
    about = record.get("attributes") if isinstance(record, dict) else None
    return str(about.get("type", "")) if isinstance(about, dict) else ""


def _parts(call: Call, record: Any) -> tuple[SObject, dict[str, Any]]:
    kind = call.org.objects.find(_type(record))
    if kind is None:
        raise Refusal("INVALID_TYPE", "Must send a concrete entity type.")
    return kind, {name: value for name, value in record.items() if name != "attributes"}


def _good(record_id: str) -> _Result:
    return {"id": record_id, "success": True, "errors": []}
