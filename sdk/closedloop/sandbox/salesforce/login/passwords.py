"""The passwords of users, which nobody can read: whether one is over, and new ones.

REST API Developer Guide, "sObject User Password"; SOAP API Developer Guide, setPassword(), resetPassword().
Only the integration user can log in, so that only for this one a new password means anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from closedloop.sandbox.salesforce.login.oauth import Login
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.lookups import found
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.soap.markup import Markup, tag
from closedloop.sandbox.salesforce.soap.service import Operation


class Passwords:
    """Sets them, over REST and over SOAP."""

    def __init__(self, services: Services) -> None:
        self._login: Login = services.login

    def routes(self) -> tuple[Route, ...]:
        """The resource of a user's password; nforce writes names in lower case."""
        methods = "GET POST DELETE"
        return tuple(
            Route(methods=methods, path=f"/sobjects/{name}/<id>/password", handler=self._resource)
            for name in ("User", "user")
        )

    def operations(self) -> Mapping[str, Callable[[Operation], Markup]]:
        """The calls of SOAP by name."""
        return {"resetPassword": self._reset_by_call, "setPassword": self._set_by_call}

    def _resource(self, call: Call) -> Answer:
        user = _user(call.org, call.path["id"])
        if call.method == "GET":
            return Answer(body={"isExpired": False})
        if call.method == "DELETE":
            return Answer(body={"NewPassword": self._reset(call.org, user)})
        # Names of fields are in any case; nforce writes newPassword.
        body = {name.lower(): value for name, value in call.body().items()}
        self._set(call.org, user, str(body.get("newpassword") or ""))
        return Answer(status=204)

    def _set_by_call(self, operation: Operation) -> Markup:
        org, element = operation.call.org, operation.element
        self._set(org, _user(org, element.value("userId") or ""), element.value("password") or "")
        return tag("result", "")

    def _reset_by_call(self, operation: Operation) -> Markup:
        org = operation.call.org
        password = self._reset(org, _user(org, operation.element.value("userId") or ""))
        return tag("result", {"password": password})

    def _set(self, org: Org, user: str, password: str) -> None:
        if not password:
            # The words are our own.
            raise Refusal("INVALID_NEW_PASSWORD", "Your new password cannot be empty.")
        if user == org.integration_user_id:
            self._login.password = password

    def _reset(self, org: Org, user: str) -> str:
        password = secrets.token_urlsafe(8)
        self._set(org, user, password)
        return password


def _user(org: Org, given: str) -> str:
    return str(found(org, org.objects["User"], given)["Id"])
