"""What HubSpot works out itself when a record changes: stage flags and times, names, close dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from closedloop.sandbox.hubspot.records.record import CrmObject, stamp
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS, DEALS, LEADS, ObjectKind
from closedloop.sandbox.hubspot.settings.pipelines import Pipelines, PipelineStage


def on_create(
    kind: ObjectKind, values: Mapping[str, str], currency: str, pipelines: Pipelines
) -> dict[str, str]:
    """The values that a new record gets where the writer gave none."""
    defaults = {
        CONTACTS: {"lifecyclestage": "lead", "hs_pipeline": "contacts-lifecycle-pipeline"},
        DEALS: {"deal_currency_code": currency},
        LEADS: {"hs_pipeline_stage": "new-stage-id"},
    }
    missing = {k: v for k, v in defaults.get(kind, {}).items() if not values.get(k)}
    return missing | with_pipeline(kind, {**missing, **values}, pipelines)


def with_pipeline(kind: ObjectKind, values: Mapping[str, str], pipelines: Pipelines) -> dict[str, str]:
    """The pipeline that a written stage belongs to, when the writer named only the stage."""
    stage = values.get(kind.stage or "")
    if not stage or kind.pipeline is None or values.get(kind.pipeline):
        return {}
    return {kind.pipeline: pipelines.pipeline_of_stage(kind, stage) or ""}


def on_change(
    record: CrmObject,
    before: Mapping[str, str],
    written: Mapping[str, str],
    at: datetime,
    pipelines: Pipelines,
) -> dict[str, str]:
    """The values that follow from a change; `written` are the ones that somebody set in this very change."""
    name = record.kind.stage or ""
    move = _Move(
        old=pipelines.stage(record.kind, before.get(name, "")),
        new=pipelines.stage(record.kind, record.properties.get(name, "")),
        at=at,
    )
    worked_out = _stage_times(move)
    if rule := _RULES.get(record.kind):
        worked_out |= rule(record, written, move)
    return worked_out


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """From which stage a record went to which; they are the same where it stayed."""

    old: PipelineStage | None
    new: PipelineStage | None
    at: datetime


def _stage_times(move: _Move) -> dict[str, str]:
    old, new, at = move.old, move.new, stamp(move.at)
    if old == new:
        return {}
    left = {old.time_property("exited"): at} if old else {}
    entered = {new.time_property("entered"): at, new.time_property("exited"): ""} if new else {}
    return left | entered


def _contact(record: CrmObject, written: Mapping[str, str], move: _Move) -> dict[str, str]:
    del written, move
    values = record.properties
    email = values.get("email", "")
    name = " ".join(part for part in (values.get("firstname"), values.get("lastname")) if part)
    return {
        "hs_email_domain": email.partition("@")[2],
        "hs_full_name_or_email": name or email,
        "hs_all_contact_vids": ";".join((record.id, *merged_ids(record))),
        "hs_is_contact": "true",
        "hs_is_unworked": "true",
    }


def _deal(record: CrmObject, written: Mapping[str, str], move: _Move) -> dict[str, str]:
    stage, at = move.new, move.at
    if stage is None:
        return _NOT_CLOSED if move.old else {}
    amount = record.properties.get("amount", "")
    values = {
        "hs_is_closed": _flag(stage.closed),
        "hs_is_closed_won": _flag(stage.won),
        "hs_is_closed_lost": _flag(stage.closed and not stage.won),
        "hs_deal_stage_probability": stage.metadata["probability"],
        "hs_closed_amount": (amount or "0") if stage.won else "0",
    }
    if stage == move.old:
        return values
    values["hs_closed_won_date"] = stamp(at) if stage.won else ""
    # Closing a deal dates it, unless the same change names another date.
    return values | ({"closedate": stamp(at)} if stage.closed and not written.get("closedate") else {})


# A deal whose stage was cleared is in none that could be a closed one.
_NOT_CLOSED = {
    **dict.fromkeys(("hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost"), "false"),
    **dict.fromkeys(("hs_deal_stage_probability", "hs_closed_won_date"), ""),
    "hs_closed_amount": "0",
}


def _lead(record: CrmObject, written: Mapping[str, str], move: _Move) -> dict[str, str]:
    del record, written
    category = move.new.category if move.new else ""
    return {
        "hs_pipeline_stage_category": category,
        "hs_lead_is_new": _digit(category == "NEW"),
        "hs_lead_is_in_progress": _digit(category == "IN_PROGRESS"),
        "hs_lead_is_open": _digit(category in {"NEW", "IN_PROGRESS"}),
        "hs_lead_is_qualified": _digit(category == "QUALIFIED"),
        "hs_lead_is_disqualified": _digit(category == "UNQUALIFIED"),
    }


def merged_ids(record: CrmObject) -> list[str]:
    """The ids of the records that were merged into this one."""
    return [part for part in record.properties.get("hs_merged_object_ids", "").split(";") if part]


def from_contact(contact: CrmObject | None) -> dict[str, str]:
    """What a lead shows of its primary contact's source."""
    values = contact.properties if contact else {}
    return {
        f"hs_contact_{name}": values.get(f"hs_{name}", "")
        for name in ("analytics_source", "analytics_source_data_1", "analytics_source_data_2")
    }


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _digit(value: bool) -> str:
    return "1" if value else "0"


_Rule = Callable[[CrmObject, Mapping[str, str], _Move], dict[str, str]]
_RULES: Mapping[ObjectKind, _Rule] = {CONTACTS: _contact, DEALS: _deal, LEADS: _lead}
