"""What a batch of the Bulk API contains, and what it does: records that it writes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from closedloop.sandbox.salesforce.bulk.bulk_query import to_csv
from closedloop.sandbox.salesforce.bulk.dataload import XSI, document, local, parsed, to_json
from closedloop.sandbox.salesforce.bulk.dataload_jobs import Batch, Job
from closedloop.sandbox.salesforce.bulk.jobs import to_text
from closedloop.sandbox.salesforce.bulk.loading import Loader, Outcome, UnreadableError, read_sheet, unfit
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Call
from closedloop.sandbox.salesforce.schema.sobject import SObject

# Bulk API Guide, "Limits": what one batch may hold.
MOST_RECORDS = 10_000
MOST_BYTES = 10_000_000
_NIL = f"{{{XSI}}}nil"

Record = dict[str, Any]


def write(call: Call, job: Job, batch: Batch) -> None:
    """Reads the batch's records and writes each by itself."""
    try:
        names, records = _read(call, job, batch.request)
        _check(call, job, names, records)
    except UnreadableError as error:
        batch.fail(str(error))
        return
    key = job.external_id or "Id"
    loader = Loader(call=call, kind=job.kind, operation=job.operation, key=key, names=tuple(names))
    batch.outcomes = list(loader.load(records))
    batch.processed = len(records)


def results(job: Job, batch: Batch) -> bytes:
    """What became of the batch's records, in its own form and order."""
    if job.content_type == "CSV":
        return _sheet(batch.outcomes)
    rows = [_result(outcome) for outcome in batch.outcomes]
    if job.content_type == "JSON":
        return to_json(rows)
    return document("results", [("result", _element(row)) for row in rows])


def _read(call: Call, job: Job, data: bytes) -> tuple[list[str], list[Record]]:
    if job.content_type == "CSV":
        sheet = read_sheet(_renamed(data, job.fields), delimiter=",", ending=None)
        return list(sheet.names), sheet.records(call.org, job.kind)
    records = _from_json(data) if job.content_type == "JSON" else _from_xml(data)
    names = dict.fromkeys(name for record in records for name in _columns(job.kind, record))
    return list(names), records


def _check(call: Call, job: Job, names: Sequence[str], records: Sequence[Record]) -> None:
    if not records:
        # Recorded by several clients in their tests of an empty batch.
        raise UnreadableError("InvalidBatch : Records not found")
    if len(records) > MOST_RECORDS:
        # The Guide names the limit; the words are our own.
        raise UnreadableError(f"InvalidBatch : A batch has at most {MOST_RECORDS} records")
    wrong = unfit(call.org, job.kind, names, job.operation, job.external_id)
    if wrong is not None and not (job.content_type != "CSV" and wrong.endswith(": Id")):
        raise UnreadableError(wrong)


def _renamed(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The CSV with its columns called as the job's transformation spec says."""
    if not fields:
        return data
    head, end, rest = data.decode("utf-8", "replace").partition("\n")
    names = next(csv.reader([head.rstrip("\r")]), [])
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([fields.get(name, name) for name in names])
    return (out.getvalue() + end + rest).encode()


def _from_json(data: bytes) -> list[Record]:
    try:
        records = json.loads(data)
    except (ValueError, RecursionError):
        records = None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        # The words of the real refusal are not known.
        raise UnreadableError("InvalidBatch : Failed to parse JSON: a list of records is expected")
    return [{name: value for name, value in record.items() if name != "attributes"} for record in records]


def _from_xml(data: bytes) -> list[Record]:
    try:
        root = parsed(data)
    except Refusal as refusal:
        raise UnreadableError(f"InvalidBatch : {refusal.message}") from None
    return [_record(element) for element in root if local(element) == "sObject"]


def _record(element: etree._Element) -> Record:
    return {local(child): _value(child) for child in element if local(child)}


def _value(element: etree._Element) -> Any:
    """A text, or the parent that is named in it (Guide, "Relationship Fields in Records" of XML)."""
    inner = next((child for child in element if local(child) == "sObject"), None)
    if inner is not None:
        return _record(inner)
    return None if element.get(_NIL) in ("true", "1") else element.text or ""


def _columns(kind: SObject, record: Record) -> list[str]:
    """The names in a record as they would be written at the head of a CSV."""
    return [
        name
        for name, value in record.items()
        if not (isinstance(value, dict) and name.lower() in kind.relationships)
    ]


def _sheet(outcomes: Sequence[Outcome]) -> bytes:
    rows = [(o.id, to_csv(o.refusal is None), to_csv(o.created), o.error) for o in outcomes]
    return to_text([("Id", "Success", "Created", "Error"), *rows]).encode()


def _result(outcome: Outcome) -> dict[str, Any]:
    """One result (Guide, "Get Batch Results"); a record that was refused has no id."""
    errors = []
    if outcome.refusal is not None:
        refusal = outcome.refusal
        error = {"statusCode": refusal.code, "message": refusal.message, "fields": refusal.fields or []}
        errors.append(error | {"extendedErrorDetails": None})
    done = outcome.refusal is None
    return {"success": done, "created": outcome.created, "id": outcome.id or None, "errors": errors}


def _element(result: Mapping[str, Any]) -> list[tuple[str, Any]]:
    errors = [("errors", _error(error)) for error in result["errors"]]
    tree = [("id", result["id"]), ("success", result["success"]), ("created", result["created"])]
    return [*errors, *tree]


def _error(error: Mapping[str, Any]) -> list[tuple[str, Any]]:
    fields = [("fields", name) for name in error["fields"]]
    return [*fields, ("message", error["message"]), ("statusCode", error["statusCode"])]
