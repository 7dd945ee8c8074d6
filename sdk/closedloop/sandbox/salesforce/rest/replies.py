"""A refusal that a fault asks for, as the interface that was called writes it: JSON, XML or a SOAP fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from werkzeug import Request

from closedloop.sandbox.faults.effects import Reply
from closedloop.sandbox.salesforce.bulk import dataload
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.allowances import Usage
from closedloop.sandbox.salesforce.rest.call import Answer

# Bulk API Developer Guide, "Errors"; which of the codes stands for a server error is not documented.
_BULK_CODES: Mapping[str, str] = {
    "INVALID_SESSION_ID": "InvalidSessionId",
    "QUERY_TIMEOUT": "Timeout",
    "REQUEST_LIMIT_EXCEEDED": "ExceededQuota",
    "UNABLE_TO_LOCK_ROW": "TooManyLockFailure",
}


def answer_of(reply: Reply, request: Request, *, usage: Usage, handle: Callable[[], Answer]) -> Answer:
    """The answer to a request whose reply has a refusal as its body; `handle` answers it otherwise."""
    refusal: Refusal = reply.body
    if request.path.startswith("/services/Soap"):
        # Where a call is counted SOAP makes a fault of it; a login counts as none, and is let pass.
        usage.refusal = refusal
        try:
            return handle()
        finally:
            usage.refusal = None
    if request.path.startswith("/services/async"):
        code = _BULK_CODES.get(refusal.code, "Unknown")
        meant = Refusal(code, refusal.message, status=refusal.status)
        return dataload.refused(meant, as_json=dataload.in_json(request))
    return Answer(status=reply.status, body=refusal.as_answer(), headers=reply.headers)
