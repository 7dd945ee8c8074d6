"""Normalises what a CRM answered: one payload, or every record in a whole body.

For scripts, imports and checks. The adapters hand their payloads to the mapping directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from closedloop.errors import NormaliseError, UnsupportedError
from closedloop.mapping.crm import CrmMapping
from closedloop.mapping.decode import UnreadableError, decode
from closedloop.mapping.explain import Explanation
from closedloop.mapping.findings import Findings, Normalised, Refused
from closedloop.mapping.hubspot_bodies import walk_hubspot
from closedloop.mapping.load import Mappings, load_mappings
from closedloop.mapping.salesforce_bodies import walk_salesforce
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import CrmName, ObjectType

__all__ = ["Normalised", "Refused", "explain", "normalise", "normalise_body"]

_WALKS: Mapping[CrmName, Callable[[Any, Findings], None]] = {
    CrmName.SALESFORCE: walk_salesforce,
    CrmName.HUBSPOT: walk_hubspot,
}


def normalise(
    crm: CrmName | str,
    object: ObjectType | str,  # noqa: A002 - the word of the schema
    payload: Mapping[str, Any],
    *,
    mappings: Mappings | None = None,
) -> Record:
    """The record in one payload of a CRM; NormaliseError names the field that failed and why.

    `object` is our word ("lead") or the CRM's ("Lead", "leads", "0-136"); `mappings` are the shipped
    ones unless given.
    """
    mapping = _mapping(crm, mappings)
    return mapping.normalise(_object_type(mapping, object), payload)


def normalise_body(
    crm: CrmName | str, body: bytes | str | Mapping[str, Any] | list[Any], *, mappings: Mappings | None = None
) -> Normalised:
    """Every record in a whole answer, event or message of a CRM, and a reason for whatever is not one.

    JSON, XML or CSV, as bytes, text or decoded. What a body holds decides, not where it came from: query
    pages with their subqueries, single objects, batches, pipelines, change events, outbound messages.
    """
    findings = Findings(_mapping(crm, mappings))
    try:
        _WALKS[findings.mapping.crm](decode(body), findings)
    except UnreadableError as exc:
        findings.refuse(exc.reason, exc.message)
    return findings.result()


def explain(record: Record, *, mappings: Mappings | None = None) -> Explanation:
    """Where each field of a record came from, which rule made it, and what was lost on the way; prints as a
    table. `mappings` are the shipped ones unless given."""
    return _mapping(record.crm, mappings).explain(record)


def _mapping(crm: CrmName | str, mappings: Mappings | None) -> CrmMapping:
    try:
        name = CrmName(crm)
    except ValueError:
        raise NormaliseError(f"expected a CRM, one of {', '.join(CrmName)}", reason="unknown_crm") from None
    return (mappings or load_mappings()).crm(name)


def _object_type(mapping: CrmMapping, name: ObjectType | str) -> ObjectType:
    try:
        return mapping.named(name)[0]
    except UnsupportedError as error:
        raise NormaliseError(error.message, reason=error.reason) from None
