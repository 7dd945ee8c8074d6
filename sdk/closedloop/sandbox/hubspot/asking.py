"""Reads a request: what a stranger sends is either understood or refused with HubSpot's 400."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from werkzeug import Request

from closedloop.sandbox.hubspot.access import Access
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.kinds import ObjectKind, kind_of
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records import Origin

Answer = tuple[int, Any]


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
        return kind_of(self.path["type"])

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; 400 for anything else."""
        return body_of(self.request)

    def listed(self, name: str) -> list[str]:
        """A list parameter, sent repeated or with commas or both."""
        return listed(self.request, name)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise HubSpotError("Invalid input JSON on line 1, column 1: expected an object")
    return body


def inputs_of(body: Mapping[str, Any], limit: int, *, of: str = "") -> list[dict[str, Any]]:
    """The inputs of a batch, at most `limit`. The words of the refusal are those for property histories
    (pull request 9359 of activepieces/activepieces); those of other batches are not known."""
    inputs = objects(body, "inputs")
    if len(inputs) > limit:
        what = f"a batch request for {of}" if of else "a batch request"
        raise HubSpotError(
            f"The maximum number of inputs supported in {what} is {limit}. "
            "Please reduce the number of items and try again"
        )
    return inputs


def objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects under a name; nothing there is an empty list."""
    rows = body.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HubSpotError(f"Invalid input JSON: {name} has to be a list of objects")
    return rows


def mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object under a name; nothing there is an empty object."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HubSpotError(f"Invalid input JSON: {name} has to be an object")
    return value


def words(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts under a name."""
    values = body.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise HubSpotError(f"Invalid input JSON: {name} has to be a list")
    return [str(value) for value in values]


def an_id(body: Mapping[str, Any], name: str = "id") -> str:
    """An id under a name: clients send it as text or as a number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise HubSpotError(f"Some required fields were not set: [{name}]")
    return str(value)


def listed(request: Request, name: str) -> list[str]:
    """A list parameter, sent repeated or with commas or both."""
    parts = (part for value in request.args.getlist(name) for part in value.split(","))
    return [part.strip() for part in parts if part.strip()]


def whole(raw: Any, name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
    """A whole number within bounds."""
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except (TypeError, ValueError):
        raise HubSpotError(f"Invalid {name}: expected a whole number") from None
    if value < least or (most is not None and value > most):
        raise HubSpotError(f"Invalid {name}: {value} is not between {least} and {most}")
    return value


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


def repeated(values: Iterable[str]) -> list[str]:
    """The values that occur more than once."""
    return [value for value, times in Counter(values).items() if times > 1]
