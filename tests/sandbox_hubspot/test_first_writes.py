"""The first APIs where they write: companies, deals, associations, tickets, properties; and the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
COMPANIES, DEALS = "/companies/v2/companies", "/deals/v1/deal"
TICKETS, LINKS = "/crm-objects/v1/objects/tickets", "/crm-associations/v1/associations"


def listed(**named: str) -> list[dict[str, str]]:
    """Values as these APIs take them."""
    return [{"name": name, "value": value} for name, value in named.items()]


def test_a_company_is_made_found_changed_and_archived(call: Call, contact: str) -> None:
    made = call("POST", COMPANIES, json={"properties": listed(name="Acme", domain="acme.example")}).json()
    where = f"{COMPANIES}/{made['companyId']}"
    changed = call("PUT", where, json={"properties": listed(city="Bath")}).json()
    assert changed["properties"]["city"]["value"] == "Bath"
    for body in ({"limit": 5}, None):
        found = call("POST", "/companies/v2/domains/ACME.example/companies", json=body).json()
        assert [row["companyId"] for row in found["results"]] == [made["companyId"]]
    batch = [{"objectId": made["companyId"], "properties": listed(city="York")}]
    assert call("POST", "/companies/v1/batch-async/update", json=batch).status_code == 202
    assert call("GET", where).json()["properties"]["city"]["value"] == "York"
    assert call("PUT", f"{where}/contacts/{contact}").status_code == 200
    assert call("GET", f"{where}/vids").json() == {
        "vids": [int(contact)],
        "vidOffset": int(contact),
        "hasMore": False,
    }
    (person,) = call("GET", f"{where}/contacts").json()["contacts"]
    assert person["vid"] == int(contact)
    assert call("DELETE", f"{where}/contacts/{contact}").status_code == 204
    assert call("GET", f"{where}/vids").json()["vids"] == []
    assert call("DELETE", where).json() == {"companyId": made["companyId"], "deleted": True}
    assert call("GET", where).status_code == 404


def test_a_deal_is_made_changed_and_associated(call: Call, portal: Portal, contact: str) -> None:
    body = {
        "properties": listed(dealname="Engine", pipeline="default", dealstage="closedlost"),
        "associations": {"associatedVids": [int(contact)]},
    }
    made = call("POST", DEALS, json=body).json()
    where = f"{DEALS}/{made['dealId']}"
    assert made["associations"]["associatedVids"] == [int(contact)]
    assert call("PUT", where, json={"properties": listed(amount="5")}).json()["properties"]["amount"][
        "value"
    ] == ("5")
    batch = [{"objectId": made["dealId"], "properties": listed(amount="6")}]
    assert call("POST", "/deals/v1/batch-async/update", json=batch).status_code == 202
    of_contact = call("GET", f"{DEALS}/associated/CONTACT/{contact}/paged?properties=amount").json()
    assert [row["properties"]["amount"]["value"] for row in of_contact["deals"]] == ["6"]
    company = portal.create("companies", {"name": "Acme"})
    for method, left in (("PUT", [int(company)]), ("DELETE", [])):
        assert call(method, f"{where}/associations/COMPANY?id={company}").status_code == 204
        assert call("GET", where).json()["associations"]["associatedCompanyIds"] == left
    assert call("DELETE", where).status_code == 204
    assert call("GET", where).status_code == 404


def test_a_page_of_deals_shows_all_properties_and_associations_where_asked(
    call: Call, portal: Portal, contact: str
) -> None:
    portal.create("deals", {"dealname": "D", "amount": "5"}, associations=[("contacts", contact)])
    (plain,) = call("GET", f"{DEALS}/paged").json()["deals"]
    assert (plain["properties"], plain["associations"]["associatedVids"]) == ({}, [])
    (whole,) = call("GET", f"{DEALS}/paged?includeAllProperties=True&includeAssociations=true").json()[
        "deals"
    ]
    assert (whole["properties"]["amount"]["value"], whole["associations"]["associatedVids"]) == (
        "5",
        [int(contact)],
    )


def test_two_records_are_associated_by_the_number_of_the_kind(
    call: Call, portal: Portal, contact: str
) -> None:
    company = portal.create("companies", {"name": "Acme"})
    row = {"fromObjectId": int(contact), "toObjectId": int(company), "category": "HUBSPOT_DEFINED"}
    row["definitionId"] = 1
    for path, body, left in (
        (LINKS, row, [int(company)]),
        (f"{LINKS}/delete", row, []),
        (f"{LINKS}/create-batch", [row], [int(company)]),
        (f"{LINKS}/delete-batch", [row], []),
    ):
        assert call("PUT", path, json=body).status_code == 204
        assert call("GET", f"{LINKS}/{contact}/HUBSPOT_DEFINED/1").json()["results"] == left


def test_tickets_are_written_one_by_one_and_in_batches(call: Call) -> None:
    row = listed(subject="Broken", hs_pipeline="0", hs_pipeline_stage="1")
    one = call("POST", TICKETS, json=row).json()
    (other,) = call("POST", f"{TICKETS}/batch-create", json=[row]).json()
    assert (one["objectType"], one["properties"]["subject"]["value"]) == ("TICKET", "Broken")
    ids = [one["objectId"], other["objectId"]]
    assert call("PUT", f"{TICKETS}/{ids[0]}", json=listed(subject="Mended")).status_code == 200
    batch = [{"objectId": ids[1], "properties": listed(subject="Lost")}]
    assert call("POST", f"{TICKETS}/batch-update", json=batch).status_code == 204
    read = call("POST", f"{TICKETS}/batch-read?properties=subject", json={"ids": [*ids, 9]}).json()
    assert [read[str(i)]["properties"]["subject"]["value"] for i in ids] == ["Mended", "Lost"]
    page = call("GET", f"{TICKETS}/paged?properties=subject").json()
    assert ([row["objectId"] for row in page["objects"]], page["hasMore"]) == (ids, False)
    assert call("DELETE", f"{TICKETS}/{ids[0]}").status_code == 204
    assert call("POST", f"{TICKETS}/batch-delete", json={"ids": ids}).status_code == 204
    assert call("GET", f"{TICKETS}/paged").json()["objects"] == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_property_and_its_group_are_made_changed_and_archived(call: Call, version: str) -> None:
    where = f"/properties/{version}/contacts"
    group = call("POST", f"{where}/groups", json={"name": "feet", "displayName": "Feet"}).json()
    assert (group["name"], group["displayName"]) == ("feet", "Feet")
    body = {"name": "shoe", "label": "Shoe", "groupName": "feet", "type": "string", "fieldType": "text"}
    made = call("POST", f"{where}/properties", json=body).json()
    named = f"{where}/properties/named/shoe"
    assert made == call("GET", named).json()
    assert call("PUT", named, json={"label": "Boot"}).json()["label"] == "Boot"
    inside = call("GET", f"{where}/groups?includeProperties=true").json()
    assert [[p["name"] for p in row["properties"]] for row in inside if row["name"] == "feet"] == [["shoe"]]
    assert call("PUT", f"{where}/groups/named/feet", json={"displayName": "F"}).json()["displayName"] == "F"
    assert [call("DELETE", p).status_code for p in (named, f"{where}/groups/named/feet")] == [204, 204]
    assert call("GET", named).status_code == call("GET", f"{where}/groups/named/feet").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", COMPANIES, {"properties": listed(shoe="42")}, 400),
        ("PUT", f"{COMPANIES}/9", {"properties": []}, 404),
        ("POST", DEALS, {"properties": [], "associations": {"associatedVids": 5}}, 400),
        ("POST", DEALS, {"properties": [], "associations": {"associatedVids": [5]}}, 400),
        ("PUT", LINKS, {"fromObjectId": 1, "toObjectId": 2, "definitionId": 99}, 400),
        ("PUT", LINKS, {"fromObjectId": 1, "toObjectId": 2, "definitionId": 1}, 400),
        ("PUT", f"{LINKS}/create-batch", {}, 400),
        ("GET", f"{LINKS}/1/HUBSPOT_DEFINED/x", None, 400),
        ("POST", TICKETS, {}, 400),
        ("POST", f"{TICKETS}/batch-update", [1], 400),
        ("POST", f"{TICKETS}/batch-read", {"ids": list(range(101))}, 400),
        ("GET", f"{TICKETS}/9", None, 404),
        ("GET", "/crm-objects/v1/objects/nothing/paged", None, 400),
        ("GET", "/owners/v2/owners/9", None, 404),
        ("GET", "/deals/v1/pipelines/nothing", None, 404),
        ("GET", "/email/public/v1/campaigns/9", None, 404),
        ("GET", "/marketing-emails/v1/emails/9", None, 404),
        ("GET", "/forms/v2/forms/none", None, 404),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Call, *, method: str, path: str, body: Any, status: int
) -> None:
    assert call(method, path, json=body).status_code == status


def test_owners_and_the_account_are_told(call: Call, portal: Portal) -> None:
    owner = portal.create_owner("rep@example.com", "Grace", "Hopper")
    (row,) = call("GET", "/owners/v2/owners").json()
    assert (row["ownerId"], row["isActive"]) == (int(owner), True)
    assert call("GET", f"/owners/v2/owners/{owner}").json() == row
    portal.archive_owner(owner)
    assert call("GET", "/owners/v2/owners").json() == []
    assert len(call("GET", "/owners/v2/owners?includeInactive=true").json()) == 1
    assert call("GET", "/integrations/v1/me").json()["portalId"] == portal.id
    (usage,) = call("GET", "/integrations/v1/limit/daily").json()
    assert usage["usageLimit"] >= usage["currentUsage"]


def test_e_mails_that_went_out_are_campaigns_of_the_first_api(call: Call, portal: Portal) -> None:
    email = portal.marketing.create_email("News", "Hear, hear")
    assert call("GET", "/email/public/v1/campaigns").json()["campaigns"] == []
    call("POST", f"/marketing/v3/emails/{email}/publish")
    (row,) = call("GET", "/email/public/v1/campaigns/by-id").json()["campaigns"]
    about = call("GET", f"/email/public/v1/campaigns/{row['id']}").json()
    assert (about["contentId"], about["subject"]) == (int(email), "Hear, hear")
    (shown,) = call("GET", "/marketing-emails/v1/emails/with-statistics").json()["objects"]
    assert (shown["id"], shown["isPublished"]) == (int(email), True)


def test_a_form_has_its_older_shape(call: Call, portal: Portal) -> None:
    form = portal.marketing.create_form("Sign up")
    (row,) = call("GET", "/forms/v2/forms").json()
    assert (row["guid"], row["name"], row["formType"]) == (form, "Sign up", "HUBSPOT")
    assert call("GET", f"/forms/v2/forms/{form}").json() == row
    assert call("GET", f"/form-integrations/v1/submissions/forms/{form}").json() == {"results": []}
