"""Reading objects by id, with all that belongs to them, from a whole org."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.base import Batch
from closedloop.crm.salesforce import SalesforceCrm
from closedloop.errors import RefusedError
from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox
from closedloop.schema.records import Lead, Money, Opportunity, Ref
from closedloop.schema.vocabulary import ObjectType

LOST = {"StageName": "Closed Lost", "CloseDate": "2026-11-20", "Loss_Reason__c": "Price", "Amount": 1000}


def lead(org: Org, name: str = "Doe", **fields: Any) -> str:
    return org.insert("Lead", {"LastName": name, "Company": "Acme", **fields})


def ids(batch: Batch, of: ObjectType) -> set[str]:
    return {record.id for record in batch.records if record.object is of}


def requests(org: Org) -> int:
    return sum(org.requests.values())


def test_a_lead_comes_with_its_members_campaigns_and_who_changed_it(crm: SalesforceCrm, org: Org) -> None:
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    other = org.insert("Campaign", {"Name": "Nobody's"})
    rejected = lead(org, Status="Closed - Not Converted", Disqualified_Reason__c="No Budget")
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": rejected})
    batch = crm.refresh([Ref(ObjectType.LEAD, rejected[:15])])
    assert ids(batch, ObjectType.LEAD) == {rejected}
    assert ids(batch, ObjectType.CAMPAIGN_MEMBER) == {member}
    assert ids(batch, ObjectType.CAMPAIGN) == {campaign} != {other}
    assert ids(batch, ObjectType.USER) == {org.admin_id}
    (read,) = [record for record in batch.records if isinstance(record, Lead)]
    assert (read.stage, read.reason, read.raw["Status"]) == (
        "Closed - Not Converted",
        "No Budget",
        "Closed - Not Converted",
    )
    assert batch.gone == ()
    assert batch.refused == ()


def test_a_converted_lead_comes_with_its_contact_and_the_member_that_moved_there(
    crm: SalesforceCrm, org: Org
) -> None:
    campaigns = [org.insert("Campaign", {"Name": name}) for name in ("One", "Two")]
    accepted = lead(org)
    before = org.insert("CampaignMember", {"CampaignId": campaigns[0], "LeadId": accepted})
    contact = org.convert_lead(accepted).contact_id
    after = org.insert("CampaignMember", {"CampaignId": campaigns[1], "ContactId": contact})
    batch = crm.refresh([Ref(ObjectType.LEAD, accepted)])
    assert ids(batch, ObjectType.CONTACT) == {contact}
    assert ids(batch, ObjectType.CAMPAIGN_MEMBER) == {before, after}
    assert ids(batch, ObjectType.CAMPAIGN) == set(campaigns)
    assert len(batch.records) == len({record.ref for record in batch.records})


def test_an_opportunity_comes_with_its_roles_their_contacts_and_those_contacts_members(
    crm: SalesforceCrm, org: Org
) -> None:
    campaigns = [org.insert("Campaign", {"Name": name}) for name in ("Primary", "Touch")]
    contact = org.insert("Contact", {"LastName": "Doe"})
    lost = org.insert("Opportunity", {"Name": "Deal", "CampaignId": campaigns[0], **LOST})
    role = org.insert(
        "OpportunityContactRole", {"OpportunityId": lost, "ContactId": contact, "IsPrimary": True}
    )
    member = org.insert("CampaignMember", {"CampaignId": campaigns[1], "ContactId": contact})
    for asked in (Ref(ObjectType.OPPORTUNITY, lost), Ref(ObjectType.CONTACT_ROLE, role)):
        batch = crm.refresh([asked])
        assert ids(batch, ObjectType.OPPORTUNITY) == {lost}
        assert ids(batch, ObjectType.CONTACT_ROLE) == {role}
        assert ids(batch, ObjectType.CONTACT) == {contact}
        assert ids(batch, ObjectType.CAMPAIGN_MEMBER) == {member}
        assert ids(batch, ObjectType.CAMPAIGN) == set(campaigns)
        assert batch.gone == ()


def test_a_campaign_comes_without_its_members(crm: SalesforceCrm, org: Org) -> None:
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead(org)})
    batch = crm.refresh([Ref(ObjectType.CAMPAIGN, campaign)])
    assert [record.id for record in batch.records] == [campaign]


def test_what_is_deleted_unknown_or_no_id_at_all_is_told_apart(crm: SalesforceCrm, org: Org) -> None:
    deleted = lead(org)
    org.delete("Lead", deleted)
    unknown, strange = "00QQy00000000ZZMAZ", "//evil.example/x"
    kept = lead(org)
    batch = crm.refresh([Ref(ObjectType.LEAD, value) for value in (deleted, unknown, strange, kept)])
    assert set(batch.gone) == {Ref(ObjectType.LEAD, deleted), Ref(ObjectType.LEAD, unknown)}
    assert [(refusal.ref.id, refusal.error.reason) for refusal in batch.refused] == [(strange, "bad_id")]
    assert ids(batch, ObjectType.LEAD) == {kept}


def test_a_merged_lead_is_gone_and_its_survivor_is_read_instead(
    crm: SalesforceCrm, org: Org, merge: Any
) -> None:
    first, second, survivor = lead(org, "One"), lead(org, "Two"), lead(org, "Three")
    merge("Lead", first, second)
    merge("Lead", second, survivor)
    batch = crm.refresh([Ref(ObjectType.LEAD, first)])
    assert set(batch.gone) == {Ref(ObjectType.LEAD, first), Ref(ObjectType.LEAD, second)}
    assert ids(batch, ObjectType.LEAD) == {survivor}


def test_a_role_that_was_taken_off_is_gone(crm: SalesforceCrm, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Doe"})
    lost = org.insert("Opportunity", {"Name": "Deal", **LOST})
    role = org.insert("OpportunityContactRole", {"OpportunityId": lost, "ContactId": contact})
    org.delete("OpportunityContactRole", role)
    batch = crm.refresh([Ref(ObjectType.OPPORTUNITY, lost)])
    assert batch.gone == (Ref(ObjectType.CONTACT_ROLE, role),)
    assert ids(batch, ObjectType.CONTACT) == set()


def test_many_ids_travel_in_few_requests(crm: SalesforceCrm, org: Org) -> None:
    leads = [lead(org, f"Doe {number}") for number in range(450)]
    crm.refresh([Ref(ObjectType.LEAD, leads[0])])
    before = requests(org)
    batch = crm.refresh([Ref(ObjectType.LEAD, value) for value in leads])
    assert ids(batch, ObjectType.LEAD) == set(leads)
    # Six queries (three of leads, three of their members) in two requests, and one for the user.
    assert requests(org) - before == 3


def test_nothing_asked_is_nothing_read(crm: SalesforceCrm, org: Org) -> None:
    assert crm.refresh([]) == Batch()
    assert requests(org) == 0


def test_money_has_the_currency_that_the_credentials_state(org: Org, connected: Any) -> None:
    lost = org.insert("Opportunity", {"Name": "Deal", **LOST})
    for stated in (None, "EUR"):
        crm = connected(currency=stated)
        batch = crm.refresh([Ref(ObjectType.OPPORTUNITY, lost)])
        (read,) = [record for record in batch.records if isinstance(record, Opportunity)]
        assert read.amount == Money(amount=Decimal(1000), currency=stated)
        assert crm.organisation().currency == stated


def test_the_organisation_is_the_one_that_the_token_is_for(
    crm: SalesforceCrm, sandbox: SalesforceSandbox
) -> None:
    found = crm.organisation()
    assert (found.id, found.name) == (sandbox.organization_id, "Sandbox")
    assert crm.organisation() is found


def test_a_field_that_went_away_since_is_left_out_and_told(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org
) -> None:
    asked = Ref(ObjectType.LEAD, lead(org))
    crm.refresh([asked])
    sandbox.fail(Refusal("INVALID_FIELD", "No such column 'Gone__c' on entity 'Lead'"), path="composite")
    assert ids(crm.refresh([asked]), ObjectType.LEAD) == {asked.id}
    assert org.requests["GET", "/services/data/v62.0/sobjects/Lead/describe"] == 2
    sandbox.fail(Refusal("INVALID_FIELD", "No such column"), times=2, path="composite")
    with pytest.raises(RefusedError):
        crm.refresh([asked])


def test_reading_survives_locks_an_expired_session_and_a_busy_server(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org, waits: list[float]
) -> None:
    asked = Ref(ObjectType.LEAD, lead(org))
    crm.refresh([asked])
    sandbox.sessions.end_all()
    sandbox.fail(Refusal("SERVER_UNAVAILABLE", "busy", status=503), times=2, path="composite")
    assert ids(crm.refresh([asked]), ObjectType.LEAD) == {asked.id}
    assert len(waits) == 2
    assert crm.usage is not None
    assert crm.usage.total == 15_000


def test_a_payload_that_cannot_become_a_record_is_refused_and_the_others_are_not(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = lead(org, "Good"), lead(org, "Bad")
    query = crm.client.query

    def spoilt(questions: Any) -> Any:
        """One row holds a date that is none, as a text field mapped to a date would."""
        answers = query(questions)
        for row in (row for rows in answers for row in rows if row["Id"] == bad):
            row["ConvertedDate"] = "soon"
        return answers

    monkeypatch.setattr(crm.client, "query", spoilt)
    batch = crm.refresh([Ref(ObjectType.LEAD, good), Ref(ObjectType.LEAD, bad)])
    assert ids(batch, ObjectType.LEAD) == {good}
    ((ref, field),) = [(refusal.ref.id, refusal.error.field) for refusal in batch.refused]
    assert (ref, field) == (bad, "converted_on")
    assert batch.gone == ()
