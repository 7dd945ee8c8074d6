"""Associations: written with the records that they belong to, and as contact roles."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.registry import connect
from closedloop.crm.results import WriteOutcome
from closedloop.errors import (
    BadValueError,
    GoneError,
    RefusedError,
    RetryableError,
    UnsupportedError,
    ValueRefusedError,
)
from closedloop.sandbox.hubspot import HubSpotSandbox

_W = WriteOutcome


class World:
    """Some records to associate."""

    def __init__(self, portal: Any) -> None:
        self.portal = portal
        self.ada, self.bob = (
            portal.create("contacts", {"email": f"{name}@example.com"}) for name in ("ada", "bob")
        )
        self.first, self.second = (portal.create("companies", {"name": name}) for name in "AB")
        self.deal = portal.create("deals", {"dealname": "D"})
        self.lead = portal.create("leads", {"hs_lead_name": "L"}, associations=[("contacts", self.ada)])

    def kinds(self, left: tuple[str, str], right: tuple[str, str]) -> set[str | None]:
        """The labels of all associations of two records."""
        with self.portal.lock:
            one, other = self.portal.record(*left), self.portal.record(*right)
            links = self.portal.associations.of(one.end, other.kind)
            return {kind.label for link in links if link.id == other.id for kind in link.types}


@pytest.fixture
def world(portal: Any) -> World:
    return World(portal)


def test_a_new_record_is_associated_as_it_is_made(world: World, connected: HubSpotCrm) -> None:
    made = connected.contacts.create({"email": "new@example.com", "account_id": world.first})
    assert connected.contacts.get(str(made.id)).account_id == world.first
    assert world.kinds(("contacts", str(made.id)), ("companies", world.first)) == {"Primary", None}
    assert not [path for _, path in world.portal.requests if path.endswith("/batch/associate/default")]
    deal = connected.opportunities.create(
        {"name": "D", "account_id": world.first, "contact_id": world.ada, "stage": "closedwon"}
    )
    record = connected.opportunities.get(str(deal.id))
    assert (record.account_id, record.contact_id) == (world.first, world.ada)


def test_association_types_are_read_and_not_known_beforehand(double: Any, crm: HubSpotCrm, told: Any) -> None:
    double.answer("GET", "/crm/v3/properties/contacts", {"results": []})
    kinds = [
        {"category": "HUBSPOT_DEFINED", "typeId": 9279, "label": None},
        {"category": "HUBSPOT_DEFINED", "typeId": 9001, "label": "Primary"},
    ]
    double.answer("GET", "/crm/v4/associations/contacts/companies/labels", {"results": kinds})
    double.answer("POST", "/crm/v3/objects/contacts/batch/create", told({"results": [{"id": "7"}]}, 201))
    crm.contacts.create({"last_name": "N", "account_id": "5"})
    (sent,) = double.bodies("/crm/v3/objects/contacts/batch/create")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 9001}]
    assert sent["inputs"][0]["associations"] == [{"to": {"id": "5"}, "types": types}]


def test_another_company_becomes_the_primary_one_and_the_old_one_stays(
    world: World, connected: HubSpotCrm
) -> None:
    connected.contacts.update(world.ada, {"account_id": world.first, "title": "Buyer"})
    assert connected.contacts.update(world.ada, {"account_id": world.second}).outcome is _W.UPDATED
    record = connected.contacts.get(world.ada)
    assert (record.account_id, record.title) == (world.second, "Buyer")
    assert world.kinds(("contacts", world.ada), ("companies", world.first)) == {None}
    again = connected.contacts.update(world.ada, {"account_id": world.second})
    assert again.outcome is _W.UNCHANGED


def test_none_ends_the_association(world: World, connected: HubSpotCrm) -> None:
    connected.contacts.update(world.ada, {"account_id": world.first})
    connected.contacts.update(world.ada, {"account_id": None})
    assert connected.contacts.get(world.ada).account_id is None
    assert world.kinds(("contacts", world.ada), ("companies", world.first)) == set()
    connected.contacts.update_many([(world.ada, {"account_id": None})], compare=False)


def test_the_only_contact_of_a_deal_is_replaced_and_of_several_none(
    world: World, connected: HubSpotCrm
) -> None:
    connected.opportunities.update(world.deal, {"contact_id": world.ada})
    connected.opportunities.update(world.deal, {"contact_id": world.bob})
    assert world.kinds(("deals", world.deal), ("contacts", world.ada)) == set()
    assert connected.opportunities.get(world.deal).contact_id == world.bob
    world.portal.associate(("deals", world.deal), ("contacts", world.ada))
    third = world.portal.create("contacts", {"email": "third@example.com"})
    for value in (third, None):
        with pytest.raises(UnsupportedError, match="contact_roles") as caught:
            connected.opportunities.update(world.deal, {"contact_id": value})
        assert caught.value.field == "contact_id"
    assert world.kinds(("deals", world.deal), ("contacts", world.bob)) == {None}


def test_associations_of_many_records_are_written_in_batches(world: World, connected: HubSpotCrm) -> None:
    people = [world.portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(120)]
    connected.contacts.update_many([(id_, {"account_id": world.first}) for id_ in people], compare=False)
    assert {each.account_id for each in connected.contacts.list() if each.id in people} == {world.first}
    path = "/crm/v4/associations/contacts/companies/batch/create"
    assert world.portal.requests["POST", path] == 2


def test_a_missing_company_fails_alone(world: World, connected: HubSpotCrm) -> None:
    results = connected.contacts.update_many(
        [(world.ada, {"account_id": "99999"}), (world.bob, {"account_id": world.first})], compare=False
    )
    assert [result.outcome for result in results] == [_W.FAILED, _W.UPDATED]
    assert isinstance(results[0].error, RefusedError)


def test_what_was_written_beside_a_refused_association_is_told(world: World, connected: HubSpotCrm) -> None:
    with pytest.raises(RefusedError, match="everything but account_id was written") as caught:
        connected.contacts.update(world.ada, {"account_id": "99999", "title": "Buyer"})
    assert caught.value.reason == "partly_written"
    assert connected.contacts.get(world.ada).title == "Buyer"


def test_an_upsert_associates_new_and_old_records(world: World, connected: HubSpotCrm) -> None:
    results = connected.contacts.upsert_many(
        [
            {"email": "ada@example.com", "account_id": world.first},
            {"email": "new@example.com", "account_id": world.second},
        ],
        by="email",
    )
    assert [result.outcome for result in results] == [_W.UPDATED, _W.CREATED]
    assert [connected.contacts.get(str(result.id)).account_id for result in results] == [
        world.first,
        world.second,
    ]


# -- Leads


@pytest.mark.parametrize(("values", "field"), [({"name": "L"}, "contact_id"), ({"contact_id": "7"}, "name")])
def test_a_lead_without_a_contact_or_a_name_is_refused_before_it_is_sent(
    world: World, connected: HubSpotCrm, values: dict[str, str], field: str
) -> None:
    with pytest.raises(BadValueError, match=field) as caught:
        connected.leads.create(values)
    assert caught.value.field == field
    assert world.portal.requests["POST", "/crm/v3/objects/leads/batch/create"] == 0


def test_a_lead_gets_its_contact_and_never_loses_the_last_one(world: World, connected: HubSpotCrm) -> None:
    made = connected.leads.create({"name": "L", "contact_id": world.ada, "account_id": world.first})
    record = connected.leads.get(str(made.id))
    assert (record.contact_id, record.account_id) == (world.ada, world.first)
    connected.leads.update(record, {"contact_id": world.bob})
    assert connected.leads.get(record.id).contact_id == world.bob
    with pytest.raises(BadValueError) as caught:
        connected.leads.update(record.id, {"contact_id": None})  # HubSpot would delete the lead
    assert caught.value.field == "contact_id"
    assert record.id in world.portal.ids("leads")


def test_a_lead_is_tied_to_a_campaign_by_its_number(world: World, connected: HubSpotCrm) -> None:
    guid = world.portal.create_campaign({"hs_name": "Spring"})
    number = connected.campaigns.get(guid).other_id
    connected.leads.update(world.lead, {"campaign_id": number})
    assert connected.leads.get(world.lead).campaign_id == number


def test_where_the_mapping_lets_one_a_lead_is_tied_to_a_campaign_by_its_guid(
    world: World, sandbox: HubSpotSandbox
) -> None:
    field = {"from": "associations.campaigns.results[0].id", "type": "string"}
    overlay = {"objects": {"lead": {"fields": {"campaign_id": field}}}}
    crm = connect("hubspot", overlay=overlay, access_token=sandbox.access_token, base_url=sandbox.url)
    guid = world.portal.create_campaign({"hs_name": "Spring"})
    crm.leads.update(world.lead, {"campaign_id": guid})
    assert crm.leads.get(world.lead).campaign_id == crm.campaigns.get(guid).other_id
    with pytest.raises(GoneError):
        crm.leads.update(world.lead, {"campaign_id": guid[:-1] + ("0" if guid[-1] != "0" else "1")})


# -- Contact roles


def test_roles_are_made_relabelled_and_ended(world: World, connected: HubSpotCrm) -> None:
    for label in ("Decision maker", "Blocker"):
        with world.portal.lock:
            deal, ada = world.portal.record("deals", world.deal), world.portal.record("contacts", world.ada)
            world.portal.associations.types.add_label(deal.kind, ada.kind, label, None)
    roles = connected.contact_roles
    made = roles.create_many(
        [
            {"opportunity_id": world.deal, "contact_id": world.ada, "role": "decision MAKER"},
            {"opportunity_id": world.deal, "contact_id": world.bob},
        ]
    )
    assert [result.id for result in made] == [f"{world.deal}/{world.ada}", f"{world.deal}/{world.bob}"]
    assert roles.get(str(made[0].id)).role == "Decision maker"
    assert roles.get(str(made[1].id)).role is None
    roles.update(str(made[0].id), {"role": "Blocker"})
    assert world.kinds(("deals", world.deal), ("contacts", world.ada)) == {"Blocker", None}
    roles.update(roles.get(str(made[0].id)), {"role": None})
    assert world.kinds(("deals", world.deal), ("contacts", world.ada)) == {None}
    deleted = roles.delete_many([str(result.id) for result in made])
    assert [result.outcome for result in deleted] == [_W.DELETED] * 2
    assert list(roles.list()) == []
    assert roles.delete(str(made[0].id)).outcome is _W.DELETED


def test_roles_that_cannot_be_are_refused_by_name(world: World, connected: HubSpotCrm) -> None:
    roles, deal, ada = connected.contact_roles, world.deal, world.ada
    with pytest.raises(ValueRefusedError, match="0 labels") as refused:
        roles.create({"opportunity_id": deal, "contact_id": ada, "role": "Wombat"})
    assert refused.value.fields == ("label",)
    with pytest.raises(BadValueError) as missing:
        roles.create({"opportunity_id": deal})
    assert missing.value.field == "contact_id"
    gone, moved = (
        roles.update_many([(f"{deal}/{ada}", values)], compare=False)[0].error
        for values in ({"role": None}, {"contact_id": world.bob})
    )
    assert isinstance(gone, GoneError)
    assert isinstance(moved, UnsupportedError)
    assert moved.field == "contact_id"
    with pytest.raises(UnsupportedError):
        roles.upsert({"opportunity_id": deal, "contact_id": ada}, by="contact_id")


def test_a_role_of_somebody_who_is_not_there_fails_alone(world: World, connected: HubSpotCrm) -> None:
    results = connected.contact_roles.create_many(
        [
            {"opportunity_id": world.deal, "contact_id": "99999"},
            {"opportunity_id": world.deal, "contact_id": world.ada},
        ]
    )
    assert [result.outcome for result in results] == [_W.FAILED, _W.CREATED]


def test_roles_that_cannot_be_ended_now_are_to_be_tried_again(
    world: World, connected: HubSpotCrm, waits: list[float]
) -> None:
    world.portal.faults.add(503, path="/batch/archive", times=50)
    with pytest.raises(RetryableError):
        connected.contact_roles.delete(f"{world.deal}/{world.ada}")


def test_associations_that_cannot_be_made_now_do_not_hide_what_was_written(
    world: World, connected: HubSpotCrm, waits: list[float]
) -> None:
    world.portal.faults.add(503, path="/contacts/companies/batch/create", times=50)
    values = {"account_id": world.first, "title": "Buyer"}
    (result,) = connected.contacts.update_many([(world.ada, values)])
    assert isinstance(result.error, RetryableError)
    assert connected.contacts.get(world.ada).title == "Buyer"


def test_what_the_portal_cannot_associate_is_named(
    world: World, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected.client, "labels", lambda *_: [])
    with pytest.raises(UnsupportedError, match="cannot associate deals with contacts"):
        connected.contact_roles.create({"opportunity_id": world.deal, "contact_id": world.ada})
