"""How records and batches look in the answers of the objects API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.record import CrmObject, stamp
from closedloop.sandbox.hubspot.settings.kinds import KINDS, ObjectKind

_INLINE = 100
_Row = TypeVar("_Row")
_Result = TypeVar("_Result")

# What the answer to an update holds besides the values that were written (recorded).
_ALWAYS_ECHOED = frozenset(
    {
        *("hs_object_id", "hs_object_source", "hs_object_source_id", "hs_object_source_label"),
        *("hs_is_unworked", "hs_pipeline", "lifecyclestage"),
        *(name for kind in KINDS for name in kind.always),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What an answer is to show of each record; its links lead to `host`, as the caller knows it."""

    properties: Sequence[str] = ()
    history: Sequence[str] = ()
    associations: Sequence[ObjectKind] = ()
    host: str = ""


def view_of(
    portal: Portal,
    kind: ObjectKind,
    *,
    properties: Sequence[str],
    history: Sequence[str] = (),
    associations: Sequence[str] = (),
    defaults: Sequence[str] | None = None,
    host: str = "",
) -> View:
    """The view for what was asked. Unknown properties and object types to associate with are ignored, as
    HubSpot's OpenAPI descriptions say; no properties at all means the defaults."""
    asked = (*properties, *kind.always) if properties else (defaults or kind.defaults)
    return View(
        properties=sorted(portal.catalogue.known(kind, asked)),
        history=portal.catalogue.known(kind, history),
        associations=[found for name in associations if (found := portal.kinds.find(name)) is not None],
        host=host,
    )


def shown(portal: Portal, record: CrmObject, view: View) -> dict[str, Any]:
    """A record in an answer to a read: a property without a value is null."""
    values = {name: record.properties.get(name) for name in view.properties}
    wire = _frame(portal, record, values)
    if view.history:
        wire["propertiesWithHistory"] = {
            name: [version.to_wire() for version in record.versions(name)] for name in view.history
        }
    if associations := _associations(portal, record, view):
        wire["associations"] = associations
    return wire


def created(portal: Portal, record: CrmObject) -> dict[str, Any]:
    """A record in the answer to a create: everything that has a value."""
    return _frame(portal, record, dict(sorted(record.properties.items())))


def updated(portal: Portal, record: CrmObject, written: Iterable[str]) -> dict[str, Any]:
    """A record in the answer to an update: what was written, and what every record has."""
    names = _ALWAYS_ECHOED.union(written)
    values = {name: value for name, value in sorted(record.properties.items()) if name in names}
    return _frame(portal, record, values)


def batch(
    results: Sequence[dict[str, Any]],
    problems: Sequence[HubSpotError],
    started: datetime,
    completed: datetime,
    *,
    status: int = 200,
) -> tuple[int, dict[str, Any]]:
    """A batch's answer: 207 with `errors` as soon as one input failed (recorded)."""
    body: dict[str, Any] = {
        "completedAt": stamp(completed),
        "status": "COMPLETE",
        "startedAt": stamp(started),
        "results": list(results),
    }
    if not problems:
        return status, body
    entries = [problem.entry() for problem in problems]
    return 207, body | {"errors": entries, "numErrors": len(entries)}


def attempted(
    rows: Iterable[_Row], work: Callable[[_Row], _Result]
) -> tuple[list[_Result], list[HubSpotError]]:
    """Does the work for every input of a batch; one that is refused does not hold up the others."""
    results, problems = [], []
    for row in rows:
        try:
            results.append(work(row))
        except HubSpotError as problem:
            problems.append(problem)
    return results, problems


def paging(after: str, link: str | None = None) -> dict[str, Any]:
    """The part of an answer that leads to the next page."""
    following = {"after": after} if link is None else {"after": after, "link": link}
    return {"paging": {"next": following}}


def _frame(portal: Portal, record: CrmObject, values: Mapping[str, str | None]) -> dict[str, Any]:
    page = f"https://app.hubspot.com/contacts/{portal.id}/record/{record.kind.type_id}/{record.id}"
    frame = {
        "id": record.id,
        "properties": values,
        "createdAt": stamp(record.created_at),
        "updatedAt": stamp(record.updated_at),
        "archived": record.archived_at is not None,
    }
    if record.archived_at:
        frame["archivedAt"] = stamp(record.archived_at)
    return frame | {"url": page}


def _associations(portal: Portal, record: CrmObject, view: View) -> dict[str, Any]:
    found = {kind: associated(portal, record, kind) for kind in view.associations}
    return {kind.name: _first(record, kind, rows, view.host) for kind, rows in found.items() if rows}


def _first(record: CrmObject, kind: ObjectKind, rows: list[dict[str, str]], host: str) -> dict[str, Any]:
    """The first page of what a record shows of its associations; the next one is at an endpoint of its own
    (HubSpot's announcement of 2021, "a change to how v3 CRM APIs return association data")."""
    if len(rows) <= _INLINE:
        return {"results": rows}
    path = f"/crm/v3/objects/{record.kind.name}/{record.id}/associations/{kind.name}"
    return {"results": rows[:_INLINE]} | paging(str(_INLINE), f"{host}{path}?after={_INLINE}")


def associated(portal: Portal, record: CrmObject, kind: ObjectKind) -> list[dict[str, str]]:
    """One row per kind of association, by its name: a primary one stands beside its unlabelled one."""
    types = portal.associations.types
    return [
        {"id": link.id, "type": types.name(record.kind, kind, each)}
        for link in portal.associations.of(record.end, kind)
        for each in link.types
    ]


def cursor(place: int) -> str:
    """A place in a list as HubSpot sends it: in base 64, URL-encoded already ("Mg%3D%3D", recorded)."""
    return quote(base64.b64encode(str(place).encode()).decode(), safe="")


def position(after: Any) -> int:
    """The place that a cursor names."""
    if not after:
        return 0
    try:
        place = int(base64.b64decode(str(after), validate=True))
    except (binascii.Error, ValueError):
        place = -1
    if place < 0:
        raise HubSpotError(f"Invalid paging cursor: {after}")
    return place
