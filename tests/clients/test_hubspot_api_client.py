"""@hubspot/api-client, as it comes from the npm registry, against the HubSpot sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.hubspot import HubSpotSandbox

OWNER = "rep@example.com"


@pytest.fixture(scope="module")
def scenarios(drive: Any) -> Any:
    with HubSpotSandbox() as sandbox:
        sandbox.portal.create_owner(OWNER, "Grace", "Hopper")
        credentials = {
            "url": sandbox.url,
            "accessToken": sandbox.access_token,
            "clientId": sandbox.client_id,
            "clientSecret": sandbox.client_secret,
            "refreshToken": sandbox.refresh_token,
            "ownerEmail": OWNER,
        }
        return drive("hubspot.mjs", credentials) | {"portal": sandbox.portal_id}


def test_a_record_is_made_changed_and_read_with_its_history(value: Any) -> None:
    found = value("records")
    assert found["byEmail"] == found["made"]["id"]
    assert found["read"]["properties"]["hs_lead_status"] == "UNQUALIFIED"
    (change,) = found["read"]["propertiesWithHistory"]["hs_lead_status"]
    assert (change["value"], change["sourceType"]) == ("UNQUALIFIED", "INTEGRATION")


def test_pages_lead_to_the_end(value: Any) -> None:
    found = value("paging")
    assert (found["first"], found["all"]) == (2, 3)
    assert found["after"]


def test_a_batch_tells_successes_from_failures(value: Any) -> None:
    found = value("batches")
    assert found["made"]["status"] == "COMPLETE"
    assert {row["properties"]["email"] for row in found["read"]["results"]} == {
        "bea@example.com",
        "ben@example.com",
    }
    assert found["read"]["numErrors"] == 1
    assert found["read"]["errors"][0]["category"] == "OBJECT_NOT_FOUND"


def test_a_search_finds_by_a_property(value: Any) -> None:
    found = value("search")
    assert found["total"] == 1
    assert found["results"][0]["properties"]["lastname"] == "Searchable"


def test_a_deal_belongs_to_its_contact(value: Any) -> None:
    found = value("deals")
    (link,) = found["linked"]["results"]
    assert str(link["toObjectId"]) == found["person"]
    assert found["deal"]["properties"]["closed_lost_reason"] == "Budget"


def test_a_lead_begins_in_the_first_stage(value: Any) -> None:
    assert value("leads")["properties"]["hs_lead_is_new"] == "1"


def test_associations_have_types_and_labels(value: Any) -> None:
    found = value("associations")
    assert {1, 279} <= {row["typeId"] for row in found["labels"]["results"]}
    (row,) = found["read"]["results"]
    assert [str(link["toObjectId"]) for link in row["to"]] == [found["company"]]


def test_settings_of_deals_can_be_read(value: Any) -> None:
    found = value("settings")
    assert {"dealstage", "closed_lost_reason"} <= set(found["properties"])
    assert found["pipelines"]["results"][0]["id"] == "default"
    assert [owner["email"] for owner in found["owners"]["results"]] == [OWNER]


def test_a_property_is_made(value: Any) -> None:
    found = value("properties")
    assert (found["name"], found["type"]) == ("shoe_size", "number")


def test_a_custom_object_is_made_and_used(value: Any) -> None:
    found = value("customObjects")
    assert found["schema"]["objectTypeId"].startswith("2-")
    assert found["made"]["properties"]["trial_name"] == "First"


def test_campaigns_answer_to_plain_requests(value: Any) -> None:
    found = value("campaigns")
    assert (found["made"]["status"], found["read"]["status"]) == (201, 200)
    assert found["read"]["body"]["properties"] == {"hs_name": "Autumn webinar"}


def test_a_refresh_token_gives_an_access_token(value: Any, scenarios: Any) -> None:
    found = value("oauth")
    assert found["tokens"]["expiresIn"] == 1800
    assert found["about"]["hubId"] == scenarios["portal"]


def test_the_id_of_a_merged_contact_leads_to_the_one_that_is_left(value: Any) -> None:
    found = value("merging")
    assert found["followed"]["id"] == found["left"]["id"]


def test_a_deal_is_split_among_owners(value: Any) -> None:
    found = value("splits")
    for answer in (found["put"], found["read"]):
        (row,) = answer["results"]
        assert [split["properties"]["hs_deal_split_percentage"] for split in row["splits"]] == ["25", "75"]


def test_a_list_goes_with_a_marketing_event(value: Any) -> None:
    assert [row["name"] for row in value("marketingEvents")["results"]] == ["Guests"]


@pytest.mark.parametrize(
    ("name", "status", "word"),
    [
        ("unknownProperty", 400, "PROPERTY_DOESNT_EXIST"),
        ("unknownId", 404, "OBJECT_NOT_FOUND"),
        ("tooMany", 400, "VALIDATION_ERROR"),
        ("badToken", 401, "INVALID_AUTHENTICATION"),
    ],
)
def test_refusals_carry_hubspots_words(scenarios: Any, name: str, status: int, word: str) -> None:
    error = scenarios[name]["error"]
    assert error["code"] == status
    assert word in error["message"]
