"""Reads a request: what a stranger sends is either understood or refused with HubSpot's 400."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from werkzeug import Request

from closedloop.sandbox.hubspot.access.tokens import Access
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.record import Origin
from closedloop.sandbox.hubspot.rest.reading import (
    an_id,
    an_object,
    inputs_of,
    mapping,
    objects,
    parsed,
    repeated,
    whole,
    words,
)
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind

__all__ = ["an_id", "inputs_of", "mapping", "objects", "repeated", "whole", "words"]

Answer = tuple[int, Any]
_JSON = re.compile(r"[/+]json$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to the API, as its handler gets it; `path` holds what the route's variables matched."""

    portal: Portal
    access: Access
    request: Request
    path: Mapping[str, str]
    at: datetime
    origin: Origin

    @property
    def kind(self) -> ObjectKind:
        """The object type that the path names; 400 when there is none."""
        return self.portal.kinds.get(self.path["type"])

    @property
    def host(self) -> str:
        """Where the caller found the portal: the links of answers lead there, as HubSpot's do to its own."""
        return f"{self.request.scheme}://{self.request.host}"

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; 400 for anything else."""
        return body_of(self.request)

    def listed(self, name: str) -> list[str]:
        """A list parameter, sent repeated or with commas or both."""
        return listed(self.request, name)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A body that is none: the answer leads to another address."""

    url: str


Handler = Callable[[Call], Answer]
Routes = tuple[tuple[str, str, str, Handler], ...]
"""Method, area (routes.py has its prefixes), rest of the path, handler."""


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; 415 where the sender says that it is something else."""
    if request.mimetype and not _JSON.search(request.mimetype):
        raise HubSpotError("HTTP 415 Unsupported Media Type", status=415, category=None)
    return an_object(parsed(request.get_data()))


def listed(request: Request, name: str) -> list[str]:
    """A list parameter, sent repeated or with commas or both."""
    parts = (part for value in request.args.getlist(name) for part in value.split(","))
    return [part.strip() for part in parts if part.strip()]


def a_day(request: Request, name: str) -> date | None:
    """A date parameter, YYYY-MM-DD."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HubSpotError(f"Invalid {name}: expected a date as YYYY-MM-DD") from None


def is_true(request: Request, name: str) -> bool:
    """A yes/no parameter."""
    return request.args.get(name, "false").lower() == "true"
