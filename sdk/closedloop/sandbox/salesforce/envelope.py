"""The SOAP of outbound messages: the envelope that is sent, the acknowledgement that is expected.

Shape and order are those of recorded messages and of Salesforce's own WSDL (reference: Outbound message wire
format).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from closedloop.sandbox.salesforce.records.values import to_xml

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_SOBJECT = "urn:sobject.enterprise.soap.sforce.com"
_XSD = "http://www.w3.org/2001/XMLSchema"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_API_VERSION = "62.0"
_HOST = "https://sandbox.my.salesforce.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification: its own id, and the record with the fields it shows."""

    id: str
    sobject: str
    values: Mapping[str, Any]


def envelope(organization_id: str, action_id: str, messages: Iterable[Message]) -> bytes:
    """The body of one delivery."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP, "xsd": _XSD, "xsi": _XSI})
    body = etree.SubElement(root, f"{{{SOAP}}}Body")
    top = etree.SubElement(body, _outbound("notifications"), nsmap={None: OUTBOUND})  # type: ignore[dict-item] # the stubs miss the default namespace
    _text(top, "OrganizationId", organization_id)
    _text(top, "ActionId", action_id)
    # Always nil since February 2026 (Help 005232763).
    etree.SubElement(top, _outbound("SessionId"), {f"{{{_XSI}}}nil": "true"})
    for name, api in (("EnterpriseUrl", "c"), ("PartnerUrl", "u")):
        _text(top, name, f"{_HOST}/services/Soap/{api}/{_API_VERSION}/{organization_id[:15]}")
    for message in messages:
        _notification(top, message)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def acknowledged(status: int, body: bytes) -> bool:
    """Whether the answer is the acknowledgement; anything else means that the whole message comes again."""
    if status != 200:
        return False
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return False
    path = f"{{{SOAP}}}Body/{_outbound('notificationsResponse')}/{_outbound('Ack')}"
    if root.tag != f"{{{SOAP}}}Envelope":
        return False
    return (root.findtext(path) or "").strip() in ("true", "1")


def _notification(top: etree._Element, message: Message) -> None:
    notification = etree.SubElement(top, _outbound("Notification"))
    _text(notification, "Id", message.id)
    record = etree.SubElement(notification, _outbound("sObject"), nsmap={"sf": _SOBJECT})
    record.set(f"{{{_XSI}}}type", f"sf:{message.sobject}")
    # Id first, then by name; what is null is left out.
    for name in ("Id", *sorted(set(message.values) - {"Id"})):
        if message.values[name] is not None:
            etree.SubElement(record, f"{{{_SOBJECT}}}{name}").text = to_xml(message.values[name])


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _outbound(name)).text = text


def _outbound(name: str) -> str:
    return f"{{{OUTBOUND}}}{name}"
