"""The associations API, version 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from closedloop.sandbox.hubspot.errors import HubSpotError, unlinkable
from closedloop.sandbox.hubspot.records.associations import Link
from closedloop.sandbox.hubspot.records.record import CrmObject, End
from closedloop.sandbox.hubspot.rest.asking import (
    Answer,
    Call,
    Routes,
    an_id,
    inputs_of,
    mapping,
    objects,
    whole,
)
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.wire import associated, attempted, batch, cursor, paging, position
from closedloop.sandbox.hubspot.settings.association_types import AssociationType, not_a_type
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind

_PAGE = 500
# Reading: HubSpot's changelog, "Batch Read Limit for HubSpot Associations API"; writing is not confirmed.
_MOST_READ, _MOST_WRITTEN = 1000, 2000
# How a refusal writes a category, before the number of the kind.
_CATEGORIES = {"HUBSPOT_DEFINED": 0, "USER_DEFINED": 1, "INTEGRATOR_DEFINED": 2}


def list_associations(call: Call) -> Answer:
    """GET: what one record is associated with, of one type."""
    record = call.portal.require(call.kind, call.path["id"])
    links = call.portal.associations.of(record.end, to_kind(call))
    return 200, _page(call, [_shown(link) for link in links])


def list_plain_associations(call: Call) -> Answer:
    """GET, version 3: the same with the names of the kinds of association instead of their ids."""
    record, to = call.portal.require(call.kind, call.path["id"]), to_kind(call)
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
    left, right = from_kind(call), to_kind(call)
    results, problems = [], []
    for row in inputs_of(call.body, _MOST_READ):
        found = call.portal.store.find(left, an_id(row))
        links = call.portal.associations.of(found.end, right) if found else []
        if links:
            results.append(_read(call, row, links))
        else:
            problems.append(no_associations(left, right, an_id(row)))
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
        path = f"/crm/v4/objects/{from_kind(call).type_id}/{an_id(row)}/associations/{to_kind(call).type_id}"
        there |= paging(after, f"{call.host}{path}?after={after}")
    return there


def create_associations(call: Call) -> Answer:
    """POST: makes labelled associations: `{from: {id}, to: {id}, types: […]}`. An input that is refused is an
    error of a 207 (recorded for unknown records and for a record with itself)."""
    left, right = from_kind(call), to_kind(call)
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
    left, right = from_kind(call), to_kind(call)
    pairs = [
        (End(left, an_id(mapping(row, "from"))), End(right, an_id(target)))
        for row in inputs_of(call.body, _MOST_WRITTEN)
        for target in objects(row, "to")
    ]
    for one, other in pairs:
        call.portal.writer.unlink(one, other, None, call.at, call.origin)
    return 204, None


def archive_labels(call: Call) -> Answer:
    """POST: takes the named kinds of association back."""
    left, right = from_kind(call), to_kind(call)
    # All of them are read before any is taken back.
    asked = [
        (
            End(left, an_id(mapping(row, "from"))),
            End(right, an_id(mapping(row, "to"))),
            [_type(call, left, right, spec).type_id for spec in objects(row, "types")],
        )
        for row in inputs_of(call.body, _MOST_WRITTEN)
    ]
    for one, other, types in asked:
        call.portal.writer.unlink(one, other, types, call.at, call.origin)
    return 204, None


def put_default_association(call: Call) -> Answer:
    """PUT: associates two records without a label."""
    one = call.portal.associable(call.kind, call.path["id"])
    other = call.portal.associable(to_kind(call), call.path["to_id"])
    return batch(_associate(call, one, other), (), call.at, call.portal.clock())


def put_association(call: Call) -> Answer:
    """PUT: associates two records in the kinds that the body, a list, names."""
    one = call.portal.associable(call.kind, call.path["id"])
    other = call.portal.associable(to_kind(call), call.path["to_id"])
    types = [_type(call, one.kind, other.kind, spec) for spec in _specs(call)]
    call.portal.writer.link(one, other, types, call.at, call.origin)
    return 201, _made(one, other, types)


def delete_association(call: Call) -> Answer:
    """DELETE: takes every association between two records back."""
    left, right = End(call.kind, call.path["id"]), End(to_kind(call), call.path["to_id"])
    call.portal.writer.unlink(left, right, None, call.at, call.origin)
    return 204, None


def from_kind(call: Call) -> ObjectKind:
    """The object type that a path with two of them names first."""
    return call.portal.kinds.get(call.path["from"])


def to_kind(call: Call) -> ObjectKind:
    """The object type that a path with two of them names second."""
    return call.portal.kinds.get(call.path["to"])


def _both(call: Call, row: Mapping[str, Any]) -> tuple[CrmObject, CrmObject]:
    one = _existing(call, from_kind(call), an_id(mapping(row, "from")))
    return one, _existing(call, to_kind(call), an_id(mapping(row, "to")))


def _existing(call: Call, kind: ObjectKind, record_id: str) -> CrmObject:
    """The live record that an input names: a batch's refusal has words of its own."""
    found = call.portal.store.find(kind, record_id)
    if found is None:
        raise unlinkable(kind.singular, record_id)
    return found


def _type(call: Call, left: ObjectKind, right: ObjectKind, spec: Mapping[str, Any]) -> AssociationType:
    lacking = [name for name in ("associationCategory", "associationTypeId") if spec.get(name) is None]
    if lacking:
        # The words: issue 307 of HubSpot/hubspot-api-nodejs.
        raise HubSpotError(
            "Invalid input JSON on line 1, column 3. Some required fields were not set: "
            f"[{', '.join(lacking)}]"
        )
    number = whole(spec["associationTypeId"], "associationTypeId", default=0)
    found = call.portal.associations.types.get(left, right, number)
    if spec["associationCategory"] != found.category:
        raise not_a_type(left, right, f"{_CATEGORIES.get(str(spec['associationCategory']), 0)}-{number}")
    return found


def _specs(call: Call) -> list[dict[str, Any]]:
    """The kinds of association in a body that is a list (refusals: issues 227 of HubSpot/hubspot-api-php and
    187 of HubSpot/hubspot-api-ruby)."""
    if not call.request.get_data():
        raise HubSpotError("Invalid JSON input: a request body was expected, but none found")
    body = call.request.get_json(force=True, silent=True)
    if not isinstance(body, list):
        raise HubSpotError(
            "Invalid input JSON on line 1, column 1: Cannot deserialize value of type "
            "`java.util.HashSet<com.hubspot.inbounddb.associations.base.AssociationSpec>`",
            category=None,
        )
    return objects({"types": body}, "types")


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


def no_associations(left: ObjectKind, right: ObjectKind, record_id: str) -> HubSpotError:
    """The entry of a 207 for a record that has none (recorded)."""
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


ROUTES: Routes = (
    ("GET", "link lists", "/<type>/<id>/associations/<to>", list_associations),
    ("GET", "plain links", "/<type>/<id>/associations/<to>", list_plain_associations),
    ("PUT", "links", "/<type>/<id>/associations/default/<to>/<to_id>", put_default_association),
    ("PUT", "links", "/<type>/<id>/associations/<to>/<to_id>", put_association),
    ("DELETE", "links", "/<type>/<id>/associations/<to>/<to_id>", delete_association),
    ("POST", "associations", "/<from>/<to>/batch/read", read_associations),
    ("POST", "associations", "/<from>/<to>/batch/create", create_associations),
    ("POST", "associations", "/<from>/<to>/batch/associate/default", create_default_associations),
    ("POST", "associations", "/<from>/<to>/batch/archive", archive_associations),
    ("POST", "associations", "/<from>/<to>/batch/labels/archive", archive_labels),
)
