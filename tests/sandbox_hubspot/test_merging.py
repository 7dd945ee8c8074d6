"""Merged records: what leads where, and what the record that is left tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from hubspot.crm.contacts import BatchReadInputSimplePublicObjectId, PublicMergeInput

from closedloop.sandbox.hubspot import HubSpotError, Portal
from closedloop.sandbox.hubspot.records.record import milliseconds

Call = Callable[..., requests.Response]
BATCH = "/crm/v3/objects/contacts/batch"


@pytest.fixture
def pair(portal: Portal) -> tuple[str, str]:
    first = portal.create("contacts", {"email": "a@example.com", "firstname": "Ada"})
    second = portal.create("contacts", {"email": "b@example.com", "firstname": "Eve", "jobtitle": "Buyer"})
    return first, second


def read(hub: Any, *ids: str, by: str | None = None) -> Any:
    body = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": each} for each in ids],
        properties=["firstname", "jobtitle", "hs_merged_object_ids"],
        properties_with_history=[],
        id_property=by,
    )
    return hub.crm.contacts.batch_api.read(body)


def test_a_merged_id_answered_under_the_winners_before(
    hub: Any, portal: Portal, pair: tuple[str, str]
) -> None:
    portal.merges_make_records = False
    kept, gone = pair
    assert portal.merge("contacts", kept, gone) == kept
    assert hub.crm.contacts.basic_api.get_by_id(gone).id == kept
    (result,) = read(hub, gone).results
    assert (result.id, result.properties["firstname"], result.properties["jobtitle"]) == (
        kept,
        "Ada",
        "Buyer",
    )
    assert result.properties["hs_merged_object_ids"] == gone
    assert [r.id for r in read(hub, gone, kept).results] == [kept]


def test_todays_merge_makes_a_new_record(hub: Any, portal: Portal, pair: tuple[str, str]) -> None:
    merge = PublicMergeInput(primary_object_id=pair[0], object_id_to_merge=pair[1])
    made = hub.crm.contacts.basic_api.merge(merge).id
    assert made not in pair
    assert portal.ids("contacts") == [made]
    for old in pair:
        assert hub.crm.contacts.basic_api.get_by_id(old).id == made
    values = portal.get("contacts", made)["properties"]
    assert (values["hs_object_id"], values["firstname"], values["jobtitle"]) == (made, "Ada", "Buyer")
    assert set(values["hs_merged_object_ids"].split(";")) == set(pair)


def test_ids_of_older_merges_lead_on(portal: Portal, pair: tuple[str, str]) -> None:
    third = portal.create("contacts", {"email": "c@example.com"})
    first = portal.merge("contacts", *pair)
    last = portal.merge("contacts", third, first)
    for old in (*pair, third, first):
        assert portal.get("contacts", old)["id"] == last
    ids = portal.get("contacts", last)["properties"]["hs_merged_object_ids"].split(";")
    assert sorted(ids) == sorted((*pair, third, first))


def test_contacts_tell_when_they_were_merged(portal: Portal, pair: tuple[str, str], contact: str) -> None:
    at = portal.clock() + timedelta(days=1)
    made = portal.merge("contacts", *pair, at=at)
    last = portal.merge("contacts", made, contact, at=at + timedelta(seconds=1))
    told = portal.get("contacts", last)["properties"]["hs_calculated_merged_vids"]
    first, second = milliseconds(at), milliseconds(at) + 1000
    expected = [f"{pair[0]}:{first}", f"{pair[1]}:{first}", f"{made}:{second}", f"{contact}:{second}"]
    assert sorted(told.split(";")) == sorted(expected)


def test_the_associations_of_both_are_the_winners(portal: Portal, call: Call, pair: tuple[str, str]) -> None:
    deals = [portal.create("deals", {"dealname": each}, associations=[("contacts", each)]) for each in pair]
    made = portal.merge("contacts", *pair)
    rows = call("GET", f"/crm/v4/objects/contacts/{made}/associations/deals").json()["results"]
    assert sorted(str(row["toObjectId"]) for row in rows) == deals
    (back,) = call("GET", f"/crm/v4/objects/deals/{deals[1]}/associations/contacts").json()["results"]
    assert back["toObjectId"] == int(made)


def test_both_addresses_find_the_winner_and_neither_is_free(
    hub: Any, portal: Portal, pair: tuple[str, str]
) -> None:
    made = portal.merge("contacts", *pair)
    for email in ("A@example.com", "b@example.com"):
        assert [r.id for r in read(hub, email, by="email").results] == [made]
        with pytest.raises(HubSpotError, match=f"Contact already exists. Existing ID: {made}"):
            portal.create("contacts", {"email": email})
    assert portal.get("contacts", made)["properties"]["hs_additional_emails"] == "b@example.com"


def test_the_addresses_of_an_archived_winner_are_free_again(portal: Portal, pair: tuple[str, str]) -> None:
    portal.delete("contacts", portal.merge("contacts", *pair))
    assert portal.create("contacts", {"email": "b@example.com"})


def test_the_losers_are_in_no_list(call: Call, portal: Portal, pair: tuple[str, str]) -> None:
    made = portal.merge("contacts", *pair)
    for archived, expected in (("false", [made]), ("true", [])):
        rows = call("GET", f"/crm/v3/objects/contacts?archived={archived}").json()["results"]
        assert [row["id"] for row in rows] == expected


def test_an_erased_contact_is_in_no_list_and_leads_nowhere(
    call: Call, portal: Portal, pair: tuple[str, str]
) -> None:
    erased = call("POST", "/crm/v3/objects/contacts/gdpr-delete", json={"objectId": pair[0]})
    assert erased.status_code == 204
    assert portal.ids("contacts") == [pair[1]]
    for archived in ("", "?archived=true"):
        answer = call("POST", f"{BATCH}/read{archived}", json={"inputs": [{"id": pair[0]}]})
        assert (answer.status_code, answer.json()["results"]) == (207, [])
