"""HubSpot tells apart that a contact was deleted and that it was for privacy, in any order and late."""

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


@pytest.fixture
def counted(loop: Loop, hubspot: Make) -> Loop:
    """Ann was rejected, and her campaign says so."""
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    loop.marketing.put(hubspot.contact(CONTACT.id, name="Ann Arbor"))
    loop.marketing.put(hubspot.member(f"{GUID}/{CONTACT.id}", GUID, contact_id=CONTACT.id))
    lead = hubspot.lead(LEAD.id, "unqualified-stage-id", reason="Budget Constraints", contact_id=CONTACT.id)
    loop.marketing.put(lead)
    loop.poll()
    loop.settle()
    assert rejected(loop) == 1
    return loop


def rejected(loop: Loop) -> Decimal:
    shown = loop.marketing.shown[f"campaign|{GUID}"]
    assert isinstance(shown, CampaignFeedback)
    return shown.credits[Outcome.DISQUALIFIED]


def is_deleted(loop: Loop) -> None:
    gone = [*loop.marketing.remove(CONTACT), *loop.marketing.remove(LEAD)]
    loop.hint("marketing", *gone)
    loop.settle()


def is_told(loop: Loop) -> None:
    event = {
        "eventId": 1,
        "portalId": 26051000,
        "appId": 777,
        "subscriptionType": "contact.privacyDeletion",
        "objectId": 501001,
    }
    with writing(loop.engine) as connection:
        body = json.dumps([event]).encode()
        inbox.keep(connection, "marketing", content_type="application/json", body=body, now=loop.clock())
    loop.settle()


def test_a_deletion_that_was_read_before_it_was_told_to_be_for_privacy_is_counted_again(
    counted: Loop,
) -> None:
    is_deleted(counted)
    assert rejected(counted) == 0
    counted.clock.pass_(hours=2)
    is_told(counted)
    assert rejected(counted) == 1
    assert "Ann" not in repr(counted.rows("records"))


def test_a_deletion_of_long_ago_stays_one(counted: Loop) -> None:
    is_deleted(counted)
    counted.clock.pass_(days=2)
    is_told(counted)
    assert rejected(counted) == 0
    assert "Ann" not in repr(counted.rows("records"))


def test_a_deletion_that_is_told_first_changes_no_count(counted: Loop) -> None:
    is_told(counted)
    is_deleted(counted)
    assert rejected(counted) == 1
