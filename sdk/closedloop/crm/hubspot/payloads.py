"""Puts what several of HubSpot's answers say about one thing into the one payload that the mapping reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.ids import is_record_id

FIRST_TOUCH, LAST_TOUCH, INFLUENCED = "contactFirstTouch", "contactLastTouch", "influencedContacts"
REPORTS = (FIRST_TOUCH, LAST_TOUCH, INFLUENCED)
"""A campaign's contact reports."""

TOUCH_PROPERTIES = (
    "hs_analytics_first_touch_converting_campaign",
    "hs_analytics_last_touch_converting_campaign",
    "hs_analytics_first_timestamp",
    "hs_analytics_last_timestamp",
)
"""What a contact itself says about its campaigns, and when it was seen first and last."""

MERGED_IDS = ("hs_merged_object_ids", "hs_calculated_merged_vids")
"""The properties of a surviving record that name those merged into it, "12;34" and "12:1700000000000;34:…".
The second is the contacts' own and may lack some (issues 6 of HubSpot/hubspot-api-nodejs, 168 and 172 of
fivetran/dbt_hubspot)."""

_PRIMARY_TYPES = frozenset({578, 580})
"""Lead to primary contact and to primary company; elsewhere the label says "Primary"."""

Resolve = Callable[[str], str | None]
"""The GUID of a campaign by either of its ids."""


def associate(payload: Json, kind: str, targets: Sequence[Json], *, link: str, first: object = None) -> None:
    """Adds associations read by the v4 API in the shape of v3, the primary one before the others."""
    ranked = sorted(targets, key=lambda target: (_id(target) != str(first), not is_primary(target)))
    listed = [{"id": _id(target), "type": link} for target in ranked]
    payload["associations"] = {**_mapping(payload, "associations"), kind: {"results": listed}}


def rank_associations(payload: Json, kind: str, *, link: str, first: object = None) -> None:
    """Puts the primary one of the associations that came with a list first.

    It is the one of the plain type, `contact_to_company`: the others are `contact_to_company_unlabeled`
    (issue 176 of HubSpot/hubspot-api-nodejs) or bear the name of a label. Each stands there once a type.
    """
    listed = _mapping(_mapping(payload, "associations"), kind).get("results")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    rows.sort(key=lambda row: (str(row.get("id")) != str(first), _inline_rank(str(row.get("type")), link)))
    if rows:
        payload["associations"][kind]["results"] = rows


def properties_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a payload; none where it holds none that could be read."""
    return _mapping(payload, "properties")


def _mapping(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = payload.get(name)
    return found if isinstance(found, Mapping) else {}


def _inline_rank(type_: str, link: str) -> int:
    if "primary" in type_.lower():
        return 0
    return 1 if type_ == link else 2


def merged_into(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the records that were merged into this one."""
    told = [str(properties_of(payload).get(name) or "") for name in MERGED_IDS]
    ids = (part.partition(":")[0].strip() for text in told for part in text.split(";"))
    return tuple(dict.fromkeys(each for each in ids if is_record_id(each) and each != str(payload.get("id"))))


def is_primary(target: Json) -> bool:
    """Whether the association is of the primary kind."""
    return any(is_primary_kind(kind) for kind in kinds_of(target))


def is_primary_kind(kind: Mapping[str, Any]) -> bool:
    """Whether this kind of association is the primary one, of which a record has one at most."""
    return kind.get("typeId") in _PRIMARY_TYPES or str(kind.get("label") or "").lower().startswith("primary")


def roles(deal_id: str, targets: Sequence[Json]) -> Iterator[Json]:
    """The contact roles of a deal. Which is primary is known only where one of them is labelled so."""
    labelled = any(is_primary(target) for target in targets)
    for target in targets:
        primary = is_primary(target) if labelled else None
        yield {
            "dealId": deal_id,
            "contactId": _id(target),
            "label": _role(target),
            "primary": primary,
        }


def _role(target: Json) -> str | None:
    labels = [str(kind["label"]) for kind in kinds_of(target) if kind.get("label")]
    return next((label for label in labels if label.lower() != "primary"), None)


def kinds_of(target: Json) -> list[Json]:
    """Of which kinds an association is."""
    kinds = target.get("associationTypes")
    return [kind for kind in kinds if isinstance(kind, dict)] if isinstance(kinds, list) else []


def _id(target: Json) -> str:
    return str(target.get("toObjectId") or "")


def targets_of(result: Json) -> list[Json]:
    """The well-formed targets of one result of an associations read."""
    listed = result.get("to")
    return [each for each in listed if isinstance(each, dict) and is_record_id(_id(each))] if listed else []


def reports_of(contact: Mapping[str, Any], resolve: Resolve) -> dict[str, tuple[str, ...]]:
    """The campaigns that the contact itself names, each with the reports it must stand in."""
    found: dict[str, tuple[str, ...]] = {}
    for name, report in zip(TOUCH_PROPERTIES[:2], (FIRST_TOUCH, LAST_TOUCH), strict=True):
        guid = resolve(str(contact.get(name) or "").strip())
        if guid is not None:
            found[guid] = (*found.get(guid, ()), report)
    return found


def member(
    guid: str, contact_id: str, reports: Iterable[str], contact: Mapping[str, Any], own: Iterable[str]
) -> Json:
    """A campaign member, of the reports that name the contact and of those that it names itself (`own`).

    HubSpot says when somebody was seen first and last, so a touch has a time only where the contact calls
    it its first or last one; of both, the first.
    """
    confirmed = frozenset(own)
    listed = confirmed | frozenset(reports)
    first, last = (_iso(contact.get(name)) for name in TOUCH_PROPERTIES[2:])
    touched = (first if FIRST_TOUCH in confirmed else None) or (last if LAST_TOUCH in confirmed else None)
    return {
        "campaignGuid": guid,
        "contactId": contact_id,
        "reports": [report for report in REPORTS if report in listed],
        "touchedAt": touched,
    }


def _iso(value: object) -> str | None:
    """The instant as ISO 8601; HubSpot gives datetime properties so, or as epoch milliseconds."""
    moment = instant(value)
    return None if moment is None else iso(moment)


def instant(value: object) -> datetime | None:
    """The instant that a property value names, if it names one."""
    text = str(value or "").strip()
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.utcoffset() is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def iso(moment: datetime) -> str:
    """The instant as HubSpot writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def stages(pipelines: Iterable[Json], object_type: str) -> Iterator[Json]:
    """The stages of the pipelines, each knowing its pipeline."""
    for pipeline in pipelines:
        listed = pipeline.get("stages")
        for stage in listed if isinstance(listed, list) else ():
            if isinstance(stage, dict):
                yield {
                    **stage,
                    "pipelineId": str(pipeline["id"]),
                    "pipelineLabel": pipeline.get("label"),
                    "objectType": object_type,
                }
