"""The associations schema API: labels, the portal's own limits, and the report on records with very many.

Source: HubSpot's OpenAPI description of the associations schema, and what others saw of a live portal in
October 2026 (docs/hubspot-behaviour.md of scopiousdigital/kalup).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.records.record import milliseconds
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, inputs_of, whole
from closedloop.sandbox.hubspot.rest.associations import from_kind, to_kind
from closedloop.sandbox.hubspot.rest.wire import attempted, batch
from closedloop.sandbox.hubspot.settings.association_types import AssociationType
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind
from closedloop.sandbox.hubspot.settings.property_forms import required

_MOST = 100
_LARGEST_LIMIT = 500_000


def list_labels(call: Call) -> Answer:
    """GET: the kinds of association between two types."""
    kinds = call.portal.associations.types.between(from_kind(call), to_kind(call))
    return 200, {"results": [kind.to_wire() for kind in kinds]}


def create_label(call: Call) -> Answer:
    """POST: adds a label of the portal's own; the answer holds it from both sides."""
    body = call.body
    label, name, back = required(body, "label"), required(body, "name"), _inverse(body)
    types = call.portal.associations.types
    made = types.add_label(from_kind(call), to_kind(call), label, back, name=name)
    return 200, {"results": [kind.to_wire() for kind in made]}


def update_label(call: Call) -> Answer:
    """PUT: changes a label; without one for the other side both have the same."""
    body = call.body
    number, label = (
        whole(body.get("associationTypeId"), "associationTypeId", default=0),
        required(body, "label"),
    )
    associations = call.portal.associations
    changed = associations.types.relabel(from_kind(call), to_kind(call), number, label, _inverse(body))
    associations.relabel(changed)
    return 204, None


def delete_label(call: Call) -> Answer:
    """DELETE: takes a label out, both its sides; records lose it."""
    number = whole(call.path["label"], "associationTypeId", default=0)
    associations = call.portal.associations
    associations.strip(associations.types.remove_label(from_kind(call), to_kind(call), number))
    return 204, None


def list_all_limits(call: Call) -> Answer:
    """GET: every limit that the portal has set."""
    return 200, {"results": [_limit(call, *key) for key in call.portal.associations.limits]}


def list_limits(call: Call) -> Answer:
    """GET: the kinds of association between two types, with their limits where there are any."""
    left, right = from_kind(call), to_kind(call)
    kinds = call.portal.associations.types.between(left, right)
    return 200, {"results": [_limit(call, left, right, kind.type_id) for kind in kinds]}


def create_limits(call: Call) -> Answer:
    """POST: limits how many records of one type a record of the other may have."""
    results, problems = _limited(call)
    return batch(results, problems, call.at, call.portal.clock(), status=201)


def update_limits(call: Call) -> Answer:
    """POST: changes limits, or sets them where there were none."""
    results, problems = _limited(call)
    without = [{k: v for k, v in row.items() if k != "label"} for row in results]
    return batch(without, problems, call.at, call.portal.clock())


def purge_limits(call: Call) -> Answer:
    """POST: takes limits back, whether there were any or not."""
    left, right = from_kind(call), to_kind(call)
    for kind in [_kind(call, row) for row in inputs_of(call.body, _MOST)]:
        call.portal.associations.limits.pop((left, right, kind.type_id), None)
    return 204, None


def report_high_usage(call: Call) -> Answer:
    """POST: has a report sent to a user by e-mail; here nothing is sent."""
    owner = call.portal.owners.of_user(call.path["user"])
    if owner is None:
        raise not_found()
    moment = {"value": milliseconds(call.at), "dateOnly": False, "timeZoneShift": 0}
    return 200, {"enqueueTime": moment, "userEmail": owner.email, "userId": owner.user_id}


def _inverse(body: Mapping[str, Any]) -> str | None:
    back = body.get("inverseLabel")
    return str(back) if back else None


def _kind(call: Call, row: Mapping[str, Any]) -> AssociationType:
    number = whole(row.get("typeId"), "typeId", default=0)
    return call.portal.associations.types.get(from_kind(call), to_kind(call), number)


def _limited(call: Call) -> tuple[list[dict[str, Any]], list[HubSpotError]]:
    left, right = from_kind(call), to_kind(call)

    def limit(row: Mapping[str, Any]) -> dict[str, Any]:
        kind = _kind(call, row)
        most = whole(row.get("maxToObjectIds"), "maxToObjectIds", default=0, least=1, most=_LARGEST_LIMIT)
        if not most:
            raise HubSpotError(
                "Invalid input JSON on line 1, column 1: Some required fields were not set: [maxToObjectIds]"
            )
        call.portal.associations.limits[left, right, kind.type_id] = most
        return _limit(call, left, right, kind.type_id)

    return attempted(inputs_of(call.body, _MOST), limit)


def _limit(call: Call, left: ObjectKind, right: ObjectKind, type_id: int) -> dict[str, Any]:
    associations = call.portal.associations
    kind = associations.types.get(left, right, type_id)
    most = associations.limits.get((left, right, type_id))
    return kind.to_wire() | {"userEnforcedMaxToObjectIds": most}


ROUTES: Routes = (
    ("GET", "associations", "/<from>/<to>/labels", list_labels),
    ("POST", "associations", "/<from>/<to>/labels", create_label),
    ("PUT", "associations", "/<from>/<to>/labels", update_label),
    ("DELETE", "associations", "/<from>/<to>/labels/<label>", delete_label),
    ("GET", "associations", "/definitions/configurations/all", list_all_limits),
    ("GET", "associations", "/definitions/configurations/<from>/<to>", list_limits),
    ("POST", "associations", "/definitions/configurations/<from>/<to>/batch/create", create_limits),
    ("POST", "associations", "/definitions/configurations/<from>/<to>/batch/update", update_limits),
    ("POST", "associations", "/definitions/configurations/<from>/<to>/batch/purge", purge_limits),
    ("POST", "associations", "/usage/high-usage-report/<user>", report_high_usage),
)
