"""Writing feedback to campaigns: into properties where they can be had, else into the notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.base import Crm
from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, install
from closedloop.crm.hubspot.notes import END, START
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    DeliveryResult,
    PersonFeedback,
    ReasonTotal,
)
from closedloop.mapping import Mappings
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome, ReasonCode

READ = "/marketing/v3/campaigns/batch/read"
CAMPAIGN_UPDATE = "/marketing/v3/campaigns/batch/update"
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
OTHER_GUID = "36137b99-47a6-40fe-986d-839a5e3deebb"
LAST = "Attribution: primary. Last decision: 2026-11-20T14:03:00Z."
OK, NO, LATER = Delivery.DELIVERED, Delivery.REFUSED, Delivery.RETRY


def campaign(guid: str, won: str = "2") -> CampaignFeedback:
    price = ReasonTotal(outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=Decimal("2.5"), decisions=3)
    return CampaignFeedback(
        campaign_id=guid,
        model=AttributionModel.PRIMARY,
        credits={outcome: Decimal(won) for outcome in DECIDED},
        reasons=(price,),
        won_amounts=(Money(amount=Decimal(12000), currency="USD"),),
        last_decision_at=datetime(2026, 11, 20, 14, 3, tzinfo=UTC),
    )


def fates(results: list[DeliveryResult]) -> list[Delivery]:
    return [result.delivery for result in results]


def updated(*ids: str, errors: Any = ()) -> dict[str, Any]:
    return {"status": "COMPLETE", "results": [{"id": each} for each in ids], "errors": list(errors)}


@pytest.fixture
def closed(mappings: Mappings) -> Iterator[tuple[HubSpotSandbox, HubSpotCrm]]:
    """A portal whose campaigns take no custom properties."""
    with HubSpotSandbox(campaign_properties=False) as sandbox:
        credentials = HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url)
        crm = HubSpotCrm(credentials, mappings)
        install.apply(crm)
        yield sandbox, crm


def test_totals_are_shown_in_properties_where_a_portal_can_have_them(
    portal: Any, installed: HubSpotCrm, requests: Callable[[str, str], int]
) -> None:
    guid = portal.create_campaign({"hs_name": "Spring", "hs_notes": "mine"})
    assert fates(installed.deliver([campaign(guid)])) == [OK]
    shown = portal.campaign(guid)["properties"]
    assert shown["hs_notes"] == "mine"
    assert (shown["closed_loop_won"], shown["closed_loop_won_amount"]) == ("2", "12000")
    assert shown["closed_loop_top_reasons"] == "Lost, Price: 2.5"
    assert fates(installed.deliver([campaign(guid)])) == [OK]
    assert requests("POST", CAMPAIGN_UPDATE) == 1
    installed.deliver([campaign(guid, won="3")])
    assert portal.campaign(guid)["properties"]["closed_loop_won"] == "3"


def test_a_block_from_before_the_properties_were_made_goes(portal: Any, connected: HubSpotCrm) -> None:
    guid = portal.create_campaign({"hs_name": "Spring", "hs_notes": "mine"})
    connected.deliver([campaign(guid)])
    assert START in portal.campaign(guid)["properties"]["hs_notes"]
    install.apply(connected)
    connected.deliver([campaign(guid)])
    assert portal.campaign(guid)["properties"]["hs_notes"] == "mine"


def test_elsewhere_totals_are_shown_in_the_notes_below_the_marketers_text(
    closed: tuple[HubSpotSandbox, HubSpotCrm],
) -> None:
    sandbox, crm = closed
    guid = sandbox.portal.create_campaign({"hs_name": "Spring", "hs_notes": "Call the agency.\n"})
    assert fates(crm.deliver([campaign(guid)])) == [OK]
    notes = sandbox.portal.campaign(guid)["properties"]["hs_notes"]
    assert notes.startswith(f"Call the agency.\n\n\n{START}\nAccepted: 2\n")
    assert notes.endswith(f"\n- Lost, Price: 2.5\n{LAST}\n{END}")
    assert fates(crm.deliver([campaign(guid)])) == [OK]
    assert sandbox.portal.requests["POST", CAMPAIGN_UPDATE] == 1
    crm.deliver([campaign(guid, won="3")])
    assert "Won: 3\n" in sandbox.portal.campaign(guid)["properties"]["hs_notes"]


def test_a_deleted_campaign_does_not_hold_up_the_others(
    closed: tuple[HubSpotSandbox, HubSpotCrm],
) -> None:
    sandbox, crm = closed
    guids = [sandbox.portal.create_campaign({"hs_name": str(n)}) for n in range(60)]
    sandbox.portal.delete_campaign(guids[7])
    results = crm.deliver([campaign(guid) for guid in guids])
    assert [number for number, result in enumerate(results) if result.delivery is not OK] == [7]
    assert (results[7].delivery, results[7].code) == (NO, "OBJECT_NOT_FOUND")
    assert sandbox.portal.requests["POST", CAMPAIGN_UPDATE] == 2


def test_the_same_campaign_twice_ends_with_the_last_value(
    closed: tuple[HubSpotSandbox, HubSpotCrm],
) -> None:
    sandbox, crm = closed
    guid = sandbox.portal.create_campaign({"hs_name": "Spring"})
    assert fates(crm.deliver([campaign(guid, won="1"), campaign(guid.upper(), won="2")])) == [OK, OK]
    notes = sandbox.portal.campaign(guid)["properties"]["hs_notes"]
    assert ("Won: 2\n" in notes, notes.count(START)) == (True, 1)


@pytest.fixture
def half_open(double: Any, crm: HubSpotCrm) -> HubSpotCrm:
    """A portal whose definitions list our campaign properties, whatever its campaigns API says to them."""
    double.answer("GET", "/account-info/v3/details", {"portalId": 1, "companyCurrency": "USD"})
    listed = {"results": [{"name": "closed_loop_won"}, {"name": "closed_loop_top_reasons"}]}
    double.answer("GET", "/crm/v3/properties/0-35", listed)
    return crm


FORBIDDEN = {"category": "VALIDATION_ERROR", "message": "Forbidden properties: [closed_loop_won]"}


@pytest.mark.parametrize("refused", ["reading", "writing", "each"])
def test_where_the_campaigns_api_takes_no_custom_properties_the_notes_are_used(
    double: Any, told: Any, half_open: HubSpotCrm, refused: str
) -> None:
    shown = {"results": [{"id": GUID, "properties": {"hs_notes": "mine"}}]}
    no = told(FORBIDDEN, 400)
    each = told(updated(errors=[FORBIDDEN]), 207)
    double.answer("POST", READ, *([no] if refused == "reading" else []), shown)
    first = {"reading": [], "writing": [no], "each": [each]}[refused]
    double.answer("POST", CAMPAIGN_UPDATE, *first, updated(GUID))
    assert fates(half_open.deliver([campaign(GUID)])) == [OK]
    (sent,) = double.bodies(CAMPAIGN_UPDATE)[-1]["inputs"]
    assert set(sent["properties"]) == {"hs_notes"}
    assert sent["properties"]["hs_notes"].startswith(f"mine\n\n{START}")


def test_a_campaign_deleted_between_reading_and_writing_is_refused(
    double: Any, told: Any, crm: HubSpotCrm, recorded: Callable[[str], Any]
) -> None:
    failure = recorded("amp-labs/batch_read_campaigns_multi-207.json")["errors"][0]
    double.answer("GET", "/crm/v3/properties/0-35", {"results": []})
    both = {"results": [{"id": GUID, "properties": {}}, {"id": OTHER_GUID}]}
    double.answer("POST", READ, both)
    partly, wholly = updated(OTHER_GUID, errors=[failure]), updated(errors=[failure])
    double.answer("POST", CAMPAIGN_UPDATE, told(partly, 207), told(wholly, 207))
    results = crm.deliver([campaign(GUID), campaign(OTHER_GUID)])
    assert [(result.delivery, result.code) for result in results] == [
        (NO, "CampaignApiError.INVALID_REQUEST"),
        (OK, None),
    ]


def test_a_missing_scope_for_campaigns_leaves_the_contacts_written(
    portal: Any, installed: HubSpotCrm
) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    taken_back = PersonFeedback(target=Ref(ObjectType.CONTACT, contact), outcome=None)
    portal.faults.add(403, path="/marketing/v3/campaigns", body={"category": "MISSING_SCOPES"}, times=9)
    results = installed.deliver([campaign(GUID), taken_back])
    assert [(result.delivery, result.code) for result in results] == [(LATER, "MISSING_SCOPES"), (OK, None)]


def test_nothing_to_deliver_asks_nothing(double: Any, crm: Crm) -> None:
    assert crm.deliver([]) == []
    assert double.asked == []
