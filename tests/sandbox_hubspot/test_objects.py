"""The objects API through HubSpot's own client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hubspot.crm.contacts import ApiException, SimplePublicObjectInput, SimplePublicObjectInputForCreate

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]


def test_a_created_contact_can_be_read_again(hub: Any) -> None:
    body = SimplePublicObjectInputForCreate(properties={"email": "Grace@Example.com", "lastname": "H"})
    made = hub.crm.contacts.basic_api.create(body)
    read = hub.crm.contacts.basic_api.get_by_id(made.id, properties=["email", "lastname"])
    assert read.properties["email"] == "grace@example.com"
    assert read.properties["lastname"] == "H"
    assert made.properties["lifecyclestage"] == "lead"


def test_an_answer_without_asked_properties_holds_the_default_ones(hub: Any, contact: str) -> None:
    read = hub.crm.contacts.basic_api.get_by_id(contact)
    assert set(read.properties) == {
        *("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
    }
    assert read.properties["lastname"] is None


@pytest.mark.parametrize(
    "query",
    ["properties=email&properties=jobtitle", "properties=email,jobtitle", "properties=email%2C%20jobtitle"],
)
def test_properties_are_taken_repeated_and_with_commas(call: Call, contact: str, query: str) -> None:
    read = call("GET", f"/crm/v3/objects/contacts/{contact}?{query}&properties=nonsense").json()
    assert set(read["properties"]) == {"createdate", "email", "hs_object_id", "jobtitle", "lastmodifieddate"}
    assert read["properties"]["jobtitle"] is None


def test_history_tells_who_changed_a_value_newest_first(hub: Any, portal: Portal, contact: str) -> None:
    rep = portal.user_id(portal.create_owner("rep@example.com", "Rep", "Sales"))
    portal.update("contacts", contact, {"hs_lead_status": "OPEN"}, by=rep)
    body = SimplePublicObjectInput(properties={"hs_lead_status": "BAD_TIMING"})
    hub.crm.contacts.basic_api.update(contact, body)
    read = hub.crm.contacts.basic_api.get_by_id(contact, properties_with_history=["hs_lead_status"])
    newest, oldest = read.properties_with_history["hs_lead_status"]
    assert (newest.value, newest.source_type, newest.updated_by_user_id) == (
        "BAD_TIMING",
        "INTEGRATION",
        None,
    )
    assert (oldest.value, oldest.source_type, oldest.updated_by_user_id) == ("OPEN", "CRM_UI", rep)
    assert oldest.source_id == f"userId:{rep}"


def test_an_empty_text_clears_a_value(hub: Any, contact: str) -> None:
    hub.crm.contacts.basic_api.update(contact, SimplePublicObjectInput(properties={"firstname": ""}))
    assert hub.crm.contacts.basic_api.get_by_id(contact).properties["firstname"] is None


def test_every_page_of_a_list_leads_to_the_next(hub: Any, portal: Portal) -> None:
    made = [portal.create("companies", {"name": f"Company {n}"}) for n in range(7)]
    first = hub.crm.companies.basic_api.get_page(limit=3)
    second = hub.crm.companies.basic_api.get_page(limit=3, after=first.paging.next.after)
    last = hub.crm.companies.basic_api.get_page(limit=3, after=second.paging.next.after)
    assert [c.id for page in (first, second, last) for c in page.results] == made
    assert last.paging is None


def test_the_client_walks_through_all_contacts(hub: Any, portal: Portal) -> None:
    made = [portal.create("contacts", {"email": f"p{n}@example.com"}) for n in range(230)]
    assert [c.id for c in hub.crm.contacts.get_all()] == made


def test_an_archived_contact_is_gone_and_frees_its_address(hub: Any, contact: str) -> None:
    hub.crm.contacts.basic_api.archive(contact)
    with pytest.raises(ApiException) as refused:
        hub.crm.contacts.basic_api.get_by_id(contact)
    assert refused.value.status == 404
    assert hub.crm.contacts.basic_api.get_by_id(contact, archived=True).archived
    body = SimplePublicObjectInputForCreate(properties={"email": "ada@example.com"})
    assert hub.crm.contacts.basic_api.create(body).id != contact


def test_a_contact_is_found_by_its_address(hub: Any, contact: str) -> None:
    assert hub.crm.contacts.basic_api.get_by_id("ADA@example.com", id_property="email").id == contact


@pytest.mark.parametrize("name", ["leads", "lead", "0-136", "LEADS"])
def test_an_object_type_goes_by_its_names_and_its_id(
    call: Call, portal: Portal, contact: str, name: str
) -> None:
    lead = portal.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)])
    assert call("GET", f"/crm/v3/objects/{name}/{lead}").json()["id"] == lead


@pytest.mark.parametrize("prefix", ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"])
def test_dated_paths_answer_like_numbered_ones(call: Call, contact: str, prefix: str) -> None:
    assert call("GET", f"{prefix}/contacts/{contact}").json()["id"] == contact


def test_merged_contacts_are_found_under_both_ids(hub: Any, call: Call, portal: Portal, contact: str) -> None:
    other = portal.create("contacts", {"email": "ada@work.example", "jobtitle": "Countess"})
    company = portal.create("companies", {"name": "Engines"})
    portal.associate(("contacts", other), ("companies", company))
    body = {"primaryObjectId": contact, "objectIdToMerge": other}
    made = call("POST", "/crm/v3/objects/contacts/merge", json=body).json()["id"]
    assert made not in {contact, other}
    asked = ["hs_merged_object_ids", "jobtitle", "email", "associatedcompanyid"]
    read = hub.crm.contacts.basic_api.get_by_id(other, properties=asked)
    assert read.id == made
    assert set(read.properties["hs_merged_object_ids"].split(";")) == {contact, other}
    assert read.properties["jobtitle"] == "Countess"
    assert read.properties["email"] == "ada@example.com"
    assert read.properties["associatedcompanyid"] == company
    assert portal.ids("contacts") == [made]


def test_a_privacy_deletion_leaves_nothing(call: Call, portal: Portal, contact: str) -> None:
    campaign = portal.create_campaign({"hs_name": "Spring"})
    portal.touch(campaign, contact, portal.clock())
    answer = call("POST", "/crm/v3/objects/contacts/gdpr-delete", json={"objectId": contact})
    assert answer.status_code == 204
    assert call("GET", f"/crm/v3/objects/contacts/{contact}?archived=true").status_code == 404
    report = f"/marketing/v3/campaigns/{campaign}/reports/contacts/influencedContacts"
    assert call("GET", report).json() == {"results": []}


def test_associations_come_with_a_read_in_the_v3_shape(hub: Any, portal: Portal, contact: str) -> None:
    company = portal.create("companies", {"name": "Engines"})
    portal.associate(("contacts", contact), ("companies", company))
    read = hub.crm.contacts.basic_api.get_by_id(contact, associations=["companies", "deals"])
    assert [(r.id, r.type) for r in read.associations["companies"].results] == [
        (company, "contact_to_company"),
        (company, "contact_to_company_unlabeled"),
    ]
    assert "deals" not in read.associations


def test_campaigns_are_read_but_not_written_through_the_objects_api(call: Call, portal: Portal) -> None:
    numeric = portal.create("campaigns", {"hs_name": "Spring", "hs_utm": "spring"})
    read = call("GET", f"/crm/v3/objects/0-35/{numeric}?properties=hs_name").json()
    assert read["properties"]["hs_name"] == "Spring"
    assert call("PATCH", f"/crm/v3/objects/0-35/{numeric}", json={"properties": {}}).status_code == 400


LEAD = "/crm/v3/objects/leads"


def lead_of(contact: str, type_id: int = 578) -> dict[str, Any]:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
    return {"to": {"id": contact}, "types": [spec]}


def test_a_lead_is_made_with_its_contact(hub: Any, call: Call, contact: str) -> None:
    body = {"properties": {"hs_lead_name": "Ada"}, "associations": [lead_of(contact)]}
    made = call("POST", LEAD, json=body)
    assert made.status_code == 201
    assert made.json()["properties"]["hs_primary_contact_id"] == contact
    (link,) = hub.crm.associations.v4.basic_api.get_page("leads", made.json()["id"], "contacts").results
    assert [t.type_id for t in link.association_types] == [578, 608]


@pytest.mark.parametrize(
    ("type_id", "known", "status"), [(578, False, 400), (999, True, 400), (3, True, 400)]
)
def test_a_lead_of_nobody_is_refused(
    call: Call, contact: str, type_id: int, known: bool, status: int
) -> None:
    association = lead_of(contact if known else "99", type_id)
    body = {"properties": {"hs_lead_name": "Ada"}, "associations": [association]}
    assert call("POST", LEAD, json=body).status_code == status
    assert call("GET", LEAD).json() == {"results": []}


def test_a_twice_merged_contact_is_found_under_its_first_id(portal: Portal, contact: str) -> None:
    second, third = (portal.create("contacts", {"email": f"{n}@example.com"}) for n in ("b", "c"))
    middle = portal.merge("contacts", second, contact)
    last = portal.merge("contacts", third, middle)
    read = portal.get("contacts", contact)
    assert read["id"] == last
    merged = read["properties"]["hs_merged_object_ids"].split(";")
    assert sorted(merged) == sorted([contact, second, third, middle])
    assert read["properties"]["hs_all_contact_vids"].split(";") == [last, *merged]
    assert set(read["properties"]["hs_additional_emails"].split(";")) == {"b@example.com", "ada@example.com"}


def test_merged_companies_pool_their_contacts(portal: Portal, contact: str) -> None:
    other = portal.create("contacts", {"email": "other@example.com"})
    kept, gone = (portal.create("companies", {"name": name}) for name in ("Kept", "Gone"))
    portal.associate(("contacts", contact), ("companies", gone))
    portal.associate(("contacts", other), ("companies", kept))
    left = portal.merge("companies", kept, gone)
    for person in (contact, other):
        assert portal.get("contacts", person)["properties"]["associatedcompanyid"] == left


def test_a_record_cannot_be_merged_with_itself(call: Call, contact: str) -> None:
    body = {"primaryObjectId": contact, "objectIdToMerge": contact}
    assert call("POST", "/crm/v3/objects/contacts/merge", json=body).status_code == 400


def test_archiving_twice_is_no_error(call: Call, contact: str) -> None:
    for _ in range(2):
        assert call("DELETE", f"/crm/v3/objects/contacts/{contact}").status_code == 204


def test_pages_stay_whole_while_records_come_change_and_go(call: Call, portal: Portal) -> None:
    made = [portal.create("deals", {"dealname": f"D{n}"}) for n in range(10)]
    first = call("GET", "/crm/v3/objects/deals?limit=4").json()
    after = first["paging"]["next"]["after"]
    assert after == made[4]
    for gone in (made[0], made[4]):
        portal.delete("deals", gone)
    portal.update("deals", made[5], {"dealname": "Changed"})
    new = portal.create("deals", {"dealname": "New"})
    second = call("GET", f"/crm/v3/objects/deals?limit=100&after={after}").json()
    assert [row["id"] for row in second["results"]] == [*made[5:], new]
    assert "paging" not in second


def test_archived_records_have_a_list_of_their_own(call: Call, portal: Portal) -> None:
    made = [portal.create("deals", {"dealname": f"D{n}"}) for n in range(3)]
    for gone in made[:2]:
        portal.delete("deals", gone, at=datetime(2026, 11, 20, 14, 3, tzinfo=UTC))
    page = call("GET", "/crm/v3/objects/deals?archived=true&limit=1&properties=dealname").json()
    (row,) = page["results"]
    assert (row["id"], row["archived"], row["archivedAt"]) == (made[0], True, "2026-11-20T14:03:00.000Z")
    assert row["properties"]["dealname"] == "D0"
    rest = call("GET", f"/crm/v3/objects/deals?archived=true&after={page['paging']['next']['after']}").json()
    assert [each["id"] for each in rest["results"]] == [made[1]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=100", 200),
        ("limit=101", 400),
        ("limit=50&propertiesWithHistory=dealname", 200),
        ("limit=51&propertiesWithHistory=dealname", 400),
        ("limit=0", 400),
        ("after=soon", 400),
    ],
)
def test_a_page_has_its_limits(call: Call, query: str, status: int) -> None:
    for path in ("/crm/v3/objects/deals", "/crm/objects/2026-09/0-3"):
        assert call("GET", f"{path}?{query}").status_code == status


def test_associations_stand_beside_the_records_of_a_page(call: Call, portal: Portal, contact: str) -> None:
    companies = [portal.create("companies", {"name": n}, associations=[("contacts", contact)]) for n in "AB"]
    portal.create("deals", {"dealname": "D"}, associations=[("contacts", contact)])
    (row,) = call("GET", "/crm/v3/objects/contacts?associations=companies,deals,leads").json()["results"]
    assert list(row["associations"]) == ["companies", "deals"]
    assert row["associations"]["companies"]["results"] == [
        {"id": companies[0], "type": "contact_to_company"},
        {"id": companies[0], "type": "contact_to_company_unlabeled"},
        {"id": companies[1], "type": "contact_to_company_unlabeled"},
    ]
