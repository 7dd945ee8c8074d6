"""The Metadata API's REST resource: deployments alone.

Metadata API Developer Guide, "Deploy Metadata with REST Resources", "Check the Status of Your Deployment
Using REST Resources", "Cancel a Deployment in Progress Using REST".
What jsforce sends names its JSON part `entity_content`, the guide's examples call it `json`; either is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug import Request

from closedloop.sandbox.salesforce.metadata.deployments import Deployments
from closedloop.sandbox.salesforce.metadata.options import OptionsError, from_json
from closedloop.sandbox.salesforce.metadata.outcome import Outcome
from closedloop.sandbox.salesforce.refusal import Refusal, not_found
from closedloop.sandbox.salesforce.rest.call import Answer, Call


class DeployRequests:
    """POST metadata/deployRequest, and GET or PATCH of one."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def every(self, call: Call) -> Answer:
        """POST: a new deployment, or one that was validated before."""
        if call.request.mimetype != "multipart/form-data":
            validated = call.body().get("validatedDeployRequestId")
            if not isinstance(validated, str):
                raise Refusal("INVALID_MULTIPART_REQUEST", "the request has no zip file")
            return self._taken(call, self._deployments.again(validated), validated)
        data, body = _parts(call.request)
        given = body.get("deployOptions")
        try:
            options = from_json(given if isinstance(given, dict) else {})
        except OptionsError as error:
            raise Refusal("JSON_PARSER_ERROR", str(error)) from None
        return self._taken(call, self._deployments.start(data, options), None)

    def one(self, call: Call) -> Answer:
        """GET: how it goes. PATCH: cancel it."""
        given = call.path["request"]
        try:
            if call.method == "PATCH":
                return self._cancelled(call, given)
            found = self._deployments.poll(given)
        except Refusal as refusal:
            if refusal.code == "INVALID_CROSS_REFERENCE_KEY":
                raise not_found() from None
            raise
        details = (call.argument("includeDetails") or "").lower() == "true"
        return Answer(body=_body(found, details=details))

    def _cancelled(self, call: Call, given: str) -> Answer:
        wanted = call.body().get("deployResult")
        if not isinstance(wanted, dict) or wanted.get("status") not in ("Canceling", "Canceled"):
            raise Refusal("JSON_PARSER_ERROR", "deployResult.status can only become Canceling")
        found = self._deployments.cancel(given)
        return Answer(status=202, body={**_body(found, details=True), "url": _url(call, found)})

    def _taken(self, call: Call, found: Outcome, validated: str | None) -> Answer:
        body = {
            "validatedDeployRequestId": validated,
            "id": found.id,
            "url": _url(call, found),
            "deployOptions": found.options.as_json(),
            "deployResult": None,
        }
        return Answer(status=201, body=body)


def _body(found: Outcome, *, details: bool) -> dict[str, Any]:
    return {
        "id": found.id,
        "validatedDeployRequestId": None,
        "deployOptions": None,
        "deployResult": found.as_json(details=details),
    }


def _url(call: Call, found: Outcome) -> str:
    return f"{call.url}/services/data/v{call.version}/metadata/deployRequest/{found.id}"


def _parts(request: Request) -> tuple[bytes, Mapping[str, Any]]:
    """The zip, and the JSON beside it."""
    data, body = None, None
    contents = list(_contents(request))
    request.close()  # else the files that werkzeug keeps the parts in stay open
    for content in contents:
        if content[:2] == b"PK":
            data = content
        else:
            body = _object(content)
    if data is None or body is None:
        message = "the request needs two parts: the deployOptions as JSON, and the zip file"
        raise Refusal("INVALID_MULTIPART_REQUEST", message)
    return data, body


def _contents(request: Request) -> Iterator[bytes]:
    yield from (text.encode() for text in request.form.values())
    for file in request.files.values():
        yield file.read()


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise Refusal("JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from None
    if not isinstance(found, dict):
        raise Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object.")
    return found
