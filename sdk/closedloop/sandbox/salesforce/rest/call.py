"""One API request as the endpoints see it, and their answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request

from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal, not_found
from closedloop.sandbox.salesforce.rest.blobs import MULTIPART, record_in
from closedloop.sandbox.salesforce.rest.json_body import object_in
from closedloop.sandbox.salesforce.schema.sobject import SObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and body; None is no body at all. `csv` and `raw` are not JSON."""

    status: int = 200
    body: Any = None
    csv: str | None = None
    raw: bytes | None = None
    kind: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was let in. `path` holds the parts of the address that vary."""

    org: Org
    url: str
    request: Request
    path: Mapping[str, str]

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def version(self) -> str:
        """The API version in the address, as 62.0."""
        return self.path["version"]

    @property
    def user(self) -> str:
        """Who calls: everything over the API is done by the integration user."""
        return self.org.integration_user_id

    def argument(self, name: str) -> str | None:
        """A query parameter."""
        return self.request.args.get(name)

    def kind(self) -> SObject:
        """The object named in the address."""
        kind = self.org.objects.find(self.path["sobject"])
        if kind is None:
            raise not_found()
        return kind

    def body(self) -> dict[str, Any]:
        """The JSON object sent, or the parts of a record with a file."""
        if self.request.mimetype == MULTIPART:
            return record_in(self.request)
        return object_in(self.request.get_data(), self.request.mimetype)


def writeable(kind: SObject, verb: str) -> None:
    """Refuses to write objects that only an administrator keeps."""
    if not kind.may(verb):
        message = f"entity type {kind.name} does not support {verb}"
        raise Refusal("INVALID_TYPE_FOR_OPERATION", message)
