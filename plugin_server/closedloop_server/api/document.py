"""The OpenAPI document: what it says about everything, and how our fields read in it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask
from flask_smorest import Api
from flask_smorest.utils import prepare_response
from marshmallow import fields, validate

from closedloop_server.api.bodies import Problem

TITLE = "Closed Loop"
VERSION = "1"
OPENAPI_VERSION = "3.1.0"
DESCRIPTION = """\
What sales decided about the people that campaigns brought, and why.

Every request carries a token (`closedloop token create NAME`) as a bearer token. Decimals are text, so that
they stay exact; times are ISO 8601 in UTC. A blank argument counts as left out; an unknown one is refused. A
list answers `next_cursor` while there is more: pass it back as `cursor` with the same other arguments; lists
with numbers answer `next_before`, for `before`. Every answer carries an `ETag`: a request with the same value
in `If-None-Match` is answered with 304 and no body.
"""

TAGS = {
    "Reports": "What sales decided, on which campaigns it counts, and how far the CRMs were told.",
    "Operations": "What runs, what waits and what was refused; for tokens with the scope `operate`.",
    "Subscriptions": "Who is told by webhook; for tokens with the scope `admin`.",
    "Access": "Tokens, and who changed what; for tokens with the scope `admin`.",
    "About": "The API itself.",
}


REFUSALS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
}
"""What a refusal is called, by its status, as in RFC 9110 (15.5) and RFC 6585 (4). Python's own names changed
with its version 3.13."""


def refusal_name(status: int) -> str:
    """Under which name the document describes a refusal."""
    return REFUSALS[status].upper().replace(" ", "_")


class Documented(Api):  # type: ignore[misc]  # the package has no type information
    """The API of one application, and its document."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
        super().__init__(
            app,
            spec_kwargs={
                "title": TITLE,
                "version": VERSION,
                "openapi_version": OPENAPI_VERSION,
                "info": {"description": DESCRIPTION},
                "marshmallow_plugin": plugin,
            },
        )
        converter: Any = plugin.converter  # there is one since the document was made
        converter.add_attribute_function(_of_an_enum)
        converter.add_parameter_attribute_function(_may_be_blank)
        self.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
        self._undescribed: list[Callable[[], None]] = []
        self._describing = Lock()

    def describe_later(self, describe: Callable[[], None]) -> None:
        """Has something described when the document is asked for."""
        self._undescribed.append(describe)

    def whole(self) -> dict[str, Any]:
        """The document."""
        with self._describing:
            for describe in self._undescribed:
                describe()
            # Not one by one: after a failure the document would be answered without what failed.
            self._undescribed.clear()
        tags = [{"name": name, "description": told} for name, told in TAGS.items()]
        return {**self.spec.to_dict(), "tags": tags}

    def _register_responses(self) -> None:
        """Describes the refusals, which all have the same form."""
        for status, phrase in REFUSALS.items():
            response = {"description": phrase, "schema": Problem}
            prepare_response(response, self.spec, self.DEFAULT_RESPONSE_CONTENT_TYPE)
            self.spec.components.response(refusal_name(status), response, lazy=True)

    def _register_error_handlers(self) -> None:
        """Leaves the errors to our own handlers: the pages and the webhooks are in the same application."""

    def _register_pagination_header(self) -> None:
        """Leaves out a header that no list of ours sends: `next_cursor` leads on."""


def _schema_name(schema: Any) -> str:
    found: Any = resolve_schema_cls(schema)
    name: str = found.__name__
    return name.removesuffix("Answer")


def _of_an_enum(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    """That all our enumerations are texts, and which of their members a check leaves over."""
    if not isinstance(field, fields.Enum):
        return {}
    told: dict[str, Any] = {"type": ["string", "null"] if field.allow_none else "string"}
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            told["enum"] = [member.value for member in field.enum if member in check.choices]
    return told


def _may_be_blank(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    return {"allowEmptyValue": True} if not field.required else {}
