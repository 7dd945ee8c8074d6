"""What the tests of the inbox share."""

from __future__ import annotations

import pytest


@pytest.fixture
def salesforce_message() -> bytes:
    """An outbound message about one lead."""
    return (
        b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        b'<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        b"<OrganizationId>00D5g000004ABCDEA4</OrganizationId><ActionId>04k5g000000ABCDAAA</ActionId>"
        b'<Notification><Id>04l5g000000ABCDAAA</Id><sObject xsi:type="sf:Lead"'
        b' xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>00Q5g000000ABCDAAA</sf:Id></sObject>'
        b"</Notification></notifications></soapenv:Body></soapenv:Envelope>"
    )
