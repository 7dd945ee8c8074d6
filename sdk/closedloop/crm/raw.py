"""The CRM's own API under the connection's authentication, timeouts, retries and errors.

crm.raw.get("sobjects/Lead/describe")
crm.raw.post("/crm/v3/objects/tickets/search", {"filterGroups": […]})
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

from closedloop.crm import wire
from closedloop.errors import BadValueError

_PATH = re.compile(r"/?[\w.~!$&'()*+,;=:@%-]+(/[\w.~!$&'()*+,;=:@%-]*)*", re.ASCII)
_STEPS = frozenset({".", ".."})  # also as %2e: what sends the request would take such steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer. `headers` are looked up in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The decoded body, numbers with a fraction as Decimal, None for an empty one; AnswerError when it
        is not JSON."""
        return wire.loads(self.body)


class Sender(Protocol):
    """An adapter's client, as far as raw calls and bulk jobs need it."""

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """Sends one request, as often as it takes and is safe.

        `path` is the CRM's, from its host on with a leading slash; without one, for Salesforce, from the
        API version on. `body` is sent as JSON, bytes as they are. `repeatable` says whether doing it twice
        does no harm: by default so for GET, HEAD, PUT and DELETE. A request that is not is repeated only
        after answers that prove that nothing happened; when there is no proof it is an UncertainError.
        """


class Raw:
    """Calls of the CRM's own API; the answer is the decoded JSON."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The answer to a GET."""
        return self.request("GET", path, params=params).json()

    def post(self, path: str, body: Any = None, *, repeatable: bool | None = None) -> Any:
        """The answer to a POST; without an answer repeated only if `repeatable` says that it does no harm."""
        return self.request("POST", path, body=body, repeatable=repeatable).json()

    def patch(self, path: str, body: Any = None, *, repeatable: bool = True) -> Any:
        """The answer to a PATCH."""
        return self.request("PATCH", path, body=body, repeatable=repeatable).json()

    def put(self, path: str, body: Any = None) -> Any:
        """The answer to a PUT."""
        return self.request("PUT", path, body=body).json()

    def delete(self, path: str) -> Any:
        """The answer to a DELETE."""
        return self.request("DELETE", path).json()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """The answer with its status and headers; BadValueError for a path that could lead off the CRM."""
        _check_headers(headers or {})
        return self._sender.request(
            method.upper(),
            checked_path(path),
            params=params,
            body=body,
            headers=headers,
            repeatable=repeatable,
        )


def _check_headers(headers: Mapping[str, str]) -> None:
    if any(name.lower() == "authorization" for name in headers):
        raise BadValueError(
            "the connection sends its own Authorization header: connect with the other credentials instead",
            field="headers",
            reason="own_authorization",
        )


def checked_path(path: object) -> str:
    """The path, if it stays on the CRM's host: the token must not travel elsewhere."""
    if (
        not isinstance(path, str)
        or not _PATH.fullmatch(path)
        or "//" in path
        or not _STEPS.isdisjoint(unquote(path).split("/"))
    ):
        raise BadValueError(
            "the path is not one below the CRM's host: write it like /crm/v3/objects/tickets, "
            "without a host, and put a query into params",
            field="path",
            reason="bad_path",
        )
    return path
