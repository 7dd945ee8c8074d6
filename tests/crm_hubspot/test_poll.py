"""Reading everything, and then what changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.crm.base import Page
from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, search
from closedloop.errors import AnswerError, QuotaError
from closedloop.mapping import Mappings
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.schema.records import CampaignMember, Ref
from closedloop.schema.records import TouchPosition as Position
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType
LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)


def refs(pages: Iterable[Page], *kinds: ObjectType) -> list[Ref]:
    found = [record.ref for page in pages for record in page.batch.records]
    return [ref for ref in found if not kinds or ref.object in kinds]


def everything(crm: HubSpotCrm, cursor: str | None = None) -> list[Page]:
    pages = list(crm.poll(cursor))
    assert [page.batch.refused for page in pages if page.batch.refused] == []
    return pages


def people(portal: Any, count: int, *, start: int = 0, **when: Any) -> list[str]:
    emails = [f"c{number}@example.com" for number in range(start, start + count)]
    return [portal.create("contacts", {"email": email}, **when) for email in emails]


def lead_of(portal: Any, contact: str, **when: Any) -> str:
    made = portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", contact)], **when)
    return str(made)


def test_the_first_poll_brings_all_there_is_each_after_what_it_points_to(
    portal: Any, connected: HubSpotCrm
) -> None:
    owner = portal.create_owner("olga@example.com", "Olga", "Owner")
    campaign = portal.create_campaign({"hs_name": "Spring"})
    (contact,) = people(portal, 1)
    company = portal.create("companies", {"name": "Example"})
    portal.touch(campaign, contact, LONG_AGO)
    lead = lead_of(portal, contact)
    deal = portal.create("deals", {"dealname": "D"}, associations=[("contacts", contact)])
    found = refs(everything(connected))
    order = [
        Ref(_O.STAGE, "lead-pipeline-id/unqualified-stage-id"),
        Ref(_O.USER, owner),
        Ref(_O.CAMPAIGN, campaign),
        Ref(_O.ACCOUNT, company),
        Ref(_O.CONTACT, contact),
        Ref(_O.CAMPAIGN_MEMBER, f"{campaign}/{contact}"),
        Ref(_O.LEAD, lead),
        Ref(_O.OPPORTUNITY, deal),
    ]
    places = [found.index(ref) for ref in order]
    assert places == sorted(places)
    assert Ref(_O.CONTACT_ROLE, f"{deal}/{contact}") in found


def test_a_poll_reads_every_page(portal: Any, connected: HubSpotCrm) -> None:
    contacts = people(portal, 230)
    campaigns = [portal.create_campaign({"hs_name": f"C{n:03}"}) for n in range(120)]
    leads = [lead_of(portal, contact) for contact in contacts[:110]]
    pages = everything(connected)
    assert sorted(refs(pages, _O.CONTACT)) == sorted(Ref(_O.CONTACT, each) for each in contacts)
    assert sorted(refs(pages, _O.CAMPAIGN)) == sorted(Ref(_O.CAMPAIGN, each) for each in campaigns)
    assert sorted(refs(pages, _O.LEAD)) == sorted(Ref(_O.LEAD, each) for each in leads)


def test_the_next_poll_brings_what_changed(portal: Any, connected: HubSpotCrm) -> None:
    (old,), (changed,) = (
        people(portal, 1, at=LONG_AGO),
        people(portal, 1, at=LONG_AGO + timedelta(days=1), start=1),
    )
    company = portal.create("companies", {"name": "Old"}, at=LONG_AGO)
    fresh = portal.create("companies", {"name": "New"})
    pages = everything(connected)
    portal.update("contacts", changed, {"firstname": "Ada"})
    lead = lead_of(portal, changed)
    found = refs(everything(connected, pages[-1].cursor))
    assert {Ref(_O.CONTACT, changed), Ref(_O.LEAD, lead)} <= set(found)
    # The companies' newest change lies within the overlap, so it is read again.
    assert Ref(_O.ACCOUNT, fresh) in found
    assert not {Ref(_O.ACCOUNT, company), Ref(_O.CONTACT, old)} & set(found)


def test_a_record_is_not_missed_because_our_clock_is_wrong(
    sandbox: HubSpotSandbox, portal: Any, mappings: Mappings
) -> None:
    credentials = HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url)
    crm = HubSpotCrm(credentials, mappings, clock=lambda: datetime.now(UTC) + timedelta(days=400))
    people(portal, 1)
    cursor = everything(crm)[-1].cursor
    late = portal.create("contacts", {"email": "late@example.com"})
    assert Ref(_O.CONTACT, late) in refs(everything(crm, cursor))


def test_changes_beyond_what_one_search_can_give_are_all_found(
    portal: Any, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch, requests: Any
) -> None:
    # A small page meets the same wall as 10,000 results do: the way on is by id, never by paging.
    monkeypatch.setattr(search, "MOST", 7)
    cursor = everything_after_one(portal, connected)
    made = [portal.create("companies", {"name": str(n)}) for n in range(50)]
    found = refs(everything(connected, cursor), _O.ACCOUNT)
    assert {ref.id for ref in found} >= set(made)
    assert len(found) == len(set(found))
    assert requests("POST", "/crm/v3/objects/companies/search") == 8


def everything_after_one(portal: Any, crm: HubSpotCrm) -> str:
    portal.create("companies", {"name": "first"})
    return everything(crm)[-1].cursor


def test_a_record_changed_while_a_poll_is_under_way_is_not_skipped(
    portal: Any, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST", 5)
    cursor = everything_after_one(portal, connected)
    made = [portal.create("companies", {"name": str(n)}) for n in range(20)]
    found: set[str] = set()
    for page in connected.poll(cursor):
        read = [ref.id for ref in refs([page], _O.ACCOUNT)]
        found |= set(read)
        for each in read[:1]:
            portal.update("companies", each, {"name": "changed meanwhile"})
    assert set(made) <= found


def test_a_search_that_does_not_get_on_ends_in_an_error(double: Any, crm: HubSpotCrm) -> None:
    page = {"total": 9, "results": [{"id": "5"}], "paging": {"next": {"after": "1"}}}
    double.answer("GET", "/crm/v3/properties/companies", {"results": [{"name": "name"}]})
    double.answer("POST", "/crm/v3/objects/companies/search", page)
    double.answer("POST", "/crm/v3/objects/companies/batch/read", {"results": []})
    with pytest.raises(AnswerError) as refused:
        list(
            crm.poll(
                '{"phase":"account","started":"2026-11-20T12:00:00Z","marks":{"account":"2026-11-20T12:00:00Z"}}'
            )
        )
    assert refused.value.reason == "paging_loop"
    first, second = double.bodies("/crm/v3/objects/companies/search")
    assert first["filterGroups"][0]["filters"] == [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "2026-11-20T12:00:00.000Z"}
    ]
    assert second["filterGroups"][0]["filters"][1:] == [
        {"propertyName": "hs_object_id", "operator": "GT", "value": "5"}
    ]
    assert second["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]


def test_contacts_call_their_last_change_otherwise(double: Any, crm: HubSpotCrm) -> None:
    double.answer("GET", "/crm/v3/properties/contacts", {"results": [{"name": "email"}]})
    double.answer("POST", "/crm/v3/objects/contacts/search", {"total": 0, "results": []})
    cursor = '{"phase":"contact","started":"2026-11-20T12:00:00Z","marks":{"contact":"2026-11-20T12:00:00Z"}}'
    next(iter(crm.poll(cursor)))
    (body,) = double.bodies("/crm/v3/objects/contacts/search")
    assert body["filterGroups"][0]["filters"][0]["propertyName"] == "lastmodifieddate"


def test_a_poll_goes_on_after_any_page(
    sandbox: HubSpotSandbox, portal: Any, connected: HubSpotCrm, mappings: Mappings
) -> None:
    credentials = HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url)
    people(portal, 210)
    guid = portal.create_campaign({"hs_name": "Spring"})
    for contact in portal.ids("contacts")[:150]:
        portal.touch(guid, contact, LONG_AGO)
    lead_of(portal, portal.ids("contacts")[0])
    pages = everything(connected)
    for number, page in enumerate(pages):
        rest = everything(HubSpotCrm(credentials, mappings), page.cursor) if page is not pages[-1] else []
        assert {*refs(pages[: number + 1]), *refs(rest)} >= set(refs(pages)), page.cursor


def members(pages: Iterable[Page]) -> dict[str, tuple[Position, datetime | None]]:
    return {
        record.id: (record.position, record.touched_at)
        for page in pages
        for record in page.batch.records
        if isinstance(record, CampaignMember)
    }


def test_members_come_from_the_reports_with_a_time_only_for_first_and_last(
    portal: Any, connected: HubSpotCrm
) -> None:
    campaigns = [portal.create_campaign({"hs_name": str(n)}) for n in range(3)]
    (contact,) = people(portal, 1)
    times = [LONG_AGO + timedelta(days=n) for n in range(3)]
    for guid, at in zip(campaigns, times, strict=True):
        portal.touch(guid, contact, at)
    assert members(everything(connected)) == {
        f"{campaigns[0]}/{contact}": (Position.FIRST, times[0]),
        f"{campaigns[1]}/{contact}": (Position.UNKNOWN, None),
        f"{campaigns[2]}/{contact}": (Position.LAST, times[2]),
    }


def test_later_only_new_members_are_read_and_lost_ones_are_gone(portal: Any, connected: HubSpotCrm) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    (stays,), (leaves,) = people(portal, 1, at=LONG_AGO), people(portal, 1, at=LONG_AGO, start=1)
    portal.touch(guid, stays, LONG_AGO)
    portal.touch(guid, leaves, LONG_AGO + timedelta(days=1))
    cursor = everything(connected)[-1].cursor
    (comes,) = people(portal, 1, start=2)
    portal.touch(guid, comes, LONG_AGO + timedelta(days=2))
    portal.privacy_delete(leaves)
    pages = everything(connected, cursor)
    assert set(members(pages)) == {f"{guid}/{comes}"}
    assert Ref(_O.CAMPAIGN_MEMBER, f"{guid}/{leaves}") in [ref for page in pages for ref in page.batch.gone]


def test_a_poll_spends_its_allowance_on_reports_in_turn(
    sandbox: HubSpotSandbox, portal: Any, mappings: Mappings, requests: Any
) -> None:
    credentials = HubSpotCredentials(
        access_token=sandbox.access_token, base_url=sandbox.url, report_calls_per_poll=6
    )
    crm = HubSpotCrm(credentials, mappings)
    campaigns = sorted(portal.create_campaign({"hs_name": str(n)}) for n in range(5))
    cursor = None
    for expected in ([1, 1, 1, 1, 1], [2, 2, 1, 1, 1], [2, 2, 2, 2, 1], [3, 2, 2, 2, 2]):
        cursor = everything(crm, cursor)[-1].cursor
        paths = [f"/marketing/v3/campaigns/{guid}/reports/contacts/influencedContacts" for guid in campaigns]
        assert [requests("GET", path) for path in paths] == expected


def test_a_campaign_that_vanished_is_gone(portal: Any, connected: HubSpotCrm) -> None:
    stays, goes = (portal.create_campaign({"hs_name": name}) for name in ("Spring", "Autumn"))
    cursor = everything(connected)[-1].cursor
    portal.delete_campaign(goes)
    pages = everything(connected, cursor)
    assert [ref for page in pages for ref in page.batch.gone] == [Ref(_O.CAMPAIGN, goes)]
    assert refs(pages, _O.CAMPAIGN) == [Ref(_O.CAMPAIGN, stays)]
    assert [ref for page in everything(connected, pages[-1].cursor) for ref in page.batch.gone] == []


def test_a_campaign_that_slipped_between_two_pages_is_not_called_gone(
    portal: Any, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = [
        portal.create_campaign({"hs_name": str(n)}, at=LONG_AGO + timedelta(days=n)) for n in range(101)
    ]
    cursor = everything(connected)[-1].cursor
    pages, changed = [], False
    for page in connected.poll(cursor):
        pages.append(page)
        if refs([page], _O.CAMPAIGN) and not changed:
            portal.delete_campaign(campaigns[0])  # what comes on the second page moves up to the first
            changed = True
    assert [ref for page in pages for ref in page.batch.gone] == []
    assert set(refs(pages, _O.CAMPAIGN)) == {Ref(_O.CAMPAIGN, guid) for guid in campaigns}


def test_a_portal_without_leads_is_polled_without_them(portal: Any, connected: HubSpotCrm) -> None:
    portal.faults.add(403, path="/crm/v3/properties/leads", body={"category": "MISSING_SCOPES"}, times=99)
    (contact,) = people(portal, 1)
    pages = everything(connected)
    assert Ref(_O.CONTACT, contact) in refs(pages)
    assert refs(pages, _O.LEAD) == []
    assert all(not ref.id.startswith("lead-pipeline") for ref in refs(pages, _O.STAGE))


def test_a_portal_without_campaigns_is_polled_without_them_and_none_is_called_gone(
    portal: Any, connected: HubSpotCrm, caplog: pytest.LogCaptureFixture
) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    (contact,) = people(portal, 1)
    portal.touch(guid, contact, LONG_AGO)
    cursor = everything(connected)[-1].cursor
    portal.faults.add(403, path="/marketing/v3/campaigns", body={"category": "MISSING_SCOPES"}, times=99)
    (newcomer,) = people(portal, 1, start=1)
    pages = everything(connected, cursor)
    assert Ref(_O.CONTACT, newcomer) in refs(pages)
    assert [ref for page in pages for ref in page.batch.gone] == []
    assert "hs_name" in connected.missing_fields[_O.CAMPAIGN]
    assert caplog.text.count("shows no campaigns") == 1


def test_a_used_up_allowance_ends_the_poll_and_the_next_goes_on(portal: Any, connected: HubSpotCrm) -> None:
    people(portal, 150)
    portal.faults.rate_limit("DAILY", path="/crm/v3/objects/leads")
    pages: list[Page] = []
    with pytest.raises(QuotaError):
        pages.extend(connected.poll(None))
    assert len(refs(pages, _O.CONTACT)) == 150
    (contact,) = people(portal, 1, start=150)
    lead = lead_of(portal, contact)
    assert refs(everything(connected, pages[-1].cursor)) == [Ref(_O.LEAD, lead)]
