"""Answers have the shape of recorded ones: the same keys, the same kinds of value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org


def shape(value: Any) -> Any:
    """Keys and kinds; of a list the shapes of its members, each once."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(part), sort_keys=True) for part in value})
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


@pytest.fixture
def amp(corpus: Path) -> Any:
    return lambda name: json.loads((corpus / "salesforce/amp-labs" / f"{name}.json").read_text())


def cassette(corpus: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((corpus / f"salesforce/cumulusci/{name}.json").read_text())[
        "interactions"
    ]
    return found


def test_a_create_answers_as_recorded(http: Any, amp: Any) -> None:
    answer = http("POST", "/sobjects/Account", json={"Name": "Acme"})
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert shape(answer.json()) == shape(amp("create-ok"))


def test_collections_answer_as_recorded(http: Any, amp: Any, corpus: Path) -> None:
    answer = http("POST", "/composite/sobjects", json=amp("batch_create_contacts_payload"))
    assert shape(answer.json()) == shape(amp("batch_create_contacts_success"))
    assert len(answer.json()) == 2


def test_records_without_ids_are_refused_as_recorded(http: Any, amp: Any) -> None:
    record = {"attributes": {"type": "Contact"}, "LastName": "Dyer"}
    answer = http("PATCH", "/composite/sobjects", json={"records": [record, record]})
    assert (answer.status_code, answer.json()) == (200, amp("batch_update_contacts_err-each-no-ids"))


def test_all_or_none_rolls_back_as_recorded(http: Any, amp: Any) -> None:
    records = [
        {"attributes": {"type": "Contact"}, "FirstName": "Siena"},
        {"attributes": {"type": "Contact"}, "LastName": "Blevins"},
    ]
    answer = http("POST", "/composite/sobjects", json={"allOrNone": True, "records": records})
    assert answer.json() == amp("batch_create_contacts_partial-but-allOrNone")
    assert http.query("SELECT count() FROM Contact")["totalSize"] == 0


def test_deleting_twice_is_refused_as_recorded(http: Any, amp: Any, lead: str) -> None:
    assert http("DELETE", f"/sobjects/Lead/{lead}").status_code == 204
    answer = http("DELETE", f"/sobjects/Lead/{lead}")
    assert (answer.status_code, answer.json()) == (404, amp("crm_delete_not-found"))


def test_an_unknown_field_is_refused_as_recorded(http: Any, amp: Any) -> None:
    answer = http("POST", "/sobjects/Account", json={"Name": "Acme", "AccountNumer": "1"})
    assert (answer.status_code, answer.json()) == (400, amp("unknown-field"))


def test_a_query_with_children_answers_as_recorded(http: Any, amp: Any, org: Org) -> None:
    fields = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": 50000}
    opportunity = org.insert("Opportunity", fields)
    for role in ("Decision Maker", "Influencer"):
        contact = org.insert("Contact", {"LastName": role})
        org.insert(
            "OpportunityContactRole", {"OpportunityId": opportunity, "ContactId": contact, "Role": role}
        )
    body = http.query(
        "SELECT Id, Name, Amount, StageName, (SELECT Id, ContactId, Role FROM OpportunityContactRoles) "
        "FROM Opportunity"
    )
    assert shape(body) == shape(amp("read-opportunity-with-contacts"))
    assert body["records"][0]["OpportunityContactRoles"]["totalSize"] == 2


def test_compound_addresses_answer_as_recorded(http: Any, amp: Any, org: Org) -> None:
    org.insert(
        "Lead", {"LastName": "A", "Company": "B", "Country": "USA", "FirstName": "Mike", "State": "MD"}
    )
    row = http.query("SELECT Address, City, FirstName FROM Lead")["records"][0]
    recorded = next(r for r in amp("read-list-leads")["records"] if r["FirstName"] == "Mike")
    assert row["Address"] == recorded["Address"]
    assert set(row) == set(recorded) - {"CleanStatus"}


@pytest.mark.parametrize("place", range(7))
def test_a_recorded_session_of_upserts_is_answered_alike(http: Any, corpus: Path, place: int) -> None:
    recorded = cassette(corpus, "TestUpsert.test_simple_upsert__rest")
    ids: dict[str, str] = {}
    for interaction in recorded[: place + 1]:
        request, response = interaction["request"], interaction["response"]
        path = request["url"].split("/services/data/vxx.0", 1)[1]
        text = json.dumps(request["body"])
        for theirs, ours in ids.items():
            text = text.replace(theirs, ours)
        answer = http(request["method"], path, data=text, headers={"Content-Type": "application/json"})
        assert answer.status_code == response["status"], answer.text
        if request["method"] != "GET":
            pairs = zip(response["body"], answer.json(), strict=True)
            ids |= {theirs["id"]: ours["id"] for theirs, ours in pairs}
    assert shape(answer.json()) == shape(response["body"])
    assert len(answer.json()) == len(response["body"])


def test_composite_queries_answer_as_recorded(http: Any, corpus: Path) -> None:
    create, queries = cassette(corpus, "TestCompositeParallelSalesforce.test_composite_parallel_salesforce")
    assert http("POST", "/sobjects/Account/", json=create["request"]["body"]).status_code == 201
    body = json.loads(json.dumps(queries["request"]["body"]).replace("vxx.0", "v62.0"))
    answer = http("POST", "/composite", json=body).json()
    assert shape(answer) == shape(queries["response"]["body"])
    references = [part["referenceId"] for part in answer["compositeResponse"]]
    assert references == [part["referenceId"] for part in body["compositeRequest"]]


def test_counts_in_a_composite_answer_as_recorded(http: Any, corpus: Path) -> None:
    (recorded,) = cassette(corpus, "TestCountSObjects.test_count_sobjects_simple")
    body = json.loads(json.dumps(recorded["request"]["body"]).replace("vxx.0", "v62.0"))
    assert shape(http("POST", "/composite", json=body).json()) == shape(recorded["response"]["body"])


def test_the_organisation_answers_with_recorded_keys_only(http: Any, corpus: Path, org: Org) -> None:
    _, recorded = cassette(corpus, "TestSnowfakery.test_run_until_records_in_org__multiple_needed")
    body = http("GET", f"/sobjects/Organization/{org.organization_id}").json()
    assert set(body) <= set(recorded["response"]["body"])
    assert body["attributes"]["type"] == "Organization"


def test_record_counts_leave_out_empty_objects_as_recorded(http: Any, corpus: Path, campaign: str) -> None:
    recorded = cassette(corpus, "TestDatasetsE2E.test_datasets_extract_standard_objects")
    counts = [i["response"]["body"] for i in recorded if "recordCount" in i["request"]["url"]]
    assert {"sObjects": []} in counts
    path = "/limits/recordCount?sObjects=Campaign,Contact"
    assert http("GET", path).json() == {"sObjects": [{"count": 1, "name": "Campaign"}]}
