"""What polls learn of records that are gone: no search of HubSpot's shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.crm.base import Page
from closedloop.crm.hubspot import HubSpotCrm, poll
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType


def everything(crm: HubSpotCrm, cursor: str | None = None) -> list[Page]:
    return list(crm.poll(cursor))


def gone(pages: list[Page]) -> set[Ref]:
    return {ref for page in pages for ref in page.batch.gone}


def contact(portal: Any, name: str) -> str:
    return str(portal.create("contacts", {"email": f"{name}@example.com"}))


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every poll reads the lists of archived records."""
    monkeypatch.setattr(poll, "ARCHIVED_EVERY", timedelta())


@pytest.mark.usefixtures("often")
def test_a_poll_finds_archived_contacts_leads_deals_and_companies(portal: Any, connected: HubSpotCrm) -> None:
    ann, ben = contact(portal, "ann"), contact(portal, "ben")
    lead = portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", ann)])
    deal = portal.create("deals", {"dealname": "D"})
    company = portal.create("companies", {"name": "C"})
    cursor = everything(connected)[-1].cursor
    for kind, each in (("leads", lead), ("deals", deal), ("companies", company), ("contacts", ben)):
        portal.delete(kind, each)
    assert gone(everything(connected, cursor)) == {
        Ref(_O.LEAD, lead),
        Ref(_O.OPPORTUNITY, deal),
        Ref(_O.ACCOUNT, company),
        Ref(_O.CONTACT, ben),
    }


@pytest.mark.usefixtures("often")
def test_what_was_archived_during_the_first_poll_is_found_at_its_end(
    portal: Any, connected: HubSpotCrm
) -> None:
    ann = contact(portal, "ann")
    pages = []
    for page in connected.poll(None):
        pages.append(page)
        if Ref(_O.CONTACT, ann) in {record.ref for record in page.batch.records}:
            portal.delete("contacts", ann)
    assert gone(pages) == {Ref(_O.CONTACT, ann)}


@pytest.mark.usefixtures("often")
def test_what_was_archived_long_before_is_not_looked_for_again(portal: Any, connected: HubSpotCrm) -> None:
    ann, ben = contact(portal, "ann"), contact(portal, "ben")
    portal.delete("contacts", ann, at=datetime.now(UTC) - timedelta(days=30))
    cursor = everything(connected)[-1].cursor
    portal.delete("contacts", ben)
    assert gone(everything(connected, cursor)) == {Ref(_O.CONTACT, ben)}


@pytest.mark.usefixtures("often")
def test_what_lives_again_is_not_reported_gone(portal: Any, connected: HubSpotCrm) -> None:
    ann = contact(portal, "ann")
    cursor = everything(connected)[-1].cursor
    portal.delete("contacts", ann)
    portal.restore("contacts", ann)
    pages = everything(connected, cursor)
    assert gone(pages) == set()
    assert Ref(_O.CONTACT, ann) in {record.ref for page in pages for record in page.batch.records}


def test_the_lists_are_read_once_an_hour(portal: Any, connected: HubSpotCrm, requests: Any) -> None:
    contact(portal, "ann")
    cursor = everything(connected)[-1].cursor
    before = requests("GET", "/crm/v3/objects/contacts")
    everything(connected, cursor)
    assert requests("GET", "/crm/v3/objects/contacts") == before


@pytest.mark.usefixtures("often")
def test_a_poll_that_stopped_among_the_archived_goes_on_there(portal: Any, connected: HubSpotCrm) -> None:
    deals = [portal.create("deals", {"dealname": f"D{number}"}) for number in range(130)]
    ann = contact(portal, "ann")
    cursor = everything(connected)[-1].cursor
    for each in deals:
        portal.delete("deals", each)
    portal.delete("contacts", ann)
    found: set[Ref] = set()
    interruptions = 0
    while interruptions < 20:
        for page in connected.poll(cursor):
            found |= set(page.batch.gone)
            cursor = page.cursor
            if '"phase":"archived","after"' in cursor:  # the process ends within the lists
                interruptions += 1
                break
        else:
            break
    assert interruptions == 4
    assert found == {Ref(_O.CONTACT, ann), *(Ref(_O.OPPORTUNITY, each) for each in deals)}


@pytest.mark.parametrize("new_record", [True, False], ids=["today", "before"])
def test_a_poll_tells_what_was_merged_away(portal: Any, connected: HubSpotCrm, new_record: bool) -> None:
    portal.merges_make_records = new_record
    ann, twin = contact(portal, "ann"), contact(portal, "twin")
    cursor = everything(connected)[-1].cursor
    kept = portal.merge("contacts", ann, twin)
    pages = everything(connected, cursor)
    assert Ref(_O.CONTACT, twin) in gone(pages)
    assert Ref(_O.CONTACT, kept) in {record.ref for page in pages for record in page.batch.records}
    assert Ref(_O.CONTACT, kept) not in gone(pages)


def test_the_sizes_are_those_of_what_can_be_searched(
    portal: Any, connected: HubSpotCrm, requests: Any
) -> None:
    for number in range(3):
        contact(portal, f"c{number}")
    portal.create("deals", {"dealname": "D"})
    assert connected.sizes() == {_O.ACCOUNT: 0, _O.CONTACT: 3, _O.LEAD: 0, _O.OPPORTUNITY: 1}
    assert requests("POST", "/crm/v3/objects/contacts/search") == 1


def test_the_associations_of_a_thousand_records_take_one_call_each_kind(
    portal: Any, connected: HubSpotCrm, requests: Any
) -> None:
    people = [contact(portal, f"c{number}") for number in range(120)]
    leads = [
        portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", each)]) for each in people
    ]
    batch = connected.refresh(Ref(_O.LEAD, each) for each in leads)
    assert len([each for each in batch.records if each.object is _O.LEAD]) == 120
    assert requests("POST", "/crm/v4/associations/leads/contacts/batch/read") == 1
    assert requests("POST", "/crm/v3/objects/leads/batch/read") == 3
