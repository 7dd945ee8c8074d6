"""A resource of the API: one decorator that routes to a view, checks the arguments, and documents both."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Blueprint as Undocumented
from flask_smorest import Blueprint
from marshmallow import Schema

from closedloop_server.access import Scope, require
from closedloop_server.api.arguments import NoArguments
from closedloop_server.api.document import refusal_name
from closedloop_server.api.fields import Answer
from closedloop_server.api.parsing import Parser

View = Callable[..., Any]

_PARAMETERS: dict[str, dict[str, Any]] = {
    "campaign_id": {
        "description": "`<connection>:<CRM id>`, or the CRM id alone where one connection alone has it.",
        "example": "salesforce:701Qy0000000000AAA",
    },
    "name": {"description": "The name, as the list of all gives it.", "example": "salesforce"},
    "number": {"description": "The id, as the list of all gives it.", "example": 4711},
    "id_": {"description": "The id, as the list of all gives it.", "example": "sub_0123456789abcdef01234567"},
}
_ANYWHERE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
)
"""The statuses of a refusal that every resource may answer with."""
_WITH_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


class Resources(Blueprint, Undocumented):  # type: ignore[misc]  # the package has no type information
    """A blueprint whose views are told their arguments as a dictionary: the query's, or the body's."""

    ARGUMENTS_PARSER = Parser()

    def resource(
        self,
        rule: str,
        answer: type[Answer],
        *,
        method: str = "GET",
        arguments: type[Schema] = NoArguments,
        body: type[Schema] | None = None,
        refusals: tuple[HTTPStatus, ...] = (),
        status: HTTPStatus = HTTPStatus.OK,
        scope: Scope = Scope.REPORTS,
        tag: str = "Reports",
    ) -> Callable[[View], View]:
        """Registers a view that needs `scope`; `refusals` are the statuses besides those that every resource
        may answer with. With a `body` the view is told what that says, else what the query says."""

        def decorated(view: View) -> View:
            documented = self.response(status, answer)(view)
            for refusal in (*_ANYWHERE, *(_WITH_BODY if body else ()), *refusals):
                documented = self.alt_response(refusal, response=refusal_name(refusal))(documented)
            security = [{"token": [scope.value]}]
            documented = self.doc(operationId=view.__name__, security=security)(documented)
            location = "json" if body else "query"
            documented = self.arguments(body or arguments, location=location)(documented)
            documented = require(scope)(documented)
            self.route(rule, parameters=_parameters(rule), tags=[tag], methods=[method])(documented)
            return view

        return decorated

    def register_views_in_doc(self, api: Any, *args: Any, **kwargs: Any) -> None:
        """Leaves the description for the first who asks: making it takes longer than all the routes."""
        api.describe_later(lambda: Blueprint.register_views_in_doc(self, api, *args, **kwargs))

    def add_undocumented(self, rule: str, view: View, **options: Any) -> None:
        """Routes to a view that the document does not show."""
        Undocumented.add_url_rule(self, rule, view_func=view, **options)


def _parameters(rule: str) -> list[dict[str, Any]]:
    return [
        {"in": "path", "name": name, **told}
        for name, told in _PARAMETERS.items()
        if f"<{name}>" in rule or f":{name}>" in rule
    ]
