"""Tasks and events over the API."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org

START = "2026-11-25T09:30:00.000+0000"


def test_a_task_is_made_read_changed_and_deleted(http: Any, lead: str) -> None:
    made = http(
        "POST", "/sobjects/Task", json={"WhoId": lead, "Subject": "Call", "CallType": "Outbound"}
    ).json()
    path = f"/sobjects/Task/{made['id']}"
    task = http("GET", path).json()
    assert (task["Status"], task["Priority"], task["IsClosed"]) == ("Not Started", "Normal", False)
    assert (
        http("PATCH", path, json={"Status": "Completed", "CallDisposition": "No answer"}).status_code == 204
    )
    done = http("GET", path).json()
    assert (done["IsClosed"], done["CompletedDateTime"]) == (True, "2026-11-20T14:03:07.000+0000")
    assert http("DELETE", path).status_code == 204
    assert http("GET", path).status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {"ActivityDateTime": START, "DurationInMinutes": 45},
        {"StartDateTime": START, "EndDateTime": "2026-11-25T10:15:00Z"},
    ],
)
def test_an_event_knows_its_start_and_end(http: Any, lead: str, given: dict[str, Any]) -> None:
    made = http("POST", "/sobjects/Event", json={"WhoId": lead, "Subject": "Demo", **given})
    event = http("GET", f"/sobjects/Event/{made.json()['id']}").json()
    assert (event["ActivityDateTime"], event["StartDateTime"]) == (START, START)
    assert (event["EndDateTime"], event["DurationInMinutes"]) == ("2026-11-25T10:15:00.000+0000", 45)
    assert (event["ActivityDate"], event["EndDate"], event["ShowAs"]) == ("2026-11-25", "2026-11-25", "Busy")


def test_an_event_that_is_moved_keeps_its_length(http: Any, org: Org) -> None:
    made = org.insert("Event", {"Subject": "Demo", "ActivityDateTime": START, "DurationInMinutes": 30})
    moved = {"ActivityDateTime": "2026-11-26T08:00:00Z"}
    assert http("PATCH", f"/sobjects/Event/{made}", json=moved).status_code == 204
    event = http("GET", f"/sobjects/Event/{made}").json()
    assert (event["EndDateTime"], event["ActivityDate"]) == ("2026-11-26T08:30:00.000+0000", "2026-11-26")


def test_an_event_of_a_whole_day_has_no_time(http: Any, org: Org) -> None:
    made = org.insert("Event", {"Subject": "Fair", "IsAllDayEvent": True, "ActivityDate": "2026-12-01"})
    event = http("GET", f"/sobjects/Event/{made}").json()
    assert (event["ActivityDateTime"], event["DurationInMinutes"]) == (None, 1440)
    assert event["StartDateTime"] == "2026-12-01T00:00:00.000+0000"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["DurationInMinutes", "ActivityDateTime"]),
        ({"ActivityDateTime": START}, ["DurationInMinutes"]),
        ({"DurationInMinutes": 30}, ["ActivityDateTime"]),
        ({"IsAllDayEvent": True}, ["ActivityDate"]),
    ],
)
def test_an_event_without_a_time_is_refused(http: Any, given: dict[str, Any], missing: list[str]) -> None:
    answer = http("POST", "/sobjects/Event", json={"Subject": "Demo", **given})
    assert answer.status_code == 400
    assert answer.json()[0] == {
        "message": f"Required fields are missing: [{', '.join(missing)}]",
        "errorCode": "REQUIRED_FIELD_MISSING",
        "fields": missing,
    }


def test_activities_belong_to_an_account_and_move_with_a_converted_lead(
    http: Any, org: Org, lead: str
) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    event = {"Subject": "Demo", "ActivityDateTime": START, "DurationInMinutes": 30}
    org.insert("Event", {**event, "WhatId": account})
    org.insert("Event", {**event, "WhoId": lead})
    converted = org.convert_lead(lead)
    rows = http.records("SELECT AccountId, WhoId FROM Event")
    assert [row["AccountId"] for row in rows] == [account, converted.account_id]
    assert rows[1]["WhoId"] == converted.contact_id


def test_both_are_described_and_their_polymorphic_parents_are_followed(
    http: Any, org: Org, lead: str
) -> None:
    org.insert("Event", {"ActivityDateTime": START, "DurationInMinutes": 30, "WhoId": lead})
    fields = {f["name"]: f for f in http("GET", "/sobjects/Event/describe").json()["fields"]}
    assert fields["WhoId"]["referenceTo"] == ["Contact", "Lead"]
    assert (fields["AccountId"]["updateable"], fields["DurationInMinutes"]["createable"]) == (False, True)
    row = http.records("SELECT Who.Name, Who.Type FROM Event")[0]
    assert (row["Who"]["Name"], row["Who"]["Type"]) == ("Lena Lead", "Lead")


@pytest.mark.parametrize("sobject", ["LeadStatus", "OpportunityStage", "CampaignMemberStatus"])
def test_what_an_administrator_defines_has_a_stamp(http: Any, campaign: str, sobject: str) -> None:
    rows = http.records(f"SELECT Id, SystemModstamp FROM {sobject}")  # noqa: S608 - a fixed name
    assert rows
    assert {row["SystemModstamp"] for row in rows} == {"2026-11-20T14:03:07.000+0000"}
