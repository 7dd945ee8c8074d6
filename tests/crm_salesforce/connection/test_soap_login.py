"""The SOAP login, as long as there is one."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import AnswerError, AuthenticationError, CrmError, RetryableError

QUERY = "/services/data/v62.0/query/"
SOAP = "/services/Soap/u/62.0"
ASK = [Question("SELECT Id FROM Lead")]
LOGIN = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns="urn:partner.soap.sforce.com">
<soapenv:Body><loginResponse><result><serverUrl>{}/services/Soap/u/62.0/00D000000000001</serverUrl>
<sessionId>{}</sessionId></result></loginResponse></soapenv:Body></soapenv:Envelope>"""
FAULT = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:{0}</faultcode>
<faultstring>{0}: said u@example.com</faultstring>
<detail><sf:LoginFault><sf:exceptionCode>{0}</sf:exceptionCode>
<sf:exceptionMessage>said u@example.com</sf:exceptionMessage></sf:LoginFault></detail>
</soapenv:Fault></soapenv:Body></soapenv:Envelope>"""


@pytest.fixture
def soap(double: Any) -> Client:
    with pytest.deprecated_call(match="2027-06-01"):
        credentials = SalesforceCredentials(
            login_url=double.url, username="u&<@example.com", password="p<&", security_token="TOK"
        )
    return Client(credentials, timeouts=(2.0, 2.0))


def test_the_soap_login_is_legacy_and_escapes_what_it_sends(soap: Client, double: Any, laid_out: Any) -> None:
    double.answer("POST", SOAP, laid_out(200, LOGIN.format(double.url, "session-1")))
    double.answer("GET", QUERY, laid_out(200, {"done": True, "records": []}))
    soap.query(ASK)
    sent = etree.fromstring(double.asked[0].body)
    assert [each.text for each in sent.iter("{urn:partner.soap.sforce.com}*")][1:] == [
        "u&<@example.com",
        "p<&TOK",
    ]
    assert double.asked[1].headers["authorization"] == "Bearer session-1"


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (500, FAULT.format("INVALID_LOGIN"), AuthenticationError, "bad_credentials"),
        (500, FAULT.format("LOGIN_MUST_USE_SECURITY_TOKEN"), AuthenticationError, "bad_credentials"),
        (500, FAULT.format("PASSWORD_LOCKOUT"), AuthenticationError, "bad_credentials"),
        (500, FAULT.format("API_DISABLED_FOR_ORG"), AuthenticationError, "api_disabled"),
        (500, FAULT.format("SERVER_UNAVAILABLE"), RetryableError, "crm_unavailable"),
        (500, "<html>Oh</html>", RetryableError, "crm_failed"),
        (200, "<html>Hello</html>", AnswerError, "not_the_api"),
        (200, "", AnswerError, "not_the_api"),
        (200, LOGIN.format("http://evil.example", "s"), AnswerError, "bad_instance"),
        (200, LOGIN.format("https://user@evil.example", "s"), AnswerError, "bad_instance"),
        (200, LOGIN.format("https://acme.my.salesforce.com", ""), AnswerError, "not_the_api"),
        (200, '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><sessionId>&b;</sessionId></a>',
         AnswerError, "not_the_api"),
    ],
)  # fmt: skip
def test_a_failed_soap_login_says_what_to_do(  # noqa: PLR0917 - a table's columns
    soap: Client, double: Any, laid_out: Any, status: int, body: str, error: type[CrmError], reason: str
) -> None:
    double.answer("POST", SOAP, laid_out(status, body))
    with pytest.raises(error) as caught:
        soap.query(ASK)
    assert caught.value.reason == reason
    assert "u@example.com" not in str(caught.value)
    assert double.paths().count(f"POST {SOAP}") == (5 if error is RetryableError else 1)
