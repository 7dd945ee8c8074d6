"""Reading a whole org: by id with all that belongs to it, and page by page what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.base import Batch, Page
from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.errors import RefusedError
from closedloop.mapping import load_mappings
from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox
from closedloop.schema.records import Lead, Money, Opportunity, Record, Ref, Stage
from closedloop.schema.vocabulary import ObjectType

STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOST = {"StageName": "Closed Lost", "CloseDate": "2026-11-20", "Loss_Reason__c": "Price", "Amount": 1000}
LOCKED = Refusal("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = STARTED

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(clock=clock) as running:
        yield running


@pytest.fixture
def org(sandbox: SalesforceSandbox) -> Org:
    return sandbox.org


def connected(
    sandbox: SalesforceSandbox, clock: Clock, *, page_size: int = 2000, currency: str | None = None
) -> SalesforceCrm:
    credentials = SalesforceCredentials(
        login_url=sandbox.url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        currency=currency,
    )
    return SalesforceCrm(credentials, load_mappings(), page_size=page_size, clock=clock)


@pytest.fixture
def crm(sandbox: SalesforceSandbox, clock: Clock) -> SalesforceCrm:
    return connected(sandbox, clock)


def lead(org: Org, name: str = "Doe", **fields: Any) -> str:
    return org.insert("Lead", {"LastName": name, "Company": "Acme", **fields})


def merged(org: Org, sobject: str, loser: str, survivor: str) -> None:
    """What merging does to the record that loses: it is deleted and says which one survived."""
    org.delete(sobject, loser)
    with org.transaction():
        row = org.tables.get(sobject, loser)
        assert row is not None
        org.tables.put(sobject, {**row, "MasterRecordId": survivor})


def ids(batch: Batch, of: ObjectType) -> set[str]:
    return {record.id for record in batch.records if record.object is of}


def everything(pages: Iterable[Page]) -> tuple[list[Record], list[Ref], str]:
    """The records and gone refs of all pages, and the last cursor."""
    records: list[Record] = []
    gone: list[Ref] = []
    cursor = ""
    for page in pages:
        records += page.batch.records
        gone += page.batch.gone
        cursor = page.cursor
    return records, gone, cursor


def changed(crm: SalesforceCrm, cursor: str | None) -> tuple[list[str], list[str], str]:
    """The ids of what a poll brings besides stages and users, of what is gone, and the cursor."""
    records, gone, after = everything(crm.poll(cursor))
    quiet = (ObjectType.STAGE, ObjectType.USER)
    return [r.id for r in records if r.object not in quiet], [ref.id for ref in gone], after


def requests(org: Org) -> int:
    return sum(org.requests.values())


# By id ------------------------------------------------------------------------------------------


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


def test_a_merged_lead_is_gone_and_its_survivor_is_read_instead(crm: SalesforceCrm, org: Org) -> None:
    first, second, survivor = lead(org, "One"), lead(org, "Two"), lead(org, "Three")
    merged(org, "Lead", first, second)
    merged(org, "Lead", second, survivor)
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


def test_money_has_the_currency_that_the_credentials_state(
    sandbox: SalesforceSandbox, org: Org, clock: Clock
) -> None:
    lost = org.insert("Opportunity", {"Name": "Deal", **LOST})
    for stated in (None, "EUR"):
        crm = connected(sandbox, clock, currency=stated)
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


# By poll ----------------------------------------------------------------------------------------


def test_the_first_poll_brings_everything_and_the_stages_first(crm: SalesforceCrm, org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    contact = org.insert("Contact", {"LastName": "Doe", "AccountId": account})
    person = lead(org)
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": person})
    lost = org.insert("Opportunity", {"Name": "Deal", **LOST})
    role = org.insert("OpportunityContactRole", {"OpportunityId": lost, "ContactId": contact})
    pages = list(crm.poll(None))
    assert all(isinstance(record, Stage) for record in pages[0].batch.records)
    assert len(pages[0].batch.records) == 14
    assert [record.id for page in pages[2:] for record in page.batch.records] == [
        account, campaign, contact, person, member, role, lost,
    ]  # fmt: skip


def test_a_poll_that_finds_nothing_new_costs_two_requests(crm: SalesforceCrm, org: Org) -> None:
    lead(org)
    _, _, cursor = changed(crm, None)
    before = requests(org)
    changed(crm, cursor)
    assert requests(org) - before == 2


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 2000])
def test_no_row_is_lost_or_doubled_at_the_edge_of_a_page_even_with_one_stamp(
    sandbox: SalesforceSandbox, org: Org, clock: Clock, page_size: int
) -> None:
    together = [lead(org, f"Doe {number}") for number in range(7)]
    clock.now += HOUR
    later = lead(org, "Later")
    found, _, _ = changed(connected(sandbox, clock, page_size=page_size), None)
    assert found == [*sorted(together), later]


def test_a_change_is_found_and_what_lies_long_before_is_not_read_again(
    crm: SalesforceCrm, org: Org, clock: Clock
) -> None:
    lead(org, "Old")
    clock.now += HOUR
    newest = lead(org, "New")
    _, _, cursor = changed(crm, None)
    clock.now += timedelta(minutes=1)
    org.update("Lead", newest, {"Status": "Working - Contacted"})
    found, _, _ = changed(crm, cursor)
    assert found == [newest]


def test_a_row_that_was_committed_late_with_an_earlier_stamp_is_found(
    crm: SalesforceCrm, org: Org, clock: Clock
) -> None:
    first = lead(org, "First")
    _, _, cursor = changed(crm, None)
    late = org.insert("Lead", {"LastName": "Late", "Company": "Acme"}, at=STARTED - timedelta(minutes=4))
    found, _, _ = changed(crm, cursor)
    assert set(found) == {first, late}


def test_a_quiet_org_is_in_the_end_not_read_again(crm: SalesforceCrm, org: Org, clock: Clock) -> None:
    person = lead(org)
    _, _, cursor = changed(crm, None)
    clock.now += HOUR
    again, _, cursor = changed(crm, cursor)
    assert again == [person]
    found, _, cursor = changed(crm, cursor)
    assert found == []
    newer = lead(org, "Newer")
    found, _, _ = changed(crm, cursor)
    assert found == [newer]


def test_deletions_and_merges_are_found(crm: SalesforceCrm, org: Org, clock: Clock) -> None:
    people = [lead(org, name) for name in ("Deleted", "Loser", "Survivor")]
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": people[2]})
    _, _, cursor = changed(crm, None)
    clock.now += HOUR
    org.delete("Lead", people[0])
    merged(org, "Lead", people[1], people[2])
    org.delete("CampaignMember", member)
    _, gone, _ = changed(crm, cursor)
    assert set(gone) == {people[0], people[1], member}


def test_a_poll_can_be_taken_up_after_any_page(sandbox: SalesforceSandbox, org: Org, clock: Clock) -> None:
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    people = [lead(org, f"Doe {number}") for number in range(5)]
    members = {org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": person}) for person in people}
    crm = connected(sandbox, clock, page_size=2)
    pages = list(crm.poll(None))
    for stopped in range(1, len(pages)):
        found = {record.id for page in pages[:stopped] for record in page.batch.records}
        rest, _, _ = everything(crm.poll(pages[stopped - 1].cursor))
        assert {campaign, *people, *members} <= found | {record.id for record in rest}
        if 0 < len(found & members) < len(members):
            # Taken up inside the members' walk: neither the leads nor the first members come again.
            assert not {record.id for record in rest} & (found - {campaign} & {*people, *members})


def test_a_poll_taken_one_page_at_a_time_comes_to_its_end(
    sandbox: SalesforceSandbox, org: Org, clock: Clock
) -> None:
    people = {lead(org, f"Doe {number}") for number in range(9)}
    crm = connected(sandbox, clock, page_size=2)
    found: set[str] = set()
    cursor: str | None = None
    for _ in range(30):
        pages = iter(crm.poll(cursor))
        for page in (next(pages), *([following] if (following := next(pages, None)) else [])):
            found |= {record.id for record in page.batch.records if record.object is ObjectType.LEAD}
            cursor = page.cursor
    assert found == people


def test_a_poll_that_fails_in_the_middle_goes_on_from_its_last_page(
    sandbox: SalesforceSandbox, org: Org, clock: Clock
) -> None:
    people = {lead(org, f"Doe {number}") for number in range(6)}
    crm = connected(sandbox, clock, page_size=2)
    found: set[str] = set()
    pages = crm.poll(None)
    while not found:
        page = next(pages)
        found |= {record.id for record in page.batch.records if record.object is ObjectType.LEAD}
    sandbox.fail(Refusal("MALFORMED_QUERY", "broken"), path="/query")
    with pytest.raises(RefusedError):
        next(pages)
    assert len(found) == 2
    rest, _, _ = everything(crm.poll(page.cursor))
    assert found | {r.id for r in rest if r.object is ObjectType.LEAD} == people


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
