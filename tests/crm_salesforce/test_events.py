"""Outbound messages: the recorded ones are read, and everything else a stranger can send is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from closedloop.crm.base import Ignored
from closedloop.crm.salesforce.events import ACKNOWLEDGEMENT, LARGEST, parse, to_hints
from closedloop.errors import DeliveryRefusedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType

ORG = "00DXx00000Qw3RtMAJ"
NOTIFICATION = """<Notification><Id>04lXx00000aBcD1IAK</Id>
 <sObject xsi:type="sf:{sobject}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{id}</sf:Id>
 <sf:Status>Working</sf:Status><sf:Email xsi:nil="true"/></sObject></Notification>"""


def envelope(
    *notifications: str,
    organization: str = ORG,
    before: str = "",
    namespace: str = "outbound",
    extra: str = "",
) -> str:
    return f"""{before}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <notifications xmlns="http://soap.sforce.com/2005/09/{namespace}">
 <OrganizationId>{organization}</OrganizationId>
 <ActionId>04kXx0000004TstIAE</ActionId><SessionId xsi:nil="true"/>{"".join(notifications)}{extra}
 </notifications></soapenv:Body></soapenv:Envelope>"""


def notification(sobject: str = "Lead", record_id: str = "00QXx00000aBcD1MAK") -> str:
    return NOTIFICATION.format(sobject=sobject, id=record_id)


@pytest.mark.parametrize(
    ("file", "organization", "about"),
    [
        (
            "discountrule_envelope.xml",
            "00DD0000000muCUMAY",
            ("04l570000176YSmAAM", "DiscountRule__c", "a025700000OPgOjAAL", 10),
        ),
        ("opportunity_full.xml", ORG, ("04lXx00000aBcD1IAK", "Opportunity", "006Xx00000mNoP2IAK", 26)),
    ],
)
def test_a_recorded_message_is_read(
    corpus: Path, file: str, organization: str, about: tuple[str, str, str, int]
) -> None:
    message = parse((corpus / "salesforce" / "outbound" / file).read_bytes())
    (only,) = message.notifications
    assert message.organization_id == organization
    assert (only.id, only.sobject, only.record_id, len(only.fields)) == about


def test_fields_that_are_nil_and_fields_that_are_absent_are_both_null() -> None:
    (only,) = parse(envelope(notification()).encode()).notifications
    assert only.fields["Status"] == "Working"
    assert only.fields["Email"] is None
    assert only.fields.get("Phone") is None


def test_comments_and_foreign_elements_are_no_part_of_a_field() -> None:
    sent = (
        notification()
        .replace("Working", "Wor<!-- no -->king")
        .replace("</sObject>", "<Status>x</Status></sObject>")
    )
    (only,) = parse(envelope(sent).encode()).notifications
    assert only.fields["Status"] == "Working"


def test_an_organization_id_of_15_characters_becomes_the_one_of_18() -> None:
    message = parse(envelope(notification(), organization=ORG[:15]).encode())
    assert message.organization_id == ORG


def test_prefixes_do_not_matter_but_namespaces_do() -> None:
    renamed = envelope(notification()).replace("soapenv:", "s:").replace("xmlns:soapenv", "xmlns:s")
    assert parse(renamed.encode()).organization_id == ORG


def test_hints_name_each_object_once_and_count_what_nothing_maps(mapping: CrmMapping) -> None:
    body = envelope(
        notification(), notification(), notification("Opportunity", "006Xx00000mNoP2"), notification("Case"),
        notification("Discount__c"),
    )  # fmt: skip
    hints = to_hints(parse(body.encode()), mapping)
    assert hints.refs == (
        Ref(ObjectType.LEAD, "00QXx00000aBcD1MAK"),
        Ref(ObjectType.OPPORTUNITY, "006Xx00000mNoP2IAK"),
    )
    assert hints.ignored == (Ignored(reason="unknown_object", count=2),)


def test_a_hundred_notifications_are_read() -> None:
    assert len(parse(envelope(*[notification()] * 100).encode()).notifications) == 100


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
) + "]>"  # fmt: skip
XXE = '<!DOCTYPE e [<!ENTITY e SYSTEM "file:///etc/passwd">]>'

STRANGE: list[tuple[str, bytes, str]] = [
    ("empty", b"", "not_xml"),
    ("text", b"hello", "not_xml"),
    ("JSON", b'{"a": 1}', "not_xml"),
    ("truncated", envelope(notification()).encode()[:-30], "not_xml"),
    ("a second root", envelope(notification()).encode() + b"<a/>", "not_xml"),
    ("a null byte", envelope(notification()).encode() + b"\0", "not_xml"),
    ("not UTF-8", envelope(notification(), extra="<a>\xe9</a>").encode("latin-1"), "not_xml"),
    ("UTF-16", envelope(notification()).encode("utf-16"), "not_xml"),
    ("deep", envelope(notification(), extra="<a>" * 1000 + "</a>" * 1000).encode(), "not_xml"),
    ("an unknown entity", envelope(notification(), extra="<a>&nbsp;</a>").encode(), "not_xml"),
    ("a document type", envelope(notification(), before="<!DOCTYPE a>").encode(), "doctype"),
    ("billion laughs", envelope(notification(), before=LAUGHS, extra="&j;").encode(), "doctype"),
    ("an external entity", envelope(notification(), before=XXE, extra="<a>&e;</a>").encode(), "doctype"),
    ("another root", b"<notifications/>", "not_soap"),
    ("SOAP 1.2", envelope(notification()).replace("schemas.xmlsoap.org/soap/envelope/",
     "www.w3.org/2003/05/soap-envelope").encode(), "not_soap"),
    ("no body", b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>', "bad_shape"),
    ("another namespace", envelope(notification(), namespace="inbound").encode(), "bad_shape"),
    ("no notification", envelope().encode(), "notification_count"),
    ("101 notifications", envelope(*[notification()] * 101).encode(), "notification_count"),
    ("no organization", envelope(notification(), organization="").encode(), "bad_id"),
    ("an id that is a URL", envelope(notification(record_id="//evil.example/a")).encode(), "bad_id"),
    ("two organizations", envelope(
        notification(), extra=f"<OrganizationId>{ORG}</OrganizationId>").encode(), "bad_shape"),
    ("no sObject", envelope(
        "<Notification><Id>04lXx00000aBcD1IAK</Id></Notification>").encode(), "bad_shape"),
    ("no type", envelope(notification().replace('xsi:type="sf:Lead"', "")).encode(), "no_type"),
    ("a type of another namespace", envelope(
        notification().replace("sf:Lead", "soapenv:Lead")).encode(), "no_type"),
    ("a type of no namespace", envelope(notification().replace("sf:Lead", "Lead")).encode(), "no_type"),
    ("too large", envelope(notification(), extra="<a>" + "x" * LARGEST + "</a>").encode(), "too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), [row[1:] for row in STRANGE], ids=[row[0] for row in STRANGE])
def test_what_is_no_outbound_message_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(DeliveryRefusedError) as caught:
        parse(body)
    assert caught.value.reason == reason
    assert caught.value.status == (413 if reason == "too_large" else 400)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: envelope(text).encode())))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    with suppress(DeliveryRefusedError):
        parse(body)


def test_an_encoding_that_the_declaration_claims_cannot_hide_a_document_type() -> None:
    hidden = "<?xml version='1.0' encoding='UTF-7'?>" + envelope(
        notification(), before="+ADwAIQ-DOCTYPE a+AD4-"
    )
    with pytest.raises(DeliveryRefusedError):
        parse(hidden.encode())


def test_the_acknowledgement_is_the_one_that_salesforce_takes_for_yes(corpus: Path) -> None:
    wsdl = etree.parse(corpus / "salesforce" / "outbound" / "DiscountRule__c.wsdl").getroot()
    schemas = wsdl.findall(".//{http://www.w3.org/2001/XMLSchema}schema")
    (schema,) = [
        one for one in schemas if one.get("targetNamespace") == "http://soap.sforce.com/2005/09/outbound"
    ]
    acknowledged = etree.fromstring(ACKNOWLEDGEMENT)[0][0]
    names = {etree.QName(child).localname: child.text for child in acknowledged}
    assert etree.QName(acknowledged).namespace == schema.get("targetNamespace")
    assert etree.QName(acknowledged).localname == "notificationsResponse"
    assert names == {"Ack": "true"}
