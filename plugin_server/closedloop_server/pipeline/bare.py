"""What may be kept of records about somebody who was erased: ids, dates and what sales decided, no words.

A reason is kept as the label of its code. The label means the same code in every mapping that knows it, so
that a decision stays what it was when it is judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any

from sqlalchemy import Connection

from closedloop.loop.dispositions import ReasonMapper
from closedloop.schema.records import (
    Activity,
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    Opportunity,
    Record,
)
from closedloop.schema.vocabulary import REASONS, ObjectType, Outcome, ReasonCode
from closedloop_server.store import edges, erasures
from closedloop_server.store.edges import Role
from closedloop_server.store.rows import Key

_WORDLESS: dict[str, Any] = {"custom": {}, "raw": {}}
_NOBODY: dict[str, Any] = dict.fromkeys(
    (
        "name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "title",
        "company",
        "country",
        "source_detail",
        "utm",
        "reason_note",
    )
)
"""What a lead says about the person."""


@singledispatch
def bare(record: Record, reasons: ReasonMapper) -> Record:
    """The record without anything that somebody wrote about a person. Other records have nothing of that."""
    del reasons
    return record


@bare.register
def _(record: Contact, _: ReasonMapper) -> Record:
    return Contact(
        crm=record.crm,
        id=record.id,
        other_id=record.other_id,
        updated_at=record.updated_at,
        deleted=record.deleted,
    )


@bare.register
def _(record: Lead, reasons: ReasonMapper) -> Record:
    return replace(
        record,
        **_WORDLESS,
        **_NOBODY,
        reason=worded(record.reason, Outcome.DISQUALIFIED, reasons),
    )


@bare.register
def _(record: Opportunity, reasons: ReasonMapper) -> Record:
    return replace(
        record,
        **_WORDLESS,
        name=None,
        source_detail=None,
        reason_note=None,
        won_reason=worded(record.won_reason, Outcome.WON, reasons),
        lost_reason=worded(record.lost_reason, Outcome.LOST, reasons),
    )


@bare.register
def _(record: Activity, _: ReasonMapper) -> Record:
    return replace(record, **_WORDLESS, subject=None, result=None)


@bare.register(CampaignMember)
@bare.register(ContactRole)
def _joining(record: CampaignMember | ContactRole, _: ReasonMapper) -> Record:
    return replace(record, **_WORDLESS)


def worded(raw: str | None, outcome: Outcome, reasons: ReasonMapper) -> str | None:
    """The reason in our own words, with the same codes."""
    if raw is None:
        return None
    match = reasons(raw, outcome)
    return labels([match.code, *match.contributing])


def labels(codes: Iterable[ReasonCode]) -> str:
    """The labels of these codes, as a CRM joins several values."""
    return ";".join(REASONS[code].label for code in codes)


def without_erased(
    connection: Connection, found: Mapping[Key, Record], reasons: ReasonMapper
) -> dict[Key, Record]:
    """What a CRM answered, made bare where it is about somebody who was erased: a deal lives on, and a new
    call or campaign member would bring the name back."""
    if not erasures.any_at_all(connection):
        return dict(found)
    about = {key: _persons(key, record) for key, record in found.items()}
    opportunities = [key for key in found if key.object is ObjectType.OPPORTUNITY]
    roles = edges.pointing_at(connection, opportunities, [Role.OPPORTUNITY])
    opportunity_of = {edge.start: edge.end for edge in roles}
    for edge in edges.out_of(connection, opportunity_of, [Role.CONTACT]):
        about[opportunity_of[edge.start]].add(edge.end)
    erased = erasures.among(connection, set().union(*about.values()))
    return {key: bare(record, reasons) if about[key] & erased else record for key, record in found.items()}


def _persons(key: Key, record: Record) -> set[Key]:
    """The people whom a record names by their ids, itself among them."""
    named = {
        (ObjectType.LEAD, getattr(record, "lead_id", None)),
        (ObjectType.CONTACT, getattr(record, "contact_id", None)),
        (ObjectType.CONTACT, getattr(record, "converted_contact_id", None)),
    }
    return {key} | {Key(key.connection, object_, id_) for object_, id_ in named if id_}
