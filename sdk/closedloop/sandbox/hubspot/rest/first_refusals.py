"""What the first APIs say of what there is not, and of what cannot be done.

Recorded: the cassettes of sensadrome/hubspot-api-ruby.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.settings.kinds import COMPANIES, ObjectKind

_GONE = "OBJECT_NOT_FOUND"


class CodedError(HubSpotError):
    """A 404 with a code under a name of its own instead of a category."""

    def __init__(self, message: str, *, name: str, code: str) -> None:
        super().__init__(message, status=404, category=None)
        self._code = {name: code}

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        return super().body(correlation_id) | self._code


class NestedError(HubSpotError):
    """A 400 whose message holds the whole refusal as JSON."""

    def __init__(self, message: str) -> None:
        super().__init__(message, category=None)

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        whole = super().body(correlation_id)
        return whole | {"message": json.dumps(whole, separators=(",", ":"))}


def no_record(kind: ObjectKind, portal_id: int, record_id: str) -> HubSpotError:
    """The 404 for a company or deal that is to be changed."""
    errors = [{"message": f"This {kind.singular} {record_id} does not exist."}]
    if kind is COMPANIES:
        words = f"Couldn't find a company with the ID '{record_id}' in portal '{portal_id}'"
        code = "COMPANY_NOT_FOUND"
        return HubSpotError(words, status=404, category=_GONE, sub_category=code, errors=errors)
    words = f"No deal found for dealId={record_id} portalId={portal_id}"
    return HubSpotError(words, status=404, category=_GONE, errors=errors)


def no_list(list_id: str) -> HubSpotError:
    """The 404 for a list."""
    errors = [{"message": f"This list {list_id} does not exist."}]
    words = f"Couldn't find a List with the given id '{list_id}'."
    return HubSpotError(words, status=404, category=_GONE, errors=errors)


def no_property(name: str) -> HubSpotError:
    """The 404 for a property."""
    words = f"Couldn't find a Property with the given name '{name}'"
    return CodedError(words, name="propertiesErrorCode", code="PROPERTY_NOT_FOUND")


def no_group(name: str) -> HubSpotError:
    """The 404 for a group of properties."""
    words = f"Couldn't find a Group with the given name '{name}'."
    return CodedError(words, name="groupsErrorCode", code="GROUP_NOT_FOUND")


@contextmanager
def unless_there(problem: HubSpotError) -> Iterator[None]:
    """Says `problem` where what is asked for is not there."""
    try:
        yield
    except HubSpotError as found:
        if found.status != problem.status:
            raise
        raise problem from None
