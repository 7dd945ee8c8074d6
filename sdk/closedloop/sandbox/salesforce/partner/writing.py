"""The partner API's calls that write records.

SOAP API Developer Guide: create(), update(), upsert(), delete(), undelete(), emptyRecycleBin(). Each record
has its own result; AllOrNoneHeader undoes them all where one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from closedloop.sandbox.salesforce.partner.records import record
from closedloop.sandbox.salesforce.records import recycling
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest import writes
from closedloop.sandbox.salesforce.rest.collections import results_of
from closedloop.sandbox.salesforce.rest.writes import Result
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject
from closedloop.sandbox.salesforce.soap.markup import Element, Markup, tag
from closedloop.sandbox.salesforce.soap.service import Operation

_MOST = 200


def operations() -> Mapping[str, Callable[[Operation], Markup]]:
    """The calls by name."""
    return {
        "create": _create,
        "delete": _delete,
        "emptyRecycleBin": _empty,
        "undelete": _undelete,
        "update": _update,
        "upsert": _upsert,
    }


def results(operation: Operation, subjects: Sequence[Any], work: Callable[[Any], Result]) -> list[Result]:
    """What became of each piece of work."""
    if len(subjects) > _MOST:
        message = f"record limit reached. cannot submit more than {_MOST} records into this call"
        raise Refusal("EXCEEDED_ID_LIMIT", message)
    return results_of(operation.call.org, subjects, work, all_or_none=operation.all_or_none)


def errors_of(result: Result) -> list[dict[str, Any]]:
    """The errors of a result, in the order of the WSDL."""
    return [
        {"fields": list(e.get("fields") or ()), "message": e["message"], "statusCode": e["statusCode"]}
        for e in result["errors"]
    ]


def _create(operation: Operation) -> Markup:
    return _saved(operation, lambda one: writes.create(operation.call, record(one)))


def _update(operation: Operation) -> Markup:
    given = [_key(one, "Id") for one in operation.element.all("sObjects")]
    several = writes.repeated([{"Id": key} for key in given], "Id")
    return _saved(operation, lambda one: writes.update(operation.call, record(one), several))


def _upsert(operation: Operation) -> Markup:
    # The name is externalIDFieldName in the WSDL; some clients write it otherwise.
    name = next((c.text.strip() for c in operation.element.children if c.name.lower() == _KEY_NAME), "")
    keys = [{name: _key(one, name)} for one in operation.element.all("sObjects")]
    several = writes.repeated(keys, name)

    def work(one: Element) -> Result:
        given = record(one)
        kind, field = _field(operation, given, name)
        return writes.upsert(operation.call, kind, field, given, several)

    return _saved(operation, work)


_KEY_NAME = "externalidfieldname"


def _field(operation: Operation, given: Mapping[str, Any], name: str) -> tuple[SObject, Field]:
    kind = operation.call.org.objects.find(writes.type_of(given))
    if kind is None:
        raise Refusal("INVALID_TYPE", "Must send a concrete entity type.")
    field = kind.field(name)
    if field is None or not field.id_lookup:
        message = f"Field name provided, {name} is not an External ID or indexed field for {kind.name}"
        raise Refusal("INVALID_FIELD", message)
    return kind, field


def _delete(operation: Operation) -> Markup:
    return _by_ids(operation, lambda given: writes.delete(operation.call, given))


def _undelete(operation: Operation) -> Markup:
    return _by_ids(operation, lambda given: _good(recycling.undelete(operation.call.org, given)))


def _empty(operation: Operation) -> Markup:
    return _by_ids(operation, lambda given: _good(recycling.purge(operation.call.org, given)))


def _by_ids(operation: Operation, work: Callable[[str], Result]) -> Markup:
    # The name is ids in the WSDL; pyforce writes id.
    ids = operation.element.values("ids") or operation.element.values("id")
    return _written(results(operation, ids, work), ids)


def _saved(operation: Operation, work: Callable[[Element], Result]) -> Markup:
    return _written(results(operation, operation.element.all("sObjects"), work), None)


def _written(found: Sequence[Result], ids: Sequence[str] | None) -> Markup:
    parts = []
    for place, result in enumerate(found):
        values: dict[str, Any] = {"created": result.get("created")} if "created" in result else {}
        good = bool(result["success"])
        record_id = result.get("id") if good or ids is None else ids[place]
        values |= {"errors": errors_of(result), "id": record_id if good else None, "success": good}
        parts.append(tag("result", values))
    return Markup("".join(parts))


def _key(element: Element, name: str) -> str | None:
    found = next((c for c in element.children if c.name.lower() == name.lower()), None)
    return None if found is None else found.text.strip()


def _good(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}
