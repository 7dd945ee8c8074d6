"""A request that cannot be answered, and the JSON answer that says so."""

from __future__ import annotations

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from closedloop.errors import ClosedLoopError


class RequestError(ClosedLoopError):
    """A request that is refused; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, *, status: int = 400, reason: str = "bad_request") -> None:
        super().__init__(message, reason=reason)
        self.status = status


def of_refusal(error: ClosedLoopError) -> RequestError:
    """The refusal of what an operator asked for: 404 for what is not there, 409 for what is well said and
    cannot be done as things are."""
    status = 404 if (error.reason or "").startswith("unknown_") else 409
    return RequestError(error.message, status=status, reason=error.reason or "bad_request")


def unauthorised(sent: bool) -> RequestError:
    """The refusal of a request that carries no valid token."""
    if sent:
        return RequestError(
            "the token is unknown or was revoked: make a new one with `closedloop token create`",
            status=401,
            reason="invalid_token",
        )
    return RequestError(
        "a token is needed: send it as `Authorization: Bearer <token>`; `closedloop token create` makes one",
        status=401,
        reason="token_needed",
    )


def answer(problem: RequestError) -> Response:
    """The JSON answer to a refused request."""
    response = jsonify({"error": problem.reason, "message": problem.message})
    response.status_code = problem.status
    if problem.status == 401:
        # RFC 6750, 3: the error code is given only where a token was sent.
        error = ', error="invalid_token"' if problem.reason == "invalid_token" else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="Closed Loop"{error}'
    return response


def of_http(exc: HTTPException) -> Response:
    """The JSON answer to an error that Flask raised itself, or that names headers of its own."""
    code = exc.code or 500
    problem = RequestError(
        exc.description or exc.name, status=code, reason=exc.name.lower().replace(" ", "_")
    )
    response = answer(problem)
    for name, value in exc.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response
