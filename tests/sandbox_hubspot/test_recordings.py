"""The portal's answers beside the ones recorded from real portals: same keys, types, words for errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
CONTACTS = "/crm/v3/objects/contacts"
# What these show is no part of the portal.
OTHER_APIS = {
    "index.json",
    "read-lists-1-first-page.json",
    "read_events_e_deal_closed.json",
    "read_marketing-emails_1-first-page.json",
    "read_marketing-events.json",
}


@pytest.fixture
def recorded(corpus: Path) -> Callable[[str], Any]:
    """A recorded body by its file's name."""
    return lambda name: json.loads((corpus / "hubspot" / "amp-labs" / f"{name}.json").read_text("utf-8"))


def same_shape(real: Any, ours: Any, where: str = "body") -> None:
    """Fails unless both have the same keys and types; maps of properties may hold others."""
    if where.endswith((".properties", ".assets")):
        assert {type(v) for v in ours.values()} <= {str, type(None), dict}, where
        return
    assert type(real) is type(ours), f"{where}: {real!r} beside {ours!r}"
    if isinstance(real, dict):
        # `url` came with newer versions: older recordings lack it.
        assert set(real) | {"url"} == set(ours) | {"url"}, where
        for key in real:
            same_shape(real[key], ours[key], f"{where}.{key}")
    elif isinstance(real, list):
        for row in ours:
            assert real, where
            same_shape(real[0], row, where)


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "correlationId"}


def add_people(portal: Portal, count: int) -> list[str]:
    return [portal.create("contacts", {"email": f"p{n}@example.com", "lastname": "P"}) for n in range(count)]


def test_an_address_that_two_of_a_batch_have(call: Call, recorded: Any) -> None:
    body = {"inputs": [{"properties": {"email": "p0@example.com"}}] * 2}
    answer = call("POST", f"{CONTACTS}/batch/create", json=body)
    real = recorded("batch_create_contacts_err-conflict")
    assert answer.status_code == 409
    assert without_id(answer.json()) == without_id(real)
    same_shape(real, answer.json())


def test_a_batch_of_new_contacts(call: Call, recorded: Any) -> None:
    real = recorded("batch_create_contacts_success")
    names = ("email", "firstname", "lastname")
    inputs = [{"properties": {n: row["properties"][n] for n in names}} for row in real["results"]]
    answer = call("POST", f"{CONTACTS}/batch/create", json={"inputs": inputs})
    same_shape(real, answer.json())
    echoed = answer.json()["results"][0]["properties"]
    for name in ("email", "hs_email_domain", "hs_full_name_or_email", "hs_pipeline", "lifecyclestage"):
        assert echoed[name] == real["results"][0]["properties"][name]
    assert echoed["hs_object_source"] == "INTEGRATION"
    assert None not in echoed.values()


def test_a_campaign_batch_with_a_malformed_guid(call: Call, portal: Portal, recorded: Any) -> None:
    real = recorded("batch_read_campaigns_multi-207")
    guid = portal.create_campaign({"hs_name": "Breaking news"})
    inputs = [{"id": guid}, {"id": "430318c4-abb7-4bf7-a75ee-9c5fa8f475a6"}]
    answer = call("POST", "/marketing/v3/campaigns/batch/read?properties=hs_name", json={"inputs": inputs})
    assert answer.status_code == 207
    assert answer.json()["errors"] == real["errors"]
    same_shape(real, answer.json())


def test_an_id_named_twice(call: Call, recorded: Any) -> None:
    inputs = [{"id": "123456", "properties": {}}, {"id": 123456, "properties": {}}]
    answer = call("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})
    assert answer.status_code == 400
    real = recorded("batch_update_contacts_err-duplicate-ids")
    assert without_id(answer.json()) == without_id(real)


def test_properties_that_do_not_exist(call: Call, portal: Portal, recorded: Any) -> None:
    wrong = {"first000name": "A", "last000name": "B"}
    inputs = [{"id": record_id, "properties": wrong} for record_id in add_people(portal, 2)]
    answer = call("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs}).json()
    real = recorded("batch_update_contacts_err-many-invalid-properties")
    assert answer["message"] == real["message"]
    assert answer["category"] == real["category"]
    # The recording was cut to three of its four errors.
    assert answer["errors"][: len(real["errors"])] == real["errors"]
    same_shape(real, answer)


def test_a_batch_update_with_an_unknown_id(call: Call, portal: Portal, recorded: Any) -> None:
    real = recorded("batch_update_contacts_err-partial-success")
    (known,) = add_people(portal, 1)
    values = {"firstname": "Siena (updated)", "lastname": "Dyer (updated)"}
    inputs = [{"id": i, "properties": values} for i in (known, "unknownIdentifier888")]
    answer = call("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})
    assert answer.status_code == 207
    assert answer.json()["errors"] == real["errors"]
    same_shape(real, answer.json())
    assert set(answer.json()["results"][0]["properties"]) <= set(real["results"][0]["properties"])


def test_a_new_group_and_its_properties(call: Call, recorded: Any) -> None:
    group = call(
        "POST",
        "/crm/v3/properties/contacts/groups",
        json=recorded("custom_create_1-payload-create-property-group"),
    )
    assert group.status_code == 201
    real = recorded("custom_create_2-response-create-property-group")
    assert group.json() == real | {"displayOrder": group.json()["displayOrder"]}
    made = call(
        "POST",
        "/crm/v3/properties/contacts/batch/create",
        json=recorded("custom_create_3-payload-batch-create-properties"),
    )
    real = recorded("custom_create_4-response-batch-create-properties")
    assert made.status_code == 201
    assert made.json()["results"] == real["results"]
    assert set(made.json()) == set(real)


def test_the_deal_pipelines(call: Call, recorded: Any) -> None:
    real = recorded("metadata-deals-external-pipelines")
    ours = call("GET", "/crm/v3/pipelines/deals").json()
    assert ours["results"][0] == real["results"][0], "the default pipeline is exactly the real one"
    same_shape(real, ours)


def test_the_definitions_of_pipeline_and_stage(call: Call, recorded: Any) -> None:
    real = recorded("metadata-deals-properties-sampled")["results"]
    for definition in real:
        ours = call("GET", f"/crm/v3/properties/deals/{definition['name']}").json()
        # The real ones do not agree on whether to say this.
        definition["modificationMetadata"].pop("readOnlyOptions", None)
        same_shape(definition, ours)
        for key in ("name", "label", "type", "description", "options", "externalOptions", "groupName"):
            assert ours[key] == definition[key]


def test_the_account(call: Call, recorded: Any) -> None:
    same_shape(recorded("post-auth_account-info"), call("GET", "/account-info/v3/details").json())


@pytest.mark.parametrize(
    "name", ["read-via-search_contacts-payload", "read_objects-api_contacts-req-payload-since-until"]
)
def test_recorded_searches_are_understood(call: Call, portal: Portal, recorded: Any, name: str) -> None:
    add_people(portal, 2)
    answer = call("POST", f"{CONTACTS}/search", json=recorded(name))
    assert answer.status_code == 200
    if answer.json()["results"]:
        same_shape(recorded("read-via-search_contacts-response"), answer.json())


def test_a_page_of_search_results(call: Call, portal: Portal, recorded: Any) -> None:
    add_people(portal, 3)
    real = recorded("search_contacts_1-first-page")
    ours = call("POST", f"{CONTACTS}/search", json={"limit": 1}).json()
    same_shape(real, ours)
    assert set(ours["results"][0]["properties"]) == set(real["results"][0]["properties"])
    assert ours["results"][0]["properties"]["company"] is None


def test_a_page_of_contacts(call: Call, portal: Portal, recorded: Any) -> None:
    add_people(portal, 3)
    ours = call("GET", f"{CONTACTS}?limit=2&properties=email").json()
    same_shape(recorded("read_objects-api_contacts-response"), ours)


def test_a_page_of_campaigns(call: Call, portal: Portal, recorded: Any) -> None:
    for n in range(3):
        portal.create_campaign({"hs_name": f"Campaign {n}"})
    real = recorded("read_campaigns_1-first-page")
    query = "limit=2&sort=-updatedAt&properties=hs_name%2Chs_notes%2Chs_budget_items_sum_amount"
    ours = call("GET", f"/marketing/campaigns/2026-03?{query}").json()
    same_shape(real, ours)
    assert ours["paging"]["next"]["after"] == real["paging"]["next"]["after"]
    path = real["paging"]["next"]["link"].partition("api.hubapi.com")[2]
    assert ours["paging"]["next"]["link"].endswith(path)


def test_the_contacts_of_a_campaign(call: Call, portal: Portal, recorded: Any) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    for person in add_people(portal, 2):
        portal.touch(guid, person, portal.clock())
    ours = call("GET", f"/marketing/v3/campaigns/{guid}/reports/contacts/influencedContacts").json()
    same_shape(recorded("read_campaigns_influenced-contacts"), ours)


def test_associations_and_those_that_have_none(call: Call, portal: Portal, recorded: Any) -> None:
    real = recorded("search_contacts_contacts-to-companies")
    person, alone = add_people(portal, 2)
    portal.associate(("contacts", person), ("companies", portal.create("companies", {"name": "C"})))
    path = "/crm/v4/associations/contacts/companies/batch/read"
    ours = call("POST", path, json={"inputs": [{"id": person}, {"id": alone}]})
    assert ours.status_code == 207
    types = [t for row in ours.json()["results"] for to in row["to"] for t in to["associationTypes"]]
    assert types == real["results"][0]["to"][0]["associationTypes"]
    expected = json.loads(json.dumps(real["errors"]).replace("103107104018", alone))
    assert ours.json()["errors"] == expected
    assert type(ours.json()["results"][0]["to"][0]["toObjectId"]) is int


def test_an_association_that_was_made(call: Call, portal: Portal, recorded: Any) -> None:
    (person,) = add_people(portal, 1)
    company = portal.create("companies", {"name": "C"})
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body = {"inputs": [{"from": {"id": person}, "to": {"id": company}, "types": types}]}
    answer = call("POST", "/crm/v4/associations/contacts/companies/batch/create", json=body)
    assert answer.json()["results"][0]["labels"] == []
    same_shape(recorded("associations_contact-to-company-resp"), answer.json())


def test_an_object_type_that_does_not_exist(call: Call, recorded: Any) -> None:
    answer = call("POST", "/crm/v3/objects/butterflies/search", json={})
    assert answer.status_code == 400
    real = recorded("search_error-invalid-object")
    assert without_id(answer.json()) == without_id(real)
    same_shape(real, answer.json())


def test_every_recording_is_compared_or_named_as_foreign(corpus: Path) -> None:
    here = Path(__file__).read_text("utf-8")
    files = {path.name for path in (corpus / "hubspot" / "amp-labs").glob("*.json")}
    assert [name for name in sorted(files - OTHER_APIS) if f'"{Path(name).stem}"' not in here] == []
