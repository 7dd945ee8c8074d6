"""Records that are refused one by one among others, and what refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org


def of(sobject: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject}, **fields}


def sent(http: Any, method: str, *records: dict[str, Any], path: str = "", **headers: str) -> list[Any]:
    answer = http(method, f"/composite/sobjects{path}", json={"records": list(records)}, headers=headers)
    assert answer.status_code == 200, answer.text
    results: list[Any] = answer.json()
    return results


def codes(results: list[Any]) -> list[str]:
    return ["" if r["success"] else r["errors"][0]["statusCode"] for r in results]


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"LastName": name, "Company": "Acme", **more}


def test_each_record_is_refused_for_its_own_reason(http: Any, org: Org, lead: str, campaign: str) -> None:
    converted, gone = (org.insert("Lead", person(name)) for name in ("Converted", "Gone"))
    org.convert_lead(converted)
    org.delete("Lead", gone)
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    results = sent(
        http,
        "PATCH",
        of("Lead", Id=converted, Title="CFO"),
        of("Lead", Id=gone, Title="CFO"),
        of("Lead", Id="001nonsense", Title="CFO"),
        of("Lead", Id=lead, Title="x" * 129),
        of("Lead", Id=org.insert("Lead", person("Other")), LastName=None),
        of("CampaignMember", Id=member, Status="Never heard of"),
    )
    assert codes(results) == [
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "ENTITY_IS_DELETED",
        "MALFORMED_ID",
        "STRING_TOO_LONG",
        "REQUIRED_FIELD_MISSING",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ]


def test_a_locked_record_is_refused_as_often_as_asked(http: Any, org: Org, lead: str) -> None:
    other = org.insert("Lead", person("Other"))
    org.lock_record(lead[:15], times=2)
    both = [of("Lead", Id=i, Title="CFO") for i in (lead, other)]
    assert codes(sent(http, "PATCH", *both)) == ["UNABLE_TO_LOCK_ROW", ""]
    assert codes(sent(http, "PATCH", *both)) == ["UNABLE_TO_LOCK_ROW", ""]
    assert codes(sent(http, "PATCH", *both)) == ["", ""]
    with pytest.raises(ValueError, match="15 or 18"):
        org.lock_record("nonsense")


def test_a_new_record_needs_the_locks_of_those_it_refers_to(
    http: Any, org: Org, lead: str, campaign: str
) -> None:
    org.lock_record(campaign)
    member = of("CampaignMember", CampaignId=campaign, LeadId=lead)
    assert codes(sent(http, "POST", member)) == ["UNABLE_TO_LOCK_ROW"]
    assert codes(sent(http, "POST", member)) == [""]


def test_a_duplicate_is_refused_with_what_it_duplicates(http: Any, org: Org, lead: str) -> None:
    org.forbid_duplicates("Lead", "Email")
    twin = person("Twin", Email="LENA@example.com")
    answer = http("POST", "/sobjects/Lead", json=twin)
    assert answer.status_code == 400
    body = answer.json()[0]
    assert (body["errorCode"], body["message"]) == ("DUPLICATES_DETECTED", "Use one of these records?")
    match = body["duplicateResult"]["matchResults"][0]
    assert (body["duplicateResult"]["allowSave"], match["size"]) == (True, 1)
    assert match["matchRecords"][0]["record"]["Id"] == lead
    assert codes(sent(http, "POST", of("Lead", **twin), of("Lead", **person("New")))) == [
        "DUPLICATES_DETECTED",
        "",
    ]
    assert codes(sent(http, "PATCH", of("Lead", Id=lead, Email="lena@example.com"))) == [""]


def test_a_duplicate_is_saved_with_consent_unless_the_rule_blocks(http: Any, org: Org, lead: str) -> None:
    org.forbid_duplicates("Lead", "Email")
    consent = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    twin = of("Lead", **person("Twin", Email="lena@example.com"))
    assert codes(sent(http, "POST", twin, **consent)) == [""]
    assert codes(sent(http, "POST", twin)) == ["DUPLICATES_DETECTED"]
    org.forbid_duplicates("Lead", "LastName", block=True)
    assert codes(sent(http, "POST", twin, **consent)) == ["DUPLICATES_DETECTED"]


@pytest.mark.parametrize(
    ("sobject", "fields"), [("Lead", person("Lookup")), ("Contact", {"LastName": "Lookup"})]
)
def test_people_are_upserted_by_their_address(http: Any, org: Org, sobject: str, fields: Any) -> None:
    address = {"Email": "lookup@example.com"}
    record = of(sobject, **fields, **address)
    for created in (True, False):
        (result,) = sent(http, "PATCH", record | {"Title": "CFO"}, path=f"/{sobject}/Email")
        assert (result["success"], result["created"]) == (True, created)
    assert [(row["Email"], row["Title"]) for row in org.rows(sobject)] == [("lookup@example.com", "CFO")]


def test_a_key_that_comes_twice_refuses_every_record_that_has_it(http: Any, org: Org) -> None:
    records = [of("Contact", LastName=name, Email="a@example.com") for name in ("One", "Two")]
    results = sent(
        http, "PATCH", *records, of("Contact", LastName="X", Email="x@example.com"), path="/Contact/Email"
    )
    assert codes(results) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", ""]
    assert results[0]["errors"][0]["message"] == "Duplicate external id specified: a@example.com"


def test_roles_and_statuses_are_written_like_records(
    http: Any, org: Org, campaign: str, opportunity: str
) -> None:
    contact = org.insert("Contact", {"LastName": "Buyer"})
    role = of("OpportunityContactRole", OpportunityId=opportunity, ContactId=contact, IsPrimary=True)
    status = of("CampaignMemberStatus", CampaignId=campaign, Label="Attended", HasResponded=True)
    assert codes(sent(http, "POST", role, status)) == ["", ""]
    assert org.get("Opportunity", opportunity)["ContactId"] == contact
    member = of("CampaignMember", CampaignId=campaign, ContactId=contact, Status="Attended")
    assert codes(sent(http, "POST", member)) == [""]
    assert org.rows("CampaignMember")[0]["HasResponded"] is True
