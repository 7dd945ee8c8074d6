"""The forms of HubSpot's ids, checked before one reaches a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from closedloop.errors import RefusedError

_RECORD = re.compile(r"[0-9]{1,20}", re.ASCII)
_HIGHEST = 2**63 - 1
"""HubSpot's ids are 64-bit integers ("format: int64" in its OpenAPI descriptions); a greater one would have
it refuse the batch."""
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def is_record_id(value: Any) -> bool:
    """Whether this is the numeric id of a CRM record."""
    return isinstance(value, str) and _RECORD.fullmatch(value) is not None and int(value) <= _HIGHEST


def is_guid(value: Any) -> bool:
    """Whether this is the id of a campaign in the marketing API; its numeric object id is another."""
    return isinstance(value, str) and _GUID.fullmatch(value.lower()) is not None


def id_of(payload: Mapping[str, Any] | None) -> str | None:
    """The id that an answer gives a record, if it is of the form of one."""
    value = payload.get("id") if payload else None
    text = str(value) if type(value) in {str, int} else ""
    if is_record_id(text):
        return text
    return text.lower() if is_guid(text) else None


def campaign_guid(value: str) -> str:
    """The campaign's GUID in lower case; anything else is refused before it is sent."""
    if not is_guid(value):
        raise RefusedError(
            "a HubSpot campaign is named by its GUID, as 430318c4-abb7-4bf7-a75e-9c5fa8f475a6",
            reason="bad_id",
            code="bad_id",
        )
    return value.lower()


def pair_of(value: str) -> tuple[str, str] | None:
    """Both halves of an id of ours made of two of HubSpot's ("guid/contact", "deal/contact")."""
    left, slash, right = value.partition("/")
    return (left, right) if slash and (is_record_id(left) or is_guid(left)) and is_record_id(right) else None
