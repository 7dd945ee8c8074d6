"""A person whom HubSpot deletes for their privacy: everything about them goes, every count stays."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from closedloop.loop.feedback import CampaignFeedback
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType, Outcome
from closedloop_server.store import inbox
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
CONTACT, LEAD = Ref(ObjectType.CONTACT, "501001"), Ref(ObjectType.LEAD, "801001")
PERSONAL = ("Ann", "Arbor", "ann@example.com", "her mother")


def deliver_events(loop: Loop, *kinds: str, **values: object) -> None:
    """Events about the contact, as the webhook stores them."""
    events = [
        {"eventId": number, "portalId": 26051000, "appId": 777, "subscriptionType": kind, "objectId": 501001}
        | values
        for number, kind in enumerate(kinds)
    ]
    body = json.dumps(events).encode()
    with writing(loop.engine) as connection:
        inbox.keep(connection, "marketing", content_type="application/json", body=body, now=loop.clock())


@pytest.fixture
def erased(loop: Loop, salesforce: Make, hubspot: Make) -> Loop:
    """Ann, rejected in both CRMs and credited to a HubSpot campaign, was erased there with her lead."""
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    loop.marketing.put(
        hubspot.contact(CONTACT.id, name="Ann Arbor", email="ann@example.com", raw={"lastname": "Arbor"})
    )
    loop.marketing.put(hubspot.member(f"{GUID}/{CONTACT.id}", GUID, contact_id=CONTACT.id))
    lead = hubspot.lead(
        LEAD.id,
        "unqualified-stage-id",
        name="Ann's lead",
        reason="Budget Constraints",
        reason_note="her mother pays",
        contact_id=CONTACT.id,
    )
    loop.marketing.put(lead)
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", email="ann@example.com"))
    deliver_events(loop, "contact.propertyChange", propertyName="email", propertyValue="ann@example.com")
    loop.poll()
    loop.settle()
    gone = [*loop.marketing.remove(CONTACT), *loop.marketing.remove(LEAD)]
    deliver_events(loop, "contact.deletion", "contact.privacyDeletion")
    loop.hint("marketing", *gone)
    loop.settle()
    return loop


def kept(loop: Loop) -> str:
    """All that the tables hold, but for what Salesforce itself still has."""
    tables = ("records", "ledger", "inbox", "desired", "delivered", "refusals", "hints")
    rows = [row for table in tables for row in loop.rows(table)]
    return "\n".join(repr(row) for row in rows if row.get("crm_id") != "L1")


def disqualified(loop: Loop) -> Decimal:
    """How many rejections the HubSpot campaign shows."""
    shown = loop.marketing.shown[f"campaign|{GUID}"]
    assert isinstance(shown, CampaignFeedback)
    return shown.credits[Outcome.DISQUALIFIED]


@pytest.mark.parametrize("word", PERSONAL)
def test_nothing_about_an_erased_person_is_kept(erased: Loop, word: str) -> None:
    assert word not in kept(erased)


def test_every_count_of_an_erased_person_stays(erased: Loop) -> None:
    assert {row["outcome"] for row in erased.rows("standings")} == {"disqualified"}
    assert disqualified(erased) == 2
    erased.clock.pass_(days=1)
    erased.sales.change(Ref(ObjectType.LEAD, "L1"), reason="Competitor")
    erased.poll()
    assert disqualified(erased) == 2


def test_an_erased_person_shows_nothing_any_more(erased: Loop) -> None:
    assert erased.rows("desired", key=f"person|contact|{CONTACT.id}") == []
    erased.clock.pass_(days=1)
    erased.sales.change(Ref(ObjectType.LEAD, "L1"), reason="Competitor")
    erased.poll()
    assert erased.rows("desired", key=f"person|contact|{CONTACT.id}") == []


def test_an_answer_that_was_on_its_way_does_not_bring_an_erased_person_back(
    erased: Loop, hubspot: Make
) -> None:
    erased.marketing.put(hubspot.contact(CONTACT.id, email="ann@example.com"))
    erased.hint("marketing", CONTACT)
    erased.settle()
    assert "ann@example.com" not in kept(erased)


def test_somebody_is_erased_who_was_never_read(loop: Loop, hubspot: Make) -> None:
    deliver_events(loop, "contact.privacyDeletion")
    loop.turn()
    loop.marketing.put(hubspot.contact(CONTACT.id, email="ann@example.com"))
    loop.poll()
    assert "ann@example.com" not in kept(loop)
