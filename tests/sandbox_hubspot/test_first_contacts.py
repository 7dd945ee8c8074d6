"""The first APIs of contacts and their lists: what older clients (hubspot3, node-hubspot) still call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
ONE = "/contacts/v1/contact"
LISTS = "/contacts/v1/lists"


def values(**named: str) -> dict[str, Any]:
    """The values of a contact as these APIs take them."""
    return {"properties": [{"property": name, "value": value} for name, value in named.items()]}


@pytest.fixture
def vid(call: Call) -> int:
    made = call("POST", ONE, json=values(email="ada@example.com", firstname="Ada")).json()
    found: int = made["vid"]
    return found


def test_a_contact_is_made_changed_and_read_by_its_id_and_its_address(call: Call, vid: int) -> None:
    assert call("POST", f"{ONE}/vid/{vid}/profile", json=values(lastname="Lovelace")).status_code == 204
    assert (
        call("POST", f"{ONE}/email/ada@example.com/profile", json=values(lastname="King")).status_code == 204
    )
    by_id = call("GET", f"{ONE}/vid/{vid}/profile").json()
    assert by_id == call("GET", f"{ONE}/email/ada@example.com/profile").json()
    assert (by_id["vid"], by_id["canonical-vid"], by_id["is-contact"]) == (vid, vid, True)
    lastname = by_id["properties"]["lastname"]
    assert [version["value"] for version in lastname["versions"]] == ["King", "Lovelace"]
    assert lastname["versions"][0]["source-type"] == "INTEGRATION"
    (identity,) = by_id["identity-profiles"][0]["identities"]
    assert (identity["type"], identity["value"], identity["is-primary"]) == (
        "EMAIL",
        "ada@example.com",
        True,
    )
    assert by_id["properties"]["createdate"]["value"].isdecimal()  # these APIs write times as milliseconds


def test_a_contact_shows_what_is_asked_for_and_its_company(call: Call, portal: Portal, vid: int) -> None:
    company = portal.create("companies", {"name": "Engines"}, associations=[("contacts", str(vid))])
    path = f"{ONE}/vid/{vid}/profile?property=firstname&property=phone&propertyMode=value_only"
    found = call("GET", path).json()
    assert found["properties"].keys() == {"firstname", "lastmodifieddate", "associatedcompanyid"}
    assert found["properties"]["firstname"] == {"value": "Ada"}
    assert found["associated-company"]["company-id"] == int(company)


def test_contacts_are_made_or_changed_by_address_alone_and_in_batches(call: Call, vid: int) -> None:
    path = f"{ONE}/createOrUpdate/email"
    assert call("POST", f"{path}/ada@example.com", json=values(city="Bath")).json() == {
        "vid": vid,
        "isNew": False,
    }
    assert call("POST", f"{path}/new@example.com", json=values(city="Bath")).json()["isNew"] is True
    rows = [{"vid": vid} | values(city="York"), {"email": "third@example.com"} | values(city="Ely")]
    assert call("POST", f"{ONE}/batch", json=rows).status_code == 202
    emails = call("GET", f"{ONE}/emails/batch?email=third@example.com&email=nobody@example.com").json()
    assert [each["properties"]["city"]["value"] for each in emails.values()] == ["Ely"]
    found = call("GET", f"{ONE}/vids/batch?vid={vid}&vid=1").json()
    assert found[str(vid)]["properties"]["city"] == {"value": "York"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", f"{ONE}/vid/9/profile", None, 404, "contact does not exist"),
        ("GET", f"{ONE}/email/no@example.com/profile", None, 404, "contact does not exist"),
        ("GET", f"{ONE}/utk/abc/profile", None, 404, "contact does not exist"),
        ("POST", ONE, values(email="ada@example.com"), 409, "Contact already exists"),
        ("POST", ONE, values(email="x@example.com", shoe="42"), 400, "Property values were not valid"),
        ("POST", ONE, {"properties": "none"}, 400, None),
        ("POST", f"{ONE}/batch", {"vid": 1}, 400, None),
        # Recorded by sensadrome/hubspot-api-ruby.
        (
            *("POST", f"{ONE}/merge-vids/9", {"vidToMerge": 8}, 400),
            "vid to merge is not a valid contact or is already in the process of being merged",
        ),
        ("GET", f"{LISTS}/all/contacts/all?count=x", None, 400, None),
        ("GET", f"{LISTS}/77", None, 404, None),
        ("POST", f"{LISTS}/77/add", {"vids": [1]}, 404, None),
    ],
)
@pytest.mark.usefixtures("vid")
def test_refusals_speak_as_the_first_api_does(
    call: Call, *, method: str, path: str, body: Any, status: int, message: str | None
) -> None:
    answer = call(method, path, json=body)
    assert answer.status_code == status
    if message is not None:
        assert answer.json()["message"] == message


def test_a_refusal_names_the_wrong_property_or_the_contact_that_is_there(call: Call, vid: int) -> None:
    wrong = call("POST", ONE, json=values(email="x@example.com", shoe="42")).json()
    assert [(row["name"], row["error"]) for row in wrong["validationResults"]] == [
        ("shoe", "PROPERTY_DOESNT_EXIST")
    ]
    there = call("POST", ONE, json=values(email="Ada@example.com")).json()
    assert (there["error"], there["identityProfile"]["vid"]) == ("CONTACT_EXISTS", vid)


def test_a_merge_and_a_deletion_leave_what_they_should(call: Call, vid: int) -> None:
    other = call("POST", ONE, json=values(email="other@example.com")).json()["vid"]
    assert call("POST", f"{ONE}/merge-vids/{vid}/", json={"vidToMerge": other}).status_code == 200
    left = call("GET", f"{ONE}/vid/{other}/profile").json()
    assert {vid, other} <= set(left["merged-vids"])
    gone = call("DELETE", f"{ONE}/vid/{left['vid']}").json()
    assert gone == {"vid": left["vid"], "deleted": True, "reason": "OK"}
    assert call("GET", f"{ONE}/vid/{left['vid']}/profile").status_code == 404


@pytest.mark.parametrize(
    "path", [f"{LISTS}/all/contacts/all", f"{LISTS}/all/contacts/recent", "/contacts/v1/search/query"]
)
def test_pages_lead_to_the_end(call: Call, portal: Portal, path: str) -> None:
    made = [int(portal.create("contacts", {"email": f"c{n}@example.com"})) for n in range(5)]
    seen: list[int] = []
    offsets: dict[str, Any] = {}
    for _ in range(3):
        query = "&".join(f"{name}={value}" for name, value in offsets.items())
        page = call("GET", f"{path}?count=2&q=example.com&property=email&{query}").json()
        seen += [row["vid"] for row in page["contacts"]]
        assert page["has-more"] is (len(seen) < 5)
        names = {"vid-offset": "vidOffset", "time-offset": "timeOffset", "offset": "offset"}
        offsets = {names[key]: page[key] for key in names if key in page}
    assert sorted(seen) == made


def test_a_list_is_filled_and_read(call: Call, vid: int) -> None:
    made = call("POST", LISTS, json={"name": "Friends"}).json()
    where = f"{LISTS}/{made['listId']}"
    assert (made["dynamic"], made["metaData"]["size"]) == (False, 0)
    body = {"vids": [vid, 9], "emails": ["nobody@example.com"]}
    assert call("POST", f"{where}/add", json=body).json() == {
        "updated": [vid],
        "discarded": [],
        "invalidVids": [9],
        "invalidEmails": ["nobody@example.com"],
    }
    for order in ("all", "recent"):
        assert [row["vid"] for row in call("GET", f"{where}/contacts/{order}").json()["contacts"]] == [vid]
    assert call("GET", where).json()["metaData"]["size"] == 1
    assert [each["name"] for each in call("GET", f"{LISTS}/static").json()["lists"]] == ["Friends"]
    assert call("GET", f"{LISTS}/dynamic").json()["lists"] == []
    assert call("POST", f"{where}/remove", json={"vids": [vid]}).json()["updated"] == [vid]
    assert call("POST", where, json={"name": "Foes"}).json()["name"] == "Foes"
    assert call("DELETE", where).status_code == 204
    assert call("GET", LISTS).json() == {"offset": 0, "lists": [], "has-more": False}


def test_a_token_needs_the_scopes_of_what_the_first_apis_show(sandbox: HubSpotSandbox, call: Call) -> None:
    reader = {"Authorization": f"Bearer {sandbox.create_token(['crm.objects.deals.read'])}"}
    paths = {
        f"{ONE}/vid/1/profile": 403,
        "/companies/v2/companies/1": 403,
        "/deals/v1/deal/paged": 200,
        "/engagements/v1/engagements/paged": 403,
        "/owners/v2/owners": 403,
    }
    assert {path: call("GET", path, headers=reader).status_code for path in paths} == paths
