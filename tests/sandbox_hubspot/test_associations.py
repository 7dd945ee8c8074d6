"""Associations, version 4, through HubSpot's own client and as plain answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.associations.v4 import (
    AssociationSpec,
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicDefaultAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
)

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]


@pytest.fixture
def deal(portal: Portal, contact: str) -> str:
    return portal.create("deals", {"dealname": "Engines"}, associations=[("contacts", contact)])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("contacts", "deals", [(4, None)]),
        ("deals", "contacts", [(3, None)]),
        ("leads", "contacts", [(578, "Primary"), (608, None)]),
        ("contacts", "leads", [(579, "Primary"), (609, None)]),
        ("leads", "companies", [(580, "Primary"), (610, None)]),
        ("0-136", "0-35", [(2741, None)]),
        ("contacts", "companies", [(1, "Primary"), (279, None)]),
        ("campaigns", "deals", []),
    ],
)
def test_labels_list_the_kinds_of_association(
    call: Call, left: str, right: str, expected: list[tuple[int, str | None]]
) -> None:
    rows = call("GET", f"/crm/v4/associations/{left}/{right}/labels").json()["results"]
    assert [(row["typeId"], row["label"]) for row in rows] == expected


def test_an_association_is_seen_from_both_sides(hub: Any, contact: str, deal: str) -> None:
    api = hub.crm.associations.v4.basic_api
    (there,) = api.get_page("deals", deal, "contacts").results
    (back,) = api.get_page("contacts", contact, "deals").results
    assert (there.to_object_id, there.association_types[0].type_id) == (contact, 3)
    assert (back.to_object_id, back.association_types[0].type_id) == (deal, 4)


def test_ids_are_numbers_on_the_wire(call: Call, contact: str, deal: str) -> None:
    (row,) = call("GET", f"/crm/v4/objects/deals/{deal}/associations/contacts").json()["results"]
    assert row == {
        "toObjectId": int(contact),
        "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}],
    }


def test_a_batch_read_refuses_those_that_have_none(hub: Any, portal: Portal, contact: str, deal: str) -> None:
    alone = portal.create("deals", {"dealname": "Alone"})
    inputs = [{"id": i} for i in (deal, alone, "99")]
    body = BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs)
    answer = hub.crm.associations.v4.batch_api.get_page("deals", "contacts", body)
    assert [(r._from.id, [t.to_object_id for t in r.to]) for r in answer.results] == [(deal, [contact])]
    assert [e.context["fromObjectId"] for e in answer.errors] == [[alone], ["99"]]
    assert {e.sub_category for e in answer.errors} == {"crm.associations.NO_ASSOCIATIONS_FOUND"}


def test_a_label_of_the_portal_can_be_used(hub: Any, call: Call, portal: Portal, deal: str) -> None:
    other = portal.create("contacts", {"email": "boss@example.com"})
    path = "/crm/v4/associations/deals/contacts/labels"
    made, _ = call("POST", path, json={"label": "Decision maker", "name": "decider"}).json()["results"]
    spec = AssociationSpec(association_category="USER_DEFINED", association_type_id=made["typeId"])
    answer = hub.crm.associations.v4.basic_api.create("deals", deal, "contacts", other, [spec])
    assert answer.labels == ["Decision maker"]
    rows = hub.crm.associations.v4.basic_api.get_page("deals", deal, "contacts").results
    labelled = {r.to_object_id: [t.label for t in r.association_types] for r in rows}
    assert labelled[other] == ["Decision maker", None]
    portal.associate(("deals", deal), ("contacts", other), label="Decision maker")


def test_a_new_primary_company_takes_the_old_ones_place(portal: Portal, call: Call, contact: str) -> None:
    old, new = (portal.create("companies", {"name": name}) for name in ("Old", "New"))
    portal.associate(("companies", old), ("contacts", contact))
    portal.associate(("contacts", contact), ("companies", new))
    assert portal.get("contacts", contact)["properties"]["associatedcompanyid"] == old
    portal.associate(("contacts", contact), ("companies", new), label="Primary")
    assert portal.get("contacts", contact)["properties"]["associatedcompanyid"] == new
    rows = call("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").json()["results"]
    assert {r["toObjectId"]: [t["label"] for t in r["associationTypes"]] for r in rows} == {
        int(old): [None],
        int(new): [None, "Primary"],
    }


def test_a_company_has_many_primary_contacts(portal: Portal, contact: str) -> None:
    company = portal.create("companies", {"name": "Engines"})
    other = portal.create("contacts", {"email": "other@example.com"})
    for person in (contact, other):
        portal.associate(("companies", company), ("contacts", person))
        assert portal.get("contacts", person)["properties"]["associatedcompanyid"] == company


def test_a_lead_points_to_its_campaign(call: Call, portal: Portal, contact: str) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    numeric = portal.campaign(guid)["properties"]["hs_object_id"]
    lead = portal.create(
        "leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact), ("campaigns", guid)]
    )
    body = {"inputs": [{"id": lead}]}
    (row,) = call("POST", "/crm/v4/associations/leads/0-35/batch/read", json=body).json()["results"]
    assert row["to"][0]["toObjectId"] == int(numeric)
    assert row["to"][0]["associationTypes"][0]["typeId"] == 2741


def test_associations_are_made_and_taken_back(hub: Any, portal: Portal, contact: str) -> None:
    deal = portal.create("deals", {"dealname": "D"})
    api = hub.crm.associations.v4.basic_api
    api.create_default("deals", deal, "contacts", contact)
    assert len(api.get_page("deals", deal, "contacts").results) == 1
    api.archive("deals", deal, "contacts", contact)
    assert api.get_page("deals", deal, "contacts").results == []


def test_batches_make_and_take_associations(hub: Any, call: Call, portal: Portal, contact: str) -> None:
    deal = portal.create("deals", {"dealname": "D"})
    ends = {"_from": {"id": deal}, "to": {"id": contact}}
    plain = BatchInputPublicDefaultAssociationMultiPost(inputs=[{"from": {"id": deal}, "to": ends["to"]}])
    made = hub.crm.associations.v4.batch_api.create_default("deals", "contacts", plain)
    assert {r.association_spec.association_type_id for r in made.results} == {3, 4}
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
    labelled = BatchInputPublicAssociationMultiPost(
        inputs=[{"from": {"id": deal}, "to": {"id": contact}, "types": types}]
    )
    assert hub.crm.associations.v4.batch_api.create("deals", "contacts", labelled).results[0].labels == []
    body = {"inputs": [{"from": {"id": deal}, "to": [{"id": contact}]}]}
    assert call("POST", "/crm/v4/associations/deals/contacts/batch/archive", json=body).status_code == 204
    path = f"/crm/v4/objects/deals/{deal}/associations/contacts"
    assert call("GET", path).json() == {"results": []}


def test_a_long_list_of_associations_has_pages(call: Call, portal: Portal, deal: str) -> None:
    for n in range(3):
        other = portal.create("contacts", {"email": f"p{n}@example.com"})
        portal.associate(("deals", deal), ("contacts", other))
    path = f"/crm/v4/objects/deals/{deal}/associations/contacts"
    first = call("GET", f"{path}?limit=3").json()
    last = call("GET", f"{path}?limit=3&after={first['paging']['next']['after']}").json()
    assert len({r["toObjectId"] for r in first["results"] + last["results"]}) == 4
    assert "paging" not in last


@pytest.mark.parametrize(
    ("left", "right"), [("deals", "campaigns"), ("contacts", "campaigns"), ("companies", "campaigns")]
)
def test_types_that_cannot_be_associated_are_refused(
    call: Call, portal: Portal, left: str, right: str
) -> None:
    def made(kind: str, name: str) -> str:
        names = {"deals": "dealname", "contacts": "firstname", "companies": "name", "campaigns": "hs_name"}
        return portal.create(kind, {names[kind]: name})

    path = f"/crm/v4/objects/{left}/{made(left, 'a')}/associations/default/{right}/{made(right, 'b')}"
    assert call("PUT", path).status_code == 400


def test_a_record_is_not_associated_with_itself(call: Call, contact: str) -> None:
    path = f"/crm/v4/objects/contacts/{contact}/associations/default/contacts/{contact}"
    answer = call("PUT", path)
    assert answer.status_code == 400
    assert "itself" in answer.json()["message"]


def test_a_label_is_taken_back_alone(call: Call, portal: Portal, contact: str) -> None:
    company = portal.create("companies", {"name": "Engines"})
    portal.associate(("contacts", contact), ("companies", company))
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    body = {"inputs": [{"from": {"id": contact}, "to": {"id": company}, "types": types}]}
    path = "/crm/v4/associations/contacts/companies/batch/labels/archive"
    assert call("POST", path, json=body).status_code == 204
    (row,) = call("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").json()["results"]
    assert [t["typeId"] for t in row["associationTypes"]] == [279]
    assert "associatedcompanyid" not in portal.get("contacts", contact)["properties"]


def test_a_kind_of_association_of_other_types_is_refused(call: Call, deal: str, contact: str) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]
    body = {"inputs": [{"from": {"id": deal}, "to": {"id": contact}, "types": types}]}
    answer = call("POST", "/crm/v4/associations/deals/contacts/batch/create", json=body)
    assert answer.status_code == 400


@pytest.fixture
def crowd(portal: Portal) -> tuple[str, list[str]]:
    """A company and the 130 people of it."""
    company = portal.create("companies", {"name": "Engines"})
    people = [
        portal.create("contacts", {"lastname": f"P{n}"}, associations=[("companies", company)])
        for n in range(130)
    ]
    return company, people


def test_every_record_of_a_batch_read_has_pages_of_its_own(
    call: Call, portal: Portal, crowd: tuple[str, list[str]], contact: str
) -> None:
    portal.association_page = 100
    company, people = crowd
    other = portal.create("companies", {"name": "Wings"}, associations=[("contacts", contact)])
    path = "/crm/v4/associations/companies/contacts/batch/read"
    first, small = call("POST", path, json={"inputs": [{"id": company}, {"id": other}]}).json()["results"]
    assert "paging" not in small
    after = first["paging"]["next"]["after"]
    (second,) = call("POST", path, json={"inputs": [{"id": company, "after": after}]}).json()["results"]
    assert "paging" not in second
    assert [str(to["toObjectId"]) for to in (*first["to"], *second["to"])] == people


def test_a_record_shows_a_hundred_of_its_associations_and_where_the_rest_is(
    hub: Any, call: Call, crowd: tuple[str, list[str]]
) -> None:
    company, people = crowd
    inline = hub.crm.companies.basic_api.get_by_id(company, associations=["contacts"]).associations
    rows = inline["contacts"].results
    assert len(rows) == 100
    path = "/crm/" + inline["contacts"].paging.next.link.partition("/crm/")[2]
    rest = call("GET", path).json()["results"]
    assert len(rows) + len(rest) == 260  # a primary association stands beside its unlabelled one
    assert {row.id for row in rows} | {row["id"] for row in rest} == set(people)


def test_a_lead_goes_with_its_last_primary_association(call: Call, portal: Portal, contact: str) -> None:
    company = portal.create("companies", {"name": "Engines"})
    lead = portal.create(
        "leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact), ("companies", company)]
    )
    for there, other, left in (("contacts", contact, [lead]), ("companies", company, [])):
        body = {"inputs": [{"from": {"id": lead}, "to": [{"id": other}]}]}
        path = f"/crm/v4/associations/leads/{there}/batch/archive"
        assert call("POST", path, json=body).status_code == 204
        assert portal.ids("leads") == left


def test_a_label_says_what_a_contact_does_in_a_deal(call: Call, contact: str, deal: str) -> None:
    labels = "/crm/associations/2026-03/deals/contacts/labels"
    made, _ = call("POST", labels, json={"label": "Decision Maker", "name": "decision"}).json()["results"]
    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": made["typeId"]}
    row = {"from": {"id": deal}, "to": {"id": contact}, "types": [spec]}
    path = "/crm/associations/2026-03/deals/contacts/batch"
    assert call("POST", f"{path}/create", json={"inputs": [row]}).json()["results"][0]["labels"] == [
        "Decision Maker"
    ]
    (read,) = call("POST", f"{path}/read", json={"inputs": [{"id": deal}]}).json()["results"]
    assert [t["label"] for t in read["to"][0]["associationTypes"]] == [None, "Decision Maker"]
    assert call("POST", f"{path}/labels/archive", json={"inputs": [row]}).status_code == 204
    (read,) = call("POST", f"{path}/read", json={"inputs": [{"id": deal}]}).json()["results"]
    assert [t["label"] for t in read["to"][0]["associationTypes"]] == [None]


def test_what_is_refused_does_not_hold_up_the_others(call: Call, portal: Portal, contact: str) -> None:
    company = portal.create("companies", {"name": "Engines"})
    ends = [("99", company), (contact, company), (contact, "98")]
    rows = [{"from": {"id": one}, "to": {"id": other}, "types": []} for one, other in ends]
    path = "/crm/v4/associations/contacts/companies/batch"
    for operation in ("create", "associate/default"):
        answer = call("POST", f"{path}/{operation}", json={"inputs": rows})
        assert (answer.status_code, answer.json()["numErrors"]) == (207, 2)
        assert answer.json()["results"]
        first, last = answer.json()["errors"]
        # The words: `Hubspot_Association/batch_create` of sensadrome/hubspot-api-ruby.
        assert (first["message"], last["message"]) == ("CONTACT=99 is not valid", "COMPANY=98 is not valid")
        assert first["category"] == "VALIDATION_ERROR"
        assert "context" not in first
    (link,) = call("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").json()["results"]
    assert link["toObjectId"] == int(company)
