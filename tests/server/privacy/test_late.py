"""What was on its way while somebody was erased arrives without the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.server.conftest import ORGANISATION

from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server import privacy
from closedloop_server.pipeline.erase import erase_people
from closedloop_server.store import inbox, overrides
from closedloop_server.store.engine import writing
from closedloop_server.store.rows import Key

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
CONTACT = Key("marketing", ObjectType.CONTACT, "501001")
MINE = f"person|contact|{CONTACT.id}"


@pytest.fixture
def told(loop: Loop, hubspot: Make) -> Loop:
    """Ann's record shows that she was rejected."""
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    loop.marketing.put(hubspot.contact(CONTACT.id, name="Ann Arbor"))
    loop.marketing.put(hubspot.member(f"{GUID}/{CONTACT.id}", GUID, contact_id=CONTACT.id))
    lead = hubspot.lead("801001", "unqualified-stage-id", reason="Budget", contact_id=CONTACT.id)
    loop.marketing.put(lead)
    loop.poll()
    loop.settle()
    assert MINE in loop.marketing.shown
    return loop


def note(loop: Loop, call: int) -> None:
    """What a worker does that has read her record and seen that somebody wrote something else into it."""
    with writing(loop.engine) as connection:
        words = {"note": "Ann asked for a discount"}
        overrides.note(connection, "marketing", {MINE: (call, words)}, now=loop.clock())


def test_what_somebody_wrote_into_the_crm_is_noted_and_shown_and_erased(told: Loop) -> None:
    (row,) = told.rows("delivered", key=MINE)
    note(told, row["call"])
    with writing(told.engine) as connection:
        holding = privacy.hold(connection, [CONTACT])
    assert "overridden" in {section.table for section in holding.held}
    privacy.erase_now(told.services, [CONTACT], who="a test")
    assert told.rows("overridden") == []


def test_what_was_seen_of_somebody_before_is_not_noted_after_the_erasure(told: Loop) -> None:
    (row,) = told.rows("delivered", key=MINE)
    with writing(told.engine) as connection:
        crms, reasons = {"marketing": CrmName.HUBSPOT}, told.services.mappings.reasons.match
        erase_people(connection, [CONTACT], crms=crms, reasons=reasons, now=told.clock())
    note(told, row["call"])
    assert told.rows("overridden") == []


LEAD = Key("sales", ObjectType.LEAD, "00Q5g00000ExAmPEAV")


def message(number: int) -> bytes:
    """A message of Salesforce about the lead, with more of it than its id."""
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{ORGANISATION}</OrganizationId><ActionId>04k5g0000008OIAAA2</ActionId>"
        '<SessionId xsi:nil="true"/><EnterpriseUrl>https://x.example</EnterpriseUrl>'
        f"<PartnerUrl>https://x.example</PartnerUrl><Notification><Id>04l{number:012}AAA</Id>"
        '<sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{LEAD.id}</sf:Id><sf:LastName>Unmistakable</sf:LastName></sObject>"
        "</Notification></notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def comes(loop: Loop, number: int) -> None:
    with writing(loop.engine) as connection:
        inbox.keep(connection, "sales", content_type="text/xml", body=message(number), now=loop.clock())


def test_a_message_about_an_erased_lead_that_waits_or_comes_later_loses_its_body(
    loop: Loop, salesforce: Make
) -> None:
    loop.sales.put(salesforce.lead(LEAD.id, "Unqualified", name="Ann Unmistakable"))
    loop.poll()
    comes(loop, 1)
    loop.settle()
    comes(loop, 2)
    privacy.erase_now(loop.services, [LEAD], who="a test")
    comes(loop, 3)
    loop.settle()
    rows = loop.rows("inbox")
    assert [(row["body"], row["emptied"], row["hints"], row["error"]) for row in rows] == [
        (b"", "privacy", 1, None)
    ] * 3
