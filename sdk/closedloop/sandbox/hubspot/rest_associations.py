"""The associations API, version 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from closedloop.sandbox.hubspot.asking import Answer, Call, an_id, inputs_of, mapping, objects, whole
from closedloop.sandbox.hubspot.association_types import AssociationType
from closedloop.sandbox.hubspot.associations import Link
from closedloop.sandbox.hubspot.catalogue import required
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.kinds import ObjectKind, kind_of
from closedloop.sandbox.hubspot.records import CrmObject, End
from closedloop.sandbox.hubspot.rest_objects import next_link
from closedloop.sandbox.hubspot.wire import HOST, associated, attempted, batch, cursor, paging, position

_PAGE = 500
# Reading: HubSpot's changelog, "Batch Read Limit for HubSpot Associations API"; writing is not confirmed.
_MOST_READ, _MOST_WRITTEN = 1000, 2000


def list_associations(call: Call) -> Answer:
    """GET: what one record is associated with, of one type."""
    record = call.portal.require(call.kind, call.path["id"])
    links = call.portal.associations.of(record.end, _to(call))
    return 200, _page(call, [_shown(link) for link in links])


def list_plain_associations(call: Call) -> Answer:
    """GET, version 3: the same with the names of the kinds of association instead of their ids."""
    record, to = call.portal.require(call.kind, call.path["id"]), _to(call)
    return 200, _page(call, associated(call.portal, record, to))


def _page(call: Call, rows: list[dict[str, Any]]) -> dict[str, Any]:
    limit = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_PAGE)
    start = whole(call.request.args.get("after"), "after", default=0)
    answer: dict[str, Any] = {"results": rows[start : start + limit]}
    if start + limit < len(rows):
        answer |= paging(str(start + limit), next_link(call, str(start + limit)))
    return answer


def read_associations(call: Call) -> Answer:
    """POST: the associations of many records; those that have none are errors of a 207 (recorded)."""
    left, right = _from(call), _to(call)
    results, problems = [], []
    for row in inputs_of(call.body, _MOST_READ):
        found = call.portal.store.find(left, an_id(row))
        links = call.portal.associations.of(found.end, right) if found else []
        if links:
            results.append(_read(call, row, links))
        else:
            problems.append(_none_found(left, right, an_id(row)))
    return batch(results, problems, call.at, call.portal.clock())


def _read(call: Call, row: Mapping[str, Any], links: list[Link]) -> dict[str, Any]:
    """One record's associations: each record of a batch has pages of its own, asked for in its input."""
    # The cursors in the example of HubSpot's changelog are URL-encoded.
    start, size = position(unquote(str(row.get("after") or ""))), call.portal.association_page
    there: dict[str, Any] = {
        "from": {"id": an_id(row)},
        "to": [_shown(a) for a in links[start : start + size]],
    }
    if start + size < len(links):
        after = cursor(start + size)
        path = f"/crm/v4/objects/{_from(call).type_id}/{an_id(row)}/associations/{_to(call).type_id}"
        there |= paging(after, f"{HOST}{path}?after={after}")
    return there


def create_associations(call: Call) -> Answer:
    """POST: makes labelled associations: `{from: {id}, to: {id}, types: […]}`. An input that is refused is an
    error of a 207 (recorded for a record with itself, which the error does not name; else not confirmed)."""
    left, right = _from(call), _to(call)
    inputs = inputs_of(call.body, _MOST_WRITTEN)
    # A kind that there is not refuses the whole batch.
    kinds = [[_type(call, left, right, spec) for spec in objects(row, "types")] for row in inputs]

    def make(asked: tuple[Mapping[str, Any], list[AssociationType]]) -> dict[str, Any]:
        row, types = asked
        one, other = _both(call, row)
        call.portal.writer.link(one, other, types, call.at, call.origin)
        return _made(one, other, types)

    results, problems = attempted(zip(inputs, kinds, strict=True), make)
    return batch(results, problems, call.at, call.portal.clock(), status=201)


def create_default_associations(call: Call) -> Answer:
    """POST: makes associations without a label; what is refused is an error of a 207 (not confirmed)."""
    rows = inputs_of(call.body, _MOST_WRITTEN)
    results, problems = attempted(rows, lambda row: _associate(call, *_both(call, row)))
    made = [each for pair in results for each in pair]
    return batch(made, problems, call.at, call.portal.clock())


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
    one = call.portal.associable(call.kind, call.path["id"])
    other = call.portal.associable(_to(call), call.path["to_id"])
    return batch(_associate(call, one, other), (), call.at, call.portal.clock())


def put_association(call: Call) -> Answer:
    """PUT: associates two records in the kinds that the body, a list, names."""
    one = call.portal.associable(call.kind, call.path["id"])
    other = call.portal.associable(_to(call), call.path["to_id"])
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
    one = call.portal.associable(_from(call), an_id(mapping(row, "from")))
    return one, call.portal.associable(_to(call), an_id(mapping(row, "to")))


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
