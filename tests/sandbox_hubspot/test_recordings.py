"""Every body recorded from real portals beside the portal's answer to the same call: the same keys and types,
the same words for errors, the same status. Recorded requests are sent as they are.

The tables `ANSWERS` and `PAYLOADS` name each recording once; one that is in neither fails the last test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
Recorded = Callable[[str], Any]

CONTACTS = "/crm/v3/objects/contacts"
# The source's own tests serve these with 200; HubSpot documents 207 and 201.
STATUSES = {
    "batch_read_campaigns_multi-207": 207,
    "search_contacts_contacts-to-companies": 207,
    "batch_create_contacts_success": 201,
    "associations_contact-to-company-resp": 201,
}
# What older recordings lack, newer versions of the API have, or only some records do.
OPTIONAL = {"url", "hs_last_record_added_at", "readOnlyOptions"}


@dataclass(frozen=True, kw_only=True)
class Rig:
    """A portal, a way to call it and the recordings."""

    portal: Portal
    call: Call
    url: str
    recorded: Recorded

    def people(self, count: int) -> list[str]:
        return [
            self.portal.create("contacts", {"email": f"p{n}@example.com", "lastname": "P"})
            for n in range(count)
        ]


Answer = Callable[[Rig], requests.Response]
ANSWERS: dict[str, Answer] = {}
PAYLOADS: dict[str, str] = {
    "custom_create_1-payload-create-property-group": "/crm/v3/properties/contacts/groups",
    "custom_create_3-payload-batch-create-properties": "/crm/v3/properties/contacts/batch/create",
    "read-via-search_contacts-payload": f"{CONTACTS}/search",
    "read_objects-api_contacts-req-payload-since-until": f"{CONTACTS}/search",
}


def answers(name: str) -> Callable[[Answer], Answer]:
    """Registers the call that a recording is the answer to."""

    def register(function: Answer) -> Answer:
        ANSWERS[name] = function
        return function

    return register


@pytest.fixture
def recorded(corpus: Path) -> Recorded:
    """A recorded body by its file's name."""
    return lambda name: json.loads((corpus / "hubspot" / "amp-labs" / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def rig(sandbox: HubSpotSandbox, call: Call, recorded: Recorded) -> Rig:
    return Rig(portal=sandbox.portal, call=call, url=sandbox.url, recorded=recorded)


def same_shape(real: Any, ours: Any, where: str = "body") -> None:
    """Fails unless both have the same keys and types; maps of properties may hold others."""
    if where.endswith((".properties", ".assets")):
        assert {type(v) for v in ours.values()} <= {str, type(None), dict}, where
        return
    assert type(real) is type(ours), f"{where}: {real!r} beside {ours!r}"
    if isinstance(real, dict):
        assert set(real) | OPTIONAL == set(ours) | OPTIONAL, where
        for key in set(real) & set(ours):
            same_shape(real[key], ours[key], f"{where}.{key}")
    elif isinstance(real, list):
        for row in ours:
            assert any(_alike(each, row, where) for each in real), (
                f"{where}: {row!r} is like none of {real!r}"
            )


def _alike(real: Any, ours: Any, where: str) -> bool:
    try:
        same_shape(real, ours, where)
    except AssertionError:
        return False
    return True


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "correlationId"}


@answers("batch_create_contacts_err-conflict")
def address_taken_within_a_batch(rig: Rig) -> requests.Response:
    body = {"inputs": [{"properties": {"email": "p0@example.com"}}] * 2}
    return rig.call("POST", f"{CONTACTS}/batch/create", json=body)


@answers("batch_create_contacts_success")
def new_contacts(rig: Rig) -> requests.Response:
    rows = rig.recorded("batch_create_contacts_success")["results"]
    names = ("email", "firstname", "lastname")
    inputs = [{"properties": {n: row["properties"][n] for n in names}} for row in rows]
    return rig.call("POST", f"{CONTACTS}/batch/create", json={"inputs": inputs})


@answers("batch_read_campaigns_multi-207")
def campaigns_with_a_malformed_guid(rig: Rig) -> requests.Response:
    inputs = [
        {"id": rig.portal.create_campaign({"hs_name": "Breaking news"})},
        {"id": "430318c4-abb7-4bf7-a75ee-9c5fa8f475a6"},
    ]
    path = "/marketing/v3/campaigns/batch/read?properties=hs_name"
    return rig.call("POST", path, json={"inputs": inputs})


@answers("batch_update_contacts_err-duplicate-ids")
def id_named_twice(rig: Rig) -> requests.Response:
    inputs = [{"id": "123456", "properties": {}}, {"id": 123456, "properties": {}}]
    return rig.call("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})


@answers("batch_update_contacts_err-many-invalid-properties")
def properties_that_do_not_exist(rig: Rig) -> requests.Response:
    wrong = {"first000name": "A", "last000name": "B"}
    inputs = [{"id": record_id, "properties": wrong} for record_id in rig.people(2)]
    return rig.call("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})


@answers("batch_update_contacts_err-partial-success")
def update_with_an_unknown_id(rig: Rig) -> requests.Response:
    values = {"firstname": "Siena (updated)", "lastname": "Dyer (updated)"}
    inputs = [{"id": i, "properties": values} for i in (*rig.people(1), "unknownIdentifier888")]
    return rig.call("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})


@answers("custom_create_2-response-create-property-group")
def new_group(rig: Rig) -> requests.Response:
    name = "custom_create_1-payload-create-property-group"
    return rig.call("POST", PAYLOADS[name], json=rig.recorded(name))


@answers("custom_create_4-response-batch-create-properties")
def new_properties(rig: Rig) -> requests.Response:
    new_group(rig)
    name = "custom_create_3-payload-batch-create-properties"
    return rig.call("POST", PAYLOADS[name], json=rig.recorded(name))


@answers("metadata-deals-external-pipelines")
def deal_pipelines(rig: Rig) -> requests.Response:
    return rig.call("GET", "/crm/v3/pipelines/deals")


@answers("metadata-deals-properties-sampled")
def deal_properties(rig: Rig) -> requests.Response:
    names = [row["name"] for row in rig.recorded("metadata-deals-properties-sampled")["results"]]
    answer = rig.call("GET", "/crm/v3/properties/deals")
    sampled = {"results": [row for row in answer.json()["results"] if row["name"] in names]}
    answer._content = json.dumps(sampled).encode()
    return answer


@answers("post-auth_account-info")
def account(rig: Rig) -> requests.Response:
    return rig.call("GET", "/account-info/v3/details")


@answers("read-lists-1-first-page")
def lists(rig: Rig) -> requests.Response:
    people = rig.people(2)
    equal = {"operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": ["P"]}
    leaf = {"filterType": "PROPERTY", "property": "lastname", "operation": equal}
    inner = {"filterBranchType": "AND", "filterBranches": [], "filters": [leaf]}
    branch = {"filterBranchType": "OR", "filterBranches": [inner], "filters": []}
    rig.portal.marketing.create_list("contacts", "Test List", filters=branch)
    rig.portal.marketing.create_list("companies", "Test static company list")
    rig.portal.marketing.create_list("contacts", "My static contacts list", members=people)
    return rig.call("POST", "/crm/v3/lists/search", json={"offset": 0, "count": 2})


@answers("read-via-search_contacts-response")
def contacts_by_search(rig: Rig) -> requests.Response:
    rig.people(2)
    names = ["email", "firstname"]
    return rig.call("POST", f"{CONTACTS}/search", json={"properties": names})


@answers("read_campaigns_1-first-page")
def campaigns(rig: Rig) -> requests.Response:
    for n in range(3):
        rig.portal.create_campaign({"hs_name": f"Campaign {n}"})
    query = "limit=2&sort=-updatedAt&properties=hs_name%2Chs_notes%2Chs_budget_items_sum_amount"
    return rig.call("GET", f"/marketing/campaigns/2026-03?{query}")


@answers("read_campaigns_influenced-contacts")
def contacts_of_a_campaign(rig: Rig) -> requests.Response:
    guid = rig.portal.create_campaign({"hs_name": "Spring"})
    for person in rig.people(2):
        rig.portal.touch(guid, person, rig.portal.clock())
    return rig.call("GET", f"/marketing/v3/campaigns/{guid}/reports/contacts/influencedContacts")


@answers("read_events_e_deal_closed")
def closed_deals(rig: Rig) -> requests.Response:
    for amount in ("3600", "1"):
        rig.portal.create("deals", {"dealname": "D", "dealstage": "closedwon", "amount": amount})
    return rig.call("GET", "/events/event-occurrences/2026-03?eventType=e_deal_closed&limit=1")


@answers("read_marketing-emails_1-first-page")
def marketing_emails(rig: Rig) -> requests.Response:
    for name in ("One", "Two", "Three", "Four"):
        rig.portal.marketing.create_email(name, "Behold!")
    return rig.call("GET", "/marketing/emails/2026-03?limit=3&sort=-updatedAt")


@answers("read_marketing-events")
def marketing_events(rig: Rig) -> requests.Response:
    for external in ("qwe", "asd"):
        body = {"eventName": "Party", "eventOrganizer": "Alice"}
        body |= {"externalEventId": external, "externalAccountId": "acc"}
        assert rig.call("POST", "/marketing/v3/marketing-events/events", json=body).status_code == 200
    return rig.call("GET", "/marketing/marketing-events/2026-03?limit=1")


@answers("read_objects-api_contacts-response")
def contacts(rig: Rig) -> requests.Response:
    rig.people(3)
    return rig.call("GET", f"{CONTACTS}?limit=2&properties=email")


@answers("search_contacts_1-first-page")
def found_contacts(rig: Rig) -> requests.Response:
    rig.people(3)
    return rig.call("POST", f"{CONTACTS}/search", json={"limit": 1})


@answers("search_contacts_contacts-to-companies")
def associations_and_none(rig: Rig) -> requests.Response:
    person, alone = rig.people(2)
    rig.portal.associate(("contacts", person), ("companies", rig.portal.create("companies", {"name": "C"})))
    path = "/crm/v4/associations/contacts/companies/batch/read"
    return rig.call("POST", path, json={"inputs": [{"id": person}, {"id": alone}]})


@answers("associations_contact-to-company-resp")
def new_association(rig: Rig) -> requests.Response:
    (person,) = rig.people(1)
    company = rig.portal.create("companies", {"name": "C"})
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body = {"inputs": [{"from": {"id": person}, "to": {"id": company}, "types": types}]}
    return rig.call("POST", "/crm/v4/associations/contacts/companies/batch/create", json=body)


@answers("search_error-invalid-object")
def object_type_that_does_not_exist(rig: Rig) -> requests.Response:
    return rig.call("POST", "/crm/v3/objects/butterflies/search", json={})


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_answer_has_the_recorded_shape_and_status(rig: Rig, corpus: Path, name: str) -> None:
    index = json.loads((corpus / "hubspot" / "amp-labs" / "index.json").read_text("utf-8"))
    served = {Path(row["file"]).stem: row["served_status"] for row in index}[name]
    answer = ANSWERS[name](rig)
    assert answer.status_code == STATUSES.get(name, served)
    same_shape(rig.recorded(name), answer.json())
    assert answer.json().get("results", [{}]) or answer.status_code >= 400, "an empty page proves nothing"


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_a_recorded_request_is_understood(rig: Rig, name: str) -> None:
    rig.people(2)
    if PAYLOADS[name].endswith("/batch/create"):
        new_group(rig)
    assert rig.call("POST", PAYLOADS[name], json=rig.recorded(name)).status_code in {200, 201}


def test_every_recording_is_in_one_of_the_tables(corpus: Path) -> None:
    files = {path.stem for path in (corpus / "hubspot" / "amp-labs").glob("*.json")}
    assert files - {"index"} == set(ANSWERS) | set(PAYLOADS)


@pytest.mark.parametrize(
    "name",
    [
        "batch_create_contacts_err-conflict",
        "batch_update_contacts_err-duplicate-ids",
        "search_error-invalid-object",
    ],
)
def test_a_refusal_has_the_recorded_words(rig: Rig, name: str) -> None:
    assert without_id(ANSWERS[name](rig).json()) == without_id(rig.recorded(name))


@pytest.mark.parametrize(
    "name", ["batch_read_campaigns_multi-207", "batch_update_contacts_err-partial-success"]
)
def test_the_refused_part_of_a_batch_has_the_recorded_words(rig: Rig, name: str) -> None:
    assert ANSWERS[name](rig).json()["errors"] == rig.recorded(name)["errors"]


def test_wrong_properties_are_named_in_the_recorded_words(rig: Rig) -> None:
    real = rig.recorded("batch_update_contacts_err-many-invalid-properties")
    ours = properties_that_do_not_exist(rig).json()
    assert (ours["message"], ours["category"]) == (real["message"], real["category"])
    # The recording was cut to three of its four errors.
    assert ours["errors"][: len(real["errors"])] == real["errors"]


def test_new_contacts_are_told_what_they_have(rig: Rig) -> None:
    real = rig.recorded("batch_create_contacts_success")["results"][0]["properties"]
    echoed = new_contacts(rig).json()["results"][0]["properties"]
    for name in ("email", "hs_email_domain", "hs_full_name_or_email", "hs_pipeline", "lifecyclestage"):
        assert echoed[name] == real[name]
    assert echoed["hs_object_source"] == "INTEGRATION"
    assert None not in echoed.values()


def test_an_update_tells_no_more_than_the_recorded_properties(rig: Rig) -> None:
    real = rig.recorded("batch_update_contacts_err-partial-success")["results"][0]["properties"]
    assert set(update_with_an_unknown_id(rig).json()["results"][0]["properties"]) <= set(real)


def test_a_new_group_and_its_properties_are_the_recorded_ones(rig: Rig) -> None:
    group = new_group(rig).json()
    real = rig.recorded("custom_create_2-response-create-property-group")
    assert group == real | {"displayOrder": group["displayOrder"]}
    name = "custom_create_3-payload-batch-create-properties"
    made = rig.call("POST", PAYLOADS[name], json=rig.recorded(name)).json()
    assert made["results"] == rig.recorded("custom_create_4-response-batch-create-properties")["results"]


def test_the_default_pipeline_is_exactly_the_real_one(rig: Rig) -> None:
    real = rig.recorded("metadata-deals-external-pipelines")
    assert deal_pipelines(rig).json()["results"][0] == real["results"][0]


def test_the_definitions_of_pipeline_and_stage_say_what_the_real_ones_say(rig: Rig) -> None:
    ours = {row["name"]: row for row in deal_properties(rig).json()["results"]}
    for real in rig.recorded("metadata-deals-properties-sampled")["results"]:
        for key in ("name", "label", "type", "description", "options", "externalOptions", "groupName"):
            assert ours[real["name"]][key] == real[key]


def test_a_search_without_properties_shows_the_recorded_ones(rig: Rig) -> None:
    real, ours = rig.recorded("search_contacts_1-first-page"), found_contacts(rig).json()
    assert set(ours["results"][0]["properties"]) == set(real["results"][0]["properties"])
    assert ours["results"][0]["properties"]["company"] is None


@pytest.mark.parametrize("name", ["read_campaigns_1-first-page", "read_marketing-emails_1-first-page"])
def test_a_page_leads_to_the_next_as_recorded(rig: Rig, name: str) -> None:
    real, ours = rig.recorded(name)["paging"]["next"], ANSWERS[name](rig).json()["paging"]["next"]
    assert ours["after"] == real["after"]
    # The link leads to the portal itself, so that those who follow it stay there.
    host, path = ours["link"].partition("/marketing")[::2]
    assert (host, path) == (rig.url, real["link"].partition("/marketing")[2])


def test_associations_and_those_that_have_none_are_told_as_recorded(rig: Rig) -> None:
    real, ours = rig.recorded("search_contacts_contacts-to-companies"), associations_and_none(rig).json()
    types = [t for row in ours["results"] for to in row["to"] for t in to["associationTypes"]]
    assert types == real["results"][0]["to"][0]["associationTypes"]
    alone = ours["errors"][0]["context"]["fromObjectId"][0]
    assert ours["errors"] == json.loads(json.dumps(real["errors"]).replace("103107104018", alone))


def test_lists_tell_what_they_hold_and_where_to_go_on(rig: Rig) -> None:
    ours = lists(rig).json()
    assert (ours["offset"], ours["hasMore"], ours["total"]) == (2, True, 3)
    assert [row["additionalProperties"]["hs_list_size"] for row in ours["lists"]] == ["2", "0"]
    rest = rig.call("POST", "/crm/v3/lists/search", json={"offset": 2, "count": 100}).json()
    assert (rest["offset"], rest["hasMore"]) == (3, False)
    assert [row["processingType"] for row in rest["lists"]] == ["MANUAL"]


def test_a_closed_deal_tells_the_recorded_things(rig: Rig) -> None:
    real, ours = rig.recorded("read_events_e_deal_closed"), closed_deals(rig).json()
    real_event, our_event = real["results"][0], ours["results"][0]
    assert set(our_event["properties"]) == set(real_event["properties"])
    assert our_event["properties"]["hs_closed_state"] == real_event["properties"]["hs_closed_state"]
    link = ours["paging"]["next"]["link"].partition("&after=")[0]
    assert link == f"{rig.url}/events/event-occurrences/2026-03?eventType=e_deal_closed&limit=1"


def test_a_marketing_event_without_times_goes_on_as_recorded(rig: Rig) -> None:
    real, ours = (
        rig.recorded("read_marketing-events")["results"][0],
        marketing_events(rig).json()["results"][0],
    )
    told = ("eventName", "eventOrganizer", "eventStatus", "eventStatusV2", "externalEventId", "startDateTime")
    assert {name: ours[name] for name in told} == {name: real[name] for name in told}
