"""What HubSpot works out itself: stages, close dates, touches, leads and the records they stand on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from closedloop.sandbox.hubspot import HubSpotError, Portal

DAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LATER = DAY + timedelta(days=3)


@pytest.fixture
def lead(portal: Portal, contact: str) -> str:
    return portal.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)], at=DAY)


def values(portal: Portal, object_type: str, record_id: str, *names: str) -> list[Any]:
    held = portal.get(object_type, record_id)["properties"]
    return [held.get(name) for name in names]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("new-stage-id", ["1", "1", "0", "0", "0"]),
        ("connected-stage-id", ["1", "0", "1", "0", "0"]),
        ("qualified-stage-id", ["0", "0", "0", "1", "0"]),
        ("unqualified-stage-id", ["0", "0", "0", "0", "1"]),
    ],
)
def test_a_lead_is_flagged_by_its_stage(portal: Portal, lead: str, stage: str, expected: list[str]) -> None:
    portal.update("leads", lead, {"hs_pipeline_stage": stage})
    kinds = ("open", "new", "in_progress", "qualified", "disqualified")
    assert values(portal, "leads", lead, *(f"hs_lead_is_{kind}" for kind in kinds)) == expected


def test_a_lead_remembers_when_it_entered_and_left_a_stage(portal: Portal, lead: str) -> None:
    portal.update("leads", lead, {"hs_pipeline_stage": "unqualified-stage-id"}, at=LATER)
    assert values(
        portal,
        "leads",
        lead,
        "hs_v2_date_entered_new_stage_id_1318266061",
        "hs_v2_date_exited_new_stage_id_1318266061",
        "hs_v2_date_entered_unqualified_stage_id_1675714327",
    ) == ["2026-05-04T09:30:00.000Z", "2026-05-07T09:30:00.000Z", "2026-05-07T09:30:00.000Z"]


def test_a_lead_shows_its_contact_and_where_that_came_from(portal: Portal, contact: str) -> None:
    portal.update("contacts", contact, {"hs_analytics_source": "PAID_SEARCH"})
    lead = portal.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)])
    names = ("hs_primary_contact_id", "hs_contact_analytics_source", "hs_pipeline")
    assert values(portal, "leads", lead, *names) == [contact, "PAID_SEARCH", "lead-pipeline-id"]


@pytest.mark.parametrize("properties", [{"hs_lead_name": "Nobody's"}, {}])
def test_a_lead_needs_a_name_and_a_contact(portal: Portal, contact: str, properties: dict[str, str]) -> None:
    others = [] if properties else [("contacts", contact)]
    with pytest.raises(HubSpotError) as refused:
        portal.create("leads", properties, associations=others)
    assert refused.value.status == 400
    assert portal.ids("leads") == []


def test_a_lead_goes_with_its_last_contact(portal: Portal, lead: str, contact: str) -> None:
    portal.dissociate(("leads", lead), ("contacts", contact))
    assert portal.ids("leads") == []


def test_a_lead_with_a_company_left_stays(portal: Portal, lead: str, contact: str) -> None:
    company = portal.create("companies", {"name": "Engines"})
    portal.associate(("leads", lead), ("companies", company))
    portal.delete("contacts", contact)
    assert portal.ids("leads") == [lead]
    assert values(portal, "leads", lead, "hs_primary_contact_id", "hs_primary_company_id") == [None, company]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("contractsent", ["false", "false", "false", "0.9", "default", None]),
        ("closedwon", ["true", "true", "false", "1.0", "default", "2026-05-04T09:30:00.000Z"]),
        ("closedlost", ["true", "false", "true", "0.0", "default", "2026-05-04T09:30:00.000Z"]),
        ("1098400003", ["true", "true", "false", "1", "755338291", "2026-05-04T09:30:00.000Z"]),
        ("1098400004", ["true", "false", "true", "0", "755338291", "2026-05-04T09:30:00.000Z"]),
    ],
)
def test_a_deal_is_closed_and_won_by_its_stage(portal: Portal, stage: str, expected: list[str]) -> None:
    deal = portal.create("deals", {"dealname": "D", "dealstage": stage}, at=DAY)
    names = ("hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost", "hs_deal_stage_probability", "pipeline")
    assert values(portal, "deals", deal, *names, "closedate") == expected


def test_a_reopened_deal_is_no_longer_lost(portal: Portal) -> None:
    deal = portal.create("deals", {"dealname": "D", "dealstage": "closedlost", "closed_lost_reason": "Price"})
    portal.update("deals", deal, {"dealstage": "contractsent"})
    names = ("hs_is_closed", "hs_is_closed_lost", "closed_lost_reason")
    assert values(portal, "deals", deal, *names) == ["false", "false", "Price"]
    portal.update("deals", deal, {"dealstage": "closedwon", "amount": "12.5"}, at=LATER)
    names = ("hs_is_closed_won", "hs_closed_won_date", "hs_closed_amount")
    assert values(portal, "deals", deal, *names) == ["true", "2026-05-07T09:30:00.000Z", "12.5"]


def test_closing_a_deal_keeps_the_date_that_somebody_names(portal: Portal) -> None:
    deal = portal.create("deals", {"dealname": "D", "dealstage": "contractsent"})
    portal.update("deals", deal, {"dealstage": "closedwon", "closedate": "2026-01-31"})
    assert values(portal, "deals", deal, "closedate") == ["2026-01-31T00:00:00.000Z"]


def test_touches_tell_the_first_and_the_last_campaign(portal: Portal, contact: str) -> None:
    spring, autumn = (portal.create_campaign({"hs_name": name}) for name in ("Spring", "Autumn"))
    portal.touch(autumn, contact, LATER)
    portal.touch(spring, contact, DAY)
    ends = ("first", "last")
    campaigns = (f"hs_analytics_{end}_touch_converting_campaign" for end in ends)
    assert values(portal, "contacts", contact, *campaigns) == [spring, autumn]
    times = (f"hs_analytics_{end}_timestamp" for end in ends)
    assert values(portal, "contacts", contact, *times) == [
        "2026-05-04T09:30:00.000Z",
        "2026-05-07T09:30:00.000Z",
    ]


def test_merged_contacts_pool_their_touches(portal: Portal, contact: str) -> None:
    other = portal.create("contacts", {"email": "other@example.com"})
    spring, autumn = (portal.create_campaign({"hs_name": name}) for name in ("Spring", "Autumn"))
    portal.touch(autumn, contact, LATER)
    portal.touch(spring, other, DAY)
    portal.merge("contacts", contact, other)
    first = "hs_analytics_first_touch_converting_campaign"
    assert values(portal, "contacts", contact, first) == [spring]


def test_a_change_in_the_past_keeps_the_newest_value_on_top(portal: Portal, contact: str) -> None:
    with pytest.raises(HubSpotError):
        portal.update("contacts", contact, {"hs_lead_status": "NO_SUCH_STATUS"})
    portal.update("contacts", contact, {"hs_lead_status": "OPEN"}, at=LATER)
    assert portal.get("contacts", contact)["updatedAt"] >= "2026-11-20"


def test_many_threads_write_at_once_without_losing_a_record(portal: Portal) -> None:
    def write(worker: int) -> None:
        for n in range(25):
            made = portal.create("contacts", {"email": f"w{worker}-{n}@example.com"})
            portal.update("contacts", made, {"firstname": f"{worker}-{n}"})

    threads = [Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {portal.get("contacts", i)["properties"]["firstname"] for i in portal.ids("contacts")}
    assert len(names) == 200
