"""Takes the arguments out of a request for the views, with our refusals in place of the framework's."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.datastructures import MultiDict

from closedloop_server.api.arguments import given, refusal
from closedloop_server.api.problems import RequestError


class Parser(FlaskParser):
    """Reads the query and JSON bodies."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"query": RAISE, "json": RAISE}  # noqa: RUF012 - webargs declares it so

    def load_querystring(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002 - webargs's signature
        """The query; what it does not name is left out."""
        return MultiDict(given(req.args))

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The JSON object in the body."""
        if not is_json_request(req):
            raise RequestError(
                "expected a JSON object in the body, with `Content-Type: application/json`",
                status=415,
                reason="not_json",
            )
        try:
            return super().load_json(req, schema)
        except ValueError as error:
            # Python reads no number of more than 4,300 digits, and says so with an error of its own.
            raise RequestError("the body holds a number that nobody can read", reason="not_json") from error

    def handle_error(
        self,
        error: ValidationError,
        req: Request,  # noqa: ARG002 - webargs's signature
        schema: Schema,
        **_: Any,
    ) -> NoReturn:
        # One argument comes from one place: which, is clear without the name that webargs puts around it.
        (messages,) = error.messages_dict.values()
        raise refusal(schema, messages) from error

    def _handle_invalid_json_error(self, error: Any, req: Request, *_: Any, **__: Any) -> NoReturn:  # noqa: ARG002 - webargs's signature
        raise RequestError("the body is not JSON in UTF-8", reason="not_json") from error
