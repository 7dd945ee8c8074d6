"""Reading the present state of what a hint named, from a portal that speaks HubSpot's protocol."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.crm.base import Batch
from closedloop.crm.hubspot import HubSpotCrm
from closedloop.errors import AuthenticationError
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.schema.records import Campaign, CampaignMember, Contact, ContactRole, Lead, Opportunity, Ref
from closedloop.schema.records import TouchPosition as Position
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType
LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNQUALIFIED = {
    "hs_pipeline_stage": "unqualified-stage-id",
    "hs_lead_disqualification_reason": "NOT_A_GOOD_FIT",
}


def ids(batch: Batch, kind: ObjectType) -> list[str]:
    return sorted(record.id for record in batch.records if record.object is kind)


def only(batch: Batch, kind: type[Any]) -> Any:
    (found,) = [record for record in batch.records if isinstance(record, kind)]
    return found


def test_a_lead_comes_with_who_decided_when_and_why(portal: Any, connected: HubSpotCrm) -> None:
    olga = portal.user_id(portal.create_owner("olga@example.com", "Olga", "Owner"))
    contact = portal.create("contacts", {"email": "ada@example.com"})
    links = [("contacts", contact)]
    lead = portal.create("leads", {"hs_lead_name": "Ada"}, associations=links, at=LONG_AGO)
    portal.update("leads", lead, UNQUALIFIED, at=LONG_AGO + timedelta(days=1), by=olga)
    batch = connected.refresh([Ref(_O.LEAD, lead)])
    found = only(batch, Lead)
    assert (found.stage, found.reason, found.contact_id) == (
        "unqualified-stage-id",
        "Not a Good Fit",
        contact,
    )
    assert (found.stage_changed_at, found.stage_changed_by) == (LONG_AGO + timedelta(days=1), str(olga))
    assert ids(batch, _O.CONTACT) == [contact]
    assert (batch.gone, batch.refused) == ((), ())


def test_a_deal_comes_with_its_contacts_and_their_roles(portal: Any, connected: HubSpotCrm) -> None:
    contacts = [portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(2)]
    company = portal.create("companies", {"name": "Example"})
    links = [("contacts", each) for each in contacts] + [("companies", company)]
    deal = portal.create("deals", {"dealname": "D", "amount": "10"}, associations=links)
    batch = connected.refresh([Ref(_O.OPPORTUNITY, deal)])
    assert only(batch, Opportunity).account_id == company
    assert ids(batch, _O.CONTACT_ROLE) == [f"{deal}/{each}" for each in contacts]
    assert ids(batch, _O.CONTACT) == contacts


def test_the_people_behind_a_lead_bring_their_campaigns(portal: Any, connected: HubSpotCrm) -> None:
    spring, autumn = (portal.create_campaign({"hs_name": name}) for name in ("Spring", "Autumn"))
    contact = portal.create("contacts", {"email": "ada@example.com"})
    portal.touch(spring, contact, LONG_AGO)
    portal.touch(autumn, contact, LONG_AGO + timedelta(days=9))
    lead = portal.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)])
    batch = connected.refresh([Ref(_O.LEAD, lead)])
    members = {
        m.campaign_id: (m.position, m.touched_at) for m in batch.records if isinstance(m, CampaignMember)
    }
    assert members == {
        spring: (Position.FIRST, LONG_AGO),
        autumn: (Position.LAST, LONG_AGO + timedelta(days=9)),
    }
    assert ids(batch, _O.CAMPAIGN) == sorted([spring, autumn])


def test_a_person_touched_by_one_campaign_only_has_one_member(portal: Any, connected: HubSpotCrm) -> None:
    spring = portal.create_campaign({"hs_name": "Spring"})
    contact = portal.create("contacts", {"email": "ada@example.com"})
    for days in (0, 5):
        portal.touch(spring, contact, LONG_AGO + timedelta(days=days))
    member = only(connected.refresh([Ref(_O.CONTACT, contact)]), CampaignMember)
    assert (member.position, member.touched_at) == (Position.ONLY, LONG_AGO)


def test_a_campaign_is_found_by_either_of_its_ids(portal: Any, connected: HubSpotCrm) -> None:
    guid = portal.create_campaign({"hs_name": "Spring", "hs_notes": "mine"})
    number = portal.campaign(guid)["properties"]["hs_object_id"]
    for id_ in (guid, guid.upper(), number):
        found = only(connected.refresh([Ref(_O.CAMPAIGN, id_)]), Campaign)
        assert (found.id, found.other_id, found.notes) == (guid, number, "mine")


def test_a_campaign_of_a_lead_is_read_with_it(portal: Any, connected: HubSpotCrm) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    number = portal.campaign(guid)["properties"]["hs_object_id"]
    contact = portal.create("contacts", {"email": "ada@example.com"})
    lead = portal.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)])
    portal.associate(("leads", lead), ("0-35", number))
    batch = connected.refresh([Ref(_O.LEAD, lead)])
    assert only(batch, Lead).campaign_id == number
    assert ids(batch, _O.CAMPAIGN) == [guid]


def test_what_is_not_there_is_gone_and_what_cannot_be_an_id_is_refused(
    portal: Any, connected: HubSpotCrm
) -> None:
    deal = portal.create("deals", {"dealname": "D"})
    contact = portal.create("contacts", {"email": "a@example.com"})
    portal.delete("deals", deal)
    guid = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
    gone = [
        Ref(_O.OPPORTUNITY, deal),
        Ref(_O.LEAD, "404"),
        Ref(_O.CAMPAIGN, guid),
        Ref(_O.CAMPAIGN, "404"),
        Ref(_O.CAMPAIGN_MEMBER, f"{guid}/{contact}"),
        Ref(_O.CONTACT_ROLE, f"{deal}/{contact}"),
        Ref(_O.USER, "404"),
    ]
    odd = [Ref(_O.CONTACT, "../1"), Ref(_O.ACTIVITY, "1")]
    batch = connected.refresh([*gone, *odd])
    assert set(batch.gone) == set(gone)
    assert {(refusal.ref, refusal.error.reason) for refusal in batch.refused} == {
        (odd[0], "bad_id"),
        (odd[1], "unsupported"),
    }


@pytest.mark.parametrize("renews", [True, False])
def test_a_merged_contact_is_gone_and_its_survivor_is_read(
    portal: Any, connected: HubSpotCrm, renews: bool
) -> None:
    portal.merges_make_records = renews
    kept, merged = (portal.create("contacts", {"email": f"{name}@example.com"}) for name in "ab")
    left = portal.merge("contacts", kept, merged)
    assert (left == kept) is not renews
    batch = connected.refresh([Ref(_O.CONTACT, merged)])
    assert batch.gone == (Ref(_O.CONTACT, merged),)
    assert only(batch, Contact).id == left


def test_more_refs_than_a_batch_holds_are_read_in_batches(
    portal: Any, connected: HubSpotCrm, requests: Any
) -> None:
    leads = []
    for number in range(120):
        contact = portal.create("contacts", {"email": f"c{number}@example.com"})
        leads.append(portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", contact)]))
    batch = connected.refresh([Ref(_O.LEAD, lead) for lead in leads])
    assert (len(ids(batch, _O.LEAD)), len(ids(batch, _O.CONTACT))) == (120, 120)
    assert requests("POST", "/crm/v3/objects/leads/batch/read") == 3  # 50 with histories
    assert requests("POST", "/crm/v3/objects/contacts/batch/read") == 2


def test_users_and_stages_can_be_asked_for_by_name(portal: Any, connected: HubSpotCrm) -> None:
    owner = portal.create_owner("olga@example.com", "Olga", "Owner")
    refs = [
        Ref(_O.USER, owner),
        Ref(_O.STAGE, "default/closedwon"),
        Ref(_O.STAGE, "lead-pipeline-id/new-stage-id"),
    ]
    batch = connected.refresh(refs)
    assert {record.ref for record in batch.records} == set(refs)


def test_an_influenced_member_can_be_asked_for_by_name(portal: Any, connected: HubSpotCrm) -> None:
    campaigns = [portal.create_campaign({"hs_name": str(n)}) for n in range(3)]
    contact = portal.create("contacts", {"email": "ada@example.com"})
    for days, guid in enumerate(campaigns):
        portal.touch(guid, contact, LONG_AGO + timedelta(days=days))
    ref = Ref(_O.CAMPAIGN_MEMBER, f"{campaigns[1]}/{contact}")
    members = [m for m in connected.refresh([ref]).records if m.ref == ref]
    assert [(m.position, m.touched_at) for m in members if isinstance(m, CampaignMember)] == [
        (Position.UNKNOWN, None)
    ]


def test_a_contact_role_brings_its_deal(portal: Any, connected: HubSpotCrm) -> None:
    contact = portal.create("contacts", {"email": "a@example.com"})
    deal = portal.create("deals", {"dealname": "D"}, associations=[("contacts", contact)])
    batch = connected.refresh([Ref(_O.CONTACT_ROLE, f"{deal}/{contact}")])
    assert (only(batch, Opportunity).id, only(batch, ContactRole).contact_id) == (deal, contact)


def test_a_portal_without_leads_is_read_without_them(
    sandbox: HubSpotSandbox, portal: Any, connected: HubSpotCrm, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.objects.leads.read"]}}
    portal.faults.add(403, path="/crm/v3/properties/leads", body=body, times=99)
    assert connected.refresh([Ref(_O.LEAD, "1")]).gone == (Ref(_O.LEAD, "1"),)
    assert "hs_lead_disqualification_reason" in connected.missing_fields[_O.LEAD]
    assert "crm.objects.leads.read" in caplog.text


def test_a_property_that_the_portal_lacks_is_reported_and_not_asked_for(double: Any, crm: HubSpotCrm) -> None:
    has = [{"name": name} for name in ("dealname", "dealstage")]
    double.answer("GET", "/crm/v3/properties/deals", {"results": has})
    double.answer("POST", "/crm/v3/objects/deals/batch/read", {"results": []})
    crm.refresh([Ref(_O.OPPORTUNITY, "1")])
    (asked,) = double.bodies("/crm/v3/objects/deals/batch/read")
    assert (sorted(asked["properties"]), asked["propertiesWithHistory"]) == (
        ["dealname", "dealstage"],
        ["dealstage"],
    )
    assert "closed_lost_reason" in crm.missing_fields[_O.OPPORTUNITY]
    assert "dealname" not in crm.missing_fields[_O.OPPORTUNITY]


def test_a_record_that_cannot_be_read_is_not_called_gone(double: Any, told: Any, crm: HubSpotCrm) -> None:
    named = {"category": "VALIDATION_ERROR", "context": {"ids": ["2"]}}
    answer = {"results": [{"id": "1", "properties": {}}], "errors": [named], "numErrors": 1}
    double.answer("GET", "/crm/v3/properties/companies", {"results": [{"name": "name"}]})
    double.answer("POST", "/crm/v3/objects/companies/batch/read", told(answer, 207))
    batch = crm.refresh([Ref(_O.ACCOUNT, each) for each in "123"])
    assert [record.id for record in batch.records] == ["1"]
    assert batch.gone == (Ref(_O.ACCOUNT, "3"),)
    assert [(refusal.ref.id, refusal.error.reason) for refusal in batch.refused] == [("2", "unreadable")]


def test_after_an_error_that_names_nothing_nobody_is_called_gone(
    double: Any, told: Any, crm: HubSpotCrm
) -> None:
    answer = {"results": [], "errors": [{"message": "Something went wrong"}], "numErrors": 1}
    double.answer("GET", "/crm/v3/properties/companies", {"results": [{"name": "name"}]})
    double.answer("POST", "/crm/v3/objects/companies/batch/read", told(answer, 207))
    batch = crm.refresh([Ref(_O.ACCOUNT, "1")])
    assert (batch.gone, len(batch.refused)) == ((), 1)


def test_a_portal_that_shows_no_campaigns_of_leads_is_asked_once(
    portal: Any, connected: HubSpotCrm, requests: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/crm/v4/associations/leads/0-35/batch/read"
    portal.faults.add(400, path=path, body={"category": "VALIDATION_ERROR"}, times=9)
    contact = portal.create("contacts", {"email": "a@example.com"})
    lead = portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", contact)])
    for _ in range(2):
        assert ids(connected.refresh([Ref(_O.LEAD, lead)]), _O.LEAD) == [lead]
    assert caplog.text.count("shows no campaigns") == 1


def test_a_token_that_is_not_accepted_stops_everything(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    sandbox.renew_token()
    for call in (connected.organisation, lambda: connected.refresh([Ref(_O.LEAD, "1")])):
        with pytest.raises(AuthenticationError) as refused:
            call()
        assert refused.value.reason == "bad_token"


@pytest.mark.parametrize("refs", [[], [Ref(_O.CONTACT, "1")] * 3])
def test_nothing_is_asked_for_twice(refs: Sequence[Ref], connected: HubSpotCrm) -> None:
    assert connected.refresh(refs).gone == tuple(dict.fromkeys(refs))
