"""The first APIs where they write and associate: `/companies/v2`, `/deals/v1`, `/crm-associations/v1`.

Source: HubSpot's legacy documentation ("Create a company", "Search for companies by domain", "Create a deal",
"Associate a deal", "CRM associations"). Not confirmed by a recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject, End
from closedloop.sandbox.hubspot.records.writing import Wish
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, an_id, mapping, objects, whole
from closedloop.sandbox.hubspot.rest.contact_shape import company_contact, written
from closedloop.sandbox.hubspot.rest.first_refusals import no_record, unless_there
from closedloop.sandbox.hubspot.rest.legacy import first_shape
from closedloop.sandbox.hubspot.rest.reading import parsed
from closedloop.sandbox.hubspot.settings.kinds import (
    COMPANIES,
    CONTACTS,
    DEALS,
    LINE_ITEMS,
    TICKETS,
    ObjectKind,
)

_PAGE, _LARGEST_PAGE = 100, 250
# Legacy documentation, "CRM associations overview": the ids of the kinds of association. Engagements, which
# are several object types today, are left out.
_DEFINITIONS: Mapping[int, tuple[ObjectKind, ObjectKind]] = {
    1: (CONTACTS, COMPANIES),
    2: (COMPANIES, CONTACTS),
    3: (DEALS, CONTACTS),
    4: (CONTACTS, DEALS),
    5: (DEALS, COMPANIES),
    6: (COMPANIES, DEALS),
    15: (CONTACTS, TICKETS),
    16: (TICKETS, CONTACTS),
    19: (DEALS, LINE_ITEMS),
    20: (LINE_ITEMS, DEALS),
    25: (COMPANIES, TICKETS),
    26: (TICKETS, COMPANIES),
    27: (DEALS, TICKETS),
    28: (TICKETS, DEALS),
}


def create_company(call: Call) -> Answer:
    """POST: makes a company."""
    made = call.portal.writer.create(COMPANIES, written(call.body), [], call.at, call.origin)
    return 200, first_shape(call, made)


def update_company(call: Call) -> Answer:
    """PUT: changes values of a company."""
    return _updated(call, COMPANIES)


def delete_company(call: Call) -> Answer:
    """DELETE: archives a company."""
    company = call.portal.require(COMPANIES, call.path["id"])
    call.portal.writer.archive(company, call.at, call.origin)
    return 200, {"companyId": company.number, "deleted": True}


def find_by_domain(call: Call) -> Answer:
    """POST: the companies with a domain."""
    # MadKudu/node-hubspot sends no body.
    domain, body = call.path["domain"].lower(), call.body if call.request.get_data() else {}
    size = whole(body.get("limit"), "limit", default=_PAGE, least=1, most=100)
    start = whole(mapping(body, "offset").get("companyId"), "companyId", default=0)
    same = [
        company
        for company in call.portal.store.all(COMPANIES)
        if company.number > start and company.properties.get("domain", "").lower() == domain
    ]
    page = same[:size]
    offset = {"companyId": page[-1].number if page else 0, "isPrimary": True}
    rows = [first_shape(call, company) for company in page]
    return 200, {"results": rows, "hasMore": len(same) > size, "offset": offset}


def list_company_vids(call: Call) -> Answer:
    """GET: a page of the ids of a company's contacts."""
    page, more = _people(call)
    return 200, {"vids": page} | more


def list_company_contacts(call: Call) -> Answer:
    """GET: a page of a company's contacts, in the shape that this endpoint alone has."""
    page, more = _people(call)
    contacts = (call.portal.require(CONTACTS, str(vid)) for vid in page)
    return 200, {"contacts": [company_contact(call.portal, contact) for contact in contacts]} | more


def add_company_contact(call: Call) -> Answer:
    """PUT: adds a contact to a company."""
    company = call.portal.require(COMPANIES, call.path["id"])
    contact = call.portal.require(CONTACTS, call.path["contact"])
    call.portal.writer.link(contact, company, None, call.at, call.origin)
    return 200, first_shape(call, company)


def remove_company_contact(call: Call) -> Answer:
    """DELETE: takes a contact from a company."""
    ends = End(COMPANIES, call.path["id"]), End(CONTACTS, call.path["contact"])
    call.portal.writer.unlink(*ends, None, call.at, call.origin)
    return 204, None


def update_companies(call: Call) -> Answer:
    """POST: changes values of companies; the body is a bare list."""
    return _updated_all(call, COMPANIES)


def update_deals(call: Call) -> Answer:
    """POST: changes values of deals; the body is a bare list."""
    return _updated_all(call, DEALS)


def create_deal(call: Call) -> Answer:
    """POST: makes a deal, associated with what its body names."""
    body = call.body
    named = mapping(body, "associations")
    wishes = [
        *_wishes(call, named.get("associatedVids"), CONTACTS),
        *_wishes(call, named.get("associatedCompanyIds"), COMPANIES),
    ]
    made = call.portal.writer.create(DEALS, written(body), wishes, call.at, call.origin)
    return 200, first_shape(call, made)


def update_deal(call: Call) -> Answer:
    """PUT: changes values of a deal."""
    return _updated(call, DEALS)


def delete_deal(call: Call) -> Answer:
    """DELETE: archives a deal."""
    call.portal.writer.archive(call.portal.require(DEALS, call.path["id"]), call.at, call.origin)
    return 204, None


def associate_deal(call: Call) -> Answer:
    """PUT: associates a deal with the contacts or companies that `id` names."""
    deal, kind = call.portal.require(DEALS, call.path["id"]), _other_kind(call)
    for each in call.listed("id"):
        call.portal.writer.link(deal, call.portal.associable(kind, each), None, call.at, call.origin)
    return 204, None


def dissociate_deal(call: Call) -> Answer:
    """DELETE: takes from a deal the contacts or companies that `id` names."""
    deal, kind = call.portal.require(DEALS, call.path["id"]), _other_kind(call)
    for each in call.listed("id"):
        call.portal.writer.unlink(deal.end, End(kind, each), None, call.at, call.origin)
    return 204, None


def list_deals_of(call: Call) -> Answer:
    """GET: a page of the deals of a contact or company."""
    other = call.portal.require(_other_kind(call), call.path["id"])
    size = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(call.request.args.get("offset"), "offset", default=0)
    ids = [link.id for link in call.portal.associations.of(other.end, DEALS)]
    names = set(call.listed("properties"))
    rows = [first_shape(call, call.portal.require(DEALS, i), names) for i in ids[start : start + size]]
    end = start + len(rows)
    return 200, {"deals": rows, "hasMore": end < len(ids), "offset": end}


def list_associated(call: Call) -> Answer:
    """GET: a page of the ids of what a record is associated with, by the id of the kind of association."""
    left, right = _definition(call.path["definition"])
    size = whole(call.request.args.get("limit"), "limit", default=10, least=1, most=100)
    start = whole(call.request.args.get("offset"), "offset", default=0)
    ids = sorted(int(i.id) for i in call.portal.associations.of(End(left, call.path["id"]), right))
    end = min(start + size, len(ids))
    return 200, {"results": ids[start:end], "hasMore": end < len(ids), "offset": end}


def associate(call: Call) -> Answer:
    """PUT: associates two records."""
    _associate(call, call.body)
    return 204, None


def associate_many(call: Call) -> Answer:
    """PUT: associates pairs of records; the body is a bare list."""
    for row in _rows(call):
        _associate(call, row)
    return 204, None


def dissociate(call: Call) -> Answer:
    """PUT: takes two records apart."""
    _dissociate(call, call.body)
    return 204, None


def dissociate_many(call: Call) -> Answer:
    """PUT: takes pairs of records apart; the body is a bare list."""
    for row in _rows(call):
        _dissociate(call, row)
    return 204, None


def _people(call: Call) -> tuple[list[int], dict[str, Any]]:
    """A page of the ids of a company's contacts, and how to go on."""
    company = call.portal.require(COMPANIES, call.path["id"])
    size = whole(call.request.args.get("count"), "count", default=20, least=1, most=100)
    start = whole(call.request.args.get("vidOffset"), "vidOffset", default=0)
    ids = sorted(int(link.id) for link in call.portal.associations.of(company.end, CONTACTS))
    left = [vid for vid in ids if vid > start]
    page = left[:size]
    return page, {"vidOffset": page[-1] if page else 0, "hasMore": len(left) > size}


def _updated(call: Call, kind: ObjectKind) -> Answer:
    with unless_there(no_record(kind, call.portal.id, call.path["id"])):
        record = call.portal.require(kind, call.path["id"])
    call.portal.writer.update(record, written(call.body), call.at, call.origin)
    return 200, first_shape(call, record)


def _updated_all(call: Call, kind: ObjectKind) -> Answer:
    for row in _rows(call):
        record = call.portal.require(kind, an_id(row, "objectId"))
        call.portal.writer.update(record, written(row), call.at, call.origin)
    return 202, None


def _wishes(call: Call, ids: Any, kind: ObjectKind) -> list[Wish]:
    if ids is not None and not isinstance(ids, list):
        raise HubSpotError("Invalid input JSON: associations are lists of ids")
    return [(call.portal.associable(kind, str(each)), None) for each in ids or []]


def _other_kind(call: Call) -> ObjectKind:
    return call.portal.kinds.get(call.path["type"])


def _definition(text: Any) -> tuple[ObjectKind, ObjectKind]:
    number = whole(text, "definitionId", default=0)
    if number not in _DEFINITIONS:
        raise HubSpotError(f"Invalid definitionId: {number}")
    return _DEFINITIONS[number]


def _rows(call: Call) -> list[dict[str, Any]]:
    return objects({"associations": parsed(call.request.get_data())}, "associations")


def _ends(call: Call, row: Mapping[str, Any]) -> tuple[CrmObject, CrmObject]:
    left, right = _definition(row.get("definitionId"))
    return (
        call.portal.associable(left, an_id(row, "fromObjectId")),
        call.portal.associable(right, an_id(row, "toObjectId")),
    )


def _associate(call: Call, row: Mapping[str, Any]) -> None:
    left, right = _ends(call, row)
    call.portal.writer.link(left, right, None, call.at, call.origin)


def _dissociate(call: Call, row: Mapping[str, Any]) -> None:
    left, right = _ends(call, row)
    call.portal.writer.unlink(left.end, right.end, None, call.at, call.origin)


ROUTES: Routes = (
    ("POST", "first companies", "/companies", create_company),
    ("PUT", "first companies", "/companies/<id>", update_company),
    ("DELETE", "first companies", "/companies/<id>", delete_company),
    ("POST", "first companies", "/domains/<domain>/companies", find_by_domain),
    ("GET", "first companies", "/companies/<id>/vids", list_company_vids),
    ("GET", "first companies", "/companies/<id>/contacts", list_company_contacts),
    ("PUT", "first companies", "/companies/<id>/contacts/<contact>", add_company_contact),
    ("DELETE", "first companies", "/companies/<id>/contacts/<contact>", remove_company_contact),
    ("POST", "first company batches", "/update", update_companies),
    ("POST", "first deals", "/batch-async/update", update_deals),
    ("POST", "first deals", "/deal", create_deal),
    ("PUT", "first deals", "/deal/<id>", update_deal),
    ("DELETE", "first deals", "/deal/<id>", delete_deal),
    ("PUT", "first deals", "/deal/<id>/associations/<type>", associate_deal),
    ("DELETE", "first deals", "/deal/<id>/associations/<type>", dissociate_deal),
    ("GET", "first deals", "/deal/associated/<type>/<id>/paged", list_deals_of),
    ("GET", "first associations", "/<id>/HUBSPOT_DEFINED/<definition>", list_associated),
    ("PUT", "first associations", "", associate),
    ("PUT", "first associations", "/create-batch", associate_many),
    ("PUT", "first associations", "/delete", dissociate),
    ("PUT", "first associations", "/delete-batch", dissociate_many),
)
