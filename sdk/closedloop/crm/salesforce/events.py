"""Reads outbound messages: bytes in, hints out. They are SOAP, unsigned, and easily imitated.

The message may be old and comes at least once, so that nothing in it is believed but which objects it is
about (https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lxml import etree

from closedloop.crm.base import Hints, Ignored
from closedloop.crm.salesforce.ids import full_id
from closedloop.errors import DeliveryRefusedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Ref

LARGEST = 2_000_000
"""Bytes: 100 notifications of an object with every field filled stay well below."""
MOST = 100

ACKNOWLEDGEMENT = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
"""The answer, as text/xml with status 200, that ends the repetition of a message."""

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUT = "{http://soap.sforce.com/2005/09/outbound}"
_OBJECT = "urn:sobject.enterprise.soap.sforce.com"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One object that may have changed. `fields` are as sent, the empty ones absent: not to be relied on."""

    id: str
    sobject: str
    record_id: str
    fields: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One delivery of an outbound message; all ids have 18 characters."""

    organization_id: str
    action_id: str
    notifications: tuple[Notification, ...]


def parse(body: bytes) -> OutboundMessage:
    """The message in `body`; DeliveryRefusedError for anything else."""
    if len(body) > LARGEST:
        raise DeliveryRefusedError(
            f"the message has {len(body)} bytes, more than {LARGEST}", status=413, reason="too_large"
        )
    message = _only(_only(_envelope(body), f"{_SOAP}Body"), f"{_OUT}notifications")
    found = message.findall(f"{_OUT}Notification")
    if not 1 <= len(found) <= MOST:
        raise _refused(f"it holds {len(found)} notifications, expected 1 to {MOST}", "notification_count")
    return OutboundMessage(
        organization_id=_id(message, f"{_OUT}OrganizationId"),
        action_id=_id(message, f"{_OUT}ActionId"),
        notifications=tuple(_notification(element) for element in found),
    )


def to_hints(message: OutboundMessage, mapping: CrmMapping) -> Hints:
    """The objects to read again, each once; notifications about objects that nothing maps are counted."""
    refs: dict[Ref, None] = {}
    ignored: Counter[str] = Counter()
    for notification in message.notifications:
        of = mapping.object_of(notification.sobject)
        if of is None:
            ignored["unknown_object"] += 1
        else:
            refs[Ref(of, notification.record_id)] = None
    counted = tuple(Ignored(reason=reason, count=count) for reason, count in sorted(ignored.items()))
    return Hints(refs=tuple(refs), ignored=counted)


def _envelope(body: bytes) -> etree._Element:
    """The root. A document type, and with it every entity, is refused before anything is parsed; the
    encoding is given so that no declaration can hide one."""
    if b"<!DOCTYPE" in body:
        raise _refused("it has a document type declaration, which no outbound message has", "doctype")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise _refused("it is not well-formed XML in UTF-8", "not_xml") from exc
    if root.tag != f"{_SOAP}Envelope":
        raise _refused("its root is not a SOAP 1.1 Envelope", "not_soap")
    return root


def _only(parent: etree._Element, tag: str) -> etree._Element:
    """The one child of that name."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise _refused(
            f"expected one {etree.QName(tag).localname} in {etree.QName(parent).localname}", "bad_shape"
        )
    return found[0]


def _id(parent: etree._Element, tag: str) -> str:
    """The id in the one child of that name."""
    element = _only(parent, tag)
    try:
        return full_id((element.text or "").strip())
    except ValueError as exc:
        raise _refused(f"{etree.QName(tag).localname} is no Salesforce id", "bad_id") from exc


def _notification(element: etree._Element) -> Notification:
    sobject = _only(element, f"{_OUT}sObject")
    return Notification(
        id=_id(element, f"{_OUT}Id"),
        sobject=_type(sobject),
        record_id=_id(sobject, f"{{{_OBJECT}}}Id"),
        fields=MappingProxyType(_fields(sobject)),
    )


def _type(sobject: etree._Element) -> str:
    """The object's API name, from `xsi:type="sf:Lead"`; the prefix must stand for Salesforce's namespace."""
    prefix, _, name = (sobject.get(f"{_XSI}type") or "").strip().rpartition(":")
    if not name or sobject.nsmap.get(prefix or None) != _OBJECT:
        raise _refused("an sObject does not say in xsi:type which object it is", "no_type")
    return name


def _fields(sobject: etree._Element) -> dict[str, str | None]:
    """The fields by API name; an element that says xsi:nil, or is absent, stands for null."""
    found: dict[str, str | None] = {}
    for element in sobject:
        name = etree.QName(element)
        if name.namespace == _OBJECT:
            nil = element.get(f"{_XSI}nil") in {"true", "1"}
            found[name.localname] = None if nil else (element.text or "")
    return found


def _refused(what: str, reason: str) -> DeliveryRefusedError:
    return DeliveryRefusedError(f"not an outbound message: {what}", status=400, reason=reason)
