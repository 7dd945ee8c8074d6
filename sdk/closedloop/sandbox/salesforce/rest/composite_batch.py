"""Composite batch: up to 25 requests in one, each on its own.

REST API Developer Guide, "Batch".
"""

from __future__ import annotations

import re
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.composite import Inner, answered, too_many

_MOST = 25
_HALTED = [
    {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"},
]


def batch(call: Call, inner: Inner) -> Answer:
    """Runs the requests in order; with haltOnError none is run after one that failed."""
    body = call.body()
    requests = body.get("batchRequests")
    if not isinstance(requests, list) or not all(_complete(request) for request in requests):
        raise Refusal("JSON_PARSER_ERROR", "batchRequests is required: method and url of each.")
    if len(requests) > _MOST:
        raise too_many(f"Limit of {_MOST} subrequests exceeded")
    results: list[dict[str, Any]] = []
    failed = False
    for request in requests:
        if failed and body.get("haltOnError"):
            results.append({"statusCode": 412, "result": _HALTED})
            continue
        answer = answered(inner, request, _address(request["url"]), request.get("richInput"))
        failed = failed or answer.status >= 400
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(body={"hasErrors": failed, "results": results})


def _complete(request: Any) -> bool:
    return isinstance(request, dict) and all(isinstance(request.get(name), str) for name in ("method", "url"))


def _address(url: str) -> str:
    """The whole address: it may begin with the version."""
    return f"/services/data/{url.lstrip('/')}" if re.match(r"/?v\d", url) else url
