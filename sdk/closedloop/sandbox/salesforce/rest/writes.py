"""Writes of one record among many, each with the result that it has in a collections answer.

REST API Developer Guide, "sObject Collections"; bodies as recorded (reference: Error and result bodies).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records import references
from closedloop.sandbox.salesforce.refusal import Refusal, no_such_record
from closedloop.sandbox.salesforce.rest.call import Call, writeable
from closedloop.sandbox.salesforce.rest.lookups import matching
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

Result = dict[str, Any]


def type_of(record: Any) -> str:
    """The object that the record says it is of; empty where it does not say."""
    about = record.get("attributes") if isinstance(record, dict) else None
    return str(about.get("type", "")) if isinstance(about, dict) else ""


def repeated(records: Sequence[Any], name: str) -> frozenset[str]:
    """The values of the field that several of the records have."""
    counts = Counter(_key(r, name) for r in records if isinstance(r, dict))
    return frozenset(key for key, count in counts.items() if key is not None and count > 1)


def create(call: Call, record: Any) -> Result:
    """Makes a record."""
    kind, fields = _parts(call, record)
    writeable(kind, "create")
    if fields.pop("Id", None) is not None:
        raise Refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields=["Id"])
    return _good(call.org.insert(kind.name, fields, by=call.user))


def update(call: Call, record: Any, several: Collection[str]) -> Result:
    """Changes the record that has the id among the fields; `several` are the ids that come repeatedly."""
    kind, fields = _parts(call, record)
    writeable(kind, "update")
    given = fields.pop("Id", None) or fields.pop("id", None)
    if given is None:
        raise Refusal("MISSING_ARGUMENT", "Id not specified in an update call")
    record_id = _record_id(given, kind)
    if record_id in several:
        # Help 000384876; that each of the rows is refused is taken over from upserts.
        raise Refusal("DUPLICATE_VALUE", f"Duplicate id specified: {record_id}")
    call.org.update(kind.name, record_id, fields, by=call.user)
    return _good(record_id)


def upsert(call: Call, kind: SObject, field: Field, record: Any, several: Collection[str]) -> Result:
    """Changes the record that has the key, or makes one; `several` are the keys that come repeatedly."""
    given, fields = _parts(call, record)
    if given is not kind:
        raise Refusal("INVALID_TYPE", f"The records are not all of type {kind.name}.")
    writeable(kind, "upsert")
    normal = _key(fields, field.name)
    key = next((fields.pop(name) for name in list(fields) if name.lower() == field.name.lower()), None)
    if key in (None, ""):
        # Upserting by Id without one makes a record (recorded); by another field the key is missing.
        if field.name != "Id":
            raise Refusal("MISSING_ARGUMENT", f"{field.name} not specified")
        return _good(call.org.insert(kind.name, fields, by=call.user)) | {"created": True}
    if normal in several:
        # Every one of them is refused, the first too (Stack Exchange 296121: "on row 0").
        raise Refusal("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", fields=[field.name])
    return _by_key(call, kind, field, str(key), fields)


def _by_key(call: Call, kind: SObject, field: Field, key: str, fields: dict[str, Any]) -> Result:
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


def delete(call: Call, given: Any) -> Result:
    """Deletes the record with that id."""
    record_id = _record_id(given, None)
    kind = _owner(call.org, record_id)
    writeable(kind, "delete")
    call.org.delete(kind.name, record_id, by=call.user)
    return _good(record_id)


def _key(record: Mapping[str, Any], name: str) -> str | None:
    value = next((v for given, v in record.items() if given.lower() == name.lower()), None)
    if value in (None, ""):
        return None
    return (long_id(value) if name == "Id" else None) or str(value).casefold()


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


def _parts(call: Call, record: Any) -> tuple[SObject, dict[str, Any]]:
    kind = call.org.objects.find(type_of(record))
    if kind is None:
        raise Refusal("INVALID_TYPE", "Must send a concrete entity type.")
    given = {name: value for name, value in record.items() if name != "attributes"}
    return kind, references.resolved(call.org, kind, given)


def _good(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}
