"""Reading by id, and reading all there is."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from closedloop.crm.base import Refusal
from closedloop.crm.hubspot import HubSpotCrm, fetch
from closedloop.errors import AuthenticationError, BadValueError, GoneError, MergedError, UnsupportedError
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
WHEN = "2026-03-01T09:00:00Z"


def total(portal: Any) -> int:
    return sum(portal.requests.values())


def contacts(portal: Any, count: int) -> list[str]:
    return [portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(count)]


# -- By id


def test_results_come_in_the_order_asked_for(portal: Any, connected: HubSpotCrm) -> None:
    made = contacts(portal, 230)
    asked = [*reversed(made), "999999"]
    results = connected.contacts.get_many(asked)
    assert [result.id for result in results] == asked
    assert [result.record.id for result in results if result.record] == asked[:-1]
    assert isinstance(results[-1].error, GoneError)


def test_the_same_id_twice_is_read_once(portal: Any, connected: HubSpotCrm) -> None:
    (made,) = contacts(portal, 1)
    results = connected.contacts.get_many([made, f"0{made}", made])
    assert [result.record.id for result in results if result.record] == [made] * 3
    assert portal.requests["POST", "/crm/v3/objects/contacts/batch/read"] == 1


def test_history_halves_the_batches(portal: Any, connected: HubSpotCrm) -> None:
    made = [portal.create("deals", {"dealname": "D", "dealstage": "closedwon"}) for _ in range(60)]
    results = connected.opportunities.get_many(made)
    assert all(result.record and result.record.stage_changed_at for result in results)
    assert portal.requests["POST", "/crm/v3/objects/deals/batch/read"] == 2


def test_a_merged_record_is_named_by_the_one_that_it_lives_on_in(portal: Any, connected: HubSpotCrm) -> None:
    first, second, other = contacts(portal, 3)
    left = portal.merge("contacts", first, second)
    asked = [first, other, second]
    gone = [each for each in asked if each not in {left, other}]
    for result in connected.contacts.get_many(asked):
        if result.id in gone:
            assert isinstance(result.error, MergedError)
            assert result.error.merged_into == left
        else:
            assert result.error is None
    with pytest.raises(MergedError):
        connected.contacts.get(gone[0])


def test_a_merged_record_beside_its_survivor_is_told_from_it(portal: Any, connected: HubSpotCrm) -> None:
    first, second = contacts(portal, 2)
    left = portal.merge("contacts", first, second)
    old = next(each for each in (first, second) if each != left)
    results = connected.contacts.get_many([old, left])
    assert isinstance(results[0].error, MergedError)
    assert results[1].record is not None


def test_a_survivor_that_names_nobody_is_found_by_asking_again(double: Any, crm: HubSpotCrm) -> None:
    """Whether HubSpot shows `hs_merged_object_ids` to every token is not known."""
    double.answer("GET", "/crm/v3/properties/contacts", {"results": [{"name": "email", "type": "string"}]})
    double.answer("POST", "/crm/v4/associations/contacts/companies/batch/read", {"results": []})
    double.answer("GET", "/account-info/v3/details", {"portalId": 1})
    people = {"1": "11", "2": "2", "3": "13"}

    def read(body: Any) -> Any:
        found = [people[each["id"]] for each in body["inputs"]]
        return type(double).told({"results": [{"id": each, "properties": {"email": None}} for each in found]})

    double.respond("POST", "/crm/v3/objects/contacts/batch/read", read)
    results = crm.contacts.get_many(["1", "2", "3"])
    assert [getattr(result.error, "merged_into", None) for result in results] == ["11", None, "13"]


@pytest.mark.parametrize(
    ("resource", "id_"),
    [
        ("contacts", ""),
        ("contacts", "abc"),
        ("contacts", "1/2"),
        ("contacts", "1?archived=true"),
        ("contacts", "\u0661\u0662"),
        ("contacts", "1" * 21),
        ("contacts", str(2**63)),
        *((each, odd) for each in ("contacts", "contact_roles", "stages") for odd in (None, 7, b"1", ["1"])),
        ("campaigns", "123"),
        ("campaigns", GUID + "0"),
        ("contact_roles", "1"),
        ("contact_roles", f"{GUID}/1"),
        ("campaign_members", "1/2"),
        ("stages", "default"),
        ("stages", "a/b/c"),
    ],
)
def test_what_cannot_be_an_id_is_refused_before_anything_is_sent(
    portal: Any, connected: HubSpotCrm, resource: str, id_: Any
) -> None:
    with pytest.raises(BadValueError) as caught:
        getattr(connected, resource).get(id_)
    assert caught.value.reason == "bad_id"
    assert total(portal) == 0


def test_campaigns_are_read_by_guid_in_any_case(portal: Any, connected: HubSpotCrm) -> None:
    guids = [portal.create_campaign({"hs_name": f"C{n}"}) for n in range(60)]
    results = connected.campaigns.get_many([guid.upper() for guid in guids])
    assert [result.record.id for result in results if result.record] == guids
    assert portal.requests["POST", "/marketing/v3/campaigns/batch/read"] == 2
    portal.delete_campaign(guids[0])
    with pytest.raises(GoneError):
        connected.campaigns.get(guids[0])


def test_without_access_to_campaigns_the_refusal_is_told(portal: Any, connected: HubSpotCrm) -> None:
    body = {"status": "error", "category": "MISSING_SCOPES", "message": "no"}
    portal.faults.add(403, path="/marketing/v3/campaigns", body=body, times=5)
    for read in (lambda: connected.campaigns.get(GUID), lambda: list(connected.campaigns.list())):
        with pytest.raises(AuthenticationError):
            read()


def test_contact_roles_members_stages_and_users_are_read_by_the_ids_of_their_records(
    portal: Any, connected: HubSpotCrm
) -> None:
    ada, bob = contacts(portal, 2)
    deal = portal.create("deals", {"dealname": "D"}, associations=[("contacts", ada)])
    campaign = portal.create_campaign({"hs_name": "Spring"})
    portal.touch(campaign, ada, portal.clock())
    owner = portal.create_owner("olga@example.com", "Olga", "Owner")
    cases: list[tuple[Any, str, str]] = [
        (connected.contact_roles, f"{deal}/{ada}", f"{deal}/{bob}"),
        (connected.campaign_members, f"{campaign}/{ada}", f"{campaign}/{bob}"),
        (connected.stages, "lead-pipeline-id/unqualified-stage-id", "default/nowhere"),
        (connected.users, owner, "1"),
    ]
    for resource, there, missing in cases:
        assert resource.get(there).id == there
        with pytest.raises(GoneError):
            resource.get(missing)


def test_an_activity_is_found_whatever_kind_it_is(portal: Any, connected: HubSpotCrm) -> None:
    (ada,) = contacts(portal, 1)
    bodies: Mapping[str, dict[str, str]] = {
        "calls": {"hs_call_title": "Hello", "hs_timestamp": WHEN},
        "emails": {"hs_timestamp": WHEN},  # without a subject
        "meetings": {"hs_meeting_title": "Demo", "hs_timestamp": WHEN},
        "tasks": {"hs_task_subject": "Call back", "hs_timestamp": WHEN},
        "notes": {"hs_note_body": "Nice", "hs_timestamp": WHEN},
    }
    made = {
        source: portal.create(source, values, associations=[("contacts", ada)])
        for source, values in bodies.items()
    }
    results = connected.activities.get_many([*made.values(), "999"])
    kinds = [result.record.kind for result in results if result.record]
    assert kinds[:3] == ["Call", "Email", "Meeting"]
    assert all(result.record.contact_id == ada for result in results[:5] if result.record)
    assert isinstance(results[5].error, GoneError)
    assert {each.id for each in connected.activities.list()} == set(made.values())


# -- All there is


@pytest.mark.parametrize("count", [100, 101, 550])
def test_listing_contacts_costs_one_call_a_hundred(portal: Any, connected: HubSpotCrm, count: int) -> None:
    company = portal.create("companies", {"name": "A"})
    for n in range(count):
        portal.create("contacts", {"email": f"c{n}@example.com"}, associations=[("companies", company)])
    list(connected.accounts.list())
    connected.definitions.of("contacts")
    connected.organisation()
    before = total(portal)
    found = list(connected.contacts.list())
    assert len({contact.id for contact in found}) == count
    assert {contact.account_id for contact in found} == {company}
    assert total(portal) - before <= 1.1 * math.ceil(count / 100)


def test_a_list_takes_no_more_memory_however_long_it_is(portal: Any, connected: HubSpotCrm) -> None:
    contacts(portal, 600)
    listed = connected.contacts.list()
    next(listed)
    tracemalloc.start()
    peaks = []
    for number, _ in enumerate(listed):
        if number % 200 == 100:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()
    tracemalloc.stop()
    assert max(peaks) < 2 * min(peaks) + 500_000


def test_the_primary_company_comes_first_whatever_order_hubspot_lists_them_in(
    portal: Any, connected: HubSpotCrm
) -> None:
    (ada,) = contacts(portal, 1)
    first, second = (portal.create("companies", {"name": name}) for name in "AB")
    portal.associate(("contacts", ada), ("companies", first))
    portal.associate(("contacts", ada), ("companies", second))
    assert next(connected.contacts.list()).account_id == first
    portal.associate(("contacts", ada), ("companies", second), label="Primary")
    assert next(connected.contacts.list()).account_id == second
    assert connected.contacts.get(ada).account_id == second


def test_a_list_and_a_read_give_the_same_records(portal: Any, connected: HubSpotCrm) -> None:
    (ada,) = contacts(portal, 1)
    company = portal.create("companies", {"name": "A", "annualrevenue": "12"})
    portal.associate(("contacts", ada), ("companies", company))
    campaign = portal.create_campaign({"hs_name": "Spring"})
    number = portal.campaign(campaign)["properties"]["hs_object_id"]
    lead = portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", ada)])
    portal.associate(("leads", lead), ("campaigns", number))
    deal = portal.create("deals", {"dealname": "D"}, associations=[("contacts", ada), ("companies", company)])
    for resource, id_ in (
        (connected.contacts, ada),
        (connected.accounts, company),
        (connected.leads, lead),
        (connected.opportunities, deal),
        (connected.campaigns, campaign),
    ):
        (listed,) = resource.list()
        assert listed == resource.get(id_)
    assert connected.leads.get(lead).campaign_id == number


def test_leads_are_read_without_campaigns_where_the_portal_does_not_let_one(
    portal: Any, connected: HubSpotCrm
) -> None:
    (ada,) = contacts(portal, 1)
    lead = portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", ada)])
    portal.faults.add(403, path="/associations/leads/0-35/", body={"category": "MISSING_SCOPES"}, times=9)
    assert [each.id for each in connected.leads.list()] == [lead]
    assert connected.leads.get(lead).contact_id == ada


def test_a_portal_without_leads_says_so(portal: Any, connected: HubSpotCrm) -> None:
    portal.faults.add(403, path="/leads", body={"category": "MISSING_SCOPES"}, times=9)
    with pytest.raises(AuthenticationError):
        list(connected.leads.list())


def test_too_many_properties_for_a_url_are_read_in_a_body(
    portal: Any, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = portal.create("companies", {"name": "A"})
    made = portal.create("contacts", {"email": "ada@example.com"}, associations=[("companies", company)])
    (short,) = connected.contacts.list()
    monkeypatch.setattr(fetch, "_LONGEST_QUERY", 10)
    (found,) = connected.contacts.list()
    assert (found, found.id, found.account_id) == (short, made, company)


def test_lists_of_what_hubspot_has_no_records_for(portal: Any, connected: HubSpotCrm) -> None:
    people = contacts(portal, 3)
    deals = [portal.create("deals", {"dealname": f"D{n}"}) for n in range(2)]
    roles = {(deals[0], people[0]), (deals[0], people[1]), (deals[1], people[1])}
    for deal, person in roles:
        portal.associate(("deals", deal), ("contacts", person))
    campaigns = [portal.create_campaign({"hs_name": f"C{n}"}) for n in range(2)]
    members = {(campaigns[0], people[0]), (campaigns[1], people[0]), (campaigns[1], people[2])}
    for guid, person in members:
        portal.touch(guid, person, portal.clock())
    assert {each.id for each in connected.contact_roles.list()} == {f"{d}/{p}" for d, p in roles}
    assert {each.id for each in connected.campaign_members.list()} == {f"{g}/{p}" for g, p in members}


def test_contact_roles_cost_two_calls_per_hundred_deals(portal: Any, connected: HubSpotCrm) -> None:
    (ada,) = contacts(portal, 1)
    for _ in range(150):
        portal.create("deals", {"dealname": "D"}, associations=[("contacts", ada)])
    connected.organisation()
    before = total(portal)
    assert len(list(connected.contact_roles.list())) == 150
    assert total(portal) - before == 4


def test_users_who_left_are_listed_too_and_nobody_twice(portal: Any, connected: HubSpotCrm) -> None:
    owners = {portal.create_owner(f"o{n}@example.com", "O", str(n)) for n in range(120)}
    found = [each.id for each in connected.users.list()]
    assert sorted(found) == sorted(owners)


def test_a_campaign_changed_while_campaigns_are_listed_hides_no_other(
    portal: Any, connected: HubSpotCrm
) -> None:
    made = [portal.create_campaign({"hs_name": f"C{n:03}"}) for n in range(150)]
    listed = connected.campaigns.list()
    found = [next(listed).id]
    for guid in made[:10]:
        portal.update_campaign(guid, {"hs_notes": "New"})
    found += [each.id for each in listed]
    assert sorted(found) == sorted(made)


def test_an_erased_contact_is_gone(portal: Any, connected: HubSpotCrm) -> None:
    (ada,) = contacts(portal, 1)
    portal.privacy_delete(ada)
    with pytest.raises(GoneError):
        connected.contacts.get(ada)
    assert list(connected.contacts.list()) == []


def test_a_list_tells_what_cannot_become_a_record_and_goes_on(double: Any, crm: HubSpotCrm) -> None:
    double.answer("GET", "/crm/v3/properties/contacts", {"results": [{"name": "email", "type": "string"}]})
    double.answer("GET", "/account-info/v3/details", {"portalId": 1})
    rows = [{"id": "1", "properties": {}}, {"id": "x", "properties": {}}, {"id": "3", "properties": {}}]
    double.answer("GET", "/crm/v3/objects/contacts", {"results": rows})
    refused: list[Refusal] = []
    assert [each.id for each in crm.contacts.list(on_refusal=refused.append)] == ["1", "3"]
    assert [each.ref.id for each in refused] == ["x"]


# -- What a portal has


def test_describe_tells_what_is_mapped_missing_and_unknown(portal: Any, connected: HubSpotCrm) -> None:
    definition = {
        "name": "why_not",
        "label": "Reason for disqualification",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "lead_information",
        "options": [{"label": "Wombat", "value": "w"}],
    }
    portal.create_property("leads", definition)
    found = connected.describe("lead")
    by_name = {each.field.name: each for each in found.fields}
    assert "reason" in by_name["hs_lead_disqualification_reason"].ours
    assert by_name["why_not"].ours == ()
    assert "why_not" in {each.field.name for each in found.proposals}
    stages = {option.value for option in by_name["hs_pipeline_stage"].field.options}
    assert "unqualified-stage-id" in stages


@pytest.mark.parametrize(
    ("name", "source"), [("activity", "calls"), ("meetings", "meetings"), ("campaign", "campaigns")]
)
def test_describe_takes_our_names_and_hubspots(connected: HubSpotCrm, name: str, source: str) -> None:
    found = connected.describe(name)
    assert found.source == source
    assert found.fields


@pytest.mark.parametrize("name", ["user", "stage", "contact_role", "campaign_member", "ticket", "", None, 7])
def test_describe_refuses_what_has_no_properties(connected: HubSpotCrm, name: Any) -> None:
    with pytest.raises(UnsupportedError):
        connected.describe(name)


@pytest.fixture(autouse=True)
def _answers(double: Any, told: Callable[..., Any]) -> None:
    """The double's answers by name, for responders."""
    type(double).told = staticmethod(told)
