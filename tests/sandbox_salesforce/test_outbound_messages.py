"""Outbound messages: their bytes, when they are sent, and until when they are sent again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox, Timing
from closedloop.sandbox.salesforce.envelope import acknowledged

OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
SF = "{urn:sobject.enterprise.soap.sforce.com}"
NOTIFICATIONS = f".//{OUTBOUND}Notification"


def parsed(body: bytes) -> etree._Element:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def outline(element: etree._Element) -> list[Any]:
    """Names, attributes and namespaces, without the texts."""
    attributes = sorted(element.attrib.items())
    return [element.tag, attributes, element.nsmap, [outline(child) for child in element]]


def records(body: bytes) -> list[dict[str, str | None]]:
    """Each notification's fields."""
    found = parsed(body).findall(f"{NOTIFICATIONS}/{OUTBOUND}sObject")
    return [{child.tag.removeprefix(SF): child.text for child in record} for record in found]


def test_a_message_is_built_as_the_recorded_one(org: Org, receiver: Any, corpus: Path) -> None:
    recorded = etree.parse(corpus / "salesforce/outbound/opportunity_full.xml").getroot()
    fields = [child.tag.removeprefix(SF) for child in recorded.findall(f".//{OUTBOUND}sObject/*")]
    # Three of the recorded fields are that org's own, or of who looked at the record.
    ours = [f for f in fields if f not in ("Follow_Up__c", "LastReferencedDate", "LastViewedDate")]
    for field in set(fields) - set(ours):
        (element,) = recorded.findall(f".//{SF}{field}")
        element.getparent().remove(element)  # type: ignore[union-attr]
    account = org.insert("Account", {"Name": "Example Industries"})
    contact = org.insert("Contact", {"LastName": "Clara", "AccountId": account})
    shuffled = sorted(ours, key=lambda name: name[::-1])
    org.subscribe("Opportunity", shuffled, receiver.url, when_changed=["StageName"])
    org.insert(
        "Opportunity",
        {
            "Name": "Example Industries – renewal",
            "StageName": "Closed Lost",
            "CloseDate": "2026-09-30",
            "Amount": "12500",
            "LeadSource": "Trade Show & Events",
            "AccountId": account,
            "ContactId": contact,
        },
    )
    assert org.settle()
    (body,) = receiver.bodies
    assert outline(parsed(body)) == outline(recorded)
    texts = {child.tag: child.text for child in recorded.iter(f"{SF}*")}
    same = ("Amount", "CloseDate", "FiscalQuarter", "FiscalYear", "IsClosed", "IsWon", "Name", "Probability")
    (record,) = records(body)
    assert {name: record[name] for name in same} == {name: texts[SF + name] for name in same}
    assert record["LeadSource"] == texts[f"{SF}LeadSource"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", record["SystemModstamp"] or "")


def test_the_recorded_wsdl_accepts_the_message(org: Org, receiver: Any, corpus: Path, lead: str) -> None:
    wsdl = etree.parse(corpus / "salesforce/outbound/DiscountRule__c.wsdl")
    schemas = {s.get("targetNamespace"): s for s in wsdl.iter("{http://www.w3.org/2001/XMLSchema}schema")}
    sequence = schemas["http://soap.sforce.com/2005/09/outbound"].find(
        ".//{*}element[@name='notifications']//{*}sequence"
    )
    assert sequence is not None
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    (top,) = parsed(receiver.bodies[0]).iter(f"{OUTBOUND}notifications")
    declared = [str(child.get("name")) for child in sequence]
    assert [child.tag.removeprefix(OUTBOUND) for child in top] == declared


def test_the_request_is_soap(org: Org, receiver: Any, lead: str) -> None:
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    assert receiver.headers == [
        {
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "HTTP_SOAPACTION": '""',
            "REQUEST_METHOD": "POST",
        }
    ]
    top = parsed(receiver.bodies[0])
    assert top.findtext(f".//{OUTBOUND}OrganizationId") == org.organization_id
    assert (top.findtext(f".//{OUTBOUND}ActionId") or "").startswith("04k")
    assert (top.findtext(f"{NOTIFICATIONS}/{OUTBOUND}Id") or "").startswith("04l")


def test_null_fields_are_left_out(org: Org, receiver: Any, lead: str) -> None:
    org.subscribe(
        "Lead", ["Title", "Status", "Disqualified_Reason__c"], receiver.url, when_changed=["Status"]
    )
    org.update("Lead", lead, {"Status": "Closed - Not Converted"})
    assert org.settle()
    assert records(receiver.bodies[0]) == [{"Id": lead, "Status": "Closed - Not Converted"}]


def test_only_new_records_and_watched_changes_are_told(org: Org, receiver: Any, lead: str) -> None:
    org.subscribe("Lead", ["Title"], receiver.url, when_changed=["Status", "Disqualified_Reason__c"])
    org.update("Lead", lead, {"Title": "CFO"})
    org.update("Lead", lead, {"Status": "Open - Not Contacted"})
    org.delete("Lead", lead)
    assert org.settle()
    assert receiver.bodies == []
    other = org.insert("Lead", {"LastName": "New", "Company": "Acme"})
    assert org.settle()
    assert [record["Id"] for body in receiver.bodies for record in records(body)] == [other]


def test_a_computed_field_can_be_watched(org: Org, receiver: Any, opportunity: str) -> None:
    org.subscribe("Opportunity", ["IsWon"], receiver.url, when_changed=["IsClosed"])
    org.update("Opportunity", opportunity, {"StageName": "Qualification"})
    org.update("Opportunity", opportunity, {"StageName": "Closed Won"})
    assert org.settle()
    assert [records(body) for body in receiver.bodies] == [[{"Id": opportunity, "IsWon": "true"}]]


def test_changes_over_the_api_and_conversions_are_told_too(
    http: Any, org: Org, receiver: Any, lead: str
) -> None:
    org.subscribe("Lead", ["Status", "IsConverted"], receiver.url, when_changed=["Status"])
    http("PATCH", f"/sobjects/Lead/{lead}", json={"Status": "Working - Contacted"})
    assert org.settle()
    org.convert_lead(lead)
    assert org.settle()
    assert [record["IsConverted"] for body in receiver.bodies for record in records(body)] == [
        "false",
        "true",
    ]


def test_a_change_that_is_rolled_back_is_not_told(http: Any, org: Org, receiver: Any, lead: str) -> None:
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    good = {"attributes": {"type": "Lead"}, "Id": lead, "Status": "Working - Contacted"}
    bad = {"attributes": {"type": "Lead"}, "Id": lead, "Foo": 1}
    http("PATCH", "/composite/sobjects", json={"allOrNone": True, "records": [good, bad]})
    assert org.settle()
    assert receiver.bodies == []


@pytest.mark.parametrize(
    "reply",
    [
        ("200 OK", "<Ack>true</Ack>"),
        ("200 OK", ""),
        ("200 OK", "not XML"),
        ("500 Internal Server Error", ""),
        ("302 Found", ""),
    ],
)
def test_what_is_not_acknowledged_comes_again(
    org: Org, receiver: Any, lead: str, reply: tuple[str, str]
) -> None:
    receiver.replies = [reply, reply]
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    assert len(receiver.bodies) == 3
    assert len({parsed(body).findtext(f"{NOTIFICATIONS}/{OUTBOUND}Id") for body in receiver.bodies}) == 1
    assert len(org.outbound.failures) == 2


def test_an_ack_that_says_false_is_none(org: Org, receiver: Any, lead: str) -> None:
    body = _acknowledgement("false")
    receiver.replies = [("200 OK", body)]
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    assert len(receiver.bodies) == 2


def _acknowledgement(word: str) -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><notificationsResponse '
        f'xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{word}</Ack></notificationsResponse>'
        "</s:Body></s:Envelope>"
    )


@pytest.mark.parametrize(
    ("status", "body", "taken"),
    [
        (200, _acknowledgement("true"), True),
        (200, _acknowledgement("1"), True),
        (200, _acknowledgement(" true "), True),
        (200, _acknowledgement("false"), False),
        (200, _acknowledgement("Missing"), False),
        (202, _acknowledgement("true"), False),
        (200, _acknowledgement("true").replace("2005/09", "2005/10"), False),
        (
            200,
            "<Envelope><Body><notificationsResponse><Ack>true</Ack></notificationsResponse></Body></Envelope>",
            False,
        ),
    ],
)
def test_the_acknowledgement_is_exact(status: int, body: str, taken: bool) -> None:
    assert acknowledged(status, body.encode()) is taken


def test_a_message_that_comes_again_shows_the_latest_values(org: Org, receiver: Any, lead: str) -> None:
    receiver.replies = [("503 Service Unavailable", "")]
    org.subscribe("Lead", ["Title", "Status"], receiver.url, when_changed=["Status"])
    receiver.before_reply = lambda: org.update("Lead", lead, {"Title": "CFO"})
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    assert [records(body)[0].get("Title") for body in receiver.bodies] == [None, "CFO"]


def test_a_message_holds_at_most_100_notifications(receiver: Any) -> None:
    sandbox = SalesforceSandbox()
    sandbox.org.subscribe("Account", ["Name"], receiver.url, when_changed=["Name"])
    made = [sandbox.org.insert("Account", {"Name": f"Account {n}"}) for n in range(250)]
    with sandbox:
        assert sandbox.org.settle()
    assert [len(records(body)) for body in receiver.bodies] == [100, 100, 50]
    assert [record["Id"] for body in receiver.bodies for record in records(body)] == made


def test_messages_of_two_definitions_are_not_mixed(org: Org, receiver: Any, lead: str) -> None:
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.subscribe("Lead", ["Email"], f"{receiver.url}/other", when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    shown = [[set(record) - {"Id"} for record in records(body)] for body in receiver.bodies]
    assert sorted(shown, key=str) == [[{"Email"}], [{"Status"}]]


def test_a_receiver_that_is_not_there_is_tried_again(org: Org, receiver: Any, lead: str) -> None:
    receiver.stop()
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert not org.settle(0.05)
    assert "ConnectionError" in org.outbound.failures[-1]


def test_what_nobody_takes_is_dropped_in_the_end(receiver: Any) -> None:
    receiver.replies = [("500 Internal Server Error", "")] * 50
    timing = Timing(first_retry=0.001, longest_retry=0.001, dropped_after=0.0)
    with SalesforceSandbox(timing=timing) as sandbox:
        sandbox.org.subscribe("Account", ["Name"], receiver.url, when_changed=["Name"])
        sandbox.org.insert("Account", {"Name": "Acme"})
        assert sandbox.org.settle()
    assert len(receiver.bodies) == 1


def test_a_definition_names_fields_that_exist(org: Org, receiver: Any) -> None:
    with pytest.raises(Refusal, match="INVALID_FIELD"):
        org.subscribe("Lead", ["Foo"], receiver.url, when_changed=["Status"])
    with pytest.raises(Refusal, match="INVALID_FIELD"):
        org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Foo"])


def test_a_receiver_may_ask_the_org_back_before_it_answers(
    salesforce: SalesforceSandbox, org: Org, receiver: Any, lead: str
) -> None:
    headers = {"Authorization": f"Bearer {salesforce.access_token}"}
    url = f"{salesforce.url}/services/data/v62.0/sobjects/Lead/{lead}"
    seen: list[str] = []
    receiver.before_reply = lambda: seen.append(
        requests.get(url, headers=headers, timeout=10).json()["Status"]
    )
    org.subscribe("Lead", ["Status"], receiver.url, when_changed=["Status"])
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    assert seen == ["Working - Contacted"]
