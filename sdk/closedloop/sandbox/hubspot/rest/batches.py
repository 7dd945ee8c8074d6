"""The objects API in batches: `/crm/v3/objects/{type}/batch/…`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from closedloop.sandbox.hubspot.errors import (
    HubSpotError,
    contact_exists,
    duplicate_ids,
    some_not_found,
    value_taken,
)
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.rest.asking import (
    Answer,
    Call,
    Routes,
    an_id,
    inputs_of,
    is_true,
    mapping,
    repeated,
    words,
)
from closedloop.sandbox.hubspot.rest.objects import (
    create_from,
    identified,
    refuse_campaigns,
    refuse_undemanded,
    wishes_of,
)
from closedloop.sandbox.hubspot.rest.wire import attempted, batch, created, shown, updated, view_of
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS

_MOST, _MOST_WITH_HISTORY = 100, 50


def read_batch(call: Call) -> Answer:
    """POST: reads records; unknown ids are named together in one error of a 207. Two ids of one record, which
    a merge leaves behind, answer with it once (not confirmed)."""
    body = call.body
    history = words(body, "propertiesWithHistory")
    most, of = (_MOST_WITH_HISTORY, "property histories") if history else (_MOST, "")
    inputs = inputs_of(body, most, of=of)
    view = view_of(call.portal, call.kind, properties=words(body, "properties"), history=history)
    ids = dict.fromkeys(an_id(row) for row in inputs)
    if is_true(call.request, "archived"):
        records, unknown = _find_archived(call, list(ids))
    else:
        records, unknown = _find(call, list(ids), body.get("idProperty"))
    results = [shown(call.portal, record, view) for record in dict.fromkeys(records.values())]
    return _answer(call, results, unknown)


def create_batch(call: Call) -> Answer:
    """POST: makes records; wrong values and taken e-mail addresses refuse the whole batch, except where every
    input names its `objectWriteTraceId`: then they fail one by one."""
    inputs = inputs_of(call.body, _MOST)
    if inputs and all("objectWriteTraceId" in row for row in inputs):
        return _one_by_one(
            call, inputs, lambda row: created(call.portal, create_from(call, row)) | _trace(row), status=201
        )
    checked = _checked_all(call, inputs)
    _refuse_taken(call, [(None, values) for values in checked])
    for row, values in zip(inputs, checked, strict=True):
        _refuse_new(call, row, values)
    results = [created(call.portal, create_from(call, row)) for row in inputs]
    return batch(results, (), call.at, call.portal.clock(), status=201)


def update_batch(call: Call) -> Answer:
    """POST: changes records. Wrong values and repeated ids refuse all of it, unknown ids only themselves."""
    refuse_campaigns(call.kind)
    inputs = inputs_of(call.body, _MOST)
    _refuse_repeated(inputs)
    checked = _checked_all(call, inputs)
    records, unknown = _find(
        call, [an_id(row) for row in inputs], inputs[0].get("idProperty") if inputs else None
    )
    found = [(records.get(an_id(row)), values) for row, values in zip(inputs, checked, strict=True)]
    _refuse_taken(call, [(record, values) for record, values in found if record])
    for record, values in found:
        if record is not None:
            _refuse_change(call, record, values)
    results = []
    for row in inputs:
        if record := records.get(an_id(row)):
            values = mapping(row, "properties")
            call.portal.writer.update(record, values, call.at, call.origin)
            results.append(updated(call.portal, record, values) | _trace(row))
    return _answer(call, results, unknown)


def upsert_batch(call: Call) -> Answer:
    """POST: changes the records that a unique property finds and makes the others; `new` tells which."""
    refuse_campaigns(call.kind)
    inputs = inputs_of(call.body, _MOST)
    _refuse_repeated(inputs)
    if inputs and all("objectWriteTraceId" in row for row in inputs):
        return _one_by_one(call, inputs, lambda row: _upsert(call, row))
    _refuse_upserts(call, inputs, _checked_all(call, inputs))
    return batch([_upsert(call, row) for row in inputs], (), call.at, call.portal.clock())


def archive_batch(call: Call) -> Answer:
    """POST: archives records; ids that are not there are no error."""
    refuse_campaigns(call.kind)
    records, _ = _find(call, [an_id(row) for row in inputs_of(call.body, _MOST)], None)
    for record in records.values():
        if record.archived_at is None:
            call.portal.writer.archive(record, call.at, call.origin)
    return 204, None


def _checked(call: Call, row: Mapping[str, Any]) -> dict[str, str]:
    return call.portal.catalogue.check(call.kind, mapping(row, "properties"), by_api=True)


def _checked_all(call: Call, inputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The values of every input; refuses the whole batch with every wrong one of them all (recorded)."""
    checked, problems = attempted(inputs, lambda row: _checked(call, row))
    if problems:
        raise HubSpotError.joined(problems)
    return checked


def _refuse_repeated(inputs: list[dict[str, Any]]) -> None:
    if again := repeated(an_id(row) for row in inputs):
        raise duplicate_ids(again)


def _refuse_new(call: Call, row: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Refuses a batch for an input of which no record can be made, before any is."""
    refuse_campaigns(call.kind)
    refuse_undemanded(call, None, values)
    call.portal.writer.refuse_new(call.kind, values, wishes_of(call, row))


def _refuse_change(call: Call, record: CrmObject, values: Mapping[str, str]) -> None:
    refuse_undemanded(call, record, values)
    call.portal.writer.refuse_change(record, values)


def _refuse_upserts(call: Call, inputs: list[dict[str, Any]], checked: list[dict[str, str]]) -> None:
    """Refuses the batch for an input that can neither change a record nor make one."""
    found: list[tuple[CrmObject | None, Mapping[str, str]]] = []
    for row, values in zip(inputs, checked, strict=True):
        by, value = row.get("idProperty"), an_id(row)
        record = _find(call, [value], by)[0].get(value)
        if record is None and not by:
            raise some_not_found(call.kind.singular, [value])
        if record is not None:
            _refuse_change(call, record, values)
            found.append((record, values))
        else:
            given = {str(by): value, **mapping(row, "properties")}
            found.append((None, call.portal.catalogue.check(call.kind, given, by_api=True)))
            _refuse_new(call, row, found[-1][1])
    _refuse_taken(call, found)


def _refuse_shared(call: Call, written: Sequence[tuple[CrmObject | None, Mapping[str, str]]]) -> None:
    """Refuses the whole batch for a value of a unique property that two inputs share (the words are ours)."""
    for name in call.portal.catalogue.unique(call.kind):
        shared = repeated(text for _, values in written if (text := values.get(name)))
        if shared and (call.kind is not CONTACTS or name != "email"):
            raise value_taken(name, shared[0], "Another input")


def _refuse_taken(call: Call, written: Sequence[tuple[CrmObject | None, Mapping[str, str]]]) -> None:
    """Refuses the whole batch for an e-mail address that another contact has, or another input."""
    _refuse_shared(call, written)
    if call.kind is not CONTACTS:
        return
    emails = [(record, email) for record, values in written if (email := values.get("email"))]
    for record, email in emails:
        holder = call.portal.store.find_by(CONTACTS, "email", email)
        if holder is not None and holder is not record:
            raise contact_exists(holder.id)
    if repeated(email for _, email in emails):
        raise contact_exists(None)


def _find(call: Call, ids: list[str], by: Any) -> tuple[dict[str, CrmObject], list[str]]:
    records: dict[str, CrmObject] = {}
    unknown = []
    for value in ids:
        try:
            records[value] = identified(call.portal, call.kind, value, by)
        except HubSpotError as problem:
            if problem.status != 404:
                raise
            unknown.append(value)
    return records, unknown


def _find_archived(call: Call, ids: list[str]) -> tuple[dict[str, CrmObject], list[str]]:
    found = {value: call.portal.store.archived(call.kind, value) for value in ids}
    records = {value: record for value, record in found.items() if record}
    return records, [value for value in ids if value not in records]


def _upsert(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    by, value = row.get("idProperty"), an_id(row)
    records, _ = _find(call, [value], by)
    properties = mapping(row, "properties")
    if record := records.get(value):
        refuse_undemanded(call, record, properties)
        call.portal.writer.update(record, properties, call.at, call.origin)
        return updated(call.portal, record, properties) | _trace(row) | {"new": False}
    if not by:
        raise some_not_found(call.kind.singular, [value])
    made = create_from(call, {**row, "properties": {str(by): value, **properties}})
    return created(call.portal, made) | _trace(row) | {"new": True}


def _trace(row: Mapping[str, Any]) -> dict[str, str]:
    trace = row.get("objectWriteTraceId")
    return {} if trace is None else {"objectWriteTraceId": str(trace)}


def _one_by_one(
    call: Call,
    inputs: list[dict[str, Any]],
    work: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    status: int = 200,
) -> Answer:
    """Inputs that all name their `objectWriteTraceId` fail one by one (documented for creates; for upserts
    seen of a live portal: README of a syncing tool)."""
    results, problems = [], []
    for row in inputs:
        try:
            results.append(work(row))
        except HubSpotError as problem:
            problems.append(_traced(call, row, problem, str(row["objectWriteTraceId"])))
    return batch(results, problems, call.at, call.portal.clock(), status=status)


def _traced(call: Call, row: Mapping[str, Any], problem: HubSpotError, trace: str) -> HubSpotError:
    email = str(mapping(row, "properties").get("email", ""))
    existing = call.portal.store.find_by(call.kind, "email", email) if problem.status == 409 else None
    named = {"existingId": [existing.id]} if existing else {}
    return HubSpotError(
        problem.message,
        status=problem.status,
        category=problem.category,
        context={"objectWriteTraceId": [trace], **named},
    )


def _answer(call: Call, results: list[dict[str, Any]], unknown: list[str]) -> Answer:
    problems = [some_not_found(call.kind.singular, unknown)] if unknown else []
    return batch(results, problems, call.at, call.portal.clock())


ROUTES: Routes = (
    ("POST", "objects", "/<type>/batch/read", read_batch),
    ("POST", "objects", "/<type>/batch/create", create_batch),
    ("POST", "objects", "/<type>/batch/update", update_batch),
    ("POST", "objects", "/<type>/batch/upsert", upsert_batch),
    ("POST", "objects", "/<type>/batch/archive", archive_batch),
)
