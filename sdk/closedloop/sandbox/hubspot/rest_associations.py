"""The associations API, version 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.asking import Answer, Call, an_id, inputs_of, mapping, objects, whole
from closedloop.sandbox.hubspot.association_types import AssociationType
from closedloop.sandbox.hubspot.associations import Link
from closedloop.sandbox.hubspot.catalogue import required
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.kinds import ObjectKind, kind_of
from closedloop.sandbox.hubspot.records import CrmObject, End
from closedloop.sandbox.hubspot.rest_objects import next_link
from closedloop.sandbox.hubspot.wire import batch, paging

_PAGE, _LARGEST_PAGE = 500, 500
# Both limits are unverified.
_MOST_READ, _MOST_WRITTEN = 1000, 2000


def list_associations(call: Call) -> Answer:
    """GET: what one record is associated with, of one type."""
    record = call.portal.require(call.kind, call.path["id"])
    links = call.portal.associations.of(record.end, _to(call))
    limit = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(call.request.args.get("after"), "after", default=0)
    answer: dict[str, Any] = {"results": [_shown(link) for link in links[start : start + limit]]}
    if start + limit < len(links):
        answer |= paging(str(start + limit), next_link(call, str(start + limit)))
    return 200, answer


def read_associations(call: Call) -> Answer:
    """POST: the associations of many records; those that have none are errors of a 207 (recorded)."""
    left, right = _from(call), _to(call)
    results, problems = [], []
    for row in inputs_of(call.body, _MOST_READ):
        found = call.portal.store.find(left, an_id(row))
        links = call.portal.associations.of(found.end, right) if found else []
        if links:
            results.append({"from": {"id": an_id(row)}, "to": [_shown(link) for link in links]})
        else:
            problems.append(_none_found(left, right, an_id(row)))
    return batch(results, problems, call.at, call.portal.clock())


def create_associations(call: Call) -> Answer:
    """POST: makes labelled associations: `{from: {id}, to: {id}, types: […]}`."""
    left, right = _from(call), _to(call)
    results = []
    for row in inputs_of(call.body, _MOST_WRITTEN):
        one, other = _both(call, row)
        types = [_type(call, left, right, spec) for spec in objects(row, "types")]
        call.portal.writer.link(one, other, types, call.at, call.origin)
        results.append(_made(one, other, types))
    return batch(results, (), call.at, call.portal.clock(), status=201)


def create_default_associations(call: Call) -> Answer:
    """POST: makes associations without a label."""
    results = []
    for row in inputs_of(call.body, _MOST_WRITTEN):
        results += _associate(call, *_both(call, row))
    return batch(results, (), call.at, call.portal.clock())


def archive_associations(call: Call) -> Answer:
    """POST: takes every association between the named records back."""
    for row in inputs_of(call.body, _MOST_WRITTEN):
        for target in objects(row, "to"):
            left, right = End(_from(call), an_id(mapping(row, "from"))), End(_to(call), an_id(target))
            call.portal.writer.unlink(left, right, None, call.at, call.origin)
    return 204, None


def archive_labels(call: Call) -> Answer:
    """POST: takes the named kinds of association back."""
    for row in inputs_of(call.body, _MOST_WRITTEN):
        types = [_type(call, _from(call), _to(call), spec) for spec in objects(row, "types")]
        left, right = End(_from(call), an_id(mapping(row, "from"))), End(_to(call), an_id(mapping(row, "to")))
        call.portal.writer.unlink(left, right, [t.type_id for t in types], call.at, call.origin)
    return 204, None


def put_default_association(call: Call) -> Answer:
    """PUT: associates two records without a label."""
    one = call.portal.require(call.kind, call.path["id"])
    other = call.portal.require(_to(call), call.path["to_id"])
    return batch(_associate(call, one, other), (), call.at, call.portal.clock())


def put_association(call: Call) -> Answer:
    """PUT: associates two records in the kinds that the body, a list, names."""
    one = call.portal.require(call.kind, call.path["id"])
    other = call.portal.require(_to(call), call.path["to_id"])
    specs = objects({"types": call.request.get_json(force=True, silent=True)}, "types")
    types = [_type(call, one.kind, other.kind, spec) for spec in specs]
    call.portal.writer.link(one, other, types, call.at, call.origin)
    return 201, _made(one, other, types)


def delete_association(call: Call) -> Answer:
    """DELETE: takes every association between two records back."""
    left, right = End(call.kind, call.path["id"]), End(_to(call), call.path["to_id"])
    call.portal.writer.unlink(left, right, None, call.at, call.origin)
    return 204, None


def list_labels(call: Call) -> Answer:
    """GET: the kinds of association between two types."""
    return 200, {"results": _labels(call)}


def create_label(call: Call) -> Answer:
    """POST: adds a label of the portal's own."""
    back = call.body.get("inverseLabel")
    label = required(call.body, "label")
    required(call.body, "name")
    types = call.portal.associations.types
    types.add_label(_from(call), _to(call), label, str(back) if back else None)
    return 200, {"results": [row for row in _labels(call) if row["label"] == label]}


def _from(call: Call) -> ObjectKind:
    return kind_of(call.path["from"])


def _to(call: Call) -> ObjectKind:
    return kind_of(call.path["to"])


def _both(call: Call, row: Mapping[str, Any]) -> tuple[CrmObject, CrmObject]:
    one = call.portal.require(_from(call), an_id(mapping(row, "from")))
    return one, call.portal.require(_to(call), an_id(mapping(row, "to")))


def _type(call: Call, left: ObjectKind, right: ObjectKind, spec: Mapping[str, Any]) -> AssociationType:
    number = whole(spec.get("associationTypeId"), "associationTypeId", default=0)
    return call.portal.associations.types.get(left, right, number)


def _associate(call: Call, one: CrmObject, other: CrmObject) -> list[dict[str, Any]]:
    call.portal.writer.link(one, other, None, call.at, call.origin)
    types = call.portal.associations.types
    ends = ((one, other), (other, one))
    return [
        {
            "from": {"id": left.id},
            "to": {"id": right.id},
            "associationSpec": _spec(types.default(left.kind, right.kind)),
        }
        for left, right in ends
    ]


def _spec(kind_of_link: AssociationType) -> dict[str, Any]:
    return {"associationCategory": kind_of_link.category, "associationTypeId": kind_of_link.type_id}


def _shown(link: Link) -> dict[str, Any]:
    """A number here, where the rest of the API has ids as text."""
    return {"toObjectId": int(link.id), "associationTypes": [t.to_wire() for t in link.types]}


def _made(one: CrmObject, other: CrmObject, types: list[AssociationType]) -> dict[str, Any]:
    """An association in the answer that made it (recorded)."""
    return {
        "fromObjectTypeId": one.kind.type_id,
        "fromObjectId": int(one.id),
        "toObjectTypeId": other.kind.type_id,
        "toObjectId": int(other.id),
        "labels": [t.label for t in types if t.label],
    }


def _labels(call: Call) -> list[dict[str, Any]]:
    return [t.to_wire() for t in call.portal.associations.types.between(_from(call), _to(call))]


def _none_found(left: ObjectKind, right: ObjectKind, record_id: str) -> HubSpotError:
    return HubSpotError(
        f"No {right.singular} is associated with {left.singular} {record_id}.",
        category="OBJECT_NOT_FOUND",
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={
            "fromObjectId": [record_id],
            "fromObjectType": [left.singular],
            "toObjectType": [right.singular],
        },
    )
