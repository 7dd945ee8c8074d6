"""One client for every version of HubSpot's paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot.batches import split
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.crm.hubspot.paths import VERSIONS, Paths
from closedloop.errors import GoneError, SettingsError
from closedloop.sandbox.hubspot import HubSpotSandbox, Portal


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(sandbox: HubSpotSandbox, version: str) -> HubSpotClient:
    return HubSpotClient(
        HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url, api_version=version)
    )


def test_the_account_its_definitions_and_its_people_are_read(
    client: HubSpotClient, sandbox: HubSpotSandbox
) -> None:
    assert client.account()["portalId"] == sandbox.portal_id
    sandbox.portal.create_owner("ada@example.com", "Ada", "Lovelace")
    assert {"email", "hs_lead_status"} <= {each["name"] for each in client.definitions("contacts")}
    assert client.groups("contacts")
    assert [stage["id"] for stage in client.pipelines("deals")[0]["stages"]]
    (owner, *_) = (owner for page in client.owners() for owner in page)
    assert client.owner(owner["id"])["email"] == owner["email"]
    client.create_group("contacts", {"name": "ours", "label": "Ours"})
    client.create_property(
        "contacts",
        {"name": "ours", "label": "O", "type": "string", "fieldType": "text", "groupName": "ours"},
    )
    assert "ours" in {each["name"] for each in client.definitions("contacts")}


def test_records_are_made_found_changed_and_archived(client: HubSpotClient) -> None:
    traced = [
        {"properties": {"email": f"{name}@example.com"}, "objectWriteTraceId": name} for name in ("ada", "bo")
    ]
    made = [each.result for each in split(traced, client.create("contacts", traced))]
    ada, bo = (str(each and each["id"]) for each in made)
    single = client.create_one("contacts", {"properties": {"email": "cy@example.com"}})["id"]
    client.update("contacts", [{"id": ada, "properties": {"firstname": "Ada"}}])
    by_email = {"id": "bo@example.com", "idProperty": "email", "properties": {"firstname": "Bo"}}
    (upserted,) = split([by_email], client.upsert("contacts", [by_email]))
    assert upserted.result is not None
    assert (upserted.result["id"], upserted.result["new"]) == (bo, False)
    read = client.read("contacts", ["Ada@example.com"], wanted=["firstname", "email"], id_property="email")
    (found,) = split([{"id": "Ada@example.com"}], read, id_property="email")
    assert found.result is not None
    assert found.result["properties"]["firstname"] == "Ada"
    client.archive("contacts", [ada, bo])
    live, _ = client.page("contacts", wanted=["email"])
    archived, _ = client.page("contacts", wanted=["email"], archived=True)
    assert ([each["id"] for each in live], {each["id"] for each in archived}) == ([single], {ada, bo})
    results, more = client.search("contacts", {"properties": ["email"], "limit": 10})
    assert ([each["id"] for each in results], more) == ([single], False)
    with pytest.raises(GoneError):
        client.record("contacts", ada, wanted=["email"])
    assert client.record("contacts", ada, wanted=["email"], archived=True)["archived"] is True


def test_records_are_associated_labelled_and_dissociated(client: HubSpotClient, portal: Portal) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    deal = portal.create("deals", {"dealname": "D"})
    labels = client.labels("deals", "contacts")
    kind = next(each for each in labels if each["typeId"] == 3)
    types = [{"associationCategory": kind["category"], "associationTypeId": kind["typeId"]}]
    client.associate("deals", "contacts", [{"from": {"id": deal}, "to": {"id": contact}, "types": types}])
    (linked,) = split([{"id": deal}], client.associated("deals", "contacts", [{"id": deal}]))
    assert linked.result is not None
    assert [str(each["toObjectId"]) for each in linked.result["to"]] == [contact]
    (record,) = client.page("deals", wanted=["dealname"], associations=["contacts"])[0]
    assert record["associations"]["contacts"]["results"][0]["id"] == contact
    client.dissociate("deals", "contacts", [{"from": {"id": deal}, "to": [{"id": contact}]}])
    (gone,) = split([{"id": deal}], client.associated("deals", "contacts", [{"id": deal}]))
    assert isinstance(gone.error, GoneError)


def test_campaigns_are_made_listed_changed_and_deleted(client: HubSpotClient) -> None:
    sent = [{"properties": {"hs_name": name}} for name in ("Spring", "Autumn")]
    spring, autumn = (
        str(each.result and each.result["id"]) for each in split(sent, client.create_campaigns(sent))
    )
    client.update_campaigns([{"id": spring, "properties": {"hs_notes": "Rain"}}])
    (read,) = split([{"id": spring}], client.read_campaigns([spring], wanted=["hs_name", "hs_notes"]))
    assert read.result is not None
    assert read.result["properties"] == {"hs_name": "Spring", "hs_notes": "Rain"}
    assert list(client.campaign_contacts(spring, "contactFirstTouch")) == [[]]
    client.archive_campaigns([autumn])
    listed, after = client.campaigns(wanted=["hs_name"], after=None)
    assert ([each["id"] for each in listed], after) == ([spring], None)


def test_only_paths_of_the_version_are_called(
    client: HubSpotClient, portal: Portal, version: str, requests: Callable[[str, str], int]
) -> None:
    client.account()
    list(client.owners())
    client.search("leads", {})
    client.associated("leads", "contacts", [{"id": "1"}])
    called = [path for _, path in portal.requests]
    numbered = any(part in ("v3", "v4") for path in called for part in path.split("/"))
    assert numbered == (version == "v3")
    assert all((version in path) != numbered for path in called if version != "v3")


def test_oauth_tokens_are_fetched_by_the_same_version(sandbox: HubSpotSandbox, version: str) -> None:
    credentials = HubSpotCredentials(
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        refresh_token=sandbox.refresh_token,
        base_url=sandbox.url,
        api_version=version,
    )
    assert HubSpotClient(credentials).account()["portalId"] == sandbox.portal_id
    assert sandbox.portal.requests["POST", f"/oauth/{version}/token"] == 1


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(SettingsError):
        Paths("v9")


def test_parts_of_a_path_cannot_lead_elsewhere() -> None:
    assert Paths().of("record", type="../oauth", id="1?x#y") == "/crm/v3/objects/..%2Foauth/1%3Fx%23y"


def test_every_path_of_every_version_begins_with_a_slash_and_keeps_its_parts() -> None:
    parts: dict[str, Any] = dict.fromkeys(("type", "id", "guid", "report", "from_type", "to_type"), "x")
    for version in VERSIONS:
        for name in ("records", "search", "associate", "labels", "owners", "campaign_contacts", "token"):
            assert Paths(version).of(name, **parts).startswith("/")
