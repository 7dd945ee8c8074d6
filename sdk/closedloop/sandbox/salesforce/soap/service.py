"""SOAP: the envelope, the session in its header, faults, and which operation answers.

SOAP API Developer Guide, "API Fault Element"; the faults are those that clients' own tests record
(jsforce `test/soap.test.ts`, CumulusCI `tasks/salesforce/tests/test_CreateBlankProfile`, restforce): those of
the Metadata API have no detail, those of the partner API have one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from closedloop.sandbox.salesforce.login.sessions import Sessions
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.allowances import Usage
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.soap.markup import XSI, Element, Markup, MarkupError, read, tag

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER = "urn:partner.soap.sforce.com"
ENTERPRISE = "urn:enterprise.soap.sforce.com"
_KIND = "text/xml;charset=UTF-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
# The detail of a partner fault is of a type of its own for some codes (partner WSDL, "fault").
_FAULTS = {
    "INVALID_LOGIN": "LoginFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "INVALID_FIELD": "InvalidFieldFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
    "MALFORMED_SEARCH": "MalformedSearchFault",
    "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault",
    "INVALID_NEW_PASSWORD": "InvalidNewPasswordFault",
    "MALFORMED_ID": "InvalidIdFault",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call that was let in: its element, and the headers of the envelope."""

    call: Call
    version: str
    element: Element
    headers: Element

    @property
    def token(self) -> str:
        """The session id that came with it."""
        return self.headers.value("SessionHeader", "sessionId") or ""

    @property
    def all_or_none(self) -> bool:
        """Whether one failure is to undo everything (AllOrNoneHeader; false where it is missing)."""
        return self.headers.flag("AllOrNoneHeader", "allOrNone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What one of the SOAP APIs looks like. `public` operations need no session."""

    space: str
    faults: str
    operations: Mapping[str, Callable[[Operation], Markup]]
    public: frozenset[str] = frozenset()
    newest: int
    oldest: int
    detailed: bool = True
    declares: str = ""


class FaultError(Exception):
    """The whole call is refused; `prefix` is that of the fault's code."""

    def __init__(self, code: str, message: str, *, prefix: str = "sf") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.prefix = prefix


class SoapApi:
    """Answers one of the SOAP APIs."""

    def __init__(self, face: Face, sessions: Sessions, usage: Usage) -> None:
        self._face = face
        self._sessions = sessions
        self._usage = usage

    def __call__(self, call: Call) -> Answer:
        try:
            operation = self._read(call)
            answer = self._face.operations[operation.element.name](operation)
            return _answer(self._enveloped(f"{operation.element.name}Response", answer), 200)
        except FaultError as fault:
            return self._fault(fault)
        except Refusal as refusal:
            return self._fault(FaultError(refusal.code, refusal.message))

    def _read(self, call: Call) -> Operation:
        if "SOAPAction" not in call.request.headers:
            raise FaultError("Client", "SOAPAction HTTP header missing", prefix="soapenv")
        version = self._version(call.path["api"])
        headers, element = _parts(call.request.get_data())
        if element.name not in self._face.operations:
            message = (
                f"No operation available for request {{{element.space}}}{element.name}, "
                "please check the WSDL for the service."
            )
            raise FaultError("Client", message, prefix="soapenv")
        operation = Operation(call=call, version=version, element=element, headers=headers)
        if element.name not in self._face.public:
            self._let_in(operation.token)
        return operation

    def _version(self, text: str) -> str:
        number, _, rest = text.partition(".")
        known = number.isascii() and number.isdigit() and len(number) <= 3 and rest in ("", "0")
        if not known or not self._face.oldest <= int(number) <= self._face.newest:
            raise FaultError("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
        return f"{number}.0"

    def _let_in(self, token: str) -> None:
        if not self._sessions.valid(f"Bearer {token}"):
            message = "Invalid Session ID found in SessionHeader: Illegal Session"
            raise FaultError("INVALID_SESSION_ID", message)
        self._usage.count()

    def _enveloped(self, name: str, answer: Markup) -> str:
        return (
            f'{_HEAD}<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns="{self._face.space}" xmlns:xsi="{XSI}"'
            f"{self._face.declares}>{self._limits()}<soapenv:Body><{name}>{answer}</{name}></soapenv:Body>"
            "</soapenv:Envelope>"
        )

    def _limits(self) -> str:
        """The header of the partner API's answers (recorded: WWW::Salesforce, `t/deserializer.t`)."""
        if not self._face.detailed:
            return ""
        used = {"current": self._usage.used, "limit": self._usage.daily, "type": "API REQUESTS"}
        limits = tag("LimitInfoHeader", {"limitInfo": used})
        return f"<soapenv:Header>{limits}</soapenv:Header>"

    def _fault(self, fault: FaultError) -> Answer:
        text = fault.message if fault.prefix == "soapenv" else f"{fault.code}: {fault.message}"
        parts = tag("faultcode", f"{fault.prefix}:{fault.code}") + tag("faultstring", text)
        if self._face.detailed and fault.prefix == "sf":
            parts += self._detail(fault)
        envelope = (
            f'{_HEAD}<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:sf="{self._face.faults}" '
            f'xmlns:xsi="{XSI}"><soapenv:Body><soapenv:Fault>{parts}</soapenv:Fault></soapenv:Body>'
            "</soapenv:Envelope>"
        )
        return _answer(envelope, 500)

    def _detail(self, fault: FaultError) -> Markup:
        kind = _FAULTS.get(fault.code, "UnexpectedErrorFault")
        texts = {"sf:exceptionCode": fault.code, "sf:exceptionMessage": fault.message}
        return tag("detail", tag(f"sf:{kind}", texts, xsi_type=f"sf:{kind}"))


def _parts(data: bytes) -> tuple[Element, Element]:
    """The headers, and the operation."""
    try:
        root = read(data)
    except MarkupError as error:
        message = f"{error} at line {error.line}, column {error.column}"
        raise FaultError("Client", message, prefix="soapenv") from None
    body = root.find("Body")
    if root.name != "Envelope" or root.space != SOAP or body is None or not body.children:
        raise FaultError("Client", "the body has no operation", prefix="soapenv")
    return root.find("Header") or Element(name="Header"), body.children[0]


def _answer(text: str, status: int) -> Answer:
    return Answer(status=status, raw=text.encode(), kind=_KIND)
