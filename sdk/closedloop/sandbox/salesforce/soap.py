"""SOAP login, as old integrations still do it.

SOAP API Developer Guide, login(); the fault is one that clients' own tests record. The call is gone from
version 65.0 on (reference: Retirement calendar); what those versions answer to it is unverified.
"""

from __future__ import annotations

from lxml import etree

from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.oauth import Login
from closedloop.sandbox.salesforce.sessions import Sessions

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_PARTNER = "urn:partner.soap.sforce.com"
_FAULTS = "urn:fault.partner.soap.sforce.com"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LAST_VERSION = 64


def login(call: Call, accounts: Login, sessions: Sessions) -> Answer:
    """POST services/Soap/u/<version>: a session for a username and password."""
    username, password = _credentials(call.request.get_data())
    if float(call.version) > _LAST_VERSION:
        return _fault("INVALID_OPERATION", "SOAP API login() is disabled in this version of the API.")
    if not accounts.knows(username, password):
        message = "Invalid username, password, security token; or user locked out."
        return _fault("INVALID_LOGIN", message)
    organisation = call.org.organization_id
    envelope, body = _envelope(_PARTNER)
    response = etree.SubElement(body, f"{{{_PARTNER}}}loginResponse")
    result = etree.SubElement(response, f"{{{_PARTNER}}}result")
    values = {
        "metadataServerUrl": f"{call.url}/services/Soap/m/{call.version}/{organisation[:15]}",
        "passwordExpired": "false",
        "sandbox": "false",
        "serverUrl": f"{call.url}/services/Soap/u/{call.version}/{organisation[:15]}",
        "sessionId": sessions.issue(),
        "userId": call.user,
    }
    for name, text in values.items():
        etree.SubElement(result, f"{{{_PARTNER}}}{name}").text = text
    return Answer(xml=etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"))


def _credentials(data: bytes) -> tuple[str, str]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return "", ""
    found = (root.findtext(f".//{{{_PARTNER}}}login/{{{_PARTNER}}}{n}") for n in ("username", "password"))
    username, password = found
    return username or "", password or ""


def _fault(code: str, message: str) -> Answer:
    envelope, body = _envelope(_FAULTS)
    fault = etree.SubElement(body, f"{{{_SOAP}}}Fault")
    etree.SubElement(fault, "faultcode").text = f"sf:{code}"
    etree.SubElement(fault, "faultstring").text = f"{code}: {message}"
    detail = etree.SubElement(etree.SubElement(fault, "detail"), f"{{{_FAULTS}}}LoginFault")
    detail.set(f"{{{_XSI}}}type", "sf:LoginFault")
    etree.SubElement(detail, f"{{{_FAULTS}}}exceptionCode").text = code
    etree.SubElement(detail, f"{{{_FAULTS}}}exceptionMessage").text = message
    return Answer(status=500, xml=etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"))


def _envelope(namespace: str) -> tuple[etree._Element, etree._Element]:
    prefix = "sf" if namespace == _FAULTS else None
    spaces = {"soapenv": _SOAP, prefix: namespace, "xsi": _XSI}
    root = etree.Element(f"{{{_SOAP}}}Envelope", nsmap=spaces)  # type: ignore[arg-type]  # as in envelope.py
    return root, etree.SubElement(root, f"{{{_SOAP}}}Body")
