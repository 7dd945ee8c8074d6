"""sObject Tree: up to 200 new records, with their children, all or none of them.

REST API Developer Guide, "sObject Tree".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest import writes
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.schema.sobject import SObject

_MOST_RECORDS = 200
_MOST_LEVELS = 5
_MOST_TYPES = 5

Record = dict[str, Any]
_Level = list[tuple[SObject, Any, tuple[str, str] | None]]
"""Each record's object, what was sent, and its field for the parent with the parent's reference."""


class _FailedError(Exception):
    """A record was refused; the results say which, and why."""

    def __init__(self, results: list[Record]) -> None:
        super().__init__()
        self.results = results


def tree(call: Call) -> Answer:
    """Makes the records, parents before their children."""
    body = call.body()
    try:
        results = _made(call, list(_levels(call, _records(body))))
    except _FailedError as error:
        return Answer(status=400, body={"hasErrors": True, "results": error.results})
    return Answer(status=201, body={"hasErrors": False, "results": results})


def _made(call: Call, levels: list[_Level]) -> list[Record]:
    every = [entry for level in levels for entry in level]
    _check(every, len(levels))
    ids: dict[str, str] = {}
    failed: list[Record] = []
    with call.org.transaction():
        for kind, record, parent in every:
            name = _reference(record)
            if parent is not None and parent[1] not in ids:
                continue
            try:
                ids[name] = _create(call, kind, record, parent, ids)
            except Refusal as refusal:
                failed.append(_failure(name, refusal))
        if failed:
            raise _FailedError(failed)
    return [{"referenceId": name, "id": record_id} for name, record_id in ids.items()]


def _create(
    call: Call, kind: SObject, record: Record, parent: tuple[str, str] | None, ids: Mapping[str, str]
) -> str:
    fields = {name: value for name, value in record.items() if not _children(call, kind, name, value)}
    if parent is not None:
        fields[parent[0]] = ids[parent[1]]
    return str(writes.create(call, fields | {"attributes": {"type": kind.name}})["id"])


def _levels(call: Call, records: list[Any]) -> Iterator[_Level]:
    """The records level by level: those of the request, their children, and so on."""
    root = call.kind()
    level: _Level = [(root, record, None) for record in records]
    while level:
        for kind, record, _ in level:
            if not isinstance(record, dict) or (writes.type_of(record) or kind.name) != kind.name:
                raise _bad(record, f"Each record must be of type {kind.name}.")
        yield level
        level = [below for kind, record, _ in level for below in _below(call, kind, record)]


def _below(call: Call, kind: SObject, record: Record) -> Iterator[tuple[SObject, Record, tuple[str, str]]]:
    for name, value in record.items():
        found = _children(call, kind, name, value)
        for child in _records(value) if found else ():
            yield found[0], child, (found[1].name, _reference(record))


def _children(call: Call, kind: SObject, name: str, value: Any) -> Any:
    """The child relationship of that name, where the value holds records of it."""
    if not isinstance(value, dict) or "records" not in value:
        return None
    return call.org.objects.children(kind).get(name.lower())


def _records(body: Mapping[str, Any]) -> list[Any]:
    records = body.get("records")
    if not isinstance(records, list):
        raise Refusal("JSON_PARSER_ERROR", "records is required: a list of records.")
    return records


def _check(every: _Level, levels: int) -> None:
    # The limits are the Guide's; the words, and the code, of what exceeds them are our own.
    names: set[str] = set()
    for _, record, _ in every:
        name = _reference(record)
        if not name:
            raise _bad(record, "Include a reference ID for each record in the request.")
        if name in names:
            raise _bad(record, "Duplicate ReferenceId provided in the request.")
        names.add(name)
    wrong = {
        f"at most {_MOST_RECORDS} records": len(every) > _MOST_RECORDS,
        f"records of at most {_MOST_TYPES} types": len({kind.name for kind, _, _ in every}) > _MOST_TYPES,
        f"records at most {_MOST_LEVELS} levels deep": levels > _MOST_LEVELS,
        "at least one record": not every,
    }
    for what, exceeded in wrong.items():
        if exceeded:
            raise _bad(every[0][1] if every else {}, f"A tree request holds {what}.")


def _bad(record: Any, message: str) -> _FailedError:
    return _FailedError([_failure(_reference(record), Refusal("INVALID_INPUT", message))])


def _reference(record: Any) -> str:
    about = record.get("attributes") if isinstance(record, dict) else None
    return str(about.get("referenceId") or "") if isinstance(about, dict) else ""


def _failure(name: str, refusal: Refusal) -> Record:
    return {"referenceId": name, "errors": refusal.as_result()["errors"]}
