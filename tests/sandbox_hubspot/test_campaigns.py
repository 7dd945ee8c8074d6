"""The marketing campaigns API, which has its own shapes and rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
PATH = "/marketing/v3/campaigns"
UNKNOWN = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
START = datetime(2026, 4, 1, 10, tzinfo=UTC)


@pytest.fixture
def campaign(portal: Portal) -> str:
    return portal.create_campaign({"hs_name": "Spring", "hs_utm": "spring-26"}, at=START)


def test_the_client_reaches_campaigns_by_a_plain_request(hub: Any, campaign: str) -> None:
    answer = hub.api_request({"path": f"{PATH}/{campaign}", "qs": {"properties": "hs_name,hs_notes"}})
    body = answer.json()
    assert body["id"] == campaign
    assert body["properties"] == {"hs_name": "Spring"}, "properties without a value are left out"


@pytest.mark.parametrize("prefix", [PATH, "/marketing/campaigns/2026-03", "/marketing/campaigns/2026-09"])
def test_without_asked_properties_the_map_is_empty(call: Call, campaign: str, prefix: str) -> None:
    body = call("GET", f"{prefix}/{campaign}").json()
    assert body == {
        "id": campaign,
        "properties": {},
        "createdAt": "2026-04-01T10:00:00.000Z",
        "updatedAt": "2026-04-01T10:00:00.000Z",
        "businessUnits": [{"id": 0}],
        "assets": {},
    }


def test_a_campaign_has_a_guid_and_a_number(call: Call, portal: Portal, campaign: str) -> None:
    numeric = call("GET", f"{PATH}/{campaign}?properties=hs_object_id").json()["properties"]["hs_object_id"]
    assert numeric.isdigit()
    assert call("GET", f"/crm/v3/objects/0-35/{numeric}?properties=hs_utm").json()["properties"][
        "hs_utm"
    ] == ("spring-26")


def test_a_campaign_is_changed_and_cleared(call: Call, campaign: str) -> None:
    changed = call("PATCH", f"{PATH}/{campaign}", json={"properties": {"hs_notes": "Hello", "hs_utm": ""}})
    assert changed.status_code == 200
    assert changed.json()["properties"] == {"hs_notes": "Hello"}
    body = call("GET", f"{PATH}/{campaign}?properties=hs_notes&properties=hs_utm").json()
    assert body["properties"] == {"hs_notes": "Hello"}
    assert body["updatedAt"] > body["createdAt"]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"closed_loop_won": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_budget_items_sum_amount": "5"}, "READ_ONLY_VALUE"),
        ({"hs_object_id": "5"}, "READ_ONLY_VALUE"),
        ({"hs_campaign_status": "dreaming"}, "INVALID_OPTION"),
    ],
)
def test_a_wrong_value_refuses_the_change(
    call: Call, campaign: str, properties: dict[str, str], code: str
) -> None:
    answer = call("PATCH", f"{PATH}/{campaign}", json={"properties": {"hs_notes": "x", **properties}})
    assert answer.status_code == 400
    assert [e["code"] for e in answer.json()["errors"]] == [code]
    assert call("GET", f"{PATH}/{campaign}?properties=hs_notes").json()["properties"] == {}


def test_an_id_among_the_properties_is_refused(call: Call, campaign: str) -> None:
    assert call("PATCH", f"{PATH}/{campaign}", json={"properties": {"id": "x"}}).status_code == 400


def test_custom_properties_are_written_like_any_other(call: Call, campaign: str) -> None:
    definition = {
        "name": "closed_loop_won",
        "label": "Won",
        "groupName": "campaign_information",
        "type": "number",
        "fieldType": "number",
    }
    assert call("POST", "/crm/v3/properties/0-35", json=definition).status_code == 201
    call("PATCH", f"{PATH}/{campaign}", json={"properties": {"closed_loop_won": 2.5}})
    body = call("GET", f"{PATH}/{campaign}?properties=closed_loop_won").json()
    assert body["properties"] == {"closed_loop_won": "2.5"}


def test_a_portal_may_refuse_to_define_campaign_properties() -> None:
    with HubSpotSandbox(campaign_properties=False) as closed:
        headers = {"Authorization": f"Bearer {closed.access_token}"}
        definition = {
            "name": "closed_loop_won",
            "label": "Won",
            "groupName": "campaign_information",
            "type": "number",
            "fieldType": "number",
        }

        def post(path: str, body: Any) -> requests.Response:
            return requests.post(closed.url + path, json=body, headers=headers, timeout=10)

        for path, body in (
            ("/crm/v3/properties/0-35", definition),
            ("/crm/v3/properties/0-35/batch/create", {"inputs": [definition]}),
            ("/crm/v3/properties/0-35/groups", {"name": "x", "label": "X"}),
        ):
            refused = post(path, body)
            assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
        assert post("/crm/v3/properties/contacts/groups", {"name": "x", "label": "X"}).status_code == 201
        # What an admin makes by hand can be written all the same.
        closed.portal.create_property("campaigns", definition)
        guid = closed.portal.create_campaign({"hs_name": "Spring", "closed_loop_won": "1"})
        assert closed.portal.campaign(guid)["properties"]["closed_loop_won"] == "1"


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_deleted_campaign_is_not_found(call: Call, portal: Portal, campaign: str, method: str) -> None:
    portal.delete_campaign(campaign)
    answer = call(method, f"{PATH}/{campaign}", json={"properties": {"hs_notes": "x"}})
    assert answer.status_code == 404
    assert answer.json()["status"] == "error"


def test_deleting_always_succeeds(call: Call, campaign: str) -> None:
    for guid in (campaign, campaign, UNKNOWN):
        assert call("DELETE", f"{PATH}/{guid}").status_code == 204
    body = {"inputs": [{"id": UNKNOWN}]}
    assert call("POST", f"{PATH}/batch/archive", json=body).status_code == 204


def test_a_malformed_guid_is_refused(call: Call) -> None:
    answer = call("GET", f"{PATH}/12345")
    assert answer.status_code == 400
    assert answer.json()["subCategory"] == "CampaignApiError.INVALID_REQUEST"


def test_the_cursor_of_a_page_is_encoded_already(call: Call, portal: Portal) -> None:
    made = [portal.create_campaign({"hs_name": f"Campaign {n}"}) for n in range(5)]
    first = call("GET", f"{PATH}?limit=2&properties=hs_name").json()
    after = first["paging"]["next"]["after"]
    assert after == "Mg%3D%3D"
    second = call("GET", PATH, params={"limit": 2, "after": unquote(after)}).json()
    third = call("GET", PATH, params={"limit": 2, "after": unquote(second["paging"]["next"]["after"])}).json()
    assert [c["id"] for page in (first, second, third) for c in page["results"]] == made
    assert "paging" not in third
    assert first["total"] == 5


def test_a_cursor_encoded_twice_is_refused(call: Call, campaign: str) -> None:
    assert call("GET", PATH, params={"after": "Mg%3D%3D"}).status_code == 400


def test_the_link_of_a_page_can_be_followed_as_it_is(
    sandbox: HubSpotSandbox, call: Call, portal: Portal
) -> None:
    for n in range(3):
        portal.create_campaign({"hs_name": f"Campaign {n}"})
    first = call("GET", f"{PATH}?limit=2&properties=hs_name").json()
    link = first["paging"]["next"]["link"].removeprefix(sandbox.url)
    assert [c["properties"]["hs_name"] for c in call("GET", link).json()["results"]] == ["Campaign 2"]


def test_the_last_changed_campaign_comes_first_when_asked(call: Call, portal: Portal) -> None:
    made = [portal.create_campaign({"hs_name": f"C{n}"}, at=START + timedelta(days=n)) for n in range(3)]
    portal.update_campaign(made[0], {"hs_notes": "x"}, at=START + timedelta(days=9))
    listed = call("GET", f"{PATH}?sort=-updatedAt").json()["results"]
    assert [c["id"] for c in listed] == [made[0], made[2], made[1]]
    assert call("GET", f"{PATH}?sort=sideways").status_code == 400


def test_campaigns_are_found_by_a_part_of_their_name(call: Call, portal: Portal, campaign: str) -> None:
    portal.create_campaign({"hs_name": "Autumn"})
    assert [c["id"] for c in call("GET", f"{PATH}?name=sprin").json()["results"]] == [campaign]


def test_a_batch_reads_each_campaign_once(call: Call, portal: Portal, campaign: str) -> None:
    other = portal.create_campaign({"hs_name": "Autumn"})
    inputs = [{"id": guid} for guid in (campaign, other, campaign, UNKNOWN)]
    answer = call("POST", f"{PATH}/batch/read?properties=hs_name", json={"inputs": inputs})
    assert answer.status_code == 207
    assert [c["id"] for c in answer.json()["results"]] == [campaign, other]
    (error,) = answer.json()["errors"]
    assert UNKNOWN in error["context"]["message"][0]


def test_a_batch_update_spares_what_it_can(call: Call, campaign: str) -> None:
    inputs = [
        {"id": campaign, "properties": {"hs_notes": "x"}},
        {"id": UNKNOWN, "properties": {"hs_notes": "x"}},
        {"id": campaign, "properties": {"nonsense": "x"}},
    ]
    answer = call("POST", f"{PATH}/batch/update", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 2)
    assert [c["properties"] for c in answer.json()["results"]] == [{"hs_notes": "x"}]


@pytest.mark.parametrize("operation", ["read", "update", "create", "archive"])
def test_fifty_campaigns_fill_a_batch(call: Call, operation: str) -> None:
    inputs = [{"id": UNKNOWN, "properties": {"hs_name": "x"}}] * 51
    assert call("POST", f"{PATH}/batch/{operation}", json={"inputs": inputs}).status_code == 400


def test_a_campaign_needs_a_name(call: Call) -> None:
    assert call("POST", PATH, json={"properties": {"hs_notes": "x"}}).status_code == 400
    made = call("POST", PATH, json={"properties": {"hs_name": "Summer"}})
    assert made.status_code == 201
    assert made.json()["properties"] == {"hs_name": "Summer"}


@pytest.fixture
def touched(portal: Portal, campaign: str) -> dict[str, str]:
    """Who met the spring campaign: one first, one last, one in between, a day after each other."""
    other = portal.create_campaign({"hs_name": "Other"})
    people = {n: portal.create("contacts", {"email": f"{n}@example.com"}) for n in ("first", "mid", "last")}
    for day, (campaign_guid, person) in enumerate(
        [
            (campaign, "first"),
            (other, "first"),
            (other, "mid"),
            (campaign, "mid"),
            (other, "mid"),
            (other, "last"),
            (campaign, "last"),
        ]
    ):
        portal.touch(campaign_guid, people[person], START + timedelta(days=day))
    return people


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ("contactFirstTouch", ["first"]),
        ("contactLastTouch", ["last"]),
        ("influencedContacts", ["first", "mid", "last"]),
        ("influencedContacts?startDate=2026-04-02", ["mid", "last"]),
        ("influencedContacts?startDate=2026-04-04&endDate=2026-04-04", ["mid"]),
        ("contactFirstTouch?endDate=2026-03-31", []),
    ],
)
def test_reports_name_the_contacts_of_a_campaign(
    call: Call, campaign: str, touched: dict[str, str], report: str, expected: list[str]
) -> None:
    body = call("GET", f"{PATH}/{campaign}/reports/contacts/{report}").json()
    assert [row["id"] for row in body["results"]] == [touched[name] for name in expected]


def test_reports_have_pages(call: Call, campaign: str, touched: dict[str, str]) -> None:
    path = f"{PATH}/{campaign}/reports/contacts/influencedContacts"
    first = call("GET", path, params={"limit": 2}).json()
    after = unquote(first["paging"]["next"]["after"])
    last = call("GET", path, params={"limit": 2, "after": after}).json()
    assert [r["id"] for r in first["results"] + last["results"]] == list(touched.values())
    assert "paging" not in last


@pytest.mark.parametrize("report", ["everybody", "influencedContacts?startDate=soon"])
def test_reports_of_other_kinds_are_refused(call: Call, campaign: str, report: str) -> None:
    assert call("GET", f"{PATH}/{campaign}/reports/contacts/{report}").status_code == 400


def test_an_archived_contact_is_in_no_report(
    call: Call, portal: Portal, campaign: str, touched: dict[str, str]
) -> None:
    portal.delete("contacts", touched["first"])
    body = call("GET", f"{PATH}/{campaign}/reports/contacts/contactFirstTouch").json()
    assert body["results"] == []
