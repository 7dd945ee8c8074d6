"""Which records changed, which were deleted, and what the org has forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox


def when(clock: Any, **step: float) -> str:
    instant: datetime = clock.now + timedelta(**step)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def asked(http: Any, path: str, start: str, end: str) -> Any:
    return http("GET", f"/sobjects/{path}", params={"start": start, "end": end})


def test_changed_records_are_named_and_the_time_that_is_covered(
    http: Any, org: Org, clock: Any, lead: str
) -> None:
    gone = org.insert("Lead", {"LastName": "Gone", "Company": "Acme"})
    org.delete("Lead", gone)
    clock.move(minutes=10)
    later = org.insert("Lead", {"LastName": "Later", "Company": "Acme"})
    body = asked(http, "Lead/updated", when(clock, minutes=-11), when(clock, seconds=-8)).json()
    assert body == {"ids": [lead], "latestDateCovered": "2026-11-20T14:12:00.000+0000"}
    clock.move(minutes=5)
    body = asked(http, "Lead/updated", when(clock, minutes=-6), when(clock, minutes=60)).json()
    assert body == {"ids": [later], "latestDateCovered": "2026-11-20T14:18:00.000+0000"}


def test_an_open_transaction_holds_the_covered_time_back(http: Any, org: Org, clock: Any) -> None:
    with org.late() as transaction:
        org.insert("Lead", {"LastName": "Late", "Company": "Acme"})
    clock.move(minutes=10)
    window = ("Lead/updated", when(clock, minutes=-20), when(clock, minutes=1))
    assert asked(http, *window).json() == {"ids": [], "latestDateCovered": "2026-11-20T14:03:00.000+0000"}
    transaction.commit()
    body = asked(http, *window).json()
    assert (len(body["ids"]), body["latestDateCovered"]) == (1, "2026-11-20T14:13:00.000+0000")


def test_deleted_records_are_named_with_their_time(http: Any, org: Org, clock: Any, lead: str) -> None:
    clock.move(minutes=5)
    org.delete("Lead", lead)
    clock.move(minutes=5)
    body = asked(http, "Lead/deleted", when(clock, minutes=-9), when(clock)).json()
    assert body["deletedRecords"] == [{"deletedDate": "2026-11-20T14:08:07.000+0000", "id": lead}]
    assert body["latestDateCovered"] == "2026-11-20T14:13:00.000+0000"
    assert body["earliestDateAvailable"] == "2026-11-05T14:13:00.000+0000"


@pytest.mark.parametrize(
    ("path", "window", "code"),
    [
        ("Lead/updated", ({"minutes": 0}, {"seconds": 20}), "INVALID_REPLICATION_DATE"),
        ("Lead/updated", ({"minutes": 5}, {"minutes": 0}), "INVALID_REPLICATION_DATE"),
        ("Lead/updated", ({"days": -31}, {"minutes": 0}), "INVALID_REPLICATION_DATE"),
        ("Lead/deleted", ({"days": -16}, {"minutes": 0}), "INVALID_REPLICATION_DATE"),
        ("LeadStatus/updated", ({"days": -1}, {"minutes": 0}), "INVALID_TYPE"),
    ],
)
def test_times_that_cannot_be_asked_for_are_refused(
    http: Any, clock: Any, path: str, window: tuple[dict[str, float], dict[str, float]], code: str
) -> None:
    start, end = window
    answer = asked(http, path, when(clock, **start), when(clock, **end))
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_the_oldest_times_that_can_be_asked_for(http: Any, clock: Any) -> None:
    assert asked(http, "Lead/updated", when(clock, days=-30), when(clock)).status_code == 200
    assert asked(http, "Lead/deleted", when(clock, days=-15), when(clock)).status_code == 200
    assert asked(http, "User/updated", when(clock, days=-1), when(clock)).status_code == 200
    assert asked(http, "Lead/updated", "yesterday", when(clock)).status_code == 400
    assert asked(http, "Nothing/updated", when(clock, days=-1), when(clock)).status_code == 404


def test_too_many_ids_are_refused(
    http: Any, salesforce: SalesforceSandbox, org: Org, clock: Any, lead: str
) -> None:
    salesforce.api.services.replication.most = 0
    org.delete("Lead", lead)
    org.insert("Lead", {"LastName": "Other", "Company": "Acme"})
    for path in ("Lead/updated", "Lead/deleted"):
        answer = asked(http, path, when(clock, minutes=-5), when(clock, minutes=5))
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


def test_an_emptied_recycle_bin_has_nothing_to_tell(http: Any, org: Org, clock: Any, lead: str) -> None:
    kept = org.insert("Lead", {"LastName": "Kept", "Company": "Acme"})
    org.delete("Lead", lead)
    org.empty_recycle_bin()
    every = http("GET", "/queryAll", params={"q": "SELECT Id FROM Lead"}).json()["records"]
    assert [row["Id"] for row in every] == [kept]
    with pytest.raises(Refusal, match="INVALID_CROSS_REFERENCE_KEY"):
        org.get("Lead", lead)
    answer = asked(http, "Lead/deleted", when(clock, minutes=-5), when(clock, minutes=5))
    assert answer.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    clock.move(minutes=10)
    body = asked(http, "Lead/deleted", when(clock, minutes=-5), when(clock)).json()
    assert (body["deletedRecords"], body["earliestDateAvailable"]) == ([], "2026-11-20T14:03:07.000+0000")


def test_the_log_may_outlive_the_bin(http: Any, org: Org, clock: Any, lead: str) -> None:
    org.delete("Lead", lead)
    org.empty_recycle_bin(keep_log=True)
    assert http("GET", "/queryAll", params={"q": "SELECT Id FROM Lead"}).json()["records"] == []
    clock.move(minutes=1)
    body = asked(http, "Lead/deleted", when(clock, minutes=-5), when(clock)).json()
    assert [row["id"] for row in body["deletedRecords"]] == [lead]


@pytest.mark.parametrize(
    ("sobject", "fields"),
    [
        ("Lead", {"LastName": "Lead", "Company": "Acme"}),
        ("Contact", {"LastName": "Contact"}),
        ("Account", {"Name": "Account"}),
    ],
)
def test_a_merged_record_names_its_master(
    http: Any, org: Org, clock: Any, sobject: str, fields: dict[str, str]
) -> None:
    master, loser = org.insert(sobject, fields), org.insert(sobject, fields)
    clock.move(minutes=1)
    org.merge(sobject, master, loser)
    soql = f"SELECT Id, MasterRecordId FROM {sobject} WHERE IsDeleted = true"  # noqa: S608 - a fixed name
    rows = http("GET", "/queryAll", params={"q": soql}).json()["records"]
    assert [(row["Id"], row["MasterRecordId"]) for row in rows] == [(loser, master)]
    clock.move(minutes=1)
    body = asked(http, f"{sobject}/deleted", when(clock, minutes=-5), when(clock)).json()
    assert [row["id"] for row in body["deletedRecords"]] == [loser]


def test_objects_without_records_are_not_counted(http: Any, lead: str) -> None:
    counted = http("GET", "/limits/recordCount", params={"sObjects": "Lead,Contact"}).json()
    assert counted == {"sObjects": [{"count": 1, "name": "Lead"}]}
