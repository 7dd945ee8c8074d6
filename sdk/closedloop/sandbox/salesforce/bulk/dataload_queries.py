"""Queries of the Bulk API, the older of the two: their results in three forms, and their chunks by id."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from closedloop.sandbox.salesforce.bulk import bulk_query
from closedloop.sandbox.salesforce.bulk.dataload import XSI, document, to_json
from closedloop.sandbox.salesforce.bulk.dataload_jobs import Batch, Job
from closedloop.sandbox.salesforce.bulk.jobs import to_text
from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records.values import parse_datetime
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Call
from closedloop.sandbox.salesforce.soql import aggregate, query
from closedloop.sandbox.salesforce.soql.columns import source_object
from closedloop.sandbox.salesforce.soql.parser import parse
from closedloop.sandbox.salesforce.soql.syntax import Column, Query

# Guide, "PK Chunking Header".
DEFAULT_CHUNK, LARGEST_CHUNK = 100_000, 250_000
# The content of a result without records; clients look for these words.
_NOTHING = b"Records not found for this query"
_CHUNKED = frozenset(
    (
        *("Account", "Asset", "Campaign", "CampaignMember", "Case", "CaseArticleVersion", "CaseHistory"),
        *("Contact", "Event", "EventRelation", "Lead", "LoginHistory", "Opportunity", "Task", "User"),
        *("WorkOrder", "WorkOrderLineItem"),
    )
)


def chunk_of(header: str | None) -> tuple[int, str] | None:
    """The size and the first id that Sforce-Enable-PKChunking asks for; None where it asks for nothing."""
    if not header or header.strip().lower() == "false":
        return None
    given = dict(re.findall(r"(\w+)\s*=\s*(\w+)", header))
    size = int(given["chunkSize"]) if given.get("chunkSize", "").isdecimal() else DEFAULT_CHUNK
    return max(1, min(size, LARGEST_CHUNK)), given.get("startRow", "")


def divides(job: Job) -> bool:
    """Whether the job's queries are split into chunks."""
    return job.chunk is not None and (job.kind.custom or job.kind.name in _CHUNKED)


def chunks(org: Org, job: Job) -> list[tuple[str, str | None]]:
    """The ids from which each chunk reaches, and up to which, without it."""
    ids = sorted(row["Id"] for row in org.tables.rows(job.kind.name, deleted=True))
    starts = [i for i in ids if i >= job.chunk_from][:: job.chunk or DEFAULT_CHUNK] or [""]
    return list(zip(starts, [*starts[1:], None], strict=True))


def bounded(text: str, low: str, high: str | None) -> str:
    """The query of one chunk, as it is shown (Guide, "PK Chunking Header")."""
    word = "AND" if re.search(r"\bwhere\b", text, re.IGNORECASE) else "WHERE"
    end = "" if high is None else f" AND Id < '{high}'"
    return f"{text} {word} Id >= '{low}'{end}"


def read(call: Call, job: Job, batch: Batch, *, text: str, low: str = "", high: str | None = None) -> None:
    """Runs the query and keeps its result; within the bounds, where the batch is a chunk."""
    try:
        _check_source(job, source_object(call.org, parse(text).source, text).name)
        batch.processed, render = _found(call, job, text, lambda i: low <= i and (high is None or i < high))
    except Refusal as refusal:
        code = "FUNCTIONALITY_NOT_ENABLED" if refusal.code == "API_ERROR" else refusal.code
        batch.fail(f"InvalidBatch : Failed to process query: {code}: {refusal.message}")
        return
    batch.results = {new_id("752", call.org.number())[:15]: render}


def _check_source(job: Job, source: str) -> None:
    if source != job.kind.name:
        # As quoted in simple-salesforce/simple-salesforce#502.
        message = (
            f"The root entity of the requested query ({source}) does not match the entity of the requested "
            f"Bulk API Job ({job.kind.name})."
        )
        raise Refusal("INVALID_TYPE_FOR_OPERATION", message)


def _found(call: Call, job: Job, text: str, within: Callable[[str], bool]) -> tuple[int, Callable[[], bytes]]:
    deleted = job.operation == "queryAll"
    if job.content_type == "CSV":
        table = bulk_query.table(call.org, text, deleted=deleted)
        rows = [row for row in table.rows if within(row["Id"])]
        return len(rows), lambda: to_text(table.lines(rows)).encode() if rows else _NOTHING
    _check(parse(text))
    found = query.run(call.org, text, version=job.version, deleted=deleted)
    records = [r for r in found.records if within(str(r["attributes"].get("url", "")).rpartition("/")[2])]
    if job.content_type == "JSON":
        return len(records), lambda: to_json([_in_milliseconds(call.org, record) for record in records])
    more = f' xmlns:xsi="{XSI}"'
    return len(records), lambda: document("queryResult", _trees(records), more=more).replace(
        b"<records>", b'<records xsi:type="sObject">'
    )


def _check(asked: Query) -> None:
    columns: Sequence[Any] = asked.columns
    if asked.group or any(_counts(column) or isinstance(column, Query) for column in columns):
        raise bulk_query.unsupported("Aggregate Relationships")


def _counts(column: Any) -> bool:
    return isinstance(column, Column) and aggregate.is_aggregate(column.expression)


def _in_milliseconds(org: Org, record: dict[str, Any]) -> dict[str, Any]:
    """The record as JSON results have it: days and instants are numbers (recorded of an instant)."""
    kind = org.objects.find(str(record.get("attributes", {}).get("type", "")))
    shown = dict(record)
    for name, value in record.items():
        field = kind.field(name) if kind is not None else None
        if isinstance(value, dict) and name != "attributes":
            shown[name] = _in_milliseconds(org, value)
        elif field is not None and isinstance(value, str) and field.type in ("date", "datetime"):
            shown[name] = _milliseconds(value)
    return shown


def _milliseconds(text: str) -> int:
    instant = parse_datetime(text)
    if instant is None:
        day = date.fromisoformat(text)
        instant = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(instant.timestamp() * 1000)


def _trees(records: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [("records", _tree(record)) for record in records]


def _tree(record: dict[str, Any]) -> list[tuple[str, Any]]:
    """One record: its type, its Id twice (as in the SOAP API), and what else is not null."""
    record_id = str(record["attributes"].get("url", "")).rpartition("/")[2] if "Id" in record else None
    tree: list[tuple[str, Any]] = [("type", record["attributes"]["type"]), ("Id", record_id)]
    for name, value in record.items():
        if name != "attributes" and value is not None:
            tree.append((name, _tree(value) if isinstance(value, dict) and "attributes" in value else value))
    return tree
