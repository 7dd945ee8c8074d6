"""The objects API in batches: `/crm/v3/objects/{type}/batch/…`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.asking import Answer, Call, an_id, inputs_of, mapping, repeated, words
from closedloop.sandbox.hubspot.errors import HubSpotError, contact_exists, duplicate_ids, some_not_found
from closedloop.sandbox.hubspot.kinds import CONTACTS
from closedloop.sandbox.hubspot.records import CrmObject
from closedloop.sandbox.hubspot.rest_objects import create_from, identified, refuse_campaigns
from closedloop.sandbox.hubspot.wire import batch, created, shown, updated, view_of

_MOST, _MOST_WITH_HISTORY = 100, 50


def read_batch(call: Call) -> Answer:
    """POST: reads records; unknown ids are named together in one error of a 207."""
    body = call.body
    history = words(body, "propertiesWithHistory")
    inputs = inputs_of(body, _MOST_WITH_HISTORY if history else _MOST)
    view = view_of(call.portal, call.kind, properties=words(body, "properties"), history=history)
    ids = dict.fromkeys(an_id(row) for row in inputs)
    records, unknown = _find(call, list(ids), body.get("idProperty"))
    results = [shown(call.portal, record, view) for record in records.values()]
    return _answer(call, results, unknown)


def create_batch(call: Call) -> Answer:
    """POST: makes records; wrong values and taken e-mail addresses refuse the whole batch, except where every
    input names its `objectWriteTraceId`: then they fail one by one."""
    inputs = inputs_of(call.body, _MOST)
    if inputs and all("objectWriteTraceId" in row for row in inputs):
        return _create_traced(call, inputs)
    _check_all(call, inputs)
    if call.kind is CONTACTS:
        _refuse_taken(call, [_checked(call, row).get("email", "") for row in inputs])
    results = [created(call.portal, create_from(call, row)) for row in inputs]
    return batch(results, (), call.at, call.portal.clock(), status=201)


def update_batch(call: Call) -> Answer:
    """POST: changes records. Wrong values and repeated ids refuse all of it, unknown ids only themselves."""
    refuse_campaigns(call.kind)
    inputs = inputs_of(call.body, _MOST)
    ids = [an_id(row) for row in inputs]
    if again := repeated(ids):
        raise duplicate_ids(again)
    _check_all(call, inputs)
    records, unknown = _find(call, ids, inputs[0].get("idProperty") if inputs else None)
    results = []
    for row in inputs:
        if record := records.get(an_id(row)):
            values = mapping(row, "properties")
            call.portal.writer.update(record, values, call.at, call.origin)
            results.append(updated(call.portal, record, values))
    return _answer(call, results, unknown)


def upsert_batch(call: Call) -> Answer:
    """POST: changes the records that a unique property finds and makes the others; `new` tells which."""
    refuse_campaigns(call.kind)
    inputs = inputs_of(call.body, _MOST)
    if again := repeated(an_id(row) for row in inputs):
        raise duplicate_ids(again)
    _check_all(call, inputs)
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


def _check_all(call: Call, inputs: list[dict[str, Any]]) -> None:
    """Refuses the whole batch with every wrong value of every input (recorded)."""
    problems = []
    for row in inputs:
        try:
            _checked(call, row)
        except HubSpotError as problem:
            problems.append(problem)
    if problems:
        raise HubSpotError.joined(problems)


def _refuse_taken(call: Call, emails: list[str]) -> None:
    given = [email for email in emails if email]
    if repeated(given) or any(call.portal.store.find_by(CONTACTS, "email", email) for email in given):
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


def _upsert(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    by, value = row.get("idProperty"), an_id(row)
    records, _ = _find(call, [value], by)
    properties = mapping(row, "properties")
    if record := records.get(value):
        call.portal.writer.update(record, properties, call.at, call.origin)
        return updated(call.portal, record, properties) | {"new": False}
    if not by:
        raise some_not_found(call.kind.singular, [value])
    made = create_from(call, {**row, "properties": {str(by): value, **properties}})
    return created(call.portal, made) | {"new": True}


def _create_traced(call: Call, inputs: list[dict[str, Any]]) -> Answer:
    results, problems = [], []
    for row in inputs:
        trace = str(row["objectWriteTraceId"])
        try:
            made = create_from(call, row)
        except HubSpotError as problem:
            problems.append(_traced(call, row, problem, trace))
        else:
            results.append(created(call.portal, made) | {"objectWriteTraceId": trace})
    return batch(results, problems, call.at, call.portal.clock(), status=201)


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
