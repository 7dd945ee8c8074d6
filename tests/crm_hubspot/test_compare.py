"""Whether a record shows what it was told, as the portal keeps it: our own writes are no changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, install
from closedloop.crm.hubspot.compare import differences, form, same
from closedloop.crm.hubspot.properties import Definition
from closedloop.loop.feedback import CampaignFeedback, PersonFeedback, ReasonTotal
from closedloop.mapping import Mappings
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.schema.records import Money, Record, Ref
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome, ReasonCode

DECIDED_AT = datetime(2026, 11, 20, 14, 3, 7, 654_321, tzinfo=UTC)
THIRD = Decimal(1) / Decimal(3)


def about(contact: str, **more: Any) -> PersonFeedback:
    given: dict[str, Any] = {"outcome": Outcome.DISQUALIFIED, "reason": ReasonCode.NO_BUDGET, **more}
    return PersonFeedback(target=Ref(ObjectType.CONTACT, contact), **given)


def totals(guid: str) -> CampaignFeedback:
    lost = ReasonTotal(outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=THIRD, decisions=1)
    return CampaignFeedback(
        campaign_id=guid,
        model=AttributionModel.LINEAR,
        credits=dict.fromkeys(DECIDED, Decimal(0)) | {Outcome.LOST: THIRD},
        reasons=(lost,),
        lost_amounts=(Money(amount=Decimal("99.50") * THIRD, currency="USD"),),
        last_decision_at=DECIDED_AT,
    )


def seen(crm: HubSpotCrm, object_: ObjectType, id_: str) -> Record:
    """The record as the loop reads it."""
    (found,) = [each for each in crm.refresh([Ref(object_, id_)]).records if each.id == id_]
    return found


NOTES = ["Next year", "  blanks around  ", "one\nline\r\nafter another", "x" * 70_000, "", "Ärger 🎈"]


@pytest.mark.parametrize("note", NOTES, ids=range(len(NOTES)))
def test_what_was_written_reads_as_written(portal: Any, installed: HubSpotCrm, note: str) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    feedback = about(contact, note=note, decided_at=DECIDED_AT, stage="Closed")
    installed.deliver([feedback])
    assert installed.differences(feedback, seen(installed, ObjectType.CONTACT, contact)) == {}


def test_a_campaign_reads_as_written_by_a_refresh_and_by_a_poll(portal: Any, installed: HubSpotCrm) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    installed.deliver([totals(guid)])
    assert installed.differences(totals(guid), seen(installed, ObjectType.CAMPAIGN, guid)) == {}
    polled = {record.id: record for page in installed.poll(None) for record in page.batch.records}
    assert installed.differences(totals(guid), polled[guid]) == {}


def test_what_somebody_changed_is_told_with_what_stands_there(portal: Any, installed: HubSpotCrm) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    guid = portal.create_campaign({"hs_name": "Spring"})
    installed.deliver([about(contact, note="ours"), totals(guid)])
    portal.update("contacts", contact, {"closed_loop_note": "", "closed_loop_reason": "Mine"})
    shown = installed.differences(about(contact, note="ours"), seen(installed, ObjectType.CONTACT, contact))
    assert shown == {"note": "", "reason": "Mine"}
    record = seen(installed, ObjectType.CAMPAIGN, guid)
    changed = {**record.raw["properties"], "closed_loop_lost": "7"}
    edited = replace(record, raw={**record.raw, "properties": changed})
    assert installed.differences(totals(guid), edited) == {"lost": "7"}


def test_before_the_properties_are_made_a_record_does_not_tell(portal: Any, connected: HubSpotCrm) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    assert connected.differences(about(contact), seen(connected, ObjectType.CONTACT, contact)) is None


def test_a_campaign_that_shows_it_in_its_notes_does_not_tell(mappings: Mappings) -> None:
    with HubSpotSandbox(campaign_properties=False) as sandbox:
        crm = HubSpotCrm(
            HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url), mappings
        )
        install.apply(crm)
        guid = sandbox.portal.create_campaign({"hs_name": "Spring"})
        crm.deliver([totals(guid)])
        assert crm.differences(totals(guid), seen(crm, ObjectType.CAMPAIGN, guid)) is None


def test_the_form_changes_when_the_properties_are_made(portal: Any, connected: HubSpotCrm) -> None:
    before = connected.feedback_form()
    install.apply(connected)
    connected.definitions.forget()
    assert connected.feedback_form() != before
    assert connected.feedback_form() == connected.feedback_form()


# Without a portal

FIELDS = {"outcome": "o", "decided_at": "d"}


@pytest.mark.parametrize(
    ("shown", "differing"),
    [
        ({"o": "Disqualified", "d": "2026-11-20T14:03:07.654Z"}, {}),
        ({"o": "Disqualified", "d": "1795183387654"}, {}),
        ({"o": "Disqualified", "d": "2026-11-20T14:03:09Z"}, {"decided_at": "2026-11-20T14:03:09Z"}),
        ({"o": "Disqualified", "d": "soon"}, {"decided_at": "soon"}),
        ({"o": "Disqualified", "d": None}, {"decided_at": ""}),
        ({"o": "Disqualified"}, {"decided_at": ""}),
    ],
    ids=["milliseconds", "number", "later", "nonsense", "null", "left-out"],
)
def test_instants_are_compared_as_instants(shown: dict[str, str | None], differing: dict[str, str]) -> None:
    feedback = about("501", decided_at=DECIDED_AT)
    assert differences(feedback, shown, FIELDS, currency=None) == differing


@pytest.mark.parametrize(
    ("told", "shown", "expected"),
    [
        ("12", "12.0", True),
        ("12", "12.5", False),
        ("a\nb", "a\r\nb ", True),
        ("a", "b", False),
        ("", "0", False),
    ],
    ids=["number", "other-number", "line-ends", "text", "empty"],
)
def test_numbers_and_texts_are_compared_as_hubspot_keeps_them(told: str, shown: str, expected: bool) -> None:
    assert same(told, shown) is expected


def test_the_form_names_types_and_options() -> None:
    def made(**more: Any) -> str:
        given: dict[str, Any] = {"name": "o", "type": "string", "custom": True, "options": {}, **more}
        return form([({"outcome": "o"}, {"o": Definition(**given)})])

    assert made() == made(label="another label")
    assert made() != made(type="enumeration")
    assert made() != made(options={"a": "A"})
    assert made(options={"a": "A", "b": "B"}) == made(options={"b": "B", "a": "A"})
