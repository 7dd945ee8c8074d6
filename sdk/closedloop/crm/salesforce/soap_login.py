"""The SOAP login, which ends on 2027-06-01 (Help 005132110): what is sent, and what the answer says.

Request and answer: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_login.htm
"""

from __future__ import annotations

from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from closedloop.crm.raw import Answer
from closedloop.crm.salesforce.answers import error_of, xml_words

_REQUEST = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
    '<login xmlns="urn:partner.soap.sforce.com"><username>{}</username><password>{}</password></login>'
    "</env:Body></env:Envelope>"
)


def login_request(username: str, password: str) -> bytes:
    """The request's body; the password is followed by the security token."""
    return _REQUEST.format(escape(username), escape(password)).encode()


def token_of_login(answer: Answer) -> tuple[str | None, str | None]:
    """The session id and its org's address, None where the answer has none; the error that a fault is."""
    words = xml_words(answer.body)
    if code := words.get("exceptionCode") or words.get("faultcode", "").rpartition(":")[2]:
        # SOAP gives every fault status 500: it says nothing about whether to try again.
        message = words.get("exceptionMessage") or words.get("faultstring")
        raise error_of(400, {"error": code, "error_description": message}, answer.headers)
    if answer.status != 200:
        raise error_of(answer.status, None, answer.headers)
    server = urlsplit(words.get("serverUrl", ""))  # https://<instance>/services/Soap/u/62.0/<org>
    return words.get("sessionId"), f"{server.scheme}://{server.netloc}" if server.netloc else None
