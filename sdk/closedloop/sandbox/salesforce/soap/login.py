"""SOAP login, as old integrations still do it.

SOAP API Developer Guide, login(); the fault is one that clients' own tests record. The call is gone from
version 65.0 on (reference: Retirement calendar); what those versions answer to it is unverified.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.login.oauth import Login
from closedloop.sandbox.salesforce.login.sessions import Sessions
from closedloop.sandbox.salesforce.partner.reading import user_info
from closedloop.sandbox.salesforce.soap.markup import Markup, tag
from closedloop.sandbox.salesforce.soap.service import FaultError, Operation

_LAST_VERSION = 64


def login(operation: Operation, accounts: Login, sessions: Sessions, *, letter: str) -> Markup:
    """A session for a username and password; `letter` is that of the API."""
    if float(operation.version) > _LAST_VERSION:
        raise FaultError("INVALID_OPERATION", "SOAP API login() is disabled in this version of the API.")
    username, password = (operation.element.value(name) or "" for name in ("username", "password"))
    if not accounts.knows(username, password):
        raise FaultError("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    call = operation.call
    server, end = f"{call.url}/services/Soap", f"{operation.version}/{call.org.organization_id[:15]}"
    result = {
        "metadataServerUrl": f"{server}/m/{end}",
        "passwordExpired": False,
        "sandbox": call.org.get("Organization", call.org.organization_id)["IsSandbox"],
        "serverUrl": f"{server}/{letter}/{end}",
        "sessionId": sessions.issue(),
        "userId": call.user,
        "userInfo": user_info(call),
    }
    return tag("result", result)
