"""The associations API, version 3: kinds of association have names instead of numbers.

Source: HubSpot's OpenAPI description of version 3 and what its answers were in clients' tests (the errors of
unknown records: a client in Go, `crm.associations.FROM_OBJECT_NOT_FOUND`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject, End
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, an_id, inputs_of, mapping
from closedloop.sandbox.hubspot.rest.associations import from_kind, no_associations, to_kind
from closedloop.sandbox.hubspot.rest.wire import associated, attempted, batch, shown, view_of
from closedloop.sandbox.hubspot.settings.association_types import AssociationType
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind
from closedloop.sandbox.hubspot.settings.property_forms import required

_MOST_READ, _MOST_WRITTEN = 1000, 2000


def read_associations(call: Call) -> Answer:
    """POST: the associations of many records; those that have none are errors of a 207."""
    left, right = from_kind(call), to_kind(call)
    results, problems = [], []
    for record_id in [an_id(row) for row in inputs_of(call.body, _MOST_READ)]:
        found = call.portal.store.find(left, record_id)
        rows = associated(call.portal, found, right) if found else []
        if rows:
            results.append({"from": {"id": record_id}, "to": rows})
        else:
            problems.append(no_associations(left, right, record_id))
    return batch(results, problems, call.at, call.portal.clock())


def create_associations(call: Call) -> Answer:
    """POST: makes associations: `{from: {id}, to: {id}, type}`."""

    def make(row: Mapping[str, Any]) -> dict[str, Any]:
        name = required(row, "type")
        kind = _called(call, name)
        one = _existing(call, from_kind(call), row, "from")
        other = _existing(call, to_kind(call), row, "to")
        call.portal.writer.link(one, other, [kind], call.at, call.origin)
        return {"from": {"id": one.id}, "to": {"id": other.id}, "type": name}

    results, problems = attempted(inputs_of(call.body, _MOST_WRITTEN), make)
    return batch(results, problems, call.at, call.portal.clock(), status=201)


def archive_associations(call: Call) -> Answer:
    """POST: takes associations of the named kinds back."""
    left, right = from_kind(call), to_kind(call)
    for row in inputs_of(call.body, _MOST_WRITTEN):
        one, other = End(left, an_id(mapping(row, "from"))), End(right, an_id(mapping(row, "to")))
        kind = _called(call, required(row, "type"))
        call.portal.writer.unlink(one, other, [kind.type_id], call.at, call.origin)
    return 204, None


def list_types(call: Call) -> Answer:
    """GET: the kinds of association between two types, by number and name."""
    left, right = from_kind(call), to_kind(call)
    types = call.portal.associations.types
    kinds = types.between(left, right)
    return 200, {"results": [{"id": str(t.type_id), "name": types.name(left, right, t)} for t in kinds]}


def put_association(call: Call) -> Answer:
    """PUT: associates two records and answers with the first."""
    one, right = call.portal.require(call.kind, call.path["id"]), to_kind(call)
    other = call.portal.associable(right, call.path["to_id"])
    kind = call.portal.associations.types.called(call.kind, right, call.path["association"])
    call.portal.writer.link(one, other, [kind], call.at, call.origin)
    view = view_of(call.portal, call.kind, properties=(), associations=(right.name,))
    return 200, shown(call.portal, one, view)


def delete_association(call: Call) -> Answer:
    """DELETE: takes one kind of association between two records back."""
    right = to_kind(call)
    kind = call.portal.associations.types.called(call.kind, right, call.path["association"])
    one, other = End(call.kind, call.path["id"]), End(right, call.path["to_id"])
    call.portal.writer.unlink(one, other, [kind.type_id], call.at, call.origin)
    return 204, None


def _called(call: Call, name: str) -> AssociationType:
    return call.portal.associations.types.called(from_kind(call), to_kind(call), name)


def _existing(call: Call, kind: ObjectKind, row: Mapping[str, Any], side: str) -> CrmObject:
    record_id = an_id(mapping(row, side))
    found = call.portal.store.find(kind, record_id)
    if found is None:
        raise HubSpotError(
            f"No {kind.singular} with ID {record_id} exists",
            category="OBJECT_NOT_FOUND",
            sub_category=f"crm.associations.{side.upper()}_OBJECT_NOT_FOUND",
            context={"objectType": [kind.singular], "id": [record_id]},
        )
    return found


ROUTES: Routes = (
    ("POST", "plain associations", "/<from>/<to>/batch/read", read_associations),
    ("POST", "plain associations", "/<from>/<to>/batch/create", create_associations),
    ("POST", "plain associations", "/<from>/<to>/batch/archive", archive_associations),
    ("GET", "plain associations", "/<from>/<to>/types", list_types),
    ("PUT", "plain links", "/<type>/<id>/associations/<to>/<to_id>/<association>", put_association),
    ("DELETE", "plain links", "/<type>/<id>/associations/<to>/<to_id>/<association>", delete_association),
)
