"""SOAP calls as clients send them, and the files of packages that they deploy."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import requests

from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.salesforce.soap.markup import Element, read, tag

SPACES = {
    "c": "urn:enterprise.soap.sforce.com",
    "m": "http://soap.sforce.com/2006/04/metadata",
    "u": "urn:partner.soap.sforce.com",
}
METADATA = SPACES["m"]


class Soap:
    """Sends an operation; the answer's own element, or the fault."""

    def __init__(self, sandbox: SalesforceSandbox, session: requests.Session) -> None:
        self.url = f"{sandbox.url}/services/Soap"
        self.token = sandbox.access_token
        self._session = session

    def __call__(
        self,
        operation: str,
        *,
        api: str = "m",
        version: str = "62.0",
        headers: str = "",
        token: str | None = None,
    ) -> Element:
        text = self.envelope(operation, api=api, headers=headers, token=token)
        answer = self.post(text, api=api, version=version)
        body = read(answer.content).find("Body")
        assert body is not None
        found = body.children[0]
        assert (answer.status_code == 500) is (found.name == "Fault"), answer.text
        return found

    def post(self, body: str, *, api: str, version: str, action: str | None = '""') -> requests.Response:
        headers = {"Content-Type": "text/xml", **({"SOAPAction": action} if action is not None else {})}
        url = f"{self.url}/{api}/{version}"
        answer = self._session.post(url, data=body.encode(), headers=headers, timeout=10)
        assert answer.headers["Content-Type"] == "text/xml;charset=UTF-8"
        return answer

    def envelope(self, operation: str, *, api: str, headers: str = "", token: str | None = None) -> str:
        session = f"<sessionId>{self.token if token is None else token}</sessionId>"
        return (
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f'<soapenv:Header xmlns="{SPACES[api]}"><SessionHeader>{session}</SessionHeader>{headers}'
            f'</soapenv:Header><soapenv:Body xmlns="{SPACES[api]}">{operation}</soapenv:Body>'
            "</soapenv:Envelope>"
        )


def archive(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as found:
        for path, content in files.items():
            found.writestr(path, content)
    return buffer.getvalue()


def file(kind: str, inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} xmlns="{METADATA}">{inner}</{kind}>\n'


def manifest(**members: str) -> str:
    """A package.xml with the names of each kind, parted by blanks."""
    types = (
        tag("types", {"members": names.split(), "name": kind}) for kind, names in members.items() if names
    )
    return file("Package", "".join(types) + "<version>62.0</version>")


def field(name: str, **parts: str) -> str:
    """A text field, but for what is said otherwise; an empty part is left out."""
    values = {"fullName": name, "label": name.removesuffix("__c"), "length": "80", "type": "Text", **parts}
    return tag("fields", {key: value for key, value in values.items() if value})


def objects(name: str, *fields: str) -> dict[str, str]:
    return {f"objects/{name}.object": file("CustomObject", "".join(fields))}


def message(name: str, endpoint: str, *fields: str, user: str = "integration@example.com") -> str:
    return tag(
        "outboundMessages",
        {
            "fullName": name,
            "apiVersion": "62.0",
            "endpointUrl": endpoint,
            "fields": fields or ("Id",),
            "includeSessionId": "false",
            "integrationUser": user,
            "name": name,
            "protected": "false",
        },
    )


def flow(sobject: str, action: str, *, on: str = "Update", status: str = "Active", start: str = "") -> str:
    """A record-triggered flow that sends a message; `start` are its conditions."""
    return file(
        "Flow",
        f"<actionCalls><name>Send</name><label>Send</label><locationX>1</locationX><locationY>1</locationY>"
        f"<actionName>{action}</actionName><actionType>outboundMessage</actionType></actionCalls>"
        "<apiVersion>62.0</apiVersion><label>Tell</label><processType>AutoLaunchedFlow</processType>"
        "<start><locationX>1</locationX><locationY>1</locationY><connector><targetReference>Send"
        f"</targetReference></connector>{start}<object>{sobject}</object><recordTriggerType>{on}"
        f"</recordTriggerType><triggerType>RecordAfterSave</triggerType></start><status>{status}</status>",
    )


Deployed = dict[str, Any]
Deploy = Callable[..., Deployed]


def checked(soap: Soap, process: str) -> Deployed:
    """How a deployment goes; its messages by the names of what they are about."""
    asked = tag("checkDeployStatus", {"asyncProcessId": process, "includeDetails": "true"})
    result = soap(asked).find("result")
    assert result is not None
    details = result.find("details")
    messages = (
        [] if details is None else [*details.all("componentFailures"), *details.all("componentSuccesses")]
    )
    return {
        "id": process,
        "status": result.value("status"),
        "success": result.value("success"),
        "counts": tuple(result.value(f"numberComponent{name}") for name in ("sTotal", "sDeployed", "Errors")),
        "messages": {one.value("fullName"): one for one in messages},
        "problems": {one.value("fullName"): one.value("problem") for one in messages if one.value("problem")},
    }


def deployer(soap: Soap) -> Deploy:
    """Deploys files over SOAP; the status in the end, its messages by the names of what they are about."""

    def send(files: Mapping[str, str | bytes], **options: str) -> Deployed:
        given = {"rollbackOnError": "true", "singlePackage": "true", **options}
        data = base64.b64encode(archive(files)).decode()
        taken = soap(tag("deploy", {"ZipFile": data, "DeployOptions": given}))
        return checked(soap, taken.value("result", "id") or "")

    return send
