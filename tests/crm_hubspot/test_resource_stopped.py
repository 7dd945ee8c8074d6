"""Writing that the allowance ends in the middle: what was written is told, and what was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, creating, links, roles, writing
from closedloop.crm.results import WriteResult
from closedloop.errors import QuotaError
from closedloop.mapping import Mappings
from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Ids = Mapping[str, list[str]]
Write = Callable[[HubSpotCrm, Ids], list[WriteResult]]
COUNT = 4


@pytest.fixture
def ids(portal: Portal) -> Ids:
    companies = [portal.create("companies", {"name": name}) for name in "AB"]
    people = [
        portal.create("contacts", {"email": f"c{n}@example.com"}, associations=[("companies", companies[0])])
        for n in range(COUNT)
    ]
    noted = {"hs_timestamp": "2026-11-02T09:00:00Z"}
    deals = [portal.create("deals", {"dealname": f"D{n}"}) for n in range(COUNT)]
    for deal, person in zip(deals, people, strict=True):
        portal.associate(("deals", deal), ("contacts", person))
    return {
        "companies": companies,
        "contacts": people,
        "deals": deals,
        "activities": [portal.create(kind, noted) for kind in ("calls", "meetings", "notes", "calls")],
        "campaigns": [portal.create_campaign({"hs_name": f"K{n}"}) for n in range(COUNT)],
    }


def _moved(crm: HubSpotCrm, ids: Ids) -> list[WriteResult]:
    new = {"title": "Buyer", "account_id": ids["companies"][1]}
    return crm.contacts.update_many([(each, new) for each in ids["contacts"]], compare=False)


def _upserted(crm: HubSpotCrm, ids: Ids) -> list[WriteResult]:
    new = {"title": "Buyer", "account_id": ids["companies"][1]}
    return crm.contacts.upsert_many(({"email": f"c{n}@example.com", **new} for n in range(6)), by="email")


def _noted(crm: HubSpotCrm, ids: Ids) -> list[WriteResult]:
    new = {"subject": "New", "contact_id": ids["contacts"][0]}
    return crm.activities.update_many([(each, new) for each in ids["activities"]], compare=False)


WRITES: Mapping[str, Write] = {
    "contacts and their companies": _moved,
    "upserted contacts and their companies": _upserted,
    "activities of several kinds": _noted,
    "deleted contacts": lambda crm, ids: crm.contacts.delete_many(ids["contacts"]),
    "deleted activities": lambda crm, ids: crm.activities.delete_many(ids["activities"]),
    "deleted campaigns": lambda crm, ids: crm.campaigns.delete_many(ids["campaigns"]),
    "deleted roles": lambda crm, ids: crm.contact_roles.delete_many(
        f"{deal}/{person}" for deal, person in zip(ids["deals"], ids["contacts"], strict=True)
    ),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records make a batch."""
    for module in (creating, links, roles, writing):
        for name in ("CHUNK", "CAMPAIGN_CHUNK"):
            monkeypatch.setattr(module, name, 2, raising=False)


def state(portal: Portal) -> dict[str, Any]:
    """All that the portal holds of what these tests write."""
    with portal.lock:
        found: dict[str, Any] = {}
        for kind in ("contacts", "deals", "calls", "meetings", "notes"):
            for each in portal.ids(kind):
                record = portal.record(kind, each)
                pairs = {end.id for end in portal.associations.ends(record.end)}
                found[each] = (portal.get(kind, each)["properties"], pairs)
        return found | dict.fromkeys(portal.ids("0-35"), "campaign")


@pytest.mark.parametrize("name", list(WRITES))
@pytest.mark.usefixtures("small")
def test_wherever_the_allowance_ends_every_record_that_was_not_finished_says_so(
    sandbox: HubSpotSandbox, mappings: Mappings, ids: Ids, name: str
) -> None:
    write = WRITES[name]
    for budget in range(1, 40):
        crm = HubSpotCrm(
            HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url, daily_budget=budget),
            mappings,
        )
        before = state(sandbox.portal)
        try:
            results = write(crm, ids)
        except QuotaError:
            assert state(sandbox.portal) == before, "raised, though something had been written"
            continue
        assert all(isinstance(result.error, QuotaError | None) for result in results)
        assert all(result.id is not None for result in results) or name.startswith("upserted")
        if all(result.ok for result in results):
            return
    pytest.fail("the write never came to its end")


@pytest.mark.usefixtures("small")
def test_what_is_called_written_was_written_with_its_associations(
    sandbox: HubSpotSandbox, mappings: Mappings, ids: Ids, connected: HubSpotCrm
) -> None:
    for budget in range(1, 40):
        company = ids["companies"][budget % 2]
        before = {each: connected.contacts.get(each).account_id for each in ids["contacts"]}
        crm = HubSpotCrm(
            HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url, daily_budget=budget),
            mappings,
        )
        new = {"title": f"T{budget}", "account_id": company}
        try:
            results = crm.contacts.update_many([(each, new) for each in ids["contacts"]], compare=False)
        except QuotaError:
            assert before == {each: connected.contacts.get(each).account_id for each in ids["contacts"]}
            continue
        for result in results:
            record = connected.contacts.get(str(result.id))
            written = (record.title == new["title"], record.account_id == company)
            if result.ok:
                assert written == (True, True)
            elif written[0]:
                assert "everything but account_id was written" in str(result.error)
        if all(result.ok for result in results):
            return
    pytest.fail("the write never came to its end")


def test_an_activity_needs_its_time(connected: HubSpotCrm, ids: Ids, requests: Any) -> None:
    person = ids["contacts"][0]
    results = connected.activities.create_many(
        [
            {"kind": "Call", "subject": "S", "contact_id": person},
            {"kind": "Call", "happened_at": datetime(2026, 11, 2, tzinfo=UTC), "contact_id": person},
        ]
    )
    assert [result.error and result.error.reason for result in results] == ["required", None]
    assert requests("POST", "/crm/v3/objects/calls/batch/create") == 1


def test_old_labels_that_stay_are_told(portal: Portal, connected: HubSpotCrm, ids: Ids) -> None:
    path = "/crm/v4/associations/deals/contacts/labels"
    for label in ("Buyer", "User"):
        connected.raw.post(path, {"label": label, "name": label.lower()})
    deal, person = ids["deals"][0], ids["contacts"][0]
    role = f"{deal}/{person}"
    connected.contact_roles.update(role, {"role": "Buyer"})
    portal.faults.rate_limit("DAILY", path="/batch/labels/archive")
    (result,) = connected.contact_roles.update_many([(role, {"role": "User"})], compare=False)
    assert (result.id, result.ok) == (role, False)
    assert isinstance(result.error, QuotaError)
    assert "everything but" in result.error.message
    assert connected.contact_roles.update_many([(role, {"role": "User"})], compare=False)[0].ok
    assert connected.contact_roles.get(role).role == "User"
